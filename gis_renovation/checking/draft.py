"""A first source card, drafted from a file: what the program found, and what a person must still decide.

The draft is a card that reads, as far as the file allows, with a comment at every guess. Nothing is
written here; the caller prints it or writes it where no card stands yet.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from gis_renovation.config import toml_inline
from gis_renovation.errors import FileError, GisRenovationError
from gis_renovation.numerals import header_unit, plain_text, read_month, unit_factor
from gis_renovation.reading import (
    RASTER_DRIVERS,
    RASTER_SUFFIXES,
    Card,
    FileColumns,
    column_meanings,
    conform,
    find_file,
    read_card,
    read_coordinates,
    read_files,
    read_raw,
    same_filled,
    same_name,
    to_text,
)
from gis_renovation.schemas import GEOMETRY_TYPES, Field, LayerSchema, check_layer, layer_schema, layer_schemas
from gis_renovation.words import Lang, Text, shorten_ids
from gis_renovation.writing import new_file

# Names of coordinate columns; what is easting and what northing, the numbers decide.
_X_NAMES = ("x", "经度", "lon", "lng", "longitude", "东坐标", "横坐标", "x坐标", "point_x", "xcoord")
_Y_NAMES = ("y", "纬度", "lat", "latitude", "北坐标", "纵坐标", "y坐标", "point_y", "ycoord")
_WKT_NAMES = ("wkt", "geom", "geometry", "geometry_wkt", "the_geom", "shape_wkt")

# Names of id columns that every kind of layer has, the more telling first.
_KEY_NAMES = ("编号", "代码", "编码", "bsm", "标识码", "objectid", "fid", "id")

# A name this like an alias is offered, marked as a guess.
_ALIKE = 0.72
_SHOWN_VALUES = 8
_SAMPLED_ROWS = 1000


@dataclass
class Draft:
    """A drafted card: the layer it is for, its text, and what it is unsure of."""

    layer: str
    text: str
    doubts: list[Text] = field(default_factory=list)


@dataclass
class _Found:
    """What inspecting the file gave."""

    path: Path
    frame: Any
    sublayers: tuple[str, ...]
    sublayer: str
    driver: str
    facts: Mapping[str, Any]
    findings: Sequence[Any]
    columns: FileColumns = field(default_factory=FileColumns)


def draft_card(
    path: Path, *, layer: str = "", sublayer: str = "", beside: Path, project_crs: str = "", lang: Lang = "zh"
) -> Draft:
    """A card for ``path``, its path relative to the folder ``beside`` where cards lie.

    ``layer`` is the schema to fill; without it the one that fits the columns and shapes best is taken
    and said to be a guess. ``sublayer`` names the layer or sheet inside the file; ``project_crs`` is
    offered for grid numbers without a zone. Raises FileError for a file that cannot be read, ConfigError
    for an unknown layer.
    """
    if layer:
        layer_schema(layer)
    path = find_file(path, layer, by_card=False)
    if path.suffix.lower() in RASTER_SUFFIXES:
        return _draft_raster(path, layer or "terrain", beside, lang, guessed=not layer)
    doubts: list[Text] = []
    found = inspect_file(path, layer, sublayer, doubts)
    schema = layer_schema(layer) if layer else _likely_schema(found, doubts)
    lines = [*_source_lines(found, schema, beside, project_crs, doubts), *_geometry_lines(found, schema, doubts), ""]
    lines += _column_lines(found, schema, doubts)
    lines += _select_lines(found)
    lines += _repair_lines(found, schema, doubts)
    body = _in_language(lines, lang)
    doubts += _trial(body, schema, beside)
    return Draft(schema.name, "\n".join([*_head(found, schema, doubts, lang), body]) + "\n", doubts)


# --- inspecting -----------------------------------------------------------------------------------


def inspect_file(path: Path, layer: str, sublayer: str, doubts: list[Text]) -> _Found:
    """What a file holds, of its one layer or sheet that fits; ``doubts`` gets what was chosen."""
    names = _sublayers(path)
    chosen = sublayer or (_fitting_sublayer(path, names, layer, doubts) if len(names) > 1 else "")
    card = Card.model_validate({"source": {"path": path.name, "layer": layer or "communities", "layer_name": chosen}})
    raw = read_raw(path, card)
    return _Found(path, raw.frame, names, chosen, _driver(path), raw.record, raw.findings, raw.columns)


def _sublayers(path: Path) -> tuple[str, ...]:
    """Layers of a vector file or visible sheets of a workbook; an archive's are found when it is read."""
    from gis_renovation.reading import SHEET_SUFFIXES, VECTOR_SUFFIXES, layers_in, sheet_names

    suffix = path.suffix.lower()
    if suffix in SHEET_SUFFIXES:
        return tuple(sheet_names(path))
    if suffix in VECTOR_SUFFIXES and suffix not in (".shp", ".kmz", ".dbf"):
        return tuple(layers_in(path))
    return ()


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

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            info = pyogrio.read_info(path, layer=name, force_feature_count=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError):
        return _Sublayer(name, (), -1, "Unknown")
    columns = (*map(str, info["fields"]), *column_meanings(path, name).aliases.values())
    return _Sublayer(name, columns, int(info["features"]), str(info["geometry_type"] or ""))


