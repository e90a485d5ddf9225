"""What vector tiles give away: their columns and values, read from the archive as a browser would read them.

Tiles are compressed and hold numbers in binary, so a search through the bytes of a published folder
would pass over them; here they are unpacked and written out as text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis_renovation.maps.tiles import (
    EDGE_SHARE,
    GRID_BITS,
    archive_tiles,
    decode_tile,
    numbered_tiles,
    tile_corners,
    tile_keys,
)

SCRIPT = re.compile(r'tilePart\("([A-Za-z0-9_-]+)",(\d+),"([A-Za-z0-9+/=]*)"\);\n')
_INLINE = re.compile(r'<script type="application/base64" id="tiles-[^"]*">([^<]*)</script>')
_PART = re.compile(r"(.+)\.(\d{3,})\.pm\.js")


def archives_of(path: Path) -> list[bytes]:
    """The tile archives a published file holds: an archive itself, a page's own, or one joined from its scripts.

    Of the scripts the first stands for all. Raises ValueError if a script holds anything but its part.
    """
    if path.suffix == ".pmtiles":
        return [path.read_bytes()]
    if path.suffix == ".html":
        found = _INLINE.findall(path.read_text(encoding="utf-8"))
        return [base64.b64decode(text, validate=True) for text in found]
    if not path.name.endswith(".pm.js"):
        return []
    match = _PART.fullmatch(path.name)
    if match is None:
        raise ValueError(path.name)
    part_of(path)
    if int(match[2]) > 0:
        return []
    parts = sorted(path.parent.glob(f"{match[1]}.*.pm.js"))
    return [b"".join(part_of(one) for one in parts)]


def part_of(path: Path) -> bytes:
    """The piece of an archive in one script; ValueError if the script says anything else."""
    match = SCRIPT.fullmatch(path.read_text(encoding="ascii"))
    if match is None:
        raise ValueError(path.name)
    try:
        return base64.b64decode(match[3], validate=True)
    except binascii.Error as error:
        raise ValueError(path.name) from error


def archive_columns(archive: bytes) -> dict[str, set[str]]:
    """Layers and the columns that really stand in their tiles. Raises ValueError for a broken archive."""
    pieces = archive_tiles(archive)
    told = json.loads(next(pieces))
    columns: set[str] = set()
    for tile in pieces:
        columns |= tile_keys(tile)
    held: dict[str, set[str]] = {}
    if told.get("view"):
        table, column = told["view"]
        held[str(table)] = columns & {column}
        columns -= {column}
    held.setdefault(str(told.get("layer", "")), set()).update(columns)
    return held


def archive_text(archive: bytes, number_forms: Callable[[object], Iterable[str]]) -> bytes:
    """Every name, key and value of an archive, one a line, numbers in every form they may be searched in.

    The unpacked tiles follow as they are. Raises ValueError for a broken archive.
    """
    lines: set[str] = set()
    raw = []
    for at, piece in enumerate(archive_tiles(archive)):
        raw.append(piece)
        if at == 0:
            continue
        for name, (keys, values, _) in decode_tile(piece).layers.items():
            lines |= {name, *keys}
            for value in values:
                lines |= {str(value), *number_forms(value)}
    return "\n".join(sorted(lines)).encode("utf-8") + b"\n" + b"\n".join(raw)


# --- corners --------------------------------------------------------------------------------------


def archive_corners(archive: bytes) -> NDArray[np.float64]:
    """Every corner in an archive's tiles, on the grid of :data:`map_tiles.GRID_BITS`, x and y.

    Left out are those on the line where a shape longer than its tile was cut. Raises ValueError for a broken archive.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    for zoom, column, row, tile in numbered_tiles(archive):
        extent = 1 << (GRID_BITS - zoom)
        edge = int(extent * EDGE_SHARE)
        corners = np.array(tile_corners(tile), dtype=np.int64).reshape(-1, 2)
        inside = ~((corners == -edge) | (corners == extent + edge)).any(axis=1)
        found.append(corners[inside] + np.array([column, row]) * extent)
    return np.vstack(found).astype(float)
