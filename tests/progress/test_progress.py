"""Drawn histories, an independent count in plain Python, and properties of the progress tables."""

import datetime
import warnings
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.progress.chain import STATE_ORDER
from gis_renovation.progress.members import community_progress
from gis_renovation.progress.plan import plan_progress
from gis_renovation.progress.states import project_states
from gis_renovation.progress.units import unit_progress
from gis_renovation.sample.city import make_city, situation
from gis_renovation.schemas import layer_schema

AS_OF = date(2024, 9, 30)


def projects(**units):
    """Projects by id with their unit code."""
    frame = pd.DataFrame(
        {"project_id": list(units), "name": list(units), "unit_code": list(units.values()), "plan_batch": "main"}
    )
    return frame.set_index("project_id")


def pairs(text):
    """Pairs from ``"P1:A P1:B"``."""
    rows = [pair.split(":") for pair in text.split()]
    return pd.DataFrame(rows, columns=["project_id", "community_id"], dtype="object")


def records(*rows):
    """Rows of (project, date, state, share, note)."""
    rows = [(*row, *[None] * (5 - len(row))) for row in rows]
    frame = pd.DataFrame(rows, columns=["project_id", "recorded_on", "state", "progress_share", "note"], dtype="object")
    frame["progress_share"] = frame["progress_share"].astype("float64")
    return frame


def communities(*rows):
    """Rows of (id, unit, batch, households, floor area)."""
    frame = pd.DataFrame(rows, columns=["community_id", "unit_code", "plan_batch", "households", "floor_area_m2"])
    frame["households"] = frame["households"].astype("Int64")
    frame["floor_area_m2"] = frame["floor_area_m2"].astype("float64")
    return frame.astype({"unit_code": "object", "plan_batch": "object"}).set_index("community_id")


def units(*codes, **parents):
    """Unit squares in a row; keyword units are subdistricts of their parent."""
    rows = [(code, code, None, "county") for code in codes]
    rows += [(code, code, parent, "subdistrict") for code, parent in parents.items()]
    frame = gpd.GeoDataFrame(
        rows,
        columns=["unit_code", "name", "parent_code", "level"],
        geometry=[shapely.box(i, 0, i + 1, 1) for i in range(len(rows))],
        crs="EPSG:4548",
    )
    return frame.set_index("unit_code")


def one_state(*rows, as_of=AS_OF):
    return project_states(projects(P="a"), pairs("P:A"), records(*rows), as_of=as_of).loc["P"]


@pytest.mark.parametrize(
    ("before", "share", "flagged"),
    [("2024-08-31", 0.83, True), ("2024-08-31", 0.75, True), ("2024-08-31", 0.74, False), ("2024-07-31", 0.83, False)],
)
def test_a_rise_of_fifty_points_a_month_is_to_be_verified(before, share, flagged):
    # 58, 50 and 49 points in one month; 58 in two months are 29 a month.
    row = one_state(("P", date.fromisoformat(before), "started", 0.25), ("P", AS_OF, "started", share))
    assert row["jumped"] == flagged
    assert ("参数，非规范" in row["reason_zh"]) == flagged


def test_the_limit_of_a_jump_is_a_parameter_and_must_make_sense():
    works = records(("P", date(2024, 8, 31), "started", 0.25), ("P", AS_OF, "started", 0.83))
    assert not project_states(projects(P="a"), pairs("P:A"), works, as_of=AS_OF, jump_share=0.6).loc["P", "jumped"]
    with pytest.raises(ConfigError, match="jump_share"):
        project_states(projects(P="a"), pairs("P:A"), works, as_of=AS_OF, jump_share=0.0)


def test_the_state_is_that_of_the_latest_record_on_or_before_the_day():
    rows = [("P", date(2024, 8, 31), "tendered", 0.0), ("P", date(2024, 9, 30), "started", 0.2)]
    rows.append(("P", date(2024, 10, 1), "completed", 1.0))
    row = one_state(*rows)
    assert (row["state"], row["progress_share"], row["recorded_on"]) == ("started", 0.2, date(2024, 9, 30))
    assert (row["record_age_days"], row["record_status"]) == (0, "current")
    assert one_state(*rows, as_of=date(2024, 10, 1))["state"] == "completed"


