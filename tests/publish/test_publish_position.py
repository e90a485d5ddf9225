"""How exact a public map is: an attacker who holds published corners against the survey, and what is said of it."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from drawn_city import CRS, layers, publish_city
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from gis_renovation.errors import ConfigError
from gis_renovation.publish.disclosure import displacement
from gis_renovation.publish.disclosure.generalise import generalise_shapes
from gis_renovation.publish.disclosure.snapping import snapped_areas
from gis_renovation.publish.profile import read_profile
from gis_renovation.schemas import layer_schemas
from gis_renovation.shipped import shipped

PUBLIC = shipped("template/maps/public.toml").read_text(encoding="utf-8")


# --- a coverage stays one -------------------------------------------------------------------------


def patchwork(seed, *, drop=0.0):
    """A square of 400 m cut into cells; with ``drop`` corners on straight borders stand in one neighbour only."""
    rng = np.random.default_rng(seed)
    whole = box(0, 0, 400, 400)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, 400, (40, 2))), extend_to=whole)
    )
    cells = shapely.intersection(np.array(cells, dtype=object), whole)
    if drop:
        # Each owner of a border puts corners of its own on it, to within what floating point leaves.
        cells = np.array(
            [
                shapely.segmentize(cell, length)
                for cell, length in zip(cells, rng.uniform(7, 60, len(cells)), strict=True)
            ]
        )
    return cells


def overlap_m2(areas):
    """Ground that two of the areas cover, by every pair."""
    return sum(shapely.intersection(a, b).area for n, a in enumerate(areas) for b in areas[n + 1 :])


@pytest.mark.parametrize("tolerance_m", [0.0, 10.0])
@pytest.mark.parametrize("drop", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_a_patchwork_on_a_coarse_grid_has_no_gap_and_no_overlap(seed, drop, tolerance_m):
    cells = patchwork(seed, drop=drop)
    if drop:
        assert sum(len(set(a.exterior.coords)) for a in cells) > len(set(map(tuple, shapely.get_coordinates(cells))))
    coarse = generalise_shapes(cells, tolerance_m, grid_m=10.0)
    kept = coarse[~shapely.is_missing(snapped_areas(cells, 10.0))]
    assert shapely.is_valid(coarse).all()
    assert (shapely.get_coordinates(coarse) % 10 == 0).all()
    assert overlap_m2(kept) == 0
    whole = shapely.union_all(kept)
    assert len(whole.interiors) == 0
    # Simplifying may cut a corner of the outline, as of any shape by itself; coming onto the grid may not.
    assert whole.area == pytest.approx(400 * 400, abs=400 if tolerance_m else 1e-6)
    before = {
        (a, b) for a in range(len(cells)) for b in range(a) if shapely.intersection(cells[a], cells[b]).length > 30
    }
    assert all(shapely.intersection(coarse[a], coarse[b]).length > 0 for a, b in before), "neighbours stay neighbours"


def test_corner_by_corner_the_same_patchwork_would_part():
    """What the test above is about: rounding each corner by itself opens gaps where neighbours' corners differ."""
    cells = patchwork(1, drop=1.0)
    apart = shapely.make_valid(shapely.transform(cells, lambda xy: np.rint(xy / 10) * 10))
    assert overlap_m2(apart) > 1 or shapely.union_all(apart).area < 400 * 400 - 1


def test_an_enclave_still_fills_its_hole_and_parts_stay_with_their_area():
    hole = [(33, 33), (77, 41), (66, 78), (31, 71)]
    around, enclave = Polygon(box(2, 2, 118, 119).exterior.coords, [hole]), Polygon(hole)
    two = shapely.MultiPolygon([box(201, 3, 249, 47), box(303, 3, 349, 47)])
    made = snapped_areas(np.array([around, enclave, two, box(401.2, 1, 402, 2)], dtype=object), 10.0)
    assert shapely.union_all(made[:2]).equals(box(0, 0, 120, 120))
    assert shapely.intersection(made[0], made[1]).area == 0
    assert made[2].equals(shapely.MultiPolygon([box(200, 0, 250, 50), box(300, 0, 350, 50)]))
    assert made[3] is None, "smaller than a cell"


