"""Partner files in: read, check, match, accept or refuse with reasons."""
