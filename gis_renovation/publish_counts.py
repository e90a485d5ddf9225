"""Small counts stay behind, and totals do not give them back.

A count of households or people below k would say something about single households. It is
withheld, and so are further counts of the same zone or county until no published total minus the
published parts gives a withheld part back (primary and complementary suppression; Hundepool et al.,
Statistical Disclosure Control, 2012, chapter 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation.schemas import layer_schemas

# Counts of these units speak of households and people.
PERSONAL_UNITS = ("户", "人")

Bools = NDArray[np.bool_]


def small_counts(values: pd.Series[Any], k: int) -> Bools:
    """Counts from 1 to k - 1; zero says that nobody is there and may be told, unknown is no count."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray((numbers > 0) & (numbers < k))


def withheld_parts(
    values: pd.Series[Any], groupings: Sequence[pd.Series[Any]], k: int
) -> tuple[Bools, list[frozenset[Any]]]:
    """Which parts to withhold so that no total of a group gives a small count back.

    Parameters
    ----------
    values
        One count a feature.
    groupings
        Each a Series on the same index: the group whose total is published (zone, county); a
        missing group belongs to no total.
    k
        Counts from 1 to k - 1 are small.

    Returns
    -------
    tuple
        A mask on the rows of ``values``, and per grouping the groups whose total must be withheld
        too, because too few parts are left to hide behind. In a group with withheld parts these
        are at least two and sum to at least k. Where a group's parts are all of unknown size
        nothing is withheld. Empty in, empty out.

    Notes
    -----
    Greedy, smallest first: at most one part more than needed a group and grouping. Rounds until
    nothing changes; O(rounds x rows x groupings).
    """
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    names = [str(key) for key in values.index]
    withheld = small_counts(values, k)
    totals: list[set[Any]] = [set() for _ in groupings]
    members = [_members(grouping) for grouping in groupings]
    changed = True
    while changed:
        changed = False
        for at, groups in enumerate(members):
            for group, rows in groups.items():
                if group in totals[at] or not withheld[rows].any():
                    continue
                hidden = rows[withheld[rows]]
                if len(hidden) >= 2 and np.nansum(numbers[hidden]) >= k:
                    continue
                open_rows = [row for row in rows.tolist() if not withheld[row] and numbers[row] > 0]
                changed = True
                if open_rows:
                    withheld[min(open_rows, key=lambda row: (numbers[row], names[row]))] = True
                else:
                    totals[at].add(group)
    return withheld, [frozenset(found) for found in totals]


def _members(grouping: pd.Series[Any]) -> dict[Any, NDArray[np.int64]]:
    keys = grouping.to_numpy(dtype=object)
    found: dict[Any, list[int]] = {}
    for row, key in enumerate(keys):
        if not pd.isna(key):
            found.setdefault(key, []).append(row)
    return {key: np.array(found[key], dtype=np.int64) for key in sorted(found, key=str)}


def withhold_small_counts(
    selected: Mapping[str, pd.DataFrame], layers: Mapping[str, pd.DataFrame], k: int
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, list[str]]]]:
    """``selected`` with small counts set to missing, and which: layer -> column -> keys.

    Every published column counted in households or people is looked at. Counts of communities are
    withheld together with zones and reporting units, whose totals could give them back
    (``layers`` knows the members even where the table of members itself is not published). A count
    that is part of another in the same row (started of all) is withheld too when their difference
    is small.
    """
    made = {name: frame.copy() for name, frame in selected.items()}
    gone: dict[str, dict[str, set[str]]] = {}

    def withhold(layer: str, column: str, mask: Bools) -> None:
        if mask.any():
            frame = made[layer]
            gone.setdefault(layer, {}).setdefault(column, set()).update(str(key) for key in frame.index[mask])
            frame[column] = frame[column].mask(pd.Series(mask, index=frame.index))

    for name, frame in selected.items():
        for column in _personal_columns(name, frame):
            withhold(name, column, small_counts(frame[column], k))
        for whole, part in _nested_columns(name, frame):
            difference = pd.to_numeric(frame[whole], errors="coerce") - pd.to_numeric(frame[part], errors="coerce")
            withhold(name, part, small_counts(difference, k))
    if "communities" in made and "households" in made["communities"].columns:
        places = selected["communities"]
        zones, units = _zone_of(places, layers), _unit_of(places, layers)
        mask, (zone_totals, unit_totals) = withheld_parts(places["households"], [zones, units], k)
        withhold("communities", "households", mask)
        unit_totals = _totals_above(places, zones, units, zone_totals, unit_totals)
        for layer, totals in (("zones", zone_totals), ("unit_progress", unit_totals)):
            if layer in made and "households" in made[layer].columns:
                withhold(layer, "households", np.asarray(made[layer].index.isin(totals)))
    return made, {
        layer: {column: sorted(keys) for column, keys in sorted(columns.items())}
        for layer, columns in sorted(gone.items())
    }


def _totals_above(
    places: pd.DataFrame,
    zones: pd.Series[Any],
    units: pd.Series[Any],
    zone_totals: frozenset[Any],
    unit_totals: frozenset[Any],
) -> frozenset[Any]:
    """Counties whose total would give a withheld zone back; never one alone, or the city's total gives it back."""
    hidden = unit_totals | frozenset(units[zones.isin(zone_totals)].dropna())
    others = [unit for unit in units.dropna().unique() if unit not in hidden]
    if len(hidden) == 1 and others:
        sums = pd.to_numeric(places["households"], errors="coerce").groupby(units).sum()
        hidden |= {min(others, key=lambda unit: (sums[unit], str(unit)))}
    return hidden


def _personal_columns(name: str, frame: pd.DataFrame) -> list[str]:
    schema = layer_schemas().get(name)
    if schema is None:
        return []
    return [
        field.name
        for field in schema.fields.values()
        if field.unit in PERSONAL_UNITS and field.name in frame.columns and field.type in {"integer", "number"}
    ]


def _nested_columns(name: str, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of a whole and a part of it in one row: households and started_households."""
    columns = _personal_columns(name, frame)
    return [(whole, part) for whole in columns for part in columns if part != whole and part.endswith(f"_{whole}")]


def _zone_of(places: pd.DataFrame, layers: Mapping[str, pd.DataFrame]) -> pd.Series[Any]:
    members = layers.get("zone_members")
    if members is None or "zone_id" not in members.columns:
        return pd.Series(None, index=places.index, dtype=object)
    return members["zone_id"].reindex(places.index).astype(object)


def _unit_of(places: pd.DataFrame, layers: Mapping[str, pd.DataFrame]) -> pd.Series[Any]:
    whole = layers.get("communities", places)
    if "unit_code" not in whole.columns:
        return pd.Series(None, index=places.index, dtype=object)
    return whole["unit_code"].reindex(places.index).astype(object)
