"""Drawn situations, an independent loop over plain shapely, and properties of the utility summaries."""

import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, CRSError, DataError
from gis_renovation.sample.city import make_city, situation
from gis_renovation.schemas import layer_schema
from gis_renovation.utilities.summaries import summarise_utilities, summarise_zone_utilities

CRS = "EPSG:4548"
AS_OF = datetime.date(2024, 9, 30)


def lines(*rows):
    """Rows of (id, network, status, year, operator, coordinates)."""
    frame = gpd.GeoDataFrame(
        {
            "line_id": [r[0] for r in rows],
            "network": pd.Series([r[1] for r in rows], dtype="object"),
            "status": pd.Series([r[2] for r in rows], dtype="object"),
            "year_built": pd.array([r[3] for r in rows], dtype="Int64"),
            "operator": pd.Series([r[4] for r in rows], dtype="object"),
        },
        geometry=[shapely.LineString(r[5]) for r in rows],
        crs=CRS,
    )
    return frame.set_index("line_id")


def squares(**corners):
    """Squares of 100 m by lower left corner."""
    frame = gpd.GeoDataFrame(
        {"community_id": list(corners), "name": list(corners)},
        geometry=[shapely.box(x, y, x + 100, y + 100) for x, y in corners.values()],
        crs=CRS,
    )
    return frame.set_index("community_id")


def summary(utility_lines, communities, **options):
    return summarise_utilities(communities, utility_lines, None, as_of=AS_OF, **options)


def test_a_line_is_cut_at_the_polygon_and_the_ring_beside_it_is_counted_apart():
    # 50 m outside, 100 m through, 50 m outside; of each outside part 20 m lie within reach.
    row = summary(lines(("w", "water", "in_use", 2004, "甲", [(-50, 50), (150, 50)])), squares(A=(0, 0))).loc["A/water"]
    assert row["length_m"] == pytest.approx(100)
    assert row["nearby_length_m"] == pytest.approx(40)
    assert (row["reached"], row["distance_m"], row["nearest_line_id"], row["line_count"]) == ("yes", 0, "w", 1)


def test_age_is_weighted_by_length_and_unknown_age_stays_apart():
    pipes = lines(
        ("a", "gas", "in_use", 2014, "甲", [(0, 10), (100, 10)]),  # 10 years, 100 m
        ("b", "gas", "in_use", 1999, "乙", [(0, 20), (50, 20)]),  # 25 years, 50 m
        ("c", "gas", "in_use", 1984, "甲", [(0, 30), (50, 30)]),  # 40 years, 50 m
        ("d", "gas", "in_use", None, None, [(0, 40), (30, 40)]),  # unknown, 30 m
        ("e", "gas", "in_use", 2031, "丙", [(0, 50), (20, 50)]),  # claims a year to come: unknown, 20 m
    )
    row = summary(pipes, squares(A=(0, 0))).loc["A/gas"]
    assert row["mean_age_years"] == pytest.approx((10 * 100 + 25 * 50 + 40 * 50) / 200)
    assert [row[f"age_{band}_length_m"] for band in ("under_20", "20_to_30", "30_plus", "unknown")] == pytest.approx(
        [100, 50, 50, 50]
    )
    assert row["length_m"] == pytest.approx(250)
    assert row["oldest_year_built"] == 1984
    assert row["operators"] == "丙、乙、甲"  # sorted by code point: U+4E19, U+4E59, U+7532
    assert row["operator_unknown_length_m"] == pytest.approx(30)


@pytest.mark.parametrize(("years", "column"), [(19, "under_20"), (20, "20_to_30"), (29, "20_to_30"), (30, "30_plus")])
def test_age_bands_begin_at_their_lower_bound(years, column):
    pipe = lines(("a", "gas", "in_use", 2024 - years, None, [(0, 10), (60, 10)]))
    assert summary(pipe, squares(A=(0, 0))).loc["A/gas", f"age_{column}_length_m"] == pytest.approx(60)


