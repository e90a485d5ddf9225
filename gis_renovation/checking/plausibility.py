"""Whether the layers make sense beside each other: overlaps, slivers, areas, ratios, names.

Everything here is a warning or a note: right data can look odd. Nothing is changed. Thresholds are the
widest seen in published programmes of comparable cities (Huainan 2021-24, Chizhou, Xuzhou, Shucheng):
73 to 134 m² a household for single places, 77 to 109 for a year's plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags, Floats, Geometries, Positions
from gis_renovation.checks import Origin
from gis_renovation.errors import FeatureRef, Finding, Severity, by_key
from gis_renovation.schemas import layer_schema, layer_schemas
from gis_renovation.unknowns import name_or_id, optional_column
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd

# Half and one and a half times what single places show; a slip of units is a factor of ten thousand.
HOUSEHOLD_M2 = (35.0, 200.0)
PLAN_HOUSEHOLD_M2 = (60.0, 120.0)
FLOOR_AREA_RATIO = (0.05, 8.0)

# A share by which a recorded area may differ from the drawn one before it is said.
AREA_DIFFERENCE = 0.10

# Two lines drawn for the same wall differ by less than this; an overlap no wider is a drawing's, not a claim's.
SLIVER_WIDTH_M = 0.5
CONTAINED_SHARE = 0.95

# Pairs are compared for so many features at a time, in two threads.
_BLOCK = 20_000
_THREADS = 2

# Layers whose areas are added up: ground in two features counts twice.
_FLAT_LAYERS = ("communities", "parcels", "reporting_units", "buildings", "land_survey", "planned_use")

# Layers whose features of different kinds lie over each other as they should.
_BY_KIND = ("control_lines", "barriers")

_AREA_FIELDS = ("registered_area_m2", "area_m2", "land_area_m2")


def check_plausibility(
    layers: Mapping[str, gpd.GeoDataFrame], origins: Mapping[str, Origin] = MappingProxyType({})
) -> list[Finding]:
    """Every remark about layers in the project CRS; rasters and tables are passed over where they have no part.

    ``origins`` tell the rows of the files that remarks name.
    """
    findings: list[Finding] = []
    for name, layer in sorted(layers.items()):
        if "geometry" not in getattr(layer, "columns", ()) or name not in layer_schemas():
            continue
        findings += check_slivers(layer, name)
        findings += check_areas(layer, name)
        findings += _overlaps_of(layer, name)
    if "communities" in layers:
        findings += check_ratios(layers["communities"])
        if "projects" in layers:
            findings += check_batches(layers["communities"], origins.get("communities", Origin()))
        findings += check_names(layers["communities"], layers.get("reporting_units"))
        findings += check_units(layers["communities"], layers.get("reporting_units"))
    if "barriers" in layers:
        findings += check_barriers(layers["barriers"], origins.get("barriers", Origin()))
    return findings


def check_batches(communities: pd.DataFrame, origin: Origin) -> list[Finding]:
    """Communities without a plan batch: nobody knows whether they are in the plan that rates are of. O(n)."""
    lacking = optional_column(communities, "plan_batch").isna().to_numpy()
    if not lacking.any():
        return []
    if lacking.all():
        zh = "小区都没有计划批次，进度只能按台账全部小区统计；请在台账中补上计划批次（主计划、补充计划、储备）。"
        en = "No community has a plan batch, so rates are of all listed: fill in main, supplement or reserve."
        return [_say("warning", "unknown_plan_batch", "communities", zh, en, field="plan_batch")]
    zh = "小区的计划批次未知，未计入计划小区数和开工率；请补上计划批次。"
    en = "Communities of unknown plan batch are left out of the plan's counts and rates: fill in their batch."
    features = _with_rows(communities, lacking, origin)
    return [_say("warning", "unknown_plan_batch", "communities", zh, en, field="plan_batch", features=features)]


def check_barriers(barriers: pd.DataFrame, origin: Origin) -> list[Finding]:
    """Barriers that are taken to cut because nobody knows better: walls without a grade, and unknown kinds. O(n)."""
    kinds = optional_column(barriers, "kind").astype(object)
    known = kinds.isin(layer_schema("barriers").fields["kind"].values).to_numpy()
    no_grade = optional_column(barriers, "grade").isna().to_numpy() & kinds.eq("wall").to_numpy()
    told = (
        (
            "unknown_barrier_kind",
            "kind",
            ~known,
            "阻隔类别不明，一律按不可穿越计，两侧小区因此可能连不成片；请补上类别。",
            "Barriers of no known kind are taken to cut, which may keep communities apart: fill in their kind.",
        ),
        (
            "unknown_wall_grade",
            "grade",
            no_grade,
            "围墙等级未知，按不可通行计；能拆除或开口的请把等级写为 3。",
            "Walls of unknown grade are taken to cut; write grade 3 for those that may be removed or opened.",
        ),
    )
    return [
        _say("warning", code, "barriers", zh, en, field=field, features=_with_rows(barriers, which, origin))
        for code, field, which, zh, en in told
        if which.any()
    ]


def _with_rows(layer: pd.DataFrame, which: Flags, origin: Origin) -> list[FeatureRef]:
    """The features with their rows of the file."""
    return [origin.row_at(at)._replace(key=str(layer.index[at])) for at in np.flatnonzero(which).tolist()]


def _overlaps_of(layer: gpd.GeoDataFrame, name: str) -> list[Finding]:
    """Overlaps in any layer of areas: a warning where areas are added up, else a note; between equal kinds."""
    if "polygon" not in layer_schema(name).geometry:
        return []
    if name in _FLAT_LAYERS:
        return check_overlaps(layer, name)
    kinds = layer["kind"].astype(str) if name in _BY_KIND and "kind" in layer.columns else None
    findings = []
    for found in check_overlaps(layer, name) if layer.index.is_unique else []:
        alike = [ref for ref in found.features if kinds is None or kinds[ref.key] == kinds[ref.other]]
        if not alike or found.code == "sliver_overlap":
            continue
        inside = found.code == "contained"
        zh = "对要素一个在另一个之内" if inside else "对要素相互重叠"
        en = "pairs of which one lies inside the other" if inside else "pairs overlap"
        zh, en = f"{len(alike)} {zh}；不该如此的请核对。", f"{len(alike)} {en}; check whether they should."
        findings.append(_say("note", found.code, name, zh, en, features=alike))
    return findings


# A community drawn over the border is in its unit if so much of it is.
_IN_UNIT_SHARE = 0.5


def check_units(communities: gpd.GeoDataFrame, units: gpd.GeoDataFrame | None) -> list[Finding]:
    """Communities that lie outside the unit their record names, with the units where they lie; nothing is moved.

    A unit counts with those it belongs to and those that belong to it (a zone inside a county). Missing codes, and
    codes of no unit, are told elsewhere. O(n log n).
    """
    if units is None or "unit_code" not in communities.columns or "geometry" not in communities.columns:
        return []
    named = communities[communities["unit_code"].isin(units.index).to_numpy() & _areal(communities.geometry.to_numpy())]
    ground = units[_areal(units.geometry.to_numpy())]
    shapes, areas = named.geometry.to_numpy(), ground.geometry.to_numpy()
    one, at = shapely.STRtree(areas).query(shapes)
    share = shapely.area(shapely.intersection(shapes[one], areas[at])) / shapely.area(shapes[one])
    family = _families(units)
    refs = []
    for position, code in enumerate(named["unit_code"].astype(str)):
        if code not in ground.index:
            continue
        held: dict[str, float] = {
            str(ground.index[a]): s for a, s in zip(at[one == position], share[one == position], strict=True)
        }
        if sum(s for unit, s in held.items() if unit in family[code]) < _IN_UNIT_SHARE:
            lies = sorted((unit for unit in held if held[unit] > 0), key=lambda unit: -held[unit])
            where = "、".join(_unit_name(units, unit) for unit in lies)
            said = f"{_unit_name(units, code)}→{where or '—'}"
            refs.append(FeatureRef(str(named.index[position]), mark=": ", value=said))
    if not refs:
        return []
    zh = "小区不在登记的县区之内（登记→所在）；可能是县区代码填错，也可能是位置画错，请核对。"
    en = "Communities lie outside the unit on record (on record→where they lie): the code or the place is wrong."
    return [_say("warning", "outside_unit", "communities", zh, en, field="unit_code", features=refs)]


def _families(units: gpd.GeoDataFrame) -> dict[str, set[str]]:
    """For each unit itself, those it belongs to, and those that belong to it, over all levels."""
    parents = {str(code): str(parent) for code, parent in optional_column(units, "parent_code").dropna().items()}
    above: dict[str, list[str]] = {}
    for code in map(str, units.index):
        line = [code]
        while parents.get(line[-1]) and parents[line[-1]] not in line:
            line.append(parents[line[-1]])
        above[code] = line
    return {code: {*above[code], *(other for other, line in above.items() if code in line)} for code in above}


def _unit_name(units: gpd.GeoDataFrame, code: str) -> str:
    return name_or_id(optional_column(units, "name").get(code), code)


def check_overlaps(layer: gpd.GeoDataFrame, name: str) -> list[Finding]:
    """Pairs of polygons that share ground: one inside the other, overlapping, or by a sliver.

    Of features with the very same outline each is paired with the first, and the first alone with others.
    O(n log n + pairs); a million parcels take a quarter of a minute.
    """
    geometry = layer.geometry.to_numpy()
    usable = np.flatnonzero(_areal(geometry))
    first, second = (usable[pairs] for pairs in _pairs_on_common_ground(geometry[usable]))
    shared = shapely.intersection(geometry[first], geometry[second])
    area = shapely.area(shared)
    real = area > 0
    first, second, shared, area = first[real], second[real], shared[real], area[real]
    inside = area >= CONTAINED_SHARE * np.minimum(shapely.area(geometry[first]), shapely.area(geometry[second]))
    thin = ~inside & (_width(shared) < SLIVER_WIDTH_M)
    keys = layer.index.astype(str).to_numpy(dtype=object)

    def pairs(mask: Flags) -> list[FeatureRef]:
        rows = zip(keys[first[mask]], keys[second[mask]], area[mask], strict=True)
        refs = (FeatureRef(min(a, b), mark=": ", value=f"{m2:,.1f} m²", other=max(a, b)) for a, b, m2 in rows)
        return sorted(refs, key=lambda ref: ref.spoken("zh"))

    kinds: tuple[tuple[Severity, str, Any, str, str], ...] = (
        (
            "warning", "contained", inside, "要素位于另一要素之内，面积会重复计算。",
            "lie inside another; area is counted twice.",
        ),
        ("warning", "overlap", ~inside & ~thin, "要素相互重叠，面积会重复计算。", "overlap; area is counted twice."),
        (
            "note", "sliver_overlap", thin, "相邻要素有细缝状重叠；可在来源卡写 [repair] snap_slivers_m。",
            "overlap by slivers; write [repair] snap_slivers_m in the card.",
        ),
    )  # fmt: skip
    return [
        _say(severity, code, name, f"{int(mask.sum())} 对{zh}", f"{int(mask.sum())} pairs {en}", features=pairs(mask))
        for severity, code, mask, zh, en in kinds
        if mask.any()
    ]


def _pairs_on_common_ground(geometry: Geometries) -> tuple[Positions, Positions]:
    """Positions of the pairs of polygons whose interiors meet, each pair once."""
    same = _first_of_the_same(geometry)
    copies = np.flatnonzero(same != np.arange(len(geometry)))
    alone: Any = geometry.copy()
    alone[copies] = None
    tree = shapely.STRtree(alone)
    with ThreadPoolExecutor(_THREADS) as threads:
        pieces = threads.map(partial(_pairs_from, tree), range(0, len(geometry), _BLOCK))
        found = [np.stack([same[copies], copies]), *pieces]
    first, second = np.concatenate(found, axis=1)
    return first, second


def _pairs_from(tree: shapely.STRtree, start: int) -> Positions:
    """The pairs of a block of the tree's polygons with later ones; prepared for the block only, to spare memory."""
    geometry = tree.geometries
    block = geometry[start : start + _BLOCK]
    first, second = tree.query(block)
    first = first + start
    first, second = first[first < second], second[first < second]
    shapely.prepare(block)
    for meets in (shapely.intersects, lambda a, b: ~shapely.touches(a, b)):
        kept = meets(geometry[first], geometry[second])
        first, second = first[kept], second[kept]
    shapely.destroy_prepared(block)
    return np.stack([first, second])


