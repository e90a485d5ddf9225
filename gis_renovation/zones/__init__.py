"""Contiguous renovation zones (连片改造片区) under bounds, with proof and reasons."""
