"""The API behind a port."""
