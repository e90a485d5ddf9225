"""What is done with zones once drawn: stability, least change, the work order, the sheets, the bounds."""

import itertools

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from test_zones import BOUNDS, CRS, PROPERTY, cities, graph_of, groups_of, make_communities, make_links, make_row

from gis_renovation.checking.remedies import check_layer
from gis_renovation.display.values import missing_text
from gis_renovation.errors import ConfigError
from gis_renovation.schemas import layer_schema
from gis_renovation.zones import SearchEffort, StabilityTrials, ZoneRequirements
from gis_renovation.zones import stability as zone_stability
from gis_renovation.zones.delineate import delineate_zones
from gis_renovation.zones.describe import describe_zones
from gis_renovation.zones.proof import prove_zones
from gis_renovation.zones.revision import revise_zones
from gis_renovation.zones.schedule import order_zone_works
from gis_renovation.zones.sheets import zone_sheets
from gis_renovation.zones.stability import measure_zone_stability

PAIRS = ZoneRequirements(households={"min": 500, "max": 700})


def keeps_schema(layer, frame):
    schema = layer_schema(layer)
    assert [finding.text.en for finding in check_layer(frame, schema)] == []
    assert [frame.index.name, *frame.columns.drop("geometry", errors="ignore")] == list(schema.fields)


# --- stability ------------------------------------------------------------------------------------


def test_zones_with_room_are_stable_and_a_zone_on_the_edge_of_a_bound_is_not():
    # The pairs of 300 have room on both sides; 250 + 252 falls below 500 when the records err.
    communities, links = make_row([300, 300, 250, 252], cut=[(1, 2)])
    members = delineate_zones(communities, links, requirements=PAIRS)
    stability = measure_zone_stability(
        communities, links, members, requirements=PAIRS, trials=StabilityTrials(stability_runs=30)
    )
    assert stability["same_mates_share"].tolist()[:2] == [1.0, 1.0]
    assert all(0.1 < share < 0.9 for share in stability["same_mates_share"].tolist()[2:])
    # Left out, each is alone: one of the two mates, itself, remains.
    for same, overlap in stability[["same_mates_share", "mates_overlap_share"]].iloc[2:].to_numpy():
        assert overlap == pytest.approx(same + (1 - same) / 2)
    keeps_schema("zone_stability", stability)


def test_without_errors_a_proven_zoning_without_ties_is_always_the_same():
    communities, links = make_row([300, 310, 290, 305, 280, 301])
    members = delineate_zones(communities, links, requirements=PAIRS)
    stability = measure_zone_stability(
        communities, links, members, requirements=PAIRS, trials=StabilityTrials(stability_error_share=0.0)
    )
    assert (stability["same_mates_share"] == 1).all()


def test_only_what_an_error_can_change_is_solved_again_and_the_shares_are_those_of_solving_all(monkeypatch):
    rng = np.random.default_rng(5)
    communities, links = make_row(rng.integers(150, 420, 24).tolist(), cut=[(5, 6), (11, 12), (17, 18)])
    members = delineate_zones(communities, links, requirements=PAIRS)
    solved = []
    real = zone_stability.solve
    monkeypatch.setattr(
        zone_stability, "solve", lambda request, effort: solved.append(request) or real(request, effort)
    )
    quick = measure_zone_stability(
        communities, links, members, requirements=PAIRS, trials=StabilityTrials(stability_error_share=0.02)
    )
    sizes = [request.problem.size for request in solved[1:]]
    monkeypatch.setattr(zone_stability, "_firm", lambda request, *_, **__: np.zeros(len(request.ids), dtype=bool))
    whole = measure_zone_stability(
        communities, links, members, requirements=PAIRS, trials=StabilityTrials(stability_error_share=0.02)
    )
    assert_frame_equal(quick, whole)
    assert min(sizes) < 24
    assert 0 < (quick["same_mates_share"] < 1).mean() < 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "slack",
    [
        {"community_count": {"min": 1}},
        {"community_count": {"min": 1, "max": 50}},
        {"floor_area_m2": {"max": 1e9}},
        {"land_area_m2": {"min": 1.0, "max": 1e9}},
        {"cost_yuan": {"max": 1e12}, "community_count": {"max": 99}},
        {"must_not_join": [["C00", "C23"]]},
    ],
)
def test_a_slack_wish_beside_a_bound_changes_no_stability(seed, slack):
    random = np.random.default_rng(seed)
    communities, links = make_row(random.integers(150, 420, 24).tolist(), cut=[(7, 8), (15, 16)])
    communities["floor_area_m2"] = communities["households"].astype(float) * 80.0
    communities["cost_yuan"] = communities["households"].astype(float) * 1e4

    def shares(**more):
        asked = ZoneRequirements(households={"min": 500, "max": 900}, **more)
        members = delineate_zones(communities, links, requirements=asked)
        return measure_zone_stability(communities, links, members, requirements=asked)["same_mates_share"]

    alone = shares()
    assert (alone < 1).any()
    assert shares(**slack).tolist() == alone.tolist()


