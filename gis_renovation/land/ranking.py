"""In which order to visit the candidates: open weights, and how far the order depends on them.

Every criterion is a share from 0 to 1, every weight stands in the call. An unknown criterion makes
the score an interval, not a zero. A thousand random weightings around the given ones show whether a
parcel's rank is firm or an effect of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Geometries
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.evidence import candidates_of, graded
from gis_renovation.land.measures import (
    NEED_ZONE_COLUMNS,
    NO_AREA_M2,
    nearest_communities,
    nearest_zones_in_need,
    numbers_of,
)
from gis_renovation.land.weights import named_weights
from gis_renovation.overlays import overlapping_pairs
from gis_renovation.words import Text

CRITERIA: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "evidence": Text("证据强度", "evidence"),
        "size": Text("可用面积", "size"),
        "shape": Text("形状规整", "shape"),
        "nearness": Text("距小区远近", "nearness"),
        "need": Text("周边户数", "need"),
    }
)
# This program's parameters; no standard weighs them.
DEFAULT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"evidence": 0.3, "size": 0.2, "shape": 0.1, "nearness": 0.2, "need": 0.2}
)
_CELLS_AT_ONCE: Final = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What earns points, and how much each criterion weighs.

    criterion_weights
        Replaces weights by name; they are scaled to sum to 1.
    full_size_m2, full_need_households, reach_m
        Area, households within ``reach_m`` (straight, edge to edge) that earn full points, and the
        distance at which nearness falls to 0.
    """

    criterion_weights: dict[str, float] | None = None
    full_size_m2: float = 2000.0
    full_need_households: float = 1000.0
    reach_m: float = 300.0


@dataclass(frozen=True, kw_only=True)
class WeightTrial:
    """Random weightings that show how firm an order is.

    weight_draws, weight_spread, seed
        Dirichlet around the given weights, whose standard deviation of a weight w is
        sqrt(w (1 - w) spread); a spread near 1 ignores the given weights.
    top_count
        How many of the first count as the top.
    """

    weight_draws: int = 1000
    weight_spread: float = 0.05
    top_count: int = 10
    seed: int = 0


_USUAL_SCORING: Final = Scoring()
_USUAL_TRIAL: Final = WeightTrial()


