"""What the parameters of ``project.toml`` mean, in words and units: one table for the terminal and the documents.

The names and defaults are those of the analyses' signatures; here stands only what people call them.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from gis_renovation.shipped import shipped
from gis_renovation.words import NO_TEXT, Lang, Text

_NOT_SET = Text("未设", "not set")
_UNITS_EN = {"户": "households", "元": "yuan", "个": "", "次": "", "名": "", "年": "years", "倍": "times"}


class Parameter(NamedTuple):
    """One parameter: its label, unit, how to write it, labels of its codes.

    ``is_work`` says that it decides how long a run takes or how hard it searches, not what is wanted.
    """

    module: str
    name: str
    label: Text
    unit: str
    note: Text
    values: Mapping[str, Text]
    is_work: bool


@lru_cache(maxsize=1)
def parameters() -> Mapping[tuple[str, str], Parameter]:
    """Every described parameter by module and name."""
    text = shipped("run/parameters.toml").read_text(encoding="utf-8")
    return {
        (module, name): Parameter(
            module=module,
            name=name,
            label=Text(*entry["label"]),
            unit=entry.get("unit", ""),
            note=Text(*entry.get("note", NO_TEXT)),
            values={code: Text(*label) for code, label in entry.get("values", {}).items()},
            is_work=bool(entry.get("work", False)),
        )
        for module, table in tomllib.loads(text).items()
        for name, entry in table.items()
    }


def parameter(module: str, name: str) -> Parameter:
    """One parameter; one that the table borrows from another goes by that one's, one nobody describes by its name."""
    known = parameters()
    lent = (described for (_, own), described in known.items() if own == name)
    return known.get((module, name)) or next(
        lent, Parameter(module, name, Text(name, name), "", NO_TEXT, {}, is_work=False)
    )


def value_text(value: Any, described: Parameter, lang: Lang) -> str:
    """A value as people read it: bounds in words, codes by label, money in 万元, 未设 for none."""
    if value is None or (isinstance(value, dict | list | tuple) and not value):
        return _NOT_SET.in_language(lang)
    if isinstance(value, bool):
        return Text("是" if value else "否", "yes" if value else "no").in_language(lang)
    if isinstance(value, Mapping):
        return _mapping_text(value, described, lang)
    if isinstance(value, list | tuple):
        return _list_text(value, described, lang)
    if isinstance(value, int | float):
        return _number_text(value, described.unit, lang)
    if isinstance(value, datetime.date):
        return value.isoformat()
    label = described.values.get(str(value))
    return label.in_language(lang) if label else str(value)


def _mapping_text(value: Mapping[str, Any], described: Parameter, lang: Lang) -> str:
    words = {"min": Text("不少于 ", "at least "), "max": Text("不超过 ", "at most ")}
    if set(value) <= set(words):
        parts = [words[k].in_language(lang) + _number_text(value[k], described.unit, lang) for k in words if k in value]
        return ("，" if lang == "zh" else ", ").join(parts)
    colon, separator = ("：", "；") if lang == "zh" else (": ", "; ")
    # A key may name another parameter, as a target names the sum it is for.
    known = parameters()
    parts = []
    for key, entry in value.items():
        own = known.get((described.module, str(key)), described)
        name = str(key) if own is described else own.label.in_language(lang)
        parts.append(f"{name}{colon}{value_text(entry, own, lang)}")
    return separator.join(parts)


def _list_text(value: list[Any] | tuple[Any, ...], described: Parameter, lang: Lang) -> str:
    if any(isinstance(part, list | tuple) for part in value):
        separator = "；" if lang == "zh" else "; "
        return separator.join(" + ".join(map(str, part)) for part in value)
    return ("、" if lang == "zh" else ", ").join(value_text(part, described, lang) for part in value)


def _number_text(value: float, unit: str, lang: Lang) -> str:
    if unit == "元":
        number, unit = (f"{value / 1e4:,.2f}", "万元") if lang == "zh" else (f"{value:,.0f}", _UNITS_EN[unit])
    elif float(value).is_integer():
        number = f"{value:,.0f}" if unit else f"{value:.0f}"
    else:
        number = f"{value:g}"
    unit = unit if lang == "zh" else _UNITS_EN.get(unit, unit)
    return f"{number} {unit}" if unit else number
