"""The container of Office 97-2003 files (.xls, .et, .doc), and what a worksheet in it holds beside its values.

A compound file is a small file system of sectors in chains ([MS-CFB]); a workbook's stream is a row of records of
the form BIFF8 ([MS-XLS] 2.4). Only what no reader of values tells is looked at: hidden rows, errors, and formulas
whose value was never stored.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# Place of a cell: row and column, from 0.
Place = tuple[int, int]

_FREE = 0xFFFFFFFA  # from here on a number of a sector is none
_ENTRY = 128
_STREAM, _ROOT = 2, 5
_LARGEST = 2**28


@dataclass
class SheetTraps:
    """Cells without a computed value, cells of errors with their text, rows that are hidden; all from 0.

    ``empty_results`` are formulas whose stored value is an empty text: in the files of Excel a result as any other,
    in those of some programs what stands there before anything was computed.
    """

    uncomputed: list[Place] = field(default_factory=list)
    errors: dict[Place, str] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    empty_results: list[Place] = field(default_factory=list)


class CompoundFile:
    """The streams of a compound file by name. Raises ValueError for what is none, or is cut short. O(bytes)."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC) or len(data) < 512:
            raise ValueError("no compound file")
        self._data = data
        self._size, self._small_size = (1 << shift for shift in struct.unpack_from("<2H", data, 30))
        if not 64 <= self._size <= 2**16 or not 8 <= self._small_size <= self._size:
            raise ValueError("sizes of sectors")
        tables, first_entry, _, self._cutoff, first_small, _, first_more, _ = struct.unpack_from("<8L", data, 44)
        sectors = [one for one in struct.unpack_from("<109L", data, 76) if one < _FREE]
        while first_more < _FREE and len(sectors) < len(data) // self._size:
            *more, first_more = self._numbers(self._sector(first_more))
            sectors += [one for one in more if one < _FREE]
        self._next = [number for one in sectors[:tables] for number in self._numbers(self._sector(one))]
        self._small_next = self._numbers(self._chained(first_small)) if first_small < _FREE else []
        self._small = b""
        self._entries: dict[str, tuple[int, int]] = {}
        self._read_entries(self._chained(first_entry))

    @property
    def names(self) -> list[str]:
        """The names of the streams, in the order of the directory."""
        return list(self._entries)

    def stream(self, name: str) -> bytes:
        """A stream's bytes. Raises KeyError for a name there is not."""
        first, size = self._entries[name]
        if size >= self._cutoff:
            return self._chained(first)[:size]
        wide = self._small_size
        parts = (self._small[at * wide : (at + 1) * wide] for at in self._chain(first, self._small_next))
        return b"".join(parts)[:size]

    def _read_entries(self, directory: bytes) -> None:
        for at in range(0, len(directory) - _ENTRY + 1, _ENTRY):
            length, kind = struct.unpack_from("<HB", directory, at + 64)
            first, size = struct.unpack_from("<LL", directory, at + 116)
            if kind == _ROOT and first < _FREE:
                self._small = self._chained(first)
            elif kind == _STREAM and 2 <= length <= 64:
                name = directory[at : at + length - 2].decode("utf-16-le", errors="replace")
                self._entries.setdefault(name, (first, size))

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size
        found = self._data[start : start + self._size]
        if not found:
            raise ValueError("cut short")
        return found

    def _chain(self, first: int, following: list[int]) -> Iterator[int]:
        seen = 0
        while first < _FREE:
            seen += 1
            if first >= len(following) or seen > len(following):
                raise ValueError("a chain of sectors that does not end")
            yield first
            first = following[first]

    def _chained(self, first: int) -> bytes:
        return b"".join(self._sector(number) for number in self._chain(first, self._next))

    @staticmethod
    def _numbers(data: bytes) -> list[int]:
        return list(struct.unpack_from(f"<{len(data) // 4}L", data))


def streams_of(path: Path) -> CompoundFile | None:
    """The compound file at ``path``; None where it is none, too large to be a table, or broken."""
    if path.stat().st_size > _LARGEST:
        return None
    try:
        return CompoundFile(path.read_bytes())
    except (ValueError, struct.error):
        return None


