"""The commands, and what people see in the terminal."""

from gis_renovation.cli.commands import main

__all__ = ["main"]
