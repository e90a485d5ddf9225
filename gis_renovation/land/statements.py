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
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.verdicts import NO, UNKNOWN, YES, all_of, verdict_names
from gis_renovation.words import NO_TEXT, Text

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
) -> pd.DataFrame:
    """What the overlays support of the four statements of a joint review, and what is still missing.

    Nobody's signature is replaced: *yes* means that every fact the statement rests on is at hand and
    speaks for it, *no* that one speaks against it, *unknown* that something must be brought or
    confirmed first. Slivers speak for nothing.

    - 不新增用地: the whole site lies in parcels of the register.
    - 不改变用途: registered and planned use differ nowhere.
    - 不改变主体: every parcel has a recorded holder and a proof paper, and no change was declared.
    - 不涉及权属变化: the first and third hold and all parcels are state-owned.

    Parameters
    ----------
    land_sites, land_status, touched_parcels, land_use_comparison
        The sites and the results of :func:`gis_renovation.land.status.check_land_status`,
        :func:`gis_renovation.land.sites.list_touched_parcels` and
        :func:`gis_renovation.land.comparison.compare_land_uses` for them; the last two ``None`` where there
        are no parcels.
    proof_papers
        Papers by parcel; ``None`` is *not checked*.
    declared_new_holder_parcel_ids
        Parcels whose user the project says will change.

    Returns
    -------
    DataFrame by site_id and statement: label, verdict (yes, no, unknown), rests_on, lacking_papers
    (parcel ids), confirm_by, each text in Chinese and English.

    Raises
    ------
    KeyError for a column that a table lacks. O(rows).

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
    facts = SiteFacts(land_status, touched_parcels, land_use_comparison, proof_papers, declared_new_holder_parcel_ids)
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


class SiteFacts:
    """The facts of all sites, looked up by site; each finder gives a verdict and what it rests on."""

    def __init__(
        self,
        status: pd.DataFrame,
        touched: pd.DataFrame | None,
        comparison: pd.DataFrame | None,
        papers: pd.DataFrame | None,
        declared: Sequence[str],
    ) -> None:
        self.whole = _area_of(status[status["section"] == "total"])
        bare = status[(status["section"] == "ownership") & (status["item"] == "uncovered")]
        self.bare, self.bare_state = _area_of(bare), dict(zip(bare["site_id"], bare["state"], strict=True))
        self.touched = None if touched is None else _by_site(touched[touched["state"] == "touched"])
        self.compared = comparison is not None
        uses = comparison if comparison is not None else pd.DataFrame(columns=["site_id", "comparison", "agreement"])
        uses = uses[uses["comparison"] == "registered_planned"]
        self.differs = _area_of(uses[uses["agreement"] == "differs"])
        self.agrees = _area_of(uses[uses["agreement"].isin(["agrees", "sliver"])])
        self.papers = frozenset() if papers is None else frozenset(papers["parcel_id"])
        self.declared = frozenset(declared)
        self.findings = (self.land, self.use, self.holder, self.state_owned)

    def parcels(self, site_id: str) -> list[TouchedParcel]:
        """The parcels of a site, slivers left out."""
        return (self.touched or {}).get(site_id, [])

    def lacking_papers(self, site_id: str) -> list[str]:
        """Parcels of the site without any proof paper; all of them where papers were not checked."""
        return sorted(row.parcel_id for row in self.parcels(site_id) if row.parcel_id not in self.papers)

    def land(self, site_id: str) -> Fact:
        """Whether the site lies wholly in parcels of the register."""
        if site_id not in self.bare:
            return UNKNOWN, Text("宗地未核查", "parcels were not checked")
        area, state = self.bare[site_id], self.bare_state[site_id]
        if state == "none":
            return YES, Text("用地全部在登记宗地内", "the site lies wholly in registered parcels")
        if state == "sliver":
            zh = f"用地在登记宗地内，仅有 {area:,.2f} m² 细碎缝隙"
            return YES, Text(zh, f"the site lies in registered parcels but for slivers of {area:,.2f} m²")
        return NO, Text(f"有 {area:,.2f} m² 不在任何登记宗地内", f"{area:,.2f} m² lie in no registered parcel")

    def use(self, site_id: str) -> Fact:
        """Whether registered and planned use agree all over the site."""
        if not self.compared:
            return UNKNOWN, Text("用途未比对", "uses were not compared")
        differs = self.differs.get(site_id, 0.0)
        if differs > 0.0:
            zh, en = (
                f"登记用途与规划用途不一致 {differs:,.2f} m²",
                f"registered and planned use differ on {differs:,.2f} m²",
            )
            return NO, Text(zh, en)
        whole = self.whole[site_id]
        left = whole - self.agrees.get(site_id, 0.0)
        if left > max(1.0, 0.001 * whole):
            return UNKNOWN, Text(f"尚有 {left:,.2f} m² 用途无法比对", f"uses cannot be compared on {left:,.2f} m²")
        return YES, Text("登记用途与规划用途一致", "registered and planned use agree")

    def holder(self, site_id: str) -> Fact:
        """Whether every parcel has a holder and a paper and no change was declared."""
        if self.touched is None:
            return UNKNOWN, Text("宗地未核查", "parcels were not checked")
        own = self.parcels(site_id)
        changed = sorted(self.declared & {row.parcel_id for row in own})
        if changed:
            listed = ", ".join(changed)
            return NO, Text(f"项目声明变更使用主体的宗地：{listed}", f"the project declares new users of {listed}")
        nameless = sum(row.holder_kind is None and row.holder_name is None for row in own)
        lacking = len(self.lacking_papers(site_id))
        if not own or nameless or lacking:
            zh = f"{len(own)} 宗地中 {nameless} 宗未登记使用权人，{lacking} 宗缺证明材料"
            return UNKNOWN, Text(zh, f"of {len(own)} parcels {nameless} have no holder on record, {lacking} no paper")
        return YES, Text(f"{len(own)} 宗地均有使用权人和证明材料", f"all {len(own)} parcels have a holder and a paper")

    def state_owned(self, site_id: str) -> Fact:
        """Whether all parcels are state-owned."""
        if self.touched is None:
            return UNKNOWN, Text("所有权未核查", "ownership was not checked")
        own = self.parcels(site_id)
        unknown = sum(row.ownership is None for row in own)
        other = sum(row.ownership != "state" for row in own) - unknown
        if other:
            return NO, Text(f"{other} 宗非国有土地", f"{other} parcels are not state-owned")
        if unknown or not own:
            return UNKNOWN, Text(f"{unknown} 宗土地所有权未登记", f"ownership of {unknown} parcels is not recorded")
        return YES, Text("均为国有土地", "all parcels are state-owned")


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

# Every town site lies inside the development boundary: no matter to act on.
NO_MATTER = ("urban_boundary",)
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
    are *yes*), parcel_count (slivers left out; unknown without parcels), controls_zh and controls_en
    (control lines met, the development boundary left out), unchecked_count (items for which there was
    no layer), differs_m2 (registered against planned use; unknown where not compared), open_zh and
    open_en (the statements that are not yes). No sites: no rows. An outcome is no approval.

    Raises
    ------
    KeyError for a column that a table lacks. O(rows).

    Examples
    --------
    One statement is contradicted, hence the site:

    >>> import geopandas as gpd
    >>> from shapely import box
    >>> from gis_renovation.land import check_land_status, outline_land_sites
    >>> sites = outline_land_sites(gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548"))
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 40, 60)], index=["P1"], crs="EPSG:4548")
    >>> status = check_land_status(sites, parcels)
    >>> checks = conclude_land_sites(sites, status, draw_land_statements(sites, status))
    >>> checks["outcome"].item(), checks["open_en"].item().split(", ")[0]
    ('contradicted', 'no new land is used')
    """
    sites = land_sites.sort_index()
    result = gpd.GeoDataFrame(sites[["kind", "name"]], geometry=sites.geometry, crs=sites.crs)
    verdicts = land_statements.groupby("site_id")["verdict"].agg(set).reindex(sites.index)
    result["outcome"] = [next(name for word, name in _OUTCOMES if word in found) for found in verdicts]
    result["parcel_count"] = _touched_counts(touched_parcels, sites.index)
    controls = land_status[(land_status["section"] == "control") & (land_status["state"] == "touched")]
    controls = controls[~controls["item"].isin(NO_MATTER)]
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