def test_a_target_without_bounds_is_shaken_by_name_and_errs_as_zoning_anew_says():
    # Two in a row of three make 1,000; which two is a matter of five per cent.
    communities, links = make_row([500, 500, 502])
    asked = ZoneRequirements(target={"households": 1_000})
    members = delineate_zones(communities, links, requirements=asked)
    shares = measure_zone_stability(communities, links, members, requirements=asked)["same_mates_share"]
    assert ((shares > 0) & (shares < 1)).any()


def test_plain_components_do_not_depend_on_amounts():
    communities, links = make_row([1, 2, 3], cut=[(1, 2)])
    members = delineate_zones(communities, links)
    assert (measure_zone_stability(communities, links, members)["same_mates_share"] == 1).all()


# --- least change ---------------------------------------------------------------------------------


def test_an_unchanged_list_changes_nothing():
    communities, links = make_row([300] * 6)
    members = delineate_zones(communities, links, requirements=PAIRS)
    changes = revise_zones(members, communities, links, requirements=PAIRS)
    assert (changes["change"] == "kept").all()
    assert changes["zone_id"].tolist() == members["zone_id"].tolist()
    keeps_schema("zone_changes", changes)


def test_a_dropped_community_moves_only_its_mate_and_says_why():
    communities, links = make_row([300] * 6)
    members = delineate_zones(communities, links, requirements=PAIRS)
    changes = revise_zones(
        members,
        communities.iloc[1:],
        links.iloc[1:],
        requirements=ZoneRequirements(households={"min": 500, "max": 900}),
    )
    assert changes["change"].tolist() == ["dropped", "moved", "kept", "kept", "kept", "kept"]
    assert changes.loc["C01", "continues_zone_id"] == "Z-C02"
    assert changes.loc["C01", "reason_zh"] == "1 个小区退出后，原片区户数 300 户，低于下限 500 户，改为与丙、丁同片"
    assert changes["is_proven"].all()
    keeps_schema("zone_changes", changes)


def test_a_budget_cut_splits_the_dear_zone_and_leaves_the_others():
    communities, links = make_row([300] * 4, cut=[(1, 2)])
    communities["cost_yuan"] = [6e6, 6e6, 4e6, 4e6]
    approved = delineate_zones(communities, links, requirements=ZoneRequirements(cost_yuan={"max": 12e6}))
    changes = revise_zones(approved, communities, links, requirements=ZoneRequirements(cost_yuan={"max": 10e6}))
    # One half continues the approved zone, the other has left it.
    assert sorted(changes["change"].iloc[:2]) == ["kept", "moved"]
    assert changes["change"].iloc[2:].tolist() == ["kept", "kept"]
    moved = changes[changes["change"] == "moved"]
    assert "估算投资 1,200.00 万元，超过上限 1,000.00 万元" in moved["reason_zh"].iloc[0]


