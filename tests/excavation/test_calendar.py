"""Legal days on each side of a limit, months, and the calendar: against drawings, and against what it must never do."""

from __future__ import annotations

import datetime
import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, box

from gis_renovation.anniversaries import years_after
from gis_renovation.checking import check_layer
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.excavation import (
    DigPrices,
    Horizon,
    judge_dig_limits,
    list_dig_openings,
    measure_dig_savings,
    plan_dig_calendar,
    prepare_dig_needs,
)
from gis_renovation.excavation.months import Work, place_months
from gis_renovation.excavation.needs import read_months, said_months
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.sample.city import make_city
from gis_renovation.schemas import layer_schema, layer_schemas

AS_OF = datetime.date(2024, 9, 30)
RULES = rules_in_force()
DAY = datetime.timedelta(days=1)


def streets(**columns):
    count = len(next(iter(columns.values()))) if columns else 3
    shapes = [LineString([(0, 100.0 * i), (100, 100.0 * i)]) for i in range(count)]
    index = pd.Index([f"L{i}" for i in range(count)], name="street_id")
    return gpd.GeoDataFrame({k: pd.Series(v, dtype=object).array for k, v in columns.items()}, geometry=shapes, index=index, crs="EPSG:4548")  # fmt: skip


def needs(*rows):
    columns = ("street_id", "operator", "earliest_year", "best_year", "latest_year", "duration_months", "cost_yuan")
    frame = pd.DataFrame(rows, columns=columns, index=pd.Index([f"N{i}" for i in range(len(rows))], name="need_id"))
    return frame.assign(network="water", depth_m=1.0)


def limits_of(**columns):
    roads = streets(**columns)
    asked = pd.DataFrame({"street_id": roads.index}, index=[f"N{i}" for i in range(len(roads))])
    return judge_dig_limits(roads, asked, RULES, as_of=AS_OF)


# --- the law ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opened", "overhauled", "overhauled_on", "status"),
    [
        (datetime.date(2019, 9, 29), False, None, "free"),
        (datetime.date(2019, 9, 30), False, None, "held"),  # the anniversary itself
        (datetime.date(2019, 10, 1), False, None, "held"),
        (datetime.date(2000, 1, 1), True, datetime.date(2021, 9, 29), "free"),
        (datetime.date(2000, 1, 1), True, datetime.date(2021, 9, 30), "held"),
        (datetime.date(2000, 1, 1), None, None, "unknown"),  # never overhauled, or not known
        (datetime.date(2023, 1, 1), None, None, "held"),  # held whatever the other day is
        (None, False, None, "unknown"),
        (None, True, datetime.date(2024, 1, 1), "held"),
        (datetime.date(2000, 1, 1), True, None, "unknown"),
    ],
)
def test_a_street_is_free_held_or_to_be_verified(opened, overhauled, overhauled_on, status):
    row = limits_of(opened_on=[opened], overhauled=[overhauled], overhauled_on=[overhauled_on]).loc["L0"]
    assert row["dig_status"] == status
    lacking = opened is None or overhauled is None or (overhauled and overhauled_on is None)
    assert ("待核" in row["reason_zh"]) == lacking
    if status == "held":
        assert "县级以上" in row["reason_zh"]
        assert "第三十三条" in row["source"]


def test_flipping_one_date_flips_one_line():
    days = [datetime.date(2019, 9, 29)] * 4
    before = limits_of(opened_on=days, overhauled=[False] * 4)
    after = limits_of(opened_on=[*days[:2], days[2] + DAY, days[3]], overhauled=[False] * 4)
    changed = before["dig_status"] != after["dig_status"]
    assert changed[changed].index.tolist() == ["L2"]


@pytest.mark.parametrize(
    ("day", "years", "free"),
    [
        ((2020, 2, 29), 5, (2025, 3, 1)),
        ((2020, 2, 29), 4, (2024, 3, 1)),
        ((2020, 12, 31), 3, (2024, 1, 1)),
        ((2020, 5, 1), 5, (2025, 5, 2)),
    ],
)
def test_years_are_counted_by_anniversaries(day, years, free):
    assert years_after(datetime.date(*day), years) == datetime.date(*free)


def test_the_rules_cite_their_clause_and_only_article_33_is_judged():
    mine = {rule.clause: rule for rule in RULES if rule.layer == "streets"}
    assert set(mine) == {"第三十三条", "第十二条", "第三十四条", "第三十七条"}
    assert all(rule.confirmed and "待核" in rule.edition for rule in mine.values())
    assert {rule.clause for rule in RULES if rule.layer == "streets" and rule.role == "decides"} == {"第三十三条"}


