"""Sensitivity (敏感性): at which values of the gap limit, a bound or a weight the zones become others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd

from gis_renovation.errors import ConfigError, GisRenovationError
from gis_renovation.ids import on_text_ids, with_ids
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import names_or_ids
from gis_renovation.words import CLAUSES, COMMAS, LISTED, Sentence, Text
from gis_renovation.zones.requirements import QUANTITIES, WEIGHTS
from gis_renovation.zones.schemes import SchemeChange, change_text, scheme_change

Tables = Mapping[str, Mapping[str, Any]]
NAMES_SHOWN = 6
# Values are narrowed down to this share of where they stand, amounts that are counted to whole ones.
FINEST_SHARE = 0.002
# Between where a wish stands and a share away from it, this many values are tried on either side.
TRIED_A_SIDE = 2


class Trials(NamedTuple):
    """The wishes as they stand, by table of ``project.toml``, and what gives the zone members under changed ones."""

    base: Tables
    solve: Callable[[Tables], pd.DataFrame]


class _Knob(NamedTuple):
    """One number that is moved: where it stands in the tables, and the least step that makes a difference."""

    table: str
    parameter: str
    side: str
    value: float
    step: float

    @property
    def name(self) -> str:
        return f"{self.table}.{self.parameter}" + (f".{self.side}" if self.side else "")

    def changed(self, base: Tables, value: float) -> Tables:
        """The tables' change that sets this number."""
        if not self.side:
            return {self.table: {self.parameter: value}}
        return {self.table: {self.parameter: {**base[self.table][self.parameter], self.side: value}}}


def measure_zone_sensitivity(
    communities: gpd.GeoDataFrame, zone_members: pd.DataFrame, *, tried: Trials, sensitivity_share: float = 0.0
) -> pd.DataFrame:
    """The values of the gap limit, of bounds, targets and weights at which the zones become others.

    Each number that is set is moved up and down by ``sensitivity_share`` of where it stands, the others staying, and
    the zones are formed again by the same wishes, links and effort. Where two values beside each other give different
    zones, the place between them is narrowed down: ``same_value`` still gives the zones before it, ``other_value``
    gives others. A few values are tried on either side, so zones that change and change back between two of them
    are not found.

    Parameters
    ----------
    communities
        Indexed by ``community_id``; ``name`` where known.
    zone_members
        The zones as they are.
    tried
        The wishes by table, and what forms the zones by changed ones.
    sensitivity_share
        How far each number is moved, as a share of it (0.1: a tenth up and down). 0: nothing is tried, no rows.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_sensitivity``, index ``sensitivity_id`` (``<table>.<parameter>[.min|.max]@<value>``), numbers in
        written order, each from its least threshold to its greatest; one row without a threshold for a number that
        changes nothing. ``change`` counts are against the zones as they are.

    Raises
    ------
    ConfigError
        ``sensitivity_share`` is not from 0 to below 1.

    Notes
    -----
    Four zonings a number, and about six a threshold.

    Examples
    --------
    Two communities that are one zone while the gap limit is 57 m at least.

    >>> homes = pd.DataFrame({"name": ["甲", "乙"]}, index=["A", "B"])
    >>> members = lambda joined: pd.DataFrame({"zone_id": ["Z-A", "Z-A" if joined else "Z-B"]}, index=["A", "B"])
    >>> solve = lambda tables: members(tables["contiguity"]["max_gap_m"] >= 57.0)
    >>> wishes = Trials({"contiguity": {"max_gap_m": 60.0}, "zones": {}}, solve)
    >>> found = measure_zone_sensitivity(homes, members(True), tried=wishes, sensitivity_share=0.1)
    >>> found[["same_value", "other_value", "zone_count"]].to_dict("list")
    {'same_value': [57.0], 'other_value': [56.9], 'zone_count': [2]}
    """
    if not 0 <= sensitivity_share < 1:
        raise ConfigError(
            f"[zones] sensitivity_share 应不小于 0、小于 1，现为 {sensitivity_share:g}。",
            f"[zones] sensitivity_share must be from 0 to below 1, found {sensitivity_share:g}.",
        )
    frame = with_ids(communities, "communities")
    names = {str(key): str(name) for key, name in zip(frame.index, names_or_ids(frame), strict=True)}
    members = on_text_ids(zone_members, "zone_members").sort_index()
    rows: list[dict[str, Any]] = []
    texts: list[Sentence] = []
    for knob in _knobs(tried.base) if sensitivity_share > 0 else ():
        for row, text in _Search(knob, tried, members, names).rows(sensitivity_share):
            rows.append(row)
            texts.append(text)
    return with_sentences(_table(rows), "reason", texts)


_NUMBERS = ("base_value", "low_value", "high_value", "same_value", "other_value")
_COUNTS = ("zone_count", "left_out_count", "changed_count")
_TEXTS = ("table_name", "parameter", "side", "effect")


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    index = pd.Index([row["sensitivity_id"] for row in rows], dtype="str", name="sensitivity_id")
    kinds = {**dict.fromkeys(_TEXTS, "str"), **dict.fromkeys(_NUMBERS, "float64"), **dict.fromkeys(_COUNTS, "Int64")}
    columns = ("table_name", "parameter", "side", *_NUMBERS, "effect", *_COUNTS)
    return pd.DataFrame(rows, columns=columns, index=index).astype(kinds)


