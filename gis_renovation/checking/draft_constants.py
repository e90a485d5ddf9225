"""What a file says once for all its rows: its kind in its name, its land-code system in its codes, names in texts."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gis_renovation.checking.inspecting import Found, drawn_layers, seen_of
from gis_renovation.checking.which_layer import said_code
from gis_renovation.config import toml_inline
from gis_renovation.numerals import plain_text
from gis_renovation.reading import same_name, to_text
from gis_renovation.schemas import Field, LayerSchema
from gis_renovation.words import Text

if TYPE_CHECKING:
    import pandas as pd

# Fields that are often one for a whole file, so that it has no column for them.
_KINDS = ("kind", "network", "class", "status", "basis")
# How far from its line a text in a drawing is looked for, in metres.
_TEXT_WITHIN_M = 20
_MONTH = re.compile(r"(20\d\d)\s*(?:年|[-._])?\s*(1[0-2]|0?[1-9])\s*月?(?!\d)")


def constant_line(found: Found, target: Field, schema: LayerSchema, doubts: list[Text]) -> str | Text | None:
    """The line of a field without a column whose value the file as a whole tells; each is a guess, and a doubt."""
    if target.name == "code_system":
        return _code_system(found, target, schema, doubts)
    if target.values and target.name in _KINDS:
        return _kind_by_layers(found, target, schema, doubts) or _kind_by_name(found, target, doubts)
    if target.name == "name" and schema.geometry:
        return _name_by_texts(found, target, doubts)
    if target.type == "date" and target.required:
        return _day_by_name(found, target, doubts)
    return None


def _kind_by_name(found: Found, target: Field, doubts: list[Text]) -> Text | None:
    """A file of one kind says it in its name: rivers.shp, 燃气管线, a folder 铁路."""
    seen = seen_of(found)
    words = {**(target.guesses if target.required else {}), **target.said_codes}
    for text in (seen.own, seen.file, seen.folder):
        code = said_code(words, text)
        if code:
            label = target.values[code]
            doubts.append(
                Text(
                    f"文件里没有{target.label.zh}这一列，按名称“{text}”全部作 {code}（{label.zh}）是猜的，请核对。",
                    f"The file has no column for {target.label.en}; by the name {text!r} all rows are taken as {code}, "
                    "a guess to check.",
                )
            )
            rule = f"{target.name} = {{ value = {toml_inline(code)} }}"
            return Text(
                f"{rule}  # {target.label.zh}：全部为{label.zh}（猜测）", f"{rule}  # {label.en} for all (a guess)"
            )
    if target.required:
        codes = ", ".join(f"{code} {label.zh}" for code, label in target.values.items())
        first = next(iter(target.values))
        doubts.append(
            Text(
                f'文件里没有{target.label.zh}这一列；全部是一种的，写 {target.name} = {{ value = "{first}" }}，'
                "换成实际的代码。",
                f"The file has no column for {target.label.en}; if all rows are of one kind, write "
                f'{target.name} = {{ value = "{first}" }} with the right code.',
            )
        )
        rule = f'# {target.name} = {{ value = "?" }}'
        return Text(
            f"{rule}  # {target.label.zh}，必填；全部是一种时，把 ? 换成：{codes}",
            f"{rule}  # {target.label.en}, required; for one kind replace ? by: {', '.join(target.values)}",
        )
    return None


def _kind_by_layers(found: Found, target: Field, schema: LayerSchema, doubts: list[Text]) -> Text | None:
    """In a drawing each of its layers is of one kind."""
    drawn = [name for name, layer in drawn_layers(found).items() if layer == schema.name]
    kinds = {name: said_code({**target.guesses, **target.said_codes}, name) for name in drawn}
    if not drawn or not any(kinds.values()):
        return None
    said = "、".join(f"{name} 作 {code}" for name, code in kinds.items() if code)
    said_en = ", ".join(f"{name} as {code}" for name, code in kinds.items() if code)
    doubts.append(
        Text(
            f"{target.label.zh}取自 CAD 图层名（{said}），是猜的，请核对。",
            f"{target.label.en} is by the names of drawing layers ({said_en}), a guess to check.",
        )
    )
    mark = "" if all(kinds.values()) else "# "
    rule = {"from": "Layer", "values": {name: code or "?" for name, code in kinds.items()}}
    line = f"{mark}{target.name} = {toml_inline(rule)}"
    return Text(f"{line}  # {target.label.zh}（猜测，请核对）", f"{line}  # {target.label.en} (a guess, check)")


def _name_by_texts(found: Found, target: Field, doubts: list[Text]) -> Text | None:
    """The texts of a drawing as names of what they stand beside."""
    frame = found.frame
    if found.path.suffix.lower() != ".dxf" or "Text" not in frame.columns:
        return None
    written = frame[to_text(frame["Text"]).notna() & (frame.geom_type == "Point")]
    if not len(written):
        return None
    layers = sorted({str(name) for name in written["Layer"]}) if "Layer" in written else []
    shown = "、".join(to_text(written["Text"]).iloc[:3])
    doubts.append(
        Text(
            f"{target.label.zh}取自图上 {_TEXT_WITHIN_M} m 以内最近的文字（如 {shown}）是猜的；图上文字另有所指的，"
            f"删去 {target.name} 一行或改 text_layers。",
            f"{target.label.en} from the nearest text within {_TEXT_WITHIN_M} m ({shown}) is a guess; if the texts "
            f"mean something else, delete the line of {target.name} or change text_layers.",
        )
    )
    rule = f"{target.name} = {{ text_within_m = {_TEXT_WITHIN_M}, text_layers = {toml_inline(layers)} }}"
    return Text(
        f"{rule}  # {target.label.zh}：图上旁边的文字（猜测）",
        f"{rule}  # {target.label.en}: the text beside it (a guess)",
    )


def _day_by_name(found: Found, target: Field, doubts: list[Text]) -> Text | None:
    """The month that a monthly report names in its file or folder, as its last day."""
    seen = seen_of(found)
    for text in (seen.own, seen.file, seen.folder):
        month = _MONTH.search(plain_text(text))
        if month:
            year, number = int(month[1]), int(month[2])
            day = f"{year}-{number:02d}-{calendar.monthrange(year, number)[1]:02d}"
            doubts.append(
                Text(
                    f"表里没有{target.label.zh}，按名称“{text}”取 {day} 是猜的，请核对。",
                    f"The table has no {target.label.en}; {day} is a guess by the name {text!r}, check it.",
                )
            )
            rule = f'{target.name} = {{ value = "{day}" }}'
            return Text(f"{rule}  # {target.label.zh}（猜测）", f"{rule}  # {target.label.en} (a guess)")
    return None


def _code_system(found: Found, target: Field, schema: LayerSchema, doubts: list[Text]) -> Text | None:
    """The system that alone holds every code of the file; else all of them, for a person to choose."""
    from gis_renovation.land import systems_with

    coded = [f for f in schema.fields.values() if f.name in ("land_use_code", "planned_use_code")]
    columns = [c for f in coded if (c := same_name(found.frame.columns, f, found.columns.aliases))]
    if not columns:
        return None
    systems = systems_with(_codes(found.frame, columns))
    listed = "、".join(f"{code} {label.zh}" for code, label in target.values.items())
    if len(systems) == 1:
        label = target.values[systems[0]]
        doubts.append(
            Text(
                f"用地分类体系按“{columns[0]}”的代码看是{label.zh}（{systems[0]}）：所有代码只在这个体系里都有。请向提供单位核实。",
                f"By the codes of {columns[0]!r} the land-code system is {systems[0]}, the only one that holds them "
                "all. Ask who gave the data.",
            )
        )
        rule = f'{target.name} = {{ value = "{systems[0]}" }}'
        return Text(f"{rule}  # {label.zh}（按代码看，请核实）", f"{rule}  # {label.en} (by the codes, check)")
    found_in = "、".join(target.values[name].zh for name in systems)
    doubts.append(
        Text(
            f"没有写明用地分类体系，“{columns[0]}”的代码"
            + (f"在{found_in}里都有，分不清" if systems else "没有一个体系全都有")
            + f'；请问清后写 {target.name} = {{ value = "…" }}，可用：{listed}。',
            f"The land-code system is not stated, and the codes of {columns[0]!r} "
            + (f"stand in {', '.join(systems)}" if systems else "stand in no one system")
            + f'; ask, and write {target.name} = {{ value = "…" }} with one of {", ".join(target.values)}.',
        )
    )
    rule = f'# {target.name} = {{ value = "survey" }}'
    return Text(f"{rule}  # 请问清后写明：{listed}", f"{rule}  # ask, then one of: {', '.join(target.values)}")


def _codes(frame: pd.DataFrame, columns: Sequence[str]) -> set[str]:
    return {text for column in columns for text in to_text(frame[column]).dropna()}
