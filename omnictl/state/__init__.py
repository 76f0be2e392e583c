"""The memory behind a port."""