def test_a_new_community_is_added_to_a_zone_with_room():
    communities, links = make_row([300] * 4 + [100])
    approved = delineate_zones(communities.iloc[:4], links.iloc[:3], requirements=PAIRS)
    changes = revise_zones(approved, communities, links, requirements=PAIRS)
    assert changes["change"].tolist() == ["kept"] * 4 + ["added"]
    assert changes.loc["C04", "continues_zone_id"] == "Z-C02"


def test_zones_follow_the_approved_plan_where_there_is_one_and_keep_its_names():
    # Formed anew, six of 300 pair up from the left; the approved plan has other pairs and stays.
    communities, links = make_row([300, 300, 300, 300, 300])
    links = pd.concat([links, make_links([(0, 4)])])
    approved = pd.DataFrame(
        {"zone_id": ["P1", "P2", "P2", None, "P1"], "zone_name": ["一片区", "二片区", "二片区", None, "一片区"]},
        index=pd.Index([f"C0{k}" for k in range(5)], dtype="str", name="community_id"),
    )
    changes = revise_zones(approved, communities, links, requirements=PAIRS)
    members = delineate_zones(communities, links, changes, requirements=PAIRS)
    assert members["zone_id"].tolist()[:3] == ["P1", "P2", "P2"]
    assert (members["proof"] == "revised").all()
    assert members["seed"].isna().all()
    keeps_schema("zone_members", members)
    keeps_schema("zone_changes", changes)
    zones = describe_zones(communities, links, members, zone_changes=changes, requirements=PAIRS)
    assert zones["name"].tolist() == ["一片区", "二片区"]
    assert zones["continues_zone_id"].tolist() == ["P1", "P2"]
    keeps_schema("zones", zones)
    [proof] = prove_zones(members).to_dict("records")
    assert proof["reason_zh"] == "5 个小区沿用已批准方案，调整后 2 个片区，未纳入 1 个；已证明调动的小区最少。"
    assert "无法并入相邻片区" in members.loc["C03", "reason_zh"]
    anew = delineate_zones(communities, links, changes, follow_approved=False, requirements=PAIRS)
    assert (anew["proof"] == "proven").all()
    assert (
        describe_zones(communities, links, anew, zone_changes=changes, requirements=PAIRS)["continues_zone_id"]
        .isna()
        .all()
    )


def test_a_zone_torn_in_two_is_continued_by_its_larger_piece_only():
    communities, links = make_row([300] * 5)
    approved = delineate_zones(communities, links)
    changes = revise_zones(
        approved,
        communities.drop(index="C01"),
        links.iloc[2:],
        requirements=ZoneRequirements(households={"min": 100, "max": 2_000}),
    )
    assert changes["change"].tolist() == ["moved", "dropped", "kept", "kept", "kept"]
    assert changes.loc["C00", "reason_zh"] == "1 个小区退出后，原片区不再连通，改为单独成片"


def fewest_moves(communities, links, approved, low, high, fixed=()):
    """Least (left out, moved) over all choices of zones, by dynamic programming over sets.

    Of each fixed zone every approved zone is tried that it may continue; it is there whatever its sums.
    """
    ids = list(communities.index)
    graph = graph_of(communities, links)
    zones = sorted(set(approved.values()))
    households = communities["households"].astype(float)
    groups = (group for size in range(1, len(ids) + 1) for group in itertools.combinations(ids, size))
    valid = [
        frozenset(group)
        for group in groups
        if low <= households[list(group)].sum() <= high and nx.is_connected(graph.subgraph(group))
    ]
    best = {(frozenset(), frozenset()): (0, 0)}

    def solve(left, used):
        if (left, used) in best:
            return best[left, used]
        first = min(left)
        out, moved = solve(left - {first}, used)
        options = [(out + 1, moved + (first in approved))]
        for group in valid:
            if first in group and group <= left:
                known = sum(member in approved for member in group)
                out, moved = solve(left - group, used)
                options.append((out, moved + known))
                for zone in set(zones) - used:
                    stay = sum(approved.get(member) == zone for member in group)
                    out, moved = solve(left - group, used | {zone})
                    options += [(out, moved + known - stay)]
        best[left, used] = min(options)
        return best[left, used]

    for used in itertools.chain.from_iterable(itertools.combinations(zones, k) for k in range(len(zones) + 1)):
        best[frozenset(), frozenset(used)] = (0, 0)
    free = frozenset(ids).difference(*fixed)
    found = []
    for owners in itertools.product([None, *zones], repeat=len(fixed)):
        taken = [owner for owner in owners if owner is not None]
        if len(taken) == len(set(taken)):
            moved = sum(
                approved.get(member) not in (None, owner)
                for group, owner in zip(fixed, owners, strict=True)
                for member in group
            )
            out, more = solve(free, frozenset(taken))
            found.append((out, moved + more))
    return min(found)


