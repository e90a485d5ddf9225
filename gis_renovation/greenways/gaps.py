"""Where the slow-traffic network breaks off: gaps worth closing, found along streets and across nothing at all."""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis_renovation.arrays import Flags
from gis_renovation.crs import require_metric
from gis_renovation.greenways.detours import USUAL_LIMITS, GapLimits
from gis_renovation.greenways.missing_links import missing_links
from gis_renovation.greenways.street_gaps import street_gaps
from gis_renovation.ids import with_ids
from gis_renovation.networks import build_network, network_components
from gis_renovation.unknowns import known_no, known_yes, optional_column, texts_as_objects

_COLUMNS = (
    "kind",
    "from_line",
    "to_line",
    "length_m",
    "slow_distance_m",
    "detour_ratio",
    "joins_pieces",
    "smaller_piece_length_m",
    "street_ids",
    "barrier_ids",
    "reason_zh",
    "reason_en",
    "geometry",
)


def find_greenway_gaps(
    slow_paths: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    limits: GapLimits = USUAL_LIMITS,
    kinds: tuple[str, ...] = (),
    walkways_count: bool = True,
    snap_m: float = 0.5,
) -> gpd.GeoDataFrame:
    """Gaps in the slow-traffic network, each with what it would join and the detour it would save.

    The slow network is the paths and, unless ``walkways_count`` is off, the streets known to have a
    walkway. A **gap along streets** lies between two places where it meets other streets: the shortest
    way between them uses such streets only, meets no other such place, and staying on the slow network is
    at least ``min_detour_ratio`` times as far or impossible. A **missing link** lies between a path's dead
    end and the nearest part of the slow network that all drawn lines together reach only by such a
    detour. Which gaps to close, in which order and at what cost is not decided here, nor whether a
    missing link can be built.

    Parameters
    ----------
    slow_paths, streets
        Lines, project CRS in metres, indexed by id (a default index counts as ids "0", "1", ...). Paths known to
        be closed to the public and expressways without a known walkway are left out; other streets count whether
        or not they have a walkway, because the question is where a path could go.
    barriers
        Lines or polygons that a gap may cross (river, railway, ...). None: not examined.
    limits
        How long a gap may be, and how great the detour that makes it one.
    kinds
        Kinds of slow path that make the network; empty for all. ``("greenway",)`` with ``walkways_count`` off
        asks where the greenway itself breaks off.
    walkways_count
        Whether a street known to have a walkway is part of the slow network.
    snap_m
        Gap in the drawing that still joins two lines, metres.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``greenway_gaps`` (lines along the streets, or straight for a missing link), indexed by ``gap_id``
        (``<line>~<line>``, numbered where two lines have several gaps) and sorted by it. ``kind``: ``barrier``
        if it crosses one, else ``crossing`` if it is short and on or over a street, else ``street`` or
        ``missing``. ``slow_distance_m`` and ``detour_ratio`` are unknown where the slow network does not
        join the two ends at all, a gap that ``joins_pieces``; ``smaller_piece_length_m`` is the length of
        network it would tie to the rest then. No paths or no gaps: an empty frame with the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(c E_l log E_l) for c contacts of path and street with E_l edges within ``limit_m``, searched tile by
    tile, so that memory does not grow with the square of the city; the detours of the gaps found are
    searched without limit.

    Examples
    --------
    Two paths with 200 m of street between them:

    >>> from shapely import LineString
    >>> def drawn(**lines):
    ...     shapes = [LineString([(start, 0), (end, 0)]) for start, end in lines.values()]
    ...     return gpd.GeoDataFrame(geometry=shapes, index=list(lines), crs="EPSG:4548")
    >>> gaps = find_greenway_gaps(drawn(a=(0, 100), b=(300, 360)), drawn(s=(100, 300)))
    >>> gaps[["kind", "length_m", "street_ids", "joins_pieces"]]
              kind  length_m street_ids  joins_pieces
    gap_id
    a~b     street     200.0          s          True
    """
    require_metric(slow_paths=slow_paths, streets=streets, barriers=barriers)
    paths, roads = with_ids(slow_paths, "slow_paths"), with_ids(streets, "streets")
    lines = _lines(paths, roads, kinds, walkways_count=walkways_count)
    nodes, edges = build_network(lines, snap_m=snap_m)
    edges["slow"] = edges["line_id"].map(lines["slow"]).astype(bool)
    for end in ("from", "to"):
        edges[end] = nodes.index.get_indexer(edges[f"{end}_node"])
    gaps = pd.concat(
        [
            street_gaps(nodes, edges, limits),
            missing_links(nodes, edges, limits, snap_m=snap_m),
        ],
        ignore_index=True,
    )
    gaps = _with_pieces(gaps, nodes, edges)
    gaps["barrier_ids"] = _crossed(gaps, with_ids(barriers, "barriers"))
    short = (gaps["length_m"] <= limits.crossing_m) & (gaps["kind"].eq("street") | _meets(gaps, edges[~edges["slow"]]))
    gaps["kind"] = np.select([gaps["barrier_ids"].notna(), short], ["barrier", "crossing"], gaps["kind"]).astype(object)
    return _finished(gaps, slow_paths.crs)


