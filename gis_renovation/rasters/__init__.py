"""Rasters: values per feature, evidence of idleness."""
