"""Documents that leave the process, to and from values."""