def _first_of_the_same(geometry: Geometries) -> Positions:
    """For each polygon the position of the first with the same vertices, mostly its own."""
    own = np.arange(len(geometry))
    alike = np.flatnonzero(pd.DataFrame(shapely.bounds(geometry)).duplicated(keep=False))
    outlines = pd.Series(shapely.to_wkb(geometry[alike]), index=alike)
    own[alike] = pd.Series(alike, index=alike).groupby(outlines).transform("first")
    return own


def check_slivers(layer: gpd.GeoDataFrame, name: str) -> list[Finding]:
    """Polygons thinner than a drawing's error: left over from cutting, not places."""
    geometry = layer.geometry.to_numpy()
    thin = _areal(geometry)
    thin[thin] = _width(geometry[thin]) < SLIVER_WIDTH_M
    if not thin.any():
        return []
    zh = f"面细如线（平均宽度不足 {SLIVER_WIDTH_M} m），多为切割残留；请核对。"
    en = f"Polygons thinner than {SLIVER_WIDTH_M} m on average, likely left over from cutting."
    return [_say("warning", "sliver", name, zh, en, features=by_key(layer.index[thin]))]


def check_areas(layer: gpd.GeoDataFrame, name: str) -> list[Finding]:
    """Recorded areas that differ from the drawn ones by more than 10 %; both are kept, neither is corrected."""
    findings = []
    with np.errstate(over="ignore", invalid="ignore"):
        drawn = layer.geometry.area.to_numpy()
    for field in _AREA_FIELDS:
        if field not in layer.columns or field not in layer_schema(name).fields:
            continue
        recorded = pd.to_numeric(layer[field], errors="coerce").to_numpy("float64")
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = recorded / drawn
        off = (drawn > 0) & np.isfinite(ratio) & (np.abs(ratio - 1) > AREA_DIFFERENCE)
        if off.any():
            label = layer_schema(name).fields[field].label
            rows = zip(layer.index[off], recorded[off], drawn[off], strict=True)
            zh = f"{label.zh}与图形面积相差超过 {AREA_DIFFERENCE:.0%}；两者都保留，请核对。"
            en = f"{label.en} differs from the drawn area by more than {AREA_DIFFERENCE:.0%}; both are kept."
            refs = [FeatureRef(str(key), mark=": ", value=f"{r:,.0f} / {d:,.0f} m²") for key, r, d in rows]
            findings.append(_say("warning", "area_differs", name, zh, en, field=field, features=refs))
    return findings


