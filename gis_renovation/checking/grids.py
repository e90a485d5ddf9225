"""The coordinate guard: whether the layers are where they claim to be.

It never moves anything. It compares numbers with claims and layers with layers, scores each explanation
and says which fits, so that a person decides. What it cannot know it does not claim: Xian 80 and
Beijing 54 numbers look like CGCS2000 ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer

from gis_renovation.arrays import Flags, Floats
from gis_renovation.crs import (
    bd09_to_wgs84,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from gis_renovation.errors import FeatureRef, Finding, by_key
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd

Move = Callable[[Floats], Floats]

TRUSTED_LAYERS = ("reporting_units", "communities")

# A prefecture is some 100 km across; farther away than this is another city, not a suburb.
MARGIN_M = 50_000.0

# What the numbers of China's places look like (docs/methods.md, 1).
_LON, _LAT = (73.0, 136.0), (3.0, 54.0)
_NORTHING = (300_000.0, 6_100_000.0)
_EASTING = (100_000.0, 900_000.0)
_ZONES_3, _ZONES_6 = (25, 45), (13, 23)

_FOOT_M = 0.3048

# Comparing two layers: at most this many points, matched at these distances; the first that decides counts.
_SAMPLE = 1500
_MATCH_M = (3.0, 10.0, 30.0)
_BEST_SHARE = 0.6
_NEARLY_ALL = 0.95
_AHEAD = 3.0
_DECOY_SHARE = 0.5
_REACH_M = 2_000.0
_GLANCE = 500
_FEWEST = 8


# --- numbers that name their grid -----------------------------------------------------------------


def likely_crs(points: Floats, *, project_crs: str = "") -> list[tuple[str, Text]]:
    """CRSs that numbers like these are usually in, best first; empty when nothing fits.

    ``points`` is (n, 2), x first. A zone number in front tells 3° from 6° zones; without one the
    central meridian cannot be known, so the project's own CRS is offered if it is such a grid. The
    datum is never seen in the numbers: CGCS2000 is offered because it is the one in force.
    """
    if not len(points):
        return []
    x, y = (float(v) for v in np.median(points, axis=0))
    swap = looks_swapped(x, y)
    if swap:
        x, y = y, x
    note = Text("；两列次序是先北后东", "; northing comes first") if swap else Text("", "")
    code, why = _named_grid(x, y, project_crs)
    return [(code, Text(why.zh + note.zh, why.en + note.en))] if code else []


def _named_grid(x: float, y: float, project_crs: str) -> tuple[str, Text]:
    zone, rest = divmod(x, 1e6)
    if _between(x, _LON) and _between(y, _LAT):
        zh = "经纬度；若来自高德、百度地图，请再写 datum"
        return "EPSG:4490", Text(zh, "degrees; if from Amap or Baidu, write datum too")
    if abs(x) <= 180 and abs(y) <= 90:
        return "EPSG:4326", Text("经纬度，不在中国", "degrees, outside China")
    if _between(y, _NORTHING) and _between(rest, _EASTING):
        if _between(zone, _ZONES_3):
            return f"EPSG:{4513 + int(zone) - 25}", Text(f"三度带，带号 {int(zone)}", f"3-degree zone {int(zone)}")
        if _between(zone, _ZONES_6):
            return f"EPSG:{4491 + int(zone) - 13}", Text(f"六度带，带号 {int(zone)}", f"6-degree zone {int(zone)}")
        if zone == 0 and project_crs:
            zh = "没有带号，看不出中央经线，按项目坐标系"
            return project_crs, Text(zh, "no zone number, so the central meridian is the project's")
    return "", Text("", "")


def looks_swapped(x: float, y: float) -> bool:
    """Whether x holds what is a northing or latitude in China and y what is an easting or longitude."""
    if abs(x) <= 180 and abs(y) <= 180:
        return _between(x, _LAT) and _between(y, _LON) and not (_between(x, _LON) and _between(y, _LAT))
    zone, rest = divmod(y, 1e6)
    prefixed = _between(zone, _ZONES_3) or _between(zone, _ZONES_6)
    return x > 1_000_000 and _between(x, _NORTHING) and _between(rest, _EASTING) and (zone == 0 or prefixed)


def _between(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


# --- a layer against its own claim ----------------------------------------------------------------


@dataclass(frozen=True)
class _Guess:
    """One explanation of numbers that do not fit: its code, words, and where it would put them."""

    code: str
    text: Text
    move: Move


def check_claim(
    layer: gpd.GeoDataFrame,
    project_crs: CRS,
    *,
    name: str,
    file: str = "",
    area: tuple[float, float, float, float] | None = None,
) -> list[Finding]:
    """Features that their stated CRS puts outside the project, where another explanation puts them inside.

    ``layer`` is in its own CRS, keyed; ``area`` is left, bottom, right, top in degrees, without it the
    CRS's own area of use. Explanations tried, in this order: swapped axes, degrees, zone number in front
    or missing, another central meridian (only with ``area``), feet, Web Mercator. Nothing is moved. One
    finding for each explanation, with the features it fits. O(features).
    """
    centres = _centres(layer)
    known = np.isfinite(centres).all(axis=1)
    claimed = CRS(layer.crs)
    extent = _project_extent(project_crs, area)
    if not known.any() or extent is None:
        return []
    rest = known & ~_within(_into(centres, claimed, project_crs), extent)
    if not rest.any():
        return []
    beyond = (
        Text("项目范围", "the project")
        if area
        else Text(
            f"项目坐标系（{_code(project_crs)}）的适用范围", f"the range of the project CRS ({_code(project_crs)})"
        )
    )
    findings = []
    for guess in _guesses(claimed, project_crs, zones=area is not None):
        if not rest.any():
            break
        positions = np.flatnonzero(rest)
        sample = positions[:: max(1, len(positions) // 500)]
        if not _within(guess.move(centres[sample]), extent).any():
            continue
        fits = np.zeros(len(rest), dtype=bool)
        fits[positions] = _within(guess.move(centres[positions]), extent)
        rest &= ~fits
        count, total = int(fits.sum()), int(known.sum())
        text = Text(
            f"{total} 个要素中有 {count} 个按来源卡的坐标系（{_code(claimed)}）落在{beyond.zh}之外；{guess.text.zh}",
            f"{count} of {total} features lie outside {beyond.en} by their stated CRS ({_code(claimed)}); "
            f"{guess.text.en}",
        )
        meant = by_key(layer.index[fits])
        findings.append(Finding(severity="error", code=guess.code, layer=name, file=file, text=text, features=meant))
    return findings


# What a card says against swapped axes: for files with shapes, and for tables with columns of coordinates.
_SWAP_FIX = Text(
    "核实后请在来源卡 [source] 写 swap_axes = true（表格的坐标列则在 [geometry] 中把 x、y 对调）。",
    "if so, write swap_axes = true under [source] in the card (columns of a table: exchange x and y in [geometry]).",
)


def _guesses(claimed: CRS, project: CRS, *, zones: bool) -> list[_Guess]:
    degrees = CRS("EPSG:4490")

    def said(what_zh: str, what_en: str, fix_zh: str, fix_en: str) -> Text:
        return Text(f"{what_zh}后正好落在范围内。{fix_zh}", f"{what_en} they lie inside. {fix_en}")

    swapped = said(
        "X 与 Y 对调",
        "with X and Y swapped",
        f"坐标轴很可能颠倒，{_SWAP_FIX.zh}",
        f"The axes are likely swapped; {_SWAP_FIX.en}",
    )
    as_degrees = said("当作经纬度", "taken as degrees", *_write_crs("EPSG:4490"))
    both = said(
        "当作先纬后经的度数",
        "as latitude, longitude",
        f'坐标是经纬度而且次序颠倒，请在来源卡写 crs = "EPSG:4490"；{_SWAP_FIX.zh}',
        f'Degrees, and swapped: write crs = "EPSG:4490"; {_SWAP_FIX.en}',
    )
    guesses = [
        _Guess("swapped_axes", swapped, lambda xy: _into(xy[:, ::-1], claimed, project)),
        _Guess("degrees_as_metres", as_degrees, lambda xy: _into(_only_degrees(xy), degrees, project)),
        _Guess("degrees_as_metres", both, lambda xy: _into(_only_degrees(xy[:, ::-1]), degrees, project)),
    ]
    for swap in (False, True):
        turn = Text("对调 X、Y 并", "swapped and ") if swap else Text("", "")
        prefix = said(
            f"{turn.zh}按数字前的带号理解",
            f"{turn.en}read by the zone number in front",
            "请按带号改正来源卡的 crs（三度带 39 带为 EPSG:4527）。" + (_SWAP_FIX.zh if swap else ""),
            "Correct the card's crs by the zone (3-degree zone 39: EPSG:4527)." + (f" {_SWAP_FIX.en}" if swap else ""),
        )
        guesses.append(_Guess("zone_prefix", prefix, _by_prefix(project, swap=swap)))
    own = said(
        "当作不带带号的项目坐标系",
        "in the project's own CRS without a zone number",
        *_write_crs(_code(project)),
    )
    guesses.append(_Guess("no_zone_prefix", own, lambda xy: xy))
    guesses.append(_Guess("no_zone_prefix", own, lambda xy: xy[:, ::-1]))
    if zones and claimed.is_projected:
        guesses += [_Guess("other_zone", *_meridian(meridian, project)) for meridian in range(75, 136, 3)]
    feet = said(
        "按英尺换算成米", "as feet", "单位很可能是英尺，请换算后再导入。", "The unit is likely feet; convert first."
    )
    guesses.append(
        _Guess("feet", feet, lambda xy: _into(xy * _FOOT_M, claimed if claimed.is_projected else project, project))
    )
    mercator = said("当作网络墨卡托", "as Web Mercator", *_write_crs("EPSG:3857"))
    guesses.append(_Guess("web_mercator", mercator, lambda xy: _into(xy, CRS("EPSG:3857"), project)))
    return guesses


def _write_crs(code: str) -> Text:
    return Text(
        f'请核实后在来源卡写 crs = "{code}"；是文件自带的坐标系写错的，再加一行 replace_crs = true。',
        f'If so, write crs = "{code}" in the card, and replace_crs = true where the file itself says otherwise.',
    )


def _only_degrees(xy: Floats) -> Floats:
    fits = (np.abs(xy[:, 0]) <= 180) & (np.abs(xy[:, 1]) <= 90)
    return np.asarray(np.where(fits[:, None], xy, np.nan))


def _by_prefix(project: CRS, *, swap: bool) -> Move:
    def move(xy: Floats) -> Floats:
        xy = xy[:, ::-1] if swap else xy
        out = np.full(xy.shape, np.nan)
        zones = np.floor(xy[:, 0] / 1e6)
        for zone in np.unique(zones[np.isfinite(zones)]):
            first, low = (4513, _ZONES_3[0]) if _between(zone, _ZONES_3) else (4491, _ZONES_6[0])
            if _between(zone, _ZONES_3) or _between(zone, _ZONES_6):
                rows = zones == zone
                out[rows] = _into(xy[rows], CRS(f"EPSG:{first + int(zone) - low}"), project)
        return out

    return move


def _meridian(meridian: int, project: CRS) -> tuple[Text, Move]:
    code = f"EPSG:{4534 + (meridian - 75) // 3}"
    grid = CRS(code)
    text = Text(
        f"按中央经线 {meridian}°（{code}）理解后正好落在范围内；中央经线很可能写错，请核实后改正来源卡的 crs。",
        f"with central meridian {meridian} ({code}) they lie inside; the central meridian is likely wrong.",
    )
    return text, lambda xy: _into(np.where(xy[:, :1] < 1e6, xy, np.nan), grid, project)


def _into(xy: Floats, source: CRS, target: CRS) -> Floats:
    """Coordinates in ``target``; what cannot be there becomes NaN."""
    if source.equals(target, ignore_axis_order=True):
        return np.asarray(xy, float)
    x, y = Transformer.from_crs(source, target, always_xy=True).transform(xy[:, 0], xy[:, 1])
    out = np.column_stack([x, y]).astype(float)
    out[~np.isfinite(out).all(axis=1)] = np.nan
    return out


def _project_extent(project: CRS, area: tuple[float, float, float, float] | None) -> Floats | None:
    if area:
        return _area_extent(area, project)
    use = project.area_of_use
    return _area_extent((use.west, use.south, use.east, use.north), project) if use else None


def _code(crs: CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)


# --- layers against the project's place -----------------------------------------------------------


def check_places(
    layers: Mapping[str, Any],
    project_crs: CRS,
    *,
    area: tuple[float, float, float, float] | None = None,
    trusted: Sequence[str] = (),
) -> list[Finding]:
    """Features outside the project's area, and layers displaced against a trusted one, with the likely cause.

    ``area`` is left, bottom, right, top in degrees; without it the extent of a trusted layer, the reporting units
    or the communities is taken (the middle 90 % of their features and a margin of 50 km), but not of one that
    lies outside the CRS's own zone while the other layers lie inside. Layers are in
    ``project_crs``. ``trusted`` names layers known to be right; see :func:`check_offsets`. O(features).
    """
    vectors = {name: layer for name, layer in layers.items() if "geometry" in getattr(layer, "columns", ())}
    base = None if area else _reference(vectors, project_crs, trusted)
    extent = _area_extent(area, project_crs) if area else _middle_extent([vectors[n] for n in base or ()])
    findings = []
    for name, layer in sorted(vectors.items()):
        centres = _centres(layer)
        known = np.isfinite(centres).all(axis=1)
        if extent is None:
            break
        outside = np.asarray(known & ~_within(centres, extent))
        if outside.any():
            findings.append(_outside(name, layer, centres, outside, known, extent, project_crs, base))
    return findings + check_offsets(vectors, project_crs, trusted=trusted)


# A city may reach over the edge of its zone by this much before its middle says that the zone is wrong.
_ZONE_SLACK_DEG = 0.25


def check_zone(layers: Mapping[str, Any], project_crs: CRS, *, trusted: Sequence[str] = ()) -> list[Finding]:
    """A project CRS whose zone is not that of the data, with the CRS that fits; at most one warning.

    Every layer follows the project CRS, so none of them looks displaced: only the place on the globe tells.
    The middle of the first trusted layer is compared with the CRS's area of use, in longitude.
    """
    vectors = {name: layer for name, layer in layers.items() if "geometry" in getattr(layer, "columns", ())}
    for name in _reference(vectors, project_crs, trusted) or ():
        place = _place(vectors[name], project_crs)
        if place is not None:
            return [] if _in_zone(place[0], project_crs) else [_wrong_zone(name, *place, project_crs)]
    return []


def _place(layer: gpd.GeoDataFrame, project_crs: CRS) -> tuple[float, float] | None:
    """Longitude and latitude of a layer's middle; None without one."""
    centres = _finite_centres(layer)
    if not len(centres):
        return None
    ((lon, lat),) = _into(np.median(centres, axis=0)[None, :], project_crs, CRS("EPSG:4490"))
    return (float(lon), float(lat)) if np.isfinite([lon, lat]).all() else None


