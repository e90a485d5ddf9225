"""One column of a file to one of ours: what a card says, what names and contents propose, what is said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from gis_renovation.checks import fits_type
from gis_renovation.config import nearest_key, toml_inline
from gis_renovation.errors import ConfigError, FeatureRef, Finding, Severity, by_key
from gis_renovation.numerals import plain_text, read_month, reads_like_a_value, unit_factor
from gis_renovation.reading.cards import VALUES_SHOWN, ColumnRule, chosen, month_remedy
from gis_renovation.reading.values import (
    LAYER,
    TEXT,
    FileColumns,
    Remark,
    distinct_texts,
    join_text,
    map_values,
    number_rows,
    row_refs,
    same_filled,
    texts_beside,
    to_field,
    to_text,
)
from gis_renovation.schemas import (
    TYPE_NAMES,
    LayerSchema,
)
from gis_renovation.schemas import Field as SchemaField
from gis_renovation.words import Text

if TYPE_CHECKING:
    pass


@dataclass
class Taking:
    """What :func:`conform` gathers while it goes through the fields of one raw frame."""

    rows: Any
    schema: LayerSchema
    file: str
    # All rows of the file, before any were selected.
    whole: Any = None
    # How many ids each prefix has numbered in earlier files.
    numbered: dict[str, int] = field(default_factory=dict)
    columns: FileColumns = field(default_factory=FileColumns)
    used: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    remarks: list[tuple[str, Remark]] = field(default_factory=list)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_taken: dict[str, str] = field(default_factory=dict)

    def ledger_rows(self, name: str) -> pd.Series | None:
        """The rows of a second table by those of the frame, for a column of ours that came from there."""
        source = self.rules.get(name, {}).get("from", "")
        return self.columns.rows.get(source) if isinstance(source, str) else None

    def say(
        self, severity: Severity, code: str, zh: str, en: str, *, name: str = "", features: Sequence[FeatureRef] = ()
    ) -> None:
        """Add a finding about column ``name``, in the file it was taken from."""
        source = self.rules.get(name, {}).get("from", "")
        file = self.columns.files.get(source if isinstance(source, str) else "", self.file)
        finding = Finding(
            severity=severity, code=code, layer=self.schema.name, field=name, file=file, text=Text(zh, en),
            features=tuple(features),
        )  # fmt: skip
        self.findings.append(finding)


def take_column(taking: Taking, target: SchemaField, rule: str | ColumnRule | None) -> pd.Series | None:
    """The values of one field by the card's rule, or from a column of its name; None where there is none."""
    rows = taking.rows
    rule = ColumnRule.model_validate({"from": rule}) if isinstance(rule, str) else rule
    if rule is None:
        return take_alike(taking, target)
    taking.rules[target.name] = rule.model_dump(by_alias=True, exclude_defaults=True)
    if rule.number is not None:
        done = taking.numbered.get(rule.number, 0)
        taking.numbered[rule.number] = done + len(rows)
        return number_rows(rows, rule.number, after=done)
    if rule.text_within_m is not None:
        return to_field(_texts_beside(taking, target, rule, rule.text_within_m), target).values
    if rule.value is not None:
        return to_field(pd.Series([rule.value] * len(rows), index=rows.index, dtype=object), target).values
    names = [rule.from_] if isinstance(rule.from_, str) else list(rule.from_ or ())
    for name in names:
        if name not in rows.columns:
            raise no_column(name, rows, f"columns.{target.name}", taking.file)
    taking.used |= set(names)
    cells = rows[names[0]] if len(names) == 1 else join_text(rows[names])
    if rule.unknown:
        texts = [str(value) for value in rule.unknown]
        cells = cells.where(~cells.isin(rule.unknown) & ~to_text(cells).isin(texts))
    if rule.values:
        cells = map_values(cells, rule.values)
    if target.values:
        cells, words = _codes_said(cells, target, taking.columns.codes.get(names[0], {}) if len(names) == 1 else {})
        _say_words(taking, target, words)
    unit = rule.unit or (_unit_in_file(taking.columns, names[0], target) if len(names) == 1 else "")
    column = to_field(
        cells, target, unit=unit, periods=rule.periods, month_as=rule.month_as, utc_offset_h=rule.utc_offset_h
    )
    taking.remarks += [(target.name, remark) for remark in column.remarks]
    return column.values