def test_the_change_is_against_the_last_record_before_this_month():
    row = one_state(
        ("P", date(2024, 7, 31), "started", 0.1),
        ("P", date(2024, 8, 31), "started", 0.25),
        ("P", date(2024, 9, 15), "started", 0.3),
        ("P", date(2024, 9, 30), "started", 0.45),
    )
    assert row["previous_progress_share"] == 0.25
    assert row["previous_recorded_on"] == date(2024, 8, 31)
    assert row["progress_change_share"] == pytest.approx(0.2)
    assert row["missing_months_count"] == 0


def test_without_a_record_this_month_the_change_is_unknown_and_not_zero():
    row = one_state(("P", date(2024, 7, 31), "started", 0.1), ("P", date(2024, 8, 31), "started", 0.25))
    assert np.isnan(row["progress_change_share"])


def test_early_in_a_month_last_months_record_is_no_change_yet():
    rows = [("P", date(2024, 8, 31), "started", 0.1), ("P", date(2024, 9, 30), "started", 0.25)]
    row = one_state(*rows, as_of=date(2024, 10, 10))
    assert np.isnan(row["progress_change_share"])
    assert row["previous_progress_share"] == 0.25


def test_a_project_without_records_is_unknown_and_not_unstarted():
    row = one_state()
    assert row["state"] is None
    assert row["record_status"] == "none"
    assert np.isnan(row["progress_share"])
    assert pd.isna(row["went_back"])
    assert "状态未知" in row["reason_zh"]


@pytest.mark.parametrize(
    ("last", "as_of", "status"),
    [
        (date(2024, 9, 1), date(2024, 9, 30), "current"),  # September has ended and is reported
        (date(2024, 8, 31), date(2024, 9, 30), "stale"),  # September has ended without a record
        (date(2024, 8, 31), date(2024, 9, 29), "current"),  # September is still running
        (date(2024, 7, 31), date(2024, 9, 29), "stale"),  # August is missing
        (date(2023, 12, 31), date(2024, 1, 30), "current"),
        (date(2023, 12, 31), date(2024, 1, 31), "stale"),
    ],
)
def test_a_record_is_stale_when_the_last_ended_month_has_none(last, as_of, status):
    assert one_state(("P", last, "started", 0.5), as_of=as_of)["record_status"] == status


def test_a_project_handed_over_need_not_report_any_more():
    row = one_state(("P", date(2024, 2, 29), "completed", 1.0), ("P", date(2024, 3, 31), "handed_over", 1.0))
    assert (row["record_status"], row["missing_months_count"]) == ("current", 0)


def test_missing_months_are_counted_from_the_first_record_to_the_last_ended_month():
    # March and May reported; April, June, July, August, September missing.
    row = one_state(("P", date(2024, 3, 31), "started", 0.1), ("P", date(2024, 5, 31), "started", 0.2))
    assert row["missing_months_count"] == 5


@pytest.mark.parametrize(
    ("before", "after"), [(("started", 0.5), ("started", 0.4)), (("completed", 1.0), ("main_done", 1.0))]
)
def test_a_fall_in_state_or_percentage_is_flagged_and_needs_a_reason(before, after):
    first, last = ("P", date(2024, 8, 31), *before), ("P", date(2024, 9, 30), *after)
    silent, explained = one_state(first, last), one_state(first, (*last, "返工"))
    assert (silent["went_back"], silent["went_back_explained"], silent["setback_count"]) == (True, False, 1)
    assert (explained["went_back"], explained["went_back_explained"]) == (True, True)
    assert "未说明原因" in silent["reason_zh"]
    assert "返工" in explained["reason_zh"]
    assert (silent["unexplained_setback_count"], explained["unexplained_setback_count"]) == (1, 0)


def test_a_fall_made_good_since_stays_in_the_count_of_falls_only():
    row = one_state(
        ("P", date(2024, 7, 31), "started", 0.5),
        ("P", date(2024, 8, 31), "started", 0.4),
        ("P", date(2024, 9, 30), "started", 0.6),
    )
    assert (row["went_back"], row["setback_count"], row["unexplained_setback_count"]) == (False, 1, 1)
    assert "2024-08-31 进度倒退（50% → 40%），未说明原因" in row["reason_zh"]
    assert "on 2024-08-31 it fell back (50% to 40%), no reason given" in row["reason_en"]


def test_a_fall_shows_across_a_record_without_percentage():
    row = one_state(
        ("P", date(2024, 7, 31), "started", 0.5),
        ("P", date(2024, 8, 31), "started", None),
        ("P", date(2024, 9, 30), "started", 0.4),
    )
    assert bool(row["went_back"])


