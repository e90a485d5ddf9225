"""Choices on the map page in a real browser: one county, a rate, a month, two months side by side."""

from __future__ import annotations

import pytest
from drawn_city import layers, two_counties

pytestmark = pytest.mark.browser


def chosen(page):
    return page.locator("input[name=county]:checked").input_value()


def count_of(page, layer):
    return page.locator(f'.entry:has(input[data-layer="{layer}"]) [data-all]').inner_text()


def test_one_county_shows_its_features_everywhere_and_a_link_keeps_it(visit):
    one = visit(two_counties())
    page = one.page
    branch = page.locator("#counties")
    assert branch.get_attribute("open") is None, "closed; its heading names the choice"
    assert branch.locator("summary").inner_text() == "县区：全部"
    assert branch.evaluate("e => e.parentElement.querySelector('details.theme') === e"), "the first of the tree"
    branch.locator("summary").focus()
    page.keyboard.press("Enter")
    assert [text.split() for text in branch.locator("label").all_inner_texts()] == [
        ["全部", "9", "个小区"], ["大通区", "3", "个小区"], ["田家庵区", "6", "个小区"],
    ]  # fmt: skip
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "", "one stop for all of them, at the choice"
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(150)
    assert page.evaluate("document.activeElement.value") == chosen(page) == "340402"
    assert branch.locator("summary").inner_text() == "县区：大通区"
    assert count_of(page, "communities") == "3 / 9"
    classes = page.locator('.entry:has(input[data-layer="communities"]) [data-class]').all_inner_texts()
    assert classes == ["0", "0", "3"], "C3, C6 and C9 have no plan batch"
    assert page.evaluate("plan.groups.communities.getLayers().length") == 3
    assert count_of(page, "idle_parcels") == "2 / 3", "P2 and P3 lie right of the border, P1 left"
    assert count_of(page, "streets") == "2", "the base map is of every county"
    assert page.locator("#in-view").inner_text().startswith("当前视野：小区 3 / 3 · 大通区")
    page.locator("#table-button").click()
    assert page.locator("#sheet tbody th").all_inner_texts() == ["C3", "C6", "C9"]
    two = visit(two_counties(), fragment=page.evaluate("location.hash"))
    assert chosen(two.page) == "340402"
    assert two.page.locator("#county-said").inner_text() == "县区：大通区"
    assert count_of(two.page, "communities") == "3 / 9"
    two.page.locator("#find").fill("龙湖新村")
    two.page.keyboard.press("Enter")
    assert chosen(two.page) == "", "what is asked for by name is shown"
    assert two.page.locator(".card h2").inner_text() == "龙湖新村"
    one.assert_quiet()
    two.assert_quiet()


def test_on_a_phone_a_county_is_chosen_in_the_panel_by_touch(visit):
    one = visit(two_counties(), screen="phone", lang="en")
    page = one.page
    page.locator("#panel-button").tap()
    page.locator("#counties summary").tap()
    choice = page.locator("#counties label", has_text="田家庵区")
    assert choice.bounding_box()["height"] >= 44
    assert choice.bounding_box()["width"] >= 300
    choice.tap()
    page.wait_for_timeout(150)
    assert chosen(page) == "340403"
    assert page.locator("#county-said").inner_text() == "County: 田家庵区"
    assert count_of(page, "communities") == "6 / 9"
    page.locator("#counties label", has_text="9 communities").tap()
    assert page.locator("#county-said").inner_text() == "County: all"
    assert count_of(page, "communities") == "9"
    one.assert_quiet()


def test_a_project_of_one_county_offers_no_choice(visit):
    assert visit(layers()).page.locator("#counties, input[name=county]").count() == 0


def test_rates_of_the_units_are_chosen_read_on_the_map_and_counted(visit):
    one = visit(two_counties(), show=["unit_progress"])
    page = one.page
    entry = page.locator('.entry:has(input[data-layer="unit_progress"])')
    assert entry.locator(".legend .what").all_inner_texts() == [
        "不足 20%", "20% 至不足 40%", "40% 至不足 60%", "60% 至不足 80%", "80% 及以上", "未知",
    ]  # fmt: skip
    assert entry.locator("[data-class]").all_inner_texts() == ["0", "0", "0", "1", "0", "1"]
    page.evaluate("() => plan.map.setZoom(13, { animate: false })")
    page.wait_for_timeout(150)
    assert sorted(page.locator(".name.rate").all_inner_texts()) == ["75%", "未知"]
    pick = entry.locator("select")
    assert pick.locator("option").all_inner_texts() == ["完工率（小区）", "开工率（小区）", "完工率（户数）"]
    pick.select_option("started_share")
    page.wait_for_timeout(150)
    assert entry.locator("[data-class]").all_inner_texts() == ["1", "0", "0", "0", "1", "0"]
    assert sorted(page.locator(".name.rate").all_inner_texts()) == ["10%", "100%"]
    fills = page.evaluate("() => plan.features.unit_progress.map((item) => item.getElement().getAttribute('fill'))")
    assert len(set(fills)) == 2
    two = visit(two_counties(), show=["unit_progress"], fragment=page.evaluate("location.hash"))
    assert two.page.locator("select[data-rate]").input_value() == "started_share"
    one.assert_quiet()


