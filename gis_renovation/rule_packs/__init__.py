"""The rule packs that come with the program, and the rules in force once a city's own packs are applied.

Apart from :mod:`gis_renovation.rules`, which judges by whatever rules it is given: a step that takes rules knows
them by their content, and one that takes none does not run again when a pack is corrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gis_renovation.rules import Rule, combine_packs, read_rule_pack, unknown_pack_error
from gis_renovation.shipped import shipped

__all__ = ["load_rules", "rules_in_force", "shipped_packs"]


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


def rules_in_force(own: Sequence[tuple[str, str]] = ()) -> tuple[Rule, ...]:
    """All shipped rules, changed and extended by a project's ``own`` packs (file name, text)."""
    return load_rules(tuple(shipped_packs()), own=own)


def shipped_packs() -> Mapping[str, str]:
    """Name to TOML text of every pack in the package, by name."""
    paths = sorted(
        (path for path in shipped("rule_packs").iterdir() if path.name.endswith(".toml")), key=lambda path: path.name
    )
    return {path.name.removesuffix(".toml"): path.read_text(encoding="utf-8") for path in paths}
