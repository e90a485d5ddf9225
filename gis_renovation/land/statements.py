"""The four statements of a joint review of land, and what the check of a site comes to.

不新增用地、不改变用途、不改变主体、不涉及权属变化: three-valued. A fact nobody has brought leaves them unknown,
and no result here replaces a signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.arrays import Floats
from gis_renovation.errors import ConfigError
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.status import met_controls
from gis_renovation.verdicts import NO, UNKNOWN, YES, all_of, verdict_names
from gis_renovation.words import COMMAS, NO_TEXT, Text

STATEMENTS: Final[Mapping[str, Text]] = {
    "no_new_land": Text("不新增用地", "no new land is used"),
    "no_use_change": Text("不改变用途", "the use does not change"),
    "no_holder_change": Text("不改变主体", "the user does not change"),
    "no_tenure_change": Text("不涉及权属变化", "tenure is not affected"),
}


class Statement(NamedTuple):
    """One statement, as far as the facts support it, and who must confirm what they do not."""

    statement: str
    label_zh: str
    label_en: str
    verdict: str
    rests_on_zh: str
    rests_on_en: str
    lacking_papers: str
    confirm_by_zh: str
    confirm_by_en: str


# What a fact says: a verdict, and what it rests on.
Fact = tuple[int, Text]


@layers_on_text_ids
def draw_land_statements(
    land_sites: gpd.GeoDataFrame,
    land_status: pd.DataFrame,
    touched_parcels: pd.DataFrame | None = None,
    land_use_comparison: pd.DataFrame | None = None,
    proof_papers: pd.DataFrame | None = None,
    *,
    declared_new_holder_parcel_ids: tuple[str, ...] = (),
    declared_same_holder_parcel_ids: tuple[str, ...] = (),
    most_sliver_share: float = 0.01,
) -> pd.DataFrame:
    """What the overlays support of the four statements of a joint review, and what is still missing.

    Nobody's signature is replaced: *yes* means that every fact the statement rests on is at hand and
    speaks for it, *no* that one speaks against it, *unknown* that something must be brought or
    confirmed first. Slivers speak for nothing.

    - 不新增用地: the whole site lies in parcels of the register. Ground in no parcel may be in use for long: it
      leaves the statement unknown, and only people can say whether it is new.
    - 不改变用途: registered and planned use are both at hand all over the site and differ nowhere.
    - 不改变主体: the whole site lies in parcels with a recorded holder, a proof paper and somebody's statement
      that the holder stays, and no change was declared.
    - 不涉及权属变化: the first and third hold and all parcels are state-owned.

    Parameters
    ----------
    land_sites, land_status, touched_parcels, land_use_comparison
        The sites and the results of :func:`gis_renovation.land.status.check_land_status`,
        :func:`gis_renovation.land.sites.list_touched_parcels` and
        :func:`gis_renovation.land.comparison.compare_land_uses` for them; the last two ``None`` where there
        are no parcels.
    proof_papers
        Papers by parcel; ``None`` is *not checked*. One of kind ``same_holder`` states that the holder stays; it
        proves no right to the land.
    declared_new_holder_parcel_ids, declared_same_holder_parcel_ids
        Parcels whose user the project says will change, and will stay.
    most_sliver_share
        Slivers of more than this share of a site are no error of boundaries any more.

    Returns
    -------
    DataFrame by site_id and statement: label, verdict (yes, no, unknown), rests_on, lacking_papers
    (parcel ids), confirm_by, each text in Chinese and English.

    Raises
    ------
    KeyError for a column that a table lacks; ConfigError for a parcel whose user is said both to change and to
    stay. O(rows).

    Examples
    --------
    A site wholly in a parcel of the state, whose holder nobody recorded and whose use nobody compared:

    >>> import geopandas as gpd
    >>> from shapely import box
    >>> from gis_renovation.land import check_land_status, list_touched_parcels, outline_land_sites
    >>> sites = outline_land_sites(gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548"))
    >>> parcels = gpd.GeoDataFrame({"ownership": ["state"]}, geometry=[box(0, 0, 100, 60)], index=["P1"],
    ...                            crs="EPSG:4548")
    >>> status, touched = check_land_status(sites, parcels), list_touched_parcels(sites, parcels)
    >>> said = draw_land_statements(sites, status, touched)
    >>> dict(zip(said["statement"], said["verdict"]))
    {'no_new_land': 'yes', 'no_use_change': 'unknown', 'no_holder_change': 'unknown', 'no_tenure_change': 'unknown'}
    """
    holders = Holders(proof_papers, declared_new_holder_parcel_ids, declared_same_holder_parcel_ids)
    facts = SiteFacts(land_status, touched_parcels, land_use_comparison, holders, most_sliver_share=most_sliver_share)
    rows = []
    for site_id in map(str, land_sites.sort_index().index):
        land, use, holder, state_owned = (find(site_id) for find in facts.findings)
        said = statements_on(land, use, holder, state_owned, facts.lacking_papers(site_id))
        rows += [(site_id, *statement) for statement in said]
    return pd.DataFrame(rows, columns=["site_id", *Statement._fields]).astype("str")


def statements_on(land: Fact, use: Fact, holder: Fact, state_owned: Fact, lacking: Sequence[str]) -> list[Statement]:
    """The four statements from the four facts they rest on."""
    no_tenure = (
        int(all_of(*(np.array([verdict]) for verdict, _ in (land, holder, state_owned)))[0]),
        Text(
            "；".join(dict.fromkeys(fact[1].zh for fact in (land, holder, state_owned))),
            "; ".join(dict.fromkeys(fact[1].en for fact in (land, holder, state_owned))),
        ),
    )
    rows = []
    for name, (verdict, rests_on) in zip(STATEMENTS, (land, use, holder, no_tenure), strict=True):
        confirm = _CONFIRM[name] if verdict != YES else NO_TEXT
        rows.append(
            Statement(
                statement=name,
                label_zh=STATEMENTS[name].zh,
                label_en=STATEMENTS[name].en,
                verdict=verdict_names(np.array([verdict]))[0],
                rests_on_zh=rests_on.zh,
                rests_on_en=rests_on.en,
                lacking_papers=", ".join(lacking) if name in ("no_holder_change", "no_tenure_change") else "",
                confirm_by_zh=confirm.zh,
                confirm_by_en=confirm.en,
            )
        )
    return rows


_CONFIRM = {
    "no_new_land": Text("自然资源主管部门（不动产登记机构）", "the natural-resources authority (registry)"),
    "no_use_change": Text("自然资源主管部门（详细规划管理）", "the natural-resources authority (detailed planning)"),
    "no_holder_change": Text("使用权人与项目实施主体", "the holders and the project's implementer"),
    "no_tenure_change": Text("自然资源主管部门与使用权人", "the natural-resources authority and the holders"),
}


class TouchedParcel(NamedTuple):
    """What the register says of a parcel that a site touches; None for what is not recorded."""

    parcel_id: str
    ownership: str | None
    holder_kind: str | None
    holder_name: str | None


class Holders:
    """What is on paper and said of the users of parcels."""

    def __init__(self, papers: pd.DataFrame | None, changed: Sequence[str], same: Sequence[str]) -> None:
        self.changed = frozenset(changed)
        both = sorted(self.changed & set(same))
        if both:
            listed = ", ".join(both)
            raise ConfigError(
                f"这些宗地同时写入了 declared_new_holder_parcel_ids 和 declared_same_holder_parcel_ids：{listed}。"
                "请只保留其一。",
                f"These parcels stand in both declared_new_holder_parcel_ids and declared_same_holder_parcel_ids: "
                f"{listed}. Keep one of the two.",
            )
        said = pd.Series(dtype=bool) if papers is None else _states_same_holder(papers)
        self.proved = frozenset() if papers is None else frozenset(papers["parcel_id"][~said.to_numpy()])
        self.same = frozenset(same) | (frozenset() if papers is None else frozenset(papers["parcel_id"][said]))


def _states_same_holder(papers: pd.DataFrame) -> pd.Series:
    kinds = papers["kind"] if "kind" in papers.columns else pd.Series(None, index=papers.index, dtype=object)
    return kinds.eq("same_holder").fillna(False).astype(bool)


class SiteFacts:
    """The facts of all sites, looked up by site; each finder gives a verdict and what it rests on."""

    def __init__(
        self,
        status: pd.DataFrame,
        touched: pd.DataFrame | None,
        comparison: pd.DataFrame | None,
        holders: Holders,
        *,
        most_sliver_share: float,
    ) -> None:
        self.whole = _area_of(status[status["section"] == "total"])
        bare = status[(status["section"] == "ownership") & (status["item"] == "uncovered")]
        areas = zip(bare["state"], bare["area_m2"].to_numpy(), bare["sliver_m2"].to_numpy(), strict=True)
        self.bare = dict(zip(bare["site_id"], areas, strict=True))
        self.touched = None if touched is None else _by_site(touched[touched["state"] == "touched"])
        uses = comparison if comparison is not None else pd.DataFrame(columns=["site_id", "comparison", "agreement"])
        uses = uses[uses["comparison"] == "registered_planned"]
        self.compared = set(uses["site_id"][uses["agreement"] != "not_checked"])
        self.uses = {name: _area_of(uses[uses["agreement"] == name]) for name in _OPEN_USES}
        self.holders, self.most_sliver_share = holders, most_sliver_share
        self.findings = (self.land, self.use, self.holder, self.state_owned)

    def parcels(self, site_id: str) -> list[TouchedParcel]:
        """The parcels of a site, slivers left out."""
        return (self.touched or {}).get(site_id, [])

    def lacking_papers(self, site_id: str) -> list[str]:
        """Parcels of the site without any proof paper; all of them where papers were not checked."""
        return sorted(row.parcel_id for row in self.parcels(site_id) if row.parcel_id not in self.holders.proved)

    def _too_much(self, site_id: str, area: float) -> Text | None:
        """Why slivers are too much to be the error of boundaries; None where they are not."""
        if area <= self.most_sliver_share * self.whole[site_id]:
            return None
        share = f"{100.0 * self.most_sliver_share:g}%"
        zh = f"细碎缝隙合计 {area:,.2f} m²，超过用地的 {share}，不能视为边界误差"
        en = f"slivers of {area:,.2f} m² in all are more than {share} of the site, too much for boundary error"
        return Text(zh, en)

    def land(self, site_id: str) -> Fact:
        """Whether the site lies wholly in parcels of the register."""
        if site_id not in self.bare:
            return UNKNOWN, Text("宗地未核查", "parcels were not checked")
        state, area, sliver = self.bare[site_id]
        if state == "touched":
            zh = f"有 {area:,.2f} m² 不在任何登记宗地内；未登记不等于新增用地，须核实"
            en = f"{area:,.2f} m² lie in no registered parcel; that is not new land by itself, and is to be clarified"
            return UNKNOWN, Text(zh, en)
        much = self._too_much(site_id, sliver)
        if much:
            return UNKNOWN, much
        own = Text("用地全部在登记宗地内", "the site lies wholly in registered parcels")
        return YES, own + _slivers(sliver)

    def use(self, site_id: str) -> Fact:
        """Whether registered and planned use agree all over the site."""
        if site_id not in self.compared:
            return UNKNOWN, Text("登记用途与规划用途未比对", "registered and planned use were not compared")
        differs, unknown, missing, sliver = (self.uses[name].get(site_id, 0.0) for name in _OPEN_USES)
        if differs > 0.0:
            zh = f"有 {differs:,.2f} m² 登记用途与规划用途不一致"
            return NO, Text(zh, f"registered and planned use differ on {differs:,.2f} m²")
        lacking = COMMAS.join(
            text.fill(area=f"{area:,.2f}") for text, area in zip(_OPEN, (missing, unknown), strict=True) if area > 0.0
        )
        if lacking.zh:
            return UNKNOWN, Text("登记与规划用途不能全部比对：", "uses cannot be compared everywhere: ") + lacking
        much = self._too_much(site_id, sliver)
        if much:
            return UNKNOWN, much
        return YES, Text("登记用途与规划用途一致", "registered and planned use agree") + _slivers(sliver)

    def holder(self, site_id: str) -> Fact:
        """Whether every parcel has a holder, a paper and a statement that the holder stays; no change declared."""
        if self.touched is None:
            return UNKNOWN, Text("宗地未核查", "parcels were not checked")
        own = self.parcels(site_id)
        changed = sorted(self.holders.changed & {row.parcel_id for row in own})
        if changed:
            listed = ", ".join(changed)
            return NO, Text(f"项目声明变更使用主体的宗地：{listed}", f"the project declares new users of {listed}")
        if not own:
            return UNKNOWN, _NO_PARCEL
        nameless = sum(row.holder_kind is None and row.holder_name is None for row in own)
        unsaid = sum(row.parcel_id not in self.holders.same for row in own)
        counts = (nameless, len(self.lacking_papers(site_id)), unsaid)
        all_alike = set(counts) <= {0, len(own)}
        lacking = COMMAS.join(
            text.fill(n=_some(n, len(own), all_alike=all_alike), of=_some_en(n, len(own)))
            for text, n in zip(_LACKING, counts, strict=True)
            if n
        )
        bare = self._bare_land(site_id)
        if lacking.zh:
            return UNKNOWN, _touched(own, all_alike=all_alike) + lacking + bare
        whole = Text(
            ("所涉宗地" if len(own) == 1 else f"所涉 {len(own)} 宗土地均") + "有使用权人、证明材料和使用主体不变的声明",
            f"holder, paper and a statement that the holder stays are at hand for {_some_en(len(own), len(own))}",
        )
        return (UNKNOWN if bare.zh else YES), whole + bare

    def _bare_land(self, site_id: str) -> Text:
        """What to add where a part of the site lies in no parcel, of whose users nothing is known."""
        state, area, _ = self.bare.get(site_id, ("nowhere", 0.0, 0.0))
        if state != "touched":
            return NO_TEXT
        return Text(f"；另有 {area:,.2f} m² 未登记", f"; {area:,.2f} m² more lie in no parcel")

    def state_owned(self, site_id: str) -> Fact:
        """Whether all parcels are state-owned."""
        if self.touched is None:
            return UNKNOWN, Text("所有权未核查", "ownership was not checked")
        own = self.parcels(site_id)
        unknown = sum(row.ownership is None for row in own)
        other = sum(row.ownership != "state" for row in own) - unknown
        if other:
            start = _touched(own, all_alike=other == len(own)).zh + _some(other, len(own))
            return NO, Text(f"{start}非国有", f"not state-owned: {_some_en(other, len(own))}")
        if not own:
            return UNKNOWN, _NO_PARCEL
        bare = self._bare_land(site_id)
        if unknown:
            zh = f"{_touched(own, all_alike=unknown == len(own)).zh}{_some(unknown, len(own))}未登记土地所有权"
            return UNKNOWN, Text(zh, f"no ownership on record for {_some_en(unknown, len(own))}") + bare
        whole = Text(
            "所涉宗地为国有土地" if len(own) == 1 else f"所涉 {len(own)} 宗土地均为国有",
            f"state-owned: {_some_en(len(own), len(own))}",
        )
        return (UNKNOWN if bare.zh else YES), whole + bare


def _slivers(area: float) -> Text:
    """What to say of slivers beside a yes: nothing where there are none."""
    zh, en = f"，仅有 {area:,.2f} m² 细碎缝隙", f" but for slivers of {area:,.2f} m²"
    return Text(zh, en) if area > 0.0 else NO_TEXT


_NO_PARCEL: Final = Text("范围内没有登记宗地", "there is no registered parcel here")
_LACKING: Final = (
    Text("{n}未登记使用权人", "no holder on record for {of}"),
    Text("{n}缺证明材料", "no paper for {of}"),
    Text("{n}没有使用主体不变的声明", "no statement that the holder stays for {of}"),
)


def _touched(own: Sequence[TouchedParcel], *, all_alike: bool) -> Text:
    """The parcels a Chinese sentence begins with; those of which something holds for all need no "of"."""
    if len(own) == 1:
        return Text("所涉宗地", "")
    return Text(f"所涉 {len(own)} 宗土地" + ("" if all_alike else "中，"), "")


def _some(count: int, of: int, *, all_alike: bool = True) -> str:
    """How many of some parcels, in Chinese; nothing of a single one, which is meant anyway."""
    return "" if of == 1 else ("均" if all_alike else "各宗均") if count == of else f"{count} 宗"


def _some_en(count: int, of: int) -> str:
    """How many of some parcels, in English."""
    return (
        "the parcel touched" if of == 1 else f"all {of} parcels touched" if count == of else f"{count} of {of} parcels"
    )


_OPEN: Final = (
    Text("缺登记用途或规划用途 {area} m²", "one of the two is missing on {area} m²"),
    Text("用途类别未知 {area} m²", "a use is of no known class on {area} m²"),
)
# How registered and planned use may stand to each other where they do not simply agree.
_OPEN_USES: Final = ("differs", "unknown", "missing", "sliver")


def _area_of(rows: pd.DataFrame) -> dict[str, float]:
    """Area by site, summed; sites without a row are not in it."""
    if rows.empty:
        return {}
    return {str(site): float(area) for site, area in rows.groupby("site_id")["area_m2"].sum().items()}


def _by_site(touched: pd.DataFrame) -> dict[str, list[TouchedParcel]]:
    """The parcels of each site."""
    columns = touched[["site_id", *TouchedParcel._fields]].astype(object)
    found: dict[str, list[TouchedParcel]] = {}
    for site_id, *facts in columns.where(columns.notna(), None).itertuples(index=False, name=None):
        found.setdefault(str(site_id), []).append(TouchedParcel(*facts))
    return found


# --- one line a site ------------------------------------------------------------------------------

# From the worst: one statement contradicted makes the site contradicted.
_OUTCOMES = (("no", "contradicted"), ("unknown", "open"), ("yes", "supported"))


@layers_on_text_ids
def conclude_land_sites(
    land_sites: gpd.GeoDataFrame,
    land_status: pd.DataFrame,
    land_statements: pd.DataFrame,
    touched_parcels: pd.DataFrame | None = None,
    land_use_comparison: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """What the check of each zone and project comes to, for the summary and the bureau's map.

    Parameters
    ----------
    land_sites, land_status, land_statements, touched_parcels, land_use_comparison
        The sites, and the results of the land check for them.

    Returns
    -------
    GeoDataFrame of the sites' polygons indexed and sorted by site_id: kind, name, outcome
    (contradicted where a statement is *no*, open where one is *unknown*, supported where all four
    are *yes*), parcel_count (slivers left out; unknown without parcels), controls_zh and
    controls_en (control lines met, and the development boundary where a site is outside), unchecked_count
    (items for which there was no layer), differs_m2 (registered against planned use; unknown where not
    compared), open_zh and open_en (the statements that are not yes). No sites: no rows. An outcome is no
    approval.

    Raises
    ------
    KeyError for a column that a table lacks. O(rows).

    Examples
    --------
    Most of the site lies in no parcel, so that none of the statements is borne out:

    >>> import geopandas as gpd
    >>> from shapely import box
    >>> from gis_renovation.land import check_land_status, outline_land_sites
    >>> sites = outline_land_sites(gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548"))
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 40, 60)], index=["P1"], crs="EPSG:4548")
    >>> status = check_land_status(sites, parcels)
    >>> checks = conclude_land_sites(sites, status, draw_land_statements(sites, status))
    >>> checks["outcome"].item(), checks["open_en"].item().split(", ")[0]
    ('open', 'no new land is used')
    """
    sites = land_sites.sort_index()
    result = gpd.GeoDataFrame(sites[["kind", "name"]], geometry=sites.geometry, crs=sites.crs)
    verdicts = land_statements.groupby("site_id")["verdict"].agg(set).reindex(sites.index)
    result["outcome"] = [next(name for word, name in _OUTCOMES if word in found) for found in verdicts]
    result["parcel_count"] = _touched_counts(touched_parcels, sites.index)
    controls = met_controls(land_status)
    result["differs_m2"] = _differing(land_use_comparison, sites.index)
    missing = land_status[land_status["state"] == "not_checked"].groupby("site_id").size()
    result["unchecked_count"] = missing.reindex(sites.index, fill_value=0).to_numpy(np.int64)
    left = land_statements[land_statements["verdict"] != "yes"]
    for name, rows in (("controls", controls), ("open", left)):
        for lang, mark in (("zh", "、"), ("en", ", ")):
            said = rows.groupby("site_id", sort=True)[f"label_{lang}"].agg(mark.join)
            result[f"{name}_{lang}"] = said.reindex(sites.index).fillna("")
    words = ("kind", "name", "outcome", "controls_zh", "controls_en", "open_zh", "open_en")
    return result.astype(dict.fromkeys(words, "str")).rename_axis("site_id")


def _touched_counts(touched: pd.DataFrame | None, index: pd.Index[str]) -> Floats:
    if touched is None:
        return np.full(len(index), np.nan)
    counts = touched[touched["state"] == "touched"].groupby("site_id").size()
    return np.asarray(counts.reindex(index, fill_value=0).to_numpy(np.float64))


def _differing(comparison: pd.DataFrame | None, index: pd.Index[str]) -> Floats:
    """Area on which registered and planned use differ; unknown where they were not compared."""
    unknown = np.full(len(index), np.nan)
    if comparison is None:
        return unknown
    own = comparison[comparison["comparison"] == "registered_planned"]
    if (own["agreement"] == "not_checked").any():
        return unknown
    areas = own[own["agreement"] == "differs"].groupby("site_id")["area_m2"].sum()
    return np.asarray(areas.reindex(index, fill_value=0.0).to_numpy(np.float64))
