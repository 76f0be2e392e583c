"""What listens for pushes of the API over HTTP: it knows signatures and bodies, and nothing of reports."""
