"""Small counts cannot be computed from what is published: not from totals, shares, sentences or two editions."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import shapely
from drawn_city import layers, publish_city
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from gis_renovation.maps.tiles import layer as tiles
from gis_renovation.publish.disclosure import counts
from gis_renovation.publish.disclosure.counts import (
    counts_shown,
    withheld_reasons,
    withhold_small_counts,
)
from gis_renovation.publish.disclosure.earlier import settled
from gis_renovation.publish.disclosure.record import Record, merged, read_record, write_record
from gis_renovation.publish.disclosure.totals import Total, withhold_parts
from gis_renovation.publish.leaks import tiles as publish_tiles
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.site import MAP
from gis_renovation.sentences import sentence_facts, with_sentences
from gis_renovation.words import Sentence, Text


def parts(values, *totals, k=5, known=(), fixed=()):
    """Which parts and which totals are withheld; totals are tuples of positions."""
    numbers = np.array(values, dtype=float)
    hidden = (numbers > 0) & (numbers < k)
    made = [
        Total("t", "c", at, np.array(members, dtype=np.int64), fixed=at in fixed) for at, members in enumerate(totals)
    ]
    out, gone = withhold_parts(numbers, hidden, np.isin(np.arange(len(numbers)), known), made, k)
    return np.flatnonzero(out).tolist(), sorted(gone)


def test_a_small_count_takes_the_next_smallest_of_its_total_with_it():
    """3 alone could be read off as total minus the rest; 40 hides it."""
    assert parts([3, 200, 40, 100], (0, 1, 2, 3)) == ([0, 2], [])


def test_zero_and_unknown_are_no_small_counts():
    assert parts([0, np.nan, 5, 60], (0, 1, 2, 3)) == ([], [])


def test_two_small_counts_that_together_stay_small_take_a_third():
    assert parts([1, 2, 50, 60], (0, 1, 2, 3)) == ([0, 1, 2], [])


def test_a_total_with_nobody_to_hide_behind_is_withheld():
    assert parts([3, 200], (0,), (1,)) == ([0], [0])


def test_without_a_total_there_is_nothing_to_read_it_off():
    assert parts([3, 200]) == ([0], [])


def test_one_total_less_another_does_not_give_it_back():
    """The county holds 3, 40 and 50, the zone 40 and 50: county less zone is 3 although neither alone tells it.

    With 3 and 40 withheld the zone still shows 40 by its open 50, so 50 goes too, and then the zone itself.
    """
    withheld, gone = parts([3, 40, 50], (0, 1, 2), (1, 2))
    assert 0 in withheld
    assert gone == [1] or withheld == [0]
    assert not computable([3, 40, 50], withheld, [(0, 1, 2), (1, 2)], gone)


def test_a_value_known_from_elsewhere_is_nothing_to_hide_behind():
    assert parts([3, 40, 50], (0, 1, 2), known=(1,)) == ([0, 2], [])
    assert parts([3, 40], (0, 1), known=(1,)) == ([0], [0])


def test_an_announced_total_stays_and_more_parts_go():
    assert parts([3, 40, 60], (0, 1), (0, 1, 2), fixed=(0, 1)) == ([0, 1], [])


def computable(values, withheld, totals, gone, k=5):
    """Small parts that exact arithmetic finds from the totals left: a unit vector in the row space, by fractions."""
    rows = [
        [Fraction(int(part in members)) for part in withheld] for at, members in enumerate(totals) if at not in gone
    ]
    small = [at for at, part in enumerate(withheld) if 0 < values[part] < k]
    return [
        withheld[at]
        for at in small
        if rank(rows) == rank([*rows, [Fraction(int(at == j)) for j in range(len(withheld))]])
    ]


def rank(rows):
    rows, found = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((at for at in range(found, len(rows)) if rows[at][column] != 0), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for at in range(found + 1, len(rows)):
            factor = rows[at][column] / rows[found][column]
            rows[at] = [a - factor * b for a, b in zip(rows[at], rows[found], strict=True)]
        found += 1
    return found


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=9),
    st.lists(st.sets(st.integers(0, 8), min_size=1), max_size=6),
    st.integers(2, 8),
)
@settings(max_examples=200, deadline=None)
def test_no_combination_of_totals_gives_a_small_count_back(values, totals, k):
    members = [tuple(sorted(at for at in total if at < len(values))) for total in totals]
    members = [total for total in members if total]
    withheld, gone = parts(values, *members, k=k)
    assert {at for at, value in enumerate(values) if 0 < value < k} <= {*withheld}, "every small count is withheld"
    assert computable(values, withheld, members, gone, k) == []
    for at, total in enumerate(members):
        rest = sum(values[part] for part in total if part in withheld)
        assert at in gone or rest == 0 or rest >= k, "a total less its open parts is a sum of at least k"


def greatest(values, withheld, totals, gone, part):
    """The most a withheld part may be for a reader: whole numbers from 1, by a solver of integer programs.

    All parts are unknowns here, open ones pinned by their bounds; nothing of the program's own matrix is used.
    """
    low = np.array([1.0 if at in withheld else value for at, value in enumerate(values)])
    high = np.array([np.inf if at in withheld else value for at, value in enumerate(values)])
    rows = [[float(at in members) for at in range(len(values))] for at, members in enumerate(totals) if at not in gone]
    sums = [float(sum(values[at] for at in members)) for at, members in enumerate(totals) if at not in gone]
    held = [LinearConstraint(np.array(rows), sums, sums)] if rows else []
    aim = -np.eye(len(values))[part]
    # A finite bound far above every sum, for the solver knows no infinite integer.
    solved = milp(aim, constraints=held, bounds=Bounds(low, np.minimum(high, 1000.0)), integrality=np.ones(len(values)))
    assert solved.success
    return round(-solved.fun)


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=8),
    st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=5), max_size=7),
    st.integers(2, 6),
)
@settings(max_examples=150, deadline=None)
def test_a_reader_with_a_solver_cannot_bound_any_small_count_below_k(values, totals, k):
    members = [tuple(sorted(at for at in total if at < len(values))) for total in totals]
    members = [total for total in members if total]
    withheld, gone = parts(values, *members, k=k)
    for part in withheld:
        if 0 < values[part] < k:
            assert greatest(values, {*withheld} - {at for at in withheld if values[at] == 0}, members, gone, part) >= k


def test_two_totals_that_bound_a_count_without_telling_it_are_found():
    """14 - 18 + 9 = 5 = first + twice the third: no sum is below 5 and none tells a part, yet the third is at most 2."""
    values, totals = [3, 10, 1, 8], [(0, 1, 2), (1, 3), (2, 3)]
    assert greatest(values, {0, 1, 2, 3}, totals, [], 2) == 2, "if all four parts are withheld"
    withheld, gone = parts(values, *totals)
    assert greatest(values, {*withheld}, totals, gone, 0) >= 5
    assert greatest(values, {*withheld}, totals, gone, 2) >= 5


@given(st.permutations(range(5)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_totals_decides_no_part(order):
    totals = [(0, 1, 2), (0, 3, 4), (0, 1, 2, 3, 4), (2, 4), (1, 3)]
    assert parts([3, 40, 40, 90, 20], *(totals[at] for at in order))[0][:1] == [0]


# --- a whole edition ------------------------------------------------------------------------------


def city(households=(3, 350, 400, 450, 500, 550, 600, 650, None)):
    """The drawn city with counted lines; ids C1 to C3 are zone Z-C1, all are in county 340403."""
    made = layers()
    numbers = pd.array(list(households), dtype="Int64")
    made["communities"]["households"] = numbers
    made["communities"]["plan_batch"] = "main"
    by_zone = made["communities"]["households"].groupby(made["zone_members"]["zone_id"]).sum()
    made["zones"]["households"] = by_zone.reindex(made["zones"].index).astype(float)
    made["zones"]["why_zh"] = [f"合计 {int(n):,} 户" for n in made["zones"]["households"]]
    made["unit_progress"] = pd.DataFrame(
        {"name": ["田家庵区"], "households": [int(pd.Series(numbers).sum())], "started_households_share": [0.5]},
        index=pd.Index(["340403"], name="unit_code"),
    )
    return made


def edition(made, k=5, *, before=None):
    return withhold_small_counts(made, made, k, before=None if before is None else settled(before, made, k))


def told(frames, gone, made, before=None, k=5):
    return counts_shown(frames, gone, settled(before or Record(), made, k), made, k)


def test_nothing_small_nothing_withheld():
    assert edition(city((5, 6, 7, 8, 9, 10, 11, 12, 0)))[1] == {}


def test_each_cell_withheld_has_its_reason():
    """C1 has 3; C2 hides it in the sums; C8 was withheld before; the line's 4 households take their share along."""
    made = city()
    made["unit_progress"]["households"] = [4]
    made["zones"]["why_zh"] = ["3 户", "无"]
    before = Record(said={"communities": {"households": {"C8": None, "C9": 7.0}}})
    _, gone = edition(made, before=before)
    why = withheld_reasons(made, gone, 5, before=before)
    counts = why["communities"]["households"]
    assert counts["small"] == ["C1"]
    assert counts["before"] == ["C8"]
    assert "C2" in counts["computable"]
    assert why["unit_progress"] == {
        "households": {"small": ["340403"]},
        "started_households_share": {"ratio": ["340403"]},
    }
    assert why["zones"]["why_zh"] == {"sentence": ["Z-C1"]}
    told = {
        layer: {column: sorted(key for keys in reasons.values() for key in keys) for column, reasons in columns.items()}
        for layer, columns in why.items()
    }
    assert told == gone, "every cell once"