@pytest.mark.parametrize("status", ["abandoned", "empty", "planned"])
def test_a_line_out_of_use_is_measured_but_never_reaches(status):
    row = summary(lines(("a", "water", status, 1990, "甲", [(0, 50), (80, 50)])), squares(A=(0, 0))).loc["A/water"]
    assert row["reached"] == "no"
    assert row[f"{status}_length_m"] == pytest.approx(80)
    assert (row["length_m"], row["line_count"]) == (0, 0)
    assert np.isnan(row["distance_m"])
    assert np.isnan(row["mean_age_years"])
    assert "80 m" in row["reason_zh"]
    assert "80 m" in row["reason_en"]


def test_unknown_status_makes_unknown_and_never_yes_or_no():
    row = summary(lines(("a", "water", None, 1990, "甲", [(0, 50), (80, 50)])), squares(A=(0, 0))).loc["A/water"]
    assert row["reached"] == "unknown"
    assert (row["length_m"], row["status_unknown_length_m"]) == (0, pytest.approx(80))


def test_a_line_in_use_outweighs_one_of_unknown_status():
    pipes = lines(
        ("a", "water", None, None, None, [(0, 50), (80, 50)]),
        ("b", "water", "in_use", None, None, [(0, -15), (9, -15)]),
    )
    row = summary(pipes, squares(A=(0, 0))).loc["A/water"]
    assert (row["reached"], row["distance_m"], row["length_m"]) == ("yes", pytest.approx(15), 0)


def test_unknown_status_beyond_reach_does_not_hide_a_no():
    pipe = lines(("a", "water", None, None, None, [(0, -30), (80, -30)]))
    assert summary(pipe, squares(A=(0, 0))).loc["A/water", "reached"] == "no"


def test_reach_ends_exactly_at_the_given_distance():
    pipe = lines(("a", "water", "in_use", None, None, [(0, -20), (80, -20)]))
    assert summary(pipe, squares(A=(0, 0)), reach_m=20).loc["A/water", "reached"] == "yes"
    assert summary(pipe, squares(A=(0, 0)), reach_m=19.999).loc["A/water", "reached"] == "no"


def test_a_network_without_any_record_is_unknown_not_absent():
    result = summary(lines(("a", "water", "in_use", None, None, [(0, 50), (80, 50)])), squares(A=(0, 0)))
    assert result.loc["A/gas", "reached"] == "unknown"
    assert "没有任何燃气管线记录" in result.loc["A/gas", "reason_zh"]
    assert "A/heat" not in result.index


def test_a_combined_sewer_is_named_where_no_separate_sewer_reaches():
    pipes = lines(
        ("c", "combined_sewer", "in_use", None, None, [(0, 50), (80, 50)]),
        ("s", "sewer", "in_use", None, None, [(0, 900), (80, 900)]),
    )
    row = summary(pipes, squares(A=(0, 0))).loc["A/sewer"]
    assert (row["reached"], row["distance_m"]) == ("no", pytest.approx(800))
    assert "雨污合流" in row["reason_zh"]
    assert "combined sewer" in row["reason_en"]


def test_layers_without_optional_columns_count_as_unknown():
    bare = lines(("a", "water", "in_use", 1990, "甲", [(0, 50), (80, 50)]))[["network", "geometry"]]
    row = summary(bare, squares(A=(0, 0))).loc["A/water"]
    assert (row["reached"], row["status_unknown_length_m"]) == ("unknown", pytest.approx(80))


def test_zone_ids_come_from_the_members_and_are_unknown_for_those_left_out():
    members = pd.DataFrame({"zone_id": ["Z-A", None]}, index=pd.Index(["A", "B"], name="community_id"), dtype="object")
    pipe = lines(("a", "water", "in_use", None, None, [(0, 50), (80, 50)]))
    result = summarise_utilities(squares(A=(0, 0), B=(500, 0)), pipe, members, as_of=AS_OF)
    assert result.loc["A/water", "zone_id"] == "Z-A"
    assert pd.isna(result.loc["B/water", "zone_id"])