def check_ratios(communities: pd.DataFrame) -> list[Finding]:
    """Floor area a household, and floor area to ground, beyond what any place shows: mostly a slip of units."""
    findings = []
    floor = _numbers(communities, "floor_area_m2")
    households = _numbers(communities, "households")
    if floor is None:
        return []
    if households is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            each = floor / households
        findings += _outside(
            communities, each, HOUSEHOLD_M2, code="household_area",
            label=Text("户均建筑面积", "Floor area a household"), unit="m²",
        )  # fmt: skip
        findings += _batches(communities, floor, households)
    if "geometry" in communities.columns:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = floor / communities.geometry.area.to_numpy()
        label = Text("建筑面积与用地面积之比", "Floor area over ground area")
        findings += _outside(communities, ratio, FLOOR_AREA_RATIO, code="floor_area_ratio", label=label, unit="")
    return findings


def batch_label(batch: str) -> Text:
    """What people call a plan batch: the schema's label of its code, else the name the project gives it."""
    values = layer_schema("communities").fields["plan_batch"].values
    return values.get(batch) or Text(f"计划批次“{batch}”", f"plan batch {batch}")


def check_plan_ratios(targets: Mapping[str, tuple[float | None, float | None]]) -> list[Finding]:
    """A plan's own totals (households, floor area m²) by batch, against the range of comparable programmes.

    Huainan's supplement of 2024 states 11,162 households and 142.12 万m²: 127 m² each, while its main plan
    gives 77. Such totals are said, not corrected.
    """
    findings = []
    for batch, (households, floor) in sorted(targets.items()):
        if not households or not floor:
            continue
        each = floor / households
        if not PLAN_HOUSEHOLD_M2[0] <= each <= PLAN_HOUSEHOLD_M2[1]:
            low, high = PLAN_HOUSEHOLD_M2
            zh = f"{batch_label(batch).zh}的计划数户均 {each:.0f} m²，同类计划一般为 {low:.0f}–{high:.0f} m²；"
            zh += "请核对户数或面积口径。"
            en = f"The plan's totals for the {batch_label(batch).en} give {each:.0f} m² a household; "
            en += f"others show {low:.0f} to {high:.0f}."
            findings.append(_say("warning", "plan_ratio", "communities", zh, en))
    return findings