@given(st.integers(0, 10_000), st.sampled_from([1.0, 5.0, 10.0, 25.0]))
@settings(max_examples=40, deadline=None)
def test_nothing_moves_farther_than_half_the_diagonal_of_a_cell(seed, grid_m):
    cells = patchwork(seed)
    made = snapped_areas(cells, grid_m)
    there = ~shapely.is_missing(made)
    far = shapely.hausdorff_distance(shapely.boundary(made[there]), shapely.boundary(cells[there]), densify=0.2)
    # A sliver that falls together leaves borders farther from where it was, by no more than it was wide.
    assert np.quantile(far, 0.9) <= grid_m * np.sqrt(0.5) + 1e-6


# --- the attacker ---------------------------------------------------------------------------------


def surveyed(shift=(3.37, 6.81)):
    """The drawn city turned and moved, so that its corners lie anywhere on the grid, as surveyed ones do."""
    return {
        name: frame.set_geometry(frame.geometry.rotate(17, origin=(500_000, 3_613_000)).translate(*shift), crs=CRS)
        if isinstance(frame, gpd.GeoDataFrame)
        else frame
        for name, frame in layers().items()
    }


def edition(tmp_path, made, text=PUBLIC):
    (tmp_path / "maps").mkdir(exist_ok=True)
    (tmp_path / "maps" / "public.toml").write_text(text, encoding="utf-8")
    publish_city(made, read_profile(tmp_path, "public"), tmp_path / "maps" / "public")
    return tmp_path / "maps" / "public"


def brute_force(asked, known):
    return np.sqrt(((asked[:, None] - known[None]) ** 2).sum(axis=2)).min(axis=1)


def published_corners(folder, layer):
    frame = pyogrio.read_dataframe(folder / "data" / "data.gpkg", layer=layer)
    return np.unique(shapely.get_coordinates(frame.geometry.to_numpy()), axis=0)


def survey_corners(made, layer):
    return np.unique(shapely.get_coordinates(made[layer].geometry.to_numpy()), axis=0)


def test_an_attacker_with_the_survey_finds_none_of_its_corners_but_by_chance(tmp_path):
    made = surveyed()
    folder = edition(tmp_path, made)
    found = {
        layer: brute_force(published_corners(folder, layer), survey_corners(made, layer))
        for layer in ("communities", "zones", "parks", "barriers")
    }
    every = np.concatenate(list(found.values()))
    assert len(every) > 45
    assert np.median(every) > 3.0
    # By chance a disc of 1 m around a point of a grid of 10 m holds 3 in 100.
    assert np.mean(every <= 1.0) < 0.1
    # The geojson and the map itself tell no more than the database.
    told = json.loads((folder / "data" / "communities.geojson").read_text(encoding="utf-8"))
    corners = np.array([xy for feature in told["features"] for xy in feature["geometry"]["coordinates"][0]])
    metres = gpd.GeoSeries(gpd.points_from_xy(*corners.T), crs="EPSG:4490").to_crs(CRS)
    assert np.median(brute_force(shapely.get_coordinates(metres.to_numpy()), survey_corners(made, "communities"))) > 3.0


def test_the_same_attacker_had_every_corner_of_what_was_published_before(tmp_path):
    made = surveyed()
    fine = PUBLIC.replace("generalise_m = 10.0", "generalise_m = 5.0").replace("grid_m = 10.0", "grid_m = 1.0")
    folder = edition(tmp_path, made, fine)
    near = brute_force(published_corners(folder, "communities"), survey_corners(made, "communities"))
    assert near.max() < 0.71
    about = (folder / "about.html").read_text(encoding="utf-8")
    assert f"{near.max():.2f}" in about
    assert "100.0%" in about, "every corner within 1 m, and the page says so"


def test_checklist_and_about_page_print_what_a_brute_force_measures(tmp_path):
    made = surveyed()
    folder = edition(tmp_path, made)
    about = (folder / "about.html").read_text(encoding="utf-8")
    checklist = folder.with_name("public.checklist.md").read_text(encoding="utf-8")
    for layer in ("communities", "parks", "facilities"):
        label = layer_schemas()[layer].label.zh
        corners, known = published_corners(folder, layer), survey_corners(made, layer)
        near = brute_force(corners, known)
        shapes = made[layer].geometry
        lines = shapely.union_all(shapes.to_numpy() if layer == "facilities" else shapely.boundary(shapes))
        to_line = shapely.distance(shapely.points(corners), lines)
        (line,) = [one for one in checklist.splitlines() if one.startswith(f"  - {label}：公开角点")]
        rows = re.findall(r"<tr>.*?</tr>", about[about.index("相差多少") :], re.DOTALL)
        (row,) = [one for one in rows if f">{label}<" in one and one.count("<td") == 8]
        for numbers in (near, to_line):
            for value in (np.median(numbers), np.quantile(numbers, 0.95), numbers.max()):
                assert f"{value:.2f}" in line
                assert f"{value:.2f}" in row
        assert f"{np.mean(near <= 1.0) * 100:.1f}%" in line


