"""A map at the notebook: one can add to it, it shows itself, and it asks no other host for anything."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace

import folium
import folium.plugins
import pandas as pd
import pytest
from drawn_city import layers
from map_browser import AS_OF, Visit

from gis_renovation.errors import ConfigError, DataError
from gis_renovation.maps import PageFacts, show
from gis_renovation.run import Run

SPOT = (32.6405, 117.003)


def page_of(shown):
    return shown.get_root().render()


def test_what_is_added_stands_in_the_page_and_the_page_names_no_other_host():
    shown = show(layers(), PageFacts(title="片区", as_of=AS_OF))
    assert isinstance(shown, folium.Map)
    folium.Marker(SPOT, popup="这里").add_to(shown)
    page = page_of(shown)
    assert "L.marker(" in page
    assert "这里" in page
    assert "数据截至 2024-09-30" in page
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", page)
    assert "default-src 'none'" in page
    assert set(re.findall(r"https?://([^/\"' )]+)", page)) <= {"www.w3.org"}


def test_a_map_shown_twice_is_the_same_and_holds_what_was_added_between():
    shown = show(layers())
    first = page_of(shown)
    assert page_of(shown) == first
    folium.Marker(SPOT).add_to(shown)
    second = page_of(shown)
    assert second.count("L.marker(") == first.count("L.marker(") + 1
    assert page_of(shown) == second


def test_a_map_shows_itself_in_a_frame(tmp_path):
    shown = show(layers(), PageFacts(title='"><b>', as_of=None), height=300)
    frame = shown._repr_html_()
    assert re.match(r'<iframe srcdoc="', frame)
    assert "height:300px" in frame
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', frame).group(1)) == page_of(shown)
    shown.save(tmp_path / "map.html")
    assert (tmp_path / "map.html").read_bytes().decode("utf-8") == page_of(shown)


def test_without_a_date_the_page_names_none():
    page = page_of(show(layers()))
    assert 'class="asof"' not in page
    assert "community_states" in page


def test_one_layer_is_known_by_the_name_of_its_key():
    made = layers()["communities"]
    assert 'id="layer-communities"' in page_of(show(made))
    assert 'id="layer-layer"' in page_of(show(made.rename_axis("nr")))
    with pytest.raises(DataError):
        show({"parcel_ledger": pd.DataFrame({"parcel_id": ["P1"]})})


def test_a_run_brings_its_name_and_its_date(tmp_path):
    project = SimpleNamespace(name="示意市", as_of=AS_OF, synthetic=True)
    page = page_of(show(Run(tmp_path, {**layers(), "slope": object()}, SimpleNamespace(project=project))))
    assert "<h1>示意市</h1>" in page
    assert "数据截至 2024-09-30" in page
    assert "合成示例数据" in page


@pytest.mark.parametrize(
    "element",
    [folium.TileLayer("OpenStreetMap"), folium.plugins.HeatMap([[32.64, 117.0]])],
    ids=["tiles", "plugin"],
)
def test_what_needs_another_host_is_refused_by_name(element):
    shown = show(layers())
    element.add_to(shown)
    for _ in range(2):
        with pytest.raises(ConfigError, match=f"{type(element).__name__}|heat"):
            page_of(shown)


@pytest.mark.browser
def test_layers_and_what_was_added_are_seen_in_a_browser(browser, tmp_path):
    shown = show(layers(), PageFacts(title="片区", as_of=AS_OF))
    folium.Marker(SPOT, popup="<b>这里</b>", tooltip="点").add_to(shown)
    folium.Marker(SPOT, icon=folium.Icon(color="red")).add_to(shown)
    folium.Circle(SPOT, radius=50, color="#a00").add_to(shown)
    folium.GeoJson({"type": "Point", "coordinates": [SPOT[1], SPOT[0]]}).add_to(shown)
    shown.save(tmp_path / "map.html")
    one = Visit(browser, tmp_path / "map.html")
    pins = one.page.locator(".leaflet-marker-pane img.leaflet-marker-icon")
    assert pins.count() == 2
    assert all(pins.nth(at).evaluate("e => e.naturalWidth") > 0 for at in range(2)), "the pin is a picture of the page"
    assert one.page.locator(".guest-pin svg").count() == 1
    assert one.page.locator("path.leaflet-interactive").count() > 9
    pins.first.dispatch_event("click")
    one.page.wait_for_selector(".leaflet-popup-content b")
    assert one.page.locator(".leaflet-popup-content b").inner_text() == "这里"
    one.assert_quiet()
    one.context.close()
