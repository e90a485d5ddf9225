"""What a database file still holds of rows that are gone: freed pages, and the room inside pages nobody uses.

A GeoPackage is an SQLite file; deleting a row only marks its bytes as free. The layout is that of the
SQLite file format (sqlite.org/fileformat2.html, 1.2 to 1.6).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

# Pages of a tree of rows or keys, inside and at the end; they begin with a head of so many bytes.
_HEADS = {0x02: 12, 0x05: 12, 0x0A: 8, 0x0D: 8}


def wipe_freed(path: Path) -> None:
    """Write a database anew without freed pages, and with zeros where no row lies. Same rows, same bytes."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA secure_delete = ON")
        database.execute("VACUUM")
    data = bytearray(path.read_bytes())
    for start, end in _unused(data):
        data[start:end] = bytes(end - start)
    path.write_bytes(data)


def freed_bytes(path: Path) -> int:
    """How many bytes of a database may stem from rows that are gone: freed pages, and unused room that is not empty.

    Raises ValueError if the file is no database. O(bytes).
    """
    data = path.read_bytes()
    if data[:16] != b"SQLite format 3\0":
        raise ValueError(path.name)
    pages = int.from_bytes(data[36:40], "big")
    return pages * _page_size(data) + sum(len(data[a:b].replace(b"\0", b"")) for a, b in _unused(data))


def _page_size(data: bytes | bytearray) -> int:
    size = int.from_bytes(data[16:18], "big")
    return 65_536 if size == 1 else size


def _unused(data: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Where in the file no row lies: between a page's list of rows and the first of them, and in its free blocks."""
    size = _page_size(data)
    for page in range(0, len(data), size):
        # The file's own head stands before that of the first page.
        head = page + (100 if page == 0 else 0)
        length = _HEADS.get(data[head])
        if length is None:
            continue
        rows = int.from_bytes(data[head + 3 : head + 5], "big")
        first = int.from_bytes(data[head + 5 : head + 7], "big") or 65_536
        yield head + length + 2 * rows, page + first
        block = int.from_bytes(data[head + 1 : head + 3], "big")
        while block:
            at = page + block
            yield at + 4, at + int.from_bytes(data[at + 2 : at + 4], "big")
            following = int.from_bytes(data[at : at + 2], "big")
            # Free blocks stand in the order of the file; anything else is damage, and would go round for ever.
            block = following if following > block else 0