@pytest.mark.parametrize("seed", range(12))
def test_left_out_and_moved_are_as_few_as_a_dynamic_programme_finds(seed):
    random = np.random.default_rng(seed)
    places = [(x, y) for x in range(4) for y in range(2)]
    communities = make_communities(places, random.integers(100, 400, 8).tolist())
    near = [
        (i, j) for i, j in itertools.combinations(range(8), 2) if sum(np.abs(np.subtract(places[i], places[j]))) == 1
    ]
    links = make_links([pair for pair in near if random.random() < 0.8])
    approved = delineate_zones(communities, links, requirements=ZoneRequirements(households={"min": 350, "max": 900}))
    gone = f"C{random.integers(8):02d}"
    now = communities.drop(index=gone)
    ties = links[(links["focal"] != gone) & (links["neighbor"] != gone)]
    changes = revise_zones(approved, now, ties, requirements=ZoneRequirements(households={"min": 400, "max": 800}))
    before = approved["zone_id"].dropna().drop(index=gone, errors="ignore").to_dict()
    left_out = changes["change"].isin(["left_out", "still_out"]).sum()
    assert (left_out, changes["change"].isin(["moved", "left_out"]).sum()) == fewest_moves(now, ties, before, 400, 800)


@pytest.mark.parametrize("seed", range(24))
def test_with_fixed_zones_what_is_called_proven_moves_as_few_as_a_dynamic_programme_finds(seed):
    random = np.random.default_rng(seed)
    places = [(x, y) for x in range(4) for y in range(2)]
    communities = make_communities(places, random.integers(100, 400, 8).tolist())
    near = [
        (i, j) for i, j in itertools.combinations(range(8), 2) if sum(np.abs(np.subtract(places[i], places[j]))) == 1
    ]
    links = make_links([pair for pair in near if random.random() < 0.85])
    approved = delineate_zones(communities, links, requirements=ZoneRequirements(households={"min": 350, "max": 900}))
    chosen = random.permutation(len(links))[:2]
    ends = [tuple(links[["focal", "neighbor"]].iloc[row]) for row in chosen]
    fixed = ends if not set(ends[0]) & set(ends[1]) else ends[:1]
    asked = ZoneRequirements(households={"min": 400, "max": 800}, fixed_zones=fixed)
    changes = revise_zones(approved, communities, links, requirements=asked)
    assert {frozenset(group) for group in fixed} <= groups_of(changes)
    pairs = changes[["zone_id", "continues_zone_id"]].dropna().drop_duplicates()
    assert not pairs["continues_zone_id"].duplicated().any()
    before = approved["zone_id"].dropna().to_dict()
    found = (
        changes["change"].isin(["left_out", "still_out"]).sum(),
        changes["change"].isin(["moved", "left_out"]).sum(),
    )
    least = fewest_moves(communities, links, before, 400, 800, fixed)
    assert found == least if changes["is_proven"].all() else found >= least


