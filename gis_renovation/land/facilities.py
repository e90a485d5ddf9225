"""The four statements of a joint review, for every facility and vacant room that stands in a site."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.crs import require_metric
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.comparison import USES, Patches, agreement_of, use_patches
from gis_renovation.land.sites import polygons_of
from gis_renovation.land.statements import Fact, Holders, SiteFacts, Statement, statements_on
from gis_renovation.schemas import layer_schema
from gis_renovation.verdicts import NO, UNKNOWN, YES
from gis_renovation.words import LISTED, Text


class _Place(NamedTuple):
    """A facility or room."""

    facility_id: str
    source_layer: str
    name: str | None
    kind_zh: str
    kind_en: str
    works: str | None


FACILITY_COLUMNS = ("site_id", *_Place._fields, "parcel_ids", *Statement._fields)


@layers_on_text_ids
def draw_facility_statements(  # noqa: PLR0913 - five layers, and what is declared of them
    land_sites: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame | None = None,
    premises: gpd.GeoDataFrame | None = None,
    parcels: gpd.GeoDataFrame | None = None,
    planned_use: gpd.GeoDataFrame | None = None,
    *,
    proof_papers: pd.DataFrame | None = None,
    sliver_width_m: float = 1.0,
    declared_new_holder_parcel_ids: tuple[str, ...] = (),
    declared_same_holder_parcel_ids: tuple[str, ...] = (),
) -> pd.DataFrame:
    """The four statements for every facility and vacant room that stands in a site.

    They are those of :func:`gis_renovation.land.statements.draw_land_statements`, for the parcel and the
    planned use at the facility's place: *yes* where every fact speaks for it, *no* where one speaks
    against it, else *unknown*, with what it rests on and who must confirm. A facility without a place is
    in no site and not listed.

    Parameters
    ----------
    land_sites
        The result of :func:`gis_renovation.land.sites.outline_land_sites`.
    facilities, premises
        Points or polygons (taken at a point inside) in the sites' metric CRS, facilities with ``works``
        (new, rebuilt, kept) where known.
    parcels, planned_use, proof_papers
        ``None`` is *not checked*: the statements that rest on it stay unknown.
    sliver_width_m
        A place that near a parcel, but in none, may be off by a drawing error and is unknown.
    declared_new_holder_parcel_ids, declared_same_holder_parcel_ids
        Parcels whose user the project says will change, and will stay.

    Returns
    -------
    DataFrame by site_id, source_layer (facilities, premises), facility_id and statement: name, kind,
    works, parcel_ids, and the columns of the statements. No facility in a site: no rows.

    Raises
    ------
    CRSError; DataError for faults of the code systems; ConfigError for a parcel whose user is said both to
    change and to stay. O(n log n).

    Examples
    --------
    A clinic in the site stands in no registered parcel:

    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> from gis_renovation.land import outline_land_sites
    >>> sites = outline_land_sites(gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548"))
    >>> clinics = gpd.GeoDataFrame({"kind": ["clinic"]}, geometry=[Point(80, 30)], index=["F1"], crs="EPSG:4548")
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 40, 60)], index=["P1"], crs="EPSG:4548")
    >>> said = draw_facility_statements(sites, clinics, parcels=parcels)
    >>> said[["facility_id", "statement", "verdict"]].to_numpy().tolist()[0]
    ['F1', 'no_new_land', 'unknown']
    """
    require_metric(land_sites=land_sites, facilities=facilities, premises=premises)
    require_metric(land_sites=land_sites, parcels=parcels, planned_use=planned_use)
    sites, (places, points) = land_sites.sort_index(), _placed(facilities, premises)
    site, at = shapely.STRtree(points).query(polygons_of(sites), predicate="intersects")
    used = np.unique(at)
    facts = _PlaceFacts(points[used], parcels, planned_use, sliver_width_m)
    said_of = Holders(proof_papers, declared_new_holder_parcel_ids, declared_same_holder_parcel_ids)
    holders = SiteFacts(_NO_STATUS, facts.touched, None, said_of, most_sliver_share=0.0)
    found = {}
    for number, row in enumerate(used):
        said = _statements_at(number, facts, holders, new=places[row].works == "new")
        ids = ", ".join(facts.parcels_at(number))
        found[row] = [(*places[row], ids, *statement) for statement in said]
    order = np.lexsort((at, site))
    pairs = zip(site[order], at[order], strict=True)
    rows = [(str(sites.index[own]), *row) for own, place in pairs for row in found[place]]
    return pd.DataFrame(rows, columns=list(FACILITY_COLUMNS)).astype("str")


_NO_STATUS = pd.DataFrame(columns=["site_id", "section", "item", "state", "area_m2", "sliver_m2"])
_ROOM = Text("空置房屋", "vacant premises")


def _placed(facilities: gpd.GeoDataFrame | None, premises: gpd.GeoDataFrame | None) -> tuple[list[_Place], Geometries]:
    """The facilities and then the rooms by id, and the point each is looked up at."""
    places: list[_Place] = []
    points = [np.empty(0, dtype=object)]
    kinds = layer_schema("facilities").fields["kind"].values
    for source, layer in (("facilities", facilities), ("premises", premises)):
        if layer is None:
            continue
        table = layer.sort_index().reindex(columns=["name", "kind", "works"]).astype(object)
        points.append(shapely.point_on_surface(polygons_of(layer.sort_index())))
        for key, (name, code, works) in zip(table.index, table.where(table.notna(), None).to_numpy(), strict=True):
            kind = _ROOM if source == "premises" else kinds.get(code, Text(str(code), str(code)))
            own_works = works if source == "facilities" else None
            places.append(_Place(str(key), source, name, kind.zh, kind.en, own_works))
    return places, np.concatenate(points)


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
            "registered": _uses_at(points, use_patches(parcels, "parcels", "registered_use")),
            "planned": _uses_at(
                points,
                use_patches(planned_use, "planned_use", "planned_use_code")
                or use_patches(parcels, "parcels", "planned_use_code"),
            ),
        }

    def parcels_at(self, place: int) -> list[str]:
        """The parcels that hold the place, by id."""
        return self.owners.get(str(place), [])

    def land(self, place: int) -> Fact:
        """Whether the place lies in a parcel of the register."""
        if self.touched is None:
            return UNKNOWN, Text("宗地未核查", "parcels were not checked")
        ids = self.parcels_at(place)
        if ids:
            parcels = Text("、".join(ids), ", ".join(ids))
            return YES, Text("位于登记宗地 {ids}", "lies in registered parcel {ids}").fill(ids=parcels)
        if place in self.near:
            zh, en = "紧邻宗地界线，可能是位置误差，须核对", "is next to a parcel's edge, perhaps an error of position"
            return UNKNOWN, Text(zh, en)
        zh = "所在位置不在任何登记宗地内；未登记不等于新增用地，须核实"
        en = "lies in no registered parcel; that is not new land by itself, and is to be clarified"
        return UNKNOWN, Text(zh, en)

    def use(self, place: int) -> Fact:
        """Whether registered and planned use agree at the place."""
        lacking = [USES[name] for name, found in self.uses.items() if found is None or not found[place]]
        if lacking:
            zh, en = "、".join(text.zh for text in lacking), " or ".join(text.en for text in lacking)
            return UNKNOWN, Text(f"所在位置没有{zh}数据，未核查", f"not checked: no {en} at the place")
        first, second = ((found or [])[place] for found in self.uses.values())
        pairs = {agreement_of(a, b) for _, a in first for _, b in second}
        one, other = (LISTED.join(sorted({label for label, _ in found})) for found in (first, second))
        verdict = NO if "differs" in pairs else UNKNOWN if "unknown" in pairs else YES
        zh, en = {YES: ("一致", "they agree"), NO: ("不一致", "they differ"), UNKNOWN: ("无法比对", "not comparable")}[
            verdict
        ]
        said = Text("登记用途为{one}，规划用途为{other}，{verdict}", "registered {one}, planned {other}: {verdict}")
        return verdict, said.fill(one=one, other=other, verdict=Text(zh, en))


def _uses_at(points: Geometries, patches: Patches | None) -> list[list[tuple[Text, frozenset[str]]]] | None:
    """Label and broad uses of the patches at each point; None where there is no such data."""
    if patches is None:
        return None
    shapes, labels, uses = patches
    found: list[list[tuple[Text, frozenset[str]]]] = [[] for _ in points]
    for place, at in zip(*shapely.STRtree(shapes).query(points, predicate="intersects"), strict=True):
        found[place].append((labels[at], uses[at]))
    return found


def _statements_at(place: int, places: _PlaceFacts, holders: SiteFacts, *, new: bool) -> list[Statement]:
    """The statements of one facility. A new one needs a planning permit whatever the land is."""
    verdict, said = places.use(place)
    if new:
        said = Text(f"{said.zh}；新建设施另须办理规划许可", f"{said.en}; a new facility also needs a planning permit")
    land, use, key = places.land(place), (verdict, said), str(place)
    if places.touched is not None and not places.parcels_at(place):
        nowhere = (UNKNOWN, Text("没有对应的登记宗地，未核查", "not checked: there is no registered parcel"))
        return statements_on(land, use, nowhere, nowhere, ())
    return statements_on(land, use, holders.holder(key), holders.state_owned(key), holders.lacking_papers(key))