def test_a_single_communitys_zone_loses_its_total_and_its_sentence():
    made = city()
    made["zone_members"].loc[["C2", "C3"], "zone_id"] = "Z-C4"
    made["zones"]["households"] = [3.0, 3500.0]
    made["zones"]["why_zh"] = ["仅龙湖新村一个小区，3 户", "合计 3,500 户"]
    frames, gone = edition(made)
    # The announced total of the plan less the other zone's 3,500 is 3 as well, so that one goes too.
    assert gone["zones"] == {"households": ["Z-C1", "Z-C4"], "why_zh": ["Z-C1", "Z-C4"]}
    assert frames["zones"]["why_zh"].isna().all()
    assert gone["communities"]["households"] == ["C1", "C2"], "the county's total would give 3 back"


@pytest.mark.parametrize(
    "text",
    [
        "共 3 户",
        "3户居民",
        "1,203 户中的 4 人",
        "only 2 households",
        "户数约 3",
        "共约 3 户",
        "households would reach about 3, above",
    ],
)
def test_a_sentence_with_a_small_count_is_withheld(text):
    made = city((300, 350, 400, 450, 500, 550, 600, 650, None))
    made["zones"]["why_zh"] = ["无", text]
    assert edition(made)[1] == {"zones": {"why_zh": ["Z-C4"]}}


