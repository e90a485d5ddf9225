"""What an idle plot can hold: the ground left after setbacks, its largest circle and rectangle, the uses that fit.

Buildings, control lines and strips along pipes are taken off; the largest remaining piece is
measured. The largest circle is exact to its tolerance. The largest rectangle is searched along the
piece's own edge directions on a grid of 48 by 48 cells and then grown until it touches: it always
lies inside, and is a lower bound, the largest found rather than the largest proven. Of the largest
rectangle in a direction tried, no more than two cells a side are lost; other directions are not
tried. A use that is not found to fit is therefore *no* only where area or circle rule it out, else
*unknown*. A use may ask for a least width: of ground only the part counts that is nowhere narrower, of a
building only a rectangle whose shorter side is no less. Rows of stalls count only where every aisle is
entered at its end or from a connecting lane; where the lot meets a street is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine

from gis_renovation.arrays import Flags, Floats, Geometries, Ints, Positions
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.measures import require_control_kinds
from gis_renovation.rasters import grid_coverage
from gis_renovation.rules import Rule, judge_numbers, rules_for
from gis_renovation.schemas import layer_schema
from gis_renovation.verdicts import UNKNOWN, YES, Verdicts
from gis_renovation.words import Text

# Cells along each side of the search grid, and how many edge directions of a piece are tried.
_CELLS: Final = 48
_DIRECTIONS: Final = 4
_GROWTH_STEPS: Final = 16
# A box drawn this much smaller (m) still touches what it touched before the turning's rounding.
_TOUCH: Final = np.array([1e-6, 1e-6, -1e-6, -1e-6])
# Measures of every piece, by name.
Facts = dict[str, Floats | Ints]
_RECTANGLE = re.compile(r"fits_(\d+)x(\d+)_m")
_NETWORKS = tuple(layer_schema("utility_lines").fields["network"].values)


@dataclass(frozen=True, kw_only=True)
class Parking:
    """Perpendicular stalls on both sides of aisles, sizes in m."""

    stall_width_m: float = 2.5
    stall_length_m: float = 5.3
    aisle_m: float = 6.0

    def rows(self, depth_m: Floats) -> Ints:
        """Rows of stalls across a rectangle of this depth: two an aisle, one where only one fits."""
        module = 2.0 * self.stall_length_m + self.aisle_m
        depth_m = depth_m + 1e-6  # a depth that fits exactly fits
        full = np.floor(depth_m / module)
        single = depth_m - full * module >= self.stall_length_m + self.aisle_m
        return (2 * full + single).astype(np.int64)

    def stalls(self, depth_m: Floats, length_m: Floats, *, entered_at_end: bool = True) -> Ints:
        """Stalls in all rows along a rectangle of this length.

        A single aisle may be entered at its end. Several aisles are connected by a lane of the aisle's width
        across the rows, which takes its length off them; so is a single one that is not entered at its end.
        """
        rows = self.rows(depth_m)
        lane = np.where((rows > 2) | (not entered_at_end), self.aisle_m, 0.0)
        a_row = np.floor((length_m - lane) / self.stall_width_m + 1e-6)
        return np.asarray(rows * np.maximum(a_row, 0.0), np.float64).astype(np.int64)

    def layout(self, width_m: Floats, length_m: Floats) -> tuple[Ints, Ints]:
        """Rows and stalls of the better of two layouts: rows along the longer side, or across it.

        The lot is entered from a shorter side: rows across have a connecting lane along a longer side.
        """
        along, across = self.stalls(width_m, length_m), self.stalls(length_m, width_m, entered_at_end=False)
        rows = np.where(along >= across, self.rows(width_m), self.rows(length_m))
        stalls = np.maximum(along, across)
        return np.where(stalls > 0, rows, 0), stalls


_USUAL_PARKING: Final = Parking()


@layers_on_text_ids
def shape_usable_land(
    idle_parcels: gpd.GeoDataFrame,
    control_lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    utility_lines: gpd.GeoDataFrame | None = None,
    *,
    rules: tuple[Rule, ...],
    boundary_setback_m: float = 0.0,
    blocked_kinds: tuple[str, ...] = (
        "prime_farmland",
        "ecological_redline",
        "road_redline",
        "blue",
        "purple",
        "yellow",
        "rail_protection",
        "fire_access",
    ),
    parking: Parking = _USUAL_PARKING,
) -> gpd.GeoDataFrame:
    """Measure what is left of each candidate (and of each not yet decided) plot for building or paving.

    Parameters
    ----------
    idle_parcels
        The result of :func:`gis_renovation.land.candidates.screen_parcels`; excluded parcels are passed over.
    control_lines, buildings, utility_lines
        Polygons, polygons and lines in the same metric CRS. ``None`` is a layer nobody has: nothing
        is deducted for it and ``not_deducted`` says so. Abandoned and empty pipes do not count.
    rules
        Those with layer ``usable_shapes`` are used: setback_<network>_m (clearance each side of a
        pipe), and uses judged by area_m2, circle_diameter_m, rectangle_width_m, rectangle_length_m,
        parking_rows_count, parking_stalls_count or fits_<a>x<b>_m (1 where such a rectangle fits); a rule
        on area_m2 or rectangle_m2 may ask for ``least_width_m`` besides.
    boundary_setback_m
        Strip along the parcel's own boundary that stays free.
    blocked_kinds
        Kinds of control line whose ground is taken off.
    parking
        Stalls and aisles by which the rows are counted.

    Returns
    -------
    GeoDataFrame indexed and sorted by parcel_id, of the largest usable piece: area_m2,
    usable_share (of the parcel), piece_count, circle_diameter_m, rectangle_width_m,
    rectangle_length_m, rectangle_m2, rectangle_angle_deg (of its long side, anticlockwise from
    east), parking_rows_count, parking_stalls_count, fitting_uses and unclear_uses (rule ids),
    uses_zh, uses_en, not_deducted_zh, not_deducted_en. Parcels with nothing left are not in it.

    Raises
    ------
    CRSError; ConfigError for a rule whose measure is not known. O(parcels x directions x cells²).
    Setbacks and sizes: rule packs ``land_uses``.

    Examples
    --------
    Of a plot of 40 by 20 m a building takes a strip of 10 m; a rectangle of 30 by 20 m is left:

    >>> import geopandas as gpd
    >>> from shapely import box
    >>> from gis_renovation.rules import Rule
    >>> from gis_renovation.words import Text
    >>> court = Rule(id="court", layer="usable_shapes", measure="area_m2", operator=">=", value=500.0, unit="m²",
    ...              text=Text("球场", "a court"))
    >>> plots = gpd.GeoDataFrame({"verdict": ["candidate"]}, geometry=[box(0, 0, 40, 20)], index=["P1"],
    ...                          crs="EPSG:4548")
    >>> houses = gpd.GeoDataFrame(geometry=[box(30, 0, 40, 20)], index=["B1"], crs="EPSG:4548")
    >>> usable = shape_usable_land(plots, buildings=houses, rules=(court,))
    >>> usable[["area_m2", "usable_share", "rectangle_length_m", "fitting_uses"]].round(2).to_numpy().tolist()
    [[600.0, 0.75, 30.0, 'court']]
    """
    require_metric(
        idle_parcels=idle_parcels, buildings=buildings, utility_lines=utility_lines, control_lines=control_lines
    )
    mine = _checked_rules(rules)
    parcels = idle_parcels[idle_parcels["verdict"] != "excluded"].sort_index()
    whole = np.asarray(parcels.geometry.to_numpy(), dtype=object)
    obstacles = np.concatenate(
        [_ground_of(buildings), _strips(utility_lines, _setbacks(mine)), _blocked(control_lines, blocked_kinds)]
    )
    free = _without(shapely.buffer(whole, -boundary_setback_m) if boundary_setback_m else whole, obstacles)
    piece, count = _largest_pieces(free)
    left = shapely.area(piece) > 0.0
    parcels, whole, piece, count = parcels[left], whole[left], piece[left], count[left]
    facts, bounds = _measured(piece, parking, [rule for rule in mine if not rule.measure.startswith("setback_")])
    result = gpd.GeoDataFrame(
        {
            "area_m2": shapely.area(piece),
            "usable_share": shapely.area(piece) / shapely.area(whole),
            "piece_count": count,
        },
        geometry=piece,
        index=parcels.index,
        crs=idle_parcels.crs,
    )
    for name, values in facts.items():
        if name not in result.columns:
            result[name] = values
    for name, texts in _uses(mine, bounds, len(piece)).items():
        result[name] = pd.array(texts, dtype="str")
    lacking = _not_deducted(buildings, utility_lines, control_lines)
    result["not_deducted_zh"], result["not_deducted_en"] = lacking.zh, lacking.en
    return result.astype({"not_deducted_zh": "str", "not_deducted_en": "str"}).rename_axis("parcel_id")


_MEASURES = (
    "area_m2",
    "circle_diameter_m",
    "rectangle_width_m",
    "rectangle_length_m",
    "rectangle_m2",
    "parking_rows_count",
    "parking_stalls_count",
)


def _checked_rules(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    setbacks = tuple(f"setback_{network}_m" for network in _NETWORKS)
    asked = tuple(rule.measure for rule in rules if _RECTANGLE.fullmatch(rule.measure))
    mine = rules_for(rules, "usable_shapes", (*_MEASURES, *setbacks, *asked))
    words = [rule.id for rule in mine if isinstance(rule.value, tuple)]
    if words:
        listed = ", ".join(words)
        raise ConfigError(f"规则 {listed} 的 value 应为数字。", f"Rules {listed} need a number as value.")
    return mine


def _setbacks(rules: Sequence[Rule]) -> dict[str, float]:
    found = {}
    for rule in rules:
        if rule.measure.startswith("setback_") and not isinstance(rule.value, tuple):
            found[rule.measure.removeprefix("setback_").removesuffix("_m")] = rule.value
    return found


def _ground_of(layer: gpd.GeoDataFrame | None) -> Geometries:
    return np.empty(0, dtype=object) if layer is None else np.asarray(layer.geometry.to_numpy(), dtype=object)


def _strips(lines: gpd.GeoDataFrame | None, setbacks: Mapping[str, float]) -> Geometries:
    """Ground to keep clear along pipes in use or planned; a pipe of unknown status counts."""
    if lines is None:
        return np.empty(0, dtype=object)
    idle = (
        lines["status"].isin(["abandoned", "empty"])
        if "status" in lines.columns
        else pd.Series(False, index=lines.index)
    )
    lines = lines[~idle]
    widths = lines["network"].map(setbacks).fillna(0.0).to_numpy(dtype=np.float64)
    return np.asarray(shapely.buffer(_ground_of(lines), widths, quad_segs=8), dtype=object)


def _blocked(lines: gpd.GeoDataFrame | None, kinds: Sequence[str]) -> Geometries:
    chosen = require_control_kinds(kinds)
    return _ground_of(None if lines is None else lines[lines["kind"].isin(chosen)])


def _without(shapes: Geometries, obstacles: Geometries) -> Geometries:
    """Each shape less the obstacles that touch it; others are untouched. O(n log n + cuts)."""
    free = shapes.copy()
    blocks = obstacles[~(shapely.is_missing(obstacles) | shapely.is_empty(obstacles))]
    if len(blocks) == 0:
        return free
    shape, block = shapely.STRtree(blocks).query(shapes, predicate="intersects")
    order = np.argsort(shape, kind="stable")
    shape, block = shape[order], block[order]
    hit, starts = np.unique(shape, return_index=True)
    unions = [shapely.union_all(blocks[part]) for part in np.split(block, starts[1:])] if len(hit) else []
    free[hit] = shapely.difference(shapes[hit], np.array(unions, dtype=object)) if len(hit) else free[hit]
    return free


def _largest_pieces(shapes: Geometries) -> tuple[Geometries, Ints]:
    """The largest polygon of each shape and how many there are; an empty one where none is."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    area = shapely.area(parts)
    order = np.lexsort((-area, owner))
    best, first = np.unique(owner[order], return_index=True)
    pieces = np.full(len(shapes), shapely.Polygon(), dtype=object)
    pieces[best] = parts[order][first]
    return pieces, np.bincount(owner[area > 0.0], minlength=len(shapes)).astype(np.int64)


