"""What a project may set for a function is its keyword-only parameters: read, checked, and handed to it."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from gis_renovation.schemas import layer_schemas

# Given by the run itself, never by a table of project.toml.
RUN_PARAMETERS = ("as_of", "rules", "desk", "schemes", "tried")


def parameters_model(name: str, functions: tuple[Callable[..., Any], ...]) -> type[BaseModel]:
    """A model of the keyword-only parameters of all ``functions``, those of the run left out."""
    fields: dict[str, Any] = {}
    for function in functions:
        for parameter in tunable_parameters(function, table=name).values():
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields.setdefault(parameter.name, (Annotated[_annotation(function, parameter), Field()], default))
    return create_model(name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True), **fields)


def tunable_parameters(function: Callable[..., Any], *, table: str | None = None) -> dict[str, inspect.Parameter]:
    """What a project may set for a function, in written order: its keyword-only parameters but for layers.

    A parameter that takes a record (a frozen dataclass, such as ``requirements: ZoneRequirements``) stands here
    by the record's fields: a table of ``project.toml`` is flat, whatever the function gathers. With ``table``
    those of records are left out that a project states in another one.
    """
    found: dict[str, inspect.Parameter] = {}
    for parameter in _own_parameters(function):
        record = _record_of(function, parameter)
        if record and table is not None and getattr(record, "table", table) != table:
            continue
        found |= _fields_of(record, parameter.default) if record else {parameter.name: parameter}
    return found


def lending_tables(function: Callable[..., Any]) -> tuple[str, ...]:
    """The tables of ``project.toml`` that records of a function stand in, whatever the function's own is."""
    records = (_record_of(function, parameter) for parameter in _own_parameters(function))
    return tuple(record.table for record in records if record is not None and hasattr(record, "table"))


def bind_parameters(function: Callable[..., Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """The values one function gets, flat: the table's where it has one, else the default."""
    return {
        name: table.get(name, parameter.default)
        for name, parameter in tunable_parameters(function).items()
        if name in table or parameter.default is not inspect.Parameter.empty
    }


def gather_arguments(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Flat values as the function takes them: those that a record holds, gathered into it."""
    given = dict(values)
    for parameter in _own_parameters(function):
        record = _record_of(function, parameter)
        if record:
            own = {field.name: given.pop(field.name) for field in dataclasses.fields(record) if field.name in given}
            given[parameter.name] = record(**own)
    return given


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON keeps them, and as a manifest does: lists for tuples, days by their digits."""
    kept: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return kept


def _own_parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = inspect.signature(function).parameters.values()
    given = {*RUN_PARAMETERS, *layer_schemas()}
    return [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in given]


def _record_of(function: Callable[..., Any], parameter: inspect.Parameter) -> type[Any] | None:
    """The record that a parameter takes; None if it takes a plain value."""
    kind = _annotation(function, parameter)
    return kind if isinstance(kind, type) and dataclasses.is_dataclass(kind) else None


def _fields_of(record: type[Any], default: Any) -> dict[str, inspect.Parameter]:
    """A record's fields as parameters: their types, and their values in the function's own default."""
    hints = get_type_hints(record)
    return {
        field.name: inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(default, field.name) if dataclasses.is_dataclass(default) else _default_of(field),
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(record)
    }


def _default_of(field: dataclasses.Field[Any]) -> Any:
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    if not isinstance(parameter.annotation, str):
        return Any if parameter.annotation is inspect.Parameter.empty else parameter.annotation
    import typing

    module = inspect.getmodule(function)
    names = {**vars(typing), **(vars(module) if module else {})}
    try:
        # The annotation is our own source text, made a string by `from __future__ import annotations`.
        return eval(parameter.annotation, names)  # noqa: S307
    except NameError:
        return Any