@pytest.mark.parametrize("text", ["共 300 户", "3 个小区", "13 户", "2.3 户均", "3 人行天桥", "C3 户外"])
def test_other_numbers_are_left_alone(text):
    made = city((300, 350, 400, 450, 500, 550, 600, 650, None))
    made["zones"]["why_zh"] = text
    assert edition(made)[1] == {}


def test_a_sum_of_another_making_than_thought_is_withheld_whole():
    made = city()
    made["zones"]["households"] += 7.0
    assert edition(made)[1]["zones"]["households"] == ["Z-C1", "Z-C4"]


def test_a_share_goes_with_its_count():
    made = city()
    made["unit_progress"]["households"] = [4]
    gone = edition(made)[1]["unit_progress"]
    assert gone == {"households": ["340403"], "started_households_share": ["340403"]}


def test_totals_are_protected_although_the_communities_themselves_are_not_published():
    """The reader sees county and zones only, and the announced total; that less one zone is the other, which has 3."""
    made = city((3, None, None, 450, 500, 550, 600, 650, None))
    shown = {name: made[name] for name in ("zones", "unit_progress")}
    _, gone = withhold_small_counts(shown, made, 5)
    assert gone == {"zones": {"households": ["Z-C1", "Z-C4"], "why_zh": ["Z-C1", "Z-C4"]}}


