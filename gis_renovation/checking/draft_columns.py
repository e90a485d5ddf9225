"""The columns of a drafted card: which of a file's columns each field takes, with a doubt at every guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from math import inf
from typing import TYPE_CHECKING

from gis_renovation.checking.draft_constants import constant_line
from gis_renovation.checking.inspecting import DRIVER_COLUMNS, Found, coordinate_columns, geometry_kinds
from gis_renovation.checks import fits_type
from gis_renovation.config import toml_inline
from gis_renovation.numerals import header_unit, plain_text, read_month, unit_factor
from gis_renovation.reading import UNKNOWN_NUMBERS, same_filled, same_name, to_field, to_text
from gis_renovation.schemas import Field, LayerSchema, layer_schema
from gis_renovation.words import Text, shorten_ids

if TYPE_CHECKING:
    import pandas as pd

# Names of id columns that every kind of layer has, the more telling first.
_KEY_NAMES = ("编号", "代码", "编码", "bsm", "标识码", "objectid", "fid", "id")


# A name this like an alias is offered, marked as a guess, if so much of its content fits; words shorter than so many
# letters are not compared by letters.
_ALIKE, _HOLDS, _SPELT = 0.72, 0.5, 6


_SHOWN_VALUES = 8


_SAMPLED_ROWS = 1000


def column_lines(found: Found, schema: LayerSchema, doubts: list[Text]) -> list[str | Text]:
    """The card's [columns]: a line for each field, and what was not used."""
    frame = found.frame
    taken: set[str] = set(coordinate_columns(frame) or ()) if not geometry_kinds(frame) else set()
    lines: list[str | Text] = ["[columns]"]
    taken |= set(found.survey.columns) if found.survey is not None else set()
    drawn = found.path.suffix.lower() == ".dxf"
    taken |= set(DRIVER_COLUMNS) if drawn else set()
    free, aliases = [c for c in frame.columns if c not in taken], found.columns.aliases
    matches = {name: same_filled(frame, free, f, aliases) for name, f in schema.read_fields.items()}
    for name, column in matches.items():
        if column in taken:
            matches[name] = None
        elif column:
            taken.add(column)
    left = [str(c) for c in frame.columns if str(c) not in taken and c != "geometry"]
    for name, target in schema.read_fields.items():
        column = matches[name]
        guess = None if column else alike_column(left, target, frame)
        if name == schema.key and not column and not guess:
            guess = _likely_key(frame, left)
        if guess:
            left.remove(guess)
            doubts.append(
                Text(f"{name} 取自“{guess}”是按名称相近猜的。", f"{name} from {guess!r} is a guess by its name.")
            )
        line = _one_column(found, column or guess, target, schema, doubts, guessed=guess is not None)
        if line is None:
            line = constant_line(found, target, schema, doubts)
        if line is None:
            line = _missing_column(target, schema, left, doubts)
        lines.append(line)
    if left:
        lines.append(Text(f"# 没有用到的列：{'、'.join(left)}", f"# columns not used: {', '.join(left)}"))
    return lines


def _likely_key(frame: pd.DataFrame, columns: Sequence[str]) -> str | None:
    """An unused column whose name says id and whose values are all there and all different."""
    for wanted in _KEY_NAMES:
        for column in columns:
            shown = plain_text(column).lower()
            if (shown == wanted or (len(wanted) > 1 and shown.endswith(wanted))) and len(frame):
                text = to_text(frame[column])
                if text.notna().all() and text.is_unique:
                    return column
    return None


def alike_column(columns: Sequence[str], target: Field, frame: pd.DataFrame) -> str | None:
    """An unused column whose name is like the field's, or contains it, and whose content fits; None below the bar.

    Initials (QLLX, QLXZ) are names of their own: one letter apart is another column. An English word counts as a whole:
    FacilityType does not hold ``lit``.
    """
    names = [plain_text(n).lower() for n in (target.label.zh, *target.aliases, target.name) if len(n) > 1]

    def score(column: str) -> float:
        bare = header_unit(column)[0].rsplit("/", 1)[-1]
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", bare)}
        bare = bare.lower()
        held = [n for n in names if (n in words if n.isascii() else n in bare)]
        near = [n for n in names if not (n.isascii() and bare.isascii() and min(len(n), len(bare)) < _SPELT)]
        contained = max((0.75 + 0.2 * len(n) / max(len(bare), 1) for n in held), default=0.0)
        return max([contained, *(SequenceMatcher(None, bare, n).ratio() for n in near)])

    ranked = sorted(columns, key=score, reverse=True)
    return next((c for c in ranked if score(c) >= _ALIKE and holds(frame[c], target)), None)