def _driver(path: Path) -> str:
    """The driver's name: fiona inspects what it can open, the suffix names the rest."""
    import fiona
    from fiona.errors import DriverError, FionaValueError

    try:
        with fiona.open(path) as source:
            return str(source.driver)
    except (DriverError, FionaValueError, OSError, UnicodeError):
        return path.suffix.lstrip(".").upper()


def _likely_schema(found: _Found, doubts: list[Text]) -> LayerSchema:
    """The layer whose columns and shapes fit best; a name like the file's decides between equals."""
    kinds = _geometry_kinds(found.frame)
    stem = f"{found.path.stem} {found.sublayer}".lower()

    def score(schema: LayerSchema) -> tuple[float, float]:
        names = found.frame.columns
        matched = [f for f in schema.read_fields.values() if same_name(names, f, found.columns.aliases)]
        fits = 1.0 if not kinds or any(k in GEOMETRY_TYPES[g] for g in schema.geometry for k in kinds) else -3.0
        named = schema.label.zh in stem or schema.name.rstrip("s") in stem
        weight = sum(1.0 + f.required for f in matched) + 2.0 * named + fits
        return weight, -order.index(schema.name)

    schemas = [s for s in layer_schemas().values() if not s.result and not s.raster]
    order = [schema.name for schema in schemas]  # the layers every project has stand first
    ranked = sorted(schemas, key=score, reverse=True)
    others = "、".join(f"{s.label.zh} {s.name}" for s in ranked[1:4])
    best = ranked[0]
    doubts.append(
        Text(
            f"图层类别是猜的：{best.label.zh} {best.name}；不对时用 --layer 指定，例如 {others}。",
            f"The layer is a guess: {best.name}; if wrong, give --layer, for example "
            f"{', '.join(s.name for s in ranked[1:4])}.",
        )
    )
    return best


def _geometry_kinds(frame: Any) -> set[str]:
    return {str(k) for k in frame.geom_type.dropna().unique()} if hasattr(frame, "geom_type") else set()


# --- the parts of the card ------------------------------------------------------------------------


