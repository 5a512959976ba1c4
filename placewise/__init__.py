"""Placewise: contextual safeguarding for places, peer groups and persons of concern."""
