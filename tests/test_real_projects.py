"""Real communities and parcels end to end, against independent computation: plain loops, another library.

Hangzhou: OpenStreetMap extract, ODbL, © OpenStreetMap contributors. Cambridge: City of Cambridge, PDDL.
"""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import docx
import fiona
import networkx as nx
import numpy as np
import pytest
import shapely
from land_sheets import contradictions
from pyproj import Transformer
from shapely import make_valid
from shapely.geometry import shape

from gis_renovation.reports.reports import write_reports
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project
from gis_renovation.run.runner import run_project

pytestmark = pytest.mark.shared_data

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
HANGZHOU = SHARED / "hangzhou_zhaohui_osm.gpkg"
CAMBRIDGE = SHARED / "cambridge_two_neighbourhoods.gpkg"


def project_copy(name, tmp_path_factory):
    """The project's cards in a temporary folder, with absolute paths to the data, so that nothing lands in tests/."""
    folder = tmp_path_factory.mktemp(name) / name
    shutil.copytree(Path(__file__).parent / "projects" / name, folder, ignore=shutil.ignore_patterns("runs"))
    for card in (folder / "layers").glob("*.toml"):
        text = card.read_text(encoding="utf-8")
        card.write_text(text.replace("../../../../../shared/data", SHARED.as_posix()), encoding="utf-8")
    return open_project(folder)


@pytest.fixture(scope="module")
def hangzhou(tmp_path_factory):
    project = project_copy("hangzhou", tmp_path_factory)
    return project, run_project(project)


@pytest.fixture(scope="module")
def cambridge(tmp_path_factory):
    project = project_copy("cambridge", tmp_path_factory)
    return project, run_project(project)


def records(path, layer, crs):
    """Features as plain dicts with shapely geometry in ``crs``, by fiona and pyproj alone."""
    move = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform

    def moved(geometry):
        return shapely.transform(geometry, lambda xy: np.column_stack(move(*xy.T)))

    with fiona.open(path, layer=layer) as source:
        return [{**record.properties, "shape": moved(shape(record.geometry))} for record in source]


def test_hangzhou_has_no_error(hangzhou):
    project, _ = hangzhou
    assert [f.sentence("zh") for f in read_inputs(project).findings if f.severity == "error"] == []


def test_hangzhou_pairs_and_gaps_equal_a_double_loop(hangzhou):
    _, run = hangzhou
    homes = {r["osm_id"]: r["shape"] for r in records(HANGZHOU, "landuse", "EPSG:4549") if r["fclass"] == "residential"}
    expected = {}
    for a in sorted(homes):
        for b in sorted(homes):
            if a < b and (gap := homes[a].distance(homes[b])) <= 40.0:
                expected[f"{a}~{b}"] = gap
    links = run.layers["community_links"]
    assert set(links.index) == set(expected)
    for link, gap in expected.items():
        assert links.loc[link, "gap_m"] == pytest.approx(gap, abs=1e-6)


def test_hangzhou_links_far_from_water_are_joined_and_cut_ones_cross_water(hangzhou):
    _, run = hangzhou
    water = [r["shape"] for r in records(HANGZHOU, "water", "EPSG:4549")]
    links = run.layers["community_links"]
    assert set(links["status"]) >= {"joined", "cut"}
    for link in links.itertuples():
        if all(body.distance(link.geometry) > 100 for body in water):
            assert link.status == "joined", link.Index
        if link.status == "cut":
            assert any(body.intersects(link.geometry.buffer(0.01)) for body in water), link.Index


def test_hangzhou_zones_are_the_connected_components(hangzhou):
    _, run = hangzhou
    members, links = run.layers["zone_members"], run.layers["community_links"]
    graph = nx.Graph()
    graph.add_nodes_from(members.index)
    usable = links[links["status"].isin(["joined", "rejoined"])]
    graph.add_edges_from(zip(usable["focal"], usable["neighbor"], strict=True))
    expected = {frozenset(component) for component in nx.connected_components(graph)}
    found = {frozenset(rows.index) for _, rows in members.groupby("zone_id")}
    assert found == expected
    assert run.layers["zones"]["community_count"].sum() == 77


