"""Which pipes are to be renewed, by material, age and assessment: yes, no, or not known yet and why."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Words
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import sorted_by_id
from gis_renovation.rules import Rule, judge_numbers, judge_words
from gis_renovation.unknowns import known_no, known_yes, optional_column, optional_numbers, texts_as_objects
from gis_renovation.utilities.network import may_carry
from gis_renovation.verdicts import NO, UNKNOWN, YES, Verdicts, all_of, verdict_names
from gis_renovation.words import Text

_DRAINS = ("sewer", "storm", "combined_sewer")


class _Case(NamedTuple):
    """A case of renewal: in which networks, and the rules that must all hold."""

    networks: tuple[str, ...]
    rule_ids: tuple[str, ...]


_CASES = {
    "gas_grey_cast_iron": _Case(("gas",), ("gas_always_material",)),
    "gas_ductile_unsafe": _Case(("gas",), ("gas_ductile_material", "pipe_assessed_unsafe")),
    "gas_aged_unsafe": _Case(("gas",), ("gas_aged_material", "gas_aged_years", "pipe_assessed_unsafe")),
    "water_material": _Case(("water",), ("water_always_material",)),
    "water_unlined_iron": _Case(("water",), ("water_iron_material", "water_iron_lining")),
    "water_aged_unsafe": _Case(("water",), ("water_aged_years", "pipe_assessed_unsafe")),
    "drain_material": _Case(_DRAINS, ("drain_material",)),
    "heat_aged_unsafe": _Case(("heat",), ("heat_aged_years", "pipe_assessed_unsafe")),
}
_NO_CASE = Text("不属于任一更新情形", "No case of renewal applies")
_OPEN = Text("待核实：{what}", "To be found out: {what}")
_MEASURES = {
    "material": Text("材质", "material"),
    "age_years": Text("建设年代", "year built"),
    "assessed_unsafe": Text("评估结论", "the assessment"),
    "lined": Text("有无内衬", "the lining"),
}


def judge_renewal(
    utility_lines: gpd.GeoDataFrame, *, rules: tuple[Rule, ...], as_of: datetime.date
) -> gpd.GeoDataFrame:
    """Whether each gas, water, heat and drain pipe is to be renewed, by which case, and what is not known.

    A pipe is to be renewed when all rules of one case hold: material, years in use, assessment. Years alone condemn
    no pipe; grey cast iron that carries gas is always to be renewed. What nobody recorded leaves a case open, never
    closed. Abandoned, empty and planned lines are not judged; power and telecom have no case.

    Parameters
    ----------
    utility_lines
        Lines in a projected CRS in metres, indexed by id; ``network``, and where known ``status``, ``material``,
        ``year_built``, ``assessed_unsafe``, ``lined``, ``operator``.
    rules
        The rules in force; those of the pack ``utility_renewal``, changed by a city's own. Must hold every rule of
        the cases.
    as_of
        Day that years are counted to, by calendar years; a pipe that claims to be built later is of unknown age.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``utility_renewal``, indexed by ``line_id`` and sorted by it: ``verdict`` (yes, no, unknown), ``case``
        (the first that holds, or the first left open), ``length_m``, why, and the sources of the rules.

    Raises
    ------
    CRSError
        The lines are not in a projected CRS in metres.
    DataError
        Ids missing, repeated, or forgotten in a column.
    ConfigError
        A rule of the cases is not in force.

    Notes
    -----
    O(lines x rules).

    Examples
    --------
    >>> from shapely import LineString
    >>> from gis_renovation.rule_packs import load_rules
    >>> told = {"network": ["gas", "gas", "water"], "material": ["grey_cast_iron", "steel", "pe"],
    ...         "year_built": [2015, 1990, 2010], "status": "in_use"}
    >>> pipes = gpd.GeoDataFrame(told, geometry=[LineString([(0, 0), (50, 0)])] * 3, index=["a", "b", "c"],
    ...                          crs="EPSG:4548")
    >>> found = judge_renewal(pipes, rules=load_rules(["utility_renewal"]), as_of=datetime.date(2024, 9, 30))
    >>> found[["verdict", "case", "why_en"]]
             verdict                case                          why_en
    line_id
    a            yes  gas_grey_cast_iron  The gas pipe is of grey cast iron
    b        unknown     gas_aged_unsafe  To be found out: the assessment
    c             no                None  No case of renewal applies
    """
    require_metric(utility_lines=utility_lines)
    lines = sorted_by_id(utility_lines, "utility_lines")
    judged = {network for case in _CASES.values() for network in case.networks}
    lines = lines[lines["network"].isin(judged) & may_carry(lines)]
    force = _in_force(rules)
    verdicts = _verdicts(lines, force, as_of)
    best = np.full(len(lines), NO, dtype=np.int8)
    chosen = np.full(len(lines), None, dtype=object)
    for name, case in _CASES.items():
        of_case = np.where(lines["network"].isin(case.networks), all_of(*(verdicts[i] for i in case.rule_ids)), NO)
        chosen[of_case > best] = name
        best = np.maximum(best, of_case).astype(np.int8)
    whys = [_why(case, force, verdicts, row) for row, case in enumerate(chosen)]
    sources = [_source(case, force) for case in chosen]
    columns = {
        "network": lines["network"].to_numpy(dtype=object),
        "operator": optional_column(lines, "operator").to_numpy(dtype=object),
        "verdict": verdict_names(best),
        "case": chosen,
        "length_m": shapely.length(lines.geometry.to_numpy()),
        "why_zh": [why.zh for why in whys],
        "why_en": [why.en for why in whys],
        "source_zh": [source.zh if source else None for source in sources],
        "source_en": [source.en if source else None for source in sources],
    }
    table = pd.DataFrame(columns, index=pd.Index(lines.index, name="line_id", dtype="object"))
    for name in ("network", "operator", "case", "why_zh", "why_en", "source_zh", "source_en"):
        table[name] = table[name].astype("object")
    return gpd.GeoDataFrame(texts_as_objects(table), geometry=lines.geometry.to_numpy(), crs=utility_lines.crs)


def _in_force(rules: Sequence[Rule]) -> dict[str, Rule]:
    known = {rule.id: rule for rule in rules}
    needed = sorted({each for case in _CASES.values() for each in case.rule_ids})
    missing = [each for each in needed if each not in known]
    if missing:
        listed = ", ".join(missing)
        raise ConfigError(
            f"判断管线更新改造缺少规则 {listed}；请使用规则包 utility_renewal。",
            f"Rules that renewal is judged by are missing: {listed}; use the pack utility_renewal.",
        )
    return {each: known[each] for each in needed}


def _verdicts(lines: gpd.GeoDataFrame, rules: dict[str, Rule], as_of: datetime.date) -> dict[str, Verdicts]:
    """The verdict of every rule for every line, by rule id."""
    year = optional_numbers(lines, "year_built").to_numpy()
    material = optional_column(lines, "material")
    # Nobody can say of "other" whether it is one of the materials named.
    words = {
        "material": material.where(material.notna() & (material != "other"), None).to_numpy(dtype=object),
        **{name: _yes_or_no(lines, name) for name in ("assessed_unsafe", "lined")},
    }
    age = np.where(year > as_of.year, np.nan, as_of.year - year)
    return {
        name: judge_numbers(rule, age)[0] if rule.measure == "age_years" else judge_words(rule, words[rule.measure])
        for name, rule in rules.items()
    }


def _yes_or_no(lines: gpd.GeoDataFrame, name: str) -> Words:
    """The words of a yes/no column; None where nobody knows."""
    words = np.full(len(lines), None, dtype=object)
    words[known_yes(lines, name)] = "yes"
    words[known_no(lines, name)] = "no"
    return words


def _why(case: str | None, rules: dict[str, Rule], verdicts: dict[str, Verdicts], row: int) -> Text:
    if case is None:
        return _NO_CASE
    ids = _CASES[case].rule_ids
    if all(verdicts[each][row] == YES for each in ids):
        said = [_said(rules[each]) for each in ids]
        return Text("；".join(part.zh for part in said), "; ".join(part.en for part in said))
    names = [_MEASURES[rules[each].measure] for each in ids if verdicts[each][row] == UNKNOWN]
    return _OPEN.fill(what=Text("、".join(name.zh for name in names), ", ".join(name.en for name in names)))


def _said(rule: Rule) -> Text:
    if isinstance(rule.value, tuple):
        return rule.text
    return Text(f"{rule.text.zh} {rule.threshold}", f"{rule.text.en} ≥ {rule.value:g}")


def _source(case: str | None, rules: dict[str, Rule]) -> Text | None:
    """Where the rules of a case come from, each source once."""
    if case is None:
        return None
    sources = list(dict.fromkeys(rules[each].source for each in _CASES[case].rule_ids))
    return Text("；".join(source.zh for source in sources), "; ".join(source.en for source in sources))
