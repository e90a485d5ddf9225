"""Layers to an interactive map page."""