def _lines(
    slow_paths: gpd.GeoDataFrame, streets: gpd.GeoDataFrame | None, kinds: tuple[str, ...], *, walkways_count: bool
) -> gpd.GeoDataFrame:
    """Paths and streets a path could follow, ids marked ``path/`` and ``street/``; ``slow`` marks the slow network."""
    kept = ~known_no(slow_paths, "public")
    if kinds:
        kept &= optional_column(slow_paths, "kind").isin(kinds).to_numpy()
    chosen = [("path", slow_paths[kept])]
    if streets is not None:
        expressway = optional_column(streets, "class").eq("expressway") & ~known_yes(streets, "walkway")
        chosen.append(("street", streets[~expressway]))
    parts = [
        gpd.GeoDataFrame(
            {
                "level": optional_column(layer, "level").to_numpy(dtype=object),
                "slow": np.full(len(layer), name == "path") | (known_yes(layer, "walkway") & walkways_count),
            },
            geometry=layer.geometry.to_numpy(),
            index=pd.Index([f"{name}/{key}" for key in layer.index], dtype="object"),
            crs=slow_paths.crs,
        )
        for name, layer in chosen
    ]
    return gpd.GeoDataFrame(pd.concat(parts), crs=slow_paths.crs)


# --- what a gap joins -----------------------------------------------------------------------------


