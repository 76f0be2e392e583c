"""The embedded stand-in for the API: a stranger that happens to speak the same language. Imports nothing of ours."""