# --- months -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_months_in_words_come_back(seed):
    chance = np.random.default_rng(seed)
    free = {2025 + y: frozenset((np.flatnonzero(chance.random(12) < 0.6) + 1).tolist()) or {1} for y in range(3)}
    assert read_months(said_months(free)) == free


def test_deep_goes_before_shallow_and_one_access_street_stays_open():
    every = frozenset(range(1, 13))
    works = [Work(0, "A", 2025, 0.8, 2, every), Work(1, "A", 2025, 2.0, 3, every), Work(2, "B", 2025, None, 4, every)]
    first, stuck = place_months(works, {"A": [frozenset("AB")], "B": [frozenset("AB")]})
    assert not stuck
    assert first[1] + 3 == first[0]
    a, b = set(range(first[1], first[0] + 2)), set(range(first[2], first[2] + 4))
    assert not a & b
    both = {"A": [frozenset("AB")], "B": [frozenset("AB")]}
    first, stuck = place_months([works[0], works[1], Work(2, "B", 2025, None, 9, every)], both)
    assert len(first) + sum(len(one.works) for one in stuck) == 3
    assert len(stuck) == 1, "five months and nine do not fit into a year one after another"


@pytest.mark.parametrize("seed", range(8))
def test_months_never_close_both_access_streets_nor_use_a_month_that_is_not_free(seed):
    chance = np.random.default_rng(seed)
    works = [
        Work(i, f"S{chance.integers(6)}", 2025, float(chance.integers(1, 5)), int(chance.integers(1, 4)),
             frozenset((np.flatnonzero(chance.random(12) < 0.85) + 1).tolist()))
        for i in range(8)
    ]  # fmt: skip
    pairs = [frozenset({"S0", "S1"}), frozenset({"S2", "S3"})]
    access = {street: [own for own in pairs if street in own] for street in ("S0", "S1", "S2", "S3")}
    first, stuck = place_months(works, access)
    assert {w.number for w in works} == set(first) | {w.number for one in stuck for w in one.works}
    closed = {}
    for work in works:
        if work.number in first:
            months = set(range(first[work.number], first[work.number] + work.months))
            assert months <= work.free
            assert not months & closed.setdefault(work.street, set())
            closed[work.street] |= months
    for pair in pairs:
        one, other = sorted(pair)
        assert not closed.get(one, set()) & closed.get(other, set())


def test_bans_guarantee_and_last_digging_take_months_away():
    roads = streets(
        opened_on=[datetime.date(2000, 1, 1)] * 3,
        overhauled=[False] * 3,
        guarantee_until=[datetime.date(2025, 3, 31), None, None],
        last_dug_on=[None, datetime.date(2023, 7, 1), None],
    )
    asked = needs(*[(f"L{i}", "A", 2025, 2025, 2025, 2, 5.0) for i in range(3)])
    limits = judge_dig_limits(roads, asked, RULES, as_of=AS_OF)
    columns = {"kind": "flood", "street_id": [None, "L2", None], "network": ["water", None, "gas"], "year": pd.array([None, 2025, None], "Int64")}  # fmt: skip
    bans = pd.DataFrame({**columns, "first_month": [6, 11, 1], "last_month": [7, 1, 12]}, index=["B1", "B2", "B3"])
    made = prepare_dig_needs(asked, roads, limits, dig_bans=bans, as_of=AS_OF)
    assert made["free_months"].tolist() == ["2025:4-5,8-12", "2025:8-12", "2025:1-5,8-10"]


def test_what_lacks_a_fact_is_named_and_never_planned():
    roads = streets(opened_on=[datetime.date(2000, 1, 1)], overhauled=[False])
    asked = needs(
        ("L0", "A", 2025, 2025, 2026, 1, None),
        ("L9", "A", 2025, 2025, 2026, 1, 5.0),
        ("L0", None, 2025, 2025, 2026, 1, 5.0),
        ("L0", "A", 2025, 2025, None, 1, 5.0),
        ("L0", "A", 2025, 2025, 2026, 1, 5.0),
        ("L0", "A", 2010, 2010, 2012, 1, 5.0),
    ).assign(emergency=[False, False, False, False, True, False])
    limits = judge_dig_limits(roads, asked, RULES, as_of=AS_OF)
    made = prepare_dig_needs(asked, roads, limits, as_of=AS_OF)
    assert made["readiness"].tolist() == [*["incomplete"] * 4, "emergency", "out_of_time"]
    assert [word in text for word, text in zip(["估算投资", "路段编号", "专营单位", "最晚年度", "24小时"], made["reason_zh"], strict=False)] == [True] * 5  # fmt: skip
    plan = plan_dig_calendar(made, roads, as_of=AS_OF)
    assert plan["year"].isna().all()
    assert plan["dig_state"].tolist() == made["readiness"].tolist()


