"""What a published file really holds, read as its readers read it: layers, columns, rows and corners of shapes."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pyogrio
import python_calamine
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Ints
from gis_renovation.crs import reproject
from gis_renovation.display import Column
from gis_renovation.local import as_local
from gis_renovation.maps.encoding import DISPLAY_CRS, LayerBlock
from gis_renovation.maps.tiles import GRID_BITS
from gis_renovation.publish.leaks import archive_columns, archive_corners, archives_of
from gis_renovation.schemas import LayerSchema, layer_schemas
from gis_renovation.writing import sheet_names, unique_sheet_name


class Held(NamedTuple):
    """One layer in one file. Corners are in degrees, in tiles on the tiles' grid; None: this file holds no shapes."""

    columns: frozenset[str]
    rows: int | None = None
    corners: Floats | None = None
    # Corners as the file has them, where its coordinate system is the project's.
    exact: Floats | None = None
    on_tiles: bool = False


def contents_of(path: Path, read: dict[bytes, list[tuple[str, Held]]] | None = None) -> dict[str, list[Held]]:
    """Layers and what a published file holds of each; other kinds of file hold none. ValueError for a broken one.

    ``read`` remembers archives of tiles by their SHA-256, for the same one stands in several files.
    """
    readers = {".csv": _csv, ".geojson": _geojson, ".gpkg": _geopackage, ".xlsx": _workbook, ".html": _page}
    reader = readers.get(path.suffix)
    found: dict[str, list[Held]] = {}
    try:
        for layer, held in [*(reader(path) if reader else []), *_archives(path, {} if read is None else read)]:
            found.setdefault(layer, []).append(held)
    except _BROKEN as error:
        raise ValueError(path.name) from error
    return found


# How the readers say that a file is not what its name says.
_BROKEN = (
    sqlite3.Error, csv.Error, python_calamine.CalamineError, RuntimeError, OSError, KeyError, TypeError, IndexError,
    AttributeError,
)  # fmt: skip


