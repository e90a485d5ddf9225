"""TOML text to a checked model; every fault at once, in words, with the nearest known key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from gis_renovation.errors import ConfigError
from gis_renovation.words import Text

Model = TypeVar("Model", bound=BaseModel)

# Chinese for the pydantic error types people meet; the rest shows pydantic's own English.
_MESSAGES = {
    "missing": Text("缺少此项", "is missing"),
    "geometry_columns": Text("请写 x 和 y 两列，或只写 wkt 一列", "give both x and y, or wkt alone"),
    "encoding": Text("没有这种文字编码；常用 GB18030、UTF-8、BIG5", "no such encoding; common: GB18030, UTF-8, BIG5"),
    "join_on": Text(
        'on 写两边同名的一列，或一对：{ 图层的列 = "台账的列" }', 'give one column, or one pair { OURS = "THEIRS" }'
    ),
    "replace_crs": Text("写了 replace_crs = true，就要写明正确的 crs", "replace_crs needs the right crs beside it"),
    "string_type": Text("应为文字（加引号）", "must be text in quotes"),
    "int_type": Text("应为整数", "must be a whole number"),
    "int_parsing": Text("应为整数", "must be a whole number"),
    "int_from_float": Text("应为整数", "must be a whole number"),
    "float_type": Text("应为数字", "must be a number"),
    "float_parsing": Text("应为数字", "must be a number"),
    "bool_type": Text("应为 true 或 false", "must be true or false"),
    "bool_parsing": Text("应为 true 或 false", "must be true or false"),
    "date_type": Text("应为日期，如 2024-09-30（不加引号）", "must be a date such as 2024-09-30"),
    "date_from_datetime_parsing": Text("应为日期，如 2024-09-30", "must be a date such as 2024-09-30"),
    "date_parsing": Text("应为日期，如 2024-09-30（不加引号）", "must be a date such as 2024-09-30"),
    "date_from_datetime_inexact": Text("只写日期，不写时刻，如 2024-09-30", "must be a date without a time of day"),
    "finite_number": Text("应为有限的数字", "must be a finite number"),
    "dict_type": Text("应为一张表 { 键 = 值 }", "must be a table { key = value }"),
    "model_type": Text("应为一张表", "must be a table"),
    "list_type": Text("应为列表 [ … ]", "must be a list [ … ]"),
    "sequence_str": Text(
        '应为一组编号（外面再加一层方括号），如 [["甲", "乙"]]', 'must be a group of ids, as in [["A", "B"]]'
    ),
    "tuple_type": Text("应为列表 [ … ]", "must be a list [ … ]"),
}


# Messages that name a limit; pydantic gives it under the key of the last column.
_LIMITS = {
    "greater_than_equal": ("不得小于 {}", "must be {} or more", "ge"),
    "greater_than": ("应大于 {}", "must be greater than {}", "gt"),
    "less_than_equal": ("不得大于 {}", "must be {} or less", "le"),
    "less_than": ("应小于 {}", "must be less than {}", "lt"),
    "multiple_of": ("应为 {} 的整数倍", "must be a multiple of {}", "multiple_of"),
    "too_short": ("至少要有 {} 项", "must have at least {} items", "min_length"),
    "too_long": ("最多 {} 项", "must have at most {} items", "max_length"),
    "string_too_short": ("至少要有 {} 个字", "must have at least {} characters", "min_length"),
    "string_too_long": ("最多 {} 个字", "must have at most {} characters", "max_length"),
    "string_pattern_mismatch": ("写法应符合 {}", "must be written as {}", "pattern"),
}


def _message(fault: Any) -> Text:
    """What is wrong with a value, in words; kinds of fault nobody has put into words keep pydantic's own."""
    if fault["type"] in _LIMITS:
        zh, en, key = _LIMITS[fault["type"]]
        limit = fault["ctx"][key]
        shown = f"{limit:g}" if isinstance(limit, float) else str(limit)
        return Text(zh.format(shown), en.format(shown))
    return _MESSAGES.get(fault["type"], Text(fault["msg"], fault["msg"]))


# What people call the choice of rows in a card.
_ROW_FILTERS = ("where", "filter", "query", "sql", "condition")