def _source_lines(
    found: _Found, schema: LayerSchema, beside: Path, project_crs: str, doubts: list[Text]
) -> list[str | Text]:
    lines: list[str | Text] = ["[source]", f"path = {toml_inline(relative_path(found.path, beside))}"]
    if found.path.stem != schema.name:
        lines.append(f"layer = {toml_inline(schema.name)}")
    if found.sublayer:
        others = "、".join(n for n in found.sublayers if n != found.sublayer)
        note = Text(f"  # 文件中还有：{others}", f"  # the file also has: {others}")
        lines.append(Text(*(f"layer_name = {toml_inline(found.sublayer)}{part}" for part in note)))
    encoding = str(found.facts.get("encoding", ""))
    if encoding and found.facts.get("encoding_from") == "content":
        lines.append(
            Text(
                f"encoding = {toml_inline(encoding)}  # 文件没有写明编码，按内容判断",
                f"encoding = {toml_inline(encoding)}  # not stated in the file; judged from its text",
            )
        )
    if schema.geometry:
        lines += _crs_lines(found, project_crs, doubts)
    lines += [
        Text('owner = ""          # 请填：数据提供单位', 'owner = ""          # fill in: who gave the data'),
        Text('licence = ""        # 请填：使用许可', 'licence = ""        # fill in: under what terms'),
        *_class_lines(schema),
        Text("# observed = 2024-04-15  # 请填：数据的时点", "# observed = 2024-04-15  # fill in: the data's date"),
    ]
    return lines


def _class_lines(schema: LayerSchema) -> list[str | Text]:
    """The class as a draft leaves it, who decides it, and what depends on it for this layer."""
    if schema.disclosure == "public":
        means = Text(
            "# 改成 public，才能进公众版；仍是 internal 时，用到它的公众版会拒绝发布，"
            "除非经审查同意写进 maps/public.toml 的 [release]",
            "# only public lets it onto the public site; while it is internal a site that uses it is refused, unless a "
            "review allows it under [release] in maps/public.toml",
        )
    else:
        means = Text(
            "# 这个图层的明细无论怎样定级都不进公众版；由它算出的成果能不能公开，也看这里",
            "# the layer itself never goes onto the public site; whether results made from it may, depends on this too",
        )
    return [
        Text(
            "# 请定级：向提供单位问清并留下书面答复，程序不代为决定；没有答复前保持 internal",
            "# to decide: ask who gave the data and keep the answer in writing, the program decides nothing; "
            "internal until then",
        ),
        means,
        Text(
            'classification = "internal"  # public 可公开 | internal 内部 | work_secret 工作秘密（只限规划图）',
            'classification = "internal"  # public | internal | work_secret (the planner\'s map only)',
        ),
    ]


def _crs_lines(found: _Found, project_crs: str, doubts: list[Text]) -> list[str | Text]:
    from gis_renovation.checking.grids import likely_crs
    from gis_renovation.crs import same_crs

    frame = found.frame
    stated = getattr(frame, "crs", None)
    places = _places(found)
    guesses = likely_crs(places, project_crs=project_crs)
    if stated is not None:
        code = stated.to_authority()
        shown = ":".join(code) if code else next((g for g, _ in guesses if same_crs(g, stated)), "")
        if not shown:
            return [Text(f"# 坐标系以文件自带的为准：{stated.name}", f"# CRS as the file says: {stated.name}")]
        return [
            Text(f'crs = "{shown}"  # {stated.name}（文件自带）', f'crs = "{shown}"  # {stated.name}, from the file')
        ]
    if not guesses:
        doubts.append(
            Text("坐标系未知，从坐标也看不出；请向提供单位核实后填写 crs。", "The CRS is unknown; ask and fill in crs.")
        )
        return [Text('# crs = ""  # 必填：坐标系未知', '# crs = ""  # required: unknown')]
    code, reason = guesses[0]
    doubts.append(
        Text(
            f"坐标系 {code} 是按坐标值猜的（{reason.zh}）；西安80、北京54 的数值看起来一样，务必向提供单位核实。",
            f"CRS {code} is guessed from the numbers ({reason.en}); Xian 80 and Beijing 54 look the same: ask.",
        )
    )
    return [
        Text(f'crs = "{code}"  # 猜测：{reason.zh}', f'crs = "{code}"  # guess: {reason.en}'),
        Text(
            "crs_guessed = true  # 向提供单位核实坐标系后删去本行；未核实前每次检查都会提醒，公众版拒绝发布",
            "crs_guessed = true  # delete this line once the CRS is confirmed; until then every check warns, and no "
            "public site is made",
        ),
    ]


