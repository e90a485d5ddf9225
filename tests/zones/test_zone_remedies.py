"""Every remedy that a sentence prints is applied here as printed, the city zoned again, and the group has its zones."""

import itertools
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, box

from gis_renovation.contiguity import LinkLimits, link_communities
from gis_renovation.zones import ZoneRequirements, delineate_zones, explain_shortfalls

CRS = "EPSG:4548"
BARRIERS = {"B1": "river", "B2": "railway", "B3": "wall"}
LIMITS = {
    "户数": ("households", 1.0),
    "建筑面积": ("floor_area_m2", 1e4),
    "小区数": ("community_count", 1.0),
}


class City:
    """A small drawing, and the request that is solved on it."""

    def __init__(self, communities, wishes, barriers=None, crossings=None, **limits):
        self.communities, self.wishes = communities, wishes
        self.barriers, self.crossings, self.limits = barriers, crossings, LinkLimits(**limits)

    def zoned(self, *, wishes=None, crossings=None, limits=None):
        links = link_communities(
            self.communities,
            self.barriers,
            self.crossings if crossings is None else crossings,
            limits=limits or self.limits,
        )
        return links, delineate_zones(self.communities, links, requirements=wishes or self.wishes)

    def shortfalls(self):
        links, members = self.zoned()
        return members, explain_shortfalls(
            self.communities,
            links,
            members,
            self.barriers,
            crossings=self.crossings,
            requirements=self.wishes,
            limits=self.limits,
        )


def blocks(random, *, columns=4, rows=2, wide=(), **values):
    """Blocks of 50 m in a grid, 20 m apart, and 60.5 to 75 m where ``wide`` names the column before the gap."""
    gaps = [random.integers(605, 750) / 10 if column in wide else 20.0 for column in range(columns)]
    x = np.concatenate([[0.0], np.cumsum(50.0 + np.array(gaps))])
    shapes = [box(x[c], 70 * r, x[c] + 50, 70 * r + 50) for r in range(rows) for c in range(columns)]
    names = "甲乙丙丁戊己庚辛壬癸"
    frame = gpd.GeoDataFrame(
        {
            "name": [names[k] for k in range(len(shapes))],
            "households": random.integers(60, 420, len(shapes)),
            "floor_area_m2": random.integers(40, 420, len(shapes)) * 60.0,
            **values,
        },
        geometry=shapes,
        index=pd.Index([f"A{k}" for k in range(len(shapes))], name="community_id"),
        crs=CRS,
    )
    return frame, x


def lines(x_at):
    """Barriers straight down the gaps at these places: id -> x."""
    keys = list(x_at)
    return gpd.GeoDataFrame(
        {"kind": [BARRIERS[key] for key in keys], "name": [None if key == "B3" else f"{key}线" for key in keys]},
        geometry=[LineString([(x, -500), (x, 900)]) for x in x_at.values()],
        index=pd.Index(keys, name="barrier_id"),
        crs=CRS,
    )


def drawing(kind, seed):
    random = np.random.default_rng(seed)
    low = int(random.integers(250, 600))
    bounds = {"households": {"min": low, "max": int(low * random.uniform(1.1, 2.2))}}
    wide = {int(random.integers(0, 3))} if kind in ("gap", "mixed") else ()
    communities, x = blocks(random, wide=wide)
    ids = list(communities.index)
    barriers = None
    if kind == "two_bounds":
        bounds["floor_area_m2"] = {"min": float(random.integers(8_000, 30_000))}
        bounds["community_count"] = {"max": int(random.integers(2, 5))}
    if kind in ("apart", "mixed"):
        bounds["must_not_join"] = [list(random.choice(ids, 2, replace=False)) for _ in range(2)]
    if kind == "join":
        bounds["must_join"] = [list(random.choice(ids, 2, replace=False))]
    if kind == "mixed":
        # Of the last column, which no barrier of these drawings parts.
        bounds["must_join"] = [[ids[3], ids[7]]]
    if kind == "count":
        bounds["zone_count"] = int(random.integers(1, 4))
    if kind == "fixed":
        at = int(random.integers(0, 3))
        bounds["fixed_zones"] = [[ids[at], ids[at + 1]]]
    if kind in ("barriers", "county", "mixed"):
        places = {"B1": x[1] - 14, "B2": x[1] - 7, "B3": x[3] - 10}
        chosen = [key for key in places if random.random() < 0.75]
        barriers = lines({key: places[key] for key in chosen})
    if kind == "county":
        communities["unit_code"] = [f"34040{1 + (k % 4 > 1)}" for k in range(len(ids))]
    if kind == "subdistrict":
        communities["subdistrict"] = [f"{'东西'[k % 4 > 1]}街" for k in range(len(ids))]
    return City(communities, ZoneRequirements(**bounds), barriers, within_subdistrict=kind == "subdistrict")


