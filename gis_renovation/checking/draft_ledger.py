"""A ledger for boundaries that already have a card: the ``[join]`` section, drafted, and put into that card.

Only what the numbers themselves show is drafted: the two columns that meet, and the fields that the card does
not have yet. A person decides which file counts where both have a field.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gis_renovation.checking.draft import relative_path
from gis_renovation.checking.draft_columns import alike_column
from gis_renovation.checking.inspecting import coordinate_columns, inspect_file
from gis_renovation.config import toml_inline
from gis_renovation.errors import ConfigError, FileError, GisRenovationError
from gis_renovation.numerals import header_unit, unit_factor
from gis_renovation.reading import (
    LEDGER_PREFIX,
    RASTER_SUFFIXES,
    Card,
    ColumnRule,
    confirmed_by_words,
    find_file,
    has_shapes,
    is_running,
    join_keys,
    match_rows,
    read_card,
    read_files,
    same_filled,
    same_name,
    take_line,
)
from gis_renovation.schemas import LayerSchema
from gis_renovation.words import Lang, Text
from gis_renovation.writing import new_file

if TYPE_CHECKING:
    import pandas as pd

# Two columns are taken to be the common number if so much of the shorter one meets.
_MEETS = 0.5


@dataclass
class JoinDraft:
    """What to add to a card: its ``[join]`` section, lines of ``[columns]``, and what a person must still decide.

    ``lines`` are ready, by field; ``others`` are choices left open, written as comments.
    """

    target: Path
    section: tuple[str, ...]
    lines: dict[str, str]
    others: list[Text] = field(default_factory=list)
    doubts: list[Text] = field(default_factory=list)

    def text(self, lang: Lang) -> str:
        """The draft for a person to paste, with words at each part."""
        zh = lang == "zh"
        name = self.target.name
        head = f"# {name} 已有图形；这个文件是台账，按下面两处加进 {name} 即可（或加 --write 由程序写入）。"
        where = "# 一、放进 [columns]：", "# 二、放在文件末尾："
        if not zh:
            head = f"# {name} has the shapes and this file is a ledger: add these two parts to {name}, or use --write."
            where = "# 1. under [columns]:", "# 2. at the end of the file:"
        marks = [f"# ! {doubt.in_language(lang)}" for doubt in self.doubts]
        others = [f"# {other.in_language(lang)}" for other in self.others]
        return "\n".join([head, *marks, where[0], *self.lines.values(), *others, "", where[1], *self.section]) + "\n"


def card_beside(folder: Path, layer: str) -> tuple[Path, Card] | None:
    """The card of ``layer`` in a folder of cards, if there is one that reads."""
    for path in sorted(folder.glob("*.toml")):
        try:
            card = read_card(path.read_text(encoding="utf-8-sig"), stem=path.stem, where=f"layers/{path.name}")
        except (GisRenovationError, UnicodeDecodeError):
            continue
        if card.source.layer == layer:
            return path, card
    return None


def draft_join(
    path: Path,
    *,
    layer: str,
    sublayer: str = "",
    beside: Path,
    lang: Lang = "zh",
    standing: tuple[Path, Card] | None = None,
) -> JoinDraft | None:
    """What ``path``, a ledger without geometry, adds to the card of ``layer`` that has some.

    ``standing`` is that card and where it lies, if it is not written yet. None if it is no such case. Raises FileError
    if no column of the ledger meets a column of the layer, and as reading the files does.
    """
    path = find_file(path, layer, by_card=False)
    if standing is None and layer and path.suffix.lower() not in RASTER_SUFFIXES:
        standing = card_beside(beside, layer)
    if standing is None or not standing[1].schema_.geometry:
        return None
    target, card = standing
    doubts: list[Text] = []
    found = inspect_file(path, layer, sublayer, doubts)
    if has_shapes(found.frame) or coordinate_columns(found.frame) is not None:
        return None
    written = relative_path(path, beside)
    _refuse_twice(card, target, written, beside)
    if card.join:
        doubts.append(
            Text(
                "来源卡已有 [join]：要接第二张表，原有的 [join] 也要改写成 [[join]]。",
                "The card has a [join] already: for a second table, write the first one as [[join]] too.",
            )
        )
    raw = read_files(card.model_copy(update={"join": []}), beside)
    notes: list[Text] = []
    guessed: list[Text] = []
    ours, theirs = _common(card, raw.frame, found.frame, path, guessed)
    if not (is_running(raw.frame[ours]) and is_running(found.frame[theirs])):
        doubts += guessed
    else:
        ours, theirs = _instead_of_running(raw.frame, found.frame, (ours, theirs), doubts, notes)
    on = toml_inline(ours) if ours == theirs else f"{{ {_key(ours)} = {toml_inline(theirs)} }}"
    name = [f"layer_name = {toml_inline(found.sublayer)}"] if found.sublayer else []
    head = "[[join]]" if card.join else "[join]"
    section = (head, f"path = {toml_inline(written)}", *name, f"on = {on}")
    draft = JoinDraft(target, section, {}, others=notes, doubts=doubts)
    taken = _propose(draft, card, raw.frame, found.frame.drop(columns=theirs), lang)
    _propose_one_row(draft, found.frame, theirs, taken)
    return draft


def _refuse_twice(card: Card, target: Path, written: str, beside: Path) -> None:
    if any((beside / join.path).resolve() == (beside / written).resolve() for join in card.join):
        raise FileError(
            f"{target} 的 [join] 已经接了 {written}，不必再接；要改取哪些列，请改 [columns]。",
            f"{target} already joins {written}; to take other columns of it, edit [columns].",
        )


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_inline(name)


def _common(card: Card, layer: pd.DataFrame, ledger: pd.DataFrame, path: Path, doubts: list[Text]) -> tuple[str, str]:
    """The pair of columns whose values meet best; the layer's own key is asked first."""
    schema = card.schema_
    rule = card.columns.get(schema.key)
    key = rule.from_ if isinstance(rule, ColumnRule) else rule
    key = key or same_filled(layer, layer.columns, schema.fields[schema.key], {})
    others = [str(c) for c in layer.columns if c not in (key, "geometry")]
    for columns in ([key] if isinstance(key, str) else [], others):
        ranked = sorted(((_share(layer[a], ledger[b]), str(a), str(b)) for a in columns for b in ledger), reverse=True)
        best = [pair for pair in ranked if pair[0] >= _MEETS]
        if best:
            if columns is others:
                doubts.append(
                    Text(
                        f"按“{best[0][1]}”＝“{best[0][2]}”对应是猜的（编号列对不上），请核对。",
                        f"Joining {best[0][1]!r} to {best[0][2]!r} is a guess, as the ids do not meet; check it.",
                    )
                )
            return best[0][1], best[0][2]
    we_have = [str(c) for c in layer.columns if c != "geometry"]
    they_have = [str(c) for c in ledger.columns]
    raise FileError(
        f"{path.name} 没有坐标，看来是台账；{card.source.layer} 已有来源卡，但台账没有一列与图层文件的编号对得上"
        f"（图层的列：{'、'.join(we_have)}；台账的列：{'、'.join(they_have)}）。请在两边补上同样的编号，再运行一次。",
        f"{path.name} has no coordinates and looks like a ledger. Layer {card.source.layer} has a card, but no column "
        f"of the ledger meets the layer's ids (the layer has {', '.join(we_have)}; the ledger {', '.join(they_have)}). "
        "Put the same ids into both and try again.",
    )


