"""The work order of zones: what is completed, what goes on, what is approved, and money over several years."""

import datetime
import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from test_zone_plans import keeps_schema, make_zones

from gis_renovation.errors import ConfigError
from gis_renovation.zones import money_by_year, order_zone_works, trace_zone_works

WAN = 1e4


def make_works(states, left, *, started_year=2024):
    """``zone_works`` of zones Z-0, Z-1, ...: their states and what is left to pay, in yuan."""
    begun = [started_year if state in ("started", "completed") else None for state in states]
    return pd.DataFrame(
        {"works_state": states, "started_year": pd.array(begun, dtype="Int64"), "left_yuan": left},
        index=[f"Z-{k}" for k in range(len(states))],
    )


def budgets_of(*millions, first=2025):
    return {str(first + k): amount * 1e6 for k, amount in enumerate(millions)}


def approved(**years):
    rows = [(f"A-{zone}", f"Z-{zone[1:]}", year) for zone, year in years.items()]
    return pd.DataFrame(rows, columns=["community_id", "zone_id", "work_year"]).set_index("community_id")


# --- what the works are -----------------------------------------------------------------------------


def traced(pairs, states, communities, members):
    """``zone_works`` of drawn projects: ``pairs`` project:community, ``states`` project -> (state, paid, day)."""
    from gis_renovation.progress import community_progress

    table = pd.DataFrame([pair.split(":") for pair in pairs.split()], columns=["project_id", "community_id"])
    told = pd.DataFrame(
        [(name, *facts) for name, facts in states.items()], columns=["project_id", "state", "paid_yuan", "started_on"]
    ).set_index("project_id")
    told = told.assign(previous_state=None, progress_share=np.nan)
    frame = pd.DataFrame({"cost_yuan": communities})
    progress = community_progress(frame, table, told)
    return trace_zone_works(pd.DataFrame({"zone_id": members}), frame, table, told, progress)


DAY = datetime.date(2024, 3, 31)


def test_a_zone_is_completed_only_when_all_of_it_is_and_started_as_soon_as_any_of_it_is():
    works = traced(
        "P:A P:B Q:C R:D S:E T:F",
        {
            "P": ("completed", 9e6, DAY),
            "Q": ("completed", 4e6, DAY),
            "R": ("tendered", 0.0, None),
            "S": ("started", 1e6, DAY),
            "T": (None, np.nan, None),
        },
        {"A": 4e6, "B": 5e6, "C": 4e6, "D": 3e6, "E": 7e6, "F": 2e6, "G": 1e6},
        {"A": "Z-1", "B": "Z-1", "C": "Z-2", "D": "Z-2", "E": "Z-3", "F": "Z-3", "G": "Z-4"},
    )
    assert works["works_state"].tolist() == ["completed", "part_completed", "started", "unknown"]
    # Nothing is left of what is done; of E and F, 9 million less the 1 paid for E alone.
    assert works["left_yuan"].tolist() == [0.0, 3e6, 8e6, 1e6]
    assert works["started_year"].astype(object).where(works["started_year"].notna(), None).tolist() == [
        2024,
        None,
        2024,
        None,
    ]
    assert works["unpaid_unknown_count"].tolist() == [0, 0, 1, 0]
    keeps_schema("zone_works", works)


def test_money_of_a_project_over_two_zones_or_over_completed_communities_is_split_by_nobody():
    works = traced(
        "P:A P:C Q:B Q:D R:D",
        {"P": ("started", 2e6, DAY), "Q": ("completed", 3e6, DAY), "R": ("started", 1e6, DAY)},
        {"A": 10e6, "B": 10e6, "C": 10e6, "D": 10e6},
        {"A": "Z-1", "B": "Z-1", "C": "Z-2", "D": "Z-2"},
    )
    # Z-1: B is done, A is open: P works in C too. Z-2: of D, R's million counts and Q's three do not.
    assert works["left_yuan"].tolist() == [10e6, 19e6]
    assert works["unsplit_yuan"].tolist() == [2e6, 5e6]
    assert works["joined_zone_ids"].tolist() == ["Z-2", "Z-1"]
    assert "没有从尚需资金中扣除" in works["reason_zh"].iloc[0]


def test_a_completed_project_joins_no_zones_any_more():
    works = traced("P:A P:B", {"P": ("completed", 2e6, DAY)}, {"A": 1e6, "B": 1e6}, {"A": "Z-1", "B": "Z-2"})
    assert works["joined_zone_ids"].isna().all()


