"""What operators ask for, made ready to be planned: what is missing, and in which months each work may be done."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.anniversaries import years_after
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.excavation.months import MONTHS
from gis_renovation.ids import ids_in, sorted_by_id
from gis_renovation.schemas import layer_schema
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import known_yes, optional_column, optional_numbers
from gis_renovation.words import CLAUSES, LISTED, Sentence, Text

# Without these a work cannot be planned; unknown is neither 0 nor any year.
NEEDED = ("street_id", "operator", "earliest_year", "latest_year", "duration_months", "cost_yuan")
_NUMBERS = ("earliest_year", "best_year", "latest_year", "duration_months")


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """The years that are planned: ``dig_years`` of them, from the one after the day of the results."""

    dig_years: int = 5
    reopen_years: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.dig_years <= 10 or not 1 <= self.reopen_years <= 10:
            found = f"dig_years = {self.dig_years}, reopen_years = {self.reopen_years}"
            raise ConfigError(
                f"[excavation] dig_years 和 reopen_years 应为 1 至 10 的整数，现为 {found}。",
                f"[excavation] dig_years and reopen_years must be whole numbers from 1 to 10; found {found}.",
            )


def prepare_dig_needs(
    works_needs: pd.DataFrame,
    streets: gpd.GeoDataFrame,
    dig_limits: pd.DataFrame,
    *,
    dig_bans: pd.DataFrame | None = None,
    zones: gpd.GeoDataFrame | None = None,
    zone_schedule: pd.DataFrame | None = None,
    as_of: datetime.date,
    horizon: Horizon = Horizon(),
) -> pd.DataFrame:
    """Which works can be planned, what the others lack, and the months that season, guarantee and law leave.

    Hard: months in which digging is banned, months of a pavement's guarantee, and ``reopen_years`` from the day a
    street was last dug (a parameter of this program, no law). Where the law lets a street be dug from a day within
    a year, only the months that begin after it count for that year; where a whole year lies before that day, or no
    day is known, the year can be planned, but as one that needs approval or verification: the calendar says so.

    Parameters
    ----------
    works_needs
        Indexed by ``need_id``; see the layer's table for its columns.
    streets
        Lines indexed by id, project CRS in metres.
    dig_limits
        As :func:`judge_dig_limits` gives it.
    dig_bans
        Months without digging, by street, network and year where they name them.
    zones, zone_schedule
        Renovation zones and their years: a work in a street of which more than half lies in a zone is asked to be
        done in the zone's years (同步施工).
    as_of
        The day of the results; planned are the years after it.
    horizon
        How many years, and how long a street stays closed to digging after it was dug.

    Returns
    -------
    pandas.DataFrame
        Layer ``dig_needs``, index ``need_id``, sorted: ``readiness`` (ready, incomplete, emergency, out_of_time),
        the columns of the need, zone and its years, ``free_months`` (``2026:3-5,9；2027:1-12``), the years that
        need approval, and a sentence. No needs: no rows.

    Raises
    ------
    CRSError
        Streets and zones do not share one CRS in metres.
    ConfigError
        The horizon is no whole number of years.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n · years + (streets + zones) log zones).

    Examples
    --------
    >>> from shapely import LineString
    >>> street = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (90, 0)])], index=["L1"], crs="EPSG:4548")
    >>> limits = pd.DataFrame({"dig_status": ["held"], "free_from_on": [datetime.date(2026, 4, 2)]}, index=["L1"])
    >>> told = {"street_id": "L1", "operator": "A", "earliest_year": 2025, "latest_year": 2026}
    >>> need = pd.DataFrame({**told, "duration_months": 2, "cost_yuan": 9.0}, index=["N1"])
    >>> made = prepare_dig_needs(need, street, limits, as_of=datetime.date(2024, 9, 30))
    >>> made.loc["N1", ["readiness", "free_months", "approval_years"]].tolist()
    ['ready', '2025:1-12；2026:5-12', '2025']
    """
    needs, roads = sorted_by_id(works_needs, "works_needs"), sorted_by_id(streets, "streets")
    table = _columns(needs)
    unknown_street = table["street_id"].notna() & ~table["street_id"].isin(roads.index)
    table["street_class"] = table["street_id"].map(optional_column(roads, "class"))
    _add_zones(table, roads, zones, zone_schedule)
    years = range(as_of.year + 1, as_of.year + 1 + horizon.dig_years)
    limits: dict[str, Any] = {str(key): row for key, row in dig_limits.to_dict("index").items()}
    bans: list[Any] = [] if dig_bans is None else sorted_by_id(dig_bans, "dig_bans").to_dict("records")
    emergency, texts, made = known_yes(needs, "emergency"), [], []
    rows: list[Any] = table.to_dict("records")
    for position, (row, strange) in enumerate(zip(rows, unknown_street, strict=True)):
        lacking = [name for name in NEEDED if row[name] is None or pd.isna(row[name])]
        if strange:
            lacking.append("street_id")
        limit: Mapping[str, Any] = limits.get(str(row["street_id"]), {})
        free = {} if lacking or emergency[position] else _free_months(row, years, bans, limit, horizon)
        ready = "emergency" if emergency[position] else "incomplete" if lacking else "ready" if free else "out_of_time"
        made.append(
            {
                "readiness": ready,
                "free_months": said_months(free) or None,
                "approval_years": "、".join(str(year) for year in free if _whole_year_held(limit, year)) or None,
                "verify_dates": limit.get("dig_status") == "unknown",
            }
        )
        texts.append(Sentence(_sentence(ready, lacking, made[-1], years)))
    table = table.assign(**{name: [row[name] for row in made] for name in made[0]} if made else _NO_ROWS)
    return with_sentences(table, "reason", texts)


_NO_ROWS: Mapping[str, list[Any]] = {
    "readiness": [],
    "free_months": [],
    "approval_years": [],
    "verify_dates": [],
}


def _columns(needs: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(index=pd.Index(needs.index, name="need_id"))
    table["street_id"] = ids_in(optional_column(needs, "street_id"))
    for name in ("operator", "network"):
        table[name] = optional_column(needs, name)
    for name in _NUMBERS:
        table[name] = optional_numbers(needs, name).round().astype("Int64")
    for name in ("cost_yuan", "depth_m"):
        table[name] = optional_numbers(needs, name)
    return table


def _add_zones(
    table: pd.DataFrame, roads: gpd.GeoDataFrame, zones: gpd.GeoDataFrame | None, schedule: pd.DataFrame | None
) -> None:
    """The zone in which more than half of each work's street lies, and the years of its works."""
    home: dict[str, str] = {}
    if zones is not None and len(zones):
        require_metric(streets=roads, zones=zones)
        areas = sorted_by_id(zones, "zones")
        own = roads[roads.index.isin(table["street_id"].dropna())]
        line, area = areas.sindex.query(own.geometry, predicate="intersects")
        inside = shapely.length(shapely.intersection(own.geometry.to_numpy()[line], areas.geometry.to_numpy()[area]))
        most = inside > own.length.to_numpy()[line] / 2
        home = {str(own.index[i]): str(areas.index[j]) for i, j in zip(line[most], area[most], strict=True)}
    table["zone_id"] = table["street_id"].map(home).astype("object")
    for name, column in (("zone_first_year", "work_year"), ("zone_last_year", "work_end_year")):
        years = None if schedule is None else optional_numbers(schedule, column)
        found = table["zone_id"].map({} if years is None else years.to_dict())
        table[name] = pd.to_numeric(found).astype("float64").round().astype("Int64")
    table["zone_last_year"] = table["zone_last_year"].fillna(table["zone_first_year"])


