"""YAML on disk to resources and diagnostics."""
