"""What makes no sense in layers as read, and cards drafted for files."""