@pytest.mark.parametrize("ids", [None, {"Z-C00": "东一", "Z-C02": "西二", "Z-C04": "南三"}])
def test_a_fixed_zone_equal_to_the_approved_one_moves_nobody_and_keeps_id_and_name(ids):
    communities, links = make_row([300, 310, 290, 305, 280, 301])
    approved = delineate_zones(communities, links, requirements=PAIRS)[["zone_id"]].copy()
    if ids:
        approved["zone_id"] = approved["zone_id"].map(ids).astype("str")
    approved["zone_name"] = (approved["zone_id"] + "区").astype("str")
    for chosen in itertools.chain.from_iterable(itertools.combinations(groups_of(approved), k) for k in (1, 2, 3)):
        asked = ZoneRequirements(households={"min": 500, "max": 700}, fixed_zones=[sorted(group) for group in chosen])
        changes = revise_zones(approved, communities, links, requirements=asked)
        assert (changes["change"] == "kept").all()
        assert changes["zone_id"].tolist() == changes["continues_zone_id"].tolist() == approved["zone_id"].tolist()
        assert changes["continues_name"].tolist() == approved["zone_name"].tolist()
        assert changes["is_proven"].all()


def test_a_new_zone_takes_no_name_that_an_approved_one_ever_had():
    # The approved zone Z-C00 loses C00 and lives on beside it; C00 and C05 make a zone that is new.
    communities, links = make_row([300] * 6)
    links = pd.concat([links.drop(index="C00~C01"), make_links([(0, 5)])])
    approved = pd.DataFrame(
        {"zone_id": ["Z-C00", "Z-C00", "Z-C00", "Z-C03", "Z-C03", "Z-C05"]},
        index=pd.Index([f"C0{k}" for k in range(6)], dtype="str", name="community_id"),
    )
    asked = ZoneRequirements(households={"min": 500, "max": 700}, must_not_join=[["C04", "C05"]])
    changes = revise_zones(approved, communities, links, requirements=asked)
    known = changes.dropna(subset=["zone_id"])
    assert (known["zone_id"] == known["continues_zone_id"]).equals(known["continues_zone_id"].notna())
    assert len(groups_of(changes)) == 3
    fresh = set(known.loc[known["continues_zone_id"].isna(), "zone_id"])
    assert not fresh & set(approved["zone_id"])


def test_whoever_moves_for_a_wish_is_told_that_wish():
    communities, links = make_row([300, 310, 290, 305])
    approved = pd.DataFrame(
        {"zone_id": ["P1", "P1", "P2", "P2"]}, index=pd.Index(communities.index, name="community_id")
    )
    apart = ZoneRequirements(households={"min": 200, "max": 700}, must_not_join=[["C00", "C01"]])
    told = revise_zones(approved, communities, links, requirements=apart).query("change == 'moved'")
    assert [text.partition("，")[0] for text in told["reason_zh"]] == ["原片区的甲、乙要求分开"]
    fixed = ZoneRequirements(households={"min": 200, "max": 700}, fixed_zones=[["C00"]])
    told = revise_zones(approved, communities, links, requirements=fixed).query("change == 'moved'")
    assert told["reason_zh"].tolist() == ["原片区的甲已列入固定片区，改为单独成片"]
    joined = ZoneRequirements(households={"min": 200, "max": 700}, must_join=[["C01", "C02"]])
    told = revise_zones(approved, communities, links, requirements=joined).query("change == 'moved'")
    assert {"须与原片区以外的小区同片" in text for text in told["reason_zh"]} == {True}


@PROPERTY
@given(cities(), st.data())
def test_revised_zones_are_connected_and_within_bounds(city, data):
    communities, links = city
    if len(communities) < 2:
        return
    gone = data.draw(st.sampled_from(list(communities.index)))
    approved = delineate_zones(communities, links, requirements=BOUNDS)
    now = communities.drop(index=gone)
    ties = links[(links["focal"] != gone) & (links["neighbor"] != gone)]
    changes = revise_zones(approved, now, ties, requirements=BOUNDS)
    graph = graph_of(now, ties)
    for group in changes.groupby("zone_id").groups.values():
        assert nx.is_connected(graph.subgraph(group))
        assert 300 <= now.loc[group, "households"].sum() <= 900
    assert changes.index.tolist() == sorted(communities.index)
    assert changes.loc[gone, "change"] == "dropped"
    # No approved zone is continued twice.
    pairs = changes[["zone_id", "continues_zone_id"]].dropna().drop_duplicates()
    assert not pairs["continues_zone_id"].duplicated().any()