def test_hangzhou_area_is_the_sum_of_plain_areas(hangzhou):
    _, run = hangzhou
    homes = [r["shape"] for r in records(HANGZHOU, "landuse", "EPSG:4549") if r["fclass"] == "residential"]
    communities = run.layers["communities"]
    assert communities.area.sum() == pytest.approx(math.fsum(h.area for h in homes), rel=1e-9)


def test_hangzhou_zones_have_the_geodesic_area_beside_and_the_two_agree_within_the_projection(hangzhou):
    from pyproj import Geod

    _, run = hangzhou
    zones = run.layers["zones"]
    with fiona.open(HANGZHOU, layer="landuse") as source:
        homes = [shape(r.geometry) for r in source if r.properties["fclass"] == "residential"]
    geod = Geod(ellps="GRS80")
    expected = math.fsum(abs(geod.geometry_area_perimeter(home)[0]) for home in homes)
    assert zones["geodesic_area_m2"].sum() == pytest.approx(expected, rel=1e-6)
    assert zones["geodesic_area_m2"].sum() == pytest.approx(zones["land_area_m2"].sum(), rel=1e-3)


def test_cambridge_has_no_error_and_loses_no_parcel(cambridge):
    project, run = cambridge
    assert [f.sentence("zh") for f in read_inputs(project).findings if f.severity == "error"] == []
    assert len(run.layers["parcels"]) == len(run.layers["idle_parcels"]) == 1_798


