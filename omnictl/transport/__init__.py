"""The one HTTP client: credentials, trusted hosts, time-outs. What an answer means is decided by the provider."""
