"""Readers of untrusted files, one for each kind; they run only inside the sandbox."""
