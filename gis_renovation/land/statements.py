"""What the land-status check supports: uses compared, and the four statements of a joint review.

Registered, surveyed and planned use are compared on their broad use, because the code systems
differ. The statements (不新增用地、不改变用途、不改变主体、不涉及权属变化) are three-valued: a fact
nobody has brought leaves them unknown, and no result here replaces a signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.land.codes import (
    broad_uses,
    class_label,
    code_tables,
    convert_code,
    registered_uses,
    require_one_system,
)
from gis_renovation.land.measures import NO_AREA_M2
from gis_renovation.land.status import AREA_DIGITS, polygons_of
from gis_renovation.overlays import are_slivers, overlap_areas
from gis_renovation.rules import NO, UNKNOWN, YES, all_of, verdict_names
from gis_renovation.schemas import layer_schema, nearest_names
from gis_renovation.words import Text

Row = dict[str, Any]

# --- registered, surveyed and planned use ---------------------------------------------------------

_USES = {
    "registered": Text("登记用途", "registered use"),
    "surveyed": Text("现状地类", "surveyed class"),
    "planned": Text("规划用途", "planned use"),
}
USE_COLUMNS = (
    "site_id",
    "comparison",
    "first_use",
    "second_use",
    "agreement",
    "area_m2",
    "share",
    "patch_count",
    "note_zh",
    "note_en",
)


def compare_land_uses(
    land_sites: gpd.GeoDataFrame,
    parcels: gpd.GeoDataFrame | None = None,
    land_survey: gpd.GeoDataFrame | None = None,
    planned_use: gpd.GeoDataFrame | None = None,
    *,
    sliver_width_m: float = 1.0,
) -> pd.DataFrame:
    """Where registered, surveyed and planned use of a site's ground agree, differ, or cannot be told.

    Uses are compared on the broad use their classes share (residential, public service, ...), never
    code by code, because the systems differ. Survey and plan come from their layers, or from the
    parcels' own codes where there is no such layer. A difference is a fact to explain, not a breach.

    Returns rows by site, comparison (registered_surveyed, registered_planned, surveyed_planned) and
    the two uses: agreement (agrees, differs, sliver, unknown, not_checked), area_m2, share of the site,
    patch_count. A difference on patches narrower than ``sliver_width_m`` on average is a *sliver*, the
    error of a boundary rather than another use. A comparison without data is one row *not_checked*.
    Raises CRSError; DataError for faults of the code systems. O(n log n + rim vertices).
    """
    require_metric(land_sites=land_sites, parcels=parcels, land_survey=land_survey, planned_use=planned_use)
    sites = land_sites.sort_index()
    cover = {
        "registered": _use_patches(parcels, "parcels", "registered_use"),
        "surveyed": _use_patches(land_survey, "land_survey", "land_use_code")
        or _use_patches(parcels, "parcels", "land_use_code"),
        "planned": _use_patches(planned_use, "planned_use", "planned_use_code")
        or _use_patches(parcels, "parcels", "planned_use_code"),
    }
    rows: list[Row] = []
    for first, second in (("registered", "surveyed"), ("registered", "planned"), ("surveyed", "planned")):
        one, other = cover[first], cover[second]
        if one is None or other is None:
            lacking = [_USES[name] for name in (first, second) if cover[name] is None]
            zh = f"未核查：没有{'、'.join(text.zh for text in lacking)}"
            en = f"not checked: no {' or '.join(text.en for text in lacking)}"
            shared = {"comparison": f"{first}_{second}", "agreement": "not_checked", "note_zh": zh, "note_en": en}
            rows += [{"site_id": str(site_id)} | shared for site_id in sites.index]
        else:
            rows += _compared(sites, f"{first}_{second}", one, other, sliver_width_m)
    table = pd.DataFrame(rows, columns=list(USE_COLUMNS))
    numbers = ("area_m2", "share", "patch_count")
    types = {name: "float64" if name in numbers else "str" for name in USE_COLUMNS}
    return table.sort_values(["site_id"], kind="stable").astype(types).reset_index(drop=True)


Patches = tuple[Geometries, list[str], list[frozenset[str]]]


def _use_patches(layer: gpd.GeoDataFrame | None, name: str, column: str) -> Patches | None:
    """Ground, label and broad uses of each patch that has the use recorded; None where none has."""
    if layer is None or column not in layer.columns or not layer[column].notna().any():
        return None
    layer = layer[layer[column].notna()].sort_index()
    words = [str(word) for word in layer[column]]
    if column == "registered_use":
        return polygons_of(layer), words, [registered_uses(word) for word in words]
    system = require_one_system(layer, name, code=column) or ""
    return polygons_of(layer), [class_label(system, code).zh for code in words], [broad_uses(system, c) for c in words]


def _compared(
    sites: gpd.GeoDataFrame, comparison: str, one: Patches, other: Patches, sliver_width_m: float
) -> list[Row]:
    """One row a site and pair of uses, with the ground they share."""
    (shapes, first_labels, first_uses), (covers, second_labels, second_uses) = one, other
    in_site = overlap_areas(polygons_of(sites), shapes)
    ground = shapely.intersection(polygons_of(sites)[in_site.shape], shapes[in_site.cover])
    ground = _polygonal(ground)
    pairs = overlap_areas(ground, covers)
    slivers = are_slivers(ground, covers, pairs, width_m=sliver_width_m)
    first = in_site.cover[pairs.shape]
    agreements = [_agreement(first_uses[a], second_uses[b]) for a, b in zip(first, pairs.cover, strict=True)]
    frame = pd.DataFrame(
        {
            "site": in_site.shape[pairs.shape],
            "first_use": [first_labels[at] for at in first],
            "second_use": [second_labels[at] for at in pairs.cover],
            "agreement": np.where(slivers & (np.array(agreements) == "differs"), "sliver", agreements),
            "area": pairs.area_m2,
        }
    )
    grouped = frame.groupby(["site", "first_use", "second_use", "agreement"], sort=True)["area"].agg(["sum", "size"])
    return [
        {
            "site_id": str(sites.index[site]),
            "comparison": comparison,
            "first_use": first_use,
            "second_use": second_use,
            "agreement": agreement,
            "area_m2": round(float(area), AREA_DIGITS),
            "share": float(area) / float(sites["area_m2"].iloc[site]),
            "patch_count": int(count),
        }
        for (site, first_use, second_use, agreement), (area, count) in zip(
            grouped.index, grouped.to_numpy(), strict=True
        )
        if area >= NO_AREA_M2
    ]


def _agreement(first: frozenset[str], second: frozenset[str]) -> str:
    if not first or not second:
        return "unknown"
    return "agrees" if first & second else "differs"


def _polygonal(ground: Geometries) -> Geometries:
    """Intersections without the points and lines of mere contact."""
    mixed = shapely.get_type_id(ground) == shapely.GeometryType.GEOMETRYCOLLECTION
    for at in np.flatnonzero(mixed):
        parts = shapely.get_parts(ground[at])
        ground[at] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return ground


# --- the four statements --------------------------------------------------------------------------

STATEMENTS: Mapping[str, Text] = {
    "no_new_land": Text("不新增用地", "no new land is used"),
    "no_use_change": Text("不改变用途", "the use does not change"),
    "no_holder_change": Text("不改变主体", "the user does not change"),
    "no_tenure_change": Text("不涉及权属变化", "tenure is not affected"),
}


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
    land_status, touched_parcels, land_use_comparison
        Results of this module for these sites; ``None`` where there are no parcels.
    proof_papers
        Papers by parcel; ``None`` is *not checked*.
    declared_new_holder_parcel_ids
        Parcels whose user the project says will change.

    Returns
    -------
    DataFrame by site_id and statement: label, verdict (yes, no, unknown), rests_on, lacking_papers
    (parcel ids), confirm_by, each text in Chinese and English. O(rows).
    """
    facts = _SiteFacts(land_status, touched_parcels, land_use_comparison, proof_papers, declared_new_holder_parcel_ids)
    rows = []
    for site_id in land_sites.sort_index().index:
        land, use, holder, state_owned = (find(str(site_id)) for find in facts.findings)
        lacking = facts.lacking_papers(str(site_id))
        rows += [{"site_id": str(site_id)} | row for row in _statement_rows(land, use, holder, state_owned, lacking)]
    return pd.DataFrame(rows, columns=list(STATEMENT_COLUMNS)).astype("str")