def _instead_of_running(
    layer: pd.DataFrame, ledger: pd.DataFrame, running: tuple[str, str], doubts: list[Text], notes: list[Text]
) -> tuple[str, str]:
    """What to join by where two columns that only count rows meet, as they do whatever the rows are.

    Names, where they meet; else the running numbers, with the doubt, unless words beside them say the same.
    """
    matched = match_rows(join_keys(layer[running[0]]), join_keys(ledger[running[1]]))
    if confirmed_by_words(matched, layer.drop(columns="geometry", errors="ignore"), ledger, running):
        return running
    both = f"“{running[0]}”与“{running[1]}”都只是流水号", f"{running[0]!r} and {running[1]!r} only count rows"
    ours = [str(c) for c in layer.columns if c != "geometry" and not is_running(layer[c])]
    theirs = [str(c) for c in ledger.columns if not is_running(ledger[c])]
    ranked = sorted(((_share(layer[a], ledger[b]), a, b) for a in ours for b in theirs), reverse=True)
    if ranked and ranked[0][0] >= _MEETS:
        _, name, other = ranked[0]
        notes.append(
            Text(
                f"{both[0]}，对得上不说明是同一个；改按“{name}”＝“{other}”对应",
                f"{both[1]}, which proves nothing; joined by {name!r} and {other!r} instead",
            )
        )
        if ranked[0][0] < _SURE:
            doubts.append(
                Text(f"只有一部分“{name}”对得上，请核对。", f"Only a part of {name!r} meets; check the others.")
            )
        return name, other
    doubts.append(
        Text(
            f"{both[0]}，对得上不说明是同一个；两边也没有名称能印证。请在两边补上小区编号或名称，或逐行核对。",
            f"{both[1]}: that they meet does not make them the same, and no names confirm it. Put ids or names into "
            "both, or check row by row.",
        )
    )
    return running


# Names are joined by without a person where so many of them meet.
_SURE = 0.9


