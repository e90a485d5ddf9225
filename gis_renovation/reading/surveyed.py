"""Lines of a pipe survey: a table of lines names its ends by point numbers, a table of points says where these lie.

Surveys after CJJ 61 come so: a sheet of points (X is the northing), a sheet of lines from number to number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.errors import FeatureRef
from gis_renovation.reading.formats import Reading
from gis_renovation.reading.joins import join_keys
from gis_renovation.reading.values import one_text, row_refs
from gis_renovation.words import Text

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry


@dataclass
class SurveyedLines:
    """The lines that could be drawn, None for a row that could not, and why not.

    ``missing`` names each number that no point has, by the row of the line; ``blank`` the rows without a number;
    ``repeated`` numbers at several places; ``unplaced`` points without coordinates that a line asks for; ``closed``
    lines whose two ends are one place.
    """

    shapes: list[BaseGeometry | None]
    missing: list[FeatureRef] = field(default_factory=list)
    blank: list[FeatureRef] = field(default_factory=list)
    repeated: list[FeatureRef] = field(default_factory=list)
    unplaced: list[FeatureRef] = field(default_factory=list)
    closed: list[FeatureRef] = field(default_factory=list)


def lines_between(start: pd.Series, end: pd.Series, numbers: pd.Series, x: Floats, y: Floats) -> SurveyedLines:
    """A straight line for each row of ``start`` and ``end``, between the points of these numbers.

    ``x`` (easting or longitude) and ``y`` belong to the points ``numbers``; NaN where unknown. Numbers are compared
    as people write them (:func:`joins.join_keys`). A number that stands at several places more than 1 mm apart
    means none of them. Rows are named by the index of ``start``. O(rows).
    """
    import shapely

    places, repeated = _places(join_keys(numbers), x, y)
    done = SurveyedLines([])
    for ref, *ends in zip(row_refs(start.index), join_keys(start), join_keys(end), start, end, strict=True):
        keys, said = ends[:2], [one_text(cell) or "" for cell in ends[2:]]
        done.shapes.append(None)
        if not all(keys):
            done.blank.append(ref)
        named = [ref._replace(mark=" ", value=text) for text in said]
        found = [places.get(key) if key else None for key in keys]
        for key, place, one in zip(keys, found, named, strict=True):
            if key in repeated:
                done.repeated.append(one)
            elif key and place is None:
                done.missing.append(one)
            elif place is not None and not np.isfinite(place).all():
                done.unplaced.append(one)
        known = [p for key, p in zip(keys, found, strict=True) if p is not None and key not in repeated]
        if len(known) < 2 or not np.isfinite(known).all():
            continue
        if known[0] == known[1]:
            done.closed.append(ref)
        else:
            done.shapes[-1] = shapely.LineString(known)
    return done


# Two rows of one number this near are one point measured once.
_SAME_M = 0.001


def _places(keys: Sequence[str], x: Floats, y: Floats) -> tuple[dict[str, tuple[float, float]], set[str]]:
    """Where each number lies, and which numbers lie at several places."""
    places: dict[str, tuple[float, float]] = {}
    several: set[str] = set()
    for key, *place in zip(keys, x.tolist(), y.tolist(), strict=True):
        before = places.get(key)
        if not key:
            continue
        if before is None or not np.isfinite(before).all():
            places[key] = (place[0], place[1])
        elif np.isfinite(place).all() and max(abs(place[0] - before[0]), abs(place[1] - before[1])) > _SAME_M:
            several.add(key)
    return places, several


def say_lines(lines: SurveyedLines, reading: Reading, path: Path, points: str) -> None:
    """Say of every line that could not be drawn why not, with its sheet, row and number.

    ``points`` is what the table of points is called.
    """
    sheet = reading.card.source.layer_name
    where = Text(f"工作表“{sheet}”中", f"sheet {sheet!r}: ") if sheet else Text("", "")
    told = {
        "point_missing": Text(
            f"管线端点的点号在“{points}”里没有，该行没有图形；请在点表补上这些点，或改正点号",
            f"ends of lines name points that {points!r} does not have, so the row has no shape; add the points or "
            "correct the numbers",
        ),
        "point_blank": Text(
            "起点点号或终点点号空着，该行没有图形；请补上",
            "the number of the first or last point is empty, so the row has no shape; fill it in",
        ),
        "point_repeated": Text(
            f"同一点号在“{points}”里有几个不同的坐标，不知道用哪一个，该行没有图形；请改正点表",
            f"one number has several places in {points!r} and which is meant cannot be told, so the row has no shape; "
            "correct the table of points",
        ),
        "point_unplaced": Text(
            f"端点在“{points}”里没有能读出的坐标，该行没有图形；请补上坐标",
            f"the point has no coordinates in {points!r} that can be read, so the row has no shape; fill them in",
        ),
        "line_closed": Text(
            "起点与终点是同一个位置，画不成线；请改正点号",
            "first and last point are one place, which is no line; correct the numbers",
        ),
    }
    found = (lines.missing, lines.blank, lines.repeated, lines.unplaced, lines.closed)
    for (code, text), features in zip(told.items(), found, strict=True):
        if features:
            said = where + text
            reading.say("error", code, path, f"{said.zh}。", f"{said.en}.", features=features)