def _places(found: _Found) -> Any:
    """Some coordinates of the file, (n, 2), as x and y; empty without any."""
    import shapely

    frame = found.frame
    if hasattr(frame, "geom_type"):
        bounds = shapely.bounds(frame.geometry.to_numpy()[:5000])
        return bounds[np.isfinite(bounds).all(axis=1)][:, :2]
    columns = coordinate_columns(frame)
    if columns is None:
        return np.empty((0, 2))
    if len(columns) == 1:
        texts = frame[columns[0]].iloc[:5000].astype("str").str.replace(r"^\s*SRID=\d+;", "", regex=True)
        with np.errstate(invalid="ignore"):
            shapes = shapely.from_wkt(texts.to_numpy(dtype=object, na_value=None), on_invalid="ignore")
        bounds = shapely.bounds(shapes)
        return bounds[np.isfinite(bounds).all(axis=1)][:, :2]
    xy = np.column_stack([read_coordinates(frame[name].iloc[:5000]) for name in columns])
    return xy[np.isfinite(xy).all(axis=1)]


def coordinate_columns(frame: Any) -> tuple[str, ...] | None:
    """The columns for (x, y) or (wkt,), the northing told from the easting by its numbers; None if there are none."""
    names = {plain_text(header_unit(str(c))[0]).lower(): str(c) for c in frame.columns}
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


def _holds_wkt(column: Any) -> bool:
    """Whether the first known cell is a shape in words."""
    known = column.dropna()
    return bool(len(known)) and re.match(r"\s*(SRID=\d+;)?\s*[A-Za-z]+\s*Z?M?\s*\(", str(known.iloc[0])) is not None


def _geometry_lines(found: _Found, schema: LayerSchema, doubts: list[Text]) -> list[str | Text]:
    if not schema.geometry:
        return []
    kinds = _geometry_kinds(found.frame)
    if kinds:
        return [Text(f"# 几何类型：{'、'.join(sorted(kinds))}", f"# geometry: {', '.join(sorted(kinds))}")]
    if hasattr(found.frame, "geom_type"):  # no row has a shape to tell the kind by
        return []
    columns = coordinate_columns(found.frame)
    if columns is None:
        doubts.append(
            Text(
                "表格里没有找到坐标列。边界在另一个文件里的，先为边界文件起草来源卡，再对这张表运行一次 card，"
                "就会给出把台账接到边界上的 [join]；有坐标列的请写 [geometry]。",
                "No coordinate columns were found. If the boundaries are in another file, draft its card, then run "
                "card on this table again for the [join] that puts it beside them; else write [geometry].",
            )
        )
        return ["", "# [geometry]", '# x = ""', '# y = ""']
    if len(columns) == 1:
        return ["", "[geometry]", f"wkt = {toml_inline(columns[0])}"]
    note = Text("  # 东坐标或经度", "  # easting or longitude"), Text("  # 北坐标或纬度", "  # northing or latitude")
    rows = [
        Text(*(f"{axis} = {toml_inline(c)}{part}" for part in n))
        for axis, c, n in zip("xy", columns, note, strict=True)
    ]
    return ["", "[geometry]", *rows]