def _texts_beside(taking: Taking, target: SchemaField, rule: ColumnRule, within_m: float) -> pd.Series:
    """The text beside each feature in a drawing; none where there is none, or where several differ, which is said."""
    beside = texts_beside(taking.rows, taking.whole, within_m=within_m, layers=rule.text_layers)
    taking.used |= {TEXT, *([LAYER] if rule.text_layers else [])}
    named, lost = int(beside.texts.notna().sum()), len(beside.unplaced)
    shown = "、".join(beside.unplaced[:_STRANGERS_SHOWN])
    rest = Text(
        f"；{lost} 处文字旁边没有要素：{shown}。" if lost else "。",
        f"; {lost} texts have no feature beside them: {shown}." if lost else ".",
    )
    taking.say(
        "note", "texts_beside",
        f"{target.label.zh}取自图上 {within_m:g} m 以内最近的文字：{named} 个要素有，{len(taking.rows) - named} 个没有"
        + rest.zh,
        f"{target.label.en} is the nearest text within {within_m:g} m in the drawing: {named} features have one, "
        f"{len(taking.rows) - named} have none" + rest.en,
        name=target.name,
    )  # fmt: skip
    if beside.several:
        places = taking.rows.index[[position for position, _ in beside.several]]
        refs = [
            ref._replace(mark="：", value="、".join(texts))
            for ref, (_, texts) in zip(row_refs(places), beside.several, strict=True)
        ]
        taking.say(
            "warning", "texts_differ",
            f"旁边有几处不同的文字，{target.label.zh}按未知处理；请在图上核对。",
            f"Several different texts stand beside it, so {target.label.en} is unknown; look at the drawing.",
            name=target.name, features=refs,
        )  # fmt: skip
    return beside.texts


def _unit_in_file(columns: FileColumns, name: str, target: SchemaField) -> str:
    """The unit a column's own name (建筑面积（万平方米）) or its file states, if it can become the field's."""
    unit = columns.unit_of(name)
    return unit if unit and unit_factor(unit, target.unit) is not None else ""


def _codes_said(
    cells: pd.Series, target: SchemaField, meanings: Mapping[str, str]
) -> tuple[pd.Series, dict[str, tuple[str, int]]]:
    """Cells that say a code in other words, as our code; and which words of the trade were taken, with their rows.

    ``meanings`` is what the file itself says of its codes; they count before any word of ours. O(rows).
    """
    said = {value: plain_text(meanings.get(value, value)).lower() for value in distinct_texts(cells)}
    wanted = {value: target.said_codes[text] for value, text in said.items() if text in target.said_codes}
    wanted = {value: code for value, code in wanted.items() if value not in target.values}
    if not wanted:
        return cells, {}
    words = sorted(value for value in wanted if said[value] in target.words_for and value not in meanings)
    counts = Counter(to_text(cells).dropna().tolist()) if words else Counter()
    return map_values(cells, wanted), {value: (wanted[value], counts[value]) for value in words}


def _say_words(taking: Taking, target: SchemaField, words: Mapping[str, tuple[str, int]]) -> None:
    """That words which are no label were taken as a code: which, as what, how many rows."""
    if not words:
        return
    labels = target.values
    zh = "、".join(f"“{word}”{count} 行作{labels[code].zh}" for word, (code, count) in words.items())
    en = ", ".join(f"{word!r} in {count} rows as {labels[code].en}" for word, (code, count) in words.items())
    taking.say("note", "values_by_word", f"{target.label.zh}：{zh}。", f"{target.label.en}: {en}.", name=target.name)


# A column found by its name alone is taken if this share of its known cells fits; the rest is reported.
FIT_SHARE = 0.8


_STRANGERS_SHOWN = 5


def take_alike(taking: Taking, target: SchemaField) -> pd.Series | None:
    """A column of the field's own name or alias, if its content fits; both outcomes are said."""
    same = same_filled(taking.rows, taking.rows.columns, target, taking.columns.aliases)
    if same is None or same in taking.used:
        return None
    cells = taking.rows[same]
    words: dict[str, tuple[str, int]] = {}
    if target.values:
        cells, words = _codes_said(cells, target, taking.columns.codes.get(same, {}))
    unit = _unit_in_file(taking.columns, same, target)
    column = to_field(cells, target, unit=unit)
    known = column.values.dropna()
    fits = known.isin(list(target.values)) if target.values else fits_type(known, target.type)
    if len(known) and fits.mean() < FIT_SHARE:
        taking.not_taken[target.name] = same
        said = _why_not_taken(same, target, to_text(taking.rows[same].loc[known.index[~fits.to_numpy(dtype=bool)]]))
        taking.say(
            "warning", "alike_not_taken",
            f"列“{same}”与{target.label.zh}同名，但内容不符，未采用：{said.zh}",
            f"Column {same!r} is named like {target.label.en} but its content does not fit; not taken: {said.en}",
            name=target.name,
        )  # fmt: skip
        return None
    taking.used.add(same)
    taking.rules[target.name] = {"from": same}
    if same != target.name:
        alias = taking.columns.aliases.get(same, "")
        zh = (
            f"{target.label.zh}自动取自列“{same}”"
            + (f"（别名“{alias}”）" if alias else "")
            + (f"，单位按{unit}换算。" if unit else "。")
        )
        en = f"{target.label.en} is taken from column {same!r}" + (f", in {unit}." if unit else ".")
        taking.say("note", "matched_by_alias", zh, en, name=target.name)
    _say_words(taking, target, words)
    taking.remarks += [(target.name, remark) for remark in column.remarks]
    return column.values


