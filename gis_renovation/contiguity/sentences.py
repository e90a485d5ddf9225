"""Why two communities are joined, cut or rejoined, in one sentence a planner can defend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis_renovation.arrays import Floats
from gis_renovation.schemas import layer_schema
from gis_renovation.words import CLAUSES, NO_TEXT, Text

if TYPE_CHECKING:
    import geopandas as gpd

    from gis_renovation.contiguity.judging import Cut
    from gis_renovation.contiguity.pairs import Pairs


# Below this a length is given with one decimal, so that 0.4 m is not called 0.
WHOLE_METRES_FROM = 10.0
# A shared wall is worth a word from here on.
WALL_WORTH_A_WORD_M = 1.0

BORDERS = {"unit_border": Text("县区", "counties"), "subdistrict_border": Text("街道（乡镇）", "subdistricts")}


class Judged(NamedTuple):
    """What is known of each pair: cause, walk in m, line; barriers and crossings by row and position.

    ``cuts`` tells of those cut which barriers do so alone, and which need a crossing.
    """

    cause: NDArray[Any]
    walk_m: Floats
    line: NDArray[Any]
    barriers: dict[int, tuple[int, ...]]
    crossings: dict[int, tuple[int, ...]]
    cuts: dict[int, Cut]


class Facts(NamedTuple):
    """Names of barriers and crossings by position, the borders' two sides by row, the longest walk in m.

    ``crossings`` is None where nothing is known about crossings. ``overlaps`` tells of pairs that share ground how,
    ``streets`` of those with a street between them which, ``taken_to_cut`` of barriers by position what is unknown.
    """

    barriers: list[Text]
    crossings: list[Text] | None
    sides: dict[int, tuple[str, str]]
    max_detour_m: float
    overlaps: dict[int, Text]
    streets: dict[int, Street]
    taken_to_cut: dict[int, Text]


class Street(NamedTuple):
    """A street between two communities: its name (or class) and class, and whether it is one that parts them."""

    name: Text
    kind: str | None
    is_wide: bool


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


def taken_to_cut(barriers: gpd.GeoDataFrame) -> dict[int, Text]:
    """What is not known of barriers that are taken to cut all the same, by position."""
    known = layer_schema("barriers").fields["kind"].values
    kinds = barriers["kind"].tolist() if "kind" in barriers else [None] * len(barriers)
    grades = barriers["grade"].isna().tolist() if "grade" in barriers else [True] * len(barriers)
    notes = {}
    for position, (kind, no_grade) in enumerate(zip(kinds, grades, strict=True)):
        if str(kind) not in known:
            notes[position] = Text("{names}类别不明，按阻隔计", "{names}: of no known kind, taken as a barrier")
        elif kind == "wall" and no_grade:
            notes[position] = Text("{names}等级未知，按不可通行计", "{names}: of unknown grade, taken as closed")
    return notes


def reason_sentences(pairs: Pairs, judged: Judged, walls_m: Floats, facts: Facts) -> Sentences:
    """The reason for each pair's status, with the figures and names it rests on."""
    # Nearly all pairs are plain neighbours: their sentences are made without a detour over Text.
    gaps = [metres(gap_m) for gap_m in pairs.gap_m.tolist()]
    zh = [f"相距 {gap} 米，其间无阻隔" for gap in gaps]
    en = [f"{gap} m apart, nothing between them" for gap in gaps]
    plain = (judged.cause == "near") & (walls_m < WALL_WORTH_A_WORD_M)
    plain[list(facts.streets)] = False
    # One railway parts thousands of pairs: its name is looked up once.
    named = {which: _listed(facts.barriers, which) for which in set(judged.barriers.values())}
    for row in np.flatnonzero(~plain).tolist():
        away = facts.overlaps.get(row) or _apart(gaps[row], float(walls_m[row]), touching=pairs.gap_m[row] == 0)
        said = _reason(row, away, judged, facts, named)
        zh[row], en[row] = CLAUSES.join([said, *_unsure(row, judged, facts)])
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
        return _free(away, facts.streets.get(row))
    if cause in BORDERS:
        return _across_border(BORDERS[cause], facts.sides[row], away)
    over = _cut_named(judged.cuts[row], facts.barriers) if row in judged.cuts else named[judged.barriers[row]]
    if cause == "soft_barrier":
        return _said(
            "隔{over}（可拆除或开口），{away}", "{over} between them can be opened; {away}", over=over, away=away
        )
    if cause == "around":
        return _around(over, away, float(judged.walk_m[row]))
    if cause == "crossing":
        by, walk = _listed(facts.crossings or [], judged.crossings[row]), metres(float(judged.walk_m[row]))
        zh = "隔{over}，{away}；经{by}（绕行 {walk} 米）可连通"
        en = "cut by {over}, {away}; joined again over {by} (a walk of {walk} m)"
        return _said(zh, en, over=over, away=away, by=by, walk=walk)
    if facts.crossings is None:
        zh, en = "隔{over}，{away}；未提供通道资料", "cut by {over}, {away}; crossings are not known"
        return _said(zh, en, over=over, away=away)
    zh, en = (
        "隔{over}，{away}；步行 {limit} 米内无可用通道",
        "cut by {over}, {away}; no crossing within a walk of {limit} m",
    )
    return _said(zh, en, over=over, away=away, limit=metres(facts.max_detour_m))


