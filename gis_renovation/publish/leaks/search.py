"""Search a published folder for what was withheld: texts, numbers and places, in every spelling a reader could undo."""

from __future__ import annotations

import bisect
import html
import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.display import plain_text
from gis_renovation.errors import Finding
from gis_renovation.publish.leaks import tiles, unpack
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Text

# A value shorter than this many bytes (two Chinese characters) stands in any text by chance.
SHORTEST_SECRET = 6

# Bytes searched at a time, to keep memory small.
_PIECE = 8 * 1024 * 1024

# What stands between two texts that are searched together: nothing that is looked for holds it.
_BETWEEN = b"\x00\n" * 8

# So many bytes at a place decide which values may stand there.
_AHEAD = 24

# The first eight bytes of everything wanted, of forms of six and seven bytes the first six, as one table of bits:
# 2^20 of them fit a processor's cache, and a thousandth of a file passes.
_SIEVE_BITS = 20
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

# A number as it stands in a text, with what belongs to it.
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_NUMBER_BYTES = re.compile(b"-?" + _NUMBER.pattern.encode("ascii"))

# x and y of each corner, as the bits of their eight bytes.
Corners = NDArray[np.uint64]


# --- what was withheld ----------------------------------------------------------------------------


def withheld_values(
    layers: Mapping[str, pd.DataFrame], published: Mapping[str, pd.DataFrame]
) -> dict[str, frozenset[str]]:
    """Texts, dates and long numbers that must not appear: layer.column -> values.

    All values of layers and columns that were not published, and of published columns those cells
    that were withheld. Codes of the schemas are words everybody knows and not looked for.
    """
    known = {code for s in layer_schemas().values() for f in s.fields.values() for code in f.values}
    found: dict[str, frozenset[str]] = {}
    for name, frame in layers.items():
        if name not in published:
            keys = frozenset(text for level in _levels(frame.index) for key in level for text in _searchable(key))
            if keys - known:
                found[f"{name}.{frame.index.name or 'index'}"] = keys - known
        table = frame.drop(columns=[c for c in frame.columns if str(frame[c].dtype) == "geometry"])
        for column in table.columns:
            cells = table[column]
            if name in published and column in published[name].columns:
                cells = cells[published[name][column].isna().reindex(cells.index, fill_value=True)]
            values = frozenset(text for value in _distinct(cells) for text in _searchable(value)) - known
            if values:
                found[f"{name}.{column}"] = values
    return found


def _distinct(cells: pd.Series[Any]) -> Iterable[Any]:
    """The values of a column, each once where they can be told apart."""
    values = cells.tolist()
    try:
        return set(values)
    except TypeError:
        return values


def _levels(index: pd.Index) -> list[list[Any]]:
    """The values of an index that means something: a plain numbering has none."""
    if isinstance(index, pd.RangeIndex):
        return []
    return [index.get_level_values(level).unique().tolist() for level in range(index.nlevels)]


def _searchable(value: Any) -> list[str]:
    if isinstance(value, str):
        # Databases keep control characters as they are, pages write them as plain_text says.
        texts = dict.fromkeys((plain_text(value), value.encode("utf-8", "ignore").decode("utf-8")))
        return [text for text in texts if len(text.encode("utf-8")) >= SHORTEST_SECRET]
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        # 8.699999999999999 is 8.7 to anybody, and as common.
        return [form for form in number_forms(value) if _is_telling(form)] if _is_telling(f"{value:.12g}") else []
    missing: Any = pd.isna(value)
    if value is None or isinstance(value, bool | np.bool_) or missing is True:
        return []
    return _searchable(str(value.isoformat() if hasattr(value, "isoformat") else value))


def _is_telling(number: str) -> bool:
    """Whether digits stand nowhere by chance: steps between vertices are whole numbers below eight digits."""
    digits = number.partition("e")[0].replace(".", "").lstrip("-").strip("0")
    return len(digits) >= (SHORTEST_SECRET if "." in number else 8)