# --- the calendar -------------------------------------------------------------------------------------


def calendar_of(asked, roads, **others):
    limits = judge_dig_limits(roads, asked, RULES, as_of=AS_OF)
    return plan_dig_calendar(prepare_dig_needs(asked, roads, limits, as_of=AS_OF), roads, as_of=AS_OF, **others)


def old(count):
    return streets(opened_on=[datetime.date(2000, 1, 1)] * count, overhauled=[False] * count)


def budgets(*rows):
    frame = pd.DataFrame(rows, columns=["operator", "year", "amount_yuan"])
    return frame.set_axis([f"Y{i}" for i in range(len(rows))])


def test_an_opening_that_the_law_holds_is_listed_as_needing_approval():
    held = datetime.date(2022, 6, 1)
    roads = streets(opened_on=[held, held, None], overhauled=[False] * 3)
    asked = needs(*[(f"L{i}", "A", 2025, 2025, last, 2, 5.0) for i, last in enumerate((2026, 2027, 2026))])
    plan = calendar_of(asked, roads)
    assert plan["approval"].tolist() == ["needed", "none", "verify"]
    assert plan.loc["N1", ["year", "first_month"]].tolist() == [2027, 7]  # free from 2 June: the month after
    openings = list_dig_openings(plan, roads)
    assert openings["approval"].tolist() == ["needed", "none", "verify"]
    assert "第三十三条" in openings["reason_zh"].iloc[0]


def test_a_budget_moves_a_work_and_none_at_all_leaves_it_out_and_says_so():
    asked = needs(("L0", "A", 2025, 2025, 2026, 1, 5.0), ("L0", "B", 2025, 2025, 2026, 1, 5.0))
    poor = budgets(("A", 2025, 4.0), ("A", 2026, 5.0), ("B", 2025, 5.0))
    plan = calendar_of(asked, old(1), dig_budgets=poor)
    assert plan["year"].tolist() == [2026, 2026]
    assert plan["budget_known"].tolist() == [True, False]
    assert "预算未知" in plan.loc["N1", "reason_zh"]
    none = calendar_of(asked, old(1), dig_budgets=budgets(("A", 2025, 4.0), ("A", 2026, 0.0)))
    assert none["dig_state"].tolist() == ["left_out", "planned"]
    assert none.loc["N0", "reason_zh"].count("预算余额不足") == 2


@pytest.mark.parametrize("bad", [budgets(("A", 2025, -1.0)), budgets(("A", 2025, 1.0), ("A", 2025, 2.0))])
def test_budgets_that_cannot_be_are_refused_by_name(bad):
    with pytest.raises(DataError) as caught:
        calendar_of(needs(("L0", "A", 2025, 2025, 2026, 1, 5.0)), old(1), dig_budgets=bad)
    assert "Y0" in caught.value.text.en


@pytest.mark.parametrize("wrong", [{"late_yuan_per_year": -1.0}, {"opening_yuan": np.nan}])
def test_weights_and_horizons_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DigPrices(**wrong)
    with pytest.raises(ConfigError, match="dig_years"):
        Horizon(dig_years=0)


@pytest.mark.parametrize("seed", range(6))
def test_a_random_calendar_breaks_nothing(seed):
    chance = np.random.default_rng(seed)
    roads = streets(
        opened_on=[None if chance.random() < 0.1 else AS_OF - DAY * int(chance.integers(100, 4000)) for _ in range(12)],
        overhauled=[False] * 12,
    )
    rows = []
    for _ in range(30):
        first = int(chance.integers(2025, 2029))
        last = int(chance.integers(first, 2030))
        rows.append((f"L{chance.integers(12)}", "ABC"[chance.integers(3)], first, int(chance.integers(first, last + 1)), last, int(chance.integers(1, 4)), float(chance.integers(1, 9))))  # fmt: skip
    money = budgets(*[(o, y, float(chance.integers(4, 20))) for o in "ABC" for y in range(2025, 2030)])
    homes = gpd.GeoDataFrame(geometry=[box(0, 205, 90, 295)], index=pd.Index(["C"], name="community_id"), crs=roads.crs)
    asked = needs(*rows)
    plan = calendar_of(asked, roads, dig_budgets=money, communities=homes)
    done = plan[plan["dig_state"].eq("planned")]
    assert len(done)
    assert (done["year"] >= asked["earliest_year"][done.index]).all()
    assert (done["year"] <= asked["latest_year"][done.index]).all()
    spent = done.groupby(["operator", "year"])["cost_yuan"].sum()
    limit = money.set_index(["operator", "year"])["amount_yuan"]
    assert (spent <= limit.reindex(spent.index)).all()
    for _, own in done.groupby("street_id"):
        years = sorted(set(own["year"]))
        assert all(b - a >= 2 for a, b in itertools.pairwise(years))
        for _, opening in own.groupby("year"):
            one = opening.sort_values("first_month")
            assert (one["first_month"].to_numpy()[1:] == one["last_month"].to_numpy()[:-1] + 1).all()
    both = [{(y, m) for y, a, b in done.loc[done["street_id"].eq(s), ["year", "first_month", "last_month"]].to_numpy() for m in range(a, b + 1)} for s in ("L2", "L3")]  # fmt: skip
    assert not both[0] & both[1], "the two streets beside the community are not closed together"
    assert plan["plan_bound_yuan"].iloc[0] <= plan["plan_objective_yuan"].iloc[0] + 1e-6
    pd.testing.assert_frame_equal(plan, calendar_of(asked.iloc[::-1], roads.iloc[::-1], dig_budgets=money, communities=homes))  # fmt: skip


