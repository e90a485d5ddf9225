"""Every rule's verdict for every place: the ledger from which idle land and vacant premises are listed.

A rule whose data are missing is unknown, and unknown never passes and never excludes. What is judged
stands in :mod:`gis_renovation.land.measures`; parcels, the only places whose measures need the classes of
land, are judged in :mod:`gis_renovation.land.parcels`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gis_renovation.arrays import Flags, Floats, Words
from gis_renovation.crs import require_metric
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.measures import (
    Measure,
    Measured,
    RegisterReading,
    Site,
    premises_measures,
    require_control_kinds,
)
from gis_renovation.rules import Role, Rule, judge_numbers, judge_words, rules_for
from gis_renovation.schemas import layer_schema
from gis_renovation.verdicts import NO, UNKNOWN, VERDICT_NAMES, YES, Verdicts
from gis_renovation.words import Text

# Position in a Text: 0 Chinese, 1 English.
Language = Literal[0, 1]
UNITS_EN: Final[Mapping[str, str]] = {"年": "years", "层": "storeys", "户": "households", "个": "pieces"}

LEDGER_COLUMNS = (
    "rule_id",
    "role",
    "measure",
    "value",
    "value_text",
    "threshold",
    "threshold_text",
    "unit",
    "verdict",
    "distance",
    "force",
    "confirmed",
    "source_zh",
    "source_en",
    "reason_zh",
    "reason_en",
)


@layers_on_text_ids
def assess_premises(
    premises: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None = None,
    control_lines: gpd.GeoDataFrame | None = None,
    *,
    rules: tuple[Rule, ...],
    as_of: datetime.date,
    checked_kinds: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Judge every room or building said to stand empty by every rule on ``premises``.

    Whether a room may be used is for its owner and the county to say.

    Parameters
    ----------
    premises
        Points or polygons by premises_id, in one projected CRS in metres.
    communities, control_lines
        Polygons in that CRS. ``None`` is a layer nobody has; its rules stay unknown (未核查).
    rules
        Those with layer ``premises`` are used, in their order.
    as_of
        The day for which years of vacancy are counted.
    checked_kinds
        Kinds of control line that the layer covers even where it holds none of them.

    Returns
    -------
    DataFrame as that of :func:`gis_renovation.land.parcels.assess_parcels`, with premises_id in place of
    parcel_id. No premises: no rows.

    Raises
    ------
    CRSError; ConfigError for a rule whose measure or a kind of line that is not known. O(premises x rules).

    Examples
    --------
    Two rooms, one of them 40 m² short of the 100 m² that the rule asks for:

    >>> import datetime
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from gis_renovation.rules import Rule
    >>> from gis_renovation.words import Text
    >>> large = Rule(id="large", layer="premises", measure="floor_area_m2", operator=">=", value=100.0, unit="m²",
    ...              text=Text("面积", "floor area"))
    >>> rooms = gpd.GeoDataFrame({"floor_area_m2": [120.0, 60.0]}, geometry=[Point(0, 0), Point(9, 0)],
    ...                          index=["R1", "R2"], crs="EPSG:4548")
    >>> ledger = assess_premises(rooms, rules=(large,), as_of=datetime.date(2024, 9, 30))
    >>> ledger[["premises_id", "verdict", "distance"]].to_numpy().tolist()
    [['R1', 'yes', nan], ['R2', 'no', 40.0]]
    """
    require_metric(premises=premises, communities=communities, control_lines=control_lines)
    site = Site(
        layer="premises",
        places=premises.sort_index(),
        as_of=as_of,
        reading=RegisterReading(checked_kinds=require_control_kinds(checked_kinds)),
        communities=communities,
        control_lines=control_lines,
    )
    return judge_places(site, rules, premises_measures(), "premises_id")


def judge_places(site: Site, rules: tuple[Rule, ...], measures: Mapping[str, Measured], key: str) -> pd.DataFrame:
    """One row a place and rule, by ``key`` and then in the order of the rules on the site's layer."""
    mine = rules_for(rules, site.layer, measures)
    measured = {name: measures[name](site) for name in dict.fromkeys(rule.measure for rule in mine)}
    judged = [_judge(site.layer, rule, measured[rule.measure]) for rule in mine]
    count = len(site.places)
    of_place, of_rule = np.repeat(np.arange(count), len(mine)), np.tile(np.arange(len(mine)), count)
    columns: dict[str, Any] = {key: _repeated(site.places.index.to_numpy(dtype=object), of_place)}
    for name in LEDGER_COLUMNS:
        if name in judged[0]:
            values = np.stack([part[name] for part in judged], axis=1).ravel()
            columns[name] = pd.array(values, dtype="str") if values.dtype == object else values
        else:
            columns[name] = _repeated(np.array([_of_rule(rule)[name] for rule in mine]), of_rule)
    columns["verdict"] = _repeated(np.array(VERDICT_NAMES), columns["verdict"])
    return pd.DataFrame({name: columns[name] for name in (key, *LEDGER_COLUMNS)})