# --- worksheets -----------------------------------------------------------------------------------

_BOF, _EOF, _SHEET, _ROW, _FORMULA, _ERROR = 0x0809, 0x000A, 0x0085, 0x0208, 0x0006, 0x0205
_HIDDEN = 0x20
_NEVER_COMPUTED = 0x02  # to be computed when the file is opened
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_BIFF8 = 0x0600


def binary_traps(path: Path, sheet: str) -> SheetTraps | None:
    """The traps of one sheet of a binary workbook; None where its records cannot be looked at. O(bytes)."""
    found = streams_of(path)
    if found is None or "Workbook" not in found.names:
        return None
    try:
        book = found.stream("Workbook")
        return _traps_at(book, _place_of(book, sheet))
    except (ValueError, struct.error):
        return None


_DIMENSIONS = 0x0200
_CELLS = frozenset({0x0201, 0x0203, 0x0204, _ERROR, _FORMULA, 0x027E, 0x00BD, 0x00BE, 0x00FD})
_ROWS, _COLUMNS = 65_536, 256


def within_format(path: Path) -> bool:
    """Whether no sheet of a binary workbook claims cells beyond the columns and rows of its form. O(bytes)."""
    found = streams_of(path)
    if found is None or "Workbook" not in found.names:
        return True
    try:
        book, at = found.stream("Workbook"), 0
        while at + 4 <= len(book):
            kind, size = struct.unpack_from("<2H", book, at)
            if kind in _CELLS and struct.unpack_from("<H", book, at + 6)[0] >= _COLUMNS:
                return False
            if kind == _DIMENSIONS:
                _, rows, _, columns = struct.unpack_from("<2L2H", book, at + 4)
                if rows > _ROWS or columns > _COLUMNS:
                    return False
            at += 4 + size
    except (ValueError, struct.error):
        return False
    return True


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records from ``at`` to the end of that part of the workbook: number and content."""
    deep = 0
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<2H", book, at)
        deep += (kind == _BOF) - (kind == _EOF)
        yield kind, book[at + 4 : at + 4 + size]
        if deep == 0:
            return
        at += 4 + size


def _place_of(book: bytes, sheet: str) -> int:
    """Where a sheet's records begin. Raises ValueError without such a sheet, or in an older form than BIFF8."""
    if struct.unpack_from("<H", book, 4)[0] != _BIFF8:
        raise ValueError("an older form")
    for kind, content in _records(book, 0):
        if kind == _SHEET:
            length, wide = content[6], content[7] & 1
            name = content[8 : 8 + length * (1 + wide)].decode("utf-16-le" if wide else "latin-1", errors="replace")
            if name == sheet:
                return int(struct.unpack_from("<L", content)[0])
    raise ValueError(sheet)


def _traps_at(book: bytes, at: int) -> SheetTraps:
    found = SheetTraps()
    for kind, content in _records(book, at):
        if kind == _ROW and struct.unpack_from("<H", content, 12)[0] & _HIDDEN:
            found.hidden_rows.append(struct.unpack_from("<H", content)[0])
        elif kind == _ERROR and content[7]:
            found.errors[struct.unpack_from("<2H", content)] = _ERRORS.get(content[6], "#")
        elif kind == _FORMULA:
            _note_formula(content, found)
    return found


def _note_formula(content: bytes, found: SheetTraps) -> None:
    """A formula's stored value: a number, or marked by its last bytes as text, yes or no, an error, an empty text."""
    row, column, _ = struct.unpack_from("<3H", content)
    value, flags = content[6:14], struct.unpack_from("<H", content, 14)[0]
    place = (row, column)
    if value[6:] != b"\xff\xff":
        if flags & _NEVER_COMPUTED and value == bytes(8):
            found.uncomputed.append(place)
    elif value[0] == 2:
        found.errors[place] = _ERRORS.get(value[2], "#")
    elif value[0] == 3:
        (found.uncomputed if flags & _NEVER_COMPUTED else found.empty_results).append(place)