def test_of_two_records_on_one_day_the_less_advanced_is_used_and_told():
    rows = [("P", date(2024, 9, 30), "completed", 1.0), ("P", date(2024, 9, 30), "started", 0.8)]
    for order in (rows, rows[::-1]):
        row = one_state(*order)
        assert (row["state"], row["progress_share"], row["same_day_conflict"]) == ("started", 0.8, True)
    same = one_state(rows[0], rows[0])
    assert (same["state"], same["same_day_conflict"]) == ("completed", False)


@pytest.mark.parametrize(
    ("state", "share", "contradictory"),
    [("completed", 0.9, True), ("completed", 1.0, False), ("tendered", 0.1, True), ("tendered", 0.0, False)],
)
def test_a_state_and_a_percentage_that_exclude_each_other_are_told(state, share, contradictory):
    assert one_state(("P", AS_OF, state, share))["contradictory"] == contradictory


def test_money_adds_up_by_basis_to_the_day_and_unknown_is_not_zero():
    funds = pd.DataFrame(
        [
            ("P", "city", "planned", 100.0, None),
            ("P", "city", "received", 30.0, date(2024, 3, 1)),
            ("P", "residents", "received", 20.0, date(2024, 9, 30)),
            ("P", "city", "received", 7.0, date(2024, 10, 1)),
            ("P", "city", "paid", 60.0, date(2024, 9, 1)),
        ],
        columns=["project_id", "source", "basis", "amount_yuan", "recorded_on"],
    )
    row = project_states(projects(P="a"), pairs("P:A"), records(("P", AS_OF, "started", 0.1)), funds, as_of=AS_OF).loc[
        "P"
    ]
    assert (row["planned_yuan"], row["received_yuan"], row["paid_yuan"]) == (100, 50, 60)
    assert np.isnan(row["allocated_yuan"])
    assert "支付资金大于到位资金" in row["reason_zh"]


def test_a_project_adds_up_known_sizes_and_counts_the_unknown():
    town = communities(("A", "a", "main", 100, 9000.0), ("B", "a", "main", None, 1000.0))
    row = project_states(projects(P="a"), pairs("P:A P:B P:A"), records(), None, town, as_of=AS_OF).loc["P"]
    assert (row["community_count"], row["households"], row["households_unknown_count"]) == (2, 100, 1)
    assert (row["floor_area_m2"], row["floor_area_unknown_count"]) == (10000, 0)


def test_a_community_of_several_projects_has_started_with_the_first_and_is_completed_with_the_last():
    works = records(("P", AS_OF, "completed", 1.0), ("Q", AS_OF, "started", 0.3), ("R", AS_OF, "tendered", 0.0))
    links = pairs("P:A Q:A P:B Q:C R:C R:D S:E P:F S:F Q:G S:G")
    everyone = projects(P="a", Q="a", R="a", S="a")
    states = project_states(everyone, links, works, as_of=AS_OF)
    town = communities(*[(c, "a", "main", 10, 100.0) for c in "ABCDEFGH"])
    result = community_progress(town, links, states)
    assert dict(result["started"]) == dict(
        zip("ABCDEFGH", ["yes", "yes", "yes", "no", "unknown", "yes", "yes", "unknown"], strict=True)
    )
    # A, C: one of the projects is not done. F: P is done but S unknown. G: Q is not done, so no whatever S is.
    assert dict(result["completed"]) == dict(
        zip("ABCDEFGH", ["no", "yes", "no", "no", "unknown", "unknown", "no", "unknown"], strict=True)
    )
    assert result.loc["A", ["state", "progress_share", "project_ids"]].tolist() == ["started", 0.3, "P、Q"]
    assert result.loc["C", "state"] == "started"  # Q has started though R has not
    assert result.loc["F", "state"] is None
    assert check_layer(result, layer_schema("community_progress")) == []


TOWN = communities(
    ("A", "a", "main", 100, 8000.0),
    ("B", "a", "main", 50, 3000.0),
    ("C", "a", "supplement", None, 2000.0),
    ("D", "b", "main", 40, 4000.0),
    ("E", "b", "reserve", 70, 7000.0),
    ("F", None, "main", 10, 1000.0),
    ("G", "b", None, 5, 500.0),
)
LINKS = pairs("P:A P:B Q:B Q:C R:D")
WORKS = records(
    ("P", date(2024, 8, 31), "tendered", 0.0),
    ("P", AS_OF, "started", 0.3),
    ("Q", date(2024, 8, 31), "started", 0.9),
    ("Q", AS_OF, "completed", 1.0),
)


