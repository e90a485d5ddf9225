"""A ledger's rows onto a layer's by a common number: nothing chosen, lost or doubled without a word.

Boundaries often come in one file and the households, years and areas in another, an office's ledger. Pure
frames in and out; ``io`` reads the files, ``cards`` says which columns meet.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from gis_renovation.arrays import Flags
from gis_renovation.config import nearest_key, toml_inline
from gis_renovation.errors import ConfigError, FeatureRef, Severity, by_key
from gis_renovation.numerals import UNITS, header_unit, plain_text, read_quantity, unit_factor
from gis_renovation.reading.cards import Join
from gis_renovation.reading.taking import no_column
from gis_renovation.reading.values import (
    is_unknown,
    one_text,
    row_refs,
)
from gis_renovation.words import NO_TEXT, Text

if TYPE_CHECKING:
    import geopandas as gpd

# What a card writes before the name of a column to mean the ledger's, where both files have one of that name.
LEDGER_PREFIX = "ledger"

# Takes severity, code, Chinese, English and features; nothing is said where there are none to name but an error's.
Say = Callable[[Severity, str, str, str, Sequence[FeatureRef]], None]


@dataclass(frozen=True)
class Matched:
    """For each row of the layer the position of its ledger row (-1: none), and the numbers of both sides."""

    positions: Any
    ours: list[str]
    theirs: list[str]
    repeated: Mapping[str, list[int]]
    padded: list[FeatureRef]


def join_keys(cells: Iterable[object]) -> list[str]:
    """Numbers as people write them, as one text each: full-width, blanks and “.0” do not count; unknown is empty.

    “ TJA００１ ” and “TJA001” are one, and so are 1, 1.0 and “1”; “001” stays “001”.
    """
    return ["" if is_unknown(v) else re.sub(r"\s+", " ", plain_text(one_text(v) or "")) for v in cells]


def match_rows(ours: list[str], theirs: list[str]) -> Matched:
    """Which ledger row belongs to which row of the layer.

    Equal numbers meet. Those left over on both sides meet if they differ only by zeros in front, which
    spreadsheets drop, and if only one on each side can be meant; ``padded`` names them. Numbers that stand in
    several ledger rows meet none and are in ``repeated``. O(rows).
    """
    places: dict[str, list[int]] = {}
    for position, key in enumerate(theirs):
        if key:
            places.setdefault(key, []).append(position)
    repeated = {key: rows for key, rows in places.items() if len(rows) > 1}
    known = set(ours)
    meant = {key: key for key in known & set(places)}
    bare = [_by_bare(left - {""}) for left in (known - set(places), set(places) - known)]
    padded = {a[0]: bare[1][k][0] for k, a in bare[0].items() if len(a) == 1 and len(bare[1].get(k, ())) == 1}
    # “001” in one file and both “1” and “01” in the other: no one can say which is meant.
    taken = {_bare(key) for key in meant}
    padded = {key: other for key, other in padded.items() if _bare(key) not in taken}
    meant |= padded
    single = {key: rows[0] for key, rows in places.items() if len(rows) == 1}
    positions = np.array([single.get(meant.get(key, ""), -1) for key in ours], dtype=np.int64)
    names = [FeatureRef(a, mark="＝", value=b) for a, b in padded.items() if b in single]
    return Matched(positions, ours, theirs, repeated, sorted(names, key=lambda ref: ref.spoken("zh")))


def _bare(key: str) -> str:
    return (key.lstrip("0") or "0") if key.isascii() and key.isdigit() else key


def _by_bare(keys: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in sorted(keys):
        found.setdefault(_bare(key), []).append(key)
    return found


def join_ledger(
    frame: gpd.GeoDataFrame,
    ledger: pd.DataFrame,
    join: Join,
    *,
    prefix: str,
    asked: Sequence[str],
    merges: bool,
    say: Say,
) -> tuple[Any, dict[str, int]]:
    """``frame`` with the ledger's columns beside its own, row for row, and the counts for the manifest.

    A column of the ledger keeps its name; where the layer has one of the same name it becomes ``prefix.NAME``,
    and ``asked`` may name any column of the ledger so. Rows never multiply. Said are: numbers that stand in
    several ledger rows (error, none of them is taken), ledger rows without a number or without a feature,
    features without a ledger row, and columns of the same name whose values differ. ``merges`` tells that
    pieces of one number are merged later. Raises ConfigError for a column that is missing on either side.
    O(rows x columns).
    """
    left, right = join.sides
    _need(left, frame, "本图层的文件", "the layer's file")
    _need(right, ledger, "台账", "the ledger")
    matched = match_rows(join_keys(frame[left]), join_keys(ledger[right]))
    theirs = ledger.drop(columns=[c for c in (right, "geometry") if c in ledger])
    counts = _account(matched, ledger, frame, (left, right), say)
    _say_shared(matched, left, merges, say)
    _say_running(matched, frame, ledger, (left, right), say)
    _say_differing(matched, frame.drop(columns=left), theirs, prefix=prefix, asked=asked, say=say)
    return _beside(matched, frame, theirs, prefix, asked), counts


def _need(name: str, table: pd.DataFrame, zh: str, en: str) -> None:
    if name in table.columns:
        return
    hint = nearest_key(name, [str(c) for c in table.columns if c != "geometry"])
    raise ConfigError(
        f"来源卡 [join] on：{zh}没有列“{name}”；{hint.zh}",
        f"The card's [join] on: {en} has no column {name!r}; {hint.en}",
    )


def _account(
    matched: Matched, ledger: pd.DataFrame, frame: pd.DataFrame, on: tuple[str, str], say: Say
) -> dict[str, int]:
    """What of either side found nothing on the other, said with rows, and counted."""
    names = row_refs(ledger.index)
    used = {int(p) for p in matched.positions if p >= 0}
    several = {p for rows in matched.repeated.values() for p in rows}
    blank = [names[p] for p, key in enumerate(matched.theirs) if not key]
    lone = [p for p, key in enumerate(matched.theirs) if key and p not in used and p not in several]
    without = [
        FeatureRef(key) if key else row._replace(value="没有编号")
        for key, row, p in zip(matched.ours, row_refs(frame.index), matched.positions, strict=True)
        if p < 0 and key not in matched.repeated
    ]
    _say_repeated(matched, names, on[1], ledger, say)
    if len(ledger) and len(frame) and not used:
        _say_nothing_met(matched, on, say)
    else:
        _say_unmatched([names[p]._replace(key=matched.theirs[p]) for p in lone], without, on[1], say)
    _say_blank(blank, on[1], say)
    _say_padded(matched, say)
    return {
        "features_joined": int((matched.positions >= 0).sum()),
        "features_without_row": len(matched.ours) - int((matched.positions >= 0).sum()),
        "rows_used": len(used),
        "rows_without_feature": len(lone),
        "rows_without_number": len(blank),
        "rows_repeated": len(several),
    }


def _say_nothing_met(matched: Matched, on: tuple[str, str], say: Say) -> None:
    left, right = on
    say(
        "error", "join_nothing_met",
        f"台账“{right}”与本图层“{left}”没有一个相同，什么也没有取到；请核对两边的编号列，改正来源卡 [join] 的 on。"
        f"本图层如 {_some(matched.ours)}；台账如 {_some(matched.theirs)}。",
        f"No {right!r} of the ledger equals a {left!r} of the layer, so nothing was taken; correct on in [join]. "
        f"The layer has {_some(matched.ours)}; the ledger {_some(matched.theirs)}.",
        (),
    )  # fmt: skip


def _say_unmatched(lone: list[FeatureRef], without: list[FeatureRef], right: str, say: Say) -> None:
    say(
        "warning", "join_ledger_only",
        f"台账中这些“{right}”在本图层没有对应的图形，台账的这些行没有用上；请补画边界，或核对编号。",
        f"These {right!r} of the ledger have no feature in the layer, so their rows are not used; add shapes or "
        "correct the numbers.",
        lone,
    )  # fmt: skip
    say(
        "warning", "join_layer_only",
        "这些要素在台账中没有对应的行，取自台账的各项按未知处理；请补台账，或核对编号。",
        "These features have no row in the ledger; what is taken from it is unknown for them. Add them to the "
        "ledger, or correct the numbers.",
        without,
    )  # fmt: skip


def _say_blank(blank: list[FeatureRef], right: str, say: Say) -> None:
    say(
        "warning", "join_no_number",
        f"台账的这些行没有“{right}”，没有用上。",
        f"These rows of the ledger have no {right!r} and are not used.",
        blank,
    )  # fmt: skip


def _say_padded(matched: Matched, say: Say) -> None:
    say(
        "note", "join_zeros",
        "这些编号只差前面的零（表格软件会丢掉），按同一编号对应。",
        "These numbers differ only by zeros in front, which spreadsheets drop; taken as the same.",
        matched.padded,
    )  # fmt: skip


def _some(keys: list[str]) -> str:
    return "、".join([key for key in dict.fromkeys(keys) if key][:3]) or "—"


def _say_repeated(matched: Matched, names: list[FeatureRef], right: str, ledger: pd.DataFrame, say: Say) -> None:
    rows = [row for at in matched.repeated.values() for row in at]
    columns = [str(name) for name in ledger.columns if name not in (right, "geometry")]
    line = take_line(ledger.iloc[rows], [name for name in columns if ledger[name].notna().any()])
    say(
        "error", "join_repeated",
        f"台账的“{right}”有重复，不知以哪一行为准，一行也没有取。重复是错的，请在台账中改正；本来就一栋楼一行的，"
        f"在来源卡 [join] 写明几行怎样并成一行，如 {line}。",
        f"These {right!r} stand in several rows of the ledger; none of them was taken, as it cannot be known which "
        "counts. If that is wrong, correct the ledger; if it has a row for each building, say in [join] how they "
        f"become one, such as {line}.",
        [FeatureRef(key, tuple(n for p in at for n in names[p].rows)) for key, at in sorted(matched.repeated.items())],
    )  # fmt: skip


def _say_shared(matched: Matched, left: str, merges: bool, say: Say) -> None:
    keys = pd.Series(matched.ours, dtype=object)[matched.positions >= 0]
    many = [] if merges else sorted(keys[keys.duplicated()].unique())
    say(
        "warning", "join_row_shared",
        f"几个要素的“{left}”相同，取了台账的同一行；户数、面积等相加时会重复计算。"
        "如是同一要素的几块，请在来源卡写 [repair] merge_pieces = true。",
        f"Several features have one {left!r} and took the same ledger row; sums over them count it more than once. If "
        "they are pieces of one feature, write [repair] merge_pieces = true in the card.",
        by_key(many),
    )  # fmt: skip


def is_running(cells: Iterable[object]) -> bool:
    """Whether numbers only count the rows: 0 or 1 and on without a gap, in any order; as OBJECTID and 序号 do."""
    keys = join_keys(cells)
    if len(keys) < _FEWEST_RUNNING or not all(key.isascii() and key.isdigit() for key in keys):
        return False
    numbers = sorted(map(int, keys))
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


_FEWEST_RUNNING = 3

# Columns with a name in words are held to confirm a join if so many of the rows that met say the same.
_CONFIRMS = 0.9


def confirmed_by_words(matched: Matched, frame: pd.DataFrame, ledger: pd.DataFrame, on: tuple[str, str]) -> bool:
    """Whether some column of words, other than those joined by, tells rows apart and says the same on both sides."""
    rows = np.flatnonzero(matched.positions >= 0)
    if not len(rows):
        return False
    ours = {str(name): join_keys(frame[name].iloc[rows]) for name in frame.columns if name not in (on[0], "geometry")}
    theirs = [join_keys(ledger[name].iloc[matched.positions[rows]]) for name in ledger.columns if name != on[1]]
    return any(
        len(set(a)) > len(rows) / 2
        and not is_running(a)
        and sum(x == y != "" for x, y in zip(a, b, strict=True)) >= _CONFIRMS * len(rows)
        for a in ours.values()
        for b in theirs
    )


def _say_running(matched: Matched, frame: pd.DataFrame, ledger: pd.DataFrame, on: tuple[str, str], say: Say) -> None:
    """Two columns that only count rows meet whatever the rows are; nothing else says that they belong together."""
    left, right = on
    if not (is_running(frame[left]) and is_running(ledger[right])):
        return
    if confirmed_by_words(matched, frame.drop(columns="geometry", errors="ignore"), ledger, on):
        return
    say(
        "warning", "join_running_numbers",
        f"本图层“{left}”与台账“{right}”都只是流水号（从 1 数起），对得上不说明是同一个；也没有名称之类的列能印证。"
        "请改用小区编号或名称对应，或逐行核对。",
        f"{left!r} of the layer and {right!r} of the ledger only count rows: that they meet does not make them the "
        "same, and no names confirm it. Join by ids or names, or check row by row.",
        [FeatureRef(key) for key in matched.ours],
    )  # fmt: skip


def _beside(
    matched: Matched, frame: gpd.GeoDataFrame, theirs: pd.DataFrame, prefix: str, asked: Sequence[str]
) -> gpd.GeoDataFrame:
    """The layer's rows with the ledger's columns, renamed where the layer has one of the same name."""
    taken = theirs.set_axis(range(len(theirs))).reindex(matched.positions).set_axis(frame.index)
    added = {}
    for name in map(str, taken.columns):
        long = f"{prefix}.{name}"
        if name not in frame.columns and (long not in asked or name in asked):
            added[name] = taken[name]
        if name in frame.columns or long in asked:
            added[long] = taken[name]
    twice = [name for name in added if name in frame.columns]
    if twice:
        raise ConfigError(
            f"来源卡 [join]：本图层的文件已有名为“{twice[0]}”的列，与台账的列混淆；请先把这一列改名。",
            f"The card's [join]: the layer's file already has a column {twice[0]!r}; rename it first.",
        )
    return frame.assign(**added)


def _say_differing(
    matched: Matched, frame: pd.DataFrame, theirs: pd.DataFrame, *, prefix: str, asked: Sequence[str], say: Say
) -> None:
    """Columns that both files have, as far as their names say, with values that are not the same."""
    rows = np.flatnonzero(matched.positions >= 0)
    bare = {_plain_name(str(name)): str(name) for name in frame.columns if name != "geometry"}
    for name in map(str, theirs.columns):
        ours = name if name in frame.columns else bare.get(_plain_name(name))
        if ours is None:
            continue
        pairs = zip(frame[ours].iloc[rows], theirs[name].iloc[matched.positions[rows]], rows, strict=True)
        differ = [(row, a, b) for a, b, row in pairs if not _alike(a, b, ours, name)]
        shown = f"{prefix}.{name}" if name in frame.columns else name
        chosen = shown in asked
        say(
            "note" if chosen else "warning", "join_values_differ",
            f"图层文件的“{ours}”与台账的“{name}”不一致（图层→台账）；"
            + ("来源卡已指定取台账的。" if chosen else f'现取图层文件的；要取台账的，请在 [columns] 写 "{shown}"。'),
            f"{ours!r} of the layer's file and {name!r} of the ledger differ (layer→ledger); "
            + ("the card takes the ledger's." if chosen else f'the layer counts unless [columns] says "{shown}".'),
            [FeatureRef(matched.ours[row], mark="=", value=f"{_shown(a)}→{_shown(b)}") for row, a, b in differ],
        )  # fmt: skip


def _plain_name(name: str) -> str:
    """A column's name without its unit and the header's upper levels."""
    return header_unit(name)[0].rsplit("/", 1)[-1].lower()


def _shown(value: object) -> str:
    return (one_text(value) or "空").replace("→", "-")


def _alike(first: object, second: object, first_name: str, second_name: str) -> bool:
    """Whether two cells say the same: as text, or as numbers in the units they and their columns state."""
    a, b = (plain_text(one_text(v) or "") for v in (first, second))
    if a == b:
        return True
    one, other = read_quantity(a), read_quantity(b)
    if one is None or other is None:
        return False
    units = [found.unit or header_unit(name)[1] for found, name in ((one, first_name), (other, second_name))]
    factors = [_factors(units[0], units[1], target) for target in UNITS]
    known = next((pair for pair in factors if pair), None)
    return known is not None and bool(np.isclose(one.value * known[0], other.value * known[1], rtol=1e-9))


def _factors(first: str, second: str, target: str) -> tuple[float, float] | None:
    """What makes both numbers ``target``; a number without a unit is in it already."""
    a, b = (unit_factor(unit, target) if unit else 1.0 for unit in (first, second))
    return None if a is None or b is None else (a, b)


def fold_rows(
    table: pd.DataFrame,
    join: Join,
    *,
    where: str,
    unknown: Mapping[str, Sequence[object]] = MappingProxyType({}),
    say: Say | None = None,
) -> pd.DataFrame:
    """One row for each value of ``join.on``: several rows become one as ``join.take`` says.

    Numbers are met as :func:`join_keys` writes them. What a column of ``unknown`` holds that means unknown is so
    before anything is added up; a text that is no number is unknown too. ``unanimous`` gives the common value or
    unknown; a ``sum`` with an unknown part is unknown; ``sum_known``, ``min`` and ``max`` are of the known ones and
    then written as approximate (“约150”), as is all that comes of an approximate number. ``say`` is told of unknown
    parts with the table's rows. Indexed by ``join.on``, sorted. Raises ConfigError for columns the table does not have.
    O(rows x columns).
    """
    key = join.sides[1]
    for name in (key, *join.take):
        if name not in table.columns:
            raise no_column(name, table, "join", where)
    keys = pd.Series(join_keys(table[key]), index=table.index, dtype=object, name=key)
    rows = pd.Series(row_refs(table.index), index=table.index, dtype=object)
    kept = (keys != "").to_numpy()
    folded = {}
    for name, how in join.take.items():
        cells = _without_unknown(table[name], unknown.get(name, ()))
        if how in _WAYS:
            amounts = _as_amounts(cells, name, rows, say)
            cells = amounts.values
            if say is not None:
                _say_partial(cells[kept], keys[kept], rows[kept], name, how=how, say=say)
            folded[name] = _one_amount(amounts, keys, kept, how)
            continue
        groups = cells[kept].groupby(keys[kept], sort=True)
        if how == "unanimous":
            agreed = groups.nunique().eq(1)
            folded[name] = groups.first().where(agreed)
            if say is not None:
                _say_silent(cells[kept], keys[kept], rows[kept], name, agreed=agreed, say=say)
        else:
            folded[name] = getattr(groups, how)()
    return pd.DataFrame(folded, index=pd.Index(sorted(set(keys[kept])), name=key))


def _without_unknown(cells: pd.Series, means_unknown: Sequence[object]) -> pd.Series:
    """Cells with nothing where they say that they are unknown, in general or by the card."""
    texts = {str(value) for value in means_unknown}
    known = [
        not is_unknown(cell) and cell not in means_unknown and (one_text(cell) or "").strip() not in texts
        for cell in cells.astype(object).where(cells.notna(), None)
    ]
    return cells.where(np.array(known, dtype=bool))


def _measure(unit: str) -> tuple[str, float]:
    """What a unit measures and how much of the plain unit it is; ㎡ and 平方米 are one."""
    found = ((target, family[unit]) for target, family in UNITS.items() if unit in family)
    return next(found, (unit, 0.0))


def _has_plain(units: Iterable[str]) -> bool:
    """Whether one of the units is what people leave out: households, square metres, metres, yuan."""
    return any(_measure(unit)[1] == 1 for unit in units)


class _Amounts(NamedTuple):
    """A column of numbers or days: its values, which are approximate, and the unit that all of them are written in."""

    values: pd.Series
    estimates: Any
    unit: str = ""


def _as_amounts(cells: pd.Series, name: str, rows: pd.Series, say: Say | None) -> _Amounts:
    """Cells as numbers, or as they are where they hold days; texts that are no number are unknown, and said."""
    none = np.zeros(len(cells), dtype=bool)
    if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return _Amounts(cells, none)
    known = cells.dropna()
    if len(known) and all(isinstance(cell, datetime.date) for cell in known):
        return _Amounts(cells, none)
    read = {at: read_quantity(plain_text(one_text(cell) or "")) for at, cell in known.items()}
    units = {found.unit for found in read.values() if found is not None}
    # A bare number is in the header's unit, or in the plain one of those written.
    if "" in units and (_measure(header_unit(name)[1]) in set(map(_measure, units - {""})) or _has_plain(units)):
        units -= {""}
    units = set({_measure(unit): unit for unit in sorted(units)}.values())
    values = {at: found.value for at, found in read.items() if found is not None and len(units) <= 1}
    numbers = pd.Series([values.get(at, np.nan) for at in cells.index], index=cells.index, dtype="float64")
    if say is not None:
        _say_strange(cells, [at for at in known.index if at not in values], sorted(units), name, rows=rows, say=say)
    rough = {at for at, found in read.items() if found is not None and found.estimate and at in values}
    about = np.array([at in rough for at in cells.index], dtype=bool)
    return _Amounts(numbers, about, next(iter(units), "") if len(units) == 1 else "")


def _say_strange(
    cells: pd.Series, strange: Sequence[Any], units: Sequence[str], name: str, *, rows: pd.Series, say: Say
) -> None:
    """Cells that cannot be added up: no numbers, or in several units."""
    named = rows.to_dict()
    listed = Text("、".join(unit or "不写单位" for unit in units), ", ".join(unit or "no unit" for unit in units))
    several = len(units) > 1
    differ = Text(f"，或单位不一（{listed.zh}）", f" or differ in unit ({listed.en})") if several else NO_TEXT
    say(
        "error", "join_not_a_number",
        f"台账“{name}”要合并计算，这些行却不是数{differ.zh}；请在台账中改正，只表示不详的写进来源卡该列的"
        " unknown = […]。",
        f"{name!r} of the ledger is to be added up, but these rows hold no number{differ.en}; correct them there, "
        "or list what only means unknown as unknown = […] in the card.",
        [named[at]._replace(mark="=", value=_shown(cells[at])) for at in strange],
    )  # fmt: skip


def _one_amount(amounts: _Amounts, keys: pd.Series, kept: Flags, how: str) -> pd.Series:
    """The amounts of each number as one; written as people do where it is approximate or has a unit."""
    values, at = amounts.values[kept], keys[kept]
    groups = values.groupby(at, sort=True)
    found = groups.sum(min_count=1) if how in ("sum", "sum_known") else getattr(groups, how)()
    partial = values.isna().groupby(at, sort=True).any()
    found = found.mask(partial) if how == "sum" else found
    if not pd.api.types.is_numeric_dtype(values):
        return found
    about = pd.Series(amounts.estimates[kept], index=values.index).groupby(at, sort=True).any() | partial
    if not amounts.unit and not (about & found.notna()).any():
        return found
    written = [
        None if pd.isna(value) else f"{'约' if rough else ''}{value:.12g}{amounts.unit}"
        for value, rough in zip(found, about, strict=True)
    ]
    return pd.Series(written, index=found.index, dtype=object)


# How several amounts become one, and what is said where a part of them is unknown.
_WAYS: Mapping[str, tuple[Severity, Text]] = {
    "sum": (
        "warning",
        Text(
            "同一编号的合计因此未知；请补台账。只要已知各行之和的，请在来源卡 [join] 的 take 中把 sum 改为 sum_known，"
            "结果标为约数。",
            "so the sums of their numbers are unknown. Complete the ledger, or write sum_known for sum in [join] take "
            "to add the known rows alone, marked as approximate.",
        ),
    ),
    "sum_known": (
        "warning",
        Text(
            "按来源卡 sum_known 只加了同一编号的其余行，实际更多，已标为约数。",
            "so only the other rows of the number were added, as sum_known says: too little, marked as approximate.",
        ),
    ),
    "min": (
        "note",
        Text("取的是同一编号其余行中最小的，已标为约数。", "so the least of the other rows is approximate."),
    ),
    "max": (
        "note",
        Text("取的是同一编号其余行中最大的，已标为约数。", "so the largest of the other rows is approximate."),
    ),
}  # fmt: skip


def _say_partial(cells: pd.Series, keys: pd.Series, rows: pd.Series, name: str, *, how: str, say: Say) -> None:
    """Amounts of which a part is unknown; unknown is not nought."""
    some = cells.notna().groupby(keys).transform("any") & cells.isna()
    severity, said = _WAYS[how]
    say(
        severity, f"join_{how.removesuffix('_known')}_partial",
        f"台账“{name}”的这些行未知，{said.zh}", f"{name!r} of the ledger is unknown in these rows, {said.en}",
        [row._replace(key=key) for row, key in zip(rows[some], keys[some], strict=True)],
    )  # fmt: skip


def _say_silent(cells: pd.Series, keys: pd.Series, rows: pd.Series, name: str, *, agreed: pd.Series, say: Say) -> None:
    """Rows that say nothing where the others agree; what these say is taken for all."""
    silent = keys.map(agreed) & cells.isna()
    if not silent.any():
        return
    say(
        "note", "join_unanimous_partial",
        f"台账“{name}”的这些行未知，同一编号的其他各行写法一致，按其他各行采用。",
        f"{name!r} of the ledger is unknown in these rows; the other rows of the number agree, and theirs is used.",
        [row._replace(key=key) for row, key in zip(rows[silent], keys[silent], strict=True)],
    )  # fmt: skip


def take_line(table: pd.DataFrame, columns: Iterable[str]) -> str:
    """The line of ``[join]`` that makes one row of several.

    Amounts are added, of years and days the earliest is taken, of all else what all rows agree on.
    """
    ways = {}
    for name in columns:
        known = table[name].dropna()
        numbers = [read_quantity(plain_text(one_text(cell) or "")) for cell in known]
        bare = _plain_name(name)
        if any(isinstance(cell, datetime.date) for cell in known) or re.search("年|日期|时间|year|date", bare):
            ways[name] = "min"
        elif len(known) and all(number is not None for number in numbers) and not _NO_AMOUNT.search(bare):
            ways[name] = "sum"
        else:
            ways[name] = "unanimous"
    return f"take = {toml_inline(ways)}"


# Numbers that mean nothing when added: of a place, a plan, a storey, a ratio.
_NO_AMOUNT = re.compile("号|码|代码|编号|层数|楼层|率|比|单价|id$|no$|code|floor|storey|share|ratio", re.IGNORECASE)
