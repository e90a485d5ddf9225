"""Profiles: what leaves, what stays, and that a publication is whole, checked and never over another's folder."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import pytest
from drawn_city import HOSTILE, hostile_layers, layers, publish_city

from gis_renovation.cli import commands
from gis_renovation.errors import ConfigError, DataError, FileError
from gis_renovation.maps import page as maps
from gis_renovation.publish import files, verify
from gis_renovation.publish.edition import select_layers
from gis_renovation.publish.profile import read_profile, titled
from gis_renovation.sample.files import sample_profile
from gis_renovation.schemas import layer_schemas

AS_OF = date(2024, 9, 30)
ROOT = Path(__file__).parents[2]

PLANNER = '[profile]\naudience = "planner"\ntitle = "{project}工作图"\n[disclosure]\nclass = "restricted"\n'


def profile_of(tmp_path, text, name="own"):
    (tmp_path / "maps").mkdir(exist_ok=True)
    (tmp_path / "maps" / f"{name}.toml").write_text(text, encoding="utf-8")
    return read_profile(tmp_path, name)


def published(tmp_path, made=None, *, text=PLANNER, target=None):
    target = target or tmp_path / "maps" / "own"
    profile = profile_of(tmp_path, text)
    return publish_city(layers() if made is None else made, profile, target, run="abc")


# --- profiles -------------------------------------------------------------------------------------


def test_own_profiles_of_the_program_are_valid_and_the_repository_uses_the_same(tmp_path):
    folder = ROOT / "gis_renovation" / "template" / "maps"
    for path in folder.glob("*.toml"):
        read_profile(tmp_path, path.stem)
        text = path.read_text(encoding="utf-8")
        # The sample's pictures are drawn, so they may leave; so may results of its restricted cards and made-up owners.
        own = (ROOT / "maps" / path.name).read_text(encoding="utf-8")
        free = re.compile(r"^(show = (?:true|false)|layers = \[|carried = \[|approved_by).*\n", re.MULTILINE)
        assert free.sub("", own) == free.sub("", text)
        assert own == sample_profile(path.name)


def test_unknown_profile_names_the_nearest_one_and_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=r"是否指 planner.*复制 maps/planner.toml"):
        read_profile(tmp_path, "planer")
    with pytest.raises(ConfigError, match="没有名为"):
        read_profile(tmp_path, "../../etc/passwd")


def test_unknown_key_in_a_profile_names_the_nearest_one(tmp_path):
    with pytest.raises(ConfigError, match=r"profile\.titel.*是否指 title") as caught:
        profile_of(tmp_path, PLANNER.replace("title", "titel"))
    assert "maps/own.toml" in str(caught.value)


def test_allow_list_refuses_layers_and_columns_above_the_class_all_at_once(tmp_path):
    text = PLANNER.replace("planner", "public").replace("restricted", "public") + (
        '[layers]\nutility_lines = ["network"]\ncommunities = ["name", "owner_unit", "nme"]\n'
        'projects = ["contact"]\nroads = ["*"]\n'
    )
    with pytest.raises(ConfigError) as caught:
        profile_of(tmp_path, text)
    said = str(caught.value)
    for part in (
        "layers.utility_lines：",
        "communities.owner_unit",
        "communities.nme",
        "是否指 name",
        "projects.contact",
        "layers.roads",
    ):
        assert part in said
    assert "有 7 处需要改正" in said  # utility_lines counts three times: the layer, its key and its column


def test_a_public_profile_without_an_allow_list_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="允许清单"):
        profile_of(tmp_path, PLANNER.replace("planner", "public").replace("restricted", "public"))


# --- selecting ------------------------------------------------------------------------------------


def test_class_internal_keeps_restricted_columns_and_unclassified_ones_inside(tmp_path):
    made = layers()
    made["projects"] = made["projects"].assign(contact="王某 13800000000", 备注="内部")
    made["communities"] = made["communities"].assign(owner_unit="某矿", 身份证="34040319000101")
    selected = select_layers(made, profile_of(tmp_path, PLANNER.replace("restricted", "internal")))
    assert "contact" not in selected["projects"]
    assert "备注" not in selected["projects"]
    assert "身份证" not in selected["communities"]
    assert "owner_unit" in selected["communities"]
    assert selected["communities"].index.name == "community_id"
    assert selected["communities"].geometry.notna().all()


@pytest.mark.parametrize(("highest", "kept"), [("public", {"public"}), ("internal", {"public", "internal"})])
def test_no_layer_above_the_class_leaves_not_even_its_shapes(tmp_path, highest, kept):
    """Every layer of the schemas, each with a public column: pipes have one too, and would show where they lie."""
    schemas = layer_schemas()
    made = {
        name: layers()["parks"][["name", "geometry"]].rename_axis(schema.key or None)
        for name, schema in schemas.items()
    }
    selected = select_layers(made, profile_of(tmp_path, PLANNER.replace("restricted", highest)))
    assert {schemas[name].disclosure for name in selected} <= kept
    assert {name for name, schema in schemas.items() if schema.disclosure in kept} == set(selected)
    assert not selected.keys() & {"utility_lines", "utility_nodes"}


def test_allow_list_lets_only_the_listed_columns_of_the_listed_layers_pass(tmp_path):
    text = PLANNER.replace("planner", "public").replace("restricted", "public") + '[layers]\ncommunities = ["name"]\n'
    selected = select_layers(layers(), profile_of(tmp_path, text))
    assert list(selected) == ["communities"]
    assert list(selected["communities"].columns) == ["name", "geometry"]


def test_a_layer_without_a_schema_leaves_only_where_everything_may(tmp_path):
    made = layers() | {"secret_layer": layers()["parks"]}
    assert "secret_layer" in select_layers(made, profile_of(tmp_path, PLANNER))
    assert "secret_layer" not in select_layers(made, profile_of(tmp_path, PLANNER.replace("restricted", "internal")))


# --- writing --------------------------------------------------------------------------------------


def test_published_page_stands_with_its_mark_and_checks_out(tmp_path):
    page = published(tmp_path)
    assert page == tmp_path / "maps" / "own" / "index.html"
    assert "<title>示意市工作图</title>" in page.read_text(encoding="utf-8")
    marker = json.loads((page.parent / "publish.json").read_text(encoding="utf-8"))
    assert (marker["as_of"], marker["run"], marker["audience"]) == ("2024-09-30", "abc", "planner")
    assert verify.check_published(page.parent) == []
    assert {p.name for p in (tmp_path / "maps").iterdir()} == {"own", "own.toml", "publish-log.jsonl"}


def test_publishing_twice_gives_the_same_bytes_and_keeps_the_edition_before(tmp_path):
    page = published(tmp_path)
    first = page.read_bytes()
    published(tmp_path)
    assert page.read_bytes() == first
    assert (tmp_path / "maps" / "own.previous" / "index.html").read_bytes() == first
    fewer = layers()
    del fewer["parks"]
    published(tmp_path, fewer)
    assert page.read_bytes() != first
    assert (tmp_path / "maps" / "own.previous" / "index.html").read_bytes() == first


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    target = tmp_path / "maps" / "own"
    target.mkdir(parents=True)
    (target / "index.html").write_text("别人的网页")
    with pytest.raises(FileError, match="不会覆盖"):
        published(tmp_path)
    assert (target / "index.html").read_text() == "别人的网页"
    assert {p.name for p in (tmp_path / "maps").iterdir()} == {"own", "own.toml"}


def test_a_previous_folder_that_is_not_ours_is_left_alone_too(tmp_path):
    published(tmp_path)
    keep = tmp_path / "maps" / "own.previous"
    keep.mkdir()
    (keep / "note.txt").write_text("我的")
    with pytest.raises(FileError, match=r"own\.previous"):
        published(tmp_path)
    assert (keep / "note.txt").read_text() == "我的"


def test_a_failed_publication_leaves_the_old_edition_and_no_half_folder(tmp_path, monkeypatch):
    page = published(tmp_path)
    before = page.read_bytes()
    with pytest.raises(DataError, match="没有可以上图的图层"):
        published(tmp_path, {"zone_members": layers()["zone_members"]})
    bad = '<html><script src="https://cdn.example/x.js"></script></html>'
    monkeypatch.setattr(files, "map_files", lambda *_, **__: maps.MapFiles(bad, {}, {}))
    with pytest.raises(DataError, match=r"外部主机 cdn\.example"):
        published(tmp_path)
    assert page.read_bytes() == before
    assert {p.name for p in (tmp_path / "maps").iterdir()} == {"own", "own.toml", "publish-log.jsonl"}


# --- checking -------------------------------------------------------------------------------------


def test_check_finds_changed_missing_and_foreign_files(tmp_path):
    folder = published(tmp_path).parent
    (folder / "extra.csv").write_text("x")
    (folder / "index.html").write_text((folder / "index.html").read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert sorted(f.code for f in verify.check_published(folder)) == [
        "changed_file",
        "foreign_file",
        "unlisted_column",
    ]
    (folder / "index.html").unlink()
    assert sorted(f.code for f in verify.check_published(folder)) == [
        "foreign_file",
        "missing_file",
        "unlisted_column",
    ]


def test_check_of_a_folder_that_is_not_ours_says_so(tmp_path):
    with pytest.raises(FileError, match="不是本程序发布"):
        verify.check_published(tmp_path)


@pytest.mark.parametrize(
    ("page", "hosts"),
    [
        ('<img src="//a.example/x.png">', ["a.example"]),
        ("<link href='HTTPS://B.example:8080/x.css'>", ["b.example:8080"]),
        ('<img srcset="x.png 1x, https://c.example/2.png 2x">', ["c.example"]),
        ("<style>@import 'https://d.example/d.css';</style>", ["d.example"]),
        ("<div style=\"background:url('http://e.example/e.png')\"></div>", ["e.example"]),
        ('<meta http-equiv="refresh" content="0;url=https://f.example/">', ["f.example"]),
        ('<script>fetch("https://g.example/api")</script>', ["g.example"]),
        ("<script>new WebSocket('wss:\\/\\/h.example')</script>", ["h.example"]),
        ('<a href="\\\\\\\\i.example\\\\x">x</a>', ["i.example"]),
        ('<script>var ns = "http://www.w3.org/2000/svg"</script>', []),
        ('<p>see https://text.example</p><script type="application/json">{"t":"https://data.example"}</script>', []),
        ('<a href="#map">x</a><img src="data:image/png;base64,//aaa"><img src="photos/a.jpg">', []),
    ],
)
def test_outside_hosts_are_found_wherever_a_browser_would_look(page, hosts):
    assert verify.outside_hosts(page) == hosts


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_passes_the_check_because_it_is_text(tmp_path, text):
    page = published(tmp_path, hostile_layers(text))
    assert verify.check_published(page.parent) == []


@pytest.mark.parametrize(("spoil", "code"), [(False, 0), (True, 1)])
def test_publish_check_verifies_any_published_folder(tmp_path, capsys, spoil, code):
    folder = published(tmp_path).parent
    if spoil:
        (folder / "index.html").write_text("<p>改动</p>", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        commands.main(["publish", str(folder), "--check"])
    shown = capsys.readouterr()
    assert ended.value.code == code
    assert ("核对无误" in shown.out) != spoil
    assert ("文件在发布后被改动" in shown.err) == spoil


# --- files beside a page without a page of open data -------------------------------------------------

BUREAU_FILES = """[profile]
audience = "bureau"
[disclosure]
class = "internal"
[downloads]
formats = ["csv", "geojson", "gpkg", "xlsx"]
"""


def links_of(page):
    block = page[page.index('<details class="downloads">') :].partition("</details>")[0]
    return re.findall(r'href="([^"]*)" download>([^<]*)</a> <small>([^<]*)</small>', block), block


@pytest.mark.parametrize("text", [PLANNER + '[downloads]\nformats = ["csv", "geojson"]\n', BUREAU_FILES])
def test_every_file_of_data_is_linked_with_its_format_and_size(tmp_path, text):
    folder = published(tmp_path, text=text).parent
    links, block = links_of((folder / "index.html").read_text(encoding="utf-8"))
    written = {path.relative_to(folder).as_posix(): path for path in (folder / "data").iterdir()}
    assert len(links) == len(written) > 10
    assert {unquote(href) for href, _, _ in links} == set(written)
    assert f"（{len(written)} 个文件）" in block
    kinds = {"csv": "CSV", "geojson": "GeoJSON", "gpkg": "GeoPackage", "xlsx": "XLSX"}
    for href, kind, size in links:
        path = written[unquote(href)]
        assert kind == kinds[path.suffix[1:]]
        number, unit = size.split()
        assert float(number) * {"kB": 1e3, "MB": 1e6}[unit] == pytest.approx(path.stat().st_size, rel=0.05, abs=1_000)
    for path in written.values():
        if path.suffix == ".csv":
            assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel reads UTF-8 only with its mark"
    assert verify.check_published(folder) == []


def test_a_single_file_brings_no_data_and_says_so_and_a_page_nobody_asked_data_of_says_nothing(tmp_path):
    profile = profile_of(tmp_path, BUREAU_FILES)
    page = publish_city(layers(), profile, tmp_path / "maps" / "own", single=True)
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", "publish.json"]
    text = page.read_text(encoding="utf-8")
    assert "本页是单个文件，不附数据文件" in text
    assert "data/" not in re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)
    plain = published(tmp_path, target=tmp_path / "maps" / "plain").read_text(encoding="utf-8")
    assert "数据下载" not in re.sub(r"<script.*?</script>", "", plain, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("template", "project", "title"),
    [
        ("{project}老旧小区改造进度公示", "田家庵区老旧小区", "田家庵区老旧小区改造进度公示"),
        ("{project}老旧小区改造进度公示", "田家庵区老旧小区改造", "田家庵区老旧小区改造进度公示"),
        ("{project}老旧小区改造进度公示", "淮南市", "淮南市老旧小区改造进度公示"),
        ("{project}: renovation", "Oldtown", "Oldtown: renovation"),
        ("{project}", "老旧小区", "老旧小区"),
        ("公示", "淮南市", "公示"),
    ],
)
def test_a_title_does_not_repeat_what_the_name_already_says(template, project, title):
    assert titled(template, project) == title