def _statement_rows(land: Fact, use: Fact, holder: Fact, state_owned: Fact, lacking: Sequence[str]) -> list[Row]:
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
        confirm = _CONFIRM[name] if verdict != YES else Text("", "")
        rows.append(
            {
                "statement": name,
                "label_zh": STATEMENTS[name].zh,
                "label_en": STATEMENTS[name].en,
                "verdict": verdict_names(np.array([verdict]))[0],
                "rests_on_zh": rests_on.zh,
                "rests_on_en": rests_on.en,
                "lacking_papers": ", ".join(lacking) if name in ("no_holder_change", "no_tenure_change") else "",
                "confirm_by_zh": confirm.zh,
                "confirm_by_en": confirm.en,
            }
        )
    return rows


STATEMENT_COLUMNS = (
    "site_id",
    "statement",
    "label_zh",
    "label_en",
    "verdict",
    "rests_on_zh",
    "rests_on_en",
    "lacking_papers",
    "confirm_by_zh",
    "confirm_by_en",
)
_CONFIRM = {
    "no_new_land": Text("自然资源主管部门（不动产登记机构）", "the natural-resources authority (registry)"),
    "no_use_change": Text("自然资源主管部门（详细规划管理）", "the natural-resources authority (detailed planning)"),
    "no_holder_change": Text("使用权人与项目实施主体", "the holders and the project's implementer"),
    "no_tenure_change": Text("自然资源主管部门与使用权人", "the natural-resources authority and the holders"),
}
Fact = tuple[int, Text]


