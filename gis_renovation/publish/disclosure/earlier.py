"""What earlier editions told, as equations over the communities of then and of now.

A community leaves the list, its count becomes unknown, it is renamed, merged, split or corrected: the
program has another number for it then, or none, but a reader still has every sum it once was in. Such
a community of earlier stays in the equations as a variable of its own, and what it became is one more
equation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis_renovation.arrays import Flags, Floats
from gis_renovation.crs import reproject
from gis_renovation.publish.disclosure.record import HOUSEHOLDS, Link, Place, Record
from gis_renovation.publish.disclosure.totals import SAME_SUM, Total, parts_of

# A shape that has less than this in common with the earlier one of its id may be another community; told
# as a link of one to one, a mere correction of an outline changes nothing.
_SAME_SHARE = 0.9
# Two shapes with this share of the smaller in common are of the same place.
_OVERLAP_SHARE = 0.3


def places_of(published: pd.DataFrame, communities: pd.DataFrame | None = None) -> dict[str, Place]:
    """How readers of ``published`` know each community again: its name and its shape in degrees.

    ``communities`` are the same ones as surveyed; of their shapes a fingerprint is kept, no corner.
    """
    names = published["name"] if "name" in published.columns else pd.Series(None, index=published.index, dtype=object)
    shapes = _in_degrees(published)
    drawn = shapes if communities is None else _in_degrees(communities.reindex(published.index))
    return {
        str(key): Place("" if pd.isna(name) else str(name), shape, _digest(own) if own else "")
        for key, name, shape, own in zip(published.index, names, shapes, drawn, strict=True)
    }


def _in_degrees(frame: pd.DataFrame) -> list[str]:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None or frame.crs is None:
        return [""] * len(frame)
    degrees = reproject(gpd.GeoDataFrame(geometry=frame.geometry), gpd.GeoSeries(crs=4326).crs, where="communities")
    rounded = shapely.transform(degrees.geometry.to_numpy(), lambda corners: np.round(corners, 7))
    return ["" if shape is None else shapely.to_wkb(shape, hex=True) for shape in rounded]


# --- communities that are no longer what they were ---------------------------------------------------


def settled(record: Record, layers: Mapping[str, pd.DataFrame], k: int) -> Record:
    """``record`` with what the communities became since: ended ones under names of their own, and links.

    An id ends where its shape is another, or where its count was small or in a sum and is now neither small
    nor unknown. What ended or left and what is new in its place (by shape; by a name that only
    these two have, where no shapes are known) is linked. O(communities log communities).
    """
    communities = layers.get("communities")
    if communities is None or "households" not in communities.columns:
        return record
    now = places_of(communities)
    counts = dict(zip(map(str, communities.index), parts_of(communities), strict=True))
    record = (
        record if record.small is not None else record.model_copy(update={"small": _maybe_small(record, counts, k)})
    )
    moved = {key for key in record.places if key in now and not _same_shape(record.places[key], now[key])}
    grown = {key for key in record.small or () if counts.get(key, 0.0) >= k}
    emptied = {key for ids in record.sums for key in ids if counts.get(key) == 0.0}
    names = {key: _name_of_old(key, record) for key in sorted(moved | grown | emptied)}
    linked = {key for link in record.links for key in link.before}
    known_before = {*record.places, *record.households()}
    ended = [key for key in sorted(record.places) if (key not in now or key in moved) and key not in linked]
    new = [key for key in sorted(now) if key not in known_before or key in moved]
    links = _links({key: record.places[key] for key in ended}, {key: now[key] for key in new}, names)
    return _renamed(record, names, links)


def _maybe_small(record: Record, counts: Mapping[str, float], k: int) -> frozenset[str]:
    """Where nobody noted which counts were small: all that were withheld and are not known to be k or more now."""
    withheld = {key for key, number in record.households().items() if number is None} | {
        key for ids in record.sums for key in ids
    }
    return frozenset(key for key in withheld if not counts.get(key, np.nan) >= k)


def _same_shape(one: Place, other: Place) -> bool:
    if not one.shape or not other.shape or (one.drawn and one.drawn == other.drawn):
        return True
    old, new = _shapes([one.shape, other.shape])
    whole = shapely.area(shapely.union(old, new))
    return bool(whole == 0 or shapely.area(shapely.intersection(old, new)) >= _SAME_SHARE * whole)


def _shapes(encoded: Sequence[str]) -> NDArray[np.object_]:
    return np.asarray(shapely.make_valid(shapely.from_wkb([shape or None for shape in encoded])), dtype=object)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _name_of_old(key: str, record: Record) -> str:
    """A name for what ``key`` was, the same in the record of every profile."""
    told = "".join(
        (key, *record.places.get(key, Place()), *("-".join(ids) for ids in sorted(record.sums) if key in ids))
    )
    return f"{key}#{_digest(told)[:8]}"


def _links(old: Mapping[str, Place], new: Mapping[str, Place], names: Mapping[str, str]) -> list[Link]:
    """Groups of old and new communities that share their place, by shape or, without shapes, by name."""
    if not old or not new:
        return []
    olds, news = list(old), list(new)
    one, other = _overlapping([old[key].shape for key in olds], [new[key].shape for key in news])
    met = set(one.tolist()), set(other.tolist())
    by_name = _same_names(old, new, skip=({olds[at] for at in met[0]}, {news[at] for at in met[1]}))
    rows = np.r_[one, [olds.index(a) for a, _ in by_name]].astype(np.int64)
    columns = np.r_[other, [news.index(b) for _, b in by_name]].astype(np.int64)
    size = len(olds) + len(news)
    graph = coo_array((np.ones(len(rows)), (rows, columns + len(olds))), shape=(size, size))
    groups = connected_components(graph, directed=False)[1]
    found = []
    for group in sorted(set(groups[rows].tolist())):
        before = tuple(sorted(names.get(key, key) for key, own in zip(olds, groups, strict=False) if own == group))
        after = tuple(sorted(key for key, own in zip(news, groups[len(olds) :], strict=True) if own == group))
        found.append(Link(before, after))
    return found


def _overlapping(one: Sequence[str], other: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of pairs of shapes that share a place."""
    old, new = _shapes(one), _shapes(other)
    rows, columns = shapely.STRtree(new).query(old, predicate="intersects")
    shared = shapely.area(shapely.intersection(old[rows], new[columns]))
    smaller = np.minimum(shapely.area(old[rows]), shapely.area(new[columns]))
    same = (smaller > 0) & (shared >= _OVERLAP_SHARE * smaller)
    return rows[same].astype(np.int64), columns[same].astype(np.int64)