def test_what_is_left_is_unknown_with_the_cost_of_an_open_community_and_known_without_that_of_a_completed_one():
    works = traced(
        "P:A Q:C",
        {"P": ("completed", 2e6, DAY), "Q": ("started", 1e6, DAY)},
        {"A": np.nan, "B": 5e6, "C": np.nan},
        {"A": "Z-1", "B": "Z-1", "C": "Z-2"},
    )
    assert works["left_yuan"].iloc[0] == 5e6
    assert np.isnan(works["left_yuan"].iloc[1])


# --- what is completed and what goes on -------------------------------------------------------------


def test_what_is_completed_gets_no_year_no_rank_and_no_money():
    zones = make_zones([2e6, 3e6], [900.0, 100.0])
    schedule = order_zone_works(zones, make_works(["completed", "not_started"], [0, 3e6]), budgets_yuan=budgets_of(3))
    assert schedule["work_status"].tolist() == ["completed", "scheduled"]
    assert schedule["work_year"].isna().tolist() == [True, False]
    assert schedule["work_rank"].isna().tolist() == [True, False]
    assert schedule["year_money"].isna().tolist() == [True, False]
    keeps_schema("zone_schedule", schedule)


def test_works_that_go_on_keep_their_year_and_are_paid_before_anything_begins():
    zones = make_zones([9e6, 4e6], [10.0, 900.0])
    works = make_works(["started", "not_started"], [5e6, 4e6])
    schedule = order_zone_works(zones, works, budgets_yuan=budgets_of(4, 3, 4))
    assert schedule["work_year"].tolist() == [2024, 2027]
    assert money_by_year(schedule["year_money"].iloc[0]) == {2025: 4e6, 2026: 1e6}
    assert schedule["work_end_year"].tolist() == [2026, 2027]


def test_works_that_no_budget_can_finish_say_what_is_lacking():
    schedule = order_zone_works(
        make_zones([9e6], [10.0]), make_works(["started"], [9e6]), budgets_yuan=budgets_of(4, 3)
    )
    assert (schedule["work_year"].iloc[0], schedule["work_end_year"].isna().iloc[0]) == (2024, True)
    assert schedule["reason_zh"].iloc[0].endswith("各年预算用尽后仍缺 200.00 万元")


def test_works_of_unknown_cost_keep_their_year_and_take_no_money():
    works = make_works(["started"], [np.nan])
    schedule = order_zone_works(make_zones([np.nan], [10.0]), works, budgets_yuan=budgets_of(4))
    assert schedule["work_status"].tolist() == ["started"]
    assert schedule["year_money"].isna().all()
    assert "未知" in schedule["reason_zh"].iloc[0]


def test_nothing_begins_in_a_year_that_is_over():
    zones = make_zones([2e6], [10.0])
    day = datetime.date(2026, 6, 30)
    assert order_zone_works(zones, budgets_yuan=budgets_of(5, 5), as_of=day)["work_year"].tolist() == [2026]
    gone = order_zone_works(zones, budgets_yuan=budgets_of(5, 5), as_of=datetime.date(2027, 1, 1))
    assert gone["work_status"].tolist() == ["no_budget"]
    assert "已过" in gone["reason_zh"].iloc[0]


# --- zones dearer than every year -------------------------------------------------------------------


def test_a_zone_dearer_than_every_year_goes_over_several_or_says_over_how_many_it_would():
    zones = make_zones([7e6], [10.0])
    alone = order_zone_works(zones, budgets_yuan=budgets_of(3, 3, 4))
    assert alone["work_year"].isna().all()
    assert "高于任何一年的预算（400.00 万元）" in alone["reason_zh"].iloc[0]
    assert alone["reason_zh"].iloc[0].endswith("若允许分 2 年实施（years_a_zone = 2），可排入 2026—2027 年")
    # The remedy is applied.
    spread = order_zone_works(zones, budgets_yuan=budgets_of(3, 3, 4), years_a_zone=2)
    assert (spread["work_year"].iloc[0], spread["work_end_year"].iloc[0]) == (2026, 2027)
    assert money_by_year(spread["year_money"].iloc[0]) == {2026: 3e6, 2027: 4e6}


