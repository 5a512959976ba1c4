"""Flask: pages, tiles, JSON, sign-in, commands. No SQL, no statistics."""
