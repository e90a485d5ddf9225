"""Idle public land and vacant premises: every rule's verdict for every parcel, then a candidate list.

The result says *candidate* (候选), never *found idle* (认定): whether land is idle in the sense of the
law is for the natural-resources bureau to decide, from contract dates no map shows. A rule whose
data are missing is unknown, and unknown never passes and never excludes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Flags, Floats, Words
from gis_renovation.crs import geodesic_area_m2, require_metric
from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.land.measures import (
    Measure,
    Site,
    nearest_communities,
    numbers_of,
    parcel_measures,
    premises_measures,
    require_control_kinds,
)
from gis_renovation.rules import (
    NO,
    OPERATOR_SIGNS,
    UNKNOWN,
    VERDICT_NAMES,
    YES,
    Rule,
    Verdicts,
    all_of,
    any_of,
    judge_numbers,
    judge_words,
    rules_for,
    verdict_codes,
    verdict_names,
    verdicts_of,
)
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Lang, Text

OUTCOMES: Mapping[int, str] = {NO: "excluded", UNKNOWN: "unknown", YES: "candidate"}
_UNITS_EN = {"年": "years", "层": "storeys", "户": "households", "个": "pieces"}
LANGS: tuple[Lang, ...] = ("zh", "en")
# Measures of how a land contract was kept; remarks on them are told apart, for fewer eyes.
CONTRACT_MEASURES = ("start_overdue_years", "built_share", "invested_share", "stopped_years", "term_left_years")

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


# --- the ledger -----------------------------------------------------------------------------------


def assess_parcels(
    parcels: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None = None,
    control_lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    parcel_greenness: pd.DataFrame | None = None,
    *,
    rules: tuple[Rule, ...],
    as_of: datetime.date,
    checked_kinds: tuple[str, ...] = (),
    certified_parcel_ids: tuple[str, ...] = (),
    blank_start: Literal["unknown", "not_started"] = "unknown",
    sliver_width_m: float = 1.0,
) -> pd.DataFrame:
    """Judge every parcel by every rule: the ledger from which idle public land is listed.

    Nothing is found idle here; a row only says what was measured, against which threshold of which
    source, and whether that passes, fails, or cannot be told. A missing layer leaves its rules
    unknown (未核查).

    Parameters
    ----------
    parcels, communities, control_lines, buildings
        Polygons by their keys in one projected CRS in metres. ``None`` is a layer nobody has.
    parcel_greenness
        The result of :func:`gis_renovation.rasters.zonal.parcel_greenness`.
    rules
        Those with layer ``parcels`` are used, in their order.
    as_of
        The day for which terms and delays are counted.
    checked_kinds
        Kinds of control line that the layer covers even where it holds none of them. Any other
        kind absent from the layer is unknown, not zero.
    certified_parcel_ids
        Parcels inside a compound whose certificate was seen and shows they are not shared land.
    blank_start
        What a blank actual start means in this city's contract register.
    sliver_width_m
        Overlaps with control lines narrower than this on average are doubtful, hence unknown.

    Returns
    -------
    DataFrame, one row per parcel and rule, sorted by parcel_id and then in the order of ``rules``:
    parcel_id, rule_id, role (decides or notes), measure, value (number) or value_text (word),
    threshold, threshold_text, unit, verdict (yes, no, unknown), distance (what a failing number
    lacks, in ``unit``), force, confirmed, source_zh, source_en, reason_zh, reason_en. No parcels: no rows.

    Raises
    ------
    CRSError for CRS not metric or not shared; ConfigError for a rule whose measure is not known.
    O(parcels x rules + overlaps). Kleene's three-valued logic (docs/methods.md, 4).
    """
    require_metric(parcels=parcels, communities=communities, control_lines=control_lines, buildings=buildings)
    site = Site(
        layer="parcels",
        places=parcels.sort_index(),
        communities=communities,
        control_lines=control_lines,
        buildings=buildings,
        greenness=parcel_greenness,
        as_of=as_of,
        checked_kinds=require_control_kinds(checked_kinds),
        certified_ids=frozenset(certified_parcel_ids),
        blank_start=blank_start,
        sliver_width_m=sliver_width_m,
    )
    return _ledger(site, rules, parcel_measures(), "parcel_id")


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

    ``premises`` are points or polygons; everything else is as in :func:`assess_parcels`, with
    premises_id in place of parcel_id. Whether a room may be used is for its owner and the county to
    say. O(premises x rules).
    """
    require_metric(premises=premises, communities=communities, control_lines=control_lines)
    site = Site(
        layer="premises",
        places=premises.sort_index(),
        communities=communities,
        control_lines=control_lines,
        buildings=None,
        greenness=None,
        as_of=as_of,
        checked_kinds=require_control_kinds(checked_kinds),
        certified_ids=frozenset(),
        blank_start="unknown",
        sliver_width_m=0.0,
    )
    return _ledger(site, rules, premises_measures(), "premises_id")