def test_where_candidates_are_too_many_only_the_disturbed_neighbourhood_changes():
    communities, links = make_row([300] * 12)
    members = delineate_zones(communities, links, requirements=PAIRS)
    changes = revise_zones(
        members,
        communities.iloc[:-1],
        links.iloc[:-1],
        requirements=ZoneRequirements(households={"min": 500, "max": 900}),
        effort=SearchEffort(max_subsets=18),
    )
    assert changes["change"].tolist() == ["kept"] * 10 + ["moved", "dropped"]
    assert not changes["is_proven"].iloc[:11].any()


# --- work order -----------------------------------------------------------------------------------


def make_zones(costs, households, **columns):
    index = pd.Index([f"Z-{k}" for k in range(len(costs))], dtype="str", name="zone_id")
    return gpd.GeoDataFrame(
        {"cost_yuan": costs, "households": households, **columns},
        geometry=[shapely.box(k, 0, k + 1, 1) for k in range(len(costs))],
        index=index,
        crs=CRS,
    )


def test_zones_are_built_within_each_years_budget_the_larger_first():
    zones = make_zones([2e6, 3e6, 4e6], [100.0, 200.0, 300.0])
    schedule = order_zone_works(zones, budgets_yuan={"2025": 5e6, "2026": 4e6})
    assert schedule["work_year"].tolist() == [2025, 2025, 2026]
    assert schedule["year_left_yuan"].tolist() == [0, 0, 0]
    keeps_schema("zone_schedule", schedule)


def test_what_cannot_be_paid_is_kept_in_reserve_with_the_reason():
    schedule = order_zone_works(make_zones([2e6, np.nan, 9e6], [1.0, 1.0, 1.0]), budgets_yuan={"2025": 3e6})
    assert schedule["work_year"].isna().tolist() == [False, True, True]
    assert "估算投资未知" in schedule["reason_zh"].iloc[1]
    assert schedule["reason_zh"].iloc[2] == "需 900.00 万元，各年预算余额最多 100.00 万元，列入储备"


def test_carried_over_money_pays_for_a_dear_zone_later():
    zones, budgets = make_zones([5e6], [1.0]), {"2025": 3e6, "2026": 3e6}
    assert order_zone_works(zones, budgets_yuan=budgets)["work_year"].isna().all()
    assert order_zone_works(zones, budgets_yuan=budgets, carry_over=True)["work_year"].tolist() == [2026]


def test_a_decided_year_is_kept_and_the_rest_planned_around_it():
    zones = make_zones([3e6, 3e6], [500.0, 100.0])
    schedule = order_zone_works(zones, budgets_yuan={"2025": 3e6, "2026": 3e6}, fixed_years={"Z-1": 2025})
    assert schedule["work_year"].tolist() == [2026, 2025]


