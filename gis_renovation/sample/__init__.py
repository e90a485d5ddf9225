"""A synthetic city of any size, with planted and labelled situations."""
