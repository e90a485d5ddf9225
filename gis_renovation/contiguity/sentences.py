"""Why two communities are joined, cut or rejoined, in one sentence a planner can defend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis_renovation.arrays import Floats
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd

    from gis_renovation.contiguity.pairs import Pairs


# Below this a length is given with one decimal, so that 0.4 m is not called 0.
WHOLE_METRES_FROM = 10.0
# A shared wall is worth a word from here on.
WALL_WORTH_A_WORD_M = 1.0

BORDERS = {"unit_border": Text("县区", "counties"), "subdistrict_border": Text("街道（乡镇）", "subdistricts")}


class Judged(NamedTuple):
    """What is known of each pair: cause, walk in m, line; barriers and crossings by row and position."""

    cause: NDArray[Any]
    walk_m: Floats
    line: NDArray[Any]
    barriers: dict[int, tuple[int, ...]]
    crossings: dict[int, tuple[int, ...]]


class Facts(NamedTuple):
    """Names of barriers and crossings by position, the borders' two sides by row, the longest walk in m.

    ``crossings`` is None where nothing is known about crossings.
    """

    barriers: list[Text]
    crossings: list[Text] | None
    sides: dict[int, tuple[str, str]]
    max_detour_m: float


class Sentences(NamedTuple):
    """One sentence a pair in either language."""

    zh: list[str]
    en: list[str]


def feature_names(layer: gpd.GeoDataFrame, schema: str) -> list[Text]:
    """Each feature's own name; one without is named by its kind and id. In the layer's order."""
    known = layer_schema(schema)
    blank = [None] * len(layer)
    names = layer["name"].tolist() if "name" in layer else blank
    kinds = layer["kind"].tolist() if "kind" in layer else blank
    found = []
    for name, kind, key in zip(names, kinds, layer.index, strict=True):
        if isinstance(name, str) and name.strip():
            found.append(Text(name, name))
            continue
        label = known.fields["kind"].values.get(str(kind), known.label)
        found.append(Text(f"{label.zh} {key}", f"{label.en.lower()} {key}"))
    return found


def reason_sentences(pairs: Pairs, judged: Judged, walls_m: Floats, facts: Facts) -> Sentences:
    """The reason for each pair's status, with the figures and names it rests on."""
    # Nearly all pairs are plain neighbours: their sentences are made without a detour over Text.
    gaps = [metres(gap_m) for gap_m in pairs.gap_m.tolist()]
    zh = [f"相距 {gap} 米，其间无阻隔" for gap in gaps]
    en = [f"{gap} m apart, nothing between them" for gap in gaps]
    plain = (judged.cause == "near") & (walls_m < WALL_WORTH_A_WORD_M)
    # One railway parts thousands of pairs: its name is looked up once.
    named = {which: _listed(facts.barriers, which) for which in set(judged.barriers.values())}
    for row in np.flatnonzero(~plain).tolist():
        away = _apart(gaps[row], float(walls_m[row]), touching=pairs.gap_m[row] == 0)
        zh[row], en[row] = _reason(row, away, judged, facts, named)
    return Sentences(zh, en)


def _apart(gap: str, wall_m: float, *, touching: bool) -> Text:
    if wall_m >= WALL_WORTH_A_WORD_M:
        wall = metres(wall_m)
        if touching:
            return Text(f"边界相接，共用边界约 {wall} 米", f"touching along {wall} m")
        return Text(f"相距 {gap} 米，边界并行约 {wall} 米", f"{gap} m apart, side by side along {wall} m")
    if touching:
        return Text("边界相接", "touching")
    return Text(f"相距 {gap} 米", f"{gap} m apart")


def _reason(row: int, away: Text, judged: Judged, facts: Facts, named: Mapping[tuple[int, ...], Text]) -> Text:
    cause = judged.cause[row]
    if cause in ("near", "touching"):
        return Text(f"{away.zh}，其间无阻隔", f"{away.en}, nothing between them")
    if cause in BORDERS:
        return _across_border(BORDERS[cause], facts.sides[row], away)
    zh, en = named[judged.barriers[row]]
    if cause == "soft_barrier":
        return Text(f"隔{zh}（可拆除或开口），{away.zh}", f"{en} between them can be opened; {away.en}")
    if cause == "around":
        walk = metres(float(judged.walk_m[row]))
        return Text(
            f"{away.zh}，{zh}未将其完全隔断，可绕行约 {walk} 米连通",
            f"{away.en}; {en} does not close every way, about {walk} m round it",
        )
    if cause == "crossing":
        over = _listed(facts.crossings or [], judged.crossings[row])
        walk = metres(float(judged.walk_m[row]))
        return Text(
            f"隔{zh}，{away.zh}；经{over.zh}（绕行 {walk} 米）可连通",
            f"cut by {en}, {away.en}; joined again over {over.en} (a walk of {walk} m)",
        )
    if facts.crossings is None:
        return Text(f"隔{zh}，{away.zh}；未提供通道资料", f"cut by {en}, {away.en}; crossings are not known")
    limit = metres(facts.max_detour_m)
    return Text(
        f"隔{zh}，{away.zh}；步行 {limit} 米内无可用通道",
        f"cut by {en}, {away.en}; no crossing within a walk of {limit} m",
    )


def _across_border(kind: Text, sides: tuple[str, str], away: Text) -> Text:
    return Text(
        f"分属不同{kind.zh}（{sides[0]}、{sides[1]}），不跨界连片；{away.zh}",
        f"in different {kind.en} ({sides[0]}, {sides[1]}), which no zone crosses; {away.en}",
    )


def _listed(names: list[Text], at: tuple[int, ...]) -> Text:
    """The names in a row, each once."""
    shown = dict.fromkeys(names[position] for position in at)
    return Text("、".join(name.zh for name in shown), ", ".join(name.en for name in shown))


def metres(value_m: float) -> str:
    """Whole metres; one decimal below ten."""
    return f"{value_m:.0f}" if value_m >= WHOLE_METRES_FROM else f"{value_m:.1f}"