def applied(city, entry):
    """Each printed remedy as (its words, the zoning after it)."""
    ways = entry["reason_zh"].removesuffix("即可。").removesuffix("。")
    # The first clause is the reason; where a wish is the reason, it is a clause of its own.
    ways = "；".join(part for part in ways.split("；")[1:] if "不能" not in part)
    own = entry["community_ids"].split("、")
    named = {name: key for key, name in city.communities["name"].items()}
    for way in re.split("，或|；否则|；", ways) if ways else ():
        if found := re.match(r"间距上限由 .* 米放宽到 (\S+) 米", way):
            yield way, city.zoned(limits=replace(city.limits, max_gap_m=float(found[1])))[1]
        elif way.startswith("允许跨街道"):
            yield way, city.zoned(limits=replace(city.limits, within_subdistrict=False))[1]
        elif "单独实施" in way:
            alone = [*city.wishes.fixed_zones, *([member] for member in own)]
            yield way, city.zoned(wishes=replace(city.wishes, fixed_zones=alone))[1]
        elif "限" in way and "至" in way:
            wishes = city.wishes
            for label, side, number, wan in re.findall(
                r"(户数|建筑面积|小区数)(下限|上限)(?:至少)?[降升]至 ([\d,.]+) (万?)", way
            ):
                name, unit = LIMITS[label]
                value = float(number.replace(",", "")) * (unit if wan else 1.0)
                limits = {**getattr(wishes, name), "min" if side == "下限" else "max": value}
                wishes = replace(wishes, **{name: limits})
            assert wishes != city.wishes
            yield way, city.zoned(wishes=wishes)[1]
        elif "与" in way and "相连" in way:
            partner = named[re.search("与(.*)相连", way)[1]]
            yield way, city.zoned(crossings=built(city, own, partner, way))[1]
        elif way.startswith(("取消", "不再固定")):
            words = re.match("(?:取消|不再固定)(.*)(?:分开的|同片的|所成的)", way)[1]
            group = [named[name] for name in words.split("、")]
            field = {"分开": "must_not_join", "同片": "must_join"}.get(way[-5:-3], "fixed_zones")
            kept = [each for each in getattr(city.wishes, field) if set(each) != set(group)]
            assert len(kept) < len(getattr(city.wishes, field))
            yield way, city.zoned(wishes=replace(city.wishes, **{field: kept}))[1]
        else:
            raise AssertionError(f"a way nobody can apply: {way}")


def built(city, own, partner, way):
    """A point on each barrier that the words name, where the group is nearest to its partner."""
    shapes = city.communities.geometry
    gap = min((shapes[member].distance(shapes[partner]), member) for member in own)[1]
    names = {key: name if isinstance(name, str) else f"围墙 {key}" for key, name in city.barriers["name"].items()}
    over = [key for key, name in names.items() if name in way]
    line = LineString([shapes[gap].centroid, shapes[partner].centroid])
    return gpd.GeoDataFrame(
        {"kind": "bridge", "barrier_id": over},
        geometry=[line.intersection(city.barriers.geometry[key]) for key in over],
        index=[f"X{key}" for key in over],
        crs=CRS,
    )


KINDS = ("plain", "two_bounds", "apart", "join", "fixed", "gap", "barriers", "county", "subdistrict", "count", "mixed")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
def test_every_printed_remedy_places_the_group_once_it_is_applied(kind, seed):
    city = drawing(kind, 100 * KINDS.index(kind) + seed)
    before, told = city.shortfalls()
    for entry in told.to_dict("records"):
        own = entry["community_ids"].split("、")
        for way, after in applied(city, entry):
            assert after.loc[own, "zone_id"].notna().all(), way
            assert after["zone_id"].isna().sum() <= before["zone_id"].isna().sum() - len(own), way