def test_savings_count_openings_three_ways():
    asked = needs(
        ("L0", "A", 2025, 2025, 2027, 1, 5.0),
        ("L0", "B", 2025, 2026, 2027, 1, 5.0),
        ("L1", "A", 2025, 2025, 2025, 1, 5.0),
        ("L1", "B", 2025, 2025, 2025, 1, 5.0),
    )
    plan = calendar_of(asked, old(2))
    made = measure_dig_savings(plan, old(2), prices=DigPrices(opening_yuan=10.0, opening_metre_yuan=1.0))
    total = made.loc["合计"]
    assert total[["alone_openings", "chance_openings", "plan_openings"]].tolist() == [4.0, 3.0, 2.0]
    assert total[["alone_yuan", "chance_yuan", "plan_yuan"]].tolist() == [440.0, 330.0, 220.0]
    assert total["moved_count"] == 1
    assert total["saved_share"] == pytest.approx(1 / 3)
    assert made.drop(index="合计")["plan_yuan"].sum() == pytest.approx(220.0)


def test_nothing_asked_gives_empty_layers_of_the_same_columns():
    asked, roads = needs(), old(2)
    limits = judge_dig_limits(roads, asked, RULES, as_of=AS_OF)
    made = prepare_dig_needs(asked, roads, limits, as_of=AS_OF)
    plan = plan_dig_calendar(made, roads, as_of=AS_OF)
    for name, frame in (
        ("dig_limits", limits), ("dig_needs", made), ("dig_calendar", plan),
        ("dig_openings", list_dig_openings(plan, roads)),
    ):  # fmt: skip
        assert len(frame) == 0
        assert set(layer_schema(name).fields) - {layer_schema(name).key} <= set(frame.columns)


# --- the sample, and who may see it -------------------------------------------------------------------


def test_the_sample_has_a_calendar_of_sound_layers():
    city = make_city(layers=["streets", "works_needs", "dig_budgets", "dig_bans", "communities"])
    limits = judge_dig_limits(city["streets"], city["works_needs"], RULES, as_of=AS_OF)
    made = prepare_dig_needs(city["works_needs"], city["streets"], limits, dig_bans=city["dig_bans"], as_of=AS_OF)
    others = {name: city[name] for name in ("dig_budgets", "communities")}
    plan = plan_dig_calendar(made, city["streets"], as_of=AS_OF, **others)
    openings, saved = list_dig_openings(plan, city["streets"]), measure_dig_savings(plan, city["streets"])
    named = {"dig_limits": limits, "dig_needs": made, "dig_calendar": plan, "dig_openings": openings, "dig_savings": saved}  # fmt: skip
    for name, frame in named.items():
        assert check_layer(frame, layer_schema(name)) == [], name
    assert set(limits["dig_status"]) == {"free", "held", "unknown"}
    assert set(plan["dig_state"]) >= {"planned", "incomplete"}
    assert saved.loc["合计", "plan_openings"] < saved.loc["合计", "chance_openings"]


def test_nothing_of_digging_is_public():
    for name, schema in layer_schemas().items():
        if name.startswith("dig_") or name == "works_needs":
            assert schema.disclosure != "public"
            assert all(field.disclosure != "public" for field in schema.fields.values()), name
    dates = ("opened_on", "overhauled", "overhauled_on", "last_dug_on", "guarantee_until")
    assert all(layer_schema("streets").fields[name].disclosure == "internal" for name in dates)