# --- circle and rectangle -------------------------------------------------------------------------


def _measured(pieces: Geometries, parking: Parking, rules: Sequence[Rule]) -> tuple[Facts, dict[str, Bounds]]:
    """The measures of every piece, and between which values what each use asks for lies."""
    sizes = list(dict.fromkeys(size for rule in rules for size in _size_asked(rule)))
    width, length, angle, fits = largest_rectangles(pieces, sizes)
    rows, stalls = parking.layout(width, length)
    circle = 2.0 * shapely.length(shapely.maximum_inscribed_circle(pieces, tolerance=0.05)) if len(pieces) else width
    facts: Facts = {
        "area_m2": shapely.area(pieces),
        "circle_diameter_m": circle,
        "rectangle_width_m": width,
        "rectangle_length_m": length,
        "rectangle_m2": width * length,
        "rectangle_angle_deg": angle,
        "parking_rows_count": rows,
        "parking_stalls_count": stalls,
    }
    found = dict(zip(sizes, fits, strict=True))
    bounds = {}
    for rule in rules:
        size = _size_asked(rule)
        if size:
            bounds[rule.id] = found[size[0]].astype(np.float64), _possible(size[0], facts)
        elif rule.least_width_m is not None:
            room = np.where(circle + _CIRCLE_ERROR_M < rule.least_width_m, 0.0, facts["area_m2"])
            bounds[rule.id] = _wide(rule, pieces, rule.least_width_m), room
        else:
            bounds[rule.id] = _bounds(rule, pieces, facts, parking)
    return facts, bounds