class _SiteFacts:
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

    def parcels(self, site_id: str) -> list[Row]:
        """The parcels of a site, slivers left out."""
        return (self.touched or {}).get(site_id, [])

    def lacking_papers(self, site_id: str) -> list[str]:
        """Parcels of the site without any proof paper; all of them where papers were not checked."""
        return sorted(row["parcel_id"] for row in self.parcels(site_id) if row["parcel_id"] not in self.papers)

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
        changed = sorted(self.declared & {row["parcel_id"] for row in own})
        if changed:
            listed = ", ".join(changed)
            return NO, Text(f"项目声明变更使用主体的宗地：{listed}", f"the project declares new users of {listed}")
        nameless = sum(row["holder_kind"] is None and row["holder_name"] is None for row in own)
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
        unknown = sum(row["ownership"] is None for row in own)
        other = sum(row["ownership"] != "state" for row in own) - unknown
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


def _by_site(touched: pd.DataFrame) -> dict[str, list[Row]]:
    """The parcels of each site as plain rows, None for what is not recorded."""
    columns = touched[["site_id", "parcel_id", "ownership", "holder_kind", "holder_name"]].astype(object)
    found: dict[str, list[Row]] = {}
    for row in columns.where(columns.notna(), None).to_dict("records"):
        found.setdefault(str(row["site_id"]), []).append(cast("Row", row))
    return found


# --- the statements facility by facility ----------------------------------------------------------

FACILITY_COLUMNS = (
    "site_id",
    "facility_id",
    "source_layer",
    "name",
    "kind_zh",
    "kind_en",
    "works",
    "parcel_ids",
    *STATEMENT_COLUMNS[1:],
)