def town_units(**options):
    owners = projects(P="a", Q="a", R="b")
    states = project_states(owners, LINKS, WORKS, as_of=AS_OF)
    return quiet(units("a", "b", "c"), TOWN, owners, LINKS, states, as_of=AS_OF, **options)


def quiet(*layers, **options):
    """unit_progress where communities without a unit are part of the drawing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*不属于任何填报单位")
        return unit_progress(*layers, **options)


def test_what_no_unit_counts_is_warned_of():
    owners = projects(P="a", Q=None)
    states = project_states(owners, LINKS, WORKS, as_of=AS_OF)
    with pytest.warns(UserWarning, match="不属于任何填报单位") as caught:
        unit_progress(units("a", "b"), TOWN, owners, LINKS, states, as_of=AS_OF)
    texts = sorted(str(w.message) for w in caught)
    assert [text.rpartition(": ")[2] for text in texts] == ["F", "Q"]  # G is on no plan, E only in the reserve


def test_a_unit_counts_each_planned_community_once():
    row = town_units().loc["a"]
    assert (row["community_count"], row["started_count"], row["completed_count"]) == (3, 3, 1)
    assert (row["households"], row["households_unknown_count"]) == (150, 1)
    assert row["started_households"] == 150
    assert pd.isna(row["completed_households"])  # only C is completed and its households are unknown
    assert (row["floor_area_m2"], row["completed_floor_area_m2"]) == (13000, 2000)
    assert row["completed_share"] == pytest.approx(1 / 3)
    assert row["completed_floor_area_share"] == pytest.approx(2 / 13)


def test_newly_started_counts_what_last_month_had_not_started():
    row = town_units().loc["a"]
    # A starts with P this month; B had started with Q in August; C is completed this month.
    assert (row["newly_started_count"], row["newly_completed_count"]) == (1, 1)


def test_newly_started_keeps_its_unknowns():
    # P's only record is of this month, so whether it started this month nobody knows; R never reported at all.
    members = communities(*((name, "a", "main", 100, 8000.0) for name in "ABC"))
    works = records(
        ("P", AS_OF, "started", 0.3), ("Q", date(2024, 8, 31), "tendered", 0.0), ("Q", AS_OF, "started", 0.1)
    )
    owners = projects(P="a", Q="a", R="a")
    states = project_states(owners, pairs("P:A Q:B R:C"), works, as_of=AS_OF)
    row = unit_progress(units("a"), members, owners, pairs("P:A Q:B R:C"), states, as_of=AS_OF).loc["a"]
    assert (row["newly_started_count"], row["newly_started_unknown_count"]) == (1, 2)
    # A and B are surely not completed; of C it is not known.
    assert (row["newly_completed_count"], row["newly_completed_unknown_count"]) == (0, 1)


def test_a_unit_whose_projects_never_reported_has_unknown_rates():
    row = town_units().loc["b"]
    assert (row["community_count"], row["started_count"], row["start_unknown_count"]) == (1, 0, 1)
    assert np.isnan(row["started_share"])
    assert (row["project_count"], row["project_state_unknown_count"]) == (1, 1)
    assert row["plan_unknown_count"] == 1


@pytest.mark.parametrize("batches", ["absent", [None, None, None], ["main", None, "reserve"]])
def test_a_ledger_without_any_plan_batch_counts_every_community_and_says_so(batches):
    told = {"unit_code": ["a", "a", "b"], "households": [10, 20, 30]}
    if batches != "absent":
        told["plan_batch"] = pd.Series(batches, index=["A", "B", "C"], dtype="object")
    members = pd.DataFrame(told, index=["A", "B", "C"])
    works, owners = records(("P", AS_OF, "started", 0.3)), projects(P="a")
    states = project_states(owners, pairs("P:A"), works, as_of=AS_OF)
    lines = unit_progress(units("a", "b"), members, owners, pairs("P:A"), states, as_of=AS_OF)
    stated = batches == ["main", None, "reserve"]
    assert lines["counted"].tolist() == ["plan" if stated else "list"] * 2
    assert lines["community_count"].tolist() == ([1, 0] if stated else [2, 1])
    assert lines["plan_unknown_count"].tolist() == ([1, 0] if stated else [2, 1])
    assert lines["households"].tolist() == ([10, 0] if stated else [30, 30])


def test_a_unit_with_nothing_planned_has_a_row_of_zeros_and_no_rate():
    row = town_units().loc["c"]
    assert (row["community_count"], row["households"], row["floor_area_m2"], row["project_count"]) == (0, 0, 0, 0)
    assert (row["planned_yuan"], row["started_count"]) == (0, 0)
    assert np.isnan(row["started_share"])


def test_the_denominator_follows_the_plan_batches():
    assert town_units(plan_batches=("main",)).loc["a", "community_count"] == 2
    assert town_units(plan_batches=("reserve",)).loc["b", "community_count"] == 1
    with pytest.raises(ConfigError, match="plan_batches"):
        town_units(plan_batches=("mian",))


def test_a_subdistrict_also_counts_for_its_county_and_a_special_area_does_not():
    places = units("a", "z", s="a")
    places.loc["z", ["level", "parent_code"]] = ["special", "a"]
    town = communities(("A", "s", "main", 10, 1.0), ("B", "z", "main", 20, 1.0), ("C", "a", "main", 40, 1.0))
    states = project_states(projects(), pairs(""), records(), as_of=AS_OF)
    table = unit_progress(places, town, projects(), pairs(""), states, as_of=AS_OF)
    assert table["households"].to_dict() == {"a": 50, "s": 10, "z": 20}


def test_money_of_a_unit_is_that_of_its_projects_and_unknown_ones_are_counted():
    owners = projects(P="a", Q="a", R="b")
    funds = pd.DataFrame(
        [("P", "city", "planned", 100.0), ("P", "county", "planned", 50.0)],
        columns=["project_id", "source", "basis", "amount_yuan"],
    )
    states = project_states(owners, LINKS, WORKS, funds, as_of=AS_OF)
    table = quiet(units("a", "b"), TOWN, owners, LINKS, states, funds=funds, as_of=AS_OF)
    assert table["planned_yuan"].tolist()[0] == 150
    assert np.isnan(table.loc["b", "planned_yuan"])
    assert table["planned_unknown_project_count"].tolist() == [1, 1]
    assert np.isnan(table.loc["a", "paid_yuan"])


def test_the_plan_table_has_every_unit_the_unassigned_and_an_independent_total():
    states = project_states(projects(P="a", Q="a", R="b"), LINKS, WORKS, as_of=AS_OF)
    table = plan_progress(units("a", "b", "c"), TOWN.assign(plan_year=2024), LINKS, states)
    main = table[table["plan_version"] == "2024-main"].set_index("unit_code")
    assert main["community_count"].to_dict() == {"a": 2, "b": 1, "c": 0, "unassigned": 1, "total": 4}
    assert main.loc["total", "households"] == 200
    assert main.loc["total", "floor_area_per_household_m2"] == pytest.approx(16000 / 200)
    assert main.loc["total", "name"] == "合计"
    assert set(table["plan_version"]) == {"2024-main", "2024-supplement", "2024-reserve", "2024-unknown"}
    assert check_layer(table, layer_schema("plan_progress")) == []
    assert "2024-supplement/unassigned" not in table.index  # nothing without a unit: no line


def random_city(seed):
    rng = np.random.default_rng(seed)
    owners = projects(**{f"P{i:02d}": rng.choice(["a", "b", "c", "d"]) for i in range(15)})
    names = [f"C{i:02d}" for i in range(30)]
    links = pairs(" ".join(f"P{rng.integers(15):02d}:{rng.choice(names)}" for _ in range(45)))
    works = [
        (f"P{p:02d}", date(2024, m, int(rng.integers(1, 28))), rng.choice(STATE_ORDER), round(float(rng.random()), 2))
        for p in range(13)
        for m in range(4, 11)
        if rng.random() < 0.6
    ]
    town = communities(
        *[
            (
                name,
                rng.choice(np.array(["a", "b", "c", "s", None], dtype=object)),
                rng.choice(np.array(["main", "supplement", "reserve", None], dtype=object)),
                int(rng.integers(10, 400)) if rng.random() < 0.8 else None,
                float(rng.integers(1000, 30000)) if rng.random() < 0.8 else None,
            )
            for name in names
        ]
    )
    funds = pd.DataFrame(
        [
            (
                f"P{rng.integers(15):02d}",
                "city",
                str(rng.choice(["planned", "received", "paid"])),
                float(rng.integers(1, 99)),
            )
            for _ in range(40)
        ],
        columns=["project_id", "source", "basis", "amount_yuan"],
    )
    return units("a", "b", "c", "d", s="a"), owners, links, records(*works), town, funds


def run(city, as_of=AS_OF):
    places, owners, links, works, town, funds = city
    states = project_states(owners, links, works, funds, town, as_of=as_of)
    return (
        states,
        quiet(places, town, owners, links, states, funds=funds, as_of=as_of),
        plan_progress(places, town, links, states),
    )


def counted_by_hand(city, code):
    """Started and completed planned communities of one unit, from dictionaries and loops alone."""
    places, _, links, works, town, _ = city
    latest = {}
    for row in works.sort_values("recorded_on").itertuples():
        if row.recorded_on <= AS_OF:
            latest[row.project_id] = STATE_ORDER.index(row.state)
    started = completed = households = 0
    for name, row in town.iterrows():
        at_home = row["unit_code"] == code or (
            row["unit_code"] in places.index
            and places.loc[row["unit_code"], "level"] == "subdistrict"
            and places.loc[row["unit_code"], "parent_code"] == code
        )
        if not at_home or row["plan_batch"] not in ("main", "supplement"):
            continue
        ranks = [latest.get(p) for p in set(links["project_id"][links["community_id"] == name])]
        begun = any(r is not None and r >= STATE_ORDER.index("started") for r in ranks)
        started += begun
        completed += bool(ranks) and all(r is not None and r >= STATE_ORDER.index("completed") for r in ranks)
        households += row["households"] if begun and pd.notna(row["households"]) else 0
    return started, completed, households


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_unit_counts_equal_a_count_by_loops(seed):
    city = random_city(seed)
    table = run(city)[1]
    for code, row in table.iterrows():
        started, completed, households = counted_by_hand(city, code)
        assert (row["started_count"], row["completed_count"]) == (started, completed)
        assert (0 if pd.isna(row["started_households"]) else row["started_households"]) == households


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_the_total_line_equals_the_lines_above_it(seed):
    table = run(random_city(seed))[2]
    # s is a subdistrict of a and already inside a's line.
    parts = table[~table["unit_code"].isin(["total", "s"])]
    totals = table[table["unit_code"] == "total"].set_index("plan_version")
    for name in ("community_count", "started_count", "completed_count", "households_unknown_count", "no_project_count"):
        assert parts.groupby("plan_version")[name].sum().to_dict() == totals[name].to_dict()
    for name in ("households", "floor_area_m2", "started_households"):
        sums = parts[name].astype("float64").fillna(0).groupby(parts["plan_version"]).sum()
        np.testing.assert_allclose(sums, totals[name].astype("float64").fillna(0).reindex(sums.index))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_row_order_changes_nothing(seed):
    city = random_city(seed)
    shuffled = tuple(layer.sample(frac=1, random_state=seed) for layer in city)
    for mine, theirs in zip(run(city), run(shuffled), strict=True):
        assert_frame_equal(pd.DataFrame(mine), pd.DataFrame(theirs))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.integers(0, 120))
def test_with_records_that_never_fall_back_progress_grows_with_time(seed, days):
    places, owners, links, works, town, funds = random_city(seed)
    works = works.sort_values(["project_id", "recorded_on"])
    ranks = works["state"].map(STATE_ORDER.index).groupby(works["project_id"]).cummax()
    works = works.assign(state=ranks.map(dict(enumerate(STATE_ORDER))))
    city = (places, owners, links, works, town, funds)
    early, late = (run(city, day)[1] for day in (date(2024, 5, 31), date(2024, 5, 31) + datetime.timedelta(days)))
    assert (late["started_count"] >= early["started_count"]).all()
    assert (late["completed_count"] >= early["completed_count"]).all()


@pytest.mark.parametrize("seed", [31, 32])
def test_results_keep_their_schemas_and_inputs_stay_as_they_were(seed):
    city = random_city(seed)
    before = [layer.copy() for layer in city]
    for table, name in zip(run(city), ("project_states", "unit_progress", "plan_progress"), strict=True):
        schema = layer_schema(name)
        assert check_layer(table, schema) == []
        assert [schema.key, *table.columns.drop("geometry", errors="ignore")] == list(schema.fields)
        assert table.index.is_monotonic_increasing
    for layer, old in zip(city, before, strict=True):
        assert_frame_equal(pd.DataFrame(layer), pd.DataFrame(old))


def test_the_chain_of_states_is_the_one_the_records_may_hold():
    assert list(layer_schema("works_records").fields["state"].values) == list(STATE_ORDER)


def test_empty_tables_give_the_same_columns():
    city = random_city(1)
    full = run(city)
    for empty in ((0,), (1, 2, 3, 5), (2,), (3,), (4,), (5,), (0, 1, 2, 3, 4, 5)):
        layers = tuple(layer.iloc[:0] if i in empty else layer for i, layer in enumerate(city))
        for got, expected in zip(run(layers), full, strict=True):
            assert list(got.columns) == list(expected.columns)
            assert {n: str(t) for n, t in got.dtypes.items()} == {n: str(t) for n, t in expected.dtypes.items()}


def test_bare_tables_without_optional_columns_count_as_unknown():
    places, owners, links, works, town, _ = random_city(2)
    bare = (
        places[["name", "geometry"]],
        owners[["name"]],
        links,
        works[["project_id", "recorded_on", "state"]],
        town[[]].assign(name="x"),
        None,
    )
    _, by_unit, by_plan = run(bare)
    assert by_unit["community_count"].sum() == 0
    assert by_plan.loc["unknown-unknown/total", "community_count"] == len(town)
    assert by_plan.loc["unknown-unknown/unassigned", "households_unknown_count"] == len(town)


def test_the_sample_citys_planted_fall_is_told_in_its_month_and_after():
    city = make_city(layers=("communities", "projects", "project_communities", "works_records"))
    tables = [city[name] for name in ("projects", "project_communities", "works_records")]
    (fallen,) = situation("progress_backward").ids
    row = project_states(*tables, as_of=date(2024, 8, 31)).loc[fallen]
    assert (row["went_back"], row["went_back_explained"], row["progress_share"]) == (True, False, 0.45)
    later = project_states(*tables, as_of=AS_OF).loc[fallen]
    assert (later["went_back"], later["unexplained_setback_count"]) == (False, 1)
    assert "2024-08-31 进度倒退（60% → 45%），未说明原因" in later["reason_zh"]


def test_the_sample_citys_plan_totals_are_the_plans():
    city = make_city(layers=("communities", "projects", "project_communities", "works_records", "reporting_units"))
    tables = [city[name] for name in ("projects", "project_communities", "works_records")]
    states = project_states(*tables, as_of=AS_OF)
    table = plan_progress(city["reporting_units"], city["communities"], city["project_communities"], states)
    main = table.loc["2024-main/total"]
    # 淮旧改办〔2024〕6号: 100 communities, 22,595 households, 173.51 万 m².
    assert (main["community_count"], main["households"]) == (100, 22_595)
    assert main["floor_area_m2"] == pytest.approx(1_735_100, abs=50)


def test_ids_that_are_numbers_join_as_text_and_forgotten_ones_are_refused():
    owners = projects(P="a", Q="a")
    plain = owners.reset_index(drop=True)
    links = pd.DataFrame({"project_id": [0, 1], "community_id": [7.0, 7.0]})
    told = records((0, date(2024, 8, 31), "tendered", 0.0), (1, AS_OF, "started", 0.2))
    money = pd.DataFrame({"project_id": [1], "basis": ["paid"], "amount_yuan": [5.0]})
    town = pd.DataFrame({"unit_code": [340402], "plan_batch": ["main"], "households": [10]}, index=[7])
    states = project_states(plain, links, told, money, town, as_of=AS_OF)
    assert states["state"].to_dict() == {"0": "tendered", "1": "started"}
    assert (states.loc["1", "paid_yuan"], states.loc["0", "households"]) == (5, 10)
    assert community_progress(town, links, states)["project_ids"].to_dict() == {"7": "0、1"}
    places = units("a").set_axis([340402])
    lines = quiet(places, town, plain.assign(unit_code=340402), links, states, as_of=AS_OF)
    assert lines.loc["340402", ["community_count", "started_count", "project_count"]].tolist() == [1, 1, 2]
    assert plan_progress(places, town, links, states).loc["unknown-main/340402", "started_count"] == 1
    with pytest.raises(DataError, match="set_index"):
        project_states(owners.reset_index(), links, told, as_of=AS_OF)