def _with_pieces(gaps: pd.DataFrame, nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> pd.DataFrame:
    """The gaps with the paths at their ends, whether they join separate pieces, and the smaller piece's length."""
    slow = edges[edges["slow"]].sort_values("line_id")
    piece = network_components(nodes, slow).to_numpy(dtype=object)
    slow_piece = piece[slow["from"].to_numpy(dtype="int64")]
    length = slow["length_m"].groupby(slow_piece).sum()
    line_at = pd.concat([slow.set_index("from")["line_id"], slow.set_index("to")["line_id"]])
    line_at = line_at.groupby(level=0).min()
    piece_of_line = pd.Series(slow_piece, index=slow["line_id"].to_numpy(dtype=object), dtype="object")
    piece_of_line = piece_of_line[~piece_of_line.index.duplicated()]
    gaps["from_line"] = gaps["start"].map(line_at)
    on_line = gaps["end"] < 0  # a missing link that ends in the middle of a path
    gaps["to_line"] = gaps["end"].map(line_at).astype("object").where(~on_line, gaps["line"])
    ends = [gaps["from_line"].map(piece_of_line), gaps["to_line"].map(piece_of_line)]
    smaller = pd.concat([end.map(length) for end in ends], axis="columns").min(axis="columns").astype("float64")
    gaps["joins_pieces"] = gaps["slow_distance_m"].isna()
    gaps["smaller_piece_length_m"] = smaller.where(gaps["joins_pieces"])
    for name in ("from_line", "to_line"):
        gaps[name] = gaps[name].astype("object").map(lambda line: str(line).partition("/")[2])
    return gaps


def _meets(gaps: pd.DataFrame, streets: gpd.GeoDataFrame) -> Flags:
    """Whether each gap crosses or follows one of the streets."""
    shapes = gaps["geometry"].to_numpy(dtype=object)
    gap, _ = shapely.STRtree(streets.geometry.to_numpy()).query(shapes, predicate="intersects")
    return np.isin(np.arange(len(gaps)), gap)


def _crossed(gaps: pd.DataFrame, barriers: gpd.GeoDataFrame | None) -> pd.Series[Any]:
    """Ids of the barriers each gap crosses, joined; None where none is known."""
    ids = pd.Series(None, index=gaps.index, dtype="object")
    if barriers is None or len(barriers) == 0 or len(gaps) == 0:
        return ids
    tree = shapely.STRtree(barriers.geometry.to_numpy())
    gap, barrier = tree.query(gaps["geometry"].to_numpy(dtype=object), predicate="intersects")
    names = pd.Series(barriers.index.to_numpy(dtype=object)[barrier].astype(str)).groupby(gap)
    ids.iloc[sorted(set(gap))] = names.agg(lambda found: "、".join(sorted(set(found)))).to_numpy(dtype=object)
    return ids


def _finished(gaps: pd.DataFrame, crs: CRS) -> gpd.GeoDataFrame:
    """Ids, detours, reasons; columns in order, sorted by id."""
    swapped = gaps["from_line"] > gaps["to_line"]
    gaps.loc[swapped, ["from_line", "to_line"]] = gaps.loc[swapped, ["to_line", "from_line"]].to_numpy()
    gaps["detour_ratio"] = gaps["slow_distance_m"] / gaps["length_m"]
    corner = shapely.bounds(gaps["geometry"].to_numpy(dtype=object)) if len(gaps) else np.empty((0, 4))
    gaps = gaps.assign(x=corner[:, 0], y=corner[:, 1]).sort_values(["from_line", "to_line", "x", "y", "length_m"])
    pair = (gaps["from_line"] + "~" + gaps["to_line"]).astype("object")
    number = pair.groupby(pair).cumcount() + 1
    gaps.index = pd.Index(pair.where(number == 1, pair + "#" + number.astype(str)), name="gap_id", dtype="object")
    reasons = [_reason(_Gap(*row)) for row in gaps[list(_Gap._fields)].itertuples(index=False, name=None)]
    gaps["reason_zh"] = pd.Series([zh for zh, _ in reasons], index=gaps.index, dtype="object")
    gaps["reason_en"] = pd.Series([en for _, en in reasons], index=gaps.index, dtype="object")
    gaps = gaps.astype({"length_m": "float64", "slow_distance_m": "float64", "joins_pieces": "bool"})
    shapes = gaps["geometry"].to_numpy(dtype=object)
    table = texts_as_objects(gaps[[name for name in _COLUMNS if name != "geometry"]])
    return gpd.GeoDataFrame(table, geometry=shapes, crs=crs).sort_index()


class _Gap(NamedTuple):
    """What is said of one gap; the way on slow paths is NaN where there is none."""

    kind: str
    length_m: float
    slow_distance_m: float
    detour_ratio: float
    joins_pieces: bool
    smaller_piece_length_m: float


def _reason(gap: _Gap) -> tuple[str, str]:
    """What the gap is and why it matters, in Chinese and English."""
    where = {
        "barrier": ("跨越阻隔处缺少慢行道", "Slow paths break off at a barrier"),
        "crossing": ("过街处慢行道中断", "Slow paths break off at a crossing"),
        "street": ("沿街缺少慢行道", "No slow path along the street"),
        "missing": ("断头与相邻慢行道之间没有道路连接", "A dead end and the path beside it are not linked"),
    }[gap.kind]
    if gap.joins_pieces:
        tail = (
            f"补上可把 {gap.smaller_piece_length_m:.0f} m 慢行道接入网络",
            f"closing it ties {gap.smaller_piece_length_m:.0f} m of path to the rest",
        )
    else:
        tail = (
            f"现沿慢行道须绕行 {gap.slow_distance_m:.0f} m（{gap.detour_ratio:.1f} 倍）",
            f"the way on slow paths is {gap.slow_distance_m:.0f} m now ({gap.detour_ratio:.1f} times as far)",
        )
    return f"{where[0]}，长 {gap.length_m:.0f} m；{tail[0]}。", f"{where[1]}, {gap.length_m:.0f} m; {tail[1]}."