def check_names(communities: pd.DataFrame, units: pd.DataFrame | None = None) -> list[Finding]:
    """Communities without a name, or with that of another or of a county-level unit: join by id, not by name."""
    if "name" not in communities.columns:
        return []
    names = communities["name"].dropna().astype(str)
    names = names[names.str.strip() != ""]
    repeated = names[names.duplicated(keep=False)]
    findings = []
    nameless = communities.index.difference(names.index, sort=False)
    if len(nameless):
        zh = f"{len(nameless)} 个小区没有名称；表格和地图上将以编号称呼。"
        en = f"{len(nameless)} communities have no name; tables and maps call them by their id."
        findings.append(_say("warning", "no_name", "communities", zh, en, field="name", features=by_key(nameless)))
    if len(repeated):
        groups = repeated.groupby(repeated).apply(lambda rows: ", ".join(map(str, rows.index)))
        refs = [FeatureRef(value=f"{name}: {keys}") for name, keys in groups.items()]
        zh = "小区重名；与其他表格对照时请用编号，不要用名称。"
        findings.append(
            _say("warning", "same_name", "communities", zh, "Names shared; join by id.", field="name", features=refs)
        )
    if units is not None and "name" in units.columns:
        alike = names[names.isin(set(units["name"].dropna().astype(str)))]
        if len(alike):
            refs = [FeatureRef(str(key), mark=": ", value=name) for key, name in alike.items()]
            zh = "小区与县区同名（如八公山），按名称统计会混淆；请用代码。"
            en = "Communities are named like a county-level unit; count by code."
            findings.append(_say("warning", "named_like_unit", "communities", zh, en, field="name", features=refs))
    return findings


