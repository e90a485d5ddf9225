"""A file as a driver may have it: opened, neither it nor anything beside it changes, and its path means only a path.

A database with a write-ahead log is merged by whoever opens it, a driver of XML writes what it found beside its
source, and “!” or “https:” in a path is an archive or an address to some libraries. So such files are opened as
links or copies in a folder of our own.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gis_renovation.errors import FileError
from gis_renovation.writing import is_plain, temporary_folder

_DATABASES = (".gpkg", ".sqlite")
_XML = (".kml", ".gml", ".gpx")
# What stands beside a database while changes wait to be merged, or to be taken back after an interruption.
UNMERGED = ("-wal", "-journal")


@contextmanager
def lent(path: Path) -> Iterator[Path]:
    """A path at which any driver may open the file, for as long as the block takes."""
    with temporary_folder() as scratch:
        yield borrow(path, scratch)


def borrow(path: Path, scratch: Path) -> Path:
    """A path at which any driver may open the file: itself, or a link or copy in a new folder of ``scratch``.

    Raises FileError for a database that another program is writing all the while. O(bytes) for a database with a
    write-ahead log, else O(files beside it).
    """
    path, suffix = path.absolute(), path.suffix.lower()
    if suffix in _DATABASES and needs_merging(path):
        return _merged_copy(path, _folder(scratch))
    if suffix in _XML:
        return _linked([path], path, _folder(scratch))
    if is_plain(path):
        return path
    beside = [p for p in sorted(path.parent.iterdir()) if p.stem == path.stem and p != path]
    return _linked([*beside, path], path, _folder(scratch))


def needs_merging(path: Path) -> bool:
    """Whether whoever opens this database would write: it keeps, or left, a log beside itself."""
    with path.open("rb") as stream:
        head = stream.read(20)
    return b"\2" in head[18:20] or bool(unmerged(path))


def unmerged(path: Path) -> list[Path]:
    """The files beside a database that hold changes of it."""
    beside = (path.with_name(path.name + suffix) for suffix in UNMERGED)
    return [side for side in beside if side.is_file() and side.stat().st_size]


def digests(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each file by its name."""
    found = {}
    for path in files:
        with path.open("rb") as stream:
            found[path.name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def _folder(scratch: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=scratch))


def _linked(files: Sequence[Path], path: Path, folder: Path) -> Path:
    """Links to the files under a plain name; copies where the system makes no links."""
    stem = re.sub(r"[:!;?#%*\"<>|]", "_", path.stem)
    for file in files:
        target = folder / f"{stem}{file.suffix}"
        try:
            target.symlink_to(file, target_is_directory=file.is_dir())
        except OSError:
            shutil.copytree(file, target) if file.is_dir() else shutil.copyfile(file, target)
    return folder / f"{stem}{path.suffix}"


_ATTEMPTS = 3


def _merged_copy(path: Path, folder: Path) -> Path:
    """A copy of a database with what waits beside it merged in, or taken back if its writer was interrupted."""
    copy = folder / f"database{path.suffix}"
    for _ in range(_ATTEMPTS):
        before = _state(path)
        for file in [path, *unmerged(path)]:
            shutil.copyfile(file, folder / file.name.replace(path.name, copy.name))
        if _state(path) == before:
            break
        for stale in folder.iterdir():
            stale.unlink()
    else:
        raise FileError(
            f"{path} 正被其他软件不断写入，读到一半内容就变了；请在该软件中保存并关闭后再试。",
            f"{path} is being written by another program and changed while it was read. Save and close it there.",
        )
    with suppress(sqlite3.Error), closing(sqlite3.connect(copy)) as database:  # a damaged one is its driver's to refuse
        database.execute("PRAGMA journal_mode = DELETE").fetchall()
    return copy


def _state(path: Path) -> list[tuple[str, int, int]]:
    return [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in [path, *unmerged(path)]]