def _column_lines(found: _Found, schema: LayerSchema, doubts: list[Text]) -> list[str | Text]:
    frame = found.frame
    taken: set[str] = set(coordinate_columns(frame) or ()) if not _geometry_kinds(frame) else set()
    lines: list[str | Text] = ["[columns]"]
    free, aliases = [c for c in frame.columns if c not in taken], found.columns.aliases
    matches = {name: same_filled(frame, free, f, aliases) for name, f in schema.read_fields.items()}
    for name, column in matches.items():
        if column in taken:
            matches[name] = None
        elif column:
            taken.add(column)
    left = [str(c) for c in frame.columns if str(c) not in taken and c != "geometry"]
    for name, target in schema.read_fields.items():
        column = matches[name]
        guess = None if column else alike_column(left, target)
        if name == schema.key and not column and not guess:
            guess = _likely_key(frame, left)
        if guess:
            left.remove(guess)
            doubts.append(
                Text(f"{name} 取自“{guess}”是按名称相近猜的。", f"{name} from {guess!r} is a guess by its name.")
            )
        line = _one_column(found, column or guess, target, schema, doubts, guessed=guess is not None)
        if line is None:
            line = _missing_column(target, schema, left, doubts)
        lines.append(line)
    if left:
        lines.append(Text(f"# 没有用到的列：{'、'.join(left)}", f"# columns not used: {', '.join(left)}"))
    return lines


def _likely_key(frame: Any, columns: Sequence[str]) -> str | None:
    """An unused column whose name says id and whose values are all there and all different."""
    for wanted in _KEY_NAMES:
        for column in columns:
            shown = plain_text(column).lower()
            if (shown == wanted or (len(wanted) > 1 and shown.endswith(wanted))) and len(frame):
                text = to_text(frame[column])
                if text.notna().all() and text.is_unique:
                    return column
    return None


def alike_column(columns: Sequence[str], target: Field) -> str | None:
    """An unused column whose name is like the field's, or contains it; None below the bar."""
    names = [plain_text(n).lower() for n in (target.label.zh, *target.aliases, target.name) if len(n) > 1]

    def score(column: str) -> float:
        bare = header_unit(column)[0].lower().rsplit("/", 1)[-1]
        contained = max((0.75 + 0.2 * len(n) / max(len(bare), 1) for n in names if n in bare), default=0.0)
        return max(contained, *(SequenceMatcher(None, bare, n).ratio() for n in names))

    best = max(columns, key=score, default=None)
    return best if best is not None and score(best) >= _ALIKE else None


def _one_column(
    found: _Found, column: str | None, target: Field, schema: LayerSchema, doubts: list[Text], *, guessed: bool
) -> str | Text | None:
    if column is None:
        return None
    frame, meanings = found.frame, found.columns.codes.get(column, {})
    unit = header_unit(column)[1]
    unit = unit if unit and unit_factor(unit, target.unit) is not None else ""
    values = _unknown_codes(frame[column], target, meanings)
    parts = [f"from = {toml_inline(column)}"]
    months = target.type == "date" and _holds_months(frame[column])
    if months:
        parts.append('month_as = "last_day"')
        doubts.append(_which_day(column, target))
    if unit and unit_factor(unit, target.unit) != 1:
        parts.append(f"unit = {toml_inline(unit)}")
    if values:
        listed = ", ".join(f'{toml_inline(v)} = "?"' for v in values)
        allowed = ", ".join(f"{code} {label.zh}" for code, label in target.values.items())
        said = "、".join(f"{v} 即{meanings[v]}" for v in values if v in meanings)
        note = Text(
            f"把 ? 换成：{allowed}" + (f"；文件注明 {said}" if said else ""),
            f"replace ? by: {', '.join(target.values)}",
        )
        rule = f"{target.name} = {{ {', '.join(parts)}, values = {{ {listed} }} }}"
        return Text(*(f"# {rule}  # {n}" for n in note))
    rule = f"{target.name} = {toml_inline(column)}" if len(parts) == 1 else f"{target.name} = {{ {', '.join(parts)} }}"
    alias = found.columns.aliases.get(column, "")
    mark = Text(f"（别名“{alias}”）", f" (alias {alias})") if alias else Text("", "")
    mark = Text("（猜测，请核对）", " (a guess, check)") if guessed else mark
    if months:
        mark = Text(f"{mark.zh}：取当月最后一天；first_day 取第一天", f"{mark.en}: last_day of the month, or first_day")
    if target.name == schema.key and not to_text(frame[column]).is_unique:
        doubts.append(_repeated_key(frame, column, target, schema))
        mark = Text("（有重复，不能作编号）", " (repeated, cannot be the id)")
        number = f'{target.name} = {{ number = "{schema.name[:2].upper()}-" }}'
        return Text(*(f"{number}  # {toml_inline(column)}{m}" for m in mark))
    return Text(f"{rule}  # {target.label.zh}{mark.zh}", f"{rule}  # {target.label.en}{mark.en}")