@layers_on_text_ids
def rank_parcels(
    idle_parcels: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None = None,
    zones: gpd.GeoDataFrame | None = None,
    usable_shapes: gpd.GeoDataFrame | None = None,
    idle_strength: pd.DataFrame | None = None,
    *,
    scoring: Scoring = _USUAL_SCORING,
    need_classes: tuple[str, ...] = ("improvement", "enhancement"),
    trial: WeightTrial = _USUAL_TRIAL,
) -> pd.DataFrame:
    """Order the parcels that are not excluded by open weights, and test how firm the order is.

    Parameters
    ----------
    idle_parcels, usable_shapes, idle_strength
        Results of :func:`gis_renovation.land.candidates.screen_parcels`,
        :func:`gis_renovation.land.shapes.shape_usable_land` and :func:`gis_renovation.land.evidence.sum_idleness`.
    communities
        Polygons in the same metric CRS, with households where known. Where some are drawn over each other the
        ground counts once: each later one, by id, counts as far as its ground is not drawn before.
    zones
        Polygons in the same CRS with their needs by class, as :func:`gis_renovation.zones.describe_zones`
        gives them. Their distance is told, not scored.
    scoring
        What earns points, and the weights of the criteria.
    need_classes
        A zone is in need when its communities have a need of one of these classes: by default the two
        that land and rooms can serve (parking, sport, service stations), not the pipes of *basic*.
    trial
        Random weightings.

    Returns
    -------
    DataFrame indexed and sorted by parcel_id: <criterion>_share (NaN unknown),
    known_weight_share, score_low and score_high (unknown at its worst and best), score (their
    middle), rank (1 first; ties by parcel_id), rank_best and rank_worst (5th and 95th percentile over
    the draws), top_share (share of draws among the first ``top_count``), reason_zh, reason_en, and
    need_zone_state, need_zone_id, need_zone_name and need_zone_distance_m of
    :func:`gis_renovation.land.measures.nearest_zones_in_need`.

    Raises
    ------
    CRSError; ConfigError for unknown or unfit weights or classes. O(parcels x draws log parcels).

    Examples
    --------
    By evidence alone; P3 is excluded, and of P2 nobody knows anything: its score is the middle of 0 and 1.

    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame({"verdict": ["candidate", "unknown", "excluded"]},
    ...                            geometry=[box(x, 0, x + 10, 10) for x in (0, 20, 40)],
    ...                            index=["P1", "P2", "P3"], crs="EPSG:4548")
    >>> strength = pd.DataFrame({"strength_share": [0.9]}, index=["P1"])
    >>> scoring = Scoring(criterion_weights={"size": 0, "shape": 0, "nearness": 0, "need": 0})
    >>> ranking = rank_parcels(parcels, idle_strength=strength, scoring=scoring)
    >>> ranking[["score_low", "score", "score_high", "rank"]].to_numpy().tolist()
    [[0.9, 0.9, 0.9, 1.0], [0.0, 0.5, 1.0, 2.0]]
    """
    require_metric(idle_parcels=idle_parcels, usable_shapes=usable_shapes, communities=communities, zones=zones)
    weights = _weights(scoring.criterion_weights)
    if trial.weight_draws < 1 or not 0.0 < trial.weight_spread < 1.0:
        raise ConfigError(
            "weight_draws 须不小于 1，weight_spread 须在 0 与 1 之间。",
            "weight_draws must be 1 or more, weight_spread between 0 and 1.",
        )
    parcels = idle_parcels[idle_parcels["verdict"] != "excluded"].sort_index()
    shares = dict.fromkeys(CRITERIA, np.full(len(parcels), np.nan))
    shares |= _own_shares(parcels.index, usable_shapes, idle_strength, scoring) | _near(parcels, communities, scoring)
    points = np.column_stack([np.clip(values, 0.0, 1.0) for values in shares.values()])
    points = points.reshape(len(parcels), len(CRITERIA))
    known = ~np.isnan(points)
    low, high = np.where(known, points, 0.0) @ weights, np.where(known, points, 1.0) @ weights
    score = (low + high) / 2.0
    result = pd.DataFrame(points, columns=[f"{name}_share" for name in CRITERIA], index=parcels.index)
    result["known_weight_share"] = known @ weights
    result["score_low"], result["score_high"], result["score"] = low, high, score
    result["rank"] = _ranks(score[:, None])[:, 0]
    drawn = _drawn_ranks(np.where(known, points, 0.5), weights, trial)
    quantiles = np.quantile(drawn, [0.05, 0.95], axis=1, method="nearest") if len(parcels) else np.empty((2, 0))
    result["rank_best"], result["rank_worst"] = quantiles.astype(np.int64)
    result["top_share"] = (drawn <= trial.top_count).mean(axis=1)
    for lang in ("zh", "en"):
        result[f"reason_{lang}"] = pd.array([_reason(row, weights, lang) for row in points], dtype="str")
    return result.join(nearest_zones_in_need(parcels, zones, need_classes)).rename_axis("parcel_id")


def _weights(given: Mapping[str, float] | None) -> Floats:
    called = Text("指标", "criterion")
    merged = named_weights(given, DEFAULT_WEIGHTS, parameter="criterion_weights", called=called)
    values = np.array([merged[name] for name in CRITERIA], dtype=np.float64)
    if values.sum() <= 0.0:
        raise ConfigError("criterion_weights 不能全为 0。", "criterion_weights must not be all 0.")
    return np.asarray(values / values.sum(), np.float64)