def test_age_and_need_raise_a_zone_above_an_equal_one():
    zones = make_zones([3e6, 3e6], [100.0, 100.0], oldest_year_built=pd.array([1995, 1970], dtype="Int64"))
    assert order_zone_works(zones, budgets_yuan={"2025": 3e6})["work_year"].tolist()[1] == 2025
    zones = make_zones([3e6, 3e6], [100.0, 100.0], need_basic=[2.0, 9.0])
    assert order_zone_works(zones, budgets_yuan={"2025": 3e6})["work_year"].tolist()[1] == 2025


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(10, 99)), min_size=1, max_size=5),
    st.lists(st.integers(1, 12), min_size=1, max_size=2),
)
def test_the_households_served_equal_brute_force(zones, budgets):
    costs, households = (np.array(column, dtype=float) for column in zip(*zones, strict=True))
    table = make_zones(costs * 1e6, households)
    schedule = order_zone_works(table, budgets_yuan={str(2025 + k): b * 1e6 for k, b in enumerate(budgets)})
    best = max(
        sum(households[k] for k, year in enumerate(years) if year < len(budgets))
        for years in itertools.product(range(len(budgets) + 1), repeat=len(costs))
        if all(sum(costs[k] for k, y in enumerate(years) if y == year) <= b for year, b in enumerate(budgets))
    )
    built = schedule["work_year"].notna()
    assert households[built.to_numpy()].sum() == best
    spent = schedule[built].groupby("work_year")["cost_yuan"].sum()
    assert all(spent[year] <= budgets[year - 2025] * 1e6 for year in spent.index)
    assert sorted(schedule["work_rank"]) == list(range(1, len(costs) + 1))


def test_faults_of_the_budgets_come_at_once():
    with pytest.raises(ConfigError) as caught:
        order_zone_works(make_zones([1.0], [1.0]), budgets_yuan={"next": 5.0, "2025": -1.0}, fixed_years={"Z-9": 2030})
    assert all(word in caught.value.text.zh for word in ("next", "-1", "Z-9", "2030"))


def test_no_zones_or_no_budgets_give_the_same_columns():
    zones = make_zones([1e6], [5.0])
    full = order_zone_works(zones, budgets_yuan={"2025": 1e6})
    assert list(order_zone_works(zones.iloc[:0], budgets_yuan={"2025": 1e6})) == list(full)
    assert order_zone_works(zones)["work_year"].isna().all()


# --- sheets ---------------------------------------------------------------------------------------


def test_a_zone_without_a_year_says_what_is_missing_and_is_not_called_reserve():
    communities, links = make_row([100, 200], cut=[(0, 1)])
    zones = describe_zones(communities, links, delineate_zones(communities, links)).assign(cost_yuan=[1e6, np.nan])
    without = order_zone_works(zones)
    assert without["work_status"].tolist() == ["no_budget", "cost_unknown"]
    assert not without["reason_zh"].str.contains("储备").any()
    short = order_zone_works(zones, budgets_yuan={"2025": 1.0})
    assert short["work_status"].tolist() == ["reserve", "cost_unknown"]
    assert order_zone_works(zones, budgets_yuan={"2025": 2e6})["work_status"].tolist() == ["scheduled", "cost_unknown"]
    year = layer_schema("zone_schedule").fields["work_year"]
    assert (missing_text(year, "zh"), missing_text(year, "en")) == ("未排", "not scheduled")


def test_what_no_layer_tells_is_not_checked_on_the_sheet():
    communities, links = make_row([100, 200])
    members = delineate_zones(communities, links)
    sheet = zone_sheets(describe_zones(communities, links, members), communities, links, members)
    for name in ("subdistrict", "facilities_zh", "missing_facilities_zh", "operators_zh", "projects_zh"):
        assert sheet[name].isna().all()
        field = layer_schema("zone_sheets").fields[name]
        assert (missing_text(field, "zh"), missing_text(field, "en")) == ("未核查", "not checked")