def test_cambridge_tax_rows_do_not_multiply_parcels_and_disagreement_is_unknown(cambridge):
    project, run = cambridge
    with (SHARED / "cambridge_two_neighbourhoods_tax.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    uses = {}
    for row in rows:
        if row["UseDescription"]:
            uses.setdefault(row["ML"], set()).add(row["UseDescription"])
    expected = 0
    for parcel in records(CAMBRIDGE, "parcels", project.settings.project.crs):
        expected += len(uses.get(parcel["ML"], ())) == 1
    assert run.layers["parcels"]["land_use_code"].notna().sum() == expected


def test_cambridge_year_zero_is_unknown(tmp_path_factory):
    project = project_copy("cambridge", tmp_path_factory)
    with (SHARED / "cambridge_two_neighbourhoods_tax.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    years, uses = {}, {}
    for row in rows:
        years.setdefault(row["ML"], []).append(float(row["AYBYrBuilt"] or 0))
        uses.setdefault(row["ML"], set()).add(row["UseDescription"])
    lots = [record["ML"] for record in records(CAMBRIDGE, "parcels", project.settings.project.crs)]
    chosen = sorted({use for lot in lots if 0.0 in years.get(lot, ()) for use in uses[lot] if len(uses[lot]) == 1})
    card = project.folder / "layers" / "communities.toml"
    text = card.read_text(encoding="utf-8").replace('[">8-UNIT-APT", "4-8-UNIT-APT"]', str(chosen).replace("'", '"'))
    card.write_text(text, encoding="utf-8")
    found = read_inputs(open_project(project.folder), only=["communities"]).layers["communities"]["year_built"]
    expected = {lot: years[lot] for lot in found.index}
    zero = {lot for lot, own in expected.items() if min(own) == 0.0}
    assert len(zero) > 50
    assert set(found.index[found.isna()]) == zero
    assert found.dropna().min() > 1000


def uses_by_lot():
    with (SHARED / "cambridge_two_neighbourhoods_tax.csv").open(encoding="utf-8") as stream:
        uses = {}
        for row in csv.DictReader(stream):
            uses.setdefault(row["ML"], set()).add(row["UseDescription"])
    return uses


def test_cambridge_status_sheets_agree_with_cutting_every_parcel_and_district_by_itself(cambridge):
    """2,835 tax rows on 1,798 parcels: no sheet counts ground, or a parcel, more often than it is drawn."""
    project, run = cambridge
    crs, sites, status = project.settings.project.crs, run.layers["land_sites"], run.layers["land_status"]
    uses = uses_by_lot()
    parcels = [(uses.get(r["ML"], set()), make_valid(r["shape"])) for r in records(CAMBRIDGE, "parcels", crs)]
    public = [shape for use, shape in parcels if use <= {"Vacant City", "Improved City"} and len(use) == 1]
    districts = [(r["zone_type"], make_valid(r["shape"])) for r in records(CAMBRIDGE, "zoning", crs)]
    touched = run.layers["touched_parcels"]
    assert not touched.duplicated(["site_id", "parcel_id"]).any()
    for site_id, site in sites.geometry.items():
        own = status[status["site_id"] == site_id].set_index(["section", "item"])["area_m2"]
        whole = [shape for _, shape in parcels if shape.intersection(site).area >= 0.005]
        assert (touched["site_id"] == site_id).sum() == len(whole)
        covered = shapely.union_all(whole).intersection(site).area
        assert own["ownership"]["uncovered"] == pytest.approx(site.area - covered, abs=0.011)
        state = sum(shape.intersection(site).area for shape in public)
        assert own["ownership"].get("state", 0.0) == pytest.approx(state, abs=0.011)
        for code in {code for code, _ in districts}:
            inside = sum(shape.intersection(site).area for name, shape in districts if name == code)
            assert own["planned"].get(code, 0.0) == pytest.approx(inside, abs=0.011)
        for section in ("ownership", "right", "survey", "planned"):
            # In hundredths, so that the sum is exact.
            assert sum(round(100 * area) for area in own[section]) == round(100 * own["total", "total"])
        # Without a survey the codes that the parcels carry are told, with their source.
        assert own["survey"]["uncovered"] == own["ownership"]["uncovered"]
        survey = status[(status["site_id"] == site_id) & (status["section"] == "survey")]
        assert set(survey["source"].dropna()) == {"宗地图层 / parcels"}
        assert np.isnan(own["control"]).all()


def test_cambridge_sheets_can_be_signed(cambridge, tmp_path):
    _, run = cambridge
    site = min(run.layers["land_sites"].index)
    write_reports(tmp_path, run.layers, run.manifest, sites=[site])
    folder = tmp_path / "bureau-land-status"
    assert sorted(path.suffix for path in folder.iterdir()) == [".docx", ".png", ".xlsx"]
    text = "\n".join(
        cell.text for table in docx.Document(folder / f"{site}.docx").tables for row in table.rows for cell in row.cells
    )
    touched = run.layers["touched_parcels"]
    for parcel_id in touched["parcel_id"][touched["site_id"] == site]:
        assert parcel_id in text
    assert text.count("未核查") >= 12, "no control line was at hand, and none is said not to be met"
    assert "不涉及（0.00）" not in text.partition("永久基本农田")[2].partition("地质灾害隐患范围")[0]


def test_cambridge_parcel_areas_equal_plain_areas(cambridge):
    project, run = cambridge
    plain = [make_valid(r["shape"]).area for r in records(CAMBRIDGE, "parcels", project.settings.project.crs)]
    assert run.layers["parcels"].area.sum() == pytest.approx(math.fsum(plain), rel=1e-6)


def test_cambridge_every_parcel_has_a_verdict_and_every_verdict_a_reason(cambridge):
    _, run = cambridge
    idle, ledger = run.layers["idle_parcels"], run.layers["parcel_ledger"]
    assert set(idle["verdict"]) <= {"candidate", "excluded", "unknown"}
    assert idle["reason_zh"].str.len().gt(0).all()
    assert set(ledger["parcel_id"]) == set(idle.index)
    refused = ledger[(ledger["verdict"] == "no") & ledger["mandatory"]]["parcel_id"] if "mandatory" in ledger else []
    assert (idle.loc[sorted(set(refused)), "verdict"] == "excluded").all()


def test_cambridge_park_distance_is_never_shorter_than_the_straight_line(cambridge):
    _, run = cambridge
    access = run.layers["park_access"]
    known = access.dropna(subset=["network_distance_m", "straight_distance_m"])
    assert len(known) > 100
    assert (known["network_distance_m"] >= known["straight_distance_m"] - 1e-6).all()


@pytest.mark.parametrize("name", ["hangzhou", "cambridge"])
def test_no_sheet_of_a_real_project_says_yes_beside_a_table_that_leaves_it_open(name, request):
    _, run = request.getfixturevalue(name)
    assert len(run.layers["land_sites"])
    assert contradictions(run.layers) == []