def test_whether_the_authority_limits_accuracy_is_left_to_it(tmp_path):
    folder = edition(tmp_path, surveyed())
    checklist = folder.with_name("public.checklist.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"- \[ \] 位置精度.*?(?=\n-)", checklist, re.DOTALL)
    assert "主管部门" in line
    assert "不作判断" in line
    assert not re.search(r"\d", line), "no number nobody has confirmed"


# --- what is claimed ------------------------------------------------------------------------------


def claiming(metres):
    return PUBLIC.replace("[downloads]", f"claimed_m = {metres}\n\n[downloads]", 1)


def test_a_claim_beyond_what_was_measured_is_refused_and_names_the_layers(tmp_path):
    with pytest.raises(ConfigError, match=r"communities.*中位.*claimed_m") as told:
        edition(tmp_path, surveyed(), claiming(9.0))
    assert "9 m" in str(told.value)
    assert not (tmp_path / "maps" / "public").exists()


def test_a_claim_that_holds_stands_on_the_page(tmp_path):
    folder = edition(tmp_path, surveyed(), claiming(1.25))
    assert "不小于 1.25 m" in (folder / "about.html").read_text(encoding="utf-8")


def test_corners_that_lie_on_the_grid_by_themselves_make_every_claim_untrue(tmp_path):
    with pytest.raises(ConfigError, match=r"0\.00 m"):
        edition(tmp_path, layers(), claiming(0.5))


@pytest.mark.parametrize(
    ("note", "refused"),
    [
        ("公开图形概括到 50 m。", True),
        ("图形已作模糊处理，与实际相差 50 米以上的偏差。", True),
        ("Shapes are generalised to 50 m.", True),
        ("坐标偏移约50米", True),
        ("图形概括到 1 m。", False),
        ("本区共改造 5000 m² 公园，步行 300 m 可达。", False),
        ("误差由填报造成。", False),
    ],
)
def test_a_claim_in_the_publishers_own_words_is_held_against_the_measure_too(tmp_path, note, refused):
    text = PUBLIC.replace("targets = true", f'notes = ["{note}"]\ntargets = true', 1)
    if refused:
        with pytest.raises(ConfigError, match="50 m"):
            edition(tmp_path, surveyed(), text)
    else:
        assert note in (edition(tmp_path, surveyed(), text) / "about.html").read_text(encoding="utf-8")


def test_a_public_profile_that_says_nothing_is_coarsened_by_ten_metres(tmp_path):
    silent = re.sub(r"\n\[geometry\]\n.*?(?=\n\[downloads\])", "", PUBLIC, flags=re.DOTALL)
    assert "grid_m" not in silent
    made = surveyed()
    folder = edition(tmp_path, made, silent)
    assert (published_corners(folder, "communities") % 10 == 0).all()
    assert "10 m 的格网" in (folder / "about.html").read_text(encoding="utf-8")


def test_exact_shapes_are_told_as_exact(tmp_path):
    exact = PUBLIC.replace("generalise_m = 10.0", "generalise_m = 0.0").replace("grid_m = 10.0", "grid_m = 0.0")
    folder = edition(tmp_path, surveyed(), exact)
    checklist = folder.with_name("public.checklist.md").read_text(encoding="utf-8")
    assert "未取格网" in checklist
    assert "最大 0.00 m" in checklist


def test_no_layer_without_shapes_is_measured_and_empty_ones_are_passed_over():
    empty = gpd.GeoDataFrame({"n": []}, geometry=[], crs=CRS)
    table = layers()["zone_members"]
    assert displacement.measured_layers({"a": empty, "b": table}, {"a": empty, "b": table}) == {}
