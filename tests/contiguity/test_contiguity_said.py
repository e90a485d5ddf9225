"""What the links say: each barrier that is named is judged again by itself, each crossing, street and overlap as drawn."""

import re

import pandas as pd
import pytest
from shapely import LineString, Point, box
from test_contiguity import RAILWAY, SQUARES, barriers, communities, crossings, layer, only, small_town

from gis_renovation.contiguity import LinkLimits, link_communities


def streets(shapes, kind="arterial", **columns):
    return layer(shapes, "street_id", **{"class": kind}, **columns)


@pytest.mark.parametrize("seed", range(12))
def test_the_barriers_named_are_those_that_each_alone_cut_else_all_that_do_so_together(seed):
    places, fences, _ = small_town(seed)
    fences["name"] = [f"{key}线" for key in fences.index]
    links = link_communities(places, fences)
    cut = links[links["cause"] == "barrier"]
    for link in cut.itertuples():
        pair = places.loc[[link.focal, link.neighbor]]
        alone = [key for key in fences.index if only(link_communities(pair, fences.loc[[key]])).status == "cut"]
        first = link.reason_zh.partition("，相距")[0].partition("，边界")[0].partition("（跨过后")[0]
        named = re.findall(r"B\d", first)
        assert named == alone or (not alone and "合起来隔断" in first and len(named) > 1), link.reason_zh


@pytest.mark.parametrize("seed", range(12))
def test_crossing_all_that_need_it_opens_the_pair_and_leaving_one_out_does_not(seed):
    places, fences, _ = small_town(100 + seed)
    links = link_communities(places, fences)
    for link in links[links["cause"] == "barrier"].itertuples():
        pair, needed = places.loc[[link.focal, link.neighbor]], link.barrier_ids.split("、")
        rest = fences.drop(index=needed)
        if any(fences.intersects(shape).any() for shape in pair.geometry):
            continue
        assert not len(rest) or only(link_communities(pair, rest)).status == "joined"
        for key in needed:
            assert only(link_communities(pair, fences.drop(index=[n for n in needed if n != key]))).status == "cut"


def test_two_half_walls_are_said_to_cut_together_and_one_crossing_is_enough():
    halves = {"L": LineString([(120, -10), (120, 51)]), "H": LineString([(121, 49), (121, 110)])}
    link = only(link_communities(communities(SQUARES), barriers(halves)))
    assert link.reason_zh.startswith("隔铁路 H、铁路 L（合起来隔断），相距 40 米")
    assert len(link.barrier_ids.split("、")) == 1


def test_two_barriers_that_each_cut_are_both_named_and_both_need_a_crossing():
    fences = barriers({"R": LineString([(115, -500), (115, 600)]), "S": LineString([(125, -500), (125, 600)])})
    link = only(link_communities(communities(SQUARES), fences))
    assert link.reason_zh.startswith("隔铁路 R、铁路 S，相距 40 米")
    assert link.barrier_ids == "R、S"


def test_a_wall_of_unknown_grade_and_a_barrier_of_no_known_kind_do_not_cut_in_silence():
    line = {"W": LineString([(120, -500), (120, 600)])}
    wall = barriers(line, kind="wall", grade=pd.array([None], "Int64"))
    assert "围墙 W等级未知，按不可通行计" in only(link_communities(communities(SQUARES), wall)).reason_zh
    known = barriers(line, kind="wall", grade=pd.array([1], "Int64"))
    assert "未知" not in only(link_communities(communities(SQUARES), known)).reason_zh
    for kind in ("fence", "铁路", None):
        told = only(link_communities(communities(SQUARES), barriers(line, kind=kind)))
        assert (told.status, "类别不明，按阻隔计" in told.reason_zh) == ("cut", True)
    assert "不明" not in only(link_communities(communities(SQUARES), barriers(line))).reason_zh


@pytest.mark.parametrize(("at", "is_told"), [((120, 50), False), ((140, 50), False), ((150, 140), True)])
def test_a_crossing_that_does_not_lie_on_what_it_is_said_to_cross_says_so(at, is_told):
    bridge = crossings({"F": Point(*at)}, name="人民天桥", barrier_id=["R"])
    link = only(link_communities(communities(SQUARES), barriers(RAILWAY), bridge))
    assert link.status == "rejoined"
    assert ("人民天桥（离所登记跨越的阻隔 30 米，请核对）" in link.reason_zh) == is_told


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (box(100, 0, 200, 100), "边界相接"),
        (box(90, 0, 190, 100), "范围重叠约 1000 平方米"),
        (box(20, 20, 60, 60), "范围相套（一个在另一个之内）"),
        (box(0, 0, 100, 100), "范围相套（一个在另一个之内）"),
        (box(99.999, 0, 199, 100), "边界相接"),
    ],
)
def test_only_what_touches_is_called_touching(other, words):
    told = only(link_communities(communities({"A": box(0, 0, 100, 100), "B": other}))).reason_zh
    assert told.startswith(words)


