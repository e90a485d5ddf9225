"""Links that hang on a limit: those that would be lost or won were the limit a little stricter or wider."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.contiguity.graphs import USABLE
from gis_renovation.contiguity.limits import USUAL_LIMITS, LinkLimits
from gis_renovation.contiguity.links import link_communities
from gis_renovation.contiguity.sentences import metres
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import ids_in, sorted_by_id
from gis_renovation.outlines import require_areas
from gis_renovation.unknowns import names_or_ids
from gis_renovation.words import Text

# The limits in metres that decide whether one walks between two communities, as their sentences call them.
DECIDING = {
    "max_gap_m": Text("连片间距上限", "the gap limit"),
    "min_opening_m": Text("可通行开口的最小宽度", "the least opening"),
    "crossing_reach_m": Text("通道服务阻隔的距离", "the reach of crossings"),
    "max_detour_m": Text("绕行距离上限", "the longest walk"),
}
# Limits that matter only where crossings join what barriers cut.
OF_CROSSINGS = ("crossing_reach_m", "max_detour_m")


class _Ground(NamedTuple):
    """What links are judged by, communities sorted by id."""

    communities: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame | None
    crossings: gpd.GeoDataFrame | None
    streets: gpd.GeoDataFrame | None
    limits: LinkLimits


class _Change(NamedTuple):
    """A pair that a moved limit loses or wins, with its link as it is where it can be walked."""

    pair: str
    link: pd.Series[Any]
    is_lost: bool


def list_links_near_limits(
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    crossings: gpd.GeoDataFrame | None = None,
    *,
    streets: gpd.GeoDataFrame | None = None,
    limits: LinkLimits = USUAL_LIMITS,
    near_limit_share: float = 0.1,
) -> gpd.GeoDataFrame:
    """Every pair that one could walk between, or no longer, with one limit moved by a share of it.

    Each limit that decides a link is moved down and up by ``near_limit_share``, the others staying, and every pair
    is judged again; pairs that are then joined or cut otherwise hang on that limit. So a gap of 57 m under a limit of
    60 m is listed, and one of 63 m, and an opening of 1.25 m where 1.2 m are asked for. No limit of these has a
    statute behind it: what hangs on one should be looked at on site.

    Parameters
    ----------
    communities, barriers, crossings, streets, limits
        What ``community_links`` were judged by (:func:`link_communities`).
    community_links
        Layer of :func:`link_communities`: the pairs as they are judged now.
    near_limit_share
        How far each limit is moved, as a share of it (0.1: a tenth down and up). 0: nothing is listed.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``links_near_limits``, lines, index ``near_limit_id`` (the link's id, "@" and the limit), sorted by it;
        ``limit_value_m`` as set, ``moved_value_m`` at which the link is judged otherwise, ``measured_m`` the gap or
        the walk that is held against it (null for openings and the reach of crossings), ``effect`` lost or won.
        Where moving it either way does so, the stricter value is listed.

    Raises
    ------
    CRSError
        Layers without one projected CRS in metres.
    ConfigError
        ``near_limit_share`` is not from 0 to below 1.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    Up to eight times the cost of the links; those of crossings only among communities that barriers part.

    Examples
    --------
    Two squares 57 m apart, where neighbours may lie 60 m apart:

    >>> from shapely import box
    >>> homes = gpd.GeoDataFrame(geometry=[box(0, 0, 9, 9), box(66, 0, 75, 9)], index=["A", "B"], crs="EPSG:4548")
    >>> found = list_links_near_limits(homes, link_communities(homes))
    >>> found[["measured_m", "limit_value_m", "moved_value_m", "effect"]].to_dict("records")
    [{'measured_m': 57.0, 'limit_value_m': 60.0, 'moved_value_m': 54.0, 'effect': 'lost'}]
    """
    metric = require_metric(
        communities=communities,
        community_links=community_links,
        barriers=barriers,
        crossings=crossings,
        streets=streets,
    )
    require_areas(communities=communities)
    if not 0 <= near_limit_share < 1:
        raise ConfigError(
            f"[contiguity] near_limit_share 应不小于 0、小于 1，现为 {near_limit_share:g}。",
            f"[contiguity] near_limit_share must be from 0 to below 1, found {near_limit_share:g}.",
        )
    frame = sorted_by_id(communities, "communities")
    ground = _Ground(frame, barriers, crossings, streets if limits.arterials_cut else None, limits)
    now = _by_pair(community_links)
    names = dict(zip(map(str, frame.index), names_or_ids(frame), strict=True))
    rows: dict[str, dict[str, Any]] = {}
    for limit in DECIDING if near_limit_share > 0 else ():
        for moved_m in _moved(limits, limit, near_limit_share):
            for change in _otherwise(ground, now, limit, moved_m):
                rows.setdefault(f"{change.pair}@{limit}", _row(change, limit, moved_m, limits))
    for row in rows.values():
        said = _sentence(row, names)
        row["reason_zh"], row["reason_en"] = said.zh, said.en
    return _table(rows, metric)


def _by_pair(links: pd.DataFrame) -> pd.DataFrame:
    """The links by pair of ids, the smaller first."""
    ends = [ids_in(links[side]).astype(str).tolist() for side in ("focal", "neighbor")]
    return links.set_axis(pd.Index([f"{min(two)}~{max(two)}" for two in zip(*ends, strict=True)], dtype="str"))


def _moved(limits: LinkLimits, limit: str, share: float) -> list[float]:
    """The limit's values to try, the stricter one first; nothing to move where it is 0."""
    value = float(getattr(limits, limit))
    down, up = round(value * (1 - share), 9), round(value * (1 + share), 9)
    return [] if value == 0 else [up, down] if limit == "min_opening_m" else [down, up]


def _otherwise(ground: _Ground, now: pd.DataFrame, limit: str, moved_m: float) -> list[_Change]:
    """Pairs that are walked between at one of the two values only."""
    places = ground.communities
    if limit in OF_CROSSINGS:
        parted = now[now["cause"].isin(["barrier", "crossing"])]
        places = places[places.index.isin(set(parted["focal"]) | set(parted["neighbor"]))]
    if not len(places) or (limit != "max_gap_m" and ground.barriers is None and ground.streets is None):
        return []
    limits = LinkLimits(**{**vars(ground.limits), limit: moved_m})
    again = _by_pair(link_communities(places, ground.barriers, ground.crossings, streets=ground.streets, limits=limits))
    before, after = (set(each.index[each["status"].isin(USABLE)]) for each in (now, again))
    if limit in OF_CROSSINGS:
        before &= set(parted.index)
        after &= set(parted.index)
    lost = [_Change(pair, now.loc[pair], is_lost=True) for pair in sorted(before - after)]
    return lost + [_Change(pair, again.loc[pair], is_lost=False) for pair in sorted(after - before)]


def _row(change: _Change, limit: str, moved_m: float, limits: LinkLimits) -> dict[str, Any]:
    held = {"max_gap_m": "gap_m", "max_detour_m": "walk_m"}.get(limit)
    return {
        "link_id": change.pair,
        "focal": str(change.link["focal"]),
        "neighbor": str(change.link["neighbor"]),
        "limit": limit,
        "limit_value_m": float(getattr(limits, limit)),
        "moved_value_m": moved_m,
        "measured_m": float(change.link[held]) if held else math.nan,
        "effect": "lost" if change.is_lost else "won",
        "geometry": change.link["geometry"],
    }


def _sentence(row: dict[str, Any], names: dict[str, str]) -> Text:
    """What is measured, which limit it hangs on, and what a moved limit does."""
    label, lost = DECIDING[row["limit"]], row["effect"] == "lost"
    ends = Text("{a}与{b}", "{a} and {b}").fill(a=names[row["focal"]], b=names[row["neighbor"]])
    measured = Text("", "")
    if not math.isnan(row["measured_m"]):
        walk = row["limit"] == "max_detour_m"
        measured = Text("绕行 {m} 米，" if walk else "相距 {m} 米，", " a walk of {m} m," if walk else " {m} m apart,")
        measured = measured.fill(m=_told(row["measured_m"], row["limit_value_m"]))
    up = row["moved_value_m"] > row["limit_value_m"]
    return Text(
        "{ends}{measured}现{now}；{label}由 {value} 米{way} {moved} 米，即{then}",
        "{ends}:{measured} {now} now; with {label} {way} from {value} to {moved} m they are {then}",
    ).fill(
        ends=ends,
        measured=measured,
        label=label,
        value=f"{row['limit_value_m']:g}",
        moved=f"{row['moved_value_m']:g}",
        way=Text("提高到", "raised") if up else Text("降低到", "lowered"),
        now=Text("可连通", "joined") if lost else Text("不连通", "not joined"),
        then=Text("不连通", "not joined") if lost else Text("可连通", "joined"),
    )


def _told(value_m: float, limit_m: float) -> str:
    """The number as links tell it, with as many decimals as tell it from the limit."""
    text = metres(value_m)
    for decimals in range(1, 7):
        if float(text) != limit_m or value_m == limit_m:
            break
        text = f"{value_m:.{decimals}f}"
    return text


_TEXTS = ("link_id", "focal", "neighbor", "limit", "effect", "reason_zh", "reason_en")
_COLUMNS = (
    "link_id",
    "focal",
    "neighbor",
    "limit",
    "limit_value_m",
    "measured_m",
    "moved_value_m",
    "effect",
    "reason_zh",
    "reason_en",
)


def _table(rows: dict[str, dict[str, Any]], metric: Any) -> gpd.GeoDataFrame:
    order = sorted(rows)
    columns = {
        name: pd.array([rows[key][name] for key in order], dtype="str" if name in _TEXTS else "float64")
        for name in _COLUMNS
    }
    shapes = np.empty(len(order), dtype=object)
    shapes[:] = [rows[key]["geometry"] for key in order]
    frame = pd.DataFrame(columns, index=pd.Index(order, dtype="str", name="near_limit_id"))
    return gpd.GeoDataFrame(frame, geometry=gpd.array.from_shapely(shapes), crs=metric)
