"""The rule packs that come with the program, and the rules in force once a city's own packs are applied.

Apart from :mod:`gis_renovation.rules`, which judges by whatever rules it is given: a step that takes rules knows
them by their content, and one that takes none does not run again when a pack is corrected.

What lies beside this module holds for the whole country: national rules, and this program's parameters. A pack of
``cities`` cites one city's documents and is in force only where a project says that it is of that city.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable

from gis_renovation.rules import Rule, RulePack, combine_packs, read_rule_pack, unknown_pack_error
from gis_renovation.shipped import shipped

__all__ = ["city_packs", "load_rules", "rules_in_force", "shipped_packs"]


def load_rules(names: Sequence[str], *, own: Sequence[tuple[str, str]] = ()) -> tuple[Rule, ...]:
    """The rules of the shipped packs ``names``, then of a city's own packs, overrides applied.

    ``own`` holds a file's name (for messages) and its text, in the order of application.
    Raises ConfigError for an unknown pack name, with the nearest known one, or any fault of a pack.
    """
    known = shipped_packs()
    strange = [name for name in names if name not in known]
    if strange:
        raise unknown_pack_error(strange, tuple(known), where=", ".join(names))
    packs = [read_rule_pack(known[name], where=name) for name in names]
    return combine_packs([*packs, *(read_rule_pack(text, where=where) for where, text in own)])


def rules_in_force(own: Sequence[tuple[str, str]] = (), *, city: str | None = None) -> tuple[Rule, ...]:
    """The national rules, then those of ``city``, changed and extended by a project's ``own`` packs (file name, text).

    Raises ConfigError for a city without a shipped pack, with the known ones.
    """
    packs = [] if city is None else [(f"cities/{city}.toml", _city_texts([city])[city])]
    return load_rules(tuple(shipped_packs()), own=[*packs, *own])


def shipped_packs() -> Mapping[str, str]:
    """Name to TOML text of every pack that holds for the whole country, by name."""
    return _texts(shipped("rule_packs"))


def city_packs() -> Mapping[str, RulePack]:
    """The packs of single cities by name, as ``city_rules`` in ``project.toml`` names them."""
    return {name: read_rule_pack(text, where=name) for name, text in _texts(shipped("rule_packs/cities")).items()}


def _city_texts(asked: Sequence[str]) -> Mapping[str, str]:
    known = _texts(shipped("rule_packs/cities"))
    strange = [name for name in asked if name not in known]
    if strange:
        raise unknown_pack_error(strange, tuple(known), where="city_rules")
    return known


def _texts(folder: Traversable) -> Mapping[str, str]:
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name)
    return {path.name.removesuffix(".toml"): path.read_text(encoding="utf-8") for path in paths}