def draw_facility_statements(
    land_sites: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame | None = None,
    premises: gpd.GeoDataFrame | None = None,
    parcels: gpd.GeoDataFrame | None = None,
    planned_use: gpd.GeoDataFrame | None = None,
    proof_papers: pd.DataFrame | None = None,
    *,
    sliver_width_m: float = 1.0,
    declared_new_holder_parcel_ids: tuple[str, ...] = (),
) -> pd.DataFrame:
    """The four statements for every facility and vacant room that stands in a site.

    They are those of :func:`draw_land_statements`, for the parcel and the planned use at the facility's
    place: *yes* where every fact speaks for it, *no* where one speaks against it, else *unknown*, with
    what it rests on and who must confirm. A facility without a place is in no site and not listed.

    Parameters
    ----------
    facilities, premises
        Points or polygons (taken at a point inside) in the sites' metric CRS, facilities with ``works``
        (new, rebuilt, kept) where known.
    parcels, planned_use, proof_papers
        ``None`` is *not checked*: the statements that rest on it stay unknown.
    sliver_width_m
        A place that near a parcel, but in none, may be off by a drawing error and is unknown.
    declared_new_holder_parcel_ids
        Parcels whose user the project says will change.

    Returns
    -------
    DataFrame by site_id, source_layer (facilities, premises), facility_id and statement: name, kind,
    works, parcel_ids, and the columns of :func:`draw_land_statements`. No facility in a site: no rows.

    Raises
    ------
    CRSError; DataError for faults of the code systems. O(n log n).
    """
    require_metric(land_sites=land_sites, facilities=facilities, premises=premises)
    require_metric(land_sites=land_sites, parcels=parcels, planned_use=planned_use)
    sites, placed = land_sites.sort_index(), _placed(facilities, premises)
    points = np.array([row.pop("point") for row in placed], dtype=object)
    site, at = shapely.STRtree(points).query(polygons_of(sites), predicate="intersects")
    used = np.unique(at)
    facts = _PlaceFacts(points[used], parcels, planned_use, sliver_width_m)
    holders = _SiteFacts(_NO_STATUS, facts.touched, None, proof_papers, declared_new_holder_parcel_ids)
    found = {}
    for place, row in enumerate(used):
        statements = _facility_rows(str(place), facts, holders, new=placed[row]["works"] == "new")
        found[row] = [placed[row] | {"parcel_ids": ", ".join(facts.parcels_at(place))} | one for one in statements]
    order = np.lexsort((at, site))
    rows = [
        {"site_id": str(sites.index[s])} | one for s, a in zip(site[order], at[order], strict=True) for one in found[a]
    ]
    return pd.DataFrame(rows, columns=list(FACILITY_COLUMNS)).astype("str")


_NO_STATUS = pd.DataFrame(columns=["site_id", "section", "item", "state", "area_m2"])
_ROOM = Text("空置房屋", "vacant premises")


def _placed(facilities: gpd.GeoDataFrame | None, premises: gpd.GeoDataFrame | None) -> list[Row]:
    """The facilities and then the rooms by id, each with the point it is looked up at."""
    rows: list[Row] = []
    kinds = layer_schema("facilities").fields["kind"].values
    for source, layer in (("facilities", facilities), ("premises", premises)):
        if layer is None:
            continue
        table = layer.sort_index().reindex(columns=["name", "kind", "works"]).astype(object)
        points = shapely.point_on_surface(polygons_of(layer.sort_index()))
        for key, (name, code, works), point in zip(
            table.index, table.where(table.notna(), None).to_numpy(), points, strict=True
        ):
            kind = _ROOM if source == "premises" else kinds.get(code, Text(str(code), str(code)))
            rows.append(
                {"facility_id": str(key), "source_layer": source, "name": name, "kind_zh": kind.zh, "kind_en": kind.en,
                 "works": works if source == "facilities" else None, "point": point}
            )  # fmt: skip
    return rows


