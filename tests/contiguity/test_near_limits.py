"""Links that hang on a limit: counted by head on drawings, and by judging every pair again on random ones."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, box

from gis_renovation.checking.remedies import check_layer
from gis_renovation.contiguity import LinkLimits, link_communities, list_links_near_limits
from gis_renovation.errors import ConfigError
from gis_renovation.schemas import layer_schema

CRS = "EPSG:4548"
LIMITS = ("max_gap_m", "min_opening_m", "crossing_reach_m", "max_detour_m")


def layer(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes.values()), index=list(shapes), crs=CRS)


def near(homes, fences=None, bridges=None, *, share=0.1, **limits):
    limits = LinkLimits(**limits)
    links = link_communities(homes, fences, bridges, limits=limits)
    return list_links_near_limits(homes, links, fences, bridges, limits=limits, near_limit_share=share)


def row_at(*gaps):
    """Squares of 100 m in a row with the gaps between them, far from all else."""
    x, shapes = 0.0, {}
    for number, gap in enumerate([*gaps, 0.0]):
        shapes[f"C{number}"] = box(x, 0, x + 100, 100)
        x += 100 + gap
    return layer(shapes, name=[f"小区{key}" for key in shapes])


def test_gaps_within_a_tenth_of_the_limit_are_listed_on_both_sides_and_no_others():
    # The tenth below 60 m ends at 54 m, which still keeps the stricter limit; the tenth above at 66 m.
    found = near(row_at(53.9, 54.0, 54.1, 60.0, 60.1, 66.0, 66.1))
    assert found["effect"].to_dict() == {
        "C2~C3@max_gap_m": "lost",
        "C3~C4@max_gap_m": "lost",
        "C4~C5@max_gap_m": "won",
        "C5~C6@max_gap_m": "won",
    }
    assert found["measured_m"].round(6).tolist() == [54.1, 60.0, 60.1, 66.0]
    assert found["moved_value_m"].tolist() == [54.0, 54.0, 66.0, 66.0]
    assert found["reason_zh"].tolist()[1:3] == [
        "小区C3与小区C4相距 60 米，现可连通；连片间距上限由 60 米降低到 54 米，即不连通",
        "小区C4与小区C5相距 60.1 米，现不连通；连片间距上限由 60 米提高到 66 米，即可连通",
    ]
    assert found["reason_en"].iloc[2] == (
        "小区C4 and 小区C5: 60.1 m apart, not joined now; with the gap limit raised from 60 to 66 m they are joined"
    )
    schema = layer_schema("links_near_limits")
    assert [finding.text.en for finding in check_layer(found, schema)] == []
    assert [found.index.name, *found.columns.drop("geometry")] == list(schema.fields)


@pytest.mark.parametrize(("opening", "effect"), [(1.0, None), (1.15, "won"), (1.25, "lost"), (1.4, None)])
def test_an_opening_near_the_least_width(opening, effect):
    homes = layer({"A": box(0, 0, 100, 100), "B": box(140, 0, 240, 100)})
    walls = layer(
        {"W1": LineString([(120, -300), (120, 50)]), "W2": LineString([(120, 50 + opening), (120, 400)])},
        kind=["wall", "wall"],
        grade=[1, 1],
    )
    found = near(homes, walls)
    assert found["effect"].tolist() == ([] if effect is None else [effect])
    assert found["measured_m"].isna().all()


@pytest.mark.parametrize(("at", "effect"), [(200, None), (240, "lost"), (255, "won"), (290, None)])
def test_a_walk_near_the_longest_is_measured(at, effect):
    # The bridge stands beside the gap: from either edge a straight line to it.
    homes = layer({"A": box(0, 0, 100, 100), "B": box(140, 0, 240, 100)})
    rail = layer({"R": LineString([(120, -900), (120, 900)])}, kind=["railway"])
    bridge = layer({"K": Point(120, at)}, kind=["footbridge"], barrier_id=["R"])
    walk = 2 * math.hypot(20, at - 100)
    found = near(homes, rail, bridge, max_detour_m=300.0, crossing_reach_m=25.0)
    assert found["limit"].tolist() == ([] if effect is None else ["max_detour_m"])
    if effect:
        assert found["effect"].item() == effect
        assert found["measured_m"].item() == pytest.approx(walk, abs=1e-6)
        assert f"绕行 {walk:.0f} 米" in found["reason_zh"].item()


def test_the_reach_of_a_crossing_that_names_no_barrier():
    homes = layer({"A": box(0, 0, 100, 100), "B": box(140, 0, 240, 100)})
    rail = layer({"R": LineString([(120, -900), (120, 900)])}, kind=["railway"])
    for off, effect in ((24.0, ["lost"]), (26.0, ["won"]), (20.0, []), (30.0, [])):
        found = near(homes, rail, layer({"K": Point(120 + off, 50)}, kind=["footbridge"]))
        assert found["effect"].tolist() == effect
        assert found["limit"].tolist() == ["crossing_reach_m"] * len(effect)


@pytest.mark.parametrize("seed", range(6))
def test_random_drawings_agree_with_judging_every_pair_again(seed):
    rng = np.random.default_rng(seed)
    x, y = (axis.ravel() * 162.0 for axis in np.meshgrid(np.arange(5), np.arange(5)))
    x, y = x + rng.normal(0, 4, 25), y + rng.normal(0, 4, 25)
    homes = layer({f"C{k:02}": box(a, b, a + 100, b + 100) for k, (a, b) in enumerate(zip(x, y, strict=True))})
    homes["unit_code"] = np.where(x < 300, "340402", "340403")
    gap = rng.uniform(1.0, 1.4)
    fences = layer(
        {
            "R": LineString([(-50, 291), (1200, 291)]),
            "W1": LineString([(452, -90), (452, 60)]),
            "W2": LineString([(452, 60 + gap), (452, 280)]),
        },
        kind=["river", "wall", "wall"],
        grade=[1, 1, 1],
    )
    bridges = layer({"B": Point(rng.uniform(0, 600), 291)}, kind=["bridge"], barrier_id=["R"])
    limits = {"max_gap_m": 60.0, "min_opening_m": 1.2, "crossing_reach_m": 25.0, "max_detour_m": 200.0}

    def joined(**moved):
        links = link_communities(homes, fences, bridges, limits=LinkLimits(**{**limits, **moved}))
        return set(links.index[links["status"] != "cut"])

    expected = {
        f"{pair}@{limit}"
        for limit in LIMITS
        for factor in (0.9, 1.1)
        for pair in joined() ^ joined(**{limit: round(limits[limit] * factor, 9)})
    }
    found = near(homes, fences, bridges, **limits)
    assert set(found.index) == expected
    assert expected


def test_nothing_is_listed_without_a_share_or_without_communities_and_a_bad_share_is_refused():
    homes = row_at(57.0)
    assert len(near(homes)) == 1
    for none in (near(homes, share=0.0), near(homes.iloc[:0])):
        assert not len(none)
        assert [none.index.name, *none.columns.drop("geometry")] == list(layer_schema("links_near_limits").fields)
    for share in (-0.1, 1.0, float("nan")):
        with pytest.raises(ConfigError, match="near_limit_share"):
            near(homes, share=share)


def test_the_order_of_rows_and_ids_that_count_rows_change_nothing():
    homes = row_at(57.0, 63.0, 58.0)
    again = near(homes.iloc[::-1])
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="geometry")), pd.DataFrame(near(homes).drop(columns="geometry"))
    )
    assert near(homes.reset_index(drop=True)).index.tolist() == ["0~1@max_gap_m", "1~2@max_gap_m", "2~3@max_gap_m"]