def _holds_months(cells: Any) -> bool:
    """Whether a column names months without a day, in every known cell of its first rows."""
    texts = to_text(cells.dropna().iloc[:_SAMPLED_ROWS]).tolist()
    return bool(texts) and all(read_month(text) is not None for text in texts)


def _which_day(column: str, target: Field) -> Text:
    return Text(
        f"“{column}”只写到月，{target.label.zh}暂取当月最后一天；取第一天的，把 last_day 改成 first_day。",
        f"{column!r} names months; {target.label.en} is their last day for now. For the first write first_day.",
    )


def _repeated_key(frame: Any, column: str, target: Field, schema: LayerSchema) -> Text:
    """That the id column cannot be the id, what numbering instead loses, and what to write if the rows are pieces."""
    text = to_text(frame[column])
    twice = sorted(text[text.notna() & text.duplicated()].unique())
    empty = int(text.isna().sum())
    zh = [f"有 {len(twice)} 个编号重复（{shorten_ids(twice, 'zh', 3)}）"] if twice else []
    en = [f"{len(twice)} ids repeated ({shorten_ids(twice, 'en', 3)})"] if twice else []
    if empty:
        zh.append(f"有 {empty} 行没有编号")
        en.append(f"{empty} rows without an id")
    remedy = Text("", "")
    if schema.geometry:
        rule = f"{target.name} = {toml_inline(column)}"
        remedy = Text(
            f"若重复的行是同一要素的几块，请改写 {rule}，并在 [repair] 写 merge_pieces = true。",
            f" If those rows are pieces of one feature, write {rule} and [repair] merge_pieces = true instead.",
        )
    return Text(
        f"“{column}”不能作编号：{'，'.join(zh)}。草稿改为自动编号：其他表按原编号的关联会失效，"
        f"重复的行成为各自独立的要素。{remedy.zh}",
        f"{column!r} cannot be the id: {', '.join(en)}. The draft numbers the rows instead: links from other tables by "
        f"the old id are lost, and repeated rows become separate features.{remedy.en}",
    )


def _unknown_codes(cells: Any, target: Field, meanings: Mapping[str, str]) -> list[str]:
    """Values of a coded column that are neither a code nor a label, nor mean one by the file's own words."""
    if not target.values:
        return []
    known = {*target.values, *(word.lower() for label in target.values.values() for word in label)}
    found = {str(v): meanings.get(str(v), str(v)) for v in sorted(to_text(cells).dropna().unique())}
    values = [v for v, said in found.items() if v not in known and said.lower() not in known]
    return values[:_SHOWN_VALUES]


def _missing_column(target: Field, schema: LayerSchema, left: Sequence[str], doubts: list[Text]) -> str | Text:
    unit = f"（{target.unit}）" if target.unit else ""
    if target.name == schema.key:
        doubts.append(Text("没有找到编号列，按位置自动编号。", "No id column was found; ids are numbered by position."))
        rule = f'{target.name} = {{ number = "{schema.name[:2].upper()}-" }}'
        return Text(f"{rule}  # {target.label.zh}：按位置编号", f"{rule}  # {target.label.en}: numbered by position")
    if target.required:
        doubts.append(
            Text(
                f"必填字段 {target.name}（{target.label.zh}）没有找到对应的列；"
                f"未使用的列有：{'、'.join(left) or '无'}。",
                f"No column for the required {target.name} ({target.label.en}); unused: {', '.join(left) or 'none'}.",
            )
        )
    must = Text("必填", "required") if target.required else Text("可选", "optional")
    return Text(
        f'# {target.name} = ""  # {target.label.zh}{unit}，{must.zh}',
        f'# {target.name} = ""  # {target.label.en}{unit if unit.isascii() else ""}, {must.en}',
    )


