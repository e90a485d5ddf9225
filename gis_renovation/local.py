"""Paths of this machine for pyogrio, which would read some of them as addresses."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class _LocalPath(str):
    """A path that pyogrio hands to GDAL as it stands.

    Of other paths it reads what follows “!” as a file in an archive, and what follows “;” not at all; only those that
    begin with GDAL's own “/vsi” are left alone.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return self

    def startswith(self, prefix: Any, *where: Any) -> bool:
        return prefix == "/vsi" or super().startswith(prefix, *where)


def as_local(path: Path) -> str:
    """The file ``path`` on this machine, whatever signs its name holds; never an address elsewhere."""
    return _LocalPath(path.absolute())


@contextmanager
def written_as(path: Path) -> Iterator[Path]:
    """A way to the new file ``path`` that pyogrio's writing through Arrow, which takes plain text, reads as a path."""
    path = path.absolute()
    if not {*"!;"} & {*str(path.parent)}:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="gis-renovation-") as scratch:
        link = Path(scratch) / "folder"
        link.symlink_to(path.parent, target_is_directory=True)
        yield link / path.name
