"""A first source card, drafted from a file: what the program found, and what a person must still decide.

The draft is a card that reads, as far as the file allows, with a comment at every guess. Nothing is
written here; the caller prints it or writes it where no card stands yet.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.checking.draft_columns import column_lines
from gis_renovation.checking.grids import crs_in_headers, likely_crs
from gis_renovation.checking.inspecting import (
    Found,
    SurveyTable,
    coordinate_columns,
    drawn_layers,
    geometry_kinds,
    inspect_file,
    likely_schema,
    survey_points,
)
from gis_renovation.checking.raster_fit import warp_doubt
from gis_renovation.checking.remedies import check_layer
from gis_renovation.config import toml_inline
from gis_renovation.errors import FileError, GisRenovationError
from gis_renovation.reading import (
    RASTER_DRIVERS,
    RASTER_SUFFIXES,
    conform,
    find_file,
    read_card,
    read_coordinates,
    read_files,
    shapes_from_text,
)
from gis_renovation.schemas import GEOMETRY_TYPES, LayerSchema, layer_schema
from gis_renovation.words import LISTED, Lang, Text
from gis_renovation.writing import new_file


@dataclass
class Draft:
    """A drafted card: the layer it is for, its text, and what it is unsure of."""

    layer: str
    text: str
    doubts: list[Text] = field(default_factory=list)


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
        return _draft_raster(path, layer or "terrain", beside, lang, guessed=not layer, project_crs=project_crs)
    doubts: list[Text] = []
    found = inspect_file(path, layer, sublayer, doubts)
    schema = layer_schema(layer) if layer else likely_schema(found, doubts)
    if "line" in schema.geometry:
        found.survey = survey_points(found)
    lines = [
        *_source_lines(found, schema, beside, project_crs, doubts),
        *_geometry_lines(found, schema, beside, doubts),
        "",
    ]
    lines += column_lines(found, schema, doubts)
    lines += _select_lines(found, schema, doubts)
    lines += _repair_lines(found, schema, doubts)
    body = _in_language(lines, lang)
    doubts += _trial(body, schema, beside)
    return Draft(schema.name, "\n".join([*_head(found, schema, doubts, lang), body]) + "\n", doubts)


# --- the parts of the card ------------------------------------------------------------------------


def _source_lines(
    found: Found, schema: LayerSchema, beside: Path, project_crs: str, doubts: list[Text]
) -> list[str | Text]:
    lines: list[str | Text] = ["[source]", f"path = {toml_inline(relative_path(found.path, beside))}"]
    if found.path.stem != schema.name:
        lines.append(f"layer = {toml_inline(schema.name)}")
    if found.sublayer:
        others = "、".join(n for n in found.sublayers if n != found.sublayer)
        note = Text(f"  # 文件中还有：{others}", f"  # the file also has: {others}")
        lines.append(Text(*(f"layer_name = {toml_inline(found.sublayer)}{part}" for part in note)))
    lines += _shape_lines(found, schema)
    encoding = str(found.facts.get("encoding", ""))
    if encoding and found.facts.get("encoding_from") == "content":
        lines.append(
            Text(
                f"encoding = {toml_inline(encoding)}  # 文件没有写明编码，按内容判断",
                f"encoding = {toml_inline(encoding)}  # not stated in the file; judged from its text",
            )
        )
    if schema.geometry:
        lines += [*_scale_lines(found, doubts), *_crs_lines(found, project_crs, doubts)]
    lines += [
        Text('owner = ""          # 请填：数据提供单位', 'owner = ""          # fill in: who gave the data'),
        Text('licence = ""        # 请填：使用许可', 'licence = ""        # fill in: under what terms'),
        *_class_lines(schema),
        Text("# observed = 2024-04-15  # 请填：数据的时点", "# observed = 2024-04-15  # fill in: the data's date"),
    ]
    return lines


def _scale_lines(found: Found, doubts: list[Text]) -> list[str | Text]:
    """The scale of a drawing whose coordinates are no metres."""
    scale = found.facts.get("scale_offered")
    if scale is None:
        return []
    doubts += [finding.text for finding in found.findings if finding.code == "drawing_units"]
    note = Text("按坐标值猜测，请核对图形单位", "a guess from the numbers: check the drawing's units")
    return [Text(*(f"scale = {scale:g}  # {part}" for part in note))]


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


def _crs_lines(found: Found, project_crs: str, doubts: list[Text]) -> list[str | Text]:
    from gis_renovation.crs import same_crs

    frame = found.frame
    stated = getattr(frame, "crs", None)
    places = _places(found)
    guesses = likely_crs(places, project_crs=project_crs)
    if stated is not None and not found.facts.get("claims_crs", True):
        return _assumed_lines(stated, doubts)
    if stated is not None:
        code = stated.to_authority()
        shown = ":".join(code) if code else next((g for g, _ in guesses if same_crs(g, stated)), "")
        if not shown:
            return [Text(f"# 坐标系以文件自带的为准：{stated.name}", f"# CRS as the file says: {stated.name}")]
        return [
            Text(f'crs = "{shown}"  # {stated.name}（文件自带）', f'crs = "{shown}"  # {stated.name}, from the file')
        ]
    if said := crs_in_headers(map(str, found.frame.columns)):
        code, header = said
        doubts.append(
            Text(
                f"坐标系 {code} 取自表头“{header}”；请与提供单位核对。",
                f"CRS {code} is what the header {header!r} says; confirm it with whoever gave the data.",
            )
        )
        note = Text(f"表头“{header}”所写", f"as the header {header!r} says")
        return [Text(*(f'crs = "{code}"  # {part}' for part in note))]
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
        _GUESSED,
    ]


def _assumed_lines(crs: Any, doubts: list[Text]) -> list[str | Text]:
    """The CRS of a file that states none, which is its format's default: a guess until somebody confirms it."""
    code = ":".join(crs.to_authority() or ("EPSG", "4326"))
    code = "EPSG:4326" if code == "OGC:CRS84" else code
    doubts.append(
        Text(
            f"文件没有写坐标系，{code}（{crs.name}）只是格式的惯例；地图服务导出的多为 GCJ-02，务必向提供单位核实。",
            f"The file states no CRS; {code} ({crs.name}) is only its format's default. Files of map services are "
            "mostly in GCJ-02: ask.",
        )
    )
    return [
        Text(f'crs = "{code}"  # 文件没有写，按格式的惯例', f'crs = "{code}"  # not stated; the usual one'),
        _GUESSED,
        Text('# datum = "gcj02"  # 高德、腾讯等地图服务的数据', '# datum = "gcj02"  # data of Amap, Tencent'),
    ]