# Of every piece the least and the greatest value that a measure may have.
Bounds = tuple[Floats, Floats]
# How far the largest circle may be from the one found.
_CIRCLE_ERROR_M: Final = 0.1
# How far a width may be from what was asked for, by rounding.
_WIDTH_ERROR_M: Final = 1e-3
# How many rectangles of the area asked for are tried, from the least width to a square.
_PROPORTIONS: Final = 6


def _size_asked(rule: Rule) -> list[tuple[float, float]]:
    """The rectangle a use asks for; none for other uses."""
    found = _RECTANGLE.fullmatch(rule.measure)
    return [(float(found[1]), float(found[2]))] if found else []


def _possible(size: tuple[float, float], facts: Facts) -> Floats:
    """1 where neither circle nor area rules a rectangle out, else 0."""
    circle = facts["circle_diameter_m"] + _CIRCLE_ERROR_M
    return np.where((circle < min(size)) | (facts["area_m2"] < size[0] * size[1]), 0.0, 1.0)


def _bounds(rule: Rule, pieces: Geometries, facts: Facts, parking: Parking) -> Bounds:
    """Between which values what a rule asks for lies on each piece; what is found is the least."""
    value, area = np.asarray(facts[rule.measure], np.float64), facts["area_m2"].astype(np.float64)
    circle = np.asarray(facts["circle_diameter_m"] + _CIRCLE_ERROR_M, np.float64)
    if rule.measure.startswith("parking_"):
        stall = parking.stall_width_m * parking.stall_length_m
        lot = (circle >= parking.aisle_m) & (area >= stall + parking.stall_width_m * parking.aisle_m)
        return value, np.where(lot, np.maximum(area / stall, value), 0.0)
    greatest: dict[str, Floats] = {
        "rectangle_width_m": circle,
        "rectangle_length_m": np.asarray(shapely.length(pieces)),
        "rectangle_m2": area,
    }
    return value, greatest.get(rule.measure, value)


