"""A run as the documents people sign and hand in."""