# The line of a card that says that nobody has confirmed its CRS.
_GUESSED = Text(
    "crs_guessed = true  # 向提供单位核实坐标系后删去本行；未核实前每次检查都会提醒，公众版拒绝发布",
    "crs_guessed = true  # delete this line once the CRS is confirmed; until then every check warns, and no "
    "public site is made",
)


def _places(found: Found) -> Floats:
    """Some coordinates of the file, (n, 2), as x and y; empty without any."""
    import shapely

    frame = found.frame
    if hasattr(frame, "geom_type"):
        bounds = shapely.bounds(frame.geometry.to_numpy()[:5000]) * float(found.facts.get("scale_offered", 1.0))
        return bounds[np.isfinite(bounds).all(axis=1)][:, :2]
    if found.survey is not None:
        return found.survey.places
    columns = coordinate_columns(frame)
    if columns is None:
        return np.empty((0, 2))
    if len(columns) == 1:
        texts = frame[columns[0]].iloc[:5000].astype("str").to_numpy(dtype=object, na_value=None)
        bounds = shapely.bounds(shapes_from_text(texts).shapes)
        return bounds[np.isfinite(bounds).all(axis=1)][:, :2]
    xy = np.column_stack([read_coordinates(frame[name].iloc[:5000]) for name in columns])
    return xy[np.isfinite(xy).all(axis=1)]


def _geometry_lines(found: Found, schema: LayerSchema, beside: Path, doubts: list[Text]) -> list[str | Text]:
    if not schema.geometry:
        return []
    kinds = geometry_kinds(found.frame)
    if kinds:
        return [Text(f"# 几何类型：{'、'.join(sorted(kinds))}", f"# geometry: {', '.join(sorted(kinds))}")]
    if hasattr(found.frame, "geom_type"):  # no row has a shape to tell the kind by
        return []
    if found.survey is not None:
        return _points_lines(found.survey, schema, relative_path(found.path, beside), doubts)
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