def number_forms(value: object) -> frozenset[str]:
    """How a number may be written in one of our files; nothing for anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return frozenset()
    if not np.isfinite(value):
        return frozenset()
    number = float(value)
    # Databases and CSV write what tells the number apart, workbooks 16 digits, pages 6.
    return frozenset({repr(number), f"{number:.6g}", f"{number:.15g}", f"{number:.16g}", str(int(value))})


def withheld_places(layers: Mapping[str, pd.DataFrame], published: Mapping[str, pd.DataFrame]) -> dict[str, Corners]:
    """Corners that must not appear: layer.geometry -> x and y of each, as the bytes of a database or shape file.

    All corners of layers whose shapes did not leave, and the exact ones of shapes that left
    generalised. A corner that left with another layer (a shared border) is no secret. O(n log n).
    """
    open_keys = np.concatenate([_keys(_corners(frame)) for frame in published.values()] or [_NO_KEYS])
    found = {}
    for name, frame in layers.items():
        corners = _corners(frame)
        secret = corners[~np.isin(_keys(corners), open_keys)]
        if len(secret):
            found[f"{name}.geometry"] = secret
    return found


_NO_KEYS = np.empty(0, dtype=np.uint64)


def _corners(frame: pd.DataFrame) -> Corners:
    """Corners of the shapes of a layer, each once."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return np.empty((0, 2), dtype=np.uint64)
    xy = np.ascontiguousarray(shapely.get_coordinates(frame.geometry.to_numpy()).astype("<f8")).view(np.uint64)
    _, first = np.unique(_keys(xy), return_index=True)
    return xy[first]


def _keys(corners: Corners) -> NDArray[np.uint64]:
    """One number for the two of a corner; that two corners have the same one does not happen in practice."""
    return corners[:, 0] * _SPREAD + (corners[:, 1] ^ (corners[:, 1] >> np.uint64(29)))


# --- searching ------------------------------------------------------------------------------------


def find_leaks(
    folder: Path,
    secrets: Mapping[str, frozenset[str]],
    open_text: str,
    *,
    places: Mapping[str, Corners] | None = None,
    own_text: Callable[[], str] = str,
) -> list[Finding]:
    """Withheld values that stand in any byte of the folder's files; never the value itself in the message.

    Archives (XLSX) and vector tiles are searched unpacked, a GeoPackage as it lies on the disk, freed pages
    included. A value that is part of ``open_text`` (what was published on purpose) is no leak, nor is one
    of ``own_text``, the program's own words, which are fetched only when something was found.
    ``places`` are corners as :func:`withheld_places` gives them. O(bytes log values).
    """
    open_text = _as_written(open_text)
    wanted = _wanted(secrets, open_text)
    words, corners = _Words(wanted), _Places(places or {})
    found: dict[str, tuple[set[str], set[str]]] = {}
    for text in _together(folder, found):
        for at, form in words.found_in(text.data):
            found[text.name_at(at)][0].add(wanted[form])
        for at, origin in corners.found_in(text.data):
            found[text.name_at(at)][1].add(origin)
    # What the program itself writes is no secret, though a withheld cell may hold the same word.
    own = _as_written(own_text()) if any(values for values, _ in found.values()) else ""
    return [
        Finding(
            severity="error",
            code="withheld_value",
            layer="",
            file=name,
            text=Text(
                f"文件中出现了不得公开的内容（来自 {origin}），已停止发布。",
                f"holds a withheld value (of {origin}); nothing was published.",
            ),
        )
        for name, (values, origins) in found.items()
        for origin in sorted(origins | _origins({value for value in values if value not in own}, secrets))
    ]


def _as_written(text: str) -> str:
    """A text in every form in which our files write it: as it is, and as pages show its control characters."""
    shown = plain_text(text)
    return text if shown == text else f"{text}\n{shown}"


def _origins(values: set[str], secrets: Mapping[str, frozenset[str]]) -> set[str]:
    return {origin for origin, own in secrets.items() if not own.isdisjoint(values)}


