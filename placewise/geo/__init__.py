"""Spatial statistics. Frames and arrays in, frames and arrays out."""