def _propose_one_row(draft: JoinDraft, ledger: pd.DataFrame, key: str, taken: Sequence[str]) -> None:
    """For a ledger with several rows for a number, how they become one: a proposal, and a doubt that says so."""
    keys = [text for text in join_keys(ledger[key]) if text]
    most = max(Counter(keys).values(), default=1)
    if most < 2 or not taken:
        return
    line = take_line(ledger, taken)
    draft.section = (*draft.section, line)
    draft.doubts.append(
        Text(
            f"台账“{key}”一个编号最多有 {most} 行（如一栋楼一行），按 {line} 并成一行："
            "sum 相加，min 取最小（最早），unanimous 各行一致才取，否则未知；请核对每一列。",
            f"Up to {most} rows of the ledger have one {key!r} (as with a row for each building); {line} makes one of "
            "them: sum adds, min takes the least (earliest), unanimous takes what all agree on. Check each column.",
        )
    )


def _share(ours: pd.Series, theirs: pd.Series) -> float:
    """The share of the shorter column's rows that meet the other one by a number of their own."""
    a, b = join_keys(ours), join_keys(theirs)
    distinct = list(dict.fromkeys(key for key in b if key))
    if not a or not distinct or len(set(a)) < 0.9 * len(a):
        return 0.0
    several = len(distinct) < 0.9 * len(b)
    met = float((match_rows(a, distinct).positions >= 0).sum())
    # A ledger with several rows for a number has most of the layer's numbers, and no others worth speaking of.
    return met / max(len(a), len(distinct)) if several else met / max(1, min(len(a), len(b)))


def _propose(draft: JoinDraft, card: Card, layer: pd.DataFrame, ledger: pd.DataFrame, lang: Lang) -> list[str]:
    """Lines for the fields that the ledger has; those that the card has already stay a choice. The columns taken."""
    taken: list[str] = []
    free = [str(c) for c in ledger.columns]
    schema: LayerSchema = card.schema_
    for name, target in schema.read_fields.items():
        if name == schema.key:
            continue
        column = same_name(free, target) or alike_column(free, target, ledger)
        if column is None:
            continue
        free.remove(column)
        unit = header_unit(column)[1]
        factor = unit_factor(unit, target.unit) if unit else None
        shown = f"{LEDGER_PREFIX}.{column}" if column in layer.columns else column
        value = toml_inline(shown)
        if factor not in (None, 1):
            value = f"{{ from = {value}, unit = {toml_inline(unit)} }}"
        line = f"{name} = {value}"
        if name in card.columns or same_name(layer.columns, target):
            draft.others.append(
                Text(
                    f"{line}  # {target.label.zh}：现取自图层文件；要改取台账的，用这一行替换",
                    f"{line}  # {target.label.en}: now from the layer's file; to take the ledger's, use this line",
                )
            )
        else:
            taken.append(column)
            draft.lines[name] = f"{line}  # {target.label.in_language(lang)}"
    return taken


def write_join(draft: JoinDraft, *, layer: str) -> Path:
    """The draft put into its card: whole or not at all, and only where nothing is left to decide.

    Raises FileError where the columns that meet are a guess or the card has a join already, ConfigError if the
    card would not read afterwards.
    """
    before = draft.target.read_text(encoding="utf-8-sig")
    if draft.doubts:
        why = draft.doubts[0]
        raise FileError(
            f"没有改动 {draft.target}：{why.zh} 请不加 --write 看草稿，核对后自己粘贴。",
            f"{draft.target} was not touched. {why.en} Leave --write out, look at the draft and paste it yourself.",
        )
    after = _with_lines(before, draft.lines) + "\n" + "\n".join(draft.section) + "\n"
    card = read_card(after, stem=draft.target.stem, where=f"layers/{draft.target.name}")
    if len(card.join) != 1 or card.source.layer != layer:  # pragma: no cover - what was put in is what is read
        raise ConfigError(f"{draft.target.name} 写入后读不出 [join]", f"{draft.target.name}: [join] is not read back")
    read_files(card, draft.target.parent)
    with new_file(draft.target) as work:
        work.write_text(after, encoding="utf-8", newline="\n")
    return draft.target


def _with_lines(text: str, lines: dict[str, str]) -> str:
    """The card's text with lines of ``[columns]``: in the place of the commented-out ones, else at its end."""
    rows = text.rstrip().splitlines()
    start = next((n for n, row in enumerate(rows) if re.match(r"\s*\[columns\]", row)), None)
    if start is None:
        return "\n".join([*rows, "", "[columns]", *lines.values(), ""])
    end = next((n for n in range(start + 1, len(rows)) if re.match(r"\s*\[", rows[n])), len(rows))
    part = rows[start:end]
    for name, line in lines.items():
        place = next((n for n, row in enumerate(part) if re.match(rf"\s*#\s*{name}\s*=", row)), None)
        if place is None:
            last = max(n for n, row in enumerate(part) if row.strip())
            part.insert(last + 1, line)
        else:
            part[place] = line
    return "\n".join([*rows[:start], *part, *rows[end:], ""])


def describe(draft: JoinDraft, lang: Lang) -> Sequence[str]:
    """What was added, one line each, for the terminal."""
    return [*draft.section, *draft.lines.values(), *(f"# {other.in_language(lang)}" for other in draft.others)]
