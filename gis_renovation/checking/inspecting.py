"""What a file to be drafted for holds: its layers or sheets, its columns, and the layer of ours that fits."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.checking.grids import without_crs
from gis_renovation.checking.which_layer import Likely, Seen, kinds_of, likely_layers, name_strength
from gis_renovation.errors import FileError, GisRenovationError
from gis_renovation.numerals import header_unit, plain_text
from gis_renovation.reading import (
    Card,
    FileColumns,
    column_meanings,
    join_keys,
    lent,
    read_coordinates,
    read_raw,
    same_name,
)
from gis_renovation.schemas import GEOMETRY_TYPES, LayerSchema, layer_schema
from gis_renovation.words import LISTED, Text

if TYPE_CHECKING:
    import pandas as pd

# Names of coordinate columns; what is easting and what northing, the numbers decide.
_X_NAMES = ("x", "经度", "lon", "lng", "longitude", "东坐标", "横坐标", "x坐标", "point_x", "xcoord")


_Y_NAMES = ("y", "纬度", "lat", "latitude", "北坐标", "纵坐标", "y坐标", "point_y", "ycoord")


_WKT_NAMES = ("wkt", "geom", "geometry", "geometry_wkt", "the_geom", "shape_wkt")


@dataclass
class Found:
    """What inspecting the file gave; ``survey`` is the table of points that its rows are lines between."""

    path: Path
    frame: Any
    sublayers: tuple[str, ...]
    sublayer: str
    driver: str
    facts: Mapping[str, Any]
    findings: Sequence[Any]
    columns: FileColumns = field(default_factory=FileColumns)
    survey: SurveyTable | None = None


def inspect_file(path: Path, layer: str, sublayer: str, doubts: list[Text]) -> Found:
    """What a file holds, of its one layer or sheet that fits; ``doubts`` gets what was chosen."""
    names = _sublayers(path)
    chosen = sublayer or (_fitting_sublayer(path, names, layer, doubts) if len(names) > 1 else "")
    card = Card.model_validate({"source": {"path": path.name, "layer": layer or "communities", "layer_name": chosen}})
    raw = read_raw(path, card)
    return Found(path, raw.frame, names, chosen, _driver(path), raw.record, raw.findings, raw.columns)


def _sublayers(path: Path) -> tuple[str, ...]:
    """Layers of a vector file or visible sheets of a workbook; an archive's are found when it is read."""
    from gis_renovation.reading import SHEET_SUFFIXES, VECTOR_SUFFIXES, layers_in, sheet_names

    suffix = path.suffix.lower()
    if suffix in SHEET_SUFFIXES:
        return tuple(sheet_names(path))
    if suffix in VECTOR_SUFFIXES and suffix not in (".shp", ".kmz", ".dbf"):
        return tuple(layers_in(path))
    return ()


def filled_sublayers(path: Path) -> tuple[str, ...]:
    """The layers or sheets of a file that hold something, one nameless for a file that has no such parts."""
    names = _sublayers(path)
    if len(names) < 2:
        return ("",)
    return tuple(one.name for one in (_look_into(path, name) for name in names) if one.rows)


@dataclass
class _Sublayer:
    """One layer or sheet of a file: its columns, its rows (unknown: -1) and its geometry in GDAL's words."""

    name: str
    columns: tuple[str, ...]
    rows: int
    geometry: str

    def described(self) -> Text:
        """Name, rows and geometry, for a person to choose by."""
        kind = _kind(self.geometry)
        words = Text(*_KIND_WORDS[kind]) if kind in _KIND_WORDS else Text("几何类型不明", "geometry unknown")
        if not self.rows:
            return Text(f"{self.name}（空，{words.zh}）", f"{self.name} (empty, {words.en})")
        zh, en = (f"{self.rows:,} 行，", f"{self.rows:,} rows, ") if self.rows > 0 else ("", "")
        return Text(f"{self.name}（{zh}{words.zh}）", f"{self.name} ({en}{words.en})")


_KIND_WORDS = {"polygon": ("面", "areas"), "line": ("线", "lines"), "point": ("点", "points"), "": ("表格", "a table")}


