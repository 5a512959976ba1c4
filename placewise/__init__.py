"""Placewise: contextual safeguarding for places, peer groups and persons of concern."""

__version__ = "0.1.0"
