"""Which published sums of households are made of which communities, and which of them would tell a small count.

A reader has every published total, every published part, what the plan says and what stood in earlier
editions. Withholding a small count is of no use if a total less its open parts, or one total less
another, gives it back, or leaves it no room to be k or more. Here that is decided by the attacker's own
linear program over the withheld parts (primary and complementary suppression; Hundepool et al.,
Statistical Disclosure Control, 2012, ch. 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog

from gis_renovation.arrays import Flags, Floats
from gis_renovation.progress import planned_communities

# Counts are whole: two sums this near are one.
SAME_SUM = 0.5


class Total(NamedTuple):
    """A sum over some parts that readers have. ``fixed`` ones cannot be withheld: they are known from elsewhere.

    ``assumed``: likely, not certainly known; where such a one alone tells a count, the rest is kept all the same.
    ``subtracted`` parts count against it.
    """

    layer: str
    column: str
    key: object
    members: NDArray[np.int64]
    fixed: bool = False
    assumed: bool = False
    subtracted: NDArray[np.int64] = np.empty(0, dtype=np.int64)


# --- which communities a total is made of -----------------------------------------------------------


def published_totals(selected: Mapping[str, pd.DataFrame], layers: Mapping[str, pd.DataFrame]) -> list[Total]:
    """Every published sum of households over communities, as positions in the communities' index.

    A stated total that is not the sum of its parts is of another making than thought; it is not
    listed, and must be treated as if it told everything. What the plan says of each batch and of all
    is fixed: it was announced. O(communities x lines).
    """
    places = layers["communities"]
    numbers = parts_of(places)
    row_of = {place: row for row, place in enumerate(places.index)}
    sums = StatedSums(selected)
    found: list[Total] = []
    for layer, column, key, members in total_groups(selected, layers):
        stated = sums.of(layer, column, key)
        rows = np.array(sorted({row_of[member] for member in members if member in row_of}), dtype=np.int64)
        if stated is not None and abs(stated - np.nansum(numbers[rows])) < SAME_SUM:
            found.append(Total(layer, column, key, rows))
    return found + _announced(places)


class StatedSums:
    """What columns of an edition say of each key, every column read once."""

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._frames, self._read = frames, dict[tuple[str, str], Mapping[object, float]]()

    def of(self, layer: str, column: str, key: object) -> float | None:
        """The number that stands there; None where the layer, the column, the row or the number is not there."""
        if (layer, column) not in self._read:
            cells = self._frames[layer].get(column) if layer in self._frames else None
            known = pd.Series(dtype=float) if cells is None else pd.to_numeric(cells, errors="coerce").dropna()
            self._read[layer, column] = {at: float(number) for at, number in known.items()}
        return self._read[layer, column].get(key)


def parts_of(places: pd.DataFrame) -> Floats:
    """Households of each community, NaN where unknown."""
    return np.asarray(pd.to_numeric(places["households"], errors="coerce").to_numpy(dtype=float, na_value=np.nan))


def _announced(places: pd.DataFrame) -> list[Total]:
    whole = [Total("", "", "all", np.arange(len(places), dtype=np.int64), fixed=True, assumed=True)]
    if "plan_batch" not in places.columns:
        return whole
    batches = places["plan_batch"].astype(object)
    return whole + [
        Total("", "", batch, np.flatnonzero((batches == batch).to_numpy()).astype(np.int64), fixed=True, assumed=True)
        for batch in sorted(batches.dropna().unique(), key=str)
    ]


def total_groups(
    selected: Mapping[str, pd.DataFrame], layers: Mapping[str, pd.DataFrame]
) -> Iterable[tuple[str, str, object, list[object]]]:
    """Layer, column, key and the ids of the communities that its sum is over."""
    places = layers["communities"]
    members = layers.get("zone_members")
    if members is not None and "zone_id" in members.columns:
        for zone, rows in members.groupby("zone_id"):
            yield "zones", "households", zone, list(rows.index)
    pairs = layers.get("project_communities")
    if pairs is not None:
        for project, rows in pairs.drop_duplicates().groupby("project_id"):
            yield "project_states", "households", project, rows["community_id"].tolist()
    lines = _lines_of(places, layers.get("reporting_units"))
    planned = set(places.index[planned_communities(places).rows])
    for line, own in lines.items():
        yield from _with_progress("unit_progress", line, [key for key in own if key in planned], layers)
    if "plan_progress" in selected:
        for key, own in _plan_lines(places, lines).items():
            yield from _with_progress("plan_progress", key, own, layers)


def _with_progress(
    layer: str, key: object, own: list[object], layers: Mapping[str, pd.DataFrame]
) -> Iterable[tuple[str, str, object, list[object]]]:
    """A line's households, and those of its started and completed communities."""
    yield layer, "households", key, own
    progress = layers.get("community_progress")
    for word in ("started", "completed"):
        if progress is not None and word in progress.columns:
            reached = set(progress.index[progress[word] == "yes"])
            yield layer, f"{word}_households", key, [place for place in own if place in reached]


