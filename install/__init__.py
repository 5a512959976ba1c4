"""What ``make`` runs before anything is installed: standard library only, one line for each step."""