JOINED = Text("，", ", ")


# A sublayer is taken without asking if it shows this much, and this much more than the next.
_FITS, _AHEAD = 3.0, 2.0


def _kind(geometry: str) -> str:
    """``polygon``, ``line`` or ``point``; empty for a table, ``unknown`` for what may hold anything."""
    plain = geometry.replace("2.5D ", "").replace("Measured ", "").replace("3D ", "").split(" ")[0]
    kinds = {name: kind for kind, names in GEOMETRY_TYPES.items() for name in names}
    return kinds.get(plain, "unknown") if plain else ""


def _fitting_sublayer(path: Path, names: Sequence[str], layer: str, doubts: list[Text]) -> str:
    """The one sublayer that clearly fits the layer, said with the others; else FileError naming them all."""
    found = [_look_into(path, name) for name in names]
    schema = layer_schema(layer) if layer else None

    def score(one: _Sublayer) -> float:
        kind = _kind(one.geometry)
        if not one.rows or (schema is not None and schema.geometry and kind not in (*schema.geometry, "unknown", "")):
            return -1.0
        if schema is None:
            return _FITS if kind else 0.0
        key = schema.fields.get(schema.key)
        matched = sum(same_name(one.columns, f) is not None for f in schema.read_fields.values() if f is not key)
        keyed = key is not None and same_name(one.columns, key) is not None
        shown = one.name.lower()
        named = any(word.lower() in shown for word in (schema.name, schema.name.rstrip("s"), schema.label.zh))
        return matched + 2.0 * keyed + 3.0 * named - (1.0 if schema.geometry and not kind else 0.0)

    ranked = sorted(found, key=lambda one: (-score(one), names.index(one.name)))
    best, others = ranked[0], ranked[1:]
    if sum(bool(one.rows) for one in found) == 1:  # the empty ones are said, not asked about
        best = next(one for one in found if one.rows)
        doubts.append(_only_one(best, [one for one in found if one is not best]))
        return best.name
    if score(best) >= _FITS and all(score(best) - score(other) >= _AHEAD for other in others):
        taken, rest = best.described(), _listed(others)
        doubts.append(
            Text(
                f"文件里有 {len(found)} 个图层，取了最符合的 {taken.zh}；另有：{rest.zh}。不对时用 --sublayer 指定。",
                f"The file holds {len(found)} layers; {taken.en} fits best and was taken. Also there: {rest.en}. "
                "If wrong, give --sublayer.",
            )
        )
        return best.name
    listed, example = _listed(found), f"--sublayer {_shell_word(best.name)}"
    raise FileError(
        f"{path.name} 里有 {len(found)} 个图层，看不出该用哪一个：{listed.zh}。请用 --sublayer 指定，例如 {example}。",
        f"{path.name} holds {len(found)} layers and which one is meant cannot be told: {listed.en}. "
        f"Name one with --sublayer, for example {example}.",
    )


def _only_one(best: _Sublayer, empty: Sequence[_Sublayer]) -> Text:
    taken, rest = best.described(), _listed(empty)
    return Text(
        f"文件里只有 {taken.zh} 有内容；另有：{rest.zh}。",
        f"Only {taken.en} of the file holds anything. Also there: {rest.en}.",
    )


def _listed(sublayers: Sequence[_Sublayer]) -> Text:
    texts = [one.described() for one in sublayers]
    return Text("、".join(t.zh for t in texts), ", ".join(t.en for t in texts))


def _shell_word(name: str) -> str:
    return f'"{name}"' if any(c.isspace() for c in name) else name