def _own_shares(
    index: pd.Index[str], shapes: gpd.GeoDataFrame | None, strength: pd.DataFrame | None, scoring: Scoring
) -> dict[str, Floats]:
    """Points for evidence, size and shape, as far as they are known. No usable ground is 0, not unknown."""
    shares: dict[str, Floats] = {}
    if strength is not None:
        shares["evidence"] = _aligned(strength, "strength_share", index)
    if shapes is not None:
        area = np.nan_to_num(_aligned(shapes, "area_m2", index))
        inscribed = np.nan_to_num(_aligned(shapes, "rectangle_m2", index))
        shares["size"] = np.minimum(area / scoring.full_size_m2, 1.0)
        shares["shape"] = np.divide(inscribed, area, out=np.zeros(len(area)), where=area > 0.0)
    return shares


def _near(parcels: gpd.GeoDataFrame, communities: gpd.GeoDataFrame | None, scoring: Scoring) -> dict[str, Floats]:
    """Points for the communities near by, as far as they are known."""
    if communities is None or not len(communities):
        return {}
    ground = np.asarray(parcels.geometry.to_numpy(), dtype=object)
    _, distance = nearest_communities(ground, communities)
    households = _households(ground, communities, scoring.reach_m)
    return {
        "nearness": np.clip(1.0 - distance / scoring.reach_m, 0.0, 1.0),
        "need": np.minimum(households / scoring.full_need_households, 1.0),
    }


def _aligned(frame: pd.DataFrame, column: str, index: pd.Index[str]) -> Floats:
    return np.asarray(frame[column].reindex(index).to_numpy(dtype=np.float64, na_value=np.nan))


def _households(ground: Geometries, communities: gpd.GeoDataFrame, reach_m: float) -> Floats:
    """Households of the communities within reach; unknown if one of them is, 0 if there is none."""
    if "households" not in communities.columns:
        return np.full(len(ground), np.nan)
    shapes = np.asarray(communities.geometry.to_numpy(), dtype=object)
    own = _own_ground(communities, shapes)
    counted = np.where(own > 0.0, own * numbers_of(communities, "households"), 0.0)
    place, community = shapely.STRtree(shapes).query(ground, predicate="dwithin", distance=reach_m)
    total = np.zeros(len(ground))
    np.add.at(total, place, counted[community])
    return total


def _own_ground(communities: gpd.GeoDataFrame, shapes: Geometries) -> Floats:
    """Of each community the share of its ground that none before it, by id, is drawn over: ground counts once."""
    rank = np.empty(len(shapes), dtype=np.intp)
    rank[np.argsort(np.asarray(communities.index, dtype=object), kind="stable")] = np.arange(len(shapes))
    before: dict[int, list[int]] = {}
    for one, other in zip(*overlapping_pairs(shapes), strict=True):
        first, second = (one, other) if rank[one] < rank[other] else (other, one)
        before.setdefault(int(second), []).append(int(first))
    share = np.ones(len(shapes))
    for at, those in before.items():
        left = shapely.area(shapely.difference(shapes[at], shapely.union_all(shapes[those])))
        share[at] = 0.0 if left < NO_AREA_M2 else left / shapely.area(shapes[at])
    return share


def _ranks(scores: Floats) -> NDArray[np.int64]:
    """Rank of each row in each column, 1 for the highest; the earlier row first on a tie."""
    order = np.argsort(-np.round(scores, 12), axis=0, kind="stable")
    ranks = np.empty(scores.shape, np.int64)
    np.put_along_axis(ranks, order, np.arange(1, len(scores) + 1)[:, None], axis=0)
    return ranks


