"""Messages and their delivery reports, kept on this machine."""
