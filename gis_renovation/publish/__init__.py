"""What an audience may see of a run: selected, withheld, written, searched, moved into place."""
