"""Schemes of a project: other wishes over ``[zones]`` and ``[contiguity]``, zoned beside the one that is chosen.

``[schemes.NAME]`` holds what a scheme asks otherwise than ``[zones]``, ``[schemes.NAME.contiguity]`` than
``[contiguity]``. ``[project] scheme = "NAME"`` chooses one: its wishes then are those of the whole run. Without it the
tables themselves are the chosen scheme, by no name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gis_renovation.config import faults_error, nearest_key
from gis_renovation.errors import ConfigError
from gis_renovation.run.binding import parameters_model, tunable_parameters
from gis_renovation.run.steps import SCHEME_STEPS, parameter_tables, plan_steps
from gis_renovation.words import Text

Tables = Mapping[str, Mapping[str, Any]]
NAME_LENGTH = 40
# What a scheme's table holds besides wishes.
TITLE = "title"
# The table that a scheme's own keys go over, and those that stand in tables of their own.
OWN_TABLE, NESTED = "zones", ("contiguity",)


@dataclass(frozen=True)
class SchemeWishes:
    """One scheme: its name in ``project.toml`` (none: the tables as they stand), its title, what it asks otherwise."""

    name: str
    title: Text
    asked: Tables

    def over(self, tables: Tables) -> dict[str, Mapping[str, Any]]:
        """The project's tables with this scheme's wishes over them."""
        return {**tables, **{name: {**tables.get(name, {}), **own} for name, own in self.asked.items()}}


AS_IT_STANDS = SchemeWishes("", Text("基本方案", "base scheme"), {})


def read_schemes(tables: Mapping[str, Any]) -> dict[str, SchemeWishes]:
    """The ``[schemes]`` tables checked; every fault of every scheme in one ConfigError."""
    found: dict[str, SchemeWishes] = {}
    faults: list[Text] = []
    for name, table in tables.items():
        try:
            found[name] = _read_scheme(name, table)
        except ConfigError as error:
            faults.append(error.text)
    if faults:
        raise ConfigError(*Text.same("\n").join(faults))
    return found


def require_chosen(chosen: str, schemes: Mapping[str, SchemeWishes]) -> None:
    """Raise ConfigError where ``[project] scheme`` names none of the schemes."""
    if not chosen or chosen in schemes:
        return
    hint = nearest_key(chosen, schemes) if schemes else Text("还没有 [schemes.…] 表。", "there is no [schemes.…] yet.")
    raise ConfigError(
        f"project.toml [project]：scheme 选了“{chosen}”，但没有名为 [schemes.{chosen}] 的方案；{hint.zh}",
        f"project.toml [project]: scheme chooses “{chosen}”, but there is no [schemes.{chosen}]; {hint.en}",
    )


def _read_scheme(name: str, table: Any) -> SchemeWishes:
    where = f"project.toml [schemes.{name}]"
    faults = list(_name_faults(name))
    if faults:
        raise ConfigError(*faults[0])
    if not isinstance(table, dict):
        raise ConfigError(f"{where} 应为一张表", f"{where} must be a table")
    nested = {key: table[key] for key in NESTED if key in table}
    own = {key: value for key, value in table.items() if key not in (TITLE, *nested)}
    asked = {OWN_TABLE: _check(OWN_TABLE, own, where)} if own else {}
    asked |= {key: _check(key, nested[key], f"project.toml [schemes.{name}.{key}]") for key in sorted(nested)}
    return SchemeWishes(name, _title(table.get(TITLE, name), where), asked)


def _name_faults(name: str) -> Iterator[Text]:
    hidden = any(unicodedata.category(character).startswith("C") for character in name)
    if not name.strip() or len(name) > NAME_LENGTH or hidden:
        yield Text(
            f"project.toml：方案名应为 1 至 {NAME_LENGTH} 个可见字符，实为 {name!a}。",
            f"project.toml: the name of a scheme must be 1 to {NAME_LENGTH} visible characters, found {name!a}.",
        )


def _title(told: Any, where: str) -> Text:
    """One text for both languages, or the Chinese and the English one."""
    parts = [told] if isinstance(told, str) else told
    if not (isinstance(parts, list) and 1 <= len(parts) <= 2 and all(isinstance(p, str) and p.strip() for p in parts)):
        raise ConfigError(
            f'{where}：title 应写成 "名称" 或 ["名称", "NAME"]。', f'{where}: title must be "NAME" or ["名称", "NAME"].'
        )
    return Text(parts[0], parts[-1])


def _check(key: str, values: Any, where: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError(f"{where} 应为一张表", f"{where} must be a table")
    elsewhere = [name for name in values if name not in _shaping(key) and name in _anywhere()]
    if elsewhere:
        raise ConfigError(*Text.same("\n").join(_misplaced(where, name, key) for name in elsewhere))
    model = parameters_model(key, tuple(step.call for step in plan_steps(SCHEME_STEPS) if step.table == key))
    try:
        checked: dict[str, Any] = model.model_validate(values).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise faults_error(error, model, where=where) from None
    return checked


def _shaping(key: str) -> set[str]:
    """Parameters of one table that decide the zones."""
    return {
        name
        for step in plan_steps(SCHEME_STEPS)
        if step.table == key
        for name in tunable_parameters(step.call, table=key)
    }


def _anywhere() -> dict[str, str]:
    """Every parameter of every analysis, and the table it stands in."""
    return {
        name: table
        for table, functions in parameter_tables().items()
        for function in functions
        for name in tunable_parameters(function, table=table)
    }


def _misplaced(where: str, name: str, key: str) -> Text:
    home = next((table for table in (OWN_TABLE, *NESTED) if table != key and name in _shaping(table)), None)
    if home is not None:
        nested = where.removeprefix("project.toml ").removesuffix("]").removesuffix(f".{key}")
        there = nested + ("]" if home == OWN_TABLE else f".{home}]")
        return Text(f"{where}：{name} 请写进 {there}。", f"{where}: {name} belongs into {there}.")
    table = _anywhere()[name]
    return Text(
        f"{where}：{name} 不影响片区怎么划，各方案相同；请写进 [{table}]。",
        f"{where}: {name} does not decide the zones, it is the same for all schemes; write it into [{table}].",
    )
