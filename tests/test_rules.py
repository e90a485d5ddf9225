"""Rule packs: read with all faults at once; three-valued logic."""

import itertools

import numpy as np
import pytest

from gis_renovation.errors import ConfigError
from gis_renovation.rule_packs import load_rules, rules_in_force, shipped_packs
from gis_renovation.rules import combine_packs, judge_numbers, judge_words, read_rule_pack, rules_for
from gis_renovation.verdicts import NO, UNKNOWN, YES, all_of, any_of, verdict_codes, verdict_names

HEAD = '[pack]\nname = "test"\nversion = "1"\ntitle = ["试验", "test"]\n'
AREA = """
[rules.area]
layer = "parcels"
measure = "area_m2"
operator = ">="
value = 150
unit = "m²"
force = "guide"
standard = "GB 1"
clause = "2.3"
edition = "2020"
text = ["面积够", "large enough"]
"""


def rules_of(text, **own):
    return combine_packs([read_rule_pack(HEAD + text)])


def fault_of(text):
    with pytest.raises(ConfigError) as caught:
        read_rule_pack(HEAD + text, where="mine.toml")
    return caught.value.text


def test_a_rule_cites_standard_clause_edition_and_force():
    (rule,) = rules_of(AREA)
    assert rule.confirmed
    assert rule.threshold == "≥ 150 m²"
    assert rule.source.zh == "GB 1 2.3（2020）；引导；test@1"


def test_a_parameter_says_that_no_standard_confirms_it():
    (rule,) = rules_of(AREA.replace('"guide"', '"parameter"'))
    assert not rule.confirmed
    assert "未经标准确认" in rule.source.zh
    assert "not confirmed" in rule.source.en


@pytest.mark.parametrize("force", ["guide", "mandatory"])
@pytest.mark.parametrize("lacking", ["standard", "edition"])
def test_no_rule_claims_a_standard_it_does_not_name(force, lacking):
    lines = [line for line in AREA.replace('"guide"', f'"{force}"').splitlines() if not line.startswith(lacking)]
    assert "parameter" in fault_of("\n".join(lines)).en


def test_all_faults_are_reported_at_once_with_the_nearest_known_key():
    text = AREA.replace("measure =", "mesure =").replace('">="', '"≥"').replace("150", '"150"') + "colour = 3\n"
    fault = fault_of(text)
    assert "mine.toml" in fault.zh
    for part in ("mesure", "measure", "area.operator", "area.value", "colour"):
        assert part in fault.zh
        assert part in fault.en
    assert "是否指 measure" in fault.zh


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[rule.area]\n", "rules"),
        (AREA.replace('"parcels"', '"parcel"'), "parcels"),
        (AREA.replace("150", "nan"), "finite"),
        (AREA.replace("150", "true"), "finite"),
        (AREA.replace("150", '["a"]'), "list of words"),
        (AREA.replace('["面积够", "large enough"]', '"面积够"'), "[Chinese, English]"),
        (AREA.replace("rules.area", 'rules."Area 1"'), "lower case"),
        (AREA + 'failing = "yes"\n', "no, unknown"),
        (AREA + "undecided = 4\n", "list of words"),
    ],
)
def test_each_fault_is_named(text, word):
    assert word in fault_of(text).en


def test_broken_toml_is_one_clear_message():
    with pytest.raises(ConfigError, match=r"city\.toml"):
        read_rule_pack("[pack\n", where="city.toml")


