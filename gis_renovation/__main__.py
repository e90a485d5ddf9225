"""``python -m gis_renovation`` is the same program as ``gis-renovation``."""

from gis_renovation.cli import main

main()