def _same_names(
    old: Mapping[str, Place], new: Mapping[str, Place], *, skip: tuple[set[str], set[str]]
) -> list[tuple[str, str]]:
    """Old and new communities of one name that nobody else among them has, where shapes do not tell."""

    def unique(places: Mapping[str, Place], gone: set[str]) -> dict[str, str]:
        names = pd.Series(
            {key: place.name for key, place in places.items() if place.name and key not in gone}, dtype=object
        )
        return {str(name): str(key) for key, name in names[~names.duplicated(keep=False)].items()}

    olds, news = unique(old, skip[0]), unique(new, skip[1])
    return [
        (olds[name], news[name])
        for name in sorted(olds.keys() & news.keys())
        if not (old[olds[name]].shape and new[news[name]].shape)
    ]


def _renamed(record: Record, names: Mapping[str, str], links: Iterable[Link]) -> Record:
    """The record in which ended ids have their own names; a withheld or shown count goes with its old name too."""
    layer, column = HOUSEHOLDS
    cells = dict(record.households())
    cells |= {new: cells[old] for old, new in names.items() if old in cells}
    said = {**record.said, layer: {**record.said.get(layer, {}), column: cells}} if names else record.said
    small = {names.get(key, key) for key in record.small or ()}
    return record.model_copy(
        update={
            "said": said,
            "sums": {tuple(sorted(names.get(key, key) for key in ids)): total for ids, total in record.sums.items()},
            "links": tuple(
                sorted(
                    {
                        Link(*(tuple(sorted(names.get(key, key) for key in ids)) for ids in link))
                        for link in record.links
                    }
                    | set(links)
                )
            ),
            "small": frozenset(small),
            "places": {names.get(key, key): place for key, place in record.places.items()},
        }
    )