def _unsure(row: int, judged: Judged, facts: Facts) -> list[Text]:
    """What is not known of the barriers that a pair's reason names."""
    named: dict[Text, list[int]] = {}
    for position in dict.fromkeys(
        [*judged.barriers.get(row, ()), *(judged.cuts[row].needed if row in judged.cuts else ())]
    ):
        if position in facts.taken_to_cut:
            named.setdefault(facts.taken_to_cut[position], []).append(position)
    return [note.fill(names=_listed(facts.barriers, tuple(which))) for note, which in named.items()]


def _said(zh: str, en: str, **values: object) -> Text:
    return Text(zh, en).fill(**values)


def _free(away: Text, street: Street | None) -> Text:
    """Two with no barrier between them; a street there is named, and one as wide as a barrier is not called nothing."""
    if street is None:
        return _said("{away}，其间无阻隔", "{away}, nothing between them", away=away)
    if not street.is_wide:
        return _said(
            "{away}，中间为{name}，无阻隔", "{away}, {name} between them, no barrier", away=away, name=street.name
        )
    kind = layer_schema("streets").fields["class"].values[str(street.kind)]
    zh, en = (
        "{away}，中间为{name}（{kind}，未计为阻隔）",
        "{away}, {name} between them ({kind}, not counted as a barrier)",
    )
    return _said(zh, en, away=away, name=street.name, kind=kind)


def _around(over: Text, away: Text, walk_m: float) -> Text:
    """A barrier that leaves a way; where that takes no step, nobody is sent round."""
    walk = metres(walk_m)
    if float(walk) == 0.0:
        zh, en = (
            "{away}，{over}未将其完全隔断，可直接连通",
            "{away}; {over} does not close every way, one walks straight over",
        )
        return _said(zh, en, away=away, over=over)
    zh = "{away}，{over}未将其完全隔断，可绕行约 {walk} 米连通"
    return _said(
        zh, "{away}; {over} does not close every way, about {walk} m round it", away=away, over=over, walk=walk
    )


def _cut_named(cut: Cut, names: list[Text]) -> Text:
    """The barriers that cut: those that do so alone, and what is still in the way behind them; else all together."""
    if not cut.alone:
        together = Text("（合起来隔断）", " (together)") if len(cut.every) > 1 else NO_TEXT
        return _listed(names, cut.every) + together
    more = tuple(position for position in cut.needed if position not in cut.alone)
    if not more:
        return _listed(names, cut.alone)
    said = Text("{names}（跨过后仍被{more}隔断）", "{names} (and behind by {more})")
    return said.fill(names=_listed(names, cut.alone), more=_listed(names, more))


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