def test_a_way_round_that_takes_no_step_is_not_called_a_detour():
    touching = {"A": box(0, 0, 100, 100), "B": box(100, 0, 200, 100)}
    link = only(link_communities(communities(touching), barriers({"W": LineString([(100, -5), (100, 60)])})))
    assert link.status == "joined"
    assert "可直接连通" in link.reason_zh
    assert "0.0" not in link.reason_zh


def test_the_street_between_is_named_and_an_arterial_is_not_called_nothing():
    arterial = streets({"S": LineString([(120, -500), (120, 600)])}, name="洞山中路")
    link = only(link_communities(communities(SQUARES), streets=arterial))
    assert (link.status, link.street_between) == ("joined", "洞山中路")
    assert link.reason_zh == "相距 40 米，中间为洞山中路（主干路，未计为阻隔）"
    branch = streets({"S": LineString([(120, -500), (120, 600)])}, kind="branch", name="小街")
    assert only(link_communities(communities(SQUARES), streets=branch)).reason_zh == "相距 40 米，中间为小街，无阻隔"
    inner = streets({"S": LineString([(120, -500), (120, 600)])}, kind="access", name="小区路")
    assert only(link_communities(communities(SQUARES), streets=inner)).reason_zh == "相距 40 米，其间无阻隔"


def test_arterials_cut_when_asked_and_only_where_no_barrier_stands_for_them():
    asked = LinkLimits(arterials_cut=True)
    roads = streets({"S": LineString([(120, -500), (120, 600)])}, name="洞山中路")
    link = only(link_communities(communities(SQUARES), streets=roads, limits=asked))
    assert (link.status, link.barrier_kind, link.barrier_ids) == ("cut", "arterial", "street:S")
    assert link.reason_zh.startswith("隔洞山中路，相距 40 米")
    # The layer of barriers has it, and says that it can be opened.
    drawn = barriers({"B": LineString([(125, -500), (125, 600)])}, kind="arterial", grade=pd.array([3], "Int64"))
    link = only(link_communities(communities(SQUARES), drawn, streets=roads, limits=asked))
    assert (link.status, link.barrier_id) == ("joined", "B")
    bridge = crossings({"F": Point(120, 120)}, name="天桥")
    assert only(link_communities(communities(SQUARES), None, bridge, streets=roads, limits=asked)).status == "rejoined"
    river = barriers({"B": LineString([(112, -500), (112, 600)])}, kind="river", name="小河")
    for layer_of in (river, river.rename_geometry("shape")):
        link = only(link_communities(communities(SQUARES), layer_of, streets=roads, limits=asked))
        assert link.barrier_ids == "B、street:S"
        assert link.reason_zh.startswith("隔小河、洞山中路，")
    branch = streets({"S": LineString([(120, -500), (120, 600)])}, kind="secondary")
    assert only(link_communities(communities(SQUARES), streets=branch, limits=asked)).status == "joined"


# --- drawn twice ----------------------------------------------------------------------------------

FACTS = ["focal", "neighbor", "status", "cause", "gap_m", "walk_m", "shared_wall_m", "barrier_kind", "crossing_kind"]


def doubled(frame):
    """Every feature drawn a second time under another id; ids sort behind those of the first."""
    again = frame.set_axis(pd.Index([f"{key}再" for key in frame.index], name=frame.index.name))
    return pd.concat([frame, again])


@pytest.mark.parametrize("names_barrier", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_drawing_barriers_crossings_or_streets_twice_changes_no_verdict(seed, names_barrier):
    places, fences, bridges = small_town(seed)
    roads = streets({"S": LineString([(-50, 150), (900, 160)]), "T": LineString([(310, -50), (300, 900)])})
    if names_barrier:
        near = fences.sindex.nearest(bridges.geometry, return_all=False)[1]
        bridges = bridges.assign(barrier_id=fences.index[near])
    for limits in (LinkLimits(), LinkLimits(arterials_cut=True)):
        plain = link_communities(places, fences, bridges, streets=roads, limits=limits)
        for layers in (
            (doubled(fences), bridges, roads),
            (fences, doubled(bridges), roads),
            (fences, bridges, doubled(roads)),
            (doubled(fences), doubled(bridges), doubled(roads)),
        ):
            again = link_communities(places, *layers[:2], streets=layers[2], limits=limits)
            pd.testing.assert_frame_equal(pd.DataFrame(again[FACTS]), pd.DataFrame(plain[FACTS]))