def test_without_a_number_of_years_that_would_do_none_is_offered():
    reason = order_zone_works(make_zones([11e6], [1.0]), budgets_yuan=budgets_of(3, 3, 4))["reason_zh"].iloc[0]
    assert "高于任何一年的预算" in reason
    assert "years_a_zone" not in reason


def test_years_a_zone_below_one_is_refused():
    with pytest.raises(ConfigError, match="years_a_zone"):
        order_zone_works(make_zones([1.0], [1.0]), budgets_yuan=budgets_of(1), years_a_zone=0)


# --- approved years ---------------------------------------------------------------------------------


def test_a_cut_budget_moves_as_few_approved_years_as_possible():
    # Three small zones in 2025 and a large one in 2026; 2025 is cut by a third.
    zones = make_zones([2e6, 2e6, 2e6, 6e6], [100.0, 200.0, 300.0, 400.0])
    plan = approved(A0=2025, B1=2025, C2=2025, D3=2026)
    full = order_zone_works(zones, None, plan, budgets_yuan=budgets_of(6, 6, 0))
    assert full["work_year"].tolist() == [2025, 2025, 2025, 2026]
    cut = order_zone_works(zones, None, plan, budgets_yuan=budgets_of(4, 6, 2))
    assert (cut["work_year"] != full["work_year"]).sum() == 1
    assert cut["work_year"].tolist() == [2027, 2025, 2025, 2026]
    assert cut["reason_zh"].iloc[0].startswith("原批准 2025 年，改动的片区已最少；列入 2027 年")


def test_an_approved_year_stays_though_another_order_would_serve_more_households_early():
    zones = make_zones([2e6, 2e6], [100.0, 900.0])
    assert order_zone_works(zones, budgets_yuan=budgets_of(2, 2))["work_year"].tolist() == [2026, 2025]
    plan = approved(A0=2025, B1=2026)
    assert order_zone_works(zones, None, plan, budgets_yuan=budgets_of(2, 2))["work_year"].tolist() == [2025, 2026]


def test_a_zone_that_continues_an_approved_one_has_its_year_whatever_its_own_id():
    zones = make_zones([2e6, 2e6], [1.0, 900.0], continues_zone_id=["OLD", None])
    plan = pd.DataFrame({"zone_id": ["OLD"], "work_year": [2025]}, index=["a"])
    schedule = order_zone_works(zones, None, plan, budgets_yuan=budgets_of(2, 2))
    assert schedule["work_year"].tolist() == [2025, 2026]


# --- brute force ------------------------------------------------------------------------------------


def pay(due, budget, carry):
    """Money left of each year after works that go on have been paid, each as early as possible."""
    left, saved, rest = sum(due), 0.0, []
    for amount in budget:
        hand = amount + (saved if carry else 0.0)
        paid = min(left, hand)
        left -= paid
        saved = hand - paid
        rest.append(amount - paid)
    return rest


def holds(years, cost, budget, carry):
    spent = [sum(c for c, year in zip(cost, years, strict=True) if year == k) for k in range(len(budget))]
    if carry:
        return all(s <= b for s, b in zip(itertools.accumulate(spent), itertools.accumulate(budget), strict=True))
    return all(s <= b for s, b in zip(spent, budget, strict=True))


