"""``python -m gis_renovation`` is the same program as ``gis-renovation``."""

import gc
import sys

# Python looks for cycles among its objects after every 700 new ones. Rows and cells are made by the hundred thousand
# and form none: looking less often saves a tenth of a run.
_NEW_OBJECTS_BETWEEN_LOOKS = 10_000


def main() -> None:
    """Load the commands and run them; Ctrl-C while they load ends without a trace of the program's own."""
    try:
        from gis_renovation.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    gc.set_threshold(_NEW_OBJECTS_BETWEEN_LOOKS)
    run()


if __name__ == "__main__":
    main()