def _outside(
    layer: pd.DataFrame, values: Floats, bounds: tuple[float, float], *, code: str, label: Text, unit: str
) -> list[Finding]:
    odd = np.isfinite(values) & ((values < bounds[0]) | (values > bounds[1]))
    if not odd.any():
        return []
    low, high = bounds
    zh = f"{label.zh}超出 {low:g}–{high:g} {unit}，多为单位写错（如“万平方米”）；请核对。"
    en = f"{label.en} outside {low:g} to {high:g} {unit}; often a slip of units."
    refs = [
        FeatureRef(str(key), mark=": ", value=f"{value:,.4g}")
        for key, value in zip(layer.index[odd], values[odd], strict=True)
    ]
    return [_say("warning", code, "communities", zh, en, field="floor_area_m2", features=refs)]


def _batches(communities: pd.DataFrame, floor: Floats, households: Floats) -> list[Finding]:
    if "plan_batch" not in communities.columns:
        return []
    both = np.isfinite(floor) & np.isfinite(households)
    table = pd.DataFrame({"batch": communities["plan_batch"].to_numpy(), "floor": floor, "households": households})[
        both
    ]
    sums = table.groupby("batch")[["households", "floor"]].sum()
    findings = check_plan_ratios({str(k): (float(r["households"]), float(r["floor"])) for k, r in sums.iterrows()})
    return [
        _say(
            f.severity, "batch_ratio", f.layer,
            f.text.zh.replace("计划数", "台账合计"), f.text.en.replace("The plan's totals", "The ledger's totals"),
        )
        for f in findings
    ]  # fmt: skip


def _numbers(frame: pd.DataFrame, name: str) -> Floats | None:
    if name not in frame.columns:
        return None
    return np.asarray(pd.to_numeric(frame[name], errors="coerce").astype("float64").to_numpy(), dtype=np.float64)


def _areal(geometry: Geometries) -> Flags:
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    return np.isin(shapely.get_type_id(geometry), [3, 6]) & finite & shapely.is_valid(geometry)


def _width(geometry: Geometries) -> Floats:
    """The mean width of thin shapes: twice the area over the perimeter."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return 2 * shapely.area(geometry) / shapely.length(geometry)


def _say(
    severity: Severity, code: str, layer: str, zh: str, en: str, *, field: str = "", features: Iterable[FeatureRef] = ()
) -> Finding:
    return Finding(severity=severity, code=code, layer=layer, field=field, text=Text(zh, en), features=tuple(features))