def _knobs(base: Tables) -> Iterator[_Knob]:
    """Every number that is set and decides the zones, in the order in which planners think of them."""
    gap = base.get("contiguity", {}).get("max_gap_m")
    if gap:
        yield _Knob("contiguity", "max_gap_m", "", float(gap), 0.1)
    own = base.get("zones", {})
    for name, quantity in QUANTITIES.items():
        for side in ("min", "max"):
            value = (own.get(name) or {}).get(side)
            if value and math.isfinite(value):
                yield _Knob("zones", name, side, float(value), _step(float(value), whole=quantity.steps == 1))
    for name, value in (own.get("target") or {}).items():
        yield _Knob("zones", "target", name, float(value), _step(float(value), whole=QUANTITIES[name].steps == 1))
    for name in WEIGHTS:
        if own.get(name):
            yield _Knob("zones", name, "", float(own[name]), _step(float(own[name]), whole=False))


def _step(value: float, *, whole: bool) -> float:
    return 1.0 if whole else max(value * FINEST_SHARE, 1e-9)


class _Search:
    """The search for the thresholds of one number."""

    def __init__(self, knob: _Knob, trials: Trials, members: pd.DataFrame, names: Mapping[str, str]) -> None:
        self.knob, self.trials, self.members, self.names = knob, trials, members, names
        self.found: dict[float, pd.DataFrame | None] = {knob.value: members}

    def rows(self, share: float) -> Iterator[tuple[dict[str, Any], Sentence]]:
        """A row for each threshold with its sentence, or one that says that there is none."""
        tried = sorted({self._on_grid(self.knob.value * (1 + share * k / TRIED_A_SIDE)) for k in _SIDES})
        low, high = tried[0], tried[-1]
        below = [value for value in reversed(tried) if value < self.knob.value]
        above = [value for value in tried if value > self.knob.value]
        thresholds = sorted([*self._walk(below), *self._walk(above)])
        for same, other in thresholds:
            yield self._row((low, high), same, other), self._sentence(same, other)
        if not thresholds:
            yield self._row((low, high)), self._nothing(tried)

    def _on_grid(self, value: float) -> float:
        steps = round((value - self.knob.value) / self.knob.step)
        return round(self.knob.value + steps * self.knob.step, 9)

    def _members(self, value: float) -> pd.DataFrame | None:
        """The members at a value; None where nothing can be formed by it (a minimum above its maximum)."""
        if value not in self.found:
            try:
                made = self.trials.solve(self.knob.changed(self.trials.base, value))
                self.found[value] = on_text_ids(made, "zone_members").sort_index()
            except GisRenovationError:
                self.found[value] = None
        return self.found[value]

    def _answer(self, value: float) -> frozenset[frozenset[str]] | None:
        members = self._members(value)
        if members is None:
            return None
        home = members["zone_id"].dropna()
        return frozenset(frozenset(map(str, own)) for own in home.groupby(home).groups.values())

    def _walk(self, values: list[float]) -> Iterator[tuple[float, float]]:
        """Away from where the number stands: the pairs of values between which the zones become others."""
        at = self.knob.value
        for value in values:
            if self._answer(at) != self._answer(value):
                yield self._narrow(at, value)
            at = value

    def _narrow(self, same: float, other: float) -> tuple[float, float]:
        first = self._answer(same)
        while True:
            middle = self._on_grid((same + other) / 2)
            if middle in (same, other):
                return same, other
            if self._answer(middle) == first:
                same = middle
            else:
                other = middle

    def _row(self, tried: tuple[float, float], same: float = math.nan, other: float = math.nan) -> dict[str, Any]:
        knob = self.knob
        row: dict[str, Any] = {
            "sensitivity_id": knob.name + ("" if math.isnan(other) else f"@{other:g}"),
            "table_name": knob.table,
            "parameter": knob.parameter,
            "side": knob.side or None,
            "base_value": knob.value,
            "low_value": tried[0],
            "high_value": tried[1],
            "same_value": same,
            "other_value": other,
            "effect": "none",
        }
        if math.isnan(other):
            return row
        members = self._members(other)
        if members is None:
            return row | {"effect": "impossible"}
        change = scheme_change(self.members, members)
        home = members["zone_id"]
        counts = {"zone_count": home.nunique(), "left_out_count": int(home.isna().sum()), "changed_count": change.size}
        return row | counts | {"effect": "other_zones" if change.size else "as_before"}

    def _sentence(self, same: float, other: float) -> Sentence:
        """From which value on the zones are others, and how they differ from those as they are."""
        members = self._members(other)
        between = Text("{same} 与 {other} 之间", "between {same} and {other}").fill(
            same=f"{same:g}", other=f"{other:g}"
        )
        if members is None:
            none = Text("取 {other} 时无法划分", "at {other} no zones can be formed").fill(other=f"{other:g}")
            return Sentence(CLAUSES.join([between, none]))
        before, after = self.members["zone_id"], members["zone_id"]
        change = scheme_change(self.members, members)
        if not change.size:
            return Sentence(between + Text("片区变回现方案", " the zones become again what they are"))
        zones = Text("片区由 {a} 个变为 {b} 个", "{a} zones become {b}").fill(a=before.nunique(), b=after.nunique())
        told = Text("变为另一划分（取 {other}）：", ", others (at {other}): ").fill(other=f"{other:g}")
        parts = [between + told + zones + COMMAS + change_text(change), self._named(change)]
        return Sentence(CLAUSES.join(parts))

    def _named(self, change: SchemeChange) -> Text:
        members = sorted({*change.moved, *change.left_out, *change.taken_in})
        shown = LISTED.join([self.names.get(member, member) for member in members[:NAMES_SHOWN]])
        more = len(members) - NAMES_SHOWN
        return shown + (Text(f"等 {len(members)} 个小区", f" and {more} more") if more > 0 else "")

    def _nothing(self, tried: list[float]) -> Sentence:
        values = LISTED.join([f"{value:g}" for value in tried])
        return Sentence(Text("取 {values} 时片区都不变", "the zones stay at {values}").fill(values=values))


_SIDES = [k for k in range(-TRIED_A_SIDE, TRIED_A_SIDE + 1) if k]