def test_started_households_do_not_tell_those_not_started():
    """Eight communities have started, the ninth has 3 households: the line's total less the started ones is 3."""
    made = city((300, 350, 400, 450, 500, 550, 600, 650, 3))
    made["community_progress"] = pd.DataFrame(
        {"started": ["yes"] * 8 + ["no"]}, index=pd.Index([f"C{n}" for n in range(1, 10)], name="community_id")
    )
    made["unit_progress"]["started_households"] = [3800]
    _, gone = edition(made)
    assert "C9" in gone["communities"]["households"]
    assert gone["unit_progress"]["started_households"] == ["340403"]


@pytest.mark.parametrize("text", ["并入后户数达 2,753 户", "households would reach 2,753", "户数 2753"])
def test_a_sentence_with_a_sum_that_no_cell_of_its_row_states_is_withheld(text):
    """C9 has 3; its neighbour Z-C4 holds 2,750 and says what it would hold with C9: the difference is 3."""
    made = city((300, 350, 400, 450, 500, 550, 600, 650, 3))
    made["zone_members"].loc["C9", "zone_id"] = None
    made["zones"]["why_zh"] = ["合计 1,050 户，低于下限 1,200 户", f"合计 2,750 户；{text}"]
    made["zones"]["households"] = [1050.0, 2750.0]
    frames, gone = edition(made)
    assert frames["zones"]["households"]["Z-C4"] == 2750.0
    assert "Z-C4" in gone["zones"]["why_zh"]


def test_what_a_row_states_and_limits_may_stand_in_its_sentences():
    made = city((300, 350, 400, 450, 500, 550, 600, 650, 3))
    made["zones"]["households"] = [1050.0, 2753.0]
    made["zones"]["why_zh"] = ["无", "合计 2,753 户；户数 2,753 户，接近上限 2,800 户"]
    frames, gone = edition(made)
    assert frames["zones"]["households"]["Z-C4"] == 2753.0
    assert "why_zh" not in gone.get("zones", {})


def test_a_sentence_cannot_stand_in_for_a_column_of_counts_that_is_not_listed():
    """Zones leave without their households, but why they are one says 753: less the open 350 and 400 that is 3."""
    made = city()
    shown = made | {"zones": made["zones"].drop(columns="households")}
    assert withhold_small_counts(shown, made, 5)[1]["zones"] == {"why_zh": ["Z-C1", "Z-C4"]}


def told_by_the_program(made, *sentences):
    """The zones with the program's own sentences, which know what they tell."""
    return made | {
        "zones": with_sentences(made["zones"].drop(columns=["why_zh", "why_en"], errors="ignore"), "why", sentences)
    }


PLAIN = Sentence(Text("无", "none"))


@pytest.mark.parametrize(
    "hidden",
    [
        Sentence(Text("仅三户", "three of them"), counts=(3,)),
        Sentence(Text("其中独居者３名", "3 of them live alone"), counts=(3,)),
        Sentence(Text("投资约一千二百万", "some twelve million"), money_yuan=(12e6,)),
    ],
    ids=range(3),
)
def test_what_a_sentence_tells_in_words_no_pattern_knows_is_withheld_by_its_record(hidden):
    """The words state no number that could be read; the record does."""
    made = city((300, 350, 400, 450, 500, 550, 600, 650, None))
    assert edition(made | {"zones": made["zones"].assign(why_zh=["无", hidden.zh])})[1] == {}, "nobody could read it"
    assert edition(told_by_the_program(made, PLAIN, hidden))[1]["zones"]["why_zh"] == ["Z-C4"]


