"""The page of schemes and the map's switch between them in a real browser: axe, charts by their figures, the choice."""

from pathlib import Path

import pytest
from map_browser import AS_OF, SCREENS, Visit
from test_schemes import COMPARED, write_project

from gis_renovation.maps import page as maps
from gis_renovation.maps.page_facts import PageFacts
from gis_renovation.reports.schemes_page import MARGIN, SPAN, schemes_page
from gis_renovation.run import open_project, run_project

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
AXE_FAULTS = """async () => (await axe.run(document)).violations
    .map((v) => v.id + ": " + v.nodes.map((n) => n.html).join(" | "))"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_project(tmp_path_factory.mktemp("schemes"), more="sensitivity_share = 0.1\n")
    return run_project(open_project(folder), only=(*COMPARED, "zone_sensitivity"))


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_of_schemes_has_no_fault_and_its_bars_are_its_figures(browser, run, tmp_path, screen, lang):
    path = tmp_path / "schemes.html"
    path.write_text(schemes_page(run.layers, run.manifest, lang), encoding="utf-8")
    width, height = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, bypass_csp=True)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{path}")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [f"file://{path}"]
    bars = page.eval_on_selector_all("figure.spread path.bar", "all => all.map(one => one.getAttribute('d'))")
    table = run.layers["zone_schemes"]
    known = table[["households_least", "households_most"]].dropna()
    scale = SPAN / known["households_most"].max()
    assert bars == [
        f"M{round(MARGIN + scale * row.households_least, 1)} 11H{round(MARGIN + scale * row.households_most, 1)}"
        for row in known.itertuples()
    ]
    assert len(page.query_selector_all("figure.spread tbody tr")) == len(table)
    marks = page.eval_on_selector_all("svg.chart text", "all => all.map(one => one.textContent)")
    assert marks == [f"{value:g}" for value in run.layers["zone_sensitivity"]["other_value"].dropna()]
    page.add_script_tag(path=AXE)
    faults = page.evaluate(AXE_FAULTS)
    context.close()
    assert faults == []


@pytest.mark.parametrize("screen", SCREENS)
def test_the_map_switches_between_schemes_keeps_the_choice_and_has_no_fault(browser, run, tmp_path, screen):
    path = tmp_path / "index.html"
    facts = PageFacts(title="示意市工作图", as_of=AS_OF, show=["communities", "scheme_zones"])
    path.write_text(maps.map_page(run.layers, facts), encoding="utf-8")
    visit = Visit(browser, path, screen=screen)
    schemes = run.layers["scheme_zones"].groupby("scheme_order")["scheme_title_zh"].first()
    if screen == "phone":
        visit.page.locator("#panel-button").click()
    pick = visit.page.locator("select[data-scheme]")
    titles = pick.locator("option").all_text_contents()
    assert [title for title in schemes if title in titles] == list(schemes)
    rows = run.layers["scheme_zones"]
    for at, title in enumerate(titles):
        pick.select_option(index=at)
        visit.page.wait_for_timeout(150)
        shown = visit.page.evaluate(
            "() => { var l = plan.read('scheme_zones'); return l.schemes.rows.filter((s) => s === l.schemes.at).length; }"
        )
        assert shown == (rows["scheme_title_zh"] == title).sum()
    pick.select_option(index=0)
    visit.page.wait_for_timeout(150)
    kept = visit.page.url
    visit.assert_quiet()
    visit.context.close()
    assert "scheme=" in kept

    context = browser.new_context(
        viewport=dict(zip(("width", "height"), SCREENS[screen], strict=True)), bypass_csp=True
    )
    page = context.new_page()
    page.goto(kept)
    page.wait_for_selector("body[data-ready=true]")
    if screen == "phone":
        page.locator("#panel-button").click()
    assert page.locator("select[data-scheme]").input_value() == "0"
    page.add_script_tag(path=AXE)
    faults = page.evaluate(AXE_FAULTS)
    context.close()
    assert faults == []
