"""The coordinate guard: whether the layers are where they claim to be.

It never moves anything. It compares numbers with claims and layers with the project's place, and says which
explanation fits, so that a person decides. What it cannot know it does not claim: Xian 80 and Beijing 54 numbers
look like CGCS2000 ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Proj, Transformer

from gis_renovation.arrays import Flags, Floats
from gis_renovation.checking.grids import (
    LAT,
    LON,
    TRUSTED_LAYERS,
    ZONES_3,
    ZONES_6,
    Move,
    between,
    centres_of,
    crs_code,
    finite_centres,
    moved_into,
    within,
)
from gis_renovation.checking.offsets import check_offsets
from gis_renovation.errors import Finding, by_key
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd


# A prefecture is some 100 km across; farther away than this is another city, not a suburb.
MARGIN_M = 50_000.0


_FOOT_M = 0.3048


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
    centres = centres_of(layer)
    known = np.isfinite(centres).all(axis=1)
    claimed = CRS(layer.crs)
    extent = _project_extent(project_crs, area)
    if not known.any() or extent is None:
        return []
    rest = known & ~within(moved_into(centres, claimed, project_crs), extent)
    if not rest.any():
        return []
    beyond = (
        Text("项目范围", "the project")
        if area
        else Text(
            f"项目坐标系（{crs_code(project_crs)}）的适用范围",
            f"the range of the project CRS ({crs_code(project_crs)})",
        )
    )
    findings = []
    for guess in _guesses(claimed, project_crs, zones=area is not None):
        if not rest.any():
            break
        positions = np.flatnonzero(rest)
        sample = positions[:: max(1, len(positions) // 500)]
        if not within(guess.move(centres[sample]), extent).any():
            continue
        fits = np.zeros(len(rest), dtype=bool)
        fits[positions] = within(guess.move(centres[positions]), extent)
        rest &= ~fits
        count, total = int(fits.sum()), int(known.sum())
        text = Text(
            f"{total} 个要素中有 {count} 个按来源卡的坐标系（{crs_code(claimed)}）落在{beyond.zh}之外；{guess.text.zh}",
            f"{count} of {total} features lie outside {beyond.en} by their stated CRS ({crs_code(claimed)}); "
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
    guesses = [*_swaps_and_degrees(claimed, project), *(_prefixed(project, swap=swap) for swap in (False, True))]
    own = _said(
        "当作不带带号的项目坐标系",
        "in the project's own CRS without a zone number",
        *_write_crs(crs_code(project)),
    )
    guesses.append(_Guess("no_zone_prefix", own, lambda xy: xy))
    guesses.append(_Guess("no_zone_prefix", own, lambda xy: xy[:, ::-1]))
    if zones and claimed.is_projected:
        guesses += [_Guess("other_zone", *_meridian(meridian, project)) for meridian in range(75, 136, 3)]
    feet = _said(
        "按英尺换算成米", "as feet", "单位很可能是英尺，请换算后再导入。", "The unit is likely feet; convert first."
    )
    guesses.append(
        _Guess("feet", feet, lambda xy: moved_into(xy * _FOOT_M, claimed if claimed.is_projected else project, project))
    )
    mercator = _said("当作网络墨卡托", "as Web Mercator", *_write_crs("EPSG:3857"))
    guesses.append(_Guess("web_mercator", mercator, lambda xy: moved_into(xy, CRS("EPSG:3857"), project)))
    return guesses


def _said(what_zh: str, what_en: str, fix_zh: str, fix_en: str) -> Text:
    return Text(f"{what_zh}后正好落在范围内。{fix_zh}", f"{what_en} they lie inside. {fix_en}")


def _prefixed(project: CRS, *, swap: bool) -> _Guess:
    """The zone number stands in front of the numbers."""
    turn = Text("对调 X、Y 并", "swapped and ") if swap else Text("", "")
    prefix = _said(
        f"{turn.zh}按数字前的带号理解",
        f"{turn.en}read by the zone number in front",
        "请按带号改正来源卡的 crs（三度带 39 带为 EPSG:4527）。" + (_SWAP_FIX.zh if swap else ""),
        "Correct the card's crs by the zone (3-degree zone 39: EPSG:4527)." + (f" {_SWAP_FIX.en}" if swap else ""),
    )
    return _Guess("zone_prefix", prefix, _by_prefix(project, swap=swap))


def _swaps_and_degrees(claimed: CRS, project: CRS) -> list[_Guess]:
    """The axes are exchanged, the numbers are degrees, or both."""
    degrees = CRS("EPSG:4490")
    swapped = _said(
        "X 与 Y 对调",
        "with X and Y swapped",
        f"坐标轴很可能颠倒，{_SWAP_FIX.zh}",
        f"The axes are likely swapped; {_SWAP_FIX.en}",
    )
    as_degrees = _said("当作经纬度", "taken as degrees", *_write_crs("EPSG:4490"))
    both = _said(
        "当作先纬后经的度数",
        "as latitude, longitude",
        f'坐标是经纬度而且次序颠倒，请在来源卡写 crs = "EPSG:4490"；{_SWAP_FIX.zh}',
        f'Degrees, and swapped: write crs = "EPSG:4490"; {_SWAP_FIX.en}',
    )
    return [
        _Guess("swapped_axes", swapped, lambda xy: moved_into(xy[:, ::-1], claimed, project)),
        _Guess("degrees_as_metres", as_degrees, lambda xy: moved_into(_only_degrees(xy), degrees, project)),
        _Guess("degrees_as_metres", both, lambda xy: moved_into(_only_degrees(xy[:, ::-1]), degrees, project)),
    ]


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
            first, low = (4513, ZONES_3[0]) if between(zone, ZONES_3) else (4491, ZONES_6[0])
            if between(zone, ZONES_3) or between(zone, ZONES_6):
                rows = zones == zone
                out[rows] = moved_into(xy[rows], CRS(f"EPSG:{first + int(zone) - low}"), project)
        return out

    return move


def _meridian(meridian: int, project: CRS) -> tuple[Text, Move]:
    code = f"EPSG:{4534 + (meridian - 75) // 3}"
    grid = CRS(code)
    text = Text(
        f"按中央经线 {meridian}°（{code}）理解后正好落在范围内；中央经线很可能写错，请核实后改正来源卡的 crs。",
        f"with central meridian {meridian} ({code}) they lie inside; the central meridian is likely wrong.",
    )
    return text, lambda xy: moved_into(np.where(xy[:, :1] < 1e6, xy, np.nan), grid, project)


def _project_extent(project: CRS, area: tuple[float, float, float, float] | None) -> Floats | None:
    if area:
        return _area_extent(area, project)
    use = project.area_of_use
    return _area_extent((use.west, use.south, use.east, use.north), project) if use else None


def check_places(
    layers: Mapping[str, gpd.GeoDataFrame],
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
        centres = centres_of(layer)
        known = np.asarray(np.isfinite(centres).all(axis=1))
        if extent is None:
            break
        outside = np.asarray(known & ~within(centres, extent))
        if outside.any():
            findings.append(_outside(name, layer, outside, known, extent=extent, project_crs=project_crs, base=base))
    return findings + check_offsets(vectors, project_crs, trusted=trusted)


# A city may reach over the edge of its zone by this much before its middle says that the zone is wrong.
_ZONE_SLACK_DEG = 0.25


def check_zone(
    layers: Mapping[str, gpd.GeoDataFrame], project_crs: CRS, *, trusted: Sequence[str] = ()
) -> list[Finding]:
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
    centres = finite_centres(layer)
    if not len(centres):
        return None
    ((lon, lat),) = moved_into(np.median(centres, axis=0)[None, :], project_crs, CRS("EPSG:4490"))
    return (float(lon), float(lat)) if np.isfinite([lon, lat]).all() else None


def _in_zone(lon: float, project_crs: CRS) -> bool:
    use = project_crs.area_of_use
    if use is None or use.west > use.east:
        return True
    return bool(use.west - _ZONE_SLACK_DEG <= lon <= use.east + _ZONE_SLACK_DEG)


def _reference(vectors: Mapping[str, gpd.GeoDataFrame], project_crs: CRS, trusted: Sequence[str]) -> list[str] | None:
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
        if abs(scale) > 1:
            off = Text("，在那里量算的面积没有意义", "; areas measured there mean nothing")
    fix = Text("请核对 project.toml 的 crs。", "Check crs in project.toml.")
    if between(lon, LON) and between(lat, LAT):
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
            f"数据中部在东经 {lon:.2f}°，超出项目坐标系 {crs_code(project_crs)} 的适用范围"
            f"（{west:g}°–{east:g}°）{off.zh}。{fix.zh}",
            f"The data's middle is at {lon:.2f}°E, outside the range of the project CRS {crs_code(project_crs)} "
            f"({west:g}° to {east:g}°){off.en}. {fix.en}",
        ),
    )


def _area_extent(area: tuple[float, float, float, float], project_crs: CRS) -> Floats:
    transformer = Transformer.from_crs("EPSG:4490", project_crs, always_xy=True)
    left, bottom, right, top = transformer.transform_bounds(*area)
    return np.array([left - MARGIN_M, bottom - MARGIN_M, right + MARGIN_M, top + MARGIN_M])


def _middle_extent(layers: Sequence[gpd.GeoDataFrame]) -> Floats | None:
    """The middle 90 % of the features and the margin; None without any."""
    centres = [finite_centres(layer) for layer in layers]
    if not sum(map(len, centres)):
        return None
    low, high = np.quantile(np.concatenate(centres), [0.05, 0.95], axis=0)
    return np.concatenate([low - MARGIN_M, high + MARGIN_M])


def _outside(
    name: str, layer: gpd.GeoDataFrame, outside: Flags, known: Flags, *, extent: Floats, project_crs: CRS,
    base: Sequence[str] | None,
) -> Finding:  # fmt: skip
    count, total = int(outside.sum()), int(known.sum())
    middle = np.median(centres_of(layer)[outside], axis=0)
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
    if within(middle[::-1][None, :], extent)[0]:
        return Text(
            f"X 与 Y 对调后正好落在范围内，坐标轴很可能颠倒；{_SWAP_FIX.zh}",
            f"Swapping X and Y lands inside: the axes are likely swapped; {_SWAP_FIX.en}",
        )
    for meridian in range(75, 136, 3) if not _in_zone(lon, project_crs) else ():
        code = f"EPSG:{4534 + (meridian - 75) // 3}"
        if within(moved_into(middle[None, :], CRS(code), project_crs), extent)[0]:
            return Text(
                f"这些坐标超出 {crs_code(project_crs)} 的适用范围，按中央经线 {meridian}° 理解则正好落在范围内："
                f"来源卡的坐标系很可能写错。{_write_crs(code).zh}",
                f"These numbers are outside the range of {crs_code(project_crs)}; with central meridian {meridian} "
                f"they lie inside: the card's CRS is likely wrong. {_write_crs(code).en}",
            )
    return Text(
        "可能是别的城市的数据，或坐标系（带号、中央经线）写错。",
        "It may be another city's data, or the CRS (zone, central meridian) may be wrong.",
    )