def _wide(rule: Rule, pieces: Geometries, width_m: float) -> Floats:
    """What is found on each piece of ground or of a rectangle that is nowhere narrower than ``width_m``, in m²."""
    wide, area = _wide_parts(pieces, width_m), np.zeros(len(pieces))
    if rule.measure == "area_m2" or isinstance(rule.value, tuple):
        return np.asarray(shapely.area(wide), np.float64)
    widths = np.linspace(width_m, max(width_m, rule.value**0.5), _PROPORTIONS)
    sizes = [(float(width), float(max(width, rule.value / width))) for width in widths]
    left = np.flatnonzero(shapely.area(wide) > 0.0)
    across, up, _, fits = largest_rectangles(wide[left], sizes)
    own = np.where(across >= width_m - _WIDTH_ERROR_M, across * up, 0.0)
    area[left] = np.maximum(own, np.where(np.logical_or.reduce(fits), rule.value, 0.0))
    # A rectangle found by growing lacks some square millimetres of one that fits exactly.
    return np.where(np.abs(area - rule.value) < _WIDTH_ERROR_M * width_m, rule.value, area)


def _wide_parts(pieces: Geometries, width_m: float) -> Geometries:
    """The largest part of each piece that is nowhere narrower than ``width_m``; an empty polygon where none is."""
    reach = (width_m - _WIDTH_ERROR_M) / 2.0
    core = shapely.buffer(pieces, -reach, join_style="mitre")
    wide = shapely.intersection(shapely.buffer(core, reach, join_style="mitre"), pieces)
    return _largest_pieces(wide)[0]


