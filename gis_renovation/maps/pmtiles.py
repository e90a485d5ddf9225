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
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# PMTiles 3: the header is 127 bytes, and header and root directory lie in the first 16,384.
_HEADER = struct.Struct("<7sB11QBBBBBBiiiiBii")
_ROOT_LIMIT = 16_384 - 127
_LEAF_ENTRIES = 4_096
_GZIP, _MVT = 2, 1
MAGIC = b"PMTiles"

# Field numbers of the MVT protocol buffers, shifted with their wire types.
_LAYER, _NAME, _FEATURE, _KEYS, _VALUES, _GEOMETRY = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x22
_CLOSE = 7

Value = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One tile as it is read back: layer -> (keys, values, number of features, tag pairs a feature)."""

    layers: Mapping[str, tuple[Sequence[str], Sequence[Value], Sequence[tuple[int, ...]]]]


# --- variable-length numbers ----------------------------------------------------------------------


def varint(number: int) -> bytes:
    """One number as a protocol-buffer varint."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varints(numbers: NDArray[np.uint64]) -> tuple[bytes, NDArray[np.int64]]:
    """Many numbers as varints in one run of bytes, and where each ends (the first element is 0). O(bytes)."""
    length = np.ones(len(numbers), dtype=np.int64)
    for bits in range(7, 64, 7):
        more = numbers >= np.uint64(1 << bits)
        if not more.any():
            break
        length += more
    ends = np.concatenate([[0], np.cumsum(length)])
    out = np.zeros(int(ends[-1]), dtype=np.uint8)
    for at in range(int(length.max(initial=0))):
        rows = np.flatnonzero(length > at)
        piece = (numbers[rows] >> np.uint64(7 * at)).astype(np.uint64) & np.uint64(0x7F)
        last = length[rows] == at + 1
        out[ends[rows] + at] = (piece | np.where(last, np.uint64(0), np.uint64(0x80))).astype(np.uint8)
    return out.tobytes(), ends


def zigzag(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Signed numbers as unsigned ones, small for small magnitudes."""
    return ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    shift = number = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


# --- tiles ----------------------------------------------------------------------------------------


def encode_value(value: Value) -> bytes:
    """One attribute value of a tile."""
    if isinstance(value, str):
        text = value.encode("utf-8")
        return b"\x0a" + varint(len(text)) + text
    if isinstance(value, bool):
        return b"\x38\x01" if value else b"\x38\x00"
    if isinstance(value, float):
        return b"\x19" + struct.pack("<d", value)
    if value >= 0:
        return b"\x28" + varint(value)
    return b"\x30" + varint((value << 1) ^ -1)


def encode_tile_layer(
    name: str,
    extent: int,
    kind: int,
    geometry: Sequence[bytes],
    tags: Sequence[bytes],
    keys: Sequence[str],
    values: Sequence[bytes],
) -> bytes:
    """One layer of a tile; ``geometry`` and ``tags`` are packed fields, ``values`` come from :func:`encode_value`.

    ``kind`` is 1 for points, 2 for lines, 3 for areas.
    """
    parts = [b"\x0a", varint(len(name.encode())), name.encode()]
    middle = b"\x18" + bytes([kind]) + b"\x22"
    for shape, pairs in zip(geometry, tags, strict=True):
        body = b"\x12" + varint(len(pairs)) + pairs + middle + varint(len(shape)) + shape
        parts += [b"\x12", varint(len(body)), body]
    for key in keys:
        text = key.encode("utf-8")
        parts += [b"\x1a", varint(len(text)), text]
    for value in values:
        parts += [b"\x22", varint(len(value)), value]
    parts += [b"\x28", varint(extent), b"\x78\x02"]
    whole = b"".join(parts)
    return b"\x1a" + varint(len(whole)) + whole


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Every field of a protocol-buffer message: its number and wire type as written, and its value."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _read_varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _read_varint(data, at)
            yield tag, value
            continue
        size = 8 if wire == 1 else 4
        if wire == 2:
            size, at = _read_varint(data, at)
        if wire not in {1, 2, 5} or at + size > end:
            raise ValueError(f"wire type {wire} at byte {at}")
        yield tag, data[at : at + size]
        at += size


def _decode_value(data: bytes) -> Value:
    for tag, value in _fields(data):
        match tag >> 3:
            case 1:
                return str(value, "utf-8")
            case 2:
                return float(struct.unpack("<f", value)[0])
            case 3:
                return float(struct.unpack("<d", value)[0])
            case 4:
                return int(value) - (1 << 64) if value >= 1 << 63 else int(value)
            case 5:
                return int(value)
            case 6:
                return (int(value) >> 1) ^ -(int(value) & 1)
            case 7:
                return bool(value)
    return ""


def decode_tile(data: bytes) -> Tile:
    """What a tile (not compressed) says of its features; geometry is left out. Raises ValueError if it is no tile."""
    layers = {}
    for tag, body in _fields(data):
        if tag != _LAYER:
            continue
        name, keys, values, features = "", [], [], []
        for inner, value in _fields(body):
            if inner == _NAME:
                name = str(value, "utf-8")
            elif inner == _KEYS:
                keys.append(str(value, "utf-8"))
            elif inner == _VALUES:
                values.append(_decode_value(value))
            elif inner == _FEATURE:
                features.append(_tags_of(value))
        layers[name] = (keys, values, features)
    return Tile(layers=layers)


def tile_corners(data: bytes) -> list[tuple[int, int]]:
    """Every corner of every feature of a tile, in the tile's own units from its upper left corner."""
    found = []
    for tag, body in _fields(data):
        if tag != _LAYER:
            continue
        for inner, value in _fields(body):
            if inner == _FEATURE:
                found += [corner for part, packed in _fields(value) if part == _GEOMETRY for corner in _walk(packed)]
    return found


def _walk(packed: bytes) -> Iterator[tuple[int, int]]:
    """The corners of one feature's commands (MVT 2.1, 4.3): 1 move, 2 line, 7 close."""
    at = x = y = 0
    while at < len(packed):
        command, at = _read_varint(packed, at)
        for _ in range(command >> 3 if command & 7 != _CLOSE else 0):
            right, at = _read_varint(packed, at)
            down, at = _read_varint(packed, at)
            x, y = x + (right >> 1 ^ -(right & 1)), y + (down >> 1 ^ -(down & 1))
            yield x, y


def layer_names(data: bytes) -> list[str]:
    """Names of a tile's layers, in their order; nothing else is decoded."""
    return [
        str(next(value for inner, value in _fields(body) if inner == _NAME), "utf-8")
        for tag, body in _fields(data)
        if tag == _LAYER
    ]


def _tags_of(feature: bytes) -> tuple[int, ...]:
    for tag, packed in _fields(feature):
        if tag == 0x12:
            found, at = [], 0
            while at < len(packed):
                number, at = _read_varint(packed, at)
                found.append(number)
            return tuple(found)
    return ()


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
    metadata: Mapping[str, Any],
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
    count, at = _read_varint(data, 0)
    columns: list[list[int]] = []
    for _ in range(4):
        column = []
        for _ in range(count):
            number, at = _read_varint(data, at)
            column.append(number)
        columns.append(column)
    steps, runs, lengths, offsets = columns
    found, following, number = [], 0, 0
    for step, run, length, offset in zip(steps, runs, lengths, offsets, strict=True):
        start, number = following if offset == 0 else offset - 1, number + step
        found.append((number, run, length, start))
        following = start + length
    return found
