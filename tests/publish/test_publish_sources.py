"""Where published layers come from, as the site tells it: what cards say and may say, and nothing to reach anybody by."""

from __future__ import annotations

import re
from datetime import date

import pytest
from drawn_city import layers, publish_city
from manifests import manifest_of

from gis_renovation.publish.edition import prepare_edition
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.site.sources import LayerSource, layer_sources, names_place_or_contact, source_cells

AS_OF = date(2024, 9, 30)
OPEN = {"owner": "市住建局", "licence": "CC BY 4.0", "classification": "public", "observed": "2024-04-15"}
PARTS = {
    "sources": {
        "communities": OPEN,
        "streets": OPEN | {"classification": "internal", "owner": "市测绘院"},
        "parks": {"owner": "", "licence": "", "classification": "public", "observed": None},
        "barriers": OPEN | {"owner": "D:/数据/张三.shp", "licence": "电话 0554-1234567"},
        "facilities": OPEN,
    },
    "steps": [
        {"step": "community_links", "inputs": {"communities": "1", "barriers": "2", "parcels": "3"}},
        {"step": "zones", "inputs": {"communities": "1", "community_links": "4"}},
        {"step": "park_access", "skipped": True, "missing": ["slow_paths"]},
        {"step": "unit_progress", "inputs": {"communities": "1"}},
    ],
}


MANIFEST = manifest_of(**PARTS)


def said(layer, lang="zh", **options):
    published = ["communities", "streets", "parks", "barriers", "zones", "park_access", "unit_progress"]
    return source_cells(layer_sources(MANIFEST, published, **options)[layer], lang)


def test_a_card_is_quoted_as_far_as_its_class_allows_and_what_it_does_not_say_is_not_made_up():
    assert said("communities") == ["市住建局", "CC BY 4.0", "2024-04-15"]
    assert said("streets") == ["不公开"] * 3, "the card is internal"
    assert said("streets", highest="internal") == ["市测绘院", "CC BY 4.0", "2024-04-15"]
    assert said("parks") == ["未注明"] * 3
    assert said("parks", "en") == ["not stated"] * 3
    assert said("park_access") == ["未注明"] * 3, "a step that was skipped"


def test_a_path_or_a_number_to_call_is_withheld_and_the_rest_is_told():
    assert said("barriers") == ["不公开", "不公开", "2024-04-15"]


def test_a_result_goes_back_to_the_layers_with_data_and_those_withheld_are_not_named():
    assert said("zones") == ["由“小区”、“阻隔”及未公开的图层计算"]
    assert said("zones", "en") == ["computed from “Communities”, “Barriers”, layers not published"]
    assert said("unit_progress") == ["由“小区”计算"]
    alone = layer_sources(MANIFEST, ["zones"])["zones"]
    assert source_cells(alone, "zh") == ["由未公开的图层计算"]
    circle = {"steps": [{"step": "zones", "inputs": {"zones": "1", "communities": "2"}}]}
    assert layer_sources(manifest_of(**circle), ["zones"])["zones"] == LayerSource(others=True)


@pytest.mark.parametrize(
    "text",
    [
        "/srv/data",
        "见 /home/a",
        r"\\nas\gis",
        "C:\\数据",
        "a/b/c.shp",
        "zhang@x.cn",
        "0554-1234567",
        "电话1234567",
        "13900001234",
    ],
)
def test_texts_with_a_place_or_a_contact_are_known(text):
    assert names_place_or_contact(text)


@pytest.mark.parametrize(
    "text",
    ["市自然资源和规划局", "CC BY 4.0 / ODbL", "https://creativecommons.org/licenses/by/4.0/", "皖自然资函〔2024〕15号 20240415", "2024-04-15"],
)  # fmt: skip
def test_common_owners_and_licences_pass(text):
    assert not names_place_or_contact(text)


def rows_of(page):
    table = page[page.index("<h2>数据来源</h2>") :].partition("</table>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[1:]]
    return {re.sub(r"<[^>]*>", "", row[0]): [re.sub(r"<[^>]*>", "", cell) for cell in row[1:]] for row in cells if row}


def test_the_site_has_a_line_for_every_published_layer_and_passes_its_own_search(tmp_path):
    made = layers()
    # What a card says on purpose may be a withheld value elsewhere.
    made["projects"]["contact"] = "市住建局资料室"
    hostile = OPEN | {"owner": "市住建局资料室", "licence": "<script>alert(1)</script>"}
    manifest = manifest_of(**PARTS | {"sources": PARTS["sources"] | {"communities": hostile}})
    profile = read_profile(tmp_path, "public")
    target = tmp_path / "maps" / "public"
    publish_city(made, profile, target, manifest=manifest)
    page = (target / "about.html").read_text(encoding="utf-8")
    rows = rows_of(page)
    frames = prepare_edition(made, profile).frames
    assert len(rows) == len(frames) + 1, "each layer once, and the heading"
    assert rows["内容"] == ["提供单位", "使用许可", "数据日期"]
    assert rows["小区"] == ["市住建局资料室", "&lt;script&gt;alert(1)&lt;/script&gt;", "2024-04-15"]
    assert rows["街道路段"] == ["不公开"] * 3
    assert rows["慢行道"] == ["未注明"] * 3
    everything = b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())
    assert "市测绘院".encode() not in everything
    assert "张三".encode() not in everything


def test_without_a_manifest_nothing_is_stated(tmp_path):
    profile = read_profile(tmp_path, "public")
    target = tmp_path / "maps" / "public"
    publish_city(layers(), profile, target)
    rows = rows_of((target / "about.html").read_text(encoding="utf-8"))
    assert {cell for name, cells in rows.items() if name != "内容" for cell in cells} == {"未注明"}