@pytest.mark.parametrize("text", ["每栋不少于 3 户方可成片", "按 3 户居民一个车位配建"])
def test_a_number_of_the_settings_is_nobodys_count_though_it_reads_like_one(text):
    made = city((300, 350, 400, 450, 500, 550, 600, 650, None))
    assert edition(made | {"zones": made["zones"].assign(why_zh=["无", text])})[1]["zones"] == {"why_zh": ["Z-C4"]}
    assert edition(told_by_the_program(made, PLAIN, Sentence(Text(text, "no count"))))[1] == {}


def test_a_count_of_the_record_that_is_withheld_elsewhere_takes_its_sentence_along():
    made = told_by_the_program(city(), Sentence(Text("邻居三百五", "the neighbour"), counts=(350,)), PLAIN)
    assert edition(made)[1]["zones"]["why_zh"] == ["Z-C1"]


@pytest.mark.parametrize("lost", ["keys", "twins", "names"])
def test_where_the_keys_of_a_record_are_lost_the_words_are_read(lost):
    """The record says nothing of row “1”; that is no leave for its words."""
    made = told_by_the_program(city((300, 350, 400, 450, 500, 550, 600, 650, None)), PLAIN, PLAIN)
    zones = made["zones"].assign(why_zh=["无", "共 3 户"])
    whole = {"twins": zones.set_axis(["Z-C4", "Z-C4"]).rename_axis("zone_id"), "names": zones.rename_axis("z")}
    shown = zones.reset_index(drop=True) if lost == "keys" else zones
    _, gone = withhold_small_counts(made | {"zones": shown}, made | {"zones": whole.get(lost, zones)}, 5)
    assert len(gone["zones"]["why_zh"]) == 1


def test_no_sentence_of_the_sample_says_a_count_or_money_that_its_record_does_not_know(sample_run):
    """The words are read only here, to hold the records against them: a number left out of one would leave."""
    checked = 0
    for layer, frame in sample_run.layers.items():
        for column in (
            [str(c) for c in frame.columns if str(c).endswith(("_zh", "_en"))] if hasattr(frame, "columns") else []
        ):
            facts = sentence_facts(frame, column)
            for key, text in frame[column].items() if facts is not None else ():
                told, read = facts.get(str(key)), counts.read_words(text)
                assert read.counts <= set(told.counts if told else ()), (layer, column, key, text)
                assert not read.money or (told and told.money_yuan), (layer, column, key, text)
                checked += 1
    assert checked > 20


@pytest.mark.parametrize("text", ["估算投资 1,234.50 万元，接近上限", "estimated cost would reach 5,000 yuan"])
def test_a_sentence_with_money_is_withheld_for_no_column_of_money_is_public(text):
    made = city((300, 350, 400, 450, 500, 550, 600, 650, None))
    made["zones"]["why_zh"] = ["无", text]
    assert edition(made)[1] == {"zones": {"why_zh": ["Z-C4"]}}


def lines(households, completed, **columns):
    """The drawn city; only the last community is completed, and its line tells the share of it."""
    made = city(households)
    made["community_progress"] = pd.DataFrame(
        {"completed": ["no"] * 8 + ["yes"]}, index=pd.Index([f"C{n}" for n in range(1, 10)], name="community_id")
    )
    whole = float(sum(households))
    made["unit_progress"] = pd.DataFrame(
        {"households": [whole], "completed_households": [completed], "completed_households_share": [completed / whole]},
        index=pd.Index(["340403"], name="unit_code"),
    ).assign(**columns)
    return made


def test_a_share_of_an_open_total_does_not_tell_a_small_part_whose_column_is_not_listed():
    """3 of 3,803 households are completed: the share times the total is 3 although nobody listed the part."""
    made = lines((300, 350, 400, 450, 500, 550, 600, 650, 3), 3.0)
    shown = made | {"unit_progress": made["unit_progress"].drop(columns="completed_households")}
    frames, gone = withhold_small_counts(shown, made, 5)
    assert gone["unit_progress"]["completed_households_share"] == ["340403"]
    assert "completed_households" not in frames["unit_progress"].columns
    assert "completed_households" not in gone["unit_progress"]
    large = lines((300, 350, 400, 450, 500, 550, 600, 650, 300), 300.0)
    shown = large | {"unit_progress": large["unit_progress"].drop(columns="completed_households")}
    assert withhold_small_counts(shown, large, 5)[1] == {}


