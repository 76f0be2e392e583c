"""The state as refs of a git remote."""
