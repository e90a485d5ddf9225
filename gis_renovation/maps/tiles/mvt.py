"""Vector tiles after Mapbox Vector Tile 2.1, written and read back. The same content gives the same bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Field numbers of the MVT protocol buffers, shifted with their wire types.
_LAYER, _NAME, _FEATURE, _KEYS, _VALUES, _GEOMETRY = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x22
_CLOSE = 7

Value = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One tile as it is read back: layer -> (keys, values, number of features, tag pairs a feature)."""

    layers: Mapping[str, tuple[Sequence[str], Sequence[Value], Sequence[tuple[int, ...]]]]


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


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a byte, and where the next one begins."""
    shift = number = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


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
    geometry: Sequence[bytes],
    tags: Sequence[bytes],
    *,
    extent: int,
    kind: int,
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
        tag, at = read_varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = read_varint(data, at)
            yield tag, value
            continue
        size = 8 if wire == 1 else 4
        if wire == 2:
            size, at = read_varint(data, at)
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
        command, at = read_varint(packed, at)
        for _ in range(command >> 3 if command & 7 != _CLOSE else 0):
            right, at = read_varint(packed, at)
            down, at = read_varint(packed, at)
            x, y = x + (right >> 1 ^ -(right & 1)), y + (down >> 1 ^ -(down & 1))
            yield x, y


def tile_keys(data: bytes) -> set[str]:
    """The keys of all layers of a tile; what its features say is passed over. Raises ValueError if it is no tile."""
    return {
        str(key, "utf-8")
        for tag, body in _fields(data)
        if tag == _LAYER
        for inner, key in _fields(body)
        if inner == _KEYS
    }


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
                number, at = read_varint(packed, at)
                found.append(number)
            return tuple(found)
    return ()
