"""The search of a published folder for what was withheld."""
