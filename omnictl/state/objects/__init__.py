"""The state in an object store."""