def _why_not_taken(same: str, target: SchemaField, strange: pd.Series) -> Text:
    """The values that do not fit with their counts, what would, and the line of the card that settles them."""
    counts = sorted(Counter(strange.tolist()).items(), key=lambda one: (-one[1], one[0]))
    shown, rest = counts[:_STRANGERS_SHOWN], len(counts) - _STRANGERS_SHOWN
    zh = "、".join(f"“{value}”{count} 行" for value, count in shown) + (f"，另有 {rest} 种" if rest > 0 else "")
    en = ", ".join(f"{value!r} in {count}" for value, count in shown) + (f", {rest} more kinds" if rest > 0 else "")
    if target.type == "date" and all(read_month(value) is not None for value, _ in counts):
        remedy = month_remedy(target, same)
        return Text(f"{zh}。{remedy.zh}", f"{en}. {remedy.en}")
    if target.values:
        asked = {value: target.likely_code(value) or "?" for value, _ in counts[:VALUES_SHOWN]}
        line = f"{target.name} = {toml_inline({'from': same, 'values': asked})}"
        codes = "、".join(f"{code}（{label.zh}）" for code, label in target.values.items())
        codes_en = ", ".join(f"{code} ({label.en})" for code, label in target.values.items())
        return Text(
            f"看不懂的有{zh}。请在来源卡 [columns] 写：{line}，{chosen(asked.values(), '?').zh}：{codes}。",
            f"not understood are {en}. Write in the card's [columns]: {line}, {chosen(asked.values(), '?').en}: "
            f"{codes_en}.",
        )
    wanted = TYPE_NAMES[target.type]
    line = f"{target.name} = {toml_inline({'from': same, 'unknown': [value for value, _ in shown]})}"
    return Text(
        f"应为{wanted.zh}，而有{zh}。请在源数据中改正；这些值只表示不详的，在来源卡 [columns] 写：{line}。",
        f"it must be {wanted.en}, yet there are {en}. Correct them at the source; if they only mean unknown, write in "
        f"the card's [columns]: {line}.",
    )


def report_remarks(taking: Taking, frame: pd.DataFrame) -> None:
    """What the cells' conversion had to say, with the features' keys, or row numbers where there is no key."""
    key = taking.schema.key
    for name, remark in taking.remarks:
        meant = by_key(frame[key][remark.rows]) if key in frame.columns else row_refs(frame.index[remark.rows])
        table = taking.ledger_rows(name)
        if table is not None:
            told = table.reindex(frame.index[remark.rows])
            meant = [
                ref._replace(rows=(row,)) if row is not None else ref for ref, row in zip(meant, told, strict=True)
            ]
        said = [ref._replace(mark="→", value=str(value)) for ref, value in zip(meant, remark.values, strict=True)]
        taking.say(remark.severity, remark.code, *remark.text, name=name, features=said)


def no_column(name: str, rows: pd.DataFrame, key: str, file: str) -> ConfigError:
    """The error for a column that a card names and the file does not have, with the nearest one."""
    columns = [str(c) for c in rows.columns if c != "geometry"]
    hint = nearest_key(name, columns)
    if any(map(reads_like_a_value, columns)):
        hint += Text(
            "列名像数据：文件没有表头的，请在 [source] 写 header_row = 0，再用“第1列”“第2列”指各列。",
            ' The names read like values: without a header write header_row = 0 in [source], and "第1列" for a column.',
        )
    return ConfigError(
        f"{file}：来源卡 {key} 指的列“{name}”在文件中不存在；{hint.zh}",
        f"{file}: the card's {key} names column {name!r}, which the file does not have; {hint.en}",
    )
