"""Values to text, pure."""