def _look_into(path: Path, name: str) -> _Sublayer:
    """What a layer or sheet holds, as far as it can be told without an error; reading it tells the rest."""
    from gis_renovation.reading import SHEET_SUFFIXES, read_xlsx

    if path.suffix.lower() in SHEET_SUFFIXES:
        try:
            frame = read_xlsx(path, name)
        except GisRenovationError:
            return _Sublayer(name, (), 0, "")
        return _Sublayer(name, tuple(map(str, frame.columns)), len(frame), "")
    import pyogrio

    with lent(path) as source:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                info = pyogrio.read_info(source, layer=name, force_feature_count=True)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError):
            return _Sublayer(name, (), -1, "Unknown")
        columns = (*map(str, info["fields"]), *column_meanings(source, name).aliases.values())
    return _Sublayer(name, columns, int(info["features"]), str(info["geometry_type"] or ""))


def _driver(path: Path) -> str:
    """The driver's name: fiona inspects what it can open, the suffix names the rest."""
    import fiona
    from fiona.errors import DriverError

    try:
        with lent(path) as source, fiona.open(source) as opened:
            return str(opened.driver)
    except (DriverError, OSError, ValueError, SystemError):  # its log cannot hold all names
        return path.suffix.lstrip(".").upper()


def likely_schema(found: Found, doubts: list[Text]) -> LayerSchema:
    """The layer that the file is likeliest for, by names, columns and shapes; the guess and its reasons are doubts."""
    ranked = ranked_layers(found)
    best, others = ranked[0], [one.schema for one in ranked[1:4]]
    why = JOINED.join(best.reasons) if best.reasons else Text("没有看出别的线索", "nothing else was seen")
    doubts.append(
        Text(
            f"图层类别是猜的：{best.schema.label.zh} {best.schema.name}（{why.zh}）；不对时用 --layer 指定，例如 "
            f"{'、'.join(f'{s.label.zh} {s.name}' for s in others)}。",
            f"The layer is a guess: {best.schema.name} ({why.en}); if wrong, give --layer, for example "
            f"{', '.join(s.name for s in others)}.",
        )
    )
    return best.schema


def ranked_layers(found: Found) -> list[Likely]:
    """Every layer that a city brings, the likeliest for this file first. A drawing is ranked by its CAD layers too."""
    drawn = drawn_layers(found)
    seen = seen_of(found)
    if not drawn:
        return likely_layers(seen)
    counts = dict.fromkeys(drawn.values(), 0)
    for name in drawn.values():
        counts[name] += 1
    ranked = likely_layers(seen)
    lift = {one.schema.name: one for one in ranked}
    for name, count in counts.items():
        one = lift[name]
        cad = LISTED.join(Text.same(cad) for cad, layer in drawn.items() if layer == name)
        lift[name] = replace(
            one, score=one.score + 2.0 + 0.1 * count, reasons=(Text("CAD 图层 ", "drawing layers ") + cad,)
        )
    return sorted(lift.values(), key=lambda one: -round(one.score, 6))


def seen_of(found: Found) -> Seen:
    """What of a file tells which layer it is for."""
    kinds = kinds_of(geometry_kinds(found.frame))
    columns = () if kinds else coordinate_columns(found.frame) or ()
    own = found.sublayer if found.sublayer not in ("entities", found.path.stem) else ""
    names = tuple(str(column) for column in found.frame.columns if column not in (*DRIVER_COLUMNS, "geometry"))
    return Seen(
        own=own, file=found.path.stem, folder=found.path.resolve().parent.name, columns=names,
        aliases=found.columns.aliases, kinds=kinds, points=len(columns) == 2, words=len(columns) == 1,
        drawn=found.path.suffix.lower() == ".dxf",
    )  # fmt: skip


# What drivers of drawings add to every file.
DRIVER_COLUMNS = ("Layer", "PaperSpace", "SubClasses", "Linetype", "EntityHandle", "Text", "ExtendedEntity")


def drawn_layers(found: Found) -> dict[str, str]:
    """Of a drawing: which layer of ours each of its layers is for, by its name and shapes; texts are for none."""
    frame = found.frame
    if found.path.suffix.lower() != ".dxf" or "Layer" not in frame.columns:
        return {}
    said = {}
    for name, rows in frame.groupby(frame["Layer"].astype("str"), sort=True):
        kinds = kinds_of(geometry_kinds(rows[rows["Text"].isna()] if "Text" in rows else rows))
        if kinds:
            best = likely_layers(Seen(str(name), "", "", (), {}, kinds, drawn=True))[0]
            if name_strength(best.schema, str(name))[0]:
                said[str(name)] = best.schema.name
    return said