def _ledger(
    site: Site, rules: tuple[Rule, ...], measures: Mapping[str, Callable[[Site], Measure]], key: str
) -> pd.DataFrame:
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


def _judge(layer: str, rule: Rule, measure: Measure) -> dict[str, NDArray[Any]]:
    """The columns of one rule that differ from place to place."""
    count = len(measure.values)
    if measure.values.dtype == object:
        words = cast("Words", measure.values)
        verdict, value, distance = judge_words(rule, words), np.full(count, np.nan), np.full(count, np.nan)
        missing = pd.isna(words)
        shown_zh, shown_en = (_labels(layer, rule.measure, words, lang) for lang in (0, 1))
        value_text = np.where(missing, np.array(None, dtype=object), words)
    else:
        value = measure.values.astype(np.float64)
        verdict, distance = judge_numbers(rule, value)
        missing = np.isnan(value)
        shown_zh, shown_en = _shown(value, rule.unit), _shown(value, _UNITS_EN.get(rule.unit, rule.unit))
        value_text = np.full(count, None, dtype=object)
    doubtful = np.zeros(count, bool) if measure.doubtful is None else measure.doubtful
    verdict = np.where(doubtful, UNKNOWN, verdict).astype(np.int8)
    lacks = _lacks(rule, distance)
    common = (verdict, missing, doubtful)
    return {
        "value": value,
        "value_text": value_text,
        "verdict": verdict,
        "distance": np.where(verdict == NO, distance, np.nan),
        "reason_zh": _reasons(_PHRASES_ZH, 0, rule, measure, *common, shown_zh, lacks),
        "reason_en": _reasons(_PHRASES_EN, 1, rule, measure, *common, shown_en, lacks),
    }


# Keyed by role and verdict; {rule} the rule's text, {value} what was found, {why} why it is unknown.
_PHRASES_ZH = {
    ("decides", YES): "符合：{rule}（{value}）",
    ("decides", NO): "不符合：{rule}（{value}{lacks}）",
    ("decides", UNKNOWN): "未知：{rule}（{why}）",
    ("notes", YES): "提示：{rule}（{value}）",
    ("notes", NO): "未见：{rule}（{value}）",
    ("notes", UNKNOWN): "未知：{rule}（{why}）",
}
_PHRASES_EN = {
    ("decides", YES): "passes: {rule} ({value})",
    ("decides", NO): "fails: {rule} ({value}{lacks})",
    ("decides", UNKNOWN): "unknown: {rule} ({why})",
    ("notes", YES): "note: {rule} ({value})",
    ("notes", NO): "does not apply: {rule} ({value})",
    ("notes", UNKNOWN): "unknown: {rule} ({why})",
}


def _reasons(
    phrases: Mapping[tuple[str, int], str],
    lang: int,
    rule: Rule,
    measure: Measure,
    verdict: Verdicts,
    missing: Flags,
    doubtful: Flags,
    shown: Words,
    lacks: tuple[Words, Words],
) -> Words:
    """One sentence a place; the same value gives the same sentence."""
    confirm = ("需人工核实", "to be confirmed by a person")[lang]
    reasons = np.empty(len(verdict), dtype=object)
    for code in (NO, UNKNOWN, YES):
        phrase = phrases[rule.role, code].replace("{rule}", rule.text[lang])
        before, _, after = phrase.partition("{value}")
        if code == UNKNOWN:
            reasons[(verdict == code) & missing] = phrase.replace("{why}", measure.why_unknown[lang])
            for at, tail in ((doubtful, (measure.doubt or measure.why_unknown)[lang]), (~doubtful, confirm)):
                here = (verdict == code) & ~missing & at
                start, _, end = phrase.partition("{why}")
                comma = "，" if lang == 0 else ", "
                reasons[here] = [f"{start}{value}{comma}{tail}{end}" for value in shown[here]]
            continue
        here = verdict == code
        if "{lacks}" in after:
            end = after.replace("{lacks}", "")
            reasons[here] = [f"{before}{a}{b}{end}" for a, b in zip(shown[here], lacks[lang][here], strict=True)]
        else:
            reasons[here] = [f"{before}{value}{after}" for value in shown[here]]
    return reasons