def test_an_average_over_an_open_area_does_not_tell_a_small_count():
    """12,000 m² at 4,000 m² a household are 3 households."""
    made = city((3, 350, 400, 450, 500, 550, 600, 650, None))
    line = {"floor_area_m2": [12_000.0], "floor_area_per_household_m2": [4000.0], "households": [3]}
    made["plan_progress"] = pd.DataFrame(line, index=pd.Index(["2024-main/340403"], name="plan_line_id"))
    shown = made | {"plan_progress": made["plan_progress"].drop(columns="households")}
    gone = withhold_small_counts(shown, made, 5)[1]
    assert gone["plan_progress"] == {"floor_area_per_household_m2": ["2024-main/340403"]}


def numbers_in(value):
    """Every number anywhere in a nested block."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for inner in value for number in numbers_in(inner)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


@pytest.mark.parametrize("tiled", [False, True])
def test_no_legend_class_table_or_county_shade_of_the_map_knows_a_withheld_count(tmp_path, monkeypatch, tiled):
    """C1 has 3 households, C2 hides it with 3,571: neither number is in any block of the page or in any tile."""
    made = city((3, 3571, 3600, 3650, 3700, 3750, 3800, 3850, None))
    if tiled:
        monkeypatch.setattr(tiles, "PAGE_FEATURES", 5)
    profile = read_profile(tmp_path, "public")
    target = tmp_path / "maps" / "public"
    publish_city(made, profile, target)
    page = (target / MAP).read_text(encoding="utf-8")
    blocks = re.findall(r'<script type="application/json" id="(?:layer|settings)[^"]*">(.*?)</script>', page, re.DOTALL)
    columns = [
        column
        for block in map(json.loads, blocks)
        for own in [block, *block.get("related", [])]
        for column in own.get("columns", [])
        if "households" in column["name"] or column.get("unit") == "户"
    ]
    assert columns
    assert not {3.0, 3571.0} & {number for column in columns for number in numbers_in(column.get("data"))}
    archives = [archive for path in sorted(target.rglob("*.pmtiles")) for archive in publish_tiles.archives_of(path)]
    assert bool(archives) == tiled
    assert not any(b"3571" in publish_tiles.archive_text(archive, lambda _: ()) for archive in archives)
    assert json.loads((target / "publish.json").read_text(encoding="utf-8"))["withheld_counts"]["communities"]
    for path in target.rglob("*.html"):
        if path.name != MAP:
            assert "3,571" not in path.read_text(encoding="utf-8"), path.name


# --- two editions ---------------------------------------------------------------------------------


def test_what_was_withheld_stays_withheld_though_another_would_now_do():
    """In the first month C2 hides C1. Next month C3 is the smallest; were C2 now shown, the first month's total tells C1."""
    first, gone = edition(city())
    said = told(first, gone, city())
    assert gone["communities"]["households"] == ["C1", "C2"]
    later = edition(city((3, 350, 300, 450, 500, 550, 600, 650, None)), before=said)[1]
    assert {"C1", "C2"} <= {*later["communities"]["households"]}


def test_a_part_shown_last_month_cannot_hide_one_that_became_small():
    """All were shown; now C1 has 3 and C2 is as before: zone less C2 and C3, both known, would be 3."""
    first, gone = edition(city((300, 350, 400, 450, 500, 550, 600, 650, None)))
    said = told(first, gone, city((300, 350, 400, 450, 500, 550, 600, 650, None)))
    assert gone == {}
    later = edition(city(), before=said)[1]
    assert later["zones"]["households"] == ["Z-C1"]
    assert later["unit_progress"]["households"] == ["340403"]


