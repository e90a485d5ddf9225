"""The lists drawn from the ledgers: every parcel or room as candidate, excluded, or not yet known.

The result says *candidate* (候选), never *found idle* (认定): whether land is idle in the sense of the
law is for the natural-resources bureau to decide, from contract dates no map shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags, Positions, Words
from gis_renovation.crs import geodesic_area_m2, require_metric
from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.ledger import UNITS_EN, labels_of
from gis_renovation.land.measures import CONTRACT_MEASURES, nearest_communities, numbers_of
from gis_renovation.rules import OPERATOR_SIGNS
from gis_renovation.verdicts import (
    NO,
    UNKNOWN,
    YES,
    Verdicts,
    all_of,
    any_of,
    verdict_codes,
    verdict_names,
    verdicts_of,
)
from gis_renovation.words import Lang, Text

OUTCOMES: Final[Mapping[int, str]] = {NO: "excluded", UNKNOWN: "unknown", YES: "candidate"}
LANGS: Final[tuple[Lang, ...]] = ("zh", "en")


@layers_on_text_ids
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
        The result of :func:`gis_renovation.land.parcels.assess_parcels` for these parcels.
    blank_start
        What a blank actual start means in this city's contract register.

    Returns
    -------
    GeoDataFrame of the parcels' polygons indexed and sorted by parcel_id: verdict, deciding_rules
    (ids, those that exclude, or those that are unknown), failed_count, unknown_count, passed_count,
    reason_zh, reason_en (of the deciding rules), notes_zh, notes_en (remarks that apply),
    contract_notes_zh, contract_notes_en (remarks on how the land contract was kept), legal_idle
    (the test of 国土资源部令第53号 of 2012: yes, no or unknown; *yes* means the figures meet it, not that anyone has
    found so), leasing_approval (whether leasing to a company needs approval),
    area_m2 (drawn, planar), geodesic_area_m2, registered_area_m2, area_difference_share,
    holder_kind, right_type, nearest_community_id, community_distance_m.

    Raises
    ------
    CRSError; DataError when the ledger is not of these parcels. O(parcels x rules).

    Examples
    --------
    A parcel that passes its rule is a candidate, one that misses it is excluded:

    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 20, 10), box(30, 0, 40, 10)], index=["P1", "P2"],
    ...                            crs="EPSG:4548")
    >>> ledger = pd.DataFrame({"parcel_id": ["P1", "P2"], "rule_id": "large", "role": "decides", "measure": "area_m2",
    ...                        "verdict": ["yes", "no"], "reason_zh": "", "reason_en": ["passes: area", "fails: area"]})
    >>> screen_parcels(parcels, ledger)[["verdict", "deciding_rules", "reason_en", "area_m2"]].to_numpy().tolist()
    [['candidate', '', 'passes: area', 200.0], ['excluded', 'large', 'fails: area', 100.0]]
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


@layers_on_text_ids
def screen_premises(
    premises: gpd.GeoDataFrame, premises_ledger: pd.DataFrame, communities: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    """Every room or building of the register with what its ledger adds up to.

    Rooms are vacant (空置), not idle land (闲置土地): there is no test of idle land.

    Parameters
    ----------
    premises, communities
        Points or polygons and polygons by their keys in one projected CRS in metres.
    premises_ledger
        The result of :func:`gis_renovation.land.ledger.assess_premises` for these premises.

    Returns
    -------
    GeoDataFrame indexed and sorted by premises_id: the columns of :func:`screen_parcels`, with name,
    floor_area_m2 and storey in place of the areas of land and of what concerns land contracts.

    Raises
    ------
    CRSError; DataError when the ledger is not of these premises. O(premises x rules).

    Examples
    --------
    A room whose one rule cannot be told is neither candidate nor excluded:

    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely import Point
    >>> rooms = gpd.GeoDataFrame({"floor_area_m2": [120.0]}, geometry=[Point(0, 0)], index=["R1"], crs="EPSG:4548")
    >>> ledger = pd.DataFrame({"premises_id": ["R1"], "rule_id": "safe", "role": "decides", "measure": "structure_safe",
    ...                        "verdict": "unknown", "reason_zh": "", "reason_en": "unknown: safe"})
    >>> screen_premises(rooms, ledger)[["verdict", "deciding_rules", "floor_area_m2"]].to_numpy().tolist()
    [['unknown', 'safe', 120.0]]
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


@layers_on_text_ids
def show_candidate_ledger(idle_parcels: gpd.GeoDataFrame, parcel_ledger: pd.DataFrame) -> pd.DataFrame:
    """Every rule's line of every candidate, in words, as a card on the bureau's map shows it.

    The whole ledger of a candidate: nothing is left out but the figures of land contracts, which are
    restricted; of those rules the verdict stays and the value says where to look it up.

    Parameters
    ----------
    idle_parcels
        The result of :func:`screen_parcels`.
    parcel_ledger
        The ledger that was screened.

    Returns
    -------
    DataFrame by parcel_id and then in the ledger's order: parcel_id, rule_id, found_zh and
    found_en (the reason with value and what is lacking), needs_zh and needs_en (the threshold, codes by
    their labels), verdict, role, force, source_zh, source_en. No candidate: no rows.

    Raises
    ------
    KeyError for a column that the ledger lacks. O(rows of the candidates).

    Examples
    --------
    >>> import pandas as pd
    >>> idle = pd.DataFrame({"verdict": ["candidate", "excluded"]}, index=["P1", "P2"])
    >>> ledger = pd.DataFrame({"parcel_id": ["P1", "P2"], "rule_id": "large", "measure": "area_m2",
    ...                        "threshold_text": "≥ 150 m²", "verdict": ["yes", "no"], "role": "decides",
    ...                        "force": "parameter", "source_zh": "", "source_en": "", "reason_zh": "",
    ...                        "reason_en": ["passes: area (200.00 m²)", "fails: area (100.00 m²)"]})
    >>> show_candidate_ledger(idle, ledger)[["parcel_id", "found_en", "needs_en"]].to_numpy().tolist()
    [['P1', 'passes: area (200.00 m²)', '≥ 150 m²']]
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
        return Text(threshold, f"{sign} {number} {UNITS_EN.get(unit, unit)}".strip())
    words = np.array(rest.split("/"), dtype=object)
    zh, en = "、".join(labels_of("parcels", measure, words, 0)), ", ".join(labels_of("parcels", measure, words, 1))
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


def _by_rule(ledger: pd.DataFrame, key: str, index: pd.Index[str]) -> Callable[[str], Verdicts]:
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


def _joined(texts: pd.Series[str], place: Positions, chosen: Flags, count: int, mark: str) -> Words:
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