# --- their equations -------------------------------------------------------------------------------

# The ids that are added, those that are subtracted, and what they come to.
_Side = tuple[tuple[str, ...], tuple[str, ...], float]


class Earlier(NamedTuple):
    """Communities of earlier, to be put behind those of today, and the equations over all of them.

    ``values`` are what today's numbers make of each; ``known`` those that readers were shown, ``small`` those
    whose count must not be told.
    """

    ids: tuple[str, ...]
    values: Floats
    known: Flags
    small: Flags
    totals: list[Total]


def equations(record: Record, communities: pd.DataFrame) -> Earlier:
    """What a settled record tells, over the communities of today and, behind them, those of earlier.

    The number of an earlier community is not kept: it is the one that, with today's, departs least from what
    was told. A sum is then taken over these numbers, so that one that was corrected since still binds the
    same communities together. O((equations + earlier ones) solved as one linear program).
    """
    values = parts_of(communities)
    today = {str(key): at for at, key in enumerate(communities.index) if not np.isnan(values[at])}
    sides: list[_Side] = [(ids, (), total) for ids, total in sorted(record.sums.items())]
    sides += [(link.after, link.before, 0.0) for link in sorted(record.links)]
    old = tuple(sorted({key for side in sides for key in (*side[0], *side[1])} - today.keys()))
    at = today | {key: len(values) + place for place, key in enumerate(old)}
    table = np.zeros((len(sides), len(values) + len(old)))
    for row, (plus, minus, _) in enumerate(sides):
        np.add.at(table[row], [at[key] for key in plus], 1.0)
        np.add.at(table[row], [at[key] for key in minus], -1.0)
    shown = record.households()
    known = np.array([shown.get(key) is not None for key in old], dtype=bool)
    fixed = np.array([number if (number := shown.get(key)) is not None else np.nan for key in old], dtype=float)
    aims = np.array([total for *_, total in sides]) - table[:, : len(values)] @ np.nan_to_num(values)
    found = _estimates(table[:, len(values) :], aims, fixed)
    # What was corrected since, and what became of whom, is likely and not sure.
    departs = np.abs(aims - table[:, len(values) :] @ found) > SAME_SUM
    totals = [
        Total(
            "",
            "",
            row,
            np.flatnonzero(line > 0).astype(np.int64),
            fixed=True,
            assumed=bool(departs[row]) or bool(sides[row][1]),
            subtracted=np.flatnonzero(line < 0).astype(np.int64),
        )
        for row, line in enumerate(table)
    ]
    small = np.array([key in (record.small or ()) for key in old], dtype=bool)
    return Earlier(old, found, known, small, totals)


def _estimates(table: Floats, aims: Floats, fixed: Floats) -> Floats:
    """Numbers of at least 1 that depart least, in sum, from the equations; those known as they are."""
    found = np.where(np.isnan(fixed), 1.0, fixed)
    free = np.flatnonzero(np.isnan(fixed))
    if not len(free) or not len(table):
        return found
    rest = aims - table[:, ~np.isnan(fixed)] @ fixed[~np.isnan(fixed)]
    slack = np.eye(len(table))
    solved = linprog(
        np.r_[np.zeros(len(free)), np.ones(2 * len(table))],
        A_eq=np.hstack([table[:, free], slack, -slack]),
        b_eq=rest,
        bounds=[(1.0, None)] * len(free) + [(0.0, None)] * (2 * len(table)),
        method="highs-ds",
    )
    if solved.success:
        found[free] = solved.x[: len(free)]
    return found