def _repeated(values: NDArray[Any], positions: NDArray[Any]) -> Any:
    """``values[positions]``; words are repeated inside Arrow, ten times as fast as through Python."""
    if values.dtype.kind not in "OU":
        return values[positions]
    return pd.array(pa.array(values, pa.large_string()).take(pa.array(positions)), dtype="str")


def _of_rule(rule: Rule) -> dict[str, Any]:
    return {
        "rule_id": rule.id,
        "role": rule.role,
        "measure": rule.measure,
        "threshold": np.nan if isinstance(rule.value, tuple) else rule.value,
        "threshold_text": rule.threshold,
        "unit": rule.unit,
        "force": rule.force,
        "confirmed": rule.confirmed,
        "source_zh": rule.source.zh,
        "source_en": rule.source.en,
    }


@dataclass(frozen=True)
class _Judged:
    """What one rule says of every place, with the values and what they lack in words of both languages.

    ``is_recorded`` says that the measure is a column of the register.
    """

    rule: Rule
    measure: Measure
    verdict: Verdicts
    missing: Flags
    doubtful: Flags
    shown: tuple[Words, Words]
    lacks: tuple[Words, Words]
    is_recorded: bool


def _judge(layer: str, rule: Rule, measure: Measure) -> dict[str, NDArray[Any]]:
    """The columns of one rule that differ from place to place."""
    count = len(measure.values)
    if measure.values.dtype == object:
        words = cast("Words", measure.values)
        verdict, value, distance = judge_words(rule, words), np.full(count, np.nan), np.full(count, np.nan)
        missing = pd.isna(words)
        shown = labels_of(layer, rule.measure, words, 0), labels_of(layer, rule.measure, words, 1)
        value_text = np.where(missing, np.array(None, dtype=object), words)
    else:
        value = measure.values.astype(np.float64)
        verdict, distance = judge_numbers(rule, value)
        missing = np.isnan(value)
        shown = _shown(value, rule, 0), _shown(value, rule, 1)
        value_text = np.full(count, None, dtype=object)
    doubtful = np.zeros(count, bool) if measure.doubtful is None else measure.doubtful
    verdict = np.where(doubtful, UNKNOWN, verdict).astype(np.int8)
    is_recorded = rule.measure in layer_schema(layer).fields
    judged = _Judged(rule, measure, verdict, missing, doubtful, shown, _lacks(rule, distance), is_recorded)
    return {
        "value": value,
        "value_text": value_text,
        "verdict": verdict,
        "distance": np.where(verdict == NO, distance, np.nan),
        "reason_zh": _reasons(judged, 0),
        "reason_en": _reasons(judged, 1),
    }


# By role and verdict; {rule} the rule's text, {value} what was found and lacks, {why} why it is unknown.
_PHRASES: Final[Mapping[tuple[Role, int], Text]] = {
    ("decides", YES): Text("符合：{rule}（{value}）", "passes: {rule} ({value})"),
    ("decides", NO): Text("不符合：{rule}（{value}）", "fails: {rule} ({value})"),
    ("decides", UNKNOWN): Text("未知：{rule}（{why}）", "unknown: {rule} ({why})"),
    ("notes", YES): Text("提示：{rule}（{value}）", "note: {rule} ({value})"),
    ("notes", NO): Text("无此情形：{rule}（{value}）", "not so: {rule} ({value})"),
    ("notes", UNKNOWN): Text("未知：{rule}（{why}）", "unknown: {rule} ({why})"),
}
_OPEN: Final = Text("（", " (")
_NOT_RECORDED: Final = Text("未登记", "not recorded")
_CONFIRM: Final = Text("需人工核实", "to be confirmed by a person")
_COMMA: Final = Text("，", ", ")


def _reasons(judged: _Judged, lang: Language) -> Words:
    """One sentence a place; the same value gives the same sentence."""
    rule, measure, shown = judged.rule, judged.measure, judged.shown[lang]
    reasons = np.empty(len(judged.verdict), dtype=object)
    for code in (NO, YES):
        before, _, after = _phrase(rule, code, lang).partition("{value}")
        here = judged.verdict == code
        if _is_plain(rule):
            # The verdict of a yes or no says what was found.
            reasons[here] = before.removesuffix(_OPEN[lang])
            continue
        found = zip(shown[here], judged.lacks[lang][here], strict=True)
        bare = before.removesuffix(_OPEN[lang])
        reasons[here] = [
            bare if code == YES and _says(rule, value, lang) else f"{before}{value}{lack}{after}"
            for value, lack in found
        ]
    unknown, phrase = judged.verdict == UNKNOWN, _phrase(rule, UNKNOWN, lang)
    # The rule names a yes or no already: its column's name would say it twice.
    why_unknown = _NOT_RECORDED if judged.is_recorded and _is_plain(rule) else measure.why_unknown
    reasons[unknown & judged.missing] = phrase.replace("{why}", why_unknown[lang])
    before, _, after = phrase.partition("{why}")
    doubt = measure.doubt or measure.why_unknown
    for at, why in ((judged.doubtful, doubt), (~judged.doubtful, _CONFIRM)):
        here = unknown & ~judged.missing & at
        reasons[here] = [f"{before}{value}{_COMMA[lang]}{why[lang]}{after}" for value in shown[here]]
    return reasons


