"""The state as a local file."""