def _csv(path: Path) -> Iterator[tuple[str, Held]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        head = next(rows, [])
        count, widest = 0, len(head)
        for row in rows:
            count, widest = count + 1, max(widest, len(row))
    yield path.stem, Held(frozenset(head) | _unnamed(widest - len(head)), count)


def _unnamed(count: int) -> frozenset[str]:
    """Columns of values without a heading: they are no column anybody listed."""
    return frozenset(f"?{at + 1}" for at in range(count))


def _geojson(path: Path) -> Iterator[tuple[str, Held]]:
    whole = json.loads(path.read_text(encoding="utf-8"))
    features = whole.get("features", [])
    columns = {column for feature in features for column in feature.get("properties") or {}}
    strange = {f"?{key}" for key in whole} - {"?type", "?features", "?name", "?crs"}
    strange |= {f"?{key}" for feature in features for key in feature} - {"?type", "?properties", "?geometry"}
    shapes = [feature.get("geometry") for feature in features]
    corners = [np.empty((0, 2))] + [_pairs(shape.get("coordinates", [])) for shape in shapes if shape]
    yield path.stem, Held(frozenset(columns | strange), len(features), np.vstack(corners))


def _pairs(nested: object) -> Floats:
    flat = _flat(nested)
    return np.array(list(flat), dtype=float).reshape(-1, 2)


def _flat(nested: object) -> Iterator[Sequence[float]]:
    if not isinstance(nested, list):
        raise TypeError(type(nested))
    if nested and isinstance(nested[0], int | float):
        yield nested[:2]
        return
    for inner in nested:
        yield from _flat(inner)


def _geopackage(path: Path) -> Iterator[tuple[str, Held]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        names = [row[0] for row in database.execute("SELECT table_name FROM gpkg_contents")]
        geometry = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        for name in [*names, *_foreign_tables(database, names)]:
            if name == "layer_styles":
                continue
            quoted = name.replace('"', '""')
            columns = {row[1] for row in database.execute(f'PRAGMA table_info("{quoted}")')}
            (count,) = database.execute(f'SELECT COUNT(*) FROM "{quoted}"').fetchone()  # noqa: S608 - quoted name
            shape = geometry.get(name)
            corners, exact = _database_corners(path, name) if shape else (None, None)
            yield name, Held(frozenset(columns - {shape, "fid"}), count, corners, exact)


def _foreign_tables(database: sqlite3.Connection, known: Iterable[str]) -> list[str]:
    """Tables that belong neither to a layer nor to the file format."""
    own = {"layer_styles", "spatial_ref_sys", "geometry_columns", *known}
    found = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
    return sorted(name for name in found if name not in own and not re.match(r"(sqlite_|gpkg_|rtree_)", name))


def _database_corners(path: Path, name: str) -> tuple[Floats, Floats]:
    frame = pyogrio.read_dataframe(as_local(path), layer=name, columns=[])
    exact = shapely.get_coordinates(frame.geometry.to_numpy())
    if len(exact) == 0:
        return np.empty((0, 2)), exact
    degrees = reproject(gpd.GeoDataFrame(geometry=frame.geometry), DISPLAY_CRS, where=name)
    return shapely.get_coordinates(degrees.geometry.to_numpy()), exact


def _workbook(path: Path) -> Iterator[tuple[str, Held]]:
    """Sheets by their layers' labels, columns by their headings; whatever is no heading of ours keeps its own text."""
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    own = sheet_names()
    layers = {label: schema for schema in layer_schemas().values() for label in schema.label}
    for name in book.sheet_names:
        if name in own:
            continue
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        schema = layers.get(re.sub(r"\(\d+\)$", "", name)) or _by_long_label(name, layers)
        head = [str(cell) for cell in rows[0]] if rows else []
        used = {at for row in rows[1:] for at, cell in enumerate(row) if cell != ""}
        head += [""] * (max(used, default=-1) + 1 - len(head))
        headings = _headings(schema) if schema else {}
        columns = {headings.get(text, text) or f"?{at + 1}" for at, text in enumerate(head) if text or at in used}
        yield (schema.name if schema else name), Held(frozenset(columns), max(0, len(rows) - 1))


def _by_long_label(name: str, layers: Mapping[str, LayerSchema]) -> LayerSchema | None:
    """The layer of a sheet whose name Excel cut short or cleaned."""
    found = [schema for label, schema in layers.items() if unique_sheet_name(label, ()) == name]
    return found[0] if found else None


def _headings(schema: LayerSchema) -> dict[str, str]:
    columns = [Column(field.name, field) for field in schema.fields.values()]
    return {column.header(lang): column.name for column in columns for lang in ("zh", "en")}


# --- the map's page and its tiles -----------------------------------------------------------------


def _page(path: Path) -> Iterator[tuple[str, Held]]:
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r'<script type="application/json" id="layer-[^"]*">(.*?)</script>', text, re.DOTALL):
        block = json.loads(match.group(1))
        columns = {column["name"] for column in block["columns"]}
        if block["view"]:
            table, column = block["view"]
            yield table, Held(frozenset(columns & {column}))
            columns -= {column}
        corners = _block_corners(block) if "geometry" in block else None
        yield block["source"], Held(frozenset(columns), block.get("count"), corners)
        for related in block["related"]:
            yield related["name"], Held(frozenset(column["name"] for column in related["columns"]))


def _block_corners(block: LayerBlock) -> Floats:
    """Corners of a block in degrees: every piece is a run of steps from the block's origin, in microdegrees."""
    origin = np.array(block["origin"])
    pieces = [np.cumsum(np.array(piece).reshape(-1, 2), axis=0) + origin for piece in _pieces(block["geometry"])]
    return np.vstack([np.empty((0, 2)), *pieces]) / 1e6


def _pieces(nested: object) -> Iterator[Sequence[int]]:
    if nested is not None and not isinstance(nested, list):
        raise TypeError(type(nested))
    if nested and isinstance(nested[0], int | float):
        yield nested
        return
    for inner in nested or []:
        yield from _pieces(inner)


def _archives(path: Path, read: dict[bytes, list[tuple[str, Held]]]) -> Iterator[tuple[str, Held]]:
    if path.suffix not in {".pmtiles", ".js", ".html"}:
        return
    for archive in archives_of(path):
        yield from held_in_archive(archive, read)


def held_in_archive(archive: bytes, read: dict[bytes, list[tuple[str, Held]]]) -> list[tuple[str, Held]]:
    """The layers in the tiles of an archive; ValueError if it is damaged. ``read`` remembers them by SHA-256."""
    digest = hashlib.sha256(archive).digest()
    if digest not in read:
        read[digest] = [*_archive(archive)]
    return read[digest]


def _archive(archive: bytes) -> Iterator[tuple[str, Held]]:
    corners = archive_corners(archive)
    for at, (layer, columns) in enumerate(reversed(archive_columns(archive).items())):
        # The layer itself comes last; before it the table that a view takes its column from.
        yield layer, Held(frozenset(columns), corners=corners if at == 0 else None, on_tiles=True)


# --- whether shapes are those of another file -----------------------------------------------------


def strangers(corners: Floats, reference: Floats, *, on_tiles: bool = False) -> int:
    """How many ``corners`` are none of ``reference`` (degrees), up to the rounding of the file. O(n log n)."""
    known = _on_tile_grid(reference) if on_tiles else reference * 1e6
    asked = np.rint(corners if on_tiles else corners * 1e6).astype(np.int64)
    lost = np.unique(_key(asked))
    lost = lost[~_are_in(lost, np.unique(_key(np.rint(known).astype(np.int64))))]
    if len(lost) == 0:
        return 0
    # What was cut off instead of rounded lies on another corner of its square of the grid.
    low = np.floor(known).astype(np.int64)
    keys = np.unique(np.concatenate([_key(low + np.array(step)) for step in ((0, 0), (0, 1), (1, 0), (1, 1))]))
    lost = lost[~_are_in(lost, keys)]
    # What falls to a point keeps a grid step each way, so that it can be drawn.
    for step in ((-1, 0), (0, -1), (-1, -1)) if on_tiles else ():
        lost = lost[~_are_in(lost + (step[0] << 32) + step[1], keys)]
    return int(np.isin(_key(asked), lost).sum()) if len(lost) else 0


def _are_in(asked: Ints, keys: Ints) -> NDArray[np.bool_]:
    """Which of ``asked`` are among the sorted ``keys``; quickest when ``asked`` ascends too."""
    if len(keys) == 0:
        return np.zeros(len(asked), dtype=bool)
    found: NDArray[np.bool_] = keys[np.minimum(np.searchsorted(keys, asked), len(keys) - 1)] == asked
    return found


def _key(corners: Ints) -> Ints:
    return (corners[:, 0] << 32) + corners[:, 1]


def _on_tile_grid(degrees: Floats) -> Floats:
    world = float(1 << GRID_BITS)
    lat = np.radians(np.clip(degrees[:, 1], -85.05112878, 85.05112878))
    x = (degrees[:, 0] + 180.0) / 360.0 * world
    return np.column_stack([x, (0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)) * world])


def off_grid(exact: Floats, grid_m: float) -> int:
    """How many corners do not lie on a grid of ``grid_m`` metres."""
    rest = np.abs(exact / grid_m - np.rint(exact / grid_m))
    return int((rest > 1e-6).any(axis=1).sum())