def _wanted(secrets: Mapping[str, frozenset[str]], open_text: str) -> dict[bytes, str]:
    """Every form of every secret that is not open, and the secret it stands for."""
    distinct: frozenset[str] = frozenset().union(*secrets.values())
    return {form: value for value in distinct - _open_values(distinct, open_text) for form in _forms(value)}


def _open_values(values: frozenset[str], open_text: str) -> frozenset[str]:
    """Which values are part of a text: numbers as whole numbers, words anywhere in it."""
    numbers = set(_NUMBER.findall(open_text))
    words = frozenset(value for value in values if not _is_number(value))
    found = _Words({word.encode("utf-8"): [] for word in words}).found_in(open_text.encode("utf-8", "surrogatepass"))
    said = {form.decode("utf-8") for _, form in found}
    return frozenset(said | {value for value in values - words if value.lstrip("-") in numbers})


def _is_number(value: str) -> bool:
    return value.isascii() and _NUMBER.fullmatch(value.lstrip("-")) is not None


class _Together(NamedTuple):
    """Texts of several files one after the other, where each begins, and the file of each."""

    data: bytes
    begins: Sequence[int]
    names: Sequence[str]

    def name_at(self, at: int) -> str:
        return self.names[bisect.bisect_right(self.begins, at) - 1]


def _together(folder: Path, found: dict[str, tuple[set[str], set[str]]]) -> Iterator[_Together]:
    """What all files say, small texts joined: a search of thousands of pages then costs as their bytes.

    Every file gets its place in ``found``, in the order of the names.
    """
    data, begins, names = bytearray(), list[int](), list[str]()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        found.setdefault(name, (set(), set()))
        for text in _contents(path, name):
            if data and len(data) + len(text) > _PIECE:
                yield _Together(bytes(data), begins, names)
                data, begins, names = bytearray(), [], []
            begins.append(len(data))
            names.append(name)
            data += text + _BETWEEN
    yield _Together(bytes(data), begins, names)


def _contents(path: Path, name: str) -> Iterable[bytes]:
    """Everything a published file says, its name included, unpacked and in every spelling."""
    yield name.encode("utf-8", "surrogatepass")
    if path.suffix in {".pmtiles", ".js", ".html"}:
        yield from (tiles.archive_text(one, number_forms) for one in tiles.archives_of(path))
    for data in unpack.unpacked(path.read_bytes()):
        yield from unpack.spellings(data)


def _forms(value: str) -> set[bytes]:
    """How a withheld text may stand in bytes; a number also as the eight bytes of a database or a shape."""
    if _is_number(value):
        forms = {value.encode("ascii")}
        if "." in value and "e" not in value and _is_telling(value):
            forms |= {struct.pack(order, float(value)) for order in ("<d", ">d")}
        return forms
    texts = {value, html.escape(value), json.dumps(value, ensure_ascii=False)[1:-1]}
    forms = {text.encode("utf-8") for text in texts}
    if not value.isascii():
        forms |= {value.encode("gb18030"), value.encode("utf-16-le"), value.encode("utf-16-be")}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


