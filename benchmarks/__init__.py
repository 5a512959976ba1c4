"""Each claim of speed beside the peer it is measured against, in one run."""
