"""Rows of a damaged file that its driver can still find one by one, where reading in order stops at the damage."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

# Beyond this many rows asking for each takes minutes; such a file is exported again.
MOST_ROWS = 200_000


def readable_rows(path: Path, layer: str, promised: int) -> list[int]:
    """The feature ids, ascending, that can be read one by one; none if the file has more than ``MOST_ROWS`` rows.

    ``promised`` is how many rows the file lists. Ids are tried from 0 up to twice that, as deleted rows leave
    gaps. O(rows), some 30,000 a second.
    """
    import fiona
    from fiona.errors import FionaError

    found: list[int] = []
    if promised > MOST_ROWS:
        return found
    log = logging.getLogger("fiona")
    level = log.level
    log.setLevel(logging.CRITICAL)  # every row that cannot be read is counted by the caller
    try:
        with warnings.catch_warnings(), fiona.open(path, layer=layer) as source:
            warnings.simplefilter("ignore")
            for number in range(2 * promised + 2):
                try:
                    found += [number] if source.get(number) is not None else []
                except (FionaError, OSError, RuntimeError, ValueError, KeyError, UnicodeError):
                    continue
                if len(found) == promised:
                    break
    except (FionaError, OSError, RuntimeError, ValueError, TypeError):
        return found
    finally:
        log.setLevel(level)
    return found