def test_a_city_replaces_a_rule_by_id_and_the_rule_says_so():
    city = '[pack]\nname = "city"\nversion = "7"\ntitle = ["市", "city"]\n'
    city += '[override.area]\nvalue = 200\nstandard = "市〔2024〕1号"\nedition = "2024"\nclause = ""\n'
    (rule,) = combine_packs([read_rule_pack(HEAD + AREA), read_rule_pack(city)])
    assert rule.value == 200
    assert rule.unit == "m²"
    assert rule.source.zh == "市〔2024〕1号（2024）；引导；替换 test@1 ≥ 150 m²；city@7"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("[override.aera]\nvalue = 200\n", "did you mean area"),
        ("[override.area]\nvalue = 200\n", "without a source"),
        ('[override.area]\nstandard = ""\n', "needs standard and edition"),
        (AREA, "override.area"),
    ],
)
def test_a_city_pack_that_does_not_fit_is_refused(change, word):
    city = read_rule_pack('[pack]\nname = "city"\nversion = "7"\ntitle = ["市", "city"]\n' + change)
    with pytest.raises(ConfigError) as caught:
        combine_packs([read_rule_pack(HEAD + AREA), city])
    assert word in caught.value.text.en


def test_an_unknown_pack_name_gets_the_nearest_one():
    with pytest.raises(ConfigError, match="land_idle"):
        load_rules(["land_idel"])


def test_shipped_packs_are_valid_and_label_what_is_not_confirmed():
    assert rules_in_force() == load_rules(tuple(shipped_packs()))
    for rule in rules_in_force():
        assert rule.confirmed == (rule.force != "parameter")
        assert "@" in rule.pack
        if rule.confirmed:
            assert rule.standard
            assert rule.edition


def test_a_rule_on_a_measure_nobody_computes_is_refused():
    with pytest.raises(ConfigError, match="area_m2"):
        rules_for(rules_of(AREA), "parcels", ["area_ha"])
    with pytest.raises(ConfigError, match="premises"):
        rules_for(rules_of(AREA), "premises", ["area_m2"])


def test_kleene_tables_agree_with_every_way_the_unknowns_could_turn_out():
    for a, b in itertools.product((NO, UNKNOWN, YES), repeat=2):
        for function, python in ((all_of, all), (any_of, any)):
            worlds = itertools.product(*[(NO, YES) if v == UNKNOWN else (v,) for v in (a, b)])
            outcomes = {python(v == YES for v in world) for world in worlds}
            expected = UNKNOWN if len(outcomes) == 2 else YES if outcomes.pop() else NO
            assert function(np.array([a]), np.array([b]))[0] == expected


def test_names_and_codes_are_inverse():
    assert list(verdict_codes(verdict_names(np.array([YES, NO, UNKNOWN])))) == [YES, NO, UNKNOWN]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [(">=", [NO, YES, YES]), ("<=", [YES, YES, NO]), (">", [NO, NO, YES]), ("<", [YES, NO, NO])],
)
def test_numbers_are_judged_on_the_right_side_and_nan_is_unknown(operator, expected):
    (rule,) = rules_of(AREA.replace('">="', f'"{operator}"'))
    verdict, distance = judge_numbers(rule, np.array([100.0, 150.0, 210.0, np.nan]))
    assert list(verdict) == [*expected, UNKNOWN]
    gaps = [50.0, 0.0, 60.0]
    for position, outcome in enumerate(expected):
        assert np.isnan(distance[position]) if outcome == YES else distance[position] == gaps[position]


def test_words_are_judged_and_undecided_ones_stay_unknown():
    text = AREA.replace('">="', '"in"').replace("150", '["a", "b"]') + 'undecided = ["c"]\n'
    (rule,) = rules_of(text)
    assert list(judge_words(rule, np.array(["a", "c", "d", None], dtype=object))) == [YES, UNKNOWN, NO, UNKNOWN]


def test_a_rule_may_ask_for_a_person_instead_of_saying_no():
    (rule,) = rules_of(AREA + 'failing = "unknown"\n')
    assert list(judge_numbers(rule, np.array([1.0, 200.0]))[0]) == [UNKNOWN, YES]


def test_a_number_rule_on_words_and_the_reverse_are_told_apart():
    (number,) = rules_of(AREA)
    (word,) = rules_of(AREA.replace('">="', '"in"').replace("150", '["a"]'))
    with pytest.raises(ConfigError):
        judge_words(number, np.array(["a"], dtype=object))
    with pytest.raises(ConfigError):
        judge_numbers(word, np.array([1.0]))