def _shown(values: Floats, unit: str) -> Words:
    """Numbers as people read them: shares in per cent, areas to 0.01 m², lengths to 0.1 m."""
    if not unit:
        return np.array([f"{value:.1%}" for value in values], dtype=object)
    digits = 1 if unit == "m" else 2
    return np.array([f"{value:,.{digits}f} {unit}" for value in values], dtype=object)


def _lacks(rule: Rule, distance: Floats) -> tuple[Words, Words]:
    """How far from the threshold, in Chinese and English; empty for words and for what passes."""
    zh, en = np.full(len(distance), "", dtype=object), np.full(len(distance), "", dtype=object)
    if rule.role == "notes":
        return zh, en
    failing, bound_zh = ~np.isnan(distance), rule.threshold
    unit_en = _UNITS_EN.get(rule.unit, rule.unit)
    bound_en = bound_zh.replace(rule.unit, unit_en) if rule.unit else bound_zh
    zh[failing] = [f"，要求 {bound_zh}，差 {value}" for value in _shown(distance[failing], rule.unit)]
    en[failing] = [f", needs {bound_en}, off by {value}" for value in _shown(distance[failing], unit_en)]
    return zh, en


def _labels(layer: str, measure: str, words: Words, lang: int) -> Words:
    """The label of each word in Chinese (0) or English (1)."""
    fields = layer_schema(layer).fields
    values = fields[measure].values if measure in fields else {}
    labels = {"yes": ("是", "yes")[lang], "no": ("否", "no")[lang]}
    labels |= {word: text[lang] for word, text in values.items()}
    return np.array([labels.get(word, word) for word in words], dtype=object)


# --- the lists ------------------------------------------------------------------------------------


def screen_parcels(
    parcels: gpd.GeoDataFrame,
    parcel_ledger: pd.DataFrame,
    communities: gpd.GeoDataFrame | None = None,
    *,
    blank_start: Literal["unknown", "not_started"] = "unknown",
) -> gpd.GeoDataFrame:
    """Every parcel with what its ledger adds up to: candidate, excluded, or not yet known.

    A parcel is excluded when a deciding rule says no, unknown when none says no but some cannot be
    told, else a candidate for a visit (候选, never 认定). No parcel is left out.

    Parameters
    ----------
    parcels, communities
        Polygons by their keys in one projected CRS in metres.
    parcel_ledger
        The result of :func:`assess_parcels` for these parcels.

    Returns
    -------
    GeoDataFrame of the parcels' polygons indexed and sorted by parcel_id: verdict, deciding_rules
    (ids, those that exclude, or those that are unknown), failed_count, unknown_count, passed_count,
    reason_zh, reason_en (of the deciding rules), notes_zh, notes_en (remarks that apply),
    contract_notes_zh, contract_notes_en (remarks on how the land contract was kept), legal_idle
    (the test of 令53号: yes, no or unknown; *yes* means the figures meet it, not that anyone has
    found so), leasing_approval (whether leasing to a company needs approval),
    area_m2 (drawn, planar), geodesic_area_m2, registered_area_m2, area_difference_share,
    holder_kind, right_type, nearest_community_id, community_distance_m.

    Raises
    ------
    DataError when the ledger is not of these parcels. O(parcels x rules).
    """
    require_metric(parcels=parcels, communities=communities)
    parcels = parcels.sort_index()
    result = _add_up(parcels, parcel_ledger, "parcel_id")
    verdicts = _by_rule(parcel_ledger, "parcel_id", parcels.index)
    result["legal_idle"] = verdict_names(_legal_test(parcels, verdicts, blank_start))
    result["leasing_approval"] = verdict_names(verdicts("parcel_leasing_approval"))
    area = shapely.area(np.asarray(parcels.geometry.to_numpy(), dtype=object))
    registered = numbers_of(parcels, "registered_area_m2")
    result["area_m2"] = area
    result["geodesic_area_m2"] = geodesic_area_m2(parcels)
    result["registered_area_m2"] = registered
    result["area_difference_share"] = (area - registered) / np.where(registered > 0.0, registered, np.nan)
    return _located(result, parcels, communities)