class _Words:
    """Byte strings to be found in files. Each is filed under its first eight bytes (six, where it has no more)."""

    def __init__(self, wanted: Mapping[bytes, object]) -> None:
        self.wanted = wanted
        self.lengths: dict[tuple[int, int], set[int]] = {}
        for form in wanted:
            size = 8 if len(form) >= 8 else SHORTEST_SECRET
            self.lengths.setdefault((size, int.from_bytes(form[:size], "little")), set()).add(len(form))
        sizes = (SHORTEST_SECRET, 8)
        self.sieves = [_Sieve(np.array([s for n, s in self.lengths if n == size], np.uint64), size) for size in sizes]
        self.beginnings = frozenset(form[:_AHEAD] for form in wanted if len(form) > _AHEAD)

    def found_in(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Where the wanted stand in ``data`` as values by themselves, and which."""
        for sieve in self.sieves:
            likely: dict[bytes, tuple[int, ...]] = {}
            for places, starts in sieve.starts_in(data):
                for at, start in zip(places.tolist(), starts.tolist(), strict=True):
                    ahead = data[at : at + _AHEAD]
                    if ahead not in likely:
                        likely[ahead] = self._lengths(ahead, self.lengths[sieve.size, start])
                    for length in likely[ahead]:
                        form = data[at : at + length]
                        if form in self.wanted and _stands_alone(form, data, at):
                            yield at, form

    def _lengths(self, ahead: bytes, lengths: Iterable[int]) -> tuple[int, ...]:
        """How long the wanted are that may stand before these bytes: most beginnings are of no value at all."""
        whole = ahead in self.beginnings
        return tuple(n for n in lengths if (whole if n > len(ahead) else ahead[:n] in self.wanted))


class _Places:
    """Corners to be found in files: x under its eight bytes, then x and y together."""

    def __init__(self, places: Mapping[str, Corners]) -> None:
        self.keys = {origin: _keys(corners) for origin, corners in places.items()}
        self.all_keys = np.unique(np.concatenate([*self.keys.values(), _NO_KEYS]))
        self.sieve = _Sieve(np.concatenate([*(corners[:, 0] for corners in places.values()), _NO_KEYS]), 8)

    def found_in(self, data: bytes) -> Iterator[tuple[int, str]]:
        """Where corners stand in ``data``, and whose."""
        for places, x in self.sieve.starts_in(data):
            whole = places + 16 <= len(data)
            both = places[whole, None] + np.arange(8, 16)
            y = np.ascontiguousarray(np.frombuffer(data, dtype=np.uint8)[both]).view("<u8").reshape(-1)
            keys = _keys(np.column_stack([x[whole], y]))
            near = np.minimum(np.searchsorted(self.all_keys, keys), len(self.all_keys) - 1)
            there = self.all_keys[near] == keys
            spots, keys = places[whole][there], keys[there]
            for origin, own in self.keys.items() if len(keys) else ():
                yield from ((at, origin) for at in spots[np.isin(keys, own)].tolist())


class _Sieve:
    """Where any of many starts of ``size`` bytes stands: a table of bits first, then the starts themselves."""

    def __init__(self, starts: NDArray[np.uint64], size: int) -> None:
        self.starts, self.size = np.unique(starts), size
        self.bits = np.zeros(1 << _SIEVE_BITS, dtype=bool)
        self.bits[self._short(self.starts)] = True

    @staticmethod
    def _short(starts: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return (starts * _SPREAD) >> np.uint64(64 - _SIEVE_BITS)

    def starts_in(self, data: bytes) -> Iterable[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
        """Places and the starts that stand there, piece by piece."""
        mask = np.uint64((1 << (8 * self.size)) - 1)
        for begin in range(0, len(data) - self.size + 1 if len(self.starts) else 0, _PIECE):
            # Pieces overlap by what a start needs, so that none is cut apart.
            raw = data[begin : begin + _PIECE + 7]
            raw += bytes(-len(raw) % 8 + 8)
            for shift in range(8):
                windows = np.frombuffer(raw, dtype="<u8", offset=shift, count=(len(raw) - 8) // 8) & mask
                likely = np.flatnonzero(self.bits[self._short(windows)])
                near = np.minimum(np.searchsorted(self.starts, windows[likely]), len(self.starts) - 1)
                hits = likely[self.starts[near] == windows[likely]]
                if len(hits):
                    yield hits * 8 + (shift + begin), windows[hits]


def _stands_alone(form: bytes, data: bytes, at: int) -> bool:
    """Whether ``form`` at ``at`` is a value by itself: a number only where no further digit touches it."""
    if _NUMBER_BYTES.fullmatch(form) is None:
        return True
    before, after = data[max(0, at - 1) : at], data[at + len(form) : at + len(form) + 1]
    return not (before.isdigit() or before == b"." or after.isdigit())