def test_among_these_drawings_every_kind_of_remedy_is_printed():
    words = (
        "间距上限",
        "单独实施",
        "下限至少",
        "上限至少",
        "架一座桥",
        "开一处通行门",
        "过街通道",
        "分属不同县区",
        "允许跨街道",
    )
    missing = set(words)
    for kind, seed in itertools.product(KINDS, range(5)):
        told = drawing(kind, 100 * KINDS.index(kind) + seed).shortfalls()[1]
        missing -= {word for word in missing if told["reason_zh"].str.contains(word).any()}
        if not missing:
            return
    assert missing == set()


def test_a_wish_in_the_way_is_the_reason_and_dropping_it_is_offered():
    communities, _ = blocks(np.random.default_rng(0), columns=2, rows=1)
    communities["households"] = [300, 310]
    apart = City(communities, ZoneRequirements(households={"min": 500, "max": 900}, must_not_join=[["A0", "A1"]]))
    _, told = apart.shortfalls()
    [entry] = told.to_dict("records")
    assert "甲、乙要求分开，分开后不能都成片" in entry["reason_zh"]
    ways = dict(applied(apart, entry))
    assert any(way.startswith("取消甲、乙分开的要求") for way in ways)
    assert all(after["zone_id"].notna().all() for after in ways.values())


def test_two_barriers_between_need_both_crossings_and_the_sentence_says_so():
    communities, x = blocks(np.random.default_rng(0), columns=2, rows=1)
    communities["households"] = [300, 310]
    fences = lines({"B1": x[1] - 14, "B2": x[1] - 7})
    city = City(communities, ZoneRequirements(households={"min": 500, "max": 900}), fences)
    _, told = city.shortfalls()
    for entry in told.to_dict("records"):
        assert "跨B1线架一座桥、并跨B2线增设一处过街通道（与" in entry["reason_zh"]
        for _, after in applied(city, entry):
            assert after.loc[entry["community_ids"].split("、"), "zone_id"].notna().all()
    one = built(city, ["A0"], "A1", "跨B1线")
    # With the one bridge there already, the other is what is still missing; that the bridge stands is no fault.
    for crossings in (one, one.rename_geometry("shape")):
        half = City(communities, city.wishes, fences, crossings)
        assert half.shortfalls()[1]["reason_zh"].str.contains("跨B2线增设").all()
    assert city.zoned(crossings=one)[1]["zone_id"].isna().all()


def test_a_gap_of_61_metres_is_the_first_thing_offered():
    communities, _ = blocks(np.random.default_rng(0), columns=2, rows=1)
    communities["households"] = [300, 310]
    communities.geometry = [box(0, 0, 50, 50), box(110.6, 0, 160, 50)]
    city = City(communities, ZoneRequirements(households={"min": 500, "max": 900}))
    _, told = city.shortfalls()
    assert told["relaxed_gap_m"].tolist() == [61.0, 61.0]
    assert "；间距上限由 60 米放宽到 61 米（最近的乙），或单独实施" in told["reason_zh"].iloc[0]


def test_without_the_wishes_that_the_zones_were_formed_by_no_other_wish_is_blamed():
    communities, _ = blocks(np.random.default_rng(0), columns=2, rows=1)
    communities["households"] = [100, 110]
    links = link_communities(communities)
    members = delineate_zones(communities, links, requirements=ZoneRequirements(households={"min": 500}))
    [told] = explain_shortfalls(communities, links, members)["reason_zh"]
    assert "请用划分时的要求" in told
    assert "即可" not in told


@pytest.mark.parametrize("seed", range(4))
def test_no_smaller_change_of_a_limit_that_is_called_the_least_would_do(seed):
    city = drawing("plain" if seed % 2 else "apart", 900 + seed)
    before, told = city.shortfalls()
    for entry in told.to_dict("records"):
        if not re.search("至少[升降]至", entry["reason_zh"]):
            continue
        own, limit, most = entry["community_ids"].split("、"), entry["bound_value"], entry["relaxed_value"]
        inside = [limit + share * (most - limit) for share in (0.25, 0.5, 0.75)]
        nearly = most + (1.0 if entry["bound_kind"] == "min" else -1.0)
        for value in [*map(round, inside), nearly]:
            if min(limit, most) < value < max(limit, most):
                limits = {**city.wishes.households, entry["bound_kind"]: float(value)}
                after = city.zoned(wishes=replace(city.wishes, households=limits))[1]
                saved = before["zone_id"].isna().sum() - after["zone_id"].isna().sum()
                assert after.loc[own, "zone_id"].isna().any() or saved < len(own)