def make_sheet_inputs():
    communities, links = make_row([300, 300, 200])
    links["shared_wall_m"] = [12.4, 0.0]
    communities["subdistrict"] = ["洞山街道", "洞山街道", "泉山街道"]
    members = delineate_zones(communities, links, requirements=ZoneRequirements(households={"min": 200, "max": 600}))
    zones = describe_zones(communities, links, members)
    facilities = gpd.GeoDataFrame(
        {"kind": ["kindergarten", "nursery"]},
        geometry=[shapely.Point(5, 30), shapely.Point(5, 5_000)],
        index=pd.Index(["F1", "F2"], name="facility_id"),
        crs=CRS,
    )
    pipes = gpd.GeoDataFrame(
        {"network": ["gas", "water", "water"], "operator": ["淮南燃气", "首创水务", None]},
        geometry=[shapely.LineString([(0, y), (30, y)]) for y in (2, 4, 6)],
        index=pd.Index(["L1", "L2", "L3"], name="line_id"),
        crs=CRS,
    )
    projects = pd.DataFrame({"name": ["一期", "二期"]}, index=pd.Index(["P1", "P2"], name="project_id"))
    pairs = pd.DataFrame({"project_id": ["P1", "P1", "P2", "P2"], "community_id": ["C00", "C01", "C01", "C02"]})
    funds = pd.DataFrame(
        {
            "project_id": ["P1", "P1", "P1", "P2"],
            "source": ["province", "central_budget", "province", "city"],
            "basis": ["planned", "planned", "received", "planned"],
            "amount_yuan": [2e6, 1e6, 5e5, 9e6],
        }
    )
    return {
        "zones": zones,
        "communities": communities,
        "community_links": links,
        "zone_members": members,
        "facilities": facilities,
        "utility_lines": pipes,
        "projects": projects,
        "project_communities": pairs,
        "funds": funds,
    }


def test_the_sheet_gathers_what_the_scheme_book_asks():
    sheet = zone_sheets(**make_sheet_inputs())
    first = sheet.loc["Z-C00"]
    assert first["communities_zh"] == "甲、乙"
    assert first["subdistrict"] == "洞山街道"
    assert (first["shared_wall_m"], first["shared_walls_zh"]) == (12.4, "甲—乙 12 米")
    assert first["facilities_zh"] == "幼儿园"
    assert "托育机构" in first["missing_facilities_zh"]
    assert "幼儿园" not in first["missing_facilities_zh"]
    assert first["operators_zh"] == "给水：首创水务；燃气：淮南燃气"
    assert first["projects_zh"] == "一期；二期（跨片区）"
    assert (first["funds_planned_yuan"], first["funds_received_yuan"]) == (3e6, 5e5)
    assert np.isnan(first["funds_paid_yuan"])
    assert first["fund_sources_zh"] == "中央预算内投资 100.00 万元；省级（以奖代补） 200.00 万元"
    # The project over both zones counts in neither.
    assert np.isnan(sheet.loc["Z-C02", "funds_planned_yuan"])
    keeps_schema("zone_sheets", sheet)


def test_a_sheet_without_the_other_layers_leaves_them_unknown():
    zones, communities, links, members, *_ = make_sheet_inputs().values()
    sheet = zone_sheets(zones, communities, links.drop(columns="shared_wall_m"), members)
    unknown = [
        "shared_wall_m",
        "shared_walls_zh",
        "facilities_zh",
        "missing_facilities_zh",
        "operators_zh",
        "projects_zh",
    ]
    assert sheet[unknown].isna().all().all()
    keeps_schema("zone_sheets", sheet)
    assert list(zone_sheets(zones.iloc[:0], communities, links, members.iloc[:0])) == list(sheet)


def test_sheets_do_not_depend_on_row_order():
    inputs = make_sheet_inputs()
    turned = {name: frame.iloc[::-1] for name, frame in inputs.items()}
    assert_frame_equal(zone_sheets(**inputs), zone_sheets(**turned))


def test_a_community_without_a_name_is_called_by_its_id():
    inputs = make_sheet_inputs()
    communities, links, members = (inputs[name] for name in ("communities", "community_links", "zone_members"))
    names = communities["name"].astype("str")
    names["C00"] = None
    unnamed = communities.assign(name=names)
    described = describe_zones(unnamed, links, members)
    sheet = zone_sheets(**{**inputs, "zones": described, "communities": unnamed})
    assert described.loc["Z-C00", "name"] == "C00片区"
    assert sheet.loc["Z-C00", "communities_zh"] == "C00、乙"
    told = " ".join(map(str, [*sheet.to_numpy().ravel(), *described["why_zh"], *described["why_en"]]))
    assert "nan与" not in told
    assert "C00与乙" in told