def test_a_pipe_shared_by_two_members_counts_once_in_their_zone():
    shared = lines(("a", "water", "in_use", 2000, "甲", [(100, 0), (100, 100)]))  # along the common wall
    pair = squares(A=(0, 0), B=(100, 0))
    each = summary(shared, pair)
    zone = gpd.GeoDataFrame(geometry=[pair.union_all()], index=pd.Index(["Z-A"], name="zone_id"), crs=CRS)
    assert each["length_m"].groupby(each["network"]).sum()["water"] == pytest.approx(200)
    whole = summarise_zone_utilities(zone, shared, as_of=AS_OF)
    assert whole.loc["Z-A/water", "length_m"] == pytest.approx(100)
    assert check_layer(whole, layer_schema("utility_by_zone")) == []


def random_city(seed, line_count=60, area_count=12):
    rng = np.random.default_rng(seed)
    networks = rng.choice(["water", "sewer", "gas", "combined_sewer"], line_count)
    statuses = rng.choice(np.array(["in_use", "in_use", "abandoned", "planned", None], dtype=object), line_count)
    years = [int(y) if y > 1960 else None for y in rng.integers(1950, 2030, line_count)]
    rows = [
        (
            f"L{i:03d}",
            networks[i],
            statuses[i],
            years[i],
            f"单位{i % 3}" if i % 4 else None,
            rng.uniform(0, 900, (3, 2)),
        )
        for i in range(line_count)
    ]
    corners = {f"C{i:02d}": tuple(rng.uniform(0, 800, 2)) for i in range(area_count)}
    return lines(*rows), squares(**corners)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_figure_equals_a_plain_loop_over_pairs(seed):
    pipes, areas = random_city(seed)
    result = summary(pipes, areas, reach_m=35)
    for (area, polygon), network in [(a, n) for a in areas.geometry.items() for n in sorted(pipes["network"].unique())]:
        row = result.loc[f"{area}/{network}"]
        mine = pipes[pipes["network"] == network]
        used = mine[mine["status"] == "in_use"]
        inside = [line.intersection(polygon).length for line in used.geometry]
        beside = [line.intersection(polygon.buffer(35, quad_segs=32)).length for line in used.geometry]
        ages = [
            (AS_OF.year - y, m) for y, m in zip(used["year_built"], inside, strict=True) if pd.notna(y) and y <= 2024
        ]
        nearest = min((polygon.distance(line) for line in used.geometry), default=np.nan)
        doubtful = min((polygon.distance(g) for g in mine.geometry[mine["status"].isna()]), default=np.inf)
        verdict = "yes" if nearest <= 35 else "unknown" if doubtful <= 35 else "no"
        known_m = sum(m for _, m in ages)
        assert row["reached"] == verdict
        assert row["length_m"] == pytest.approx(sum(inside), abs=1e-6)
        assert row["nearby_length_m"] == pytest.approx(sum(beside) - sum(inside), abs=1e-6)
        assert row["age_unknown_length_m"] == pytest.approx(sum(inside) - known_m, abs=1e-6)
        assert row["distance_m"] == pytest.approx(nearest, nan_ok=True)
        if known_m:
            assert row["mean_age_years"] == pytest.approx(sum(a * m for a, m in ages) / known_m)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.tuples(st.integers(-5000, 5000), st.integers(-5000, 5000)))
def test_row_order_and_place_do_not_change_the_summary(seed, shift):
    pipes, areas = random_city(seed, 25, 5)
    base = summary(pipes, areas)
    assert_frame_equal(summary(pipes.sample(frac=1, random_state=1), areas.iloc[::-1]), base)
    moved = summary(pipes.set_geometry(pipes.translate(*shift)), areas.set_geometry(areas.translate(*shift)))
    assert_frame_equal(moved.drop(columns=["reason_zh", "reason_en"]), base.drop(columns=["reason_zh", "reason_en"]))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), reach_m=st.floats(0, 200), more_m=st.floats(0, 200))
