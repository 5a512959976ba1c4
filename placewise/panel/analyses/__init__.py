"""Calculations that take longer than a page may: each is prepared from the map's own records and run by a worker."""