class _PlaceFacts:
    """What parcels and plan say at each of the points, looked up by position."""

    def __init__(
        self,
        points: Geometries,
        parcels: gpd.GeoDataFrame | None,
        planned_use: gpd.GeoDataFrame | None,
        sliver_width_m: float,
    ) -> None:
        self.touched: pd.DataFrame | None = None
        self.near: frozenset[int] = frozenset()
        self.owners: dict[str, list[str]] = {}
        if parcels is not None:
            tree = shapely.STRtree(polygons_of(parcels))
            place, at = tree.query(points, predicate="intersects")
            own = parcels.iloc[at].reindex(columns=["ownership", "holder_kind", "holder_name"])
            ids = own.index.astype(str)
            touched = own.assign(site_id=place.astype(str), parcel_id=ids, state="touched").reset_index(drop=True)
            self.touched = touched.sort_values(["site_id", "parcel_id"])
            self.owners = {str(key): list(group) for key, group in self.touched.groupby("site_id")["parcel_id"]}
            self.near = frozenset(tree.query(points, predicate="dwithin", distance=sliver_width_m)[0].tolist())
        self.uses = {
            "registered": _uses_at(points, _use_patches(parcels, "parcels", "registered_use")),
            "planned": _uses_at(
                points,
                _use_patches(planned_use, "planned_use", "planned_use_code")
                or _use_patches(parcels, "parcels", "planned_use_code"),
            ),
        }

    def parcels_at(self, place: int) -> list[str]:
        """The parcels that hold the place, by id."""
        return self.owners.get(str(place), [])

    def land(self, place: int) -> Fact:
        """Whether the place lies in a parcel of the register."""
        if self.touched is None:
            return UNKNOWN, Text("宗地未核查", "parcels were not checked")
        ids = ", ".join(self.parcels_at(place))
        if ids:
            return YES, Text(f"位于登记宗地 {ids}", f"lies in registered parcel {ids}")
        if place in self.near:
            zh, en = "紧邻宗地界线，可能是位置误差，须核对", "is next to a parcel's edge, perhaps an error of position"
            return UNKNOWN, Text(zh, en)
        return NO, Text("所在位置不在任何登记宗地内", "lies in no registered parcel")

    def use(self, place: int) -> Fact:
        """Whether registered and planned use agree at the place."""
        lacking = [_USES[name] for name, found in self.uses.items() if found is None or not found[place]]
        if lacking:
            zh, en = "、".join(text.zh for text in lacking), " or ".join(text.en for text in lacking)
            return UNKNOWN, Text(f"所在位置没有{zh}数据，未核查", f"not checked: no {en} at the place")
        first, second = ((found or [])[place] for found in self.uses.values())
        pairs = {_agreement(a, b) for _, a in first for _, b in second}
        one, other = ("、".join(sorted({label for label, _ in found})) for found in (first, second))
        verdict = NO if "differs" in pairs else UNKNOWN if "unknown" in pairs else YES
        zh, en = {YES: ("一致", "they agree"), NO: ("不一致", "they differ"), UNKNOWN: ("无法比对", "not comparable")}[
            verdict
        ]
        return verdict, Text(f"登记用途{one}，规划用途{other}，{zh}", f"registered {one}, planned {other}: {en}")


def _uses_at(points: Geometries, patches: Patches | None) -> list[list[tuple[str, frozenset[str]]]] | None:
    """Label and broad uses of the patches at each point; None where there is no such data."""
    if patches is None:
        return None
    shapes, labels, uses = patches
    found: list[list[tuple[str, frozenset[str]]]] = [[] for _ in points]
    for place, at in zip(*shapely.STRtree(shapes).query(points, predicate="intersects"), strict=True):
        found[place].append((labels[at], uses[at]))
    return found


def _facility_rows(key: str, places: _PlaceFacts, holders: _SiteFacts, *, new: bool) -> list[Row]:
    """The statements of one facility. A new one needs a planning permit whatever the land is."""
    place = int(key)
    verdict, said = places.use(place)
    if new:
        said = Text(f"{said.zh}；新建设施另须办理规划许可", f"{said.en}; a new facility also needs a planning permit")
    if places.touched is not None and not places.parcels_at(place):
        nowhere = (UNKNOWN, Text("没有对应的登记宗地，未核查", "not checked: there is no registered parcel"))
        return _statement_rows(places.land(place), (verdict, said), nowhere, nowhere, ())
    return _statement_rows(
        places.land(place), (verdict, said), holders.holder(key), holders.state_owned(key), holders.lacking_papers(key)
    )


# --- one line a site ------------------------------------------------------------------------------

# Every town site lies inside the development boundary: no matter to act on.
NO_MATTER = ("urban_boundary",)
# From the worst: one statement contradicted makes the site contradicted.
_OUTCOMES = (("no", "contradicted"), ("unknown", "open"), ("yes", "supported"))


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
        Results of this module and of :mod:`gis_renovation.land.status` for the same sites.

    Returns
    -------
    GeoDataFrame of the sites' polygons indexed and sorted by site_id: kind, name, outcome
    (contradicted where a statement is *no*, open where one is *unknown*, supported where all four
    are *yes*), parcel_count (slivers left out; unknown without parcels), controls_zh and controls_en
    (control lines met, the development boundary left out), unchecked_count (items for which there was
    no layer), differs_m2 (registered against planned use; unknown where not compared), open_zh and
    open_en (the statements that are not yes). No sites: no rows. An outcome is no approval. O(rows).
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


def _touched_counts(touched: pd.DataFrame | None, index: pd.Index[Any]) -> Any:
    if touched is None:
        return np.full(len(index), np.nan)
    counts = touched[touched["state"] == "touched"].groupby("site_id").size()
    return counts.reindex(index, fill_value=0).to_numpy(np.float64)


