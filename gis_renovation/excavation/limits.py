"""From which day the law lets each street be dug without special approval; an unknown date is to be verified."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd

from gis_renovation.anniversaries import years_after
from gis_renovation.ids import ids_in, sorted_by_id, with_ids
from gis_renovation.rules import Rule, rules_for
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import known_no, optional_column
from gis_renovation.words import CLAUSES, NO_TEXT, Sentence, Text

# What a rule on streets may ask, and the column of the day it counts from; the others only remind people.
_COUNTED_FROM: Mapping[str, str] = {"years_since_opened": "opened_on", "years_since_overhauled": "overhauled_on"}
_REMINDERS = ("follows_road_plan", "emergency_papers_hours", "restoration_fee_paid")
_WHEN: Mapping[str, Text] = {
    "opened_on": Text("通车", "opened"),
    "overhauled_on": Text("大修竣工", "overhaul completed"),
}


class _Limit(NamedTuple):
    """One rule on one street: the first day it lets digging be, None if unknown; whether it asks at all."""

    rule: Rule
    column: str
    since: datetime.date | None
    free_from: datetime.date | None
    asks: bool


def judge_dig_limits(
    streets: gpd.GeoDataFrame, works_needs: pd.DataFrame, rules: Sequence[Rule], *, as_of: datetime.date
) -> gpd.GeoDataFrame:
    """For every street in which works are asked for: may it be dug today, and from which day on without approval.

    A date that is not known is never taken as free: the street is ``unknown`` (待核), unless another date holds it
    anyway. A street that is known never to have been overhauled (``overhauled`` no) has no date to wait for.

    Parameters
    ----------
    streets
        Lines indexed by id, with ``opened_on``, ``overhauled``, ``overhauled_on``, ``last_dug_on`` and
        ``guarantee_until`` where known.
    works_needs
        With ``street_id``; streets that none names are left out.
    rules
        The rules in force; those on ``streets`` count whole calendar years from a date (城市道路管理条例, Art. 33).
    as_of
        The day ``dig_status`` speaks of. The anniversary itself still counts as within the years: the first free
        day is the one after it. That is how the program reads "within five years", on the side of caution.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``dig_limits``, index ``street_id``, sorted, geometry and CRS as given: ``dig_status`` (free, held,
        unknown), ``free_from_on`` (the latest of the known days; null where none is known), the rule that holds it,
        and a sentence. No needs: no rows.

    Raises
    ------
    ConfigError
        A rule on streets asks for a measure that is not known.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n).

    Examples
    --------
    Opened on 1 May 2020: held on the anniversary, free a day later.

    >>> from shapely import LineString
    >>> from gis_renovation.rule_packs import rules_in_force
    >>> told = {"opened_on": [datetime.date(2020, 5, 1)], "overhauled": [False]}
    >>> street = gpd.GeoDataFrame(told, geometry=[LineString([(0, 0), (9, 0)])], index=["L1"], crs="EPSG:4548")
    >>> need = pd.DataFrame({"street_id": ["L1"]}, index=["N1"])
    >>> day = datetime.date(2025, 5, 1)
    >>> judge_dig_limits(street, need, rules_in_force(), as_of=day).loc["L1", ["dig_status", "free_from_on"]].tolist()
    ['held', datetime.date(2025, 5, 2)]
    """
    asked = set(ids_in(optional_column(with_ids(works_needs, "works_needs"), "street_id")).dropna())
    own = sorted_by_id(streets, "streets")
    own = own[own.index.isin(asked)]
    mine = [
        rule for rule in rules_for(rules, "streets", [*_COUNTED_FROM, *_REMINDERS]) if rule.measure in _COUNTED_FROM
    ]
    limits = _limits(own, mine)
    rows = [_judged(each, as_of) for each in limits]
    columns = ["dig_status", "free_from_on", "opened_free_from_on", "overhauled_free_from_on", "rule_id", "source"]
    table = pd.DataFrame([row for row, _ in rows], columns=columns, index=own.index, dtype="object")
    for name in ("last_dug_on", "guarantee_until"):
        table[name] = [_day(value) for value in optional_column(own, name)]
    table = with_sentences(table, "reason", [Sentence(text) for _, text in rows])
    table.index.name = "street_id"
    made = gpd.GeoDataFrame(table, geometry=own.geometry.to_numpy(), crs=own.crs)
    made.attrs.update(table.attrs)
    return made


def _day(value: Any) -> datetime.date | None:
    if value is None or pd.isna(value):
        return None
    return value.date() if isinstance(value, datetime.datetime) else value


def _limits(streets: pd.DataFrame, rules: Sequence[Rule]) -> list[list[_Limit]]:
    never = known_no(streets, "overhauled")
    found: list[list[_Limit]] = [[] for _ in range(len(streets))]
    for rule in rules:
        column = _COUNTED_FROM[rule.measure]
        years = int(rule.value) if not isinstance(rule.value, tuple) else 0
        for position, value in enumerate(optional_column(streets, column)):
            since = _day(value)
            asks = since is not None or column != "overhauled_on" or not bool(never[position])
            free = None if since is None else years_after(since, years)
            found[position].append(_Limit(rule, column, since, free, asks))
    return found


def _judged(limits: Sequence[_Limit], as_of: datetime.date) -> tuple[list[Any], Text]:
    """A row of the table and its sentence: held by the latest known day, else unknown, else free."""
    known = [one for one in limits if one.free_from is not None]
    last = max(known, key=lambda one: one.free_from or as_of, default=None)
    lacking = [one for one in limits if one.asks and one.free_from is None]
    if last is not None and last.free_from is not None and last.free_from > as_of:
        status = "held"
    else:
        status = "unknown" if lacking else "free"
    by = last if status == "held" else lacking[0] if lacking else last
    days = {one.column: one.free_from for one in limits}
    row = [
        status,
        None if last is None else last.free_from,
        days.get("opened_on"),
        days.get("overhauled_on"),
        None if by is None else by.rule.id,
        None if by is None else by.rule.source.zh,
    ]
    return row, _sentence(status, known, lacking)


def _sentence(status: str, known: Sequence[_Limit], lacking: Sequence[_Limit]) -> Text:
    parts = [
        Text("{what}于 {since}，自 {free} 起不受{clause}限制", "{what} on {since}; free of {clause} from {free}").fill(
            what=_WHEN[one.column], since=one.since, free=one.free_from, clause=one.rule.clause
        )
        for one in known
    ]
    parts += [
        Text("{what}日期未知，待核", "the day of “{what}” is not known: to be verified").fill(what=_WHEN[one.column])
        for one in lacking
    ]
    if status == "held":
        parts.append(
            Text("目前挖掘须经县级以上城市人民政府批准", "digging now needs approval at county level or above")
        )
    return CLAUSES.join(parts) if parts else NO_TEXT + Text("没有适用的限制", "no limit applies")
