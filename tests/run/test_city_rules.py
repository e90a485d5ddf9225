"""Rule packs belong to a place: national rules by default, a city's documents only for that city."""

import io
import re

import geopandas as gpd
import pytest
import shapely

from gis_renovation.cli import commands
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.rule_packs import city_packs, load_rules, rules_in_force, shipped_packs
from gis_renovation.rules import read_rule_pack
from gis_renovation.run.inputs import check_project
from gis_renovation.run.project import open_project
from gis_renovation.run.runner import run_project

# A number such as 淮旧改办〔2024〕6号 is a city's; national standards have letters, or stand in 《》.
LOCAL = re.compile(r"[一-鿿]+〔\d{4}〕\d+号")
NATIONAL = re.compile(r"^(GB|GB/T|CJJ|JGJ)[ /]?|^《|^国土资源部令|^国办发|^自然资")
HUAINAN, HANGZHOU = (500_000.0, 3_613_000.0, "EPSG:4548"), (520_000.0, 3_351_000.0, "EPSG:4549")


def city(folder, place=HUAINAN, settings="", layers=("communities", "parcels")):
    """A project of one community and one parcel at a place."""
    x, y, crs = place
    (folder / "layers" / "data").mkdir(parents=True)
    text = f'[project]\nname = "市"\ncrs = "{crs}"\nas_of = 2025-03-31\n{settings}\n'
    (folder / "project.toml").write_text(text, encoding="utf-8")
    frames = {
        "communities": gpd.GeoDataFrame(
            {"community_id": ["C1"], "name": ["甲小区"], "households": [400]},
            geometry=[shapely.box(x, y, x + 100, y + 100)],
            crs=crs,
        ),
        "parcels": gpd.GeoDataFrame(
            {"parcel_id": ["P1"], "ownership": ["state"], "holder_kind": ["government"]},
            geometry=[shapely.box(x + 120, y, x + 180, y + 60)],
            crs=crs,
        ),
    }
    for name in layers:
        frames[name].to_file(folder / "layers" / "data" / f"{name}.gpkg")
        columns = "\n".join(f'{column} = "{column}"' for column in frames[name].columns if column != "geometry")
        card = f'[source]\npath = "data/{name}.gpkg"\n[columns]\n{columns}\n'
        (folder / "layers" / f"{name}.toml").write_text(card, encoding="utf-8")
    return open_project(folder)


def codes(project):
    return {finding.code: finding for finding in check_project(project).findings if "city_rules" in finding.code}


def test_what_holds_everywhere_cites_no_city():
    assert rules_in_force() == load_rules(tuple(shipped_packs()))
    for rule in rules_in_force():
        said = f"{rule.standard} {rule.source} {rule.text} {rule.least_width_source}"
        assert not LOCAL.search(said), rule.id
        assert "淮" not in said
        if rule.confirmed:
            assert NATIONAL.search(rule.standard), rule.id
    for text in shipped_packs().values():
        pack = read_rule_pack(text)
        assert pack.place is pack.area is None


@pytest.mark.parametrize("name", city_packs())
def test_a_citys_pack_has_its_place_and_changes_sources_but_invents_nothing(name):
    pack, plain = city_packs()[name], {rule.id: rule for rule in rules_in_force()}
    assert pack.place
    assert pack.area
    for rule in rules_in_force(city=name):
        if rule.pack == pack.label:
            assert rule.standard
            assert (rule.threshold, rule.replaces) == (plain[rule.id].threshold, "")
        else:
            assert rule == plain[rule.id]


def test_a_register_cites_huainan_only_where_the_project_says_so(tmp_path):
    for place, settings, cites in (
        (HUAINAN, "", False),
        (HUAINAN, 'city_rules = "huainan"', True),
        (HANGZHOU, "", False),
    ):
        project = city(tmp_path / f"{place[1]}{cites}", place, settings)
        run = run_project(project, only="parcel_ledger")
        told = " ".join(run.layers["parcel_ledger"]["source_zh"]) + str(run.manifest.rules)
        assert ("淮旧改办〔2024〕6号" in told) == cites
        assert any(finding.code == "no_city_rules" for finding in run.manifest.findings) == (not cites)


def test_check_warns_where_no_citys_rules_are_chosen_and_only_where_rules_judge(tmp_path):
    found = codes(city(tmp_path / "none"))["no_city_rules"]
    assert found.severity == "warning"
    assert "huainan 淮南市" in found.text.zh
    assert "huainan Huainan" in found.text.en
    assert not codes(city(tmp_path / "no_land", layers=("communities",)))
    own = tmp_path / "own"
    project = city(own, settings='rules = ["our.toml"]')
    (own / "our.toml").write_text('[pack]\nname = "our"\nversion = "1"\ntitle = ["甲", "a"]\n', encoding="utf-8")
    assert not codes(project)
    assert not codes(city(tmp_path / "chosen", settings='city_rules = "huainan"'))


def test_the_rules_of_another_place_are_refused_by_check_and_run(tmp_path):
    project = city(tmp_path / "p", HANGZHOU, 'city_rules = "huainan"')
    found = codes(project)["city_rules_of_another_place"]
    assert found.severity == "error"
    assert "淮南市" in found.text.zh
    assert "communities, parcels" in found.text.zh
    with pytest.raises(DataError, match="淮南市"):
        run_project(project, only="parcel_ledger")


def test_an_unknown_city_is_named_with_those_that_are_known(tmp_path):
    project = city(tmp_path / "p", settings='city_rules = "huainam"')
    found = [finding for finding in check_project(project).findings if "huainam" in finding.text.zh]
    assert [(finding.severity, "huainan" in finding.text.zh) for finding in found] == [("error", True)]
    with pytest.raises(ConfigError, match="huainam"):
        run_project(project, only="parcel_ledger")
    with pytest.raises(ConfigError, match="huainan"):
        rules_in_force(city="huainam")


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ('place = "市"', "place"),
        ("area = [1, 2, 3]", "area"),
        ("area = [3, 2, 1, 4]", "area"),
        ('plcae = ["市", "c"]', "plcae"),
    ],
)
def test_a_pack_with_a_faulty_place_is_refused(head, word):
    with pytest.raises(ConfigError, match=word):
        read_rule_pack(f'[pack]\nname = "city"\nversion = "1"\ntitle = ["市", "city"]\n{head}\n')


def run_init(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        commands.main(["init", *map(str, words)])
    return ended.value.code, capsys.readouterr()


class Terminal(io.StringIO):
    """An input somebody types in."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("answer", "chosen"), [("huainan\n", "huainan"), ("\n", None)])
def test_init_asks_in_a_terminal_for_the_citys_rules(tmp_path, capsys, monkeypatch, answer, chosen):
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    code, shown = run_init(capsys, tmp_path / "new")
    assert code == 0
    assert "huainan 淮南市" in shown.out
    assert open_project(tmp_path / "new").settings.project.city_rules == chosen
    assert ("未选城市规则包" in shown.out) == (chosen is None)


def test_init_does_not_ask_a_script_and_takes_the_option(tmp_path, capsys):
    for folder, words, chosen in (("a", [], None), ("b", ["--city-rules", "huainan"], "huainan")):
        code, _ = run_init(capsys, tmp_path / folder, *words)
        assert code == 0
        assert open_project(tmp_path / folder).settings.project.city_rules == chosen
    code, shown = run_init(capsys, tmp_path / "c", "--city-rules", "huainam")
    assert code == 2
    assert "huainan" in shown.err
    assert not (tmp_path / "c").exists()