def _points_lines(survey: SurveyTable, schema: LayerSchema, path: str, doubts: list[Text]) -> list[str | Text]:
    """The table of points that the lines of a survey run between; surveys call the northing X."""
    doubts.append(
        Text(
            f"{schema.label.zh}按点号画：从“{survey.start}”到“{survey.end}”，坐标取自工作表“{survey.sublayer}”，"
            f"东坐标取“{survey.x}”，北坐标取“{survey.y}”；请核对 [points]。",
            f"{schema.label.en} are drawn from {survey.start!r} to {survey.end!r} by the coordinates of sheet "
            f"{survey.sublayer!r}, easting {survey.x!r}, northing {survey.y!r}; check [points].",
        )
    )
    notes = {
        "number": Text("  # 点表里的点号", "  # the point's number in its table"),
        "x": Text("  # 东坐标或经度", "  # easting or longitude"),
        "y": Text("  # 北坐标或纬度", "  # northing or latitude"),
        "start": Text("  # 线表里的起点点号", "  # the lines' first point"),
        "end": Text("  # 线表里的终点点号", "  # the lines' last point"),
    }
    rows = [Text(*(f"{key} = {toml_inline(getattr(survey, key))}{n}" for n in note)) for key, note in notes.items()]
    return ["", "[points]", f"path = {toml_inline(path)}", f"layer_name = {toml_inline(survey.sublayer)}", *rows]


def _shape_lines(found: Found, schema: LayerSchema) -> list[str | Text]:
    """The one kind of shapes to take where the file holds others too, with their numbers."""
    if not schema.geometry or not hasattr(found.frame, "geom_type"):
        return []
    counts = {kind: int(found.frame.geom_type.isin(names).sum()) for kind, names in GEOMETRY_TYPES.items()}
    there = [kind for kind, count in counts.items() if count]
    fitting = [kind for kind in there if kind in schema.geometry]
    if not fitting and "polygon" in schema.geometry and "line" in there:
        fitting = ["line"]  # to be closed into areas
    if len(there) < 2 or len(fitting) != 1:
        return []
    if sum(count for kind, count in counts.items() if kind not in fitting) == 1:
        return []  # one odd row is a fault to be told, no other kind of things
    labels = {"polygon": Text("面", "areas"), "line": Text("线", "lines"), "point": Text("点", "points")}
    left = LISTED.join(labels[kind] + Text.same(f" {counts[kind]}") for kind in there if kind not in fitting)
    taken = labels[fitting[0]] + Text.same(f" {counts[fitting[0]]}")
    return [
        Text(
            f'shape = "{fitting[0]}"  # 只取{taken.zh}；另有{left.zh}不取',
            f'shape = "{fitting[0]}"  # takes {taken.en}; leaves {left.en}',
        )
    ]


def _select_lines(found: Found, schema: LayerSchema, doubts: list[Text]) -> list[str | Text]:
    """In drawings the layer name carries the meaning: those that are for this layer, or all for a person to choose."""
    if "Layer" not in found.frame.columns or found.path.suffix.lower() != ".dxf":
        return []
    counts = found.frame["Layer"].value_counts().sort_index()
    listed = "、".join(f"{name} {count}" for name, count in counts.items())
    meant = [name for name, layer in drawn_layers(found).items() if layer == schema.name]
    if meant and len(meant) < len(counts):
        left = [str(name) for name in counts.index if name not in meant]
        doubts.append(
            Text(
                f"CAD 图层 {'、'.join(meant)} 是按图层名取的；没有取：{'、'.join(left)}。请核对 [select]。",
                f"Drawing layers {', '.join(meant)} are taken by their names, not {', '.join(left)}. Check [select].",
            )
        )
        note = Text(f"文件中共有：{listed}", f"the file has: {listed}")
        return ["", "[select]", *(Text(*(f"Layer = {toml_inline(meant)}  # {part}" for part in note)),)]
    if meant:
        return []
    names = ", ".join(toml_inline(str(name)) for name in counts.index)
    note = Text("只留下本图层所在的 CAD 图层", "keep the drawing layers meant")
    return ["", "# [select]", *(Text(*(f"# Layer = [{names}]  # {part}：{listed}" for part in note)),)]


