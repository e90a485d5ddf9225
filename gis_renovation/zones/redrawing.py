"""Links judged again on drawings that are a little off: outlines, barriers and the streets that count as such."""

from __future__ import annotations

import math
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Floats, Geometries, Positions, Words
from gis_renovation.contiguity import USABLE, LinkLimits, link_communities, nearby_pairs
from gis_renovation.ids import ids_in
from gis_renovation.zones.solver import noise

# Streams of the drawn numbers, far from those of the search and of the amounts.
FIRST_STREAM = 2_000_000
# Slack for rounding, in metres.
HAIR_M = 1e-6


class Ground(NamedTuple):
    """What links are judged by: communities with text ids, sorted, what may lie between them, and the limits."""

    communities: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame | None
    crossings: gpd.GeoDataFrame | None
    streets: gpd.GeoDataFrame | None
    limits: LinkLimits


class DrawingErrors(NamedTuple):
    """How far outlines of communities, and barriers, may lie from where they are drawn; metres."""

    outline_m: float
    barrier_m: float


class Redrawing:
    """Links of a city whose drawings are off, run by run.

    Each outline, each barrier and each street that counts as one is moved as a whole, by its own draw, to somewhere
    within the error; crossings stay. What that does to a link is taken over into the links given: those that are lost
    are dropped, those that are won are added. All else of them stays, so what a link is worth does not change by
    centimetres. Only pairs that such a move can change are judged again (see :func:`_in_reach`).
    """

    def __init__(self, ground: Ground, community_links: pd.DataFrame, errors: DrawingErrors) -> None:
        self.links, self.errors, self.ground = community_links, errors, ground
        self.usable = community_links["status"].isin(USABLE).to_numpy()
        self.pair = _pair_ids(community_links)
        self.rows = _in_reach(ground, errors) if max(errors) > 0 else np.zeros(0, dtype=np.intp)
        self.before = _usable(ground, self.rows)

    def links_of(self, seed: int, run: int, *, keep_all: bool = False) -> pd.DataFrame | None:
        """The links of one run, with ``keep_all`` those lost among them; None where they are those given."""
        if not len(self.rows):
            return None
        after = _usable(moved(self.ground, self.errors, seed, run), self.rows)
        lost = self.before.index.difference(after.index)
        won = after.index.difference(self.before.index).difference(pd.Index(self.pair[self.usable]))
        gone = self.usable & np.isin(self.pair, lost.to_numpy()) & (not keep_all)
        if not gone.any() and not len(won):
            return None
        return pd.concat([pd.DataFrame(self.links[~gone]), after.loc[won]])


def moved(ground: Ground, errors: DrawingErrors, seed: int, run: int) -> Ground:
    """The ground with every outline, barrier and street moved by this run's draws, each within its error."""
    shifted = [
        _shifted(layer, error_m, seed, FIRST_STREAM + run * 6 + 2 * place)
        for place, (layer, error_m) in enumerate(
            [
                (ground.communities, errors.outline_m),
                (ground.barriers, errors.barrier_m),
                (ground.streets, errors.barrier_m),
            ]
        )
    ]
    return ground._replace(communities=shifted[0], barriers=shifted[1], streets=shifted[2])


def _shifted(layer: gpd.GeoDataFrame | None, error_m: float, seed: int, stream: int) -> gpd.GeoDataFrame | None:
    """Each shape moved as a whole to somewhere in a circle of radius ``error_m``, all places alike likely."""
    if layer is None or not len(layer) or error_m == 0:
        return layer
    far = error_m * np.sqrt(noise(seed, stream, len(layer)))
    way = 2.0 * math.pi * noise(seed, stream + 1, len(layer))
    by = np.column_stack([far * np.cos(way), far * np.sin(way)])
    shapes = np.asarray(layer.geometry.to_numpy(), dtype=object)
    return layer.set_geometry(gpd.array.from_shapely(_moved_by(shapes, by), crs=layer.crs))


def _moved_by(shapes: Geometries, by: Floats) -> Geometries:
    flat = shapely.force_2d(shapes)
    points, of = shapely.get_coordinates(flat, return_index=True)
    return np.asarray(shapely.set_coordinates(flat.copy(), points + by[of]), dtype=object)


def _usable(ground: Ground, rows: Positions) -> pd.DataFrame:
    """The links one can walk among the communities of some rows, by pair of ids in order."""
    streets = ground.streets if ground.limits.arterials_cut else None
    links = link_communities(
        ground.communities.iloc[rows], ground.barriers, ground.crossings, streets=streets, limits=ground.limits
    )
    table = pd.DataFrame(links[links["status"].isin(USABLE)])
    return table.set_axis(pd.Index(_pair_ids(table), dtype=object), axis=0)


def _pair_ids(links: pd.DataFrame) -> Words:
    """A name for each pair that does not depend on which of the two stands first."""
    one, other = (ids_in(links[side]).astype(str).tolist() for side in ("focal", "neighbor"))
    return np.array([f"{min(pair)}~{max(pair)}" for pair in zip(one, other, strict=True)], dtype=object)


def _in_reach(ground: Ground, errors: DrawingErrors) -> Positions:
    """Rows of the communities of pairs that moves within the errors can join or part.

    A pair stays as it is where its gap is further from the limit than both outlines can move, nothing that may cut
    is so near to its shortest line that it can come to lie on it, and nothing that may cut is so near to either
    community that it can come to lie over it: that line, moved with its ends, is then a way before and after.
    """
    polygons = np.asarray(ground.communities.geometry.to_numpy(), dtype=object)
    slack_m = 2.0 * errors.outline_m + HAIR_M
    pairs = nearby_pairs(ground.communities, max_gap_m=ground.limits.max_gap_m + slack_m)
    first, second = np.asarray(pairs.first), np.asarray(pairs.second)
    open_ = pairs.gap_m > ground.limits.max_gap_m - slack_m
    cutting = _may_cut(ground)
    if len(cutting):
        tree = shapely.STRtree(cutting)
        reach_m = errors.outline_m + errors.barrier_m + ground.limits.min_opening_m + HAIR_M
        over = np.zeros(len(polygons), dtype=bool)
        over[tree.query(polygons, predicate="dwithin", distance=reach_m)[0]] = True
        open_ |= over[first] | over[second]
        ask = np.flatnonzero(~open_)
        lines = shapely.shortest_line(polygons[first[ask]], polygons[second[ask]])
        open_[ask[np.unique(tree.query(lines, predicate="dwithin", distance=reach_m)[0])]] = True
    return np.unique(np.concatenate([first[open_], second[open_]]))


def _may_cut(ground: Ground) -> Geometries:
    """Shapes of all barriers, and of streets where they may count as such."""
    layers = [ground.barriers, ground.streets if ground.limits.arterials_cut else None]
    shapes = [np.asarray(layer.geometry.to_numpy(), dtype=object) for layer in layers if layer is not None]
    found = np.concatenate([np.empty(0, dtype=object), *shapes])
    return np.asarray(found[~(shapely.is_missing(found) | shapely.is_empty(found))], dtype=object)
