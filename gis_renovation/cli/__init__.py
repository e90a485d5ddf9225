"""The commands, and what people see in the terminal."""