def geometry_kinds(frame: pd.DataFrame) -> set[str]:
    """The kinds of shapes that a frame holds."""
    return {str(k) for k in frame.geom_type.dropna().unique()} if hasattr(frame, "geom_type") else set()


def coordinate_columns(frame: pd.DataFrame) -> tuple[str, ...] | None:
    """The columns for (x, y) or (wkt,), the northing told from the easting by its numbers; None if there are none."""
    names = {plain_text(header_unit(without_crs(str(c)))[0]).lower(): str(c) for c in frame.columns}
    for wanted in _WKT_NAMES:
        if wanted in names and _holds_wkt(frame[names[wanted]]):
            return (names[wanted],)
    x = next((names[n] for n in _X_NAMES if n in names), None)
    y = next((names[n] for n in _Y_NAMES if n in names), None)
    if x is None or y is None:
        return None
    first, second = (
        float(np.nanmedian(read_coordinates(frame[c].iloc[:5000]))) if len(frame) else np.nan for c in (x, y)
    )
    from gis_renovation.checking.grids import looks_swapped

    return (y, x) if looks_swapped(first, second) else (x, y)


def _holds_wkt(column: pd.Series) -> bool:
    """Whether the first known cell is a shape in words, or in hexadecimal."""
    known = column.dropna()
    form = r"\s*(SRID=\d+;)?\s*[A-Za-z]+\s*Z?M?\s*\(|0[01](?:[0-9A-Fa-f]{2}){20,}$"
    return bool(len(known)) and re.match(form, str(known.iloc[0])) is not None


# What surveys call the number of a point, and the numbers of a line's two ends.
_POINT_NAMES = ("物探点号", "点号", "管点号", "图上点号", "管线点号", "管点编号", "点编号")
_START_NAMES = ("起点点号", "起点号", "起始点号", "起点物探点号", "起点编号", "起点", "本点点号", "本点号")
_END_NAMES = ("终点点号", "终点号", "终止点号", "终点物探点号", "终点编号", "终点", "连接点号", "连接点", "连接方向")


@dataclass
class SurveyTable:
    """The points that a table of lines names: their file and sheet, and the columns of both."""

    path: Path
    sublayer: str
    number: str
    x: str
    y: str
    start: str
    end: str
    places: Floats

    @property
    def columns(self) -> tuple[str, str]:
        """The columns of the lines that name their ends."""
        return self.start, self.end


def _named(frame: pd.DataFrame, wanted: Sequence[str]) -> str | None:
    names = {plain_text(header_unit(str(c))[0]).lower(): str(c) for c in frame.columns}
    return next((names[one] for one in wanted if one in names), None)


def survey_points(found: Found) -> SurveyTable | None:
    """The table of points in the same workbook that a table of lines names its ends by; None if it is no such table.

    Of several sheets with point numbers and coordinates the one that has most of the numbers.
    """
    start, end = _named(found.frame, _START_NAMES), _named(found.frame, _END_NAMES)
    if start is None or end is None or hasattr(found.frame, "geom_type"):
        return None
    asked = set(join_keys([*found.frame[start], *found.frame[end]])) - {""}
    best: tuple[int, SurveyTable] | None = None
    for name in found.sublayers:
        if name == found.sublayer:
            continue
        try:
            frame = inspect_file(found.path, "utility_nodes", name, []).frame
        except GisRenovationError:
            continue
        number, columns = _named(frame, _POINT_NAMES), coordinate_columns(frame)
        if number is None or columns is None or len(columns) != 2:
            continue
        met = len(asked & set(join_keys(frame[number])))
        if met and (best is None or met > best[0]):
            xy = np.column_stack([read_coordinates(frame[c].iloc[:5000]) for c in columns])
            best = met, SurveyTable(found.path, name, number, *columns, start, end, xy[np.isfinite(xy).all(axis=1)])
    return best[1] if best else None