def largest_rectangles(
    polygons: Geometries, sizes: Sequence[tuple[float, float]] = ()
) -> tuple[Floats, Floats, Floats, list[Flags]]:
    """Width, length (the longer side) and direction of the largest rectangle found inside each polygon.

    Directions tried are those of the polygon's longest edges. On a grid laid along each, the largest
    block of whole cells is found exactly, and the best is then grown on all sides until it touches.
    A lower bound: with cells of c by d, a true largest rectangle of a by b in a direction tried gives
    at least (a - 2c) (b - 2d); slanted rectangles in directions of no long edge may be missed.
    ``sizes`` are rectangles in m; for each a flag says whether one surely fits somewhere. Angles are
    degrees in [0, 180), of the long side. O(polygons x directions x cells²).
    """
    count = len(polygons)
    if count == 0:
        nothing = np.empty(0)
        return nothing, nothing, nothing, [np.empty(0, bool) for _ in sizes]
    owner, angle = _edge_directions(polygons)
    turned = _turned(polygons[owner], -angle)
    bounds = shapely.bounds(turned)
    inside = _inside_cells(turned, bounds)
    cell = (bounds[:, 2:] - bounds[:, :2]) / _CELLS
    rows, block = _largest_blocks(inside)
    found = [_window_fits(inside, cell, size) for size in sizes]
    boxes = np.column_stack(
        [
            bounds[:, 0] + block[:, 0] * cell[:, 0],
            bounds[:, 1] + rows[:, 0] * cell[:, 1],
            bounds[:, 0] + block[:, 1] * cell[:, 0],
            bounds[:, 1] + rows[:, 1] * cell[:, 1],
        ]
    )
    boxes = _grown(turned, boxes, bounds)
    spans = boxes[:, 2:] - boxes[:, :2]
    order = np.lexsort((-spans.prod(axis=1), owner))
    _, first = np.unique(owner[order], return_index=True)
    best = order[first]
    across, up = spans[best, 0], spans[best, 1]
    direction = np.where(across >= up, angle[best], angle[best] + 90.0) % 180.0
    flags = []
    for size, windows in zip(sizes, found, strict=True):
        small, large = np.minimum(*spans.T), np.maximum(*spans.T)
        fits = windows | ((small >= min(size) - 1e-4) & (large >= max(size) - 1e-4))
        flags.append(np.bincount(owner[fits], minlength=count) > 0)
    return np.minimum(across, up), np.maximum(across, up), direction, flags