def _in_zone(lon: float, project_crs: CRS) -> bool:
    use = project_crs.area_of_use
    if use is None or use.west > use.east:
        return True
    return bool(use.west - _ZONE_SLACK_DEG <= lon <= use.east + _ZONE_SLACK_DEG)


def _reference(vectors: Mapping[str, Any], project_crs: CRS, trusted: Sequence[str]) -> list[str] | None:
    """The layers that the others are compared with: a trusted one, else reporting units, else communities.

    One that lies outside the zone of the project CRS is no measure for layers inside it, unless more layers lie
    outside: then the project CRS is in doubt. Without such layers all that lie inside the zone count.
    """
    places = {name: _place(layer, project_crs) for name, layer in sorted(vectors.items())}
    said = [name for name in trusted if places.get(name)]
    if said:
        return said[:1]
    inside = [name for name, place in places.items() if place and _in_zone(place[0], project_crs)]
    outside = [name for name, place in places.items() if place and name not in inside]
    usual = [name for name in TRUSTED_LAYERS if places.get(name)]
    if inside and len(inside) >= len(outside):
        return next(([name] for name in usual if name in inside), inside if usual else None)
    return usual[:1] or outside[:1] or None


def _wrong_zone(name: str, lon: float, lat: float, project_crs: CRS) -> Finding:
    use = project_crs.area_of_use
    west, east = (use.west, use.east) if use else (np.nan, np.nan)
    scale = Proj(project_crs).get_factors(lon, lat).areal_scale - 1
    off = Text("", "")
    if np.isfinite(scale) and abs(scale) >= 0.0005:
        off = Text(f"，面积会偏差约 {scale:+.1%}", f"; areas are off by about {scale:+.1%}")
    fix = Text("请核对 project.toml 的 crs。", "Check crs in project.toml.")
    if _between(lon, _LON) and _between(lat, _LAT):
        meridian = min(max(round(lon / 3) * 3, 75), 135)
        code = f"EPSG:{4534 + (meridian - 75) // 3}"
        fix = Text(
            f"与数据相符的是 {code}（CGCS2000 三度带，中央经线 {meridian}°）；"
            f'请核对后在 project.toml 写 crs = "{code}"。若数据本来不在这里，则是来源卡的 crs 写错。',
            f'{code} fits the data (CGCS2000, 3-degree zone, central meridian {meridian}): write crs = "{code}" in '
            "project.toml; or, if the data should lie elsewhere, correct the card's crs.",
        )
    return Finding(
        severity="warning",
        code="project_zone",
        layer=name,
        text=Text(
            f"数据中部在东经 {lon:.2f}°，超出项目坐标系 {_code(project_crs)} 的适用范围"
            f"（{west:g}°–{east:g}°）{off.zh}。{fix.zh}",
            f"The data's middle is at {lon:.2f}°E, outside the range of the project CRS {_code(project_crs)} "
            f"({west:g}° to {east:g}°){off.en}. {fix.en}",
        ),
    )