def _whole_year_held(limit: Mapping[str, Any], year: int) -> bool:
    free = limit.get("free_from_on")
    return not pd.isna(free) and free is not None and free > datetime.date(year, 12, 1)


def _free_months(
    row: Mapping[str, Any],
    years: Iterable[int],
    bans: Iterable[Mapping[str, Any]],
    limit: Mapping[str, Any],
    horizon: Horizon,
) -> dict[int, list[int]]:
    """The months of each year of the window in which the work may be done, years too short for it left out."""
    mine = [ban for ban in bans if _concerns(ban, row)]
    found = {}
    for year in years:
        if not row["earliest_year"] <= year <= row["latest_year"]:
            continue
        first = _first_month(limit, year, horizon)
        months = [m for m in range(first, MONTHS + 1) if not any(_banned(ban, year, m) for ban in mine)]
        if longest_run(months) >= row["duration_months"]:
            found[year] = months
    return found


def _first_month(limit: Mapping[str, Any], year: int, horizon: Horizon) -> int:
    """The first month of a year that begins after guarantee, last digging, and a legal day within that year."""
    days = []
    for name in ("guarantee_until", "last_dug_on"):
        day = limit.get(name)
        if day is not None and not pd.isna(day):
            more = datetime.timedelta(days=1)
            days.append(day + more if name == "guarantee_until" else years_after(day, horizon.reopen_years))
    free = limit.get("free_from_on")
    if free is not None and not pd.isna(free) and not _whole_year_held(limit, year):
        days.append(free)
    first = 1
    for day in days:
        if day > datetime.date(year, 1, 1):
            first = max(first, MONTHS + 1 if day.year > year else day.month + (day.day > 1))
    return first