def _drawn_ranks(points: Floats, weights: Floats, trial: WeightTrial) -> NDArray[np.int32]:
    """Rank of every parcel under each random weighting."""
    used, draws = weights > 0.0, trial.weight_draws
    drawn = np.zeros((draws, len(weights)))
    alpha = weights[used] * (1.0 / trial.weight_spread - 1.0)
    drawn[:, used] = np.random.default_rng(trial.seed).dirichlet(alpha, size=draws)
    ranks = np.empty((len(points), draws), np.int32)
    step = max(1, _CELLS_AT_ONCE // max(1, len(points)))
    for first in range(0, draws, step):
        ranks[:, first : first + step] = _ranks(points @ drawn[first : first + step].T)
    return ranks


def _reason(points: Floats, weights: Floats, lang: str) -> str:
    """The points and weights behind a score, in one line."""
    unknown, mark = ("未知", "；") if lang == "zh" else ("unknown", "; ")
    parts = []
    for name, value, weight in zip(CRITERIA, points, weights, strict=True):
        shown = unknown if np.isnan(value) else f"{value:.2f}"
        parts.append(f"{CRITERIA[name][lang == 'en']} {shown} × {weight:.2f}")
    return mark.join(parts)


# --- candidates on the map ------------------------------------------------------------------------


@layers_on_text_ids
def grade_candidates(
    idle_parcels: gpd.GeoDataFrame,
    parcel_ranking: pd.DataFrame,
    *,
    strong_score: float = 0.8,
    medium_score: float = 0.6,
) -> gpd.GeoDataFrame:
    """The candidate parcels as points, graded strong, medium or weak by their score.

    The bounds are this program's parameters. A grade orders visits; it finds no land idle.

    Parameters
    ----------
    idle_parcels
        The result of :func:`gis_renovation.land.candidates.screen_parcels`, polygons in a metric CRS.
    parcel_ranking
        The result of :func:`rank_parcels` for them.
    strong_score, medium_score
        Bounds of the grades.

    Returns
    -------
    GeoDataFrame of points inside the parcels, indexed and sorted by parcel_id: strength (strong from
    ``strong_score``, medium from ``medium_score``, else weak), rank, rank_best, rank_worst, score,
    score_low, score_high, and area_m2, holder_kind, right_type, leasing_approval, legal_idle,
    nearest_community_id and community_distance_m as in ``idle_parcels``, need_zone_state, need_zone_id,
    need_zone_name and need_zone_distance_m as in ``parcel_ranking``. No candidate: no rows.

    Raises
    ------
    ConfigError for bounds out of order. O(parcels).

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame({"verdict": ["candidate"]}, geometry=[box(0, 0, 20, 10)], index=["P1"],
    ...                            crs="EPSG:4548")
    >>> facts = ["area_m2", "holder_kind", "right_type", "leasing_approval", "legal_idle", "nearest_community_id",
    ...          "community_distance_m"]
    >>> scoring = Scoring(criterion_weights={"size": 0, "shape": 0, "nearness": 0, "need": 0})
    >>> strength = pd.DataFrame({"strength_share": [0.9]}, index=["P1"])
    >>> ranking = rank_parcels(parcels, idle_strength=strength, scoring=scoring)
    >>> graded = grade_candidates(parcels.assign(**dict.fromkeys(facts)), ranking)
    >>> graded["strength"].item(), graded.geometry.item()
    ('strong', <POINT (10 5)>)
    """
    chosen = candidates_of(idle_parcels)
    ranks = parcel_ranking.reindex(chosen.index)
    score = ranks["score"].to_numpy(dtype=np.float64, na_value=np.nan)
    columns: dict[str, Any] = {"strength": graded(score, strong=strong_score, medium=medium_score)}
    columns |= {name: ranks[name] for name in ("rank", "rank_best", "rank_worst", "score", "score_low", "score_high")}
    facts = ("area_m2", "holder_kind", "right_type", "leasing_approval", "legal_idle", "nearest_community_id",
             "community_distance_m")  # fmt: skip
    columns |= {name: chosen[name] for name in facts} | {name: ranks[name] for name in NEED_ZONE_COLUMNS}
    geometry = chosen.geometry.representative_point()
    found = gpd.GeoDataFrame(columns, index=chosen.index, geometry=geometry, crs=chosen.crs)
    return found.astype({"strength": "str", "rank": "int64", "rank_best": "int64", "rank_worst": "int64"})