def holds(cells: pd.Series, target: Field) -> bool:
    """Whether most of what a column holds can be the field's, with the words of the trade and near ones."""
    known = cells.dropna().iloc[:_SAMPLED_ROWS]
    if not len(known) or (target.type == "string" and not target.values):
        return True
    if target.values:
        texts = to_text(known).dropna()
        codes = texts.map(lambda text: target.said_codes.get(plain_text(text).lower()) or target.likely_code(text))
        return bool((codes != "").mean() >= _HOLDS)
    values = to_field(known, target).values
    return bool(values.isna().all() or fits_type(values.dropna(), target.type).mean() >= _HOLDS)


def _one_column(
    found: Found, column: str | None, target: Field, schema: LayerSchema, doubts: list[Text], *, guessed: bool
) -> str | Text | None:
    if column is None:
        return None
    frame, meanings = found.frame, found.columns.codes.get(column, {})
    unit = found.columns.unit_of(column)
    unit = unit if unit and unit_factor(unit, target.unit) is not None else ""
    codes = _other_words(frame[column], target, meanings)
    parts = [f"from = {toml_inline(column)}"]
    months = target.type == "date" and _holds_months(frame[column])
    if months:
        parts.append('month_as = "last_day"')
        doubts.append(_which_day(column, target))
    if unit and unit_factor(unit, target.unit) != 1:
        parts.append(f"unit = {toml_inline(unit)}")
    if unknown := _placeholders(frame[column], target):
        parts.append(f"unknown = {toml_inline(unknown)}")
        doubts.append(_meant_unknown(column, target, unknown))
    if codes:
        parts.append(f"values = {toml_inline({value: code or '?' for value, code in codes.items()})}")
        if not all(codes.values()):
            return _codes_to_choose(target, parts, codes, meanings)
        doubts.append(_guessed_codes(column, target, codes))
        guessed = True
    rule = f"{target.name} = {toml_inline(column)}" if len(parts) == 1 else f"{target.name} = {{ {', '.join(parts)} }}"
    alias = found.columns.aliases.get(column, "")
    mark = Text(f"（别名“{alias}”）", f" (alias {alias})") if alias else Text("", "")
    mark = Text("（猜测，请核对）", " (a guess, check)") if guessed else mark
    if months:
        mark = Text(f"{mark.zh}：取当月最后一天；first_day 取第一天", f"{mark.en}: last_day of the month, or first_day")
    if target.name == schema.key and not to_text(frame[column]).is_unique:
        doubts.append(_repeated_key(frame, column, target, schema))
        mark = Text("（有重复，不能作编号）", " (repeated, cannot be the id)")
        number = f'{target.name} = {{ number = "{schema.name[:2].upper()}-" }}'
        return Text(*(f"{number}  # {toml_inline(column)}{m}" for m in mark))
    return Text(f"{rule}  # {target.label.zh}{mark.zh}", f"{rule}  # {target.label.en}{mark.en}")


def _holds_months(cells: pd.Series) -> bool:
    """Whether a column names months without a day, in every known cell of its first rows."""
    texts = to_text(cells.dropna().iloc[:_SAMPLED_ROWS]).tolist()
    return bool(texts) and all(read_month(text) is not None for text in texts)


def _which_day(column: str, target: Field) -> Text:
    return Text(
        f"“{column}”只写到月，{target.label.zh}暂取当月最后一天；取第一天的，把 last_day 改成 first_day。",
        f"{column!r} names months; {target.label.en} is their last day for now. For the first write first_day.",
    )


def _repeated_key(frame: pd.DataFrame, column: str, target: Field, schema: LayerSchema) -> Text:
    """That the id column cannot be the id, what numbering instead loses, and what to write if the rows are pieces."""
    text = to_text(frame[column])
    twice = sorted(text[text.notna() & text.duplicated()].unique())
    empty = int(text.isna().sum())
    zh = [f"有 {len(twice)} 个编号重复（{shorten_ids(twice, 'zh', 3)}）"] if twice else []
    en = [f"{len(twice)} ids repeated ({shorten_ids(twice, 'en', 3)})"] if twice else []
    if empty:
        zh.append(f"有 {empty} 行没有编号")
        en.append(f"{empty} rows without an id")
    remedy = Text("", "")
    if schema.geometry:
        rule = f"{target.name} = {toml_inline(column)}"
        remedy = Text(
            f"若重复的行是同一要素的几块，请改写 {rule}，并在 [repair] 写 merge_pieces = true。",
            f" If those rows are pieces of one feature, write {rule} and [repair] merge_pieces = true instead.",
        )
    return Text(
        f"“{column}”不能作编号：{'，'.join(zh)}。草稿改为自动编号：其他表按原编号的关联会失效，"
        f"重复的行成为各自独立的要素。{remedy.zh}",
        f"{column!r} cannot be the id: {', '.join(en)}. The draft numbers the rows instead: links from other tables by "
        f"the old id are lost, and repeated rows become separate features.{remedy.en}",
    )


