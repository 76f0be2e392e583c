"""Verbs, pure: comparing, deciding, ordering, recovering."""