STATES = ("completed", "started", "not_started", "unknown", "part_completed")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(10, 99), st.sampled_from(STATES), st.sampled_from([None, 0, 1, 2, 3])),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.integers(0, 12), min_size=1, max_size=3),
    st.booleans(),
)
def test_years_equal_brute_force_what_is_done_is_nowhere_and_what_goes_on_stays(drawn, budget, carry):
    cost, worth, states, asked = (list(column) for column in zip(*drawn, strict=True))
    years = len(budget)
    plan = approved(**{f"A{k}": 2025 + year for k, year in enumerate(asked) if year is not None})
    schedule = order_zone_works(
        make_zones(np.array(cost) * 1e6, np.array(worth, dtype=float)),
        make_works(states, np.array(cost) * 1e6),
        plan,
        budgets_yuan=budgets_of(*budget),
        carry_over=carry,
    )
    done = [k for k, state in enumerate(states) if state == "completed"]
    going = [k for k, state in enumerate(states) if state == "started"]
    free = [k for k in range(len(cost)) if k not in done and k not in going]
    assert schedule["work_year"].iloc[done].isna().all()
    assert (schedule["work_year"].iloc[going] == 2024).all()
    rest = pay([cost[k] for k in going], budget, carry)

    def score(chosen):
        kept = sum(year is not None and asked[k] == year for k, year in zip(free, chosen, strict=True))
        built = [(worth[k], year) for k, year in zip(free, chosen, strict=True) if year is not None]
        return kept, sum(w for w, _ in built), sum(w * (years - year) for w, year in built)

    feasible = [
        chosen
        for chosen in itertools.product([None, *range(years)], repeat=len(free))
        if holds(chosen, [cost[k] for k in free], rest, carry)
    ]
    mine = [None if pd.isna(year) else int(year) - 2025 for year in schedule["work_year"].iloc[free]]
    assert score(tuple(mine)) == max(map(score, feasible))
    spent = [sum(money_by_year(cell).get(2025 + k, 0.0) for cell in schedule["year_money"]) for k in range(years)]
    assert holds(range(years), spent, [b * 1e6 for b in budget], carry)
    # What waits finds its money in no year, as its sentence says.
    for k, row in enumerate(free):
        if schedule["work_status"].iloc[row] == "reserve":
            assert not any(
                holds((*mine[:k], year, *mine[k + 1 :]), [cost[f] for f in free], rest, carry) for year in range(years)
            )


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 14), st.integers(10, 99)), min_size=1, max_size=4),
    st.lists(st.integers(1, 8), min_size=2, max_size=3),
    st.integers(2, 3),
)
def test_over_several_years_equal_brute_force(drawn, budget, allowed):
    cost, worth = (list(column) for column in zip(*drawn, strict=True))
    years = len(budget)
    schedule = order_zone_works(
        make_zones(np.array(cost) * 1e6, np.array(worth, dtype=float)),
        budgets_yuan=budgets_of(*budget),
        years_a_zone=allowed,
    )

    def ways(k):
        yield None
        if cost[k] <= max(budget):
            yield from ((year, year) for year in range(years))
        else:
            yield from ((a, b) for a in range(years) for b in range(a + 1, min(a + allowed, years)))

    def fits(chosen):
        # Each year of works takes a twentieth of the cost at least; the rest flows where there is money.
        left = [
            b
            - sum(
                cost[k] if way[0] == way[1] else 0.05 * cost[k]
                for k, way in enumerate(chosen)
                if way and way[0] <= year <= way[1]
            )
            for year, b in enumerate(budget)
        ]
        if min(left) < -1e-9:
            return False
        spans = sorted((way[1], way[0], k) for k, way in enumerate(chosen) if way and way[1] > way[0])
        due = {k: cost[k] * (1 - 0.05 * (last - first + 1)) for last, first, k in spans}
        for year in range(years):
            for last, first, k in spans:
                if first <= year <= last:
                    paid = min(due[k], left[year])
                    due[k] -= paid
                    left[year] -= paid
        return all(amount <= 1e-9 for amount in due.values())

    def score(chosen):
        built = [(worth[k], way[1]) for k, way in enumerate(chosen) if way]
        return sum(w for w, _ in built), sum(w * (years - last) for w, last in built)

    best = max(
        score(chosen) for chosen in itertools.product(*(list(ways(k)) for k in range(len(cost)))) if fits(chosen)
    )
    firsts, lasts = schedule["work_year"], schedule["work_end_year"]
    mine = tuple(None if pd.isna(a) else (int(a) - 2025, int(b) - 2025) for a, b in zip(firsts, lasts, strict=True))
    assert score(mine) == best
    for k, b in enumerate(budget):
        assert sum(money_by_year(cell).get(2025 + k, 0.0) for cell in schedule["year_money"]) <= b * 1e6 + 0.01
    for row, cell in enumerate(schedule["year_money"]):
        spent = money_by_year(cell)
        assert sum(spent.values()) == pytest.approx(cost[row] * 1e6 if spent else 0.0)


def test_row_order_and_whole_number_years_change_nothing():
    zones = make_zones([2e6, 3e6, 4e6], [100.0, 200.0, 300.0])
    one = order_zone_works(zones, budgets_yuan=budgets_of(5, 4))
    other = order_zone_works(zones.iloc[::-1], budgets_yuan={2025: 5e6, 2026: 4e6})
    assert_frame_equal(one, other)


def test_a_default_index_is_planned_like_text_ids():
    zones = gpd.GeoDataFrame({"cost_yuan": [1e6], "households": [5.0]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4548)
    assert order_zone_works(zones, budgets_yuan={2025: 1e6}).index.tolist() == ["0"]
