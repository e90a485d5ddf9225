"""The progress site: made from the edition alone, every link leads somewhere, no script needed, hostile text is text."""

from __future__ import annotations

import html
import html.parser
import re
from datetime import date
from urllib.parse import unquote

import geopandas as gpd
import pandas as pd
import pytest
from drawn_city import CRS, HOSTILE, X0, Y0, hostile_layers, layers, publish_city
from shapely.geometry import box

from gis_renovation.display import html as markup
from gis_renovation.publish import verify
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.site import words
from gis_renovation.publish.site.facts import Download, Site, page_paths
from gis_renovation.publish.site.frame import SiteFacts
from gis_renovation.publish.site.home import site_pages

AS_OF = date(2024, 9, 30)


def facts(**changes):
    plain = SiteFacts("示意市公示", AS_OF, "zh", "市住建局", "审图号：皖S(2024)1号", synthetic=False)
    return plain._replace(**changes)


def pages_of(made, *, of=None, **options):
    return site_pages(Site(facts=of or facts(), frames=made, **options))


class Reader(html.parser.HTMLParser):
    """Links, ids, tags and texts of one page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.tags, self.handlers, self.words = [], set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        table = dict(attrs)
        self.tags.append(tag)
        self.links += [table[name] for name in ("href", "src") if name in table]
        self.ids |= {table["id"]} if "id" in table else set()
        self.handlers += [name for name in table if name.startswith("on") or name == "style"]

    def handle_data(self, data):
        self.words.append(data)


def words_of(page):
    body = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", " ".join(Reader(body).words))


@pytest.fixture(scope="module")
def site():
    return pages_of(layers())


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    profile = read_profile(folder, "public")
    target = folder / "maps" / "public"
    publish_city(layers(), profile, target)
    return target


# --- the whole ------------------------------------------------------------------------------------


def test_there_is_a_page_for_the_whole_and_for_every_zone_and_community(site):
    assert set(site) == {
        "index.html",
        "data.html",
        "about.html",
        "communities/index.html",
        *(f"communities/C{n}.html" for n in range(1, 10)),
        "zones/index.html",
        "zones/Z-C1.html",
        "zones/Z-C4.html",
    }


def test_every_link_of_a_published_site_leads_to_a_file_that_is_there(edition):
    for path in sorted(edition.rglob("*.html")):
        if path.name == "map.html":
            continue
        page = Reader(path.read_text(encoding="utf-8"))
        for link in page.links:
            target, _, fragment = link.partition("#")
            place = (path.parent / unquote(target)).resolve() if target else path
            assert place.is_file(), (path.name, link)
            assert place.is_relative_to(edition)
            assert not fragment or place.name == "map.html" or fragment in page.ids


def test_every_file_of_a_published_site_is_reached_from_the_front_page(edition):
    waiting, seen = [edition / "index.html"], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.suffix == ".html" and path.name != "map.html":
            links = Reader(path.read_text(encoding="utf-8")).links
            waiting += [(path.parent / link.partition("#")[0]).resolve() for link in links if link.partition("#")[0]]
    assert seen == {path for path in edition.rglob("*") if path.is_file()}
    assert verify.check_published(edition) == []


def test_pages_ask_for_nothing_and_run_nothing_but_their_own_two_lines(site):
    for path, page in site.items():
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert verify.outside_hosts(page) == []
        assert page.count("<script>") == 1
        reader = Reader(page)
        assert reader.handlers == []
        assert reader.tags.count("h1") == 1, path
        assert {"main", "nav", "header", "footer", "title"} <= {*reader.tags}
        assert '<html lang="zh-CN">' in page


def test_the_same_site_gives_the_same_bytes(site):
    assert pages_of(layers()) == site


# --- overview -------------------------------------------------------------------------------------


def test_overview_says_what_changed_since_last_month(site):
    """J1 was tendered in August and started in September: its two communities have newly started."""
    page = site["index.html"]
    assert "比上月（2024-08-31）的变化" in page
    table = re.search(r"<details open><summary>新开工（2 个）</summary>(.*?)</details>", page, re.DOTALL).group(1)
    assert words_of(table).split() == [
        "名称",
        "上月",
        "本月",
        "龙湖新村",
        "招标",
        "已开工",
        "淮滨小区",
        "招标",
        "已开工",
    ]
    assert "新完工" not in page


def test_overview_without_a_change_says_so():
    made = layers()
    made["works_records"] = made["works_records"].assign(state="started")
    assert "与上月相比没有变化。" in pages_of(made)["index.html"]


def units(households):
    names = ["甲区", "乙区"]
    return pd.DataFrame(
        {
            "name": names,
            "level": "county",
            "community_count": [20, 30],
            "started_count": [10, 30],
            "completed_count": [5, 0],
            "started_share": [0.5, 1.0],
            "completed_share": [0.25, 0.0],
            "households": households,
        },
        index=pd.Index(["340401", "340402"], name="unit_code"),
    )


def test_overview_sums_the_counties_and_gives_the_rates():
    page = words_of(pages_of(layers() | {"unit_progress": units([1000, 2500])})["index.html"])
    assert "计划小区 50 已开工 40 占计划 80% 已完工 5 占计划 10% 计划户数 3,500" in page
    assert "甲区 50% 25% 20 个 10 个 5 个 1,000 户" in page


def test_a_total_is_left_out_as_soon_as_one_part_is_withheld():
    page = pages_of(layers() | {"unit_progress": units([1000, "不公开"])})["index.html"]
    assert "计划户数</dt>" not in page
    assert "<td>不公开</td>" in page


def test_a_subdistrict_is_not_counted_twice():
    made = units([1000, 2500])
    made.loc["340401001"] = ["甲街道", "subdistrict", 20, 10, 5, 0.5, 0.25, 1000]
    assert "<dd>50</dd>" in pages_of(layers() | {"unit_progress": made})["index.html"]


def test_targets_stand_beside_the_list_and_what_the_plan_does_not_state_is_said():
    targets = {"main": {"communities": 100, "households": 22595, "floor_area_m2": None}, "supplement": {}}
    made = layers()
    # C1, C4 and C7 are of the main plan, C2, C5 and C8 of the supplement.
    made["community_progress"]["started"] = ["yes", "yes", "yes", "no", None, None, "no", None, None]
    made["community_progress"]["completed"] = ["no", "yes", "no", "no", None, None, "no", None, None]
    page = words_of(pages_of(made, targets=targets)["index.html"])
    assert "主计划 100 3 1 33.3% 0 0% 22,595 计划未列" in page
    assert "增补计划 计划未列 3 1 33.3% 1 33.3% 计划未列 计划未列" in page
    assert "计划目标" not in pages_of(layers())["index.html"]


def test_overview_counts_the_planned_communities_by_the_step_they_reached():
    made = layers()
    states = ["started", "accepted", "started", "reserve", None, "completed", "approved", "handed_over", "started"]
    made["community_progress"]["state"] = states
    page = words_of(pages_of(made)["index.html"])
    # C3, C6 and C9 are of no plan: their states are not counted.
    assert "计划内 6 个小区，按已到达的步骤： 验收移交 2 个 完工 0 个 开工 1 个 立项招标 1 个 列入计划 0 个" in page
    assert "未列入计划 1 个 尚无填报 1 个" in page
    widths = re.findall(r'<rect class="s(\d)" x="\d+" width="(\d+)" height="10"/>', pages_of(made)["index.html"])
    assert sum(int(width) for _, width in widths) == 6


@pytest.mark.parametrize("given", ["no column", "no value"])
def test_without_plan_batches_nobody_is_called_planned(given):
    made = layers()
    if given == "no column":
        made["communities"] = made["communities"].drop(columns="plan_batch")
    else:
        made["communities"]["plan_batch"] = pd.array([None] * 9, dtype="str")
    page = words_of(pages_of(made)["index.html"])
    assert "计划内" not in page.split("改造到了哪一步", 1)[1].split("；", 1)[0].replace("是否在计划内未知", "")
    assert "9 个小区（未填计划批次，是否在计划内未知），按已到达的步骤：" in page


def test_the_numbers_on_the_county_map_stand_in_the_table():
    made = layers()
    shapes = [box(X0, Y0, X0 + 900, Y0 + 900), box(X0 + 900, Y0, X0 + 1800, Y0 + 900), box(X0, Y0, X0 + 99, Y0 + 99)]
    table = units([1000, 2500]).assign(level="county")
    street = table.iloc[:1].assign(level="subdistrict", name="某街道").rename(index=lambda _: "340403001")
    made["unit_progress"] = gpd.GeoDataFrame(pd.concat([street, table]), geometry=shapes[::-1], crs=CRS)
    page = pages_of(made)["index.html"]
    heads = re.findall(r'<th scope="row">([^<]*)</th>', page)
    assert [head for head in heads if head[:1].isdigit()] == ["1 甲区", "2 乙区"]
    assert "某街道" in heads
    assert page.count('class="g-text g-number"') == 2


# --- places ---------------------------------------------------------------------------------------


def test_a_communitys_page_says_what_when_which_and_how_to_ask(site):
    page = words_of(site["communities/C1.html"])
    assert "总览 小区 龙湖新村" in page
    assert "已开工" in page
    assert "形象进度 45%" in page
    assert "立项 2024-07-31 招标 2024-08-31 已开工 2024-09-30" in page
    assert "龙湖片区改造" in page
    assert "户数 300 户" in page
    assert "龙湖片区" in page
    assert "发布单位尚未提供咨询方式。" in page
    assert "审图号：皖S(2024)1号" in page
    steps = re.findall(r'<li class="(done[^"]*|)"( aria-current="step")?>(\w+)', site["communities/C1.html"])
    assert [(name, bool(css), bool(now)) for css, now, name in steps] == [
        ("列入计划", True, False),
        ("立项招标", True, False),
        ("开工", True, True),
        ("完工", False, False),
        ("验收移交", False, False),
    ]


def test_what_is_not_known_is_said_to_be_unknown(site):
    page = words_of(site["communities/C9.html"])
    assert "尚无填报，不知是否开工；不等于未开工。" in page
    assert "户数 未知" in page
    assert 'class="track"' not in site["communities/C9.html"]


def test_a_records_after_the_date_are_not_on_the_page():
    made = layers()
    later = pd.DataFrame({"project_id": ["J1"], "recorded_on": [date(2024, 10, 31)], "state": ["completed"]})
    made["works_records"] = pd.concat([made["works_records"], later], ignore_index=True)
    assert "2024-10-31" not in "".join(pages_of(made).values())


@pytest.mark.parametrize("told", [{"state": None}, {"state": "another"}, {"recorded_on": date(2031, 1, 1)}])
def test_records_that_tell_nothing_of_today_leave_the_pages_without_a_timeline(told):
    made = layers()
    made["works_records"] = made["works_records"].assign(**told)
    pages = pages_of(made)
    timelines = [{path for path in made if "首次填报日期" in made[path]} for made in (pages, pages_of(layers()))]
    assert not timelines[0]
    assert timelines[1]


def test_a_zones_page_lists_its_communities_and_why_they_belong_together(site):
    page = site["zones/Z-C1.html"]
    assert re.findall(r'href="(\.\./communities/C\d\.html)"', page) == [f"../communities/C{n}.html" for n in (1, 2, 3)]
    assert "三个小区相连" in page
    assert words_of(page).count("已开工") == 2


def test_a_zones_page_says_which_works_and_when():
    made = layers()
    later = pd.DataFrame({"project_id": ["J1"], "recorded_on": [date(2024, 10, 31)], "state": ["completed"]})
    made["works_records"] = pd.concat([made["works_records"], later], ignore_index=True)
    made["communities"]["need_basic"] = [8, 4, None, 1, 1, 1, 1, 1, 1]
    pages = pages_of(made)
    first, second = words_of(pages["zones/Z-C1.html"]), words_of(pages["zones/Z-C4.html"])
    assert "改造需求：基础类 12 项（1 个小区未知）。" in first
    assert "龙湖片区改造 2024-09-30 —" in first, (
        "begun on the record's day; a completion after the site's date is not told"
    )
    assert "改造需求：基础类 6 项。" in second
    assert "龙湖片区改造" not in second


def test_a_place_is_linked_to_the_map_and_drawn_without_a_script(site):
    page = site["communities/C1.html"]
    link = html.unescape(re.search(r'href="(\.\./map\.html#[^"]*)"', page).group(1))
    zoom, lat, rest = link.partition("#")[2].split("/")
    assert (zoom, rest.partition("&")[2]) == ("16", "at=communities%3AC1")
    assert float(lat) == pytest.approx(32.64, abs=0.02)
    assert page.count('class="g-own"') == 1
    assert 'role="img" aria-label="龙湖新村的位置"' in page


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_contact_and_licence_are_the_publishers_words_or_said_to_be_missing(lang):
    of = facts(lang=lang)
    told = pages_of(layers(), of=of, contact=["城市更新科 0554-1234567 (<b>)"], licence="注明来源即可")
    assert '城市更新科 <a href="tel:0554-1234567">0554-1234567</a> (&lt;b&gt;)' in told["zones/Z-C1.html"]
    assert "注明来源即可" in told["data.html"]
    silent = pages_of(layers(), of=of)
    assert not re.search(r"tel:|\d{4}-\d{7}", "".join(silent.values()))
    missing = "发布单位尚未写明使用许可" if lang == "zh" else "The publisher has stated no licence yet"
    assert missing in silent["data.html"]


def test_the_data_page_describes_every_file_and_column(edition):
    page = words_of((edition / "data.html").read_text(encoding="utf-8"))
    for file in (edition / "data").iterdir():
        assert file.name in page
    assert "households 户数 户" in page
    assert "main = 主计划" in page
    assert re.search(r"communities\.csv \d+ kB", page)


def test_an_english_site_has_no_chinese_but_the_names():
    made = layers()
    made["zones"] = made["zones"].assign(why_en="next to each other").drop(columns="why_zh")
    for path, page in pages_of(made, of=facts(lang="en", title="T", attribution="A", number="N")).items():
        assert '<html lang="en">' in page
        text = words_of(page)
        for name in ["龙湖片区改造", *made["communities"]["name"], *made["zones"]["name"], "舜耕公园", "田家庵区"]:
            text = text.replace(name, "")
        assert not re.search("[\u4e00-\u9fff]", text), (path, re.search("[\u4e00-\u9fff].{0,30}", text).group())


def test_layers_that_did_not_leave_leave_their_pages_out():
    made = {name: frame for name, frame in layers().items() if name in ("communities", "parks")}
    pages = pages_of(made)
    assert not [path for path in pages if path.startswith("zones")]
    assert "zones/index.html" not in "".join(pages.values())
    bare = pages_of({"parks": layers()["parks"]})
    assert set(bare) == {"index.html", "data.html", "about.html"}


# --- names of files -------------------------------------------------------------------------------


def test_plain_ids_are_the_names_and_anything_else_gets_a_safe_one():
    paths = page_paths(["C1", "340402-001", "a", "A", "../../etc", "龙湖", "con", "index", "", "x" * 99], "zones")
    assert paths["C1"] == "zones/C1.html"
    assert paths["340402-001"] == "zones/340402-001.html"
    for odd in ("a", "A", "../../etc", "龙湖", "con", "index", "", "x" * 99):
        assert re.fullmatch(r"zones/p-[0-9a-f]{16}\.html", paths[odd])
    assert len({path.lower() for path in paths.values()}) == len(paths)


# --- hostile --------------------------------------------------------------------------------------


def hostile_site(word):
    made = hostile_layers(word)
    made["unit_progress"] = units([5, 6]).assign(name=word)
    options = {
        "downloads": [Download("data/x.csv", 5, "communities")],
        "contact": [word],
        "licence": word,
        "notes": [word],
        "targets": {word: {"communities": 1}},
    }
    return pages_of(made, of=facts(title=word, attribution=word, number=word), **options)


@pytest.fixture(scope="module")
def harmless():
    return {path: Reader(page).tags for path, page in hostile_site("甲").items()}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_text_on_every_page(text, harmless):
    pages = hostile_site(text)
    assert len(pages) == len(harmless)
    shown = 0
    for path, page in pages.items():
        reader = Reader(page)
        assert reader.handlers == []
        assert verify.outside_hosts(page) == []
        if path in harmless:
            assert reader.tags == harmless[path]
        shown += html.unescape(page).count(markup.plain_text(text))
    assert shown > 4 * len(pages)


def test_words_of_the_site_are_in_both_languages():
    for key, text in words._WORDS.items():
        assert set(re.findall(r"\{\w+", text.zh)) == set(re.findall(r"\{\w+", text.en)), key
        assert re.search("[\u4e00-\u9fff]", text.zh)
        assert not re.search("[\u4e00-\u9fff]", text.en)