def _repair_lines(found: Found, schema: LayerSchema, doubts: list[Text]) -> list[str | Text]:
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


def _draft_raster(path: Path, layer: str, beside: Path, lang: Lang, *, guessed: bool, project_crs: str) -> Draft:
    import rasterio
    from rasterio.errors import RasterioIOError

    from gis_renovation.reading import check_signature, unreadable

    check_signature(path, layer)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            rasterio.open(path, driver=RASTER_DRIVERS[path.suffix.lower()]) as source,
        ):
            warnings.simplefilter("ignore")  # what is missing is said below
            crs, nodata, shape, placed = source.crs, source.nodata, source.shape, not source.transform.is_identity
            bounds = source.bounds
    except RasterioIOError as error:
        raise unreadable(path, layer, error) from None
    doubts = _raster_doubts(placed=placed, crs=crs is not None, nodata=nodata is not None, guessed=guessed)
    code = crs.to_authority() if crs else None
    warp = warp_doubt(layer, crs.to_wkt() if crs else "", project_crs)
    doubts += warp[:1]
    lines: list[str | Text] = [
        "[source]",
        f"path = {toml_inline(relative_path(path, beside))}",
        f"layer = {toml_inline(layer)}",
        f'crs = "{":".join(code)}"' if code else _crs_to_confirm(bounds if placed and not crs else None, project_crs),
        Text('owner = ""  # 请填', 'owner = ""  # fill in'),
        Text('note = ""  # 请填：高程基准、单位、时相', 'note = ""  # fill in: height datum, unit, date'),
        Text(f"# {shape[1]} × {shape[0]} 像元", f"# {shape[1]} x {shape[0]} cells"),
    ]
    lines += ["", "[repair]", *warp[1:]] if warp else []
    head = [f"# ! {doubt.in_language(lang)}" for doubt in doubts]
    return Draft(layer, "\n".join([*head, _in_language(lines, lang)]) + "\n", doubts)


def _crs_to_confirm(bounds: Any, project_crs: str) -> str | Text:
    """The line that states a raster's CRS, to uncomment: the one that its numbers are usually in."""
    found = [] if bounds is None else likely_crs(np.array([bounds[:2], bounds[2:]]), project_crs=project_crs)
    if not found:
        return '# crs = ""'
    code, why = found[0]
    return Text(f'# crs = "{code}"  # {why.zh}；问清后去掉 #', f'# crs = "{code}"  # {why.en}; ask, then uncomment')


def _raster_doubts(*, placed: bool, crs: bool, nodata: bool, guessed: bool) -> list[Text]:
    """What a raster does not tell: its kind, where it lies, its CRS, which cells hold nothing."""
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
    if not crs:
        doubts.append(Text("栅格没有坐标系，请填写 crs。", "The raster has no CRS; fill in crs."))
    if not nodata:
        doubts.append(
            Text(
                "栅格没有写明无数据值，所有像元都会当作真值。", "The raster states no nodata value; every cell counts."
            )
        )
    return doubts


def _trial(body: str, schema: LayerSchema, beside: Path) -> list[Text]:
    """The draft read once, as ``check`` would: its rows and faults, or why it cannot be read yet."""
    try:
        card = read_card(body, stem=schema.name, where="draft")
        raw = read_files(card, beside)
        done = conform(raw.frame, card, columns=raw.columns)
        checked = check_layer(done.frame, schema, done.origin)
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


def _head(found: Found, schema: LayerSchema, doubts: Sequence[Text], lang: Lang) -> list[str]:
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
    return write_card(draft, folder, draft.layer)


def write_card(draft: Draft, folder: Path, name: str) -> Path:
    """The draft as ``<name>.toml`` in the folder of cards; an existing card is never touched."""
    target = folder / f"{name}.toml"
    if target.exists():
        raise FileError(
            f"已有来源卡 {target}，没有改动；请先改名或移走，或不加 --write 只看草稿。",
            f"{target} exists and was not touched; move it away first, or leave --write out to see the draft only.",
        )
    with new_file(target) as work:
        work.write_text(draft.text, encoding="utf-8", newline="\n")
    return target