def facts_of(page):
    return dict(
        zip(page.locator(".card dt").all_inner_texts(), page.locator(".card dd").all_inner_texts(), strict=True)
    )


def test_an_open_card_says_what_stood_at_the_end_of_the_chosen_month(visit):
    one = visit(layers(), show=["communities", "community_states"])
    page = one.page
    page.evaluate("() => plan.visit('communities', 0)")
    assert facts_of(page)["状态"] == "已开工"
    page.locator("#months-range").focus()
    page.keyboard.press("ArrowLeft")
    assert facts_of(page)["状态"] == "招标"
    assert facts_of(page)["形象进度（各项目最低）"] == "未知", "the record of August says no percentage"
    assert "2024-08-31" in page.locator(".card h3", has_text="小区进度").inner_text()
    page.keyboard.press("End")
    assert facts_of(page)["状态"] == "已开工"
    assert facts_of(page)["形象进度（各项目最低）"] == "45%"
    assert "2024-08-31" not in page.locator(".card").inner_text()
    page.evaluate("() => plan.visit('community_states', 1)")
    page.locator("#months-range").focus()
    page.keyboard.press("Home")
    assert "立项" in page.locator(".card .class").inner_text()
    assert count_of(page, "community_states") == "9"
    legend = dict(
        zip(
            page.locator('.entry:has(input[data-layer="community_states"]) .legend .what').all_inner_texts(),
            page.locator('.entry:has(input[data-layer="community_states"]) [data-class]').all_inner_texts(),
            strict=True,
        )
    )
    assert legend == {"立项": "2", "招标": "0", "已开工": "0", "未知": "7"}
    one.assert_quiet()


def fill_at(page, x, y):
    """The fill of the uppermost shape of the two sides at a place of the map, as a person would see it."""
    return page.evaluate(
        """([x, y]) => document.elementsFromPoint(x, y).filter((e) => e.closest(".leaflet-swipe-left-pane, .leaflet-swipe-right-pane"))
             .map((e) => [e.closest(".leaflet-swipe-left-pane") ? "left" : "right", e.getAttribute("fill")])""",
        [x, y],
    )


def test_two_months_lie_side_by_side_and_the_line_moves_by_keyboard(visit):
    one = visit(layers(), show=["communities", "community_states"])
    page = one.page
    page.locator("#months-pair").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "swipe-range"
    assert page.locator("#swipe-said").inner_text() == "2024-08-31 到 2024-09-30：2 个小区有变化"
    area = page.locator(".leaflet-container").bounding_box()
    spot = page.evaluate(
        """() => { const p = plan.map.latLngToContainerPoint(plan.centres(plan.read("communities")).at(0)); return [p.x, p.y]; }"""
    )
    x, y = area["x"] + spot[0] + 20, area["y"] + spot[1] + 15
    fills = {}
    for key, share in (("End", 100), ("Home", 0)):
        page.locator("#swipe-range").focus()
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        assert page.locator("#swipe-range").input_value() == str(share)
        side, fill = fill_at(page, x, y)[0]
        fills[side] = fill
    colours = page.evaluate(
        "() => Object.fromEntries(plan.read('community_states').class_labels.map((l, i) => [l, plan.read('community_states').symbols[i].fill]))"
    )
    assert fills == {"left": colours["招标"], "right": colours["已开工"]}
    page.keyboard.press("ArrowRight")
    assert page.locator("#swipe-range").get_attribute("aria-valuetext") == "左侧占 1%"
    page.locator("#swipe-from").select_option("0")
    page.wait_for_timeout(150)
    assert "pair=2024-07-31,2024-09-30,1" in page.evaluate("location.hash")
    two = visit(layers(), fragment=page.evaluate("location.hash"))
    assert two.page.locator("#swipe-said").inner_text() == "2024-07-31 到 2024-09-30：2 个小区有变化"
    page.locator("#swipe-end").click()
    assert not page.locator("#swipe").is_visible()
    assert page.evaluate("plan.map.hasLayer(plan.groups.community_states)")
    assert page.locator(".leaflet-swipe-left-pane path").count() == 0
    one.assert_quiet()
    two.assert_quiet()