def _lines_of(places: pd.DataFrame, units: pd.DataFrame | None) -> dict[object, list[object]]:
    """Communities on each reporting line: a subdistrict's also count for the units above it."""
    if "unit_code" not in places.columns:
        return {}
    found: dict[object, list[object]] = {}
    codes = places["unit_code"].astype(object)
    for place, code in codes.items():
        line: Any = code
        seen: set[object] = set()
        while not pd.isna(line) and line not in seen:
            found.setdefault(line, []).append(place)
            seen.add(line)
            if units is None or line not in units.index or "parent_code" not in units.columns:
                break
            line = units.loc[line, "parent_code"] if units.loc[line, "level"] == "subdistrict" else None
    return found


def _plan_lines(places: pd.DataFrame, lines: Mapping[object, list[object]]) -> dict[object, list[object]]:
    """Communities on each line of the monthly table: ``<year>-<batch>/<unit>``."""
    years = pd.to_numeric(places.get("plan_year", pd.Series(np.nan, index=places.index)), errors="coerce")
    batches = places.get("plan_batch", pd.Series(None, index=places.index, dtype=object)).astype(object)
    version = {
        place: f"{'unknown' if pd.isna(year) else int(year)}-{'unknown' if pd.isna(batch) else batch}"
        for place, year, batch in zip(places.index, years, batches, strict=True)
    }
    own: dict[object, list[object]] = {}
    on_a_line = {place for members in lines.values() for place in members}
    for line, members in [*lines.items(), ("total", list(places.index))]:
        for place in members:
            own.setdefault(f"{version[place]}/{line}", []).append(place)
    for place in places.index:
        if place not in on_a_line:
            own.setdefault(f"{version[place]}/unassigned", []).append(place)
    return own


# --- which must be withheld -----------------------------------------------------------------------


def withhold_parts(
    values: Floats, hidden: Flags, known: Flags, totals: Sequence[Total], k: int, *, small: Flags | None = None
) -> tuple[Flags, frozenset[int]]:
    """Which further parts and which totals to withhold so that no small count can be computed.

    Parameters
    ----------
    values
        One count a part, NaN where unknown (in no total).
    hidden
        Parts that are withheld anyhow.
    known
        Parts whose value readers have from elsewhere; they hide nothing and cannot be hidden behind.
    totals
        What is published or otherwise known.
    k
        Counts from 1 to k - 1 are small.
    small
        Further hidden parts to protect alike, whatever their value.

    Returns
    -------
    tuple
        The parts withheld in the end, and the positions of the totals withheld. Then for no small part
        do the totals left bound it below k, whatever they are combined with: a reader who knows that
        every withheld part is at least 1 must still hold k or more possible. A smallest open part is
        taken first; a total only where no part is left to hide behind, the one over fewest parts
        first. Where everything else is known from elsewhere nothing helps. Empty in, empty out.

    Notes
    -----
    The greatest value of each small part is a linear program over the withheld parts (the attacker's
    problem; Hundepool et al. 2012, 4.4.1); its dual says which totals bind it. What is withheld later
    only widens the bounds, so one pass over the small parts is enough: as many programs as small parts
    and withheld ones.
    """
    count = np.nan_to_num(values)
    out = hidden.copy()
    gone: set[int] = set()
    table = np.zeros((len(totals), len(count)))
    for at, total in enumerate(totals):
        table[at, total.members] = 1.0
        table[at, total.subtracted] = -1.0
    protected = (count < k) if small is None else (count < k) | small
    for part in np.flatnonzero(out & ~known & (count > 0) & protected).tolist():
        idle: set[int] = set()
        while True:
            live = np.array([at not in gone | idle for at in range(len(totals))], dtype=bool)
            binding = _binding_totals(count, out & ~known & (count > 0), table[live], part, k)
            if binding is None:
                break
            over_totals = np.zeros(len(totals))
            over_totals[live] = binding
            open_parts = np.flatnonzero(~out & ~known & (count > 0) & (np.abs(over_totals @ table) > 1e-9))
            free = [at for at in np.flatnonzero(np.abs(over_totals) > 1e-9).tolist() if not totals[at].fixed]
            if len(open_parts):
                out[open_parts[np.argmin(count[open_parts])]] = True
            elif free:
                gone.add(min(free, key=lambda at: (len(totals[at].members), at)))
            elif assumed := [at for at in np.flatnonzero(np.abs(over_totals) > 1e-9).tolist() if totals[at].assumed]:
                # One at a time: what stood in for it may be a total that can be withheld.
                idle.add(min(assumed))
            else:
                break
    return out, frozenset(gone)


def _binding_totals(count: Floats, unknown: Flags, table: Floats, part: int, k: int) -> Floats | None:
    """Weights of the totals that together bound one part below k; None if they leave k or more possible."""
    columns = np.flatnonzero(unknown)
    touching = table[:, columns]
    used = touching.any(axis=1)
    if not touching[:, columns == part].any():
        return None
    aim = -(columns == part).astype(float)
    found = linprog(
        aim, A_eq=touching[used], b_eq=touching[used] @ count[columns], bounds=(1.0, None), method="highs-ds"
    )
    unbounded = 3
    if found.status == unbounded or (found.success and -found.fun >= k - 1e-6):
        return None
    weights = np.zeros(len(table))
    # Without an answer of the solver every total that touches an unknown part counts as binding.
    weights[used] = found.eqlin.marginals if found.success else 1.0
    return weights