def _differing(comparison: pd.DataFrame | None, index: pd.Index[Any]) -> Any:
    """Area on which registered and planned use differ; unknown where they were not compared."""
    unknown = np.full(len(index), np.nan)
    if comparison is None:
        return unknown
    own = comparison[comparison["comparison"] == "registered_planned"]
    if (own["agreement"] == "not_checked").any():
        return unknown
    areas = own[own["agreement"] == "differs"].groupby("site_id")["area_m2"].sum()
    return areas.reindex(index, fill_value=0.0).to_numpy(np.float64)


# --- codes of other systems -----------------------------------------------------------------------

CONVERSION_COLUMNS = (
    "code_system",
    "code",
    "label_zh",
    "label_en",
    "target_system",
    "target_code",
    "target_label_zh",
    "target_label_en",
    "ambiguity",
    "note_zh",
    "note_en",
)
_AMBIGUITY_NOTES = {
    "one": Text("名称对应，唯一", "one counterpart by name"),
    "several": Text("一对多，须由规划或调查部门按实地用途确定", "several: the bureau has to decide by the actual use"),
    "none": Text("对照表无对应类别，须人工确定", "the tables hold no counterpart: a person has to decide"),
}


def list_code_conversions(
    land_survey: gpd.GeoDataFrame | None = None,
    planned_use: gpd.GeoDataFrame | None = None,
    parcels: gpd.GeoDataFrame | None = None,
    *,
    target_system: str = "sea_land_2023",
) -> pd.DataFrame:
    """What each land code of the project may become in another code system, every ambiguity a row of its own.

    No data are converted: the table is for the officer who compares a survey of one system with a
    plan of another. It follows the classes' names and is no official table.

    Parameters
    ----------
    land_survey, planned_use, parcels
        Layers with codes and their ``code_system``; ``None`` is a layer nobody has.
    target_system
        The system codes are compared in. Codes of that system itself are not listed.

    Returns
    -------
    DataFrame by code_system, code and target_code: the class, the class it may become, ambiguity
    (one, several, none) and a note. A code without counterpart is one row without target. Nothing to
    convert: no rows.

    Raises
    ------
    ConfigError for a system nobody knows; DataError for codes without, with an unknown, or with more
    than one code system. O(features).
    """
    systems = code_tables().systems
    if target_system not in systems:
        near, known = nearest_names(target_system, systems), ", ".join(systems)
        raise ConfigError(
            f"target_system：没有用地分类体系 {target_system}{f'；是否指 {near}？' if near else ''} 可用：{known}。",
            f"target_system: no code system {target_system}{f'; did you mean {near}?' if near else ''} Known: {known}.",
        )
    found: set[tuple[str, str]] = set()
    for layer, name, column in (
        (land_survey, "land_survey", "land_use_code"),
        (planned_use, "planned_use", "planned_use_code"),
        (parcels, "parcels", "land_use_code"),
        (parcels, "parcels", "planned_use_code"),
    ):
        system = None if layer is None else require_one_system(layer, name, code=column)
        if layer is not None and system is not None and system != target_system:
            found |= {(system, str(code)) for code in layer[column].dropna().unique()}
    rows = [row for system, code in sorted(found) for row in _conversion_rows(system, code, target_system)]
    return pd.DataFrame(rows, columns=list(CONVERSION_COLUMNS)).astype("str")


def _conversion_rows(system: str, code: str, target: str) -> list[Row]:
    counterparts = convert_code(system, code, target)
    ambiguity = "none" if not counterparts else "one" if len(counterparts) == 1 else "several"
    own, note = class_label(system, code), _AMBIGUITY_NOTES[ambiguity]
    shared = {"code_system": system, "code": code, "label_zh": own.zh, "label_en": own.en, "target_system": target,
              "ambiguity": ambiguity, "note_zh": note.zh, "note_en": note.en}  # fmt: skip
    if not counterparts:
        return [shared]
    labels = [(other, class_label(target, other)) for other in sorted(counterparts)]
    return [
        shared | {"target_code": other, "target_label_zh": label.zh, "target_label_en": label.en}
        for other, label in labels
    ]
