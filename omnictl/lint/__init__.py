"""What is allowed and yet hardly meant: one rule a function, an explicit table of all."""
