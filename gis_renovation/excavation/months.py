"""In which months of its year each street is opened: works one after another, the deep before the shallow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MONTHS = 12
_TURNS = 6


class Work(NamedTuple):
    """A work with a year: its number, street and depth (None: unknown), and the months it takes and may take."""

    number: int
    street: str
    year: int
    depth_m: float | None
    months: int
    free: frozenset[int]


class Opening(NamedTuple):
    """A street in a year: its works in their order, and the months in which the block may begin."""

    street: str
    year: int
    works: tuple[Work, ...]
    starts: tuple[int, ...]

    @property
    def months(self) -> int:
        """How long the street stays open."""
        return sum(work.months for work in self.works)


def place_months(
    works: Iterable[Work], access: Mapping[str, Sequence[frozenset[str]]]
) -> tuple[dict[int, int], list[Opening]]:
    """The first month of each work, and the openings that fit nowhere.

    A street's works of a year follow one another without a pause, deepest first, unknown depth last. ``access``
    gives for each street the sets of access streets it belongs to, one a community: of a set of two or more at
    least one stays open in every month. Openings with the fewest possible starts are placed first, each at the
    earliest month that keeps this; what then fits nowhere has the first choice in the next turn, a few turns
    long. O(openings · months · communities).
    """
    grouped: dict[tuple[str, int], list[Work]] = {}
    for work in works:
        grouped.setdefault((work.street, work.year), []).append(work)
    openings = [_opening(street, year, own) for (street, year), own in sorted(grouped.items())]
    openings.sort(key=lambda one: (len(one.starts), one.year, one.street))
    for _ in range(_TURNS):
        first, stuck = _in_turn(openings, access)
        movable = [one for one in stuck if one.starts]
        if not movable:
            break
        openings = [*movable, *(one for one in openings if one not in movable)]
    return first, stuck


def _in_turn(
    openings: Sequence[Opening], access: Mapping[str, Sequence[frozenset[str]]]
) -> tuple[dict[int, int], list[Opening]]:
    closed: dict[tuple[int, int], set[str]] = {}
    first: dict[int, int] = {}
    stuck = []
    for opening in openings:
        start = next((month for month in opening.starts if _keeps_access(opening, month, closed, access)), None)
        if start is None:
            stuck.append(opening)
            continue
        for month in range(start, start + opening.months):
            closed.setdefault((opening.year, month), set()).add(opening.street)
        for work in opening.works:
            first[work.number] = start
            start += work.months
    return first, stuck


def _opening(street: str, year: int, works: Sequence[Work]) -> Opening:
    deep = sorted(works, key=lambda one: (one.depth_m is None, -(one.depth_m or 0.0), one.number))
    starts = []
    for start in range(1, MONTHS + 1):
        at, fits = start, True
        for work in deep:
            fits = fits and set(range(at, at + work.months)) <= work.free
            at += work.months
        if fits:
            starts.append(start)
    return Opening(street, year, tuple(deep), tuple(starts))


def _keeps_access(
    opening: Opening,
    start: int,
    closed: Mapping[tuple[int, int], set[str]],
    access: Mapping[str, Sequence[frozenset[str]]],
) -> bool:
    for month in range(start, start + opening.months):
        now = closed.get((opening.year, month), set()) | {opening.street}
        if any(len(roads) > 1 and roads <= now for roads in access.get(opening.street, ())):
            return False
    return True
