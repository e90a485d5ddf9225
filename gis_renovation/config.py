"""TOML text to a checked model; every fault at once, in words, with the nearest known key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from gis_renovation.errors import ConfigError, Text

Model = TypeVar("Model", bound=BaseModel)

# Chinese for the pydantic error types people meet; the rest shows pydantic's own English.
_MESSAGES = {
    "missing": Text("缺少此项", "is missing"),
    "geometry_columns": Text("请写 x 和 y 两列，或只写 wkt 一列", "give both x and y, or wkt alone"),
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
    "dict_type": Text("应为一张表", "must be a table"),
    "model_type": Text("应为一张表", "must be a table"),
    "list_type": Text("应为列表 [ … ]", "must be a list [ … ]"),
    "tuple_type": Text("应为列表 [ … ]", "must be a list [ … ]"),
}


# What people call the choice of rows in a card.
_ROW_FILTERS = ("where", "filter", "query", "sql", "condition")


def read_toml(text: str, *, where: str) -> dict[str, Any]:
    """The TOML tables in ``text``; ``where`` names the file in the error."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{where}：不是有效的 TOML（{error}）。常见原因：文字未加引号、少了等号或引号不成对。",
            f"{where}: not valid TOML ({error}). Often a missing quote or equals sign.",
        ) from None


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
    message = _MESSAGES.get(kind, Text(fault["msg"], fault["msg"]))
    found = "" if kind == "missing" else f"（现为 {fault['input']!r}）"
    return Text(
        f"{key}：{message.zh}{found}", f"{key}: {message.en}" + (f" (found {fault['input']!r})" if found else "")
    )


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