def _is_plain(rule: Rule) -> bool:
    """Whether a rule asks for a yes or no alone, so that its verdict tells what was found."""
    return isinstance(rule.value, tuple) and set(rule.value) <= {"yes", "no"}


def _says(rule: Rule, value: str, lang: Language) -> bool:
    """Whether the rule's text names the one word it asks for, so that who passes has it and need not be told."""
    is_one = isinstance(rule.value, tuple) and len(rule.value) == 1
    return is_one and value.lower() in rule.text[lang].lower()


def _phrase(rule: Rule, verdict: int, lang: Language) -> str:
    return _PHRASES[rule.role, verdict][lang].replace("{rule}", rule.text[lang])


def _shown(values: Floats, rule: Rule, lang: Language, *, apart_from: float | None = None) -> Words:
    """Numbers as people read them: shares in per cent, areas to 0.01 m², lengths to 0.1 m, an index bare.

    A number that differs from the rule's bound (or from ``apart_from``) has as many decimals as show it.
    """
    unit = rule.unit if lang == 0 else UNITS_EN.get(rule.unit, rule.unit)
    bound = rule.value if apart_from is None else apart_from
    digits = 1 if rule.is_share or unit == "m" else 2
    words = np.array([_number(value, digits, rule, unit) for value in values], dtype=object)
    if isinstance(bound, tuple):
        return words
    # The bound itself, and as it is printed: 1/3 is read as 33.33%.
    limits = {_bare(_number(bound, _MOST_DIGITS, rule, unit)), _bare(_number(bound, digits, rule, unit))}
    limits |= set() if apart_from is not None else {_bare(rule.threshold.split(" ", maxsplit=1)[1])}
    step = 10.0**-digits * (0.01 if rule.is_share else 1.0)
    near = (values != bound) & (np.abs(values - bound) <= step + 1e-3 * abs(bound))
    for at in np.flatnonzero(near):
        more = digits
        while _bare(words[at]) in limits and more < _MOST_DIGITS:
            more += 1
            words[at] = _number(values[at], more, rule, unit)
    return words


_MOST_DIGITS: Final = 13


def _number(value: float, digits: int, rule: Rule, unit: str) -> str:
    if rule.is_share:
        return f"{value:.{digits}%}"
    return f"{value:,.{digits}f} {unit}" if unit else f"{value:,.{digits}f}"


def _bare(text: str) -> float:
    """The number that a text shows."""
    return float(text.split(" ", maxsplit=1)[0].replace(",", "").rstrip("%"))


def _lacks(rule: Rule, distance: Floats) -> tuple[Words, Words]:
    """How far from the threshold, in Chinese and English; empty for words and for what passes."""
    zh, en = np.full(len(distance), "", dtype=object), np.full(len(distance), "", dtype=object)
    if rule.role == "notes":
        return zh, en
    unit_en = UNITS_EN.get(rule.unit, rule.unit)
    bound_en = rule.threshold.replace(rule.unit, unit_en) if rule.unit else rule.threshold
    zh[distance == 0.0] = f"，要求 {rule.threshold}，恰为限值，不符合"
    en[distance == 0.0] = f", needs {bound_en}, just at the bound that is excluded"
    off = distance > 0.0
    for words, lang, said in ((zh, 0, "，要求 {}，差 {}"), (en, 1, ", needs {}, off by {}")):
        bound = bound_en if lang else rule.threshold
        shown = _shown(distance[off], rule, cast("Language", lang), apart_from=0.0)
        words[off] = [said.format(bound, value) for value in shown]
    return zh, en


def labels_of(layer: str, measure: str, words: Words, lang: Language) -> Words:
    """The label of each word in Chinese (0) or English (1)."""
    fields = layer_schema(layer).fields
    values = fields[measure].values if measure in fields else {}
    labels = {"yes": ("是", "yes")[lang], "no": ("否", "no")[lang]}
    labels |= {word: text[lang] for word, text in values.items()}
    return np.array([labels.get(word, word) for word in words], dtype=object)