def _select_lines(found: _Found) -> list[str | Text]:
    """In drawings the layer name carries the meaning: all of them with their counts, for a person to choose."""
    if "Layer" not in found.frame.columns or found.path.suffix.lower() != ".dxf":
        return []
    counts = found.frame["Layer"].value_counts().sort_index()
    names = ", ".join(toml_inline(str(name)) for name in counts.index)
    listed = "、".join(f"{name} {count}" for name, count in counts.items())
    note = Text("只留下本图层所在的 CAD 图层", "keep the drawing layers meant")
    return ["", "# [select]", *(Text(*(f"# Layer = [{names}]  # {part}：{listed}" for part in note)),)]


def _repair_lines(found: _Found, schema: LayerSchema, doubts: list[Text]) -> list[str | Text]:
    """Repairs the shapes call for, commented out: a person decides."""
    import shapely

    if not hasattr(found.frame, "geom_type"):
        return []
    geometry = found.frame.geometry.to_numpy()
    wishes = []
    invalid = int((~shapely.is_valid(geometry) & ~shapely.is_missing(geometry)).sum())
    empty = int((shapely.is_missing(geometry) | shapely.is_empty(geometry)).sum())
    lines = int(np.isin(shapely.get_type_id(geometry), [1, 2, 5]).sum())
    if invalid:
        wishes.append(("make_valid = true", Text(f"{invalid} 个几何无效", f"{invalid} invalid geometries")))
    if empty:
        wishes.append(("drop_empty_geometry = true", Text(f"{empty} 行没有几何", f"{empty} rows without geometry")))
    if lines and schema.geometry == ("polygon",):
        wishes.append(("close_rings_m = 0.1", Text(f"{lines} 条线需要围成面", f"{lines} lines must become areas")))
    if not wishes:
        return []
    for rule, why in wishes:
        doubts.append(Text(f"{why.zh}；同意修复时去掉 {rule} 前的 #。", f"{why.en}; to mend them, uncomment {rule}."))
    return ["", "[repair]", *(Text(*(f"# {rule}  # {part}" for part in why)) for rule, why in wishes)]


def _draft_raster(path: Path, layer: str, beside: Path, lang: Lang, *, guessed: bool) -> Draft:
    import rasterio
    from rasterio.errors import RasterioIOError

    from gis_renovation.reading import check_signature, unreadable

    check_signature(path, layer)
    try:
        with warnings.catch_warnings(), rasterio.open(path, driver=RASTER_DRIVERS[path.suffix.lower()]) as source:
            warnings.simplefilter("ignore")  # what is missing is said below
            crs, nodata, shape, placed = source.crs, source.nodata, source.shape, not source.transform.is_identity
    except RasterioIOError as error:
        raise unreadable(path, layer, error) from None
    doubts = []
    if guessed:
        doubts.append(
            Text(
                "栅格的类别是猜的：terrain；不对时用 --layer 指定。",
                "The layer is a guess: terrain; else give --layer.",
            )
        )
    if not placed:
        doubts.append(
            Text(
                "栅格没有定位信息（只有行列号），不能使用；请索取带坐标的 GeoTIFF。",
                "The raster has rows and columns only and cannot be used; ask for a georeferenced one.",
            )
        )
    if crs is None:
        doubts.append(Text("栅格没有坐标系，请填写 crs。", "The raster has no CRS; fill in crs."))
    if nodata is None:
        doubts.append(
            Text(
                "栅格没有写明无数据值，所有像元都会当作真值。", "The raster states no nodata value; every cell counts."
            )
        )
    code = crs.to_authority() if crs else None
    lines: list[str | Text] = [
        "[source]",
        f"path = {toml_inline(relative_path(path, beside))}",
        f"layer = {toml_inline(layer)}",
        f'crs = "{":".join(code)}"' if code else '# crs = ""',
        Text('owner = ""  # 请填', 'owner = ""  # fill in'),
        Text('note = ""  # 请填：高程基准、单位、时相', 'note = ""  # fill in: height datum, unit, date'),
        Text(f"# {shape[1]} × {shape[0]} 像元", f"# {shape[1]} x {shape[0]} cells"),
    ]
    head = [f"# ! {doubt.in_language(lang)}" for doubt in doubts]
    return Draft(layer, "\n".join([*head, _in_language(lines, lang)]) + "\n", doubts)


