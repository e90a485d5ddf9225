"""``python -m gis_renovation`` is the same program as ``gis-renovation``."""

import sys


def main() -> None:
    """Load the commands and run them; Ctrl-C while they load ends without a trace of the program's own."""
    try:
        from gis_renovation.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
