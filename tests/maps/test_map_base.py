"""Basemaps of a profile: what is refused, what is left out, what a page gets."""

from __future__ import annotations

import pytest
from drawn_city import layers, publish_city

from gis_renovation.config import check_model
from gis_renovation.errors import ConfigError, FileError
from gis_renovation.maps.basemaps import Basemap, page_basemaps
from gis_renovation.publish.profile import Profile, read_profile
from gis_renovation.publish.verify import check_published
from gis_renovation.shipped import shipped

OWN = {"name": "单位影像", "url": "https://tiles.example.gov.cn/{z}/{x}/{y}.png", "attribution": "某市"}


def test_tianditu_by_name_has_its_labels_apart_and_opens_exactly_its_eight_hosts():
    made = page_basemaps([Basemap(source="tianditu_vec")], {"TIANDITU_KEY": "abc123\n"}, single=False)
    (source,) = made.sources
    assert "LAYER=vec&" in source["url"]
    assert "LAYER=cva&" in source["labels"]
    assert source["url"].endswith("&tk=abc123")
    assert not source["gcj02"]
    assert made.hosts == [f"https://t{n}.tianditu.gov.cn" for n in range(8)]
    assert made.left_out == []


def test_without_a_key_there_is_no_basemap_and_no_error():
    made = page_basemaps([Basemap(source="tianditu_img")], {}, single=False)
    assert (made.sources, made.hosts) == ([], [])
    assert "TIANDITU_KEY" in made.left_out[0].zh


def test_a_key_never_stands_in_a_single_file():
    keyless = Basemap(**OWN)
    made = page_basemaps([Basemap(source="tianditu_vec"), keyless], {"TIANDITU_KEY": "secret9"}, single=True)
    assert [source["name"] for source in made.sources] == ["单位影像"]
    assert "secret9" not in str(made)
    assert "密钥" in made.left_out[0].zh


def test_a_key_may_lie_in_a_file_outside_the_project(tmp_path):
    (tmp_path / "key").write_text("f-1.x\n", encoding="utf-8")
    base = Basemap(**OWN | {"url": OWN["url"] + "?tk={key}"}, key_file=str(tmp_path / "key"))
    assert page_basemaps([base], {}, single=False).sources[0]["url"].endswith("?tk=f-1.x")
    (tmp_path / "key").write_text("a b<script>", encoding="utf-8")
    with pytest.raises(FileError, match="密钥"):
        page_basemaps([base], {}, single=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "https://*.example.cn/{z}/{x}/{y}"}, "主机名写全"),
        ({"url": "https://a.cn; script-src *//{z}/{x}/{y}"}, "主机名写全"),
        ({"url": "javascript:alert(1)//{z}{x}{y}"}, "主机名写全"),
        ({"url": "https://a.cn/{z}/{x}"}, "{y}"),
        ({"url": "https://a.cn/{z}/{x}/{y}/{q}"}, "{q}"),
        ({"url": "https://a.cn/{z}/{x}/{y}?tk=0123abcd"}, "密钥不写在配置里"),
        ({"labels_url": "https://a.cn/{z}"}, "labels_url"),
        ({"attribution": ""}, "attribution"),
        ({"source": "tianditu_vec"}, "url"),
        ({"key": "0123abcd"}, "没有这个键"),
        ({"datum": "bd09"}, "gcj02"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_with_what_to_write(change, said):
    data = {"profile": {"audience": "planner"}, "disclosure": {"class": "restricted"}, "basemaps": [OWN | change]}
    with pytest.raises(ConfigError) as refused:
        check_model(data, Profile, where="maps/planner.toml")
    assert said in refused.value.text.zh
    assert "basemaps" in refused.value.text.zh


TIANDITU = """
[[basemaps]]
source = "tianditu_vec"
"""


def published(folder, text=TIANDITU, **options):
    (folder / "maps").mkdir(exist_ok=True)
    profile = shipped("template/maps/planner.toml").read_text(encoding="utf-8")
    (folder / "maps" / "planner.toml").write_text(profile + text, encoding="utf-8")
    told = []
    given = {"on_warning": told.append}
    target = folder / "maps" / "planner"
    publish_city(layers(), read_profile(folder, "planner"), target, **given | options)
    return target, told


def test_a_folder_asks_only_the_hosts_of_its_basemaps_and_its_check_agrees(tmp_path, monkeypatch):
    monkeypatch.setenv("TIANDITU_KEY", "k-secret-1")
    folder, told = published(tmp_path)
    page = (folder / "index.html").read_text(encoding="utf-8")
    hosts = [f"https://t{n}.tianditu.gov.cn" for n in range(8)]
    assert f"img-src data: blob: {' '.join(hosts)};" in page
    assert "k-secret-1" in page
    assert told == []
    assert check_published(folder) == []
    # A host that no profile asked for is a fault, whatever else the page may fetch.
    (folder / "index.html").write_text(page.replace("</body>", '<img src="https://other.cn/a.png"></body>'), "utf-8")
    assert "outside_host" in {finding.code for finding in check_published(folder)}


def test_a_single_file_holds_no_key_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("TIANDITU_KEY", "k-secret-1")
    folder, told = published(tmp_path, single=True)
    assert [finding.code for finding in told] == ["basemap_left_out"]
    assert "单个文件会把密钥一起传出去" in told[0].text.zh
    for path in folder.rglob("*"):
        assert path.is_dir() or b"k-secret-1" not in path.read_bytes(), path
    assert "tianditu" not in (folder / "index.html").read_text(encoding="utf-8")