def screen_premises(
    premises: gpd.GeoDataFrame, premises_ledger: pd.DataFrame, communities: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    """Every room or building of the register with what its ledger adds up to.

    As :func:`screen_parcels`, indexed by premises_id, with name, floor_area_m2 and storey in place
    of the areas of land, and no test of idle land: rooms are vacant (空置), not idle land (闲置土地).
    """
    require_metric(premises=premises, communities=communities)
    premises = premises.sort_index()
    result = _add_up(premises, premises_ledger, "premises_id")
    verdicts = _by_rule(premises_ledger, "premises_id", premises.index)
    result["leasing_approval"] = verdict_names(verdicts("premises_leasing_approval"))
    result = result.drop(columns=["contract_notes_zh", "contract_notes_en"])
    names = premises["name"] if "name" in premises.columns else pd.Series(None, index=premises.index, dtype="str")
    result.insert(0, "name", names.astype("str"))
    result["floor_area_m2"] = numbers_of(premises, "floor_area_m2")
    result["storey"] = numbers_of(premises, "storey")
    return _located(result, premises, communities)


def show_candidate_ledger(idle_parcels: gpd.GeoDataFrame, parcel_ledger: pd.DataFrame) -> pd.DataFrame:
    """Every rule's line of every candidate, in words, as a card on the bureau's map shows it.

    The whole ledger of a candidate: nothing is left out but the figures of land contracts, which are
    restricted; of those rules the verdict stays and the value says where to look it up.

    Returns a DataFrame by parcel_id and then in the ledger's order: parcel_id, rule_id, found_zh and
    found_en (the reason with value and what is lacking), needs_zh and needs_en (the threshold, codes by
    their labels), verdict, role, force, source_zh, source_en. No candidate: no rows. O(rows of the candidates).
    """
    candidates = idle_parcels.index[idle_parcels["verdict"] == "candidate"]
    rows = parcel_ledger[parcel_ledger["parcel_id"].isin(candidates)].sort_values("parcel_id", kind="stable")
    contract = rows["measure"].isin(CONTRACT_MEASURES) & (rows["verdict"] != "unknown")
    found = {
        f"found_{lang}": rows[f"reason_{lang}"].mask(contract, rows[f"reason_{lang}"].map(_without_value[lang]))
        for lang in LANGS
    }
    asked = {pair: _needs(*pair) for pair in set(zip(rows["measure"], rows["threshold_text"], strict=True))}
    needs = [asked[pair] for pair in zip(rows["measure"], rows["threshold_text"], strict=True)]
    found |= {
        f"needs_{lang}": pd.Series([text.in_language(lang) for text in needs], index=rows.index, dtype="str")
        for lang in LANGS
    }
    names = ("verdict", "role", "force", "source_zh", "source_en")
    shown = rows[["parcel_id", "rule_id", *names]].assign(**found)
    order = ["parcel_id", "rule_id", "found_zh", "found_en", "needs_zh", "needs_en", *names]
    return shown[order].reset_index(drop=True)


def _needs(measure: str, threshold: str) -> Text:
    """A threshold in words: codes by their labels, units in both languages."""
    sign, _, rest = threshold.partition(" ")
    if sign != OPERATOR_SIGNS["in"]:
        number, _, unit = rest.partition(" ")
        return Text(threshold, f"{sign} {number} {_UNITS_EN.get(unit, unit)}".strip())
    words = np.array(rest.split("/"), dtype=object)
    zh, en = "、".join(_labels("parcels", measure, words, 0)), ", ".join(_labels("parcels", measure, words, 1))
    return Text(f"为{zh}", f"is {en}")


# A reason ends with what was found, in brackets; a contract's figures hold none themselves.
_without_value: Mapping[Lang, Callable[[str], str]] = {
    "zh": lambda reason: f"{reason.rpartition('（')[0]}（数值受限，见工作簿）",
    "en": lambda reason: f"{reason.rpartition(' (')[0]} (figures are restricted: see the workbook)",
}


def _located(result: pd.DataFrame, places: gpd.GeoDataFrame, communities: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """The result with tenure, the nearest community and the places' geometry."""
    for name in ("holder_kind", "right_type"):
        column = places[name] if name in places.columns else pd.Series(None, index=places.index, dtype=object)
        result[name] = column.astype("str")
    geometry = np.asarray(places.geometry.to_numpy(), dtype=object)
    if communities is None:
        ids, distance = np.full(len(places), None, dtype=object), np.full(len(places), np.nan)
    else:
        ids, distance = nearest_communities(geometry, communities)
    result["nearest_community_id"] = pd.array(ids, dtype="str")
    result["community_distance_m"] = distance
    return gpd.GeoDataFrame(result, geometry=places.geometry, crs=places.crs)


def _by_rule(ledger: pd.DataFrame, key: str, index: pd.Index[Any]) -> Callable[[str], Verdicts]:
    """A lookup of one rule's verdicts in the order of ``index``; unknown where the rule was not used."""

    def verdicts(rule_id: str) -> Verdicts:
        rows = ledger[ledger["rule_id"] == rule_id]
        found = np.full(len(index), UNKNOWN, np.int8)
        found[index.get_indexer(pd.Index(rows[key]))] = verdict_codes(rows["verdict"])
        return found

    return verdicts


def _legal_test(parcels: gpd.GeoDataFrame, verdicts: Callable[[str], Verdicts], blank_start: str) -> Verdicts:
    """Whether the recorded figures meet the test of 闲置土地 (国土资源部令第53号, 2012), three-valued.

    State land; and either a year past the agreed start without starting, or started, stopped for a
    year or more, and either under a third built or under a quarter invested.
    """
    begun = _recorded(parcels, "started_on") | _recorded(parcels, "stopped_on")
    stalled = all_of(
        verdicts_of(begun, begun | (blank_start == "not_started")),
        verdicts("parcel_stopped_long"),
        any_of(verdicts("parcel_built_low"), verdicts("parcel_invested_low")),
    )
    return all_of(verdicts("parcel_state_owned"), any_of(verdicts("parcel_start_overdue"), stalled))


def _recorded(frame: pd.DataFrame, name: str) -> Flags:
    if name not in frame.columns:
        return np.zeros(len(frame), bool)
    return np.asarray(frame[name].notna().to_numpy())


def _add_up(places: gpd.GeoDataFrame, ledger: pd.DataFrame, key: str) -> pd.DataFrame:
    """Outcome, counts and reasons of every place; Kleene *and* over its deciding rules."""
    place = places.index.get_indexer(ledger[key])
    judged = np.zeros(len(places), bool)
    judged[place[place >= 0]] = True
    if (place < 0).any() or not judged.all():
        raise _wrong_ledger(places, ledger, key, judged)
    codes, deciding = verdict_codes(ledger["verdict"]), (ledger["role"] == "decides").to_numpy()
    outcome = np.full(len(places), YES, np.int8)
    np.minimum.at(outcome, place[deciding], codes[deciding])
    result = pd.DataFrame(index=places.index)
    result["verdict"] = np.array([OUTCOMES[int(code)] for code in outcome], dtype="object")
    decides = deciding & (codes == outcome[place]) & (codes != YES)
    result["deciding_rules"] = _joined(ledger["rule_id"], place, decides, len(places), ", ")
    for name, code in (("failed_count", NO), ("unknown_count", UNKNOWN), ("passed_count", YES)):
        result[name] = np.bincount(place[deciding & (codes == code)], minlength=len(places))
    shown = decides | (deciding & (outcome[place] == YES))
    noted = ~deciding & (codes == YES)
    contract = ledger["measure"].isin(CONTRACT_MEASURES).to_numpy()
    for name, chosen in (("reason", shown), ("notes", noted & ~contract), ("contract_notes", noted & contract)):
        for lang, mark in (("zh", "；"), ("en", "; ")):
            result[f"{name}_{lang}"] = _joined(ledger[f"reason_{lang}"], place, chosen, len(places), mark)
    counts = [name for name in result.columns if name.endswith("_count")]
    return result.astype(dict.fromkeys(result.columns.drop(counts), "str"))


def _joined(texts: pd.Series[str], place: NDArray[np.intp], chosen: Flags, count: int, mark: str) -> Words:
    """The chosen texts of each place in ledger order, joined; empty where none is chosen."""
    own = place[chosen]
    order = np.argsort(own, kind="stable")
    words = texts.array[chosen][order].to_numpy(dtype=object).tolist()
    stops = np.cumsum(np.bincount(own, minlength=count))
    starts = np.concatenate([[0], stops[:-1]]) if count else stops
    joined = [mark.join(words[a:b]) for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
    return np.array(joined, dtype=object)


def _wrong_ledger(places: gpd.GeoDataFrame, ledger: pd.DataFrame, key: str, judged: Flags) -> DataError:
    strange = sorted(set(ledger[key]) - set(places.index))
    absent = [str(name) for name in places.index[~judged]]
    return DataError(
        [
            Finding(
                severity="error",
                code="ledger_of_other_places",
                layer=f"{key.removesuffix('_id')}_ledger",
                text=Text(
                    f"台账与图层不一致：{len(strange)} 个编号不在图层中，{len(absent)} 个要素没有判定；请重新评估。",
                    f"The ledger is of other features: {len(strange)} ids are not in the layer, {len(absent)} features "
                    "were not judged; assess them again.",
                ),
                features=by_key([*strange, *absent]),
            )
        ]
    )
