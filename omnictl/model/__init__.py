"""Nouns: frozen values that everything else speaks of. Imports nothing of ours."""