def read_toml(text: str, *, where: str) -> dict[str, Any]:
    """The TOML tables in ``text``; ``where`` names the file in the error."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = _syntax_fault(str(error), text)
        raise ConfigError(f"{where}：{said.zh}", f"{where}: {said.en}") from None


# What the TOML reader says, as a pattern, and what a person did. The first that matches counts.
_SYNTAX = (
    (r"Expected '=' after a key|Invalid statement", "这一行不是“键 = 值”的写法，也不是 [表名]"),
    (r"Invalid initial character for a key part", "键名写得不对；中文键名要加引号"),
    (r"Unescaped '\\\\?' in a string|Invalid hex value", "双引号内的反斜杠 \\ 有特殊含义；路径请写 / 或改用单引号"),
    (r"Unterminated string|Illegal character '\\n'|Expected '\\?'", "引号不成对"),
    (r"Illegal character", "有不该出现的字符"),
    (r"Unclosed array|Unclosed inline table", "方括号或花括号没有配对"),
    (r"Expected '\]", "表名的方括号没有配对"),
    (r"Expected newline or end of document", "一行只能写一个键；值后面多了文字，或文字没有加引号，或日期不存在"),
    (r"Cannot (overwrite a value|declare|redefine|mutate)|Duplicate", "同一个键或表写了两次"),
    (r"Invalid date or datetime", "日期写得不对，应如 2024-09-30"),
    (r"Invalid value", "值写得不对；文字要加英文引号，小数点前要有数字"),
)


def _syntax_fault(message: str, text: str) -> Text:
    """Where a TOML text breaks and what was probably done, with the line itself."""
    place = re.search(r"\(at line (\d+), column (\d+)\)$", message)
    cause = next((zh for pattern, zh in _SYNTAX if re.search(pattern, message)), "常见原因：少了等号，或引号不成对")
    lines = text.split("\n")
    line = int(place[1]) if place else len(lines)
    shown = lines[line - 1].strip()[:60] if line <= len(lines) else ""
    if shown and not shown[0].isascii():
        cause = "中文键名要加引号"
    where = f"第 {line} 行第 {place[2]} 列" if place else "文件末尾"
    quotes = "；引号、等号要用英文的" if re.search("[“”‘’＝]", shown) else ""
    quoted = Text(f"：{shown}", f": {shown}") if shown else Text("", "")
    return Text(f"{where}不合 TOML 写法{quoted.zh}\n  {cause}{quotes}。", f"not valid TOML, {message}{quoted.en}")


def toml_inline(value: Any, *, bare: bool = True) -> str:
    """A value as TOML writes it on one line, for a person to copy; ``bare`` leaves plain outer keys unquoted."""
    import json

    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        keys = (key if key.isidentifier() and key.isascii() and bare else toml_inline(key) for key in value)
        rows = (f"{k} = {toml_inline(v, bare=False)}" for k, v in zip(keys, value.values(), strict=True))
        return f"{{ {', '.join(rows)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_inline, value))}]"
    return str(value)


def check_model(data: Any, model: type[Model], *, where: str) -> Model:
    """``data`` as ``model``. Raises ConfigError with every fault; unknown keys name the nearest known one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise faults_error(error, model, where=where) from None


def faults_error(error: ValidationError, model: type[BaseModel], *, where: str) -> ConfigError:
    """One ConfigError from all of a pydantic error's faults."""
    lines = [_describe(fault, model) for fault in error.errors(include_url=False)]
    lines = list(dict.fromkeys(lines))
    return ConfigError(
        "\n".join([f"{where}：有 {len(lines)} 处需要改正：", *(f"  - {line.zh}" for line in lines)]),
        "\n".join([f"{where}: {len(lines)} faults to mend:", *(f"  - {line.en}" for line in lines)]),
    )


def nearest_key(name: str, known: Iterable[str]) -> Text:
    """A hint such as “did you mean `max_gap_m`?”, or the list of known keys."""
    known = list(known)
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return Text(f"是否指 {near[0]}？", f"did you mean {near[0]}?")
    return Text(f"可用的有：{', '.join(known)}。", f"known: {', '.join(known)}.")


def _describe(fault: Any, model: type[BaseModel]) -> Text:
    path = [part for part in fault["loc"] if not _is_branch_name(part)]
    key = ".".join(str(part) for part in path)
    kind = fault["type"]
    if kind == "extra_forbidden":
        hint = nearest_key(str(path[-1]), _known_keys(model, path[:-1]))
        if str(path[-1]) in _ROW_FILTERS and "select" in _fields(model):
            hint = Text(
                "只取部分行请写 [select] 列 = [值]。", "to keep some rows only, write [select] COLUMN = [VALUE]."
            )
        return Text(f"{key}：没有这个键；{hint.zh}", f"{key}: unknown key; {hint.en}")
    if kind in ("value_error", "assertion_error") and isinstance(
        cause := fault.get("ctx", {}).get("error"), ConfigError
    ):
        return Text(*(f"{key}：{t}" if key else t for t in cause.text))
    if kind == "literal_error":
        expected = fault["ctx"]["expected"]
        return Text(
            f"{key}：{fault['input']!r} 不可用；可用：{expected}", f"{key}: {fault['input']!r} is not one of {expected}"
        )
    message = _message(fault)
    if kind == "missing":
        return Text(f"{key}：{message.zh}", f"{key}: {message.en}")
    given = fault["input"]
    shown = toml_inline(given) if isinstance(given, dict) else repr(given)
    return Text(f"{key}：{message.zh}（现为 {shown}）", f"{key}: {message.en} (found {shown})")


def _is_branch_name(part: Any) -> bool:
    """Pydantic puts the tried union member's name into the path; users never wrote it."""
    return isinstance(part, str) and (part in ("str", "int", "float", "bool") or "[" in part or part[:1].isupper())


def _known_keys(model: type[BaseModel], path: list[Any]) -> list[str]:
    current: Any = model
    for part in path:
        field = _fields(current).get(str(part))
        annotations = [field.annotation] if field else list(get_args(current))
        current = next((m for a in annotations for m in _models_in(a)), None)
        if current is None:
            return []
    return list(_fields(current))


def _fields(model: Any) -> dict[str, Any]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
