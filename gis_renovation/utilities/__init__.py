"""Utility networks per community and zone."""