def _concerns(ban: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a ban is meant for the work; a work of unknown network is held by a ban of any network."""
    street, network = ban.get("street_id"), ban.get("network")
    here = street is None or pd.isna(street) or str(street) == row["street_id"]
    own = row["network"]
    return here and (network is None or pd.isna(network) or own is None or pd.isna(own) or network == own)


def _banned(ban: Mapping[str, Any], year: int, month: int) -> bool:
    first, last, only = int(ban["first_month"]), int(ban["last_month"]), ban.get("year")
    if only is None or pd.isna(only):
        return first <= month <= last if first <= last else month >= first or month <= last
    ahead = (year - int(only)) * MONTHS + month
    return first <= ahead <= (last if first <= last else last + MONTHS)


def longest_run(months: Iterable[int]) -> int:
    """How many months follow one another at most."""
    best = run = 0
    before = -1
    for month in sorted(months):
        run = run + 1 if month == before + 1 else 1
        best, before = max(best, run), month
    return best


def said_months(free: Mapping[int, Iterable[int]]) -> str:
    """Months by year as people read them; :func:`read_months` reads them back.

    >>> said_months({2026: [3, 4, 5, 9], 2027: range(1, 13)})
    '2026:3-5,9；2027:1-12'
    """
    told = []
    for year, months in sorted(free.items()):
        own = np.array(sorted(months))
        runs = np.split(own, np.flatnonzero(np.diff(own) > 1) + 1) if len(own) else []
        spans = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
        told.append(f"{year}:{','.join(spans)}")
    return "；".join(told)


def read_months(text: object) -> dict[int, frozenset[int]]:
    """The months by year of a text of :func:`said_months`; nothing for nothing.

    >>> sorted(read_months("2026:3-5,9")[2026])
    [3, 4, 5, 9]
    """
    found: dict[int, frozenset[int]] = {}
    for part in str(text).split("；") if isinstance(text, str) and text else []:
        year, _, spans = part.partition(":")
        ends = [span.partition("-") for span in spans.split(",")]
        found[int(year)] = frozenset(m for a, _, b in ends for m in range(int(a), int(b or a) + 1))
    return found


def _sentence(ready: str, lacking: Iterable[str], made: Mapping[str, Any], years: range) -> Text:
    if ready == "emergency":
        return Text(
            "抢修不排计划：可先行破路并同时通知，按第三十四条在24小时内补办手续",
            "emergency repairs are not planned: dig at once with notice, papers within 24 hours (Art. 34)",
        )
    if ready == "incomplete":
        fields = layer_schema("works_needs").fields
        named = LISTED.join(dict.fromkeys(fields[name].label for name in lacking))
        return Text("缺 {named}，补齐后才能排", "cannot be planned without: {named}").fill(named=named)
    if ready == "out_of_time":
        return Text(
            "{first}—{last} 年内没有连续够用的月份（时限、禁挖、质保或重挖间隔）",
            "no months in a row in {first}-{last}: window, bans, guarantee or the time since the last digging",
        ).fill(first=years[0], last=years[-1])
    parts = [Text("可排月份 {m}", "may be done in {m}").fill(m=made["free_months"])]
    if made["approval_years"]:
        parts.append(
            Text("{y} 年开挖须经县级以上政府批准", "in {y} only with approval at county level or above").fill(
                y=made["approval_years"]
            )
        )
    if made["verify_dates"]:
        parts.append(Text("道路日期待核", "dates of the street to be verified"))
    return CLAUSES.join(parts)