def _edge_directions(polygons: Geometries) -> tuple[Positions, Floats]:
    """The directions, in [0, 90) degrees, in which most of each polygon's outline runs."""
    xy, at = shapely.get_coordinates(shapely.get_exterior_ring(polygons), return_index=True)
    step = np.diff(xy, axis=0)[at[1:] == at[:-1]]
    owner = at[1:][at[1:] == at[:-1]]
    length = np.hypot(*step.T)
    degree = np.round(np.degrees(np.arctan2(step[:, 1], step[:, 0])) % 90.0, 3) % 90.0
    frame = pd.DataFrame({"owner": owner, "bin": (degree // 2.0).astype(int), "degree": degree, "length": length})
    frame = frame.sort_values(["owner", "length", "degree"], ascending=[True, False, True], kind="stable")
    bins = frame.groupby(["owner", "bin"], sort=False).agg(degree=("degree", "first"), total=("length", "sum"))
    bins = bins.reset_index().sort_values(["owner", "total", "bin"], ascending=[True, False, True], kind="stable")
    bins = bins.groupby("owner", sort=False).head(_DIRECTIONS)
    return bins["owner"].to_numpy(dtype=np.intp), bins["degree"].to_numpy(dtype=np.float64)


def _turned(polygons: Geometries, degrees: Floats) -> Geometries:
    """Each polygon turned about the origin by its own angle."""
    xy, at = shapely.get_coordinates(polygons, return_index=True)
    radians = np.radians(degrees)[at]
    x = xy[:, 0] * np.cos(radians) - xy[:, 1] * np.sin(radians)
    y = xy[:, 0] * np.sin(radians) + xy[:, 1] * np.cos(radians)
    return np.asarray(shapely.set_coordinates(polygons.copy(), np.column_stack([x, y])), dtype=object)


def _inside_cells(polygons: Geometries, bounds: Floats) -> Flags:
    """For each polygon a grid over its own box: which cells lie wholly inside."""
    xy, at = shapely.get_coordinates(polygons, return_index=True)
    scaled = (xy - bounds[at, :2]) / (bounds[at, 2:] - bounds[at, :2]) * _CELLS
    unit = np.asarray(shapely.set_coordinates(polygons.copy(), scaled), dtype=object)
    coverage = grid_coverage(unit, transform=Affine.identity(), height=_CELLS, width=_CELLS)
    inside = np.zeros((len(polygons), _CELLS * _CELLS), bool)
    full = coverage.rim_share > 1.0 - 1e-9
    inside[coverage.rim_shape[full], coverage.rim_pixel[full]] = True
    runs = coverage.run_share > 1.0 - 1e-9
    length = (coverage.run_stop - coverage.run_start)[runs]
    start = (coverage.run_row * _CELLS + coverage.run_start)[runs]
    pixel = np.repeat(start, length) + np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    inside[np.repeat(coverage.run_shape[runs], length), pixel] = True
    return inside.reshape(-1, _CELLS, _CELLS)


def _largest_blocks(inside: Flags) -> tuple[Ints, Ints]:
    """First and last row, first and last column (exclusive) of the block with most cells in each grid."""
    count = len(inside)
    most, height = np.zeros(count, np.int64), np.zeros((count, _CELLS), np.int64)
    rows, columns = np.zeros((count, 2), np.int64), np.zeros((count, 2), np.int64)
    widths = np.arange(1, _CELLS + 1)
    for row in range(_CELLS):
        height = np.where(inside[:, row], height + 1, 0)
        for left in range(_CELLS):
            lowest = np.minimum.accumulate(height[:, left:], axis=1)
            cells = lowest * widths[: _CELLS - left]
            right = cells.argmax(axis=1)
            here = np.arange(count), right
            better = cells[here] > most
            if not better.any():
                continue
            most[better] = cells[here][better]
            rows[better] = np.column_stack([row + 1 - lowest[here], np.full(count, row + 1)])[better]
            columns[better, 0], columns[better, 1] = left, (left + right + 1)[better]
    return rows, columns


def _window_fits(inside: Flags, cell: Floats, size: tuple[float, float]) -> Flags:
    """Whether a block of whole cells at least as large as ``size``, either way round, lies inside."""
    totals = np.zeros((len(inside), _CELLS + 1, _CELLS + 1), np.int32)
    totals[:, 1:, 1:] = inside.cumsum(axis=1, dtype=np.int32).cumsum(axis=2, dtype=np.int32)
    fits = np.zeros(len(inside), bool)
    for across, up in (size, size[::-1]):
        needed = np.ceil(np.array([across, up]) / cell - 1e-9).astype(np.int64)
        for at in np.flatnonzero((needed <= _CELLS).all(axis=1) & ~fits):
            wide, high = needed[at]
            total = totals[at]
            window = total[high:, wide:] - total[:-high, wide:] - total[high:, :-wide] + total[:-high, :-wide]
            fits[at] = (window == wide * high).any()
    return fits


def _grown(polygons: Geometries, boxes: Floats, bounds: Floats) -> Floats:
    """Boxes pushed outwards side by side, by halving steps, as far as the polygon allows."""
    boxes = boxes.copy()
    shapely.prepare(polygons)
    grows = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    for side in (0, 2, 1, 3):
        step = (bounds[:, side] - boxes[:, side]) * grows
        for _ in range(_GROWTH_STEPS):
            trial = boxes.copy()
            trial[:, side] += step
            fits = shapely.covers(polygons, shapely.box(*(trial + _TOUCH).T))
            boxes[fits] = trial[fits]
            step = step / 2.0
    return boxes


# --- uses -----------------------------------------------------------------------------------------


def _uses(rules: Sequence[Rule], bounds: Mapping[str, Bounds], count: int) -> dict[str, list[str]]:
    """Which uses surely fit, and which might: what is found and what is possible judge alike, or nobody knows."""
    uses = [rule for rule in rules if rule.id in bounds]
    verdicts: dict[str, Verdicts] = {}
    for rule in uses:
        found, possible = (judge_numbers(rule, values)[0] for values in bounds[rule.id])
        verdicts[rule.id] = np.where(found == possible, found, UNKNOWN).astype(np.int8)

    def chosen(place: int, code: int) -> list[Rule]:
        return [rule for rule in uses if verdicts[rule.id][place] == code]

    places = range(count)
    return {
        "fitting_uses": [", ".join(rule.id for rule in chosen(place, YES)) for place in places],
        "unclear_uses": [", ".join(rule.id for rule in chosen(place, UNKNOWN)) for place in places],
        "uses_zh": ["；".join(_use_text(rule).zh for rule in chosen(place, YES)) for place in places],
        "uses_en": ["; ".join(_use_text(rule).en for rule in chosen(place, YES)) for place in places],
    }


def _use_text(rule: Rule) -> Text:
    """A use, with the least width it was given."""
    if rule.least_width_m is None:
        return rule.text
    return rule.text + Text(f"，宽不小于 {rule.least_width_m:g} m", f", at least {rule.least_width_m:g} m wide")


def _not_deducted(*layers: gpd.GeoDataFrame | None) -> Text:
    """Which layers were not at hand, so that the usable ground may be smaller."""
    names = ("buildings", "utility_lines", "control_lines")
    absent = [layer_schema(name).label for name, layer in zip(names, layers, strict=True) if layer is None]
    if not absent:
        return Text("", "")
    zh, en = "、".join(text.zh for text in absent), ", ".join(text.en.lower() for text in absent)
    return Text(f"未核查、未扣除：{zh}", f"not checked, not deducted: {en}")