def _other_words(cells: pd.Series, target: Field, meanings: Mapping[str, str]) -> dict[str, str]:
    """Values of a coded column that say no code for certain, each with the code it may mean, or nothing."""
    if not target.values:
        return {}
    found = {str(v): meanings.get(str(v), str(v)) for v in sorted(to_text(cells).dropna().unique())}
    left = {v: said for v, said in found.items() if plain_text(said).lower() not in target.said_codes}
    return {v: target.likely_code(said) for v, said in list(left.items())[:_SHOWN_VALUES]}


def _codes_to_choose(
    target: Field, parts: Sequence[str], codes: Mapping[str, str], meanings: Mapping[str, str]
) -> Text:
    """The line commented out, for a person to choose the codes that nothing tells."""
    allowed = ", ".join(f"{code} {label.zh}" for code, label in target.values.items())
    said = "、".join(f"{v} 即{meanings[v]}" for v in codes if v in meanings)
    guessed = any(codes.values())
    note = Text(
        f"把 ? 换成：{allowed}" + ("；已填的是猜测" if guessed else "") + (f"；文件注明 {said}" if said else ""),
        f"replace ? by: {', '.join(target.values)}" + ("; the others are guesses" if guessed else ""),
    )
    return Text(*(f"# {target.name} = {{ {', '.join(parts)} }}  # {n}" for n in note))


def _guessed_codes(column: str, target: Field, codes: Mapping[str, str]) -> Text:
    zh = "、".join(f"“{value}”作 {code}（{target.values[code].zh}）" for value, code in codes.items())
    en = ", ".join(f"{value!r} as {code}" for value, code in codes.items())
    return Text(
        f"“{column}”中{zh}是按字面猜的，请核对 {target.name} 一行。",
        f"In {column!r}, {en} is a guess from the words; check the line of {target.name}.",
    )


def _placeholders(cells: pd.Series, target: Field) -> list[int]:
    """Numbers that a field cannot hold and that offices write for what they do not know: 0 as a year, 9999."""
    if target.type not in ("integer", "number"):
        return []
    numbers = {value for value in to_field(cells, target).values.tolist() if isinstance(value, int | float)}
    low, high = (edge if edge is not None else other for edge, other in ((target.minimum, -inf), (target.maximum, inf)))
    return [number for number in UNKNOWN_NUMBERS if number in numbers and not low <= number <= high]


def _meant_unknown(column: str, target: Field, unknown: Sequence[int]) -> Text:
    listed = "、".join(map(str, unknown))
    return Text(
        f"“{column}”中的 {listed} 不可能是{target.label.zh}，草稿按不详处理（unknown = {toml_inline(list(unknown))}）；"
        "请核对。",
        f"{listed} in {column!r} cannot be {target.label.en}; the draft takes it as unknown "
        f"(unknown = {toml_inline(list(unknown))}). Check it.",
    )


def _missing_column(target: Field, schema: LayerSchema, left: Sequence[str], doubts: list[Text]) -> str | Text:
    unit = f"（{target.unit}）" if target.unit else ""
    if target.name == schema.key:
        doubts.append(Text("没有找到编号列，按位置自动编号。", "No id column was found; ids are numbered by position."))
        rule = f'{target.name} = {{ number = "{schema.name[:2].upper()}-" }}'
        return Text(f"{rule}  # {target.label.zh}：按位置编号", f"{rule}  # {target.label.en}: numbered by position")
    if target.required:
        doubts.append(
            Text(
                f"必填字段 {target.name}（{target.label.zh}）没有找到对应的列；"
                f"未使用的列有：{'、'.join(left) or '无'}。",
                f"No column for the required {target.name} ({target.label.en}); unused: {', '.join(left) or 'none'}.",
            )
        )
        if target.references == "projects" and (by := _community_column(left)):
            doubts.append(_one_project_each(target, by))
    must = Text("必填", "required") if target.required or target.stated else Text("可选", "optional")
    return Text(
        f'# {target.name} = ""  # {target.label.zh}{unit}，{must.zh}',
        f'# {target.name} = ""  # {target.label.en}{unit if unit.isascii() else ""}, {must.en}',
    )


def _community_column(left: Sequence[str]) -> str | None:
    """The column that names communities, in a report by communities where projects are wanted."""
    fields = layer_schema("communities").fields
    return same_name(left, fields["name"]) or same_name(left, fields["community_id"])


def _one_project_each(target: Field, column: str) -> Text:
    return Text(
        f"表是按小区填的：一个小区就是一个项目的，写 {target.name} = {toml_inline(column)}，"
        "改造项目图层（projects）里用同样的名称或编号；一个项目有几个小区的，请提供单位补上项目编号。",
        f"The table is by communities. Where each is a project, write {target.name} = {toml_inline(column)} and use "
        "the same names or ids in layer projects; where a project has several, ask for a column of project ids.",
    )