def test_a_new_small_community_is_not_last_months_total_less_this_months():
    """C1 with 3 hides behind C2; next month C9 with 4 joins: the county has 4 more, and nothing else has changed."""
    first, gone = edition(city((3, 350, 400, 450, 500, 550, 600, 650, 0)))
    assert gone["communities"]["households"] == ["C1", "C2"]
    before = city((3, 350, 400, 450, 500, 550, 600, 650, 0))
    said = told(first, gone, before)
    assert said.sums == {("C1", "C2"): 353.0}
    now = city((3, 350, 400, 450, 500, 550, 600, 650, 4))
    frames, gone = edition(now, before=said)
    # All that readers have: last month C1 + C2 = 353; this month the county's total less what is open.
    hidden = set(gone["communities"]["households"])
    assert "C9" in hidden
    county = frames["unit_progress"]["households"].iloc[0]
    assert pd.isna(county) or hidden - {"C1", "C2", "C9"}, "else the county less 353 and the open ones is 4"
    zone = frames["zones"]["households"]["Z-C4"]
    assert pd.isna(zone) or hidden - {"C1", "C2", "C9"}, "else the zone less its open ones is 4"


def test_the_record_holds_no_withheld_value_and_no_corner_that_was_not_published(tmp_path):
    made = city()
    frames, gone = edition(made)
    frames["communities"] = frames["communities"].assign(geometry=made["communities"].geometry.buffer(7.0))
    write_record(tmp_path / "public", told(frames, gone, made))
    text = (tmp_path / "public.counts.json").read_text(encoding="utf-8")
    numbers = {float(number) for number in re.findall(r"(?<![0-9A-Fa-f.])\d+(?:\.\d+)?(?![0-9A-Fa-f])", text)}
    assert not numbers & {3.0, 350.0}
    record = read_record(tmp_path / "public.counts.json")
    assert record.said["communities"]["households"]["C1"] is None
    assert record.small == {"C1"}
    exact = shapely.to_wkb(made["communities"].to_crs(4326).geometry.iloc[0], hex=True)
    assert exact not in text
    assert told(city((300,) * 9), {}, city((300,) * 9), record).said["communities"]["households"]["C1"] == 300.0


def test_two_public_profiles_of_one_project_together_tell_no_small_count(tmp_path):
    """One site lists communities but no zones, another zones but no communities: zone less the open ones would be 3."""
    made = city((3, 350, 400, 450, 500, 550, 600, 650, None))
    made["zone_members"]["zone_id"] = ["Z-C1", "Z-C4", "Z-C1", *["Z-C4"] * 6]
    made["zones"]["households"] = [403.0, 3100.0]
    made["zones"]["why_zh"] = "无"
    del made["unit_progress"]
    profile = read_profile(tmp_path, "public")
    places = profile.model_copy(update={"layers": {"communities": ("name", "households"), "barriers": ("kind",)}})
    zones = profile.model_copy(update={"layers": {"zones": ("name", "households"), "zone_members": ("zone_id",)}})
    shown = {}
    for name, own in {"places": places, "zones": zones}.items():
        target = tmp_path / "maps" / name
        publish_city(made, own, target)
        layer = "communities" if name == "places" else "zones"
        shown[layer] = pd.read_csv(target / "data" / f"{layer}.csv", index_col=0)["households"]
    zone_shown, place_shown = shown["zones"]["Z-C1"] != "不公开", shown["communities"]["C3"] != "不公开"
    assert place_shown, "C2 hides C1 in the list of communities"
    assert not zone_shown, "the zone's 403 less C3's 400 is C1's 3"


def test_records_are_merged_so_that_what_one_withheld_stays_so_and_what_one_showed_is_known():
    one = Record(said={"communities": {"households": {"A": None, "B": 7.0}}, "zones": {"households": {"Z": 9.0}}})
    other = Record(said={"communities": {"households": {"A": 350.0, "B": 8.0}}, "zones": {"households": {"Z": None}}})
    for records in ((one, other), (other, one)):
        said = merged(records)
        assert said.said["communities"]["households"]["A"] is None
        assert said.said["zones"]["households"]["Z"] is None
        assert said.sums == {("A",): 350.0}
    assert merged([one]) == one
    assert merged([]) == Record()