def _centres(layer: gpd.GeoDataFrame) -> Floats:
    bounds = shapely.bounds(layer.geometry.to_numpy())
    return np.column_stack([(bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2])


def _within(points: Floats, extent: Floats) -> Flags:
    with np.errstate(invalid="ignore"):
        inside = (points >= extent[:2]) & (points <= extent[2:])
    return np.asarray(inside.all(axis=1))


def _area_extent(area: tuple[float, float, float, float], project_crs: CRS) -> Floats:
    transformer = Transformer.from_crs("EPSG:4490", project_crs, always_xy=True)
    left, bottom, right, top = transformer.transform_bounds(*area)
    return np.array([left - MARGIN_M, bottom - MARGIN_M, right + MARGIN_M, top + MARGIN_M])


def _middle_extent(layers: Sequence[Any]) -> Floats | None:
    """The middle 90 % of the features and the margin; None without any."""
    centres = [_finite_centres(layer) for layer in layers]
    if not sum(map(len, centres)):
        return None
    low, high = np.quantile(np.concatenate(centres), [0.05, 0.95], axis=0)
    return np.concatenate([low - MARGIN_M, high + MARGIN_M])


def _outside(
    name: str, layer: Any, centres: Floats, outside: Any, known: Any, extent: Floats, project_crs: CRS,
    base: Sequence[str] | None,
) -> Finding:  # fmt: skip
    count, total = int(outside.sum()), int(known.sum())
    middle = np.median(centres[outside], axis=0)
    lon, lat = Transformer.from_crs(project_crs, "EPSG:4490", always_xy=True).transform(*middle)
    cause = _cause(middle, float(lon), extent, project_crs)
    where = f"{lon:.3f}°E {lat:.3f}°N" if np.isfinite([lon, lat]).all() else f"{middle[0]:.7g}, {middle[1]:.7g}"
    against = Text("不在项目范围内", "outside the project's area")
    if base is not None:
        km = f"{MARGIN_M / 1000:.0f} km"
        against = Text(f"与 {'、'.join(base)} 图层相距 {km} 以上", f"more than {km} from {', '.join(base)}")
    return Finding(
        severity="error",
        code="outside_area",
        layer=name,
        features=by_key(layer.index[outside]),
        text=Text(
            f"{total} 个要素中有 {count} 个{against.zh}（约在 {where}）。{cause.zh}",
            f"{count} of {total} features lie {against.en} (about {where}). {cause.en}",
        ),
    )


def _cause(middle: Floats, lon: float, extent: Floats, project_crs: CRS) -> Text:
    """Why features may lie elsewhere: axes, the central meridian, or another city."""
    if _within(middle[::-1][None, :], extent)[0]:
        return Text(
            f"X 与 Y 对调后正好落在范围内，坐标轴很可能颠倒；{_SWAP_FIX.zh}",
            f"Swapping X and Y lands inside: the axes are likely swapped; {_SWAP_FIX.en}",
        )
    for meridian in range(75, 136, 3) if not _in_zone(lon, project_crs) else ():
        code = f"EPSG:{4534 + (meridian - 75) // 3}"
        if _within(_into(middle[None, :], CRS(code), project_crs), extent)[0]:
            return Text(
                f"这些坐标超出 {_code(project_crs)} 的适用范围，按中央经线 {meridian}° 理解则正好落在范围内：来源卡的"
                f"坐标系很可能写错。{_write_crs(code).zh}",
                f"These numbers are outside the range of {_code(project_crs)}; with central meridian {meridian} they "
                f"lie inside: the card's CRS is likely wrong. {_write_crs(code).en}",
            )
    return Text(
        "可能是别的城市的数据，或坐标系（带号、中央经线）写错。",
        "It may be another city's data, or the CRS (zone, central meridian) may be wrong.",
    )


# --- layers against a trusted layer ---------------------------------------------------------------


@dataclass(frozen=True)
class Offset:
    """How a layer lies against a trusted one.

    ``kind`` is ``none``, ``gcj02`` or ``bd09`` (the layer is shifted as those maps shift), ``trusted_gcj02``
    or ``trusted_bd09`` (the trusted one is), ``mixed_gcj02`` or ``mixed_bd09`` (some of its features are),
    ``shifted`` (all by one vector), or ``unclear``: the layers do not show the same things. ``dx_m``, ``dy_m``
    is what the layer lies too far east and north; ``scores`` the share of its points that meet the trusted layer
    under each explanation.
    """

    kind: str
    dx_m: float
    dy_m: float
    scores: Mapping[str, float]


def check_offsets(layers: Mapping[str, Any], project_crs: CRS, *, trusted: Sequence[str] = ()) -> list[Finding]:
    """Layers displaced against a trusted one as Chinese web maps displace, or all by one vector.

    ``trusted`` are the layers whose cards say so; without any, the reporting units and communities are
    compared with, and the words leave open which of the two is wrong. Warnings only: nothing is moved.
    """
    names = [name for name in (trusted or TRUSTED_LAYERS) if name in layers]
    findings = []
    for name, layer in sorted(layers.items()):
        if name in trusted:
            continue
        for other in names:
            if other == name or (not trusted and name in names[: names.index(other)]):
                continue
            found = find_offset(layer, layers[other], project_crs)
            if found.kind not in ("none", "unclear"):
                mixed = found.kind.startswith("mixed_")
                rows = _shifted_rows(layer, layers[other], found.kind, project_crs) if mixed else ()
                findings.append(_offset_finding(name, other, found, known=bool(trusted), rows=rows))
                break
    return findings


_OFFSET_WORDS = {
    "gcj02": Text(
        '很可能是高德、腾讯的 GCJ-02 坐标；核实后在来源卡写 datum = "gcj02"',
        'it is likely GCJ-02 (Amap, Tencent); if so, write datum = "gcj02" in its card',
    ),
    "bd09": Text(
        '很可能是百度的 BD-09 坐标；核实后在来源卡写 datum = "bd09"',
        'it is likely BD-09 (Baidu); if so, write datum = "bd09" in its card',
    ),
    "mixed_gcj02": Text(
        '只有一部分要素如此，很可能混入了 GCJ-02 坐标；请把两种来源分成两个文件，为 GCJ-02 的写 datum = "gcj02"',
        'only some features do: GCJ-02 is likely mixed in; split the file and write datum = "gcj02" for those',
    ),
    "mixed_bd09": Text(
        '只有一部分要素如此，很可能混入了 BD-09 坐标；请把两种来源分成两个文件，为 BD-09 的写 datum = "bd09"',
        'only some features do: BD-09 is likely mixed in; split the file by source and write datum = "bd09" for those',
    ),
    "trusted_gcj02": Text(
        "对照图层反而像 GCJ-02 坐标，请核实对照图层的来源",
        "the other layer looks like GCJ-02; find out where it came from",
    ),
    "trusted_bd09": Text(
        "对照图层反而像 BD-09 坐标，请核实对照图层的来源",
        "the other layer looks like BD-09; find out where it came from",
    ),
    "shifted": Text(
        "整体平移，可能是地方独立坐标或旧坐标系；请索取控制点或 CGCS2000 成果",
        "all by one vector: perhaps a local or an old grid; ask for control points or CGCS2000 data",
    ),
}


_SCORE_WORDS = {
    "none": Text("原样", "as it is"),
    "gcj02": Text("本图层按 GCJ-02 改正后", "this layer corrected from GCJ-02"),
    "bd09": Text("本图层按 BD-09 改正后", "this layer corrected from BD-09"),
    "trusted_gcj02": Text("对照图层按 GCJ-02 改正后", "the other layer corrected from GCJ-02"),
    "trusted_bd09": Text("对照图层按 BD-09 改正后", "the other layer corrected from BD-09"),
    "shifted": Text("整体平移后", "all moved by one vector"),
}


def _offset_finding(name: str, other: str, found: Offset, *, known: bool, rows: tuple[FeatureRef, ...] = ()) -> Finding:
    words = _OFFSET_WORDS[found.kind]
    length = float(np.hypot(found.dx_m, found.dy_m))
    said = [(_SCORE_WORDS[kind], f"{share:.0%}") for kind, share in found.scores.items()]
    shares = Text("，".join(f"{w.zh} {s}" for w, s in said), ", ".join(f"{w.en} {s}" for w, s in said))
    sure = (
        Text("", "")
        if known
        else Text("（没有标明可信图层，也可能是对照图层有误）", " (no layer is marked trusted; the other may be wrong)")
    )
    return Finding(
        severity="warning",
        code=f"offset_{found.kind}",
        layer=name,
        features=rows,
        text=Text(
            f"与 {other} 相比偏移约 {length:,.0f} m（东 {found.dx_m:+,.0f}，北 {found.dy_m:+,.0f}）："
            f"{words.zh}{sure.zh}。"
            f"各种解释下的吻合比例：{shares.zh}。",
            f"Lies about {length:,.0f} m off {other} (east {found.dx_m:+,.0f}, north {found.dy_m:+,.0f}): "
            f"{words.en}{sure.en}. "
            f"Share that meets under each explanation: {shares.en}.",
        ),
    )


def find_offset(layer: gpd.GeoDataFrame, trusted: gpd.GeoDataFrame, project_crs: CRS) -> Offset:
    """Score each explanation of how ``layer`` lies against ``trusted``; both in ``project_crs``, metres.

    Points on the layer's outlines are moved by each explanation; the score is the share that then lies on
    an outline of the trusted layer. An explanation is taken if most points meet, several times more
    than unmoved, and no shift of like size in another direction does nearly as well (regular towns repeat
    themselves). O(n log m) for a sample of n = 3,000 points.
    """
    points = _outline_points(layer)
    outlines = _outlines(trusted)
    if len(points) < _FEWEST or not len(outlines):
        return Offset("unclear", 0.0, 0.0, {})
    points, outlines = _near_each_other(points, outlines)
    if len(points) < _FEWEST or not len(outlines):
        return Offset("unclear", 0.0, 0.0, {})
    tree = shapely.STRtree(outlines)
    unmoved = _distances(tree, points[:: max(1, len(points) // _GLANCE)])
    if _share(unmoved, _MATCH_M[0]) >= _NEARLY_ALL:
        return Offset("none", 0.0, 0.0, {"none": _share(unmoved, _MATCH_M[0])})
    moved = {kind: move(points) for kind, move in _explanations(project_crs).items()}
    distances = {kind: _distances(tree, xy) for kind, xy in moved.items()}
    mixed = _mixture(tree, moved, distances)
    if mixed is not None:
        return mixed
    for distance in _MATCH_M:
        scores = {kind: _share(found, distance) for kind, found in distances.items()}
        best = max(scores, key=lambda kind: scores[kind])
        if scores["none"] >= _BEST_SHARE:
            return Offset("none", 0.0, 0.0, scores)
        sure = scores[best] >= max(_BEST_SHARE, _AHEAD * scores["none"])
        if sure and not _repeats(tree, moved[best], distance, scores[best]):
            shift = np.median(points - moved[best], axis=0) - _residual(tree, moved[best], distance)
            return Offset(best, float(shift[0]), float(shift[1]), scores)
    return _one_vector(layer, trusted, {kind: _share(found, _MATCH_M[0]) for kind, found in distances.items()})


# Two sources in one layer: each holds at least this share, and nearly all that one does not explain the other does.
_SMALLEST_PART, _EXPLAINED = 0.05, 0.8


def _mixture(tree: shapely.STRtree, moved: Mapping[str, Floats], distances: Mapping[str, Floats]) -> Offset | None:
    """Some features in place, nearly all others shifted as a web map shifts; None if it is not so."""
    rest = distances["none"] > _MATCH_M[1]
    part = float(rest.mean())
    if not _SMALLEST_PART <= part <= 1 - _SMALLEST_PART or rest.sum() < 2 * _FEWEST:
        return None
    for kind in ("gcj02", "bd09"):
        share = _share(distances[kind][rest], _MATCH_M[0])
        # Where the whole layer is shifted, those that lie near something by chance are explained too.
        whole = _share(distances[kind][~rest], _MATCH_M[0]) > _DECOY_SHARE
        if share >= _EXPLAINED and not whole and not _repeats(tree, moved[kind][rest], _MATCH_M[0], share):
            explained = rest & (distances[kind] <= _MATCH_M[0])
            shifts = (moved["none"] - moved[kind])[explained]
            # They differ by tens of metres across a city: one that occurs, not the middle of each direction.
            shift = shifts[np.argmin(np.hypot(*(shifts - np.median(shifts, axis=0)).T))]
            scores = {"none": 1 - part, kind: part * share}
            return Offset(f"mixed_{kind}", float(shift[0]), float(shift[1]), scores)
    return None


def _shifted_rows(
    layer: gpd.GeoDataFrame, trusted: gpd.GeoDataFrame, kind: str, project_crs: CRS
) -> tuple[FeatureRef, ...]:
    """The features whose first corner meets the trusted layer only after the shift is undone."""
    geometry = layer.geometry.to_numpy()
    usable = _usable(geometry)
    xy, owner = shapely.get_coordinates(geometry[usable], return_index=True)
    first = xy[np.flatnonzero(np.diff(owner, prepend=-1))]
    tree = shapely.STRtree(_outlines(trusted))
    undone = _explanations(project_crs)[kind.removeprefix("mixed_")](first)
    off = (_distances(tree, first) > _MATCH_M[1]) & (_distances(tree, undone) <= _MATCH_M[0])
    return by_key(layer.index[usable][off])


@cache
def _explanations(project: CRS) -> dict[str, Move]:
    there = Transformer.from_crs(project, "EPSG:4490", always_xy=True)
    back = Transformer.from_crs("EPSG:4490", project, always_xy=True)

    def through(change: Callable[[Floats, Floats], tuple[Floats, Floats]]) -> Move:
        def move(xy: Floats) -> Floats:
            lon, lat = there.transform(xy[:, 0], xy[:, 1])
            return np.column_stack(back.transform(*change(np.asarray(lon), np.asarray(lat))))

        return move

    return {
        "none": lambda xy: xy,
        "gcj02": through(gcj02_to_wgs84),
        "bd09": through(bd09_to_wgs84),
        "trusted_gcj02": through(wgs84_to_gcj02),
        "trusted_bd09": through(wgs84_to_bd09),
    }


def _outline_points(layer: gpd.GeoDataFrame) -> Floats:
    """Corners and middles of edges, evenly thinned to the sample's size; points are themselves."""
    geometry = layer.geometry.to_numpy()
    geometry = geometry[_usable(geometry)]
    geometry = geometry[:: max(1, len(geometry) // _SAMPLE)]
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    same = owner[1:] == owner[:-1]
    middles = (xy[1:] + xy[:-1])[same] / 2
    points = np.concatenate([xy, middles])
    return points[:: max(1, len(points) // _SAMPLE)][:_SAMPLE]


def _outlines(layer: gpd.GeoDataFrame) -> NDArray[Any]:
    geometry = layer.geometry.to_numpy()
    geometry = geometry[_usable(geometry)]
    areas = np.isin(shapely.get_type_id(geometry), [3, 6])
    return np.asarray(np.where(areas, shapely.boundary(geometry), geometry), dtype=object)


def _usable(geometry: NDArray[Any]) -> Flags:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(shapely.bounds(geometry)).all(axis=1))


def _near_each_other(points: Floats, outlines: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
    """What can meet at all: points within reach of the other layer's extent, outlines near the points."""
    left, bottom, right, top = shapely.total_bounds(outlines)
    extent = np.array([left - _REACH_M, bottom - _REACH_M, right + _REACH_M, top + _REACH_M])
    points = points[_within(points, extent)]
    if not len(points):
        return points, outlines
    low, high = points.min(axis=0) - _REACH_M, points.max(axis=0) + _REACH_M
    bounds = shapely.bounds(outlines)
    near = (bounds[:, 0] <= high[0]) & (bounds[:, 2] >= low[0]) & (bounds[:, 1] <= high[1]) & (bounds[:, 3] >= low[1])
    return points, outlines[near]


def _distances(tree: shapely.STRtree, points: Floats) -> Floats:
    """From each point to the nearest outline, infinite beyond the widest distance at which things are matched."""
    out = np.full(len(points), np.inf)
    found, away = tree.query_nearest(
        shapely.points(points), max_distance=_MATCH_M[-1], return_distance=True, all_matches=False
    )
    out[found[0]] = away
    return out


def _share(distances: Floats, distance_m: float) -> float:
    """The share of points that meet an outline within ``distance_m``."""
    return float((distances <= distance_m).mean())


def _repeats(tree: shapely.STRtree, points: Floats, distance_m: float, share: float) -> bool:
    """Whether shifts that mean nothing meet nearly as well: then the pattern repeats and proves nothing."""
    thinned = points[:: max(1, len(points) // 500)]
    for radius in (150.0, 330.0, 550.0, 900.0):
        for angle in np.arange(0.3, 2 * np.pi, np.pi / 4):
            decoy = thinned + radius * np.array([np.cos(angle), np.sin(angle)])
            if _share(_distances(tree, decoy), distance_m) > _DECOY_SHARE * share:
                return True
    return False


def _residual(tree: shapely.STRtree, points: Floats, distance_m: float) -> Floats:
    """What is left between points and the outlines they meet, as a median vector (trusted minus point)."""
    found, others = tree.query_nearest(shapely.points(points), max_distance=distance_m, all_matches=False)
    if not len(found):
        return np.zeros(2)
    lines = shapely.shortest_line(shapely.points(points[found]), tree.geometries[others])
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    return np.asarray(np.median(ends[:, 1] - ends[:, 0], axis=0))


def _one_vector(layer: gpd.GeoDataFrame, trusted: gpd.GeoDataFrame, scores: Mapping[str, float]) -> Offset:
    """One shift for all features, from the differences between the centres of both layers.

    The commonest difference must be shared by most features and stand alone.
    """
    ours, theirs = (_finite_centres(part) for part in (layer, trusted))
    if len(ours) < _FEWEST or len(theirs) < _FEWEST:
        return Offset("unclear", 0.0, 0.0, scores)
    ours = ours[:: max(1, len(ours) // 1000)]
    centres: Any = shapely.points(theirs)
    near = shapely.STRtree(centres).query(shapely.points(ours), predicate="dwithin", distance=_REACH_M)
    if near.shape[1] > 5_000_000:
        keep = np.unique(near[0])[:: max(1, near.shape[1] // 5_000_000)]
        near = near[:, np.isin(near[0], keep)]
    differences = ours[near[0]] - theirs[near[1]]
    size = 10.0
    cells = np.floor((differences + _REACH_M) / size).astype(int)
    side = int(2 * _REACH_M / size) + 1
    counts = np.bincount(cells[:, 0] * side + cells[:, 1], minlength=side * side).reshape(side, side)
    # A shift on the edge of a cell falls into its neighbours too.
    wide = np.zeros_like(counts)
    for i, j in np.ndindex(3, 3):
        wide += np.roll(counts, (i - 1, j - 1), axis=(0, 1))
    peak = np.unravel_index(int(np.argmax(wide)), wide.shape)
    centre = (np.array(peak) + 0.5) * size - _REACH_M
    sharing = (np.abs(differences - centre) <= 1.5 * size).all(axis=1)
    # Many points around one centre prove nothing: both sides must be many.
    fewest = min(len(np.unique(near[0][sharing])), len(np.unique(near[1][sharing])))
    shared = fewest / len(ours)
    away = wide.copy()
    away[max(0, peak[0] - 3) : peak[0] + 4, max(0, peak[1] - 3) : peak[1] + 4] = 0
    if fewest < _FEWEST or shared < _BEST_SHARE or away.max(initial=0) > _DECOY_SHARE * wide[peak]:
        return Offset("unclear", 0.0, 0.0, scores)
    shift = np.median(differences[sharing], axis=0)
    if np.hypot(*shift) < _MATCH_M[0]:
        return Offset("none", 0.0, 0.0, scores)
    return Offset("shifted", float(shift[0]), float(shift[1]), {**scores, "shifted": min(shared, 1.0)})


def _finite_centres(layer: gpd.GeoDataFrame) -> Floats:
    centres = _centres(layer)
    return centres[np.isfinite(centres).all(axis=1)]
