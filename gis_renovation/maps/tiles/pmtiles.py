"""Vector tiles and the one file that holds them: written and read back, without any other program.

Two open formats: Mapbox Vector Tile 2.1 (the tiles) and PMTiles 3 (one file of tiles with a directory,
read by byte ranges). Bytes depend on the content alone: no clock, no name of a machine, one thread.
"""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gis_renovation.maps.tiles.mvt import read_varint, varint

# PMTiles 3: the header is 127 bytes, and header and root directory lie in the first 16,384.
_HEADER = struct.Struct("<7sB11QBBBBBBiiiiBii")
_ROOT_LIMIT = 16_384 - 127
_LEAF_ENTRIES = 4_096
_GZIP, _MVT = 2, 1
MAGIC = b"PMTiles"

# --- variable-length numbers ----------------------------------------------------------------------

# --- tiles ----------------------------------------------------------------------------------------

# --- the archive ----------------------------------------------------------------------------------


def tile_number(zoom: int, x: int, y: int) -> int:
    """The place of a tile in the archive: tiles of a zoom along a Hilbert curve, after all coarser zooms."""
    number = ((1 << (2 * zoom)) - 1) // 3
    side = (1 << zoom) >> 1
    while side > 0:
        right, down = int(x & side > 0), int(y & side > 0)
        number += side * side * ((3 * right) ^ down)
        if down == 0:
            if right == 1:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        side >>= 1
    return number


def write_archive(
    tiles: Mapping[tuple[int, int], bytes],
    *,
    zoom: int,
    bounds: tuple[float, float, float, float],
    metadata: Mapping[str, object],
) -> bytes:
    """An archive of tiles of one zoom: (column, row) -> tile, not compressed; ``bounds`` in degrees.

    Tiles lie in the order of their numbers. The same tiles give the same bytes. Raises ValueError
    without a tile: an archive of none says nothing.
    """
    if not tiles:
        raise ValueError("no tile")
    numbered = sorted((tile_number(zoom, x, y), body) for (x, y), body in tiles.items())
    entries, bodies, offset = [], [], 0
    for number, body in numbered:
        packed = gzip.compress(body, compresslevel=6, mtime=0)
        entries.append((number, offset, len(packed)))
        bodies.append(packed)
        offset += len(packed)
    root, leaves = _directories(entries)
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    told = gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)
    places = np.cumsum([127, len(root), len(told), len(leaves)]).tolist()
    degrees = [round(v * 1e7) for v in bounds]
    middle = [(degrees[0] + degrees[2]) // 2, (degrees[1] + degrees[3]) // 2]
    header = _HEADER.pack(
        MAGIC, 3, 127, len(root), places[1], len(told), places[2], len(leaves), places[3], offset,
        len(entries), len(entries), len(entries), 1, _GZIP, _GZIP, _MVT, zoom, zoom, *degrees, zoom, *middle,
    )  # fmt: skip
    return b"".join([header, root, told, leaves, *bodies])


def _directories(entries: Sequence[tuple[int, int, int]]) -> tuple[bytes, bytes]:
    """Root and leaf directories: leaves only where the root alone would not fit its place."""
    whole = _directory([(number, 1, length, offset) for number, offset, length in entries])
    if len(whole) <= _ROOT_LIMIT:
        return whole, b""
    root, leaves, offset = [], [], 0
    for start in range(0, len(entries), _LEAF_ENTRIES):
        piece = entries[start : start + _LEAF_ENTRIES]
        leaf = _directory([(number, 1, length, at) for number, at, length in piece])
        root.append((piece[0][0], 0, len(leaf), offset))
        leaves.append(leaf)
        offset += len(leaf)
    return _directory(root), b"".join(leaves)


def _directory(rows: Sequence[tuple[int, int, int, int]]) -> bytes:
    """Tile number, run length (0: a leaf), bytes and offset of each entry, column by column."""
    out = [varint(len(rows))]
    before = 0
    for number, _, _, _ in rows:
        out.append(varint(number - before))
        before = number
    out += [varint(run) for _, run, _, _ in rows]
    out += [varint(length) for _, _, length, _ in rows]
    following = -1
    for _, _, length, offset in rows:
        out.append(varint(0 if offset == following else offset + 1))
        following = offset + length
    return gzip.compress(b"".join(out), compresslevel=6, mtime=0)


def archive_tiles(data: bytes) -> Iterator[bytes]:
    """Every tile of an archive, decompressed, and before them its metadata. Raises ValueError if it is no archive."""
    head = _head(data)
    try:
        yield gzip.decompress(data[head[4] : head[4] + head[5]])
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error
    for _, _, _, tile in numbered_tiles(data):
        yield tile


def numbered_tiles(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Zoom, column, row and the decompressed bytes of every tile. Raises ValueError if it is no archive."""
    head = _head(data)
    root_at, root_size, _, _, leaf_at, _, tiles_at, _ = head[2:10]
    try:
        waiting = [data[root_at : root_at + root_size]]
        while waiting:
            for number, run, length, offset in _read_directory(gzip.decompress(waiting.pop())):
                if run == 0:
                    waiting.append(data[leaf_at + offset : leaf_at + offset + length])
                else:
                    yield *tile_place(number), gzip.decompress(data[tiles_at + offset : tiles_at + offset + length])
    except (OSError, EOFError, IndexError, zlib.error) as error:
        raise ValueError(str(error)) from error


def _head(data: bytes) -> tuple[Any, ...]:
    if len(data) < 127 or data[:7] != MAGIC or data[7] != 3:
        raise ValueError("not a PMTiles 3 archive")
    return _HEADER.unpack(data[:127])


def tile_place(number: int) -> tuple[int, int, int]:
    """Zoom, column and row of the tile with a number: :func:`tile_number` the other way."""
    zoom, left = 0, number
    while left >= 1 << (2 * zoom):
        left -= 1 << (2 * zoom)
        zoom += 1
    x = y = 0
    for bit in range(zoom):
        side = 1 << bit
        right = (left >> 1) & 1
        down = (left ^ right) & 1
        if down == 0:
            if right == 1:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        x, y = x + side * right, y + side * down
        left >>= 2
    return zoom, x, y


def _read_directory(data: bytes) -> list[tuple[int, int, int, int]]:
    count, at = read_varint(data, 0)
    columns: list[list[int]] = []
    for _ in range(4):
        column = []
        for _ in range(count):
            number, at = read_varint(data, at)
            column.append(number)
        columns.append(column)
    steps, runs, lengths, offsets = columns
    found, following, number = [], 0, 0
    for step, run, length, offset in zip(steps, runs, lengths, offsets, strict=True):
        start, number = following if offset == 0 else offset - 1, number + step
        found.append((number, run, length, start))
        following = start + length
    return found
