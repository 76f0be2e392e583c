"""One rule a function."""