def test_a_longer_reach_never_loses_a_community(seed, reach_m, more_m):
    pipes, areas = random_city(seed, 25, 5)
    near = summary(pipes, areas, reach_m=reach_m)["reached"] == "yes"
    far = summary(pipes, areas, reach_m=reach_m + more_m)["reached"] == "yes"
    assert (far | ~near).all()


def test_bands_and_unknown_age_add_up_to_the_length():
    result = summary(*random_city(7))
    bands = [f"age_{band}_length_m" for band in ("under_20", "20_to_30", "30_plus", "unknown")]
    np.testing.assert_allclose(result[bands].sum(axis="columns"), result["length_m"], atol=1e-6)


def test_the_result_keeps_its_schema_and_the_inputs_stay_as_they_were():
    pipes, areas = random_city(5)
    pipes_before, areas_before = pipes.copy(), areas.copy()
    result = summary(pipes, areas)
    schema = layer_schema("utility_by_community")
    assert check_layer(result, schema) == []
    assert [schema.key, *result.columns] == list(schema.fields)
    assert result.index.is_monotonic_increasing
    assert_geodataframe_equal(pipes, pipes_before)
    assert_geodataframe_equal(areas, areas_before)


def test_empty_layers_give_the_same_columns():
    pipes, areas = random_city(5)
    full = summary(pipes, areas)
    nobody = summary(pipes, areas.iloc[:0])
    assert len(nobody) == 0
    assert list(nobody.columns) == list(full.columns)
    assert nobody.dtypes.to_dict() == full.dtypes.to_dict()
    nothing = summary(pipes.iloc[:0], areas)
    assert set(nothing["reached"]) == {"unknown"}
    assert len(nothing) == 5 * len(areas)
    assert nothing.dtypes.to_dict() == full.dtypes.to_dict()
    neither = summary(pipes.iloc[:0], areas.iloc[:0])
    assert list(neither.columns) == list(full.columns)


def test_wrong_options_and_coordinates_are_refused_with_a_remedy():
    pipes, areas = random_city(5)
    with pytest.raises(ConfigError, match="reach_m"):
        summary(pipes, areas, reach_m=-1)
    with pytest.raises(ConfigError, match="是否指 water"):
        summary(pipes, areas, expected_networks=("watter",))
    with pytest.raises(CRSError, match="EPSG:4490"):
        summary(pipes, areas.to_crs("EPSG:4490"))


def test_the_sample_citys_planted_pipes_are_found():
    city = make_city(layers=("communities", "utility_lines"))
    result = summary(city["utility_lines"], city["communities"])
    (unserved,) = situation("no_gas").ids
    assert result.loc[f"{unserved}/gas", "reached"] == "no"
    assert result.loc[f"{unserved}/gas", "distance_m"] > 2000
    (abandoned,) = situation("abandoned_water").ids
    row = result.loc["340403-001/water"]
    assert row["abandoned_length_m"] == pytest.approx(
        city["utility_lines"].geometry[abandoned].intersection(city["communities"].geometry["340403-001"]).length
    )
    assert row["abandoned_length_m"] > 0


def test_plain_frames_count_their_rows_as_ids_and_forgotten_ids_are_refused():
    homes = squares(A=(0, 0), B=(500, 0))
    pipe = lines(("w", "water", "in_use", 2004, None, [(-50, 50), (150, 50)]))
    plain = summary(pipe.reset_index(drop=True), homes.reset_index(drop=True))
    assert plain.loc["0/water", ["community_id", "reached", "nearest_line_id"]].tolist() == ["0", "yes", "0"]
    members = pd.DataFrame({"zone_id": ["Z"]}, index=[1])
    zoned = summarise_utilities(homes.reset_index(drop=True), pipe, members, as_of=AS_OF)
    assert zoned.loc["1/water", "zone_id"] == "Z"
    with pytest.raises(DataError, match="set_index"):
        summary(pipe, homes.reset_index())
    with pytest.raises(DataError, match="set_index"):
        summary(pipe.reset_index(), homes)