def _trial(body: str, schema: LayerSchema, beside: Path) -> list[Text]:
    """The draft read once, as ``check`` would: its rows and faults, or why it cannot be read yet."""
    try:
        card = read_card(body, stem=schema.name, where="draft")
        raw = read_files(card, beside)
        done = conform(raw.frame, card, columns=raw.columns)
        checked = check_layer(done.frame, schema, **done.told)
        faults = [f for f in (*raw.findings, *done.findings, *checked) if f.severity == "error"]
    except GisRenovationError as error:
        return [Text(f"照此试读不成功：{error.text.zh}", f"Reading by this draft fails: {error.text.en}")]
    if not faults:
        return []
    return [
        Text(
            f"照此试读 {len(done.frame):,} 行，有 {len(faults)} 类问题，其一："
            f"{faults[0].field} {faults[0].sentence('zh')}",
            f"Read by this draft: {len(done.frame):,} rows, {len(faults)} kinds of fault, the first: {faults[0].field} "
            f"{faults[0].sentence('en')}",
        )
    ]


def _head(found: _Found, schema: LayerSchema, doubts: Sequence[Text], lang: Lang) -> list[str]:
    rows = len(found.frame)
    first = Text(
        f"# {schema.label.zh} {schema.name} 的来源卡草稿：{found.path.name}，{found.driver}，{rows:,} 行",
        f"# Draft of a source card for {schema.name}: {found.path.name}, {found.driver}, {rows:,} rows",
    )
    seen = [f"# · {' '.join(f.sentence(lang).split())}" for f in found.findings if f.severity != "error"]
    marks = [f"# ! {' '.join(doubt.in_language(lang).split())}" for doubt in doubts]
    return [first.in_language(lang), *seen, *marks]


def _in_language(lines: Sequence[str | Text], lang: Lang) -> str:
    texts = (line.in_language(lang) if isinstance(line, Text) else line for line in lines)
    # A column's name may hold a line break; values are written with escapes, so only comments do here.
    return "\n".join(" ".join(text.splitlines()) for text in texts)


def relative_path(path: Path, beside: Path) -> str:
    """How a card in the folder ``beside`` names ``path``."""
    try:
        return Path(os.path.relpath(path.resolve(), beside.resolve())).as_posix()
    except ValueError:  # another drive of a Windows machine
        return path.resolve().as_posix()


def write_draft(draft: Draft, folder: Path) -> Path:
    """The draft as ``<layer>.toml`` in the folder of cards; an existing card is never touched."""
    target = folder / f"{draft.layer}.toml"
    if target.exists():
        raise FileError(
            f"已有来源卡 {target}，没有改动；请先改名或移走，或不加 --write 只看草稿。",
            f"{target} exists and was not touched; move it away first, or leave --write out to see the draft only.",
        )
    with new_file(target) as work:
        work.write_text(draft.text, encoding="utf-8", newline="\n")
    return target
