"""The map page beside GeoDataFrame.explore(): size, time to build, time until it can be used.

    .venv/bin/python benchmarks/maps.py [--size 10000 100000 1000000] [--json FILE] [--no-peer]

The same L-shaped blocks with eight attributes, both pages opened from the disk in headless Chromium with every
outside host stopped; what explore() would fetch is served from the vendored Leaflet, so that it can draw at all.
Both tell the batches of the plan apart: explore() by colour, ours by its style table. "Card" is when the page was opened, taken to the street zoom, and a click on a
shape has opened its card. "Usable" has the reader's first movement before it: the opening view dragged by 300 pixels
in 20 moves of the mouse. Checked: both pages carry the same number of features.

From 10,001 features on ours is a folder with tiles: 100,000 are opened from the disk, 1,000,000 from our own
server of byte ranges, each page by a child process that built nothing. "Usable" is then: the counts that stand
for all features add up to their number, the map was taken to the street zoom, and of the tiles in the view as
many features were decoded and drawn as the archive says they hold. Panning moves the map 24 pixels a frame for
three seconds and ends with the same check. The peak of building is that of a child which does nothing else,
Python and the data included. explore() is asked for up to 100,000 features, with --limit seconds a page.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from playwright.sync_api import sync_playwright

from gis_renovation import map_tiles, maps, serve

ASSETS = Path(maps.__file__).parent / "assets"
TARGETS = {"bytes": 5.0, "usable_s": 5.0}
# Seconds, frames a second and megabytes of the large layers, by their size.
LARGE = {
    100_000: {"build_s": 10.0, "usable_s": 4.0, "pan_fps": 30.0},
    1_000_000: {"build_s": 90.0, "peak_mb": 4_000.0, "usable_s": 5.0},
}
PEER_LIMIT = 100_000


def blocks(count: int) -> gpd.GeoDataFrame:
    """L-shaped blocks, one per 60 m, near 117.0 E, 32.63 N."""
    side = int(np.ceil(np.sqrt(count)))
    rows = np.arange(count)
    x, y = 480_000.0 + rows % side * 60.0, 3_590_000.0 + rows // side * 60.0
    corner = np.array([(0, 0), (40, 0), (40, 18), (18, 18), (18, 40), (0, 40), (0, 0)], dtype=float)
    rings = corner[None] + np.stack([x, y], axis=1)[:, None]
    random = np.random.default_rng(1)
    batch = np.array(["main", "supplement", "reserve"])[random.integers(0, 3, count)]
    return gpd.GeoDataFrame(
        {
            "name": [f"示例小区{n}" for n in rows],
            "unit_code": np.array(["340402", "340403", "340404"])[random.integers(0, 3, count)],
            "subdistrict": np.array(["龙泉街道", "国庆街道", "洞山街道"])[random.integers(0, 3, count)],
            "year_built": random.integers(1970, 2005, count),
            "households": random.integers(20, 900, count),
            "building_count": random.integers(1, 20, count),
            "floor_area_m2": np.round(random.uniform(2_000, 60_000, count)),
            "plan_batch": batch,
        },
        geometry=shapely.polygons(rings),
        crs="EPSG:4548",
        index=pd.Index([f"C{n:07}" for n in rows], name="community_id"),
    )


def build_ours(frame: gpd.GeoDataFrame, path: Path) -> None:
    page = maps.map_page({"communities": frame}, title="benchmark", as_of=date(2024, 9, 30))
    path.write_text(page, encoding="utf-8")


def build_peer(frame: gpd.GeoDataFrame, path: Path) -> None:
    made = frame.explore(column="plan_batch", tiles=None, tooltip=["name", "plan_batch", "households"], popup=True)
    made.save(str(path))


# Both: every shape is there, the map stands at street zoom over one of them; where on the screen that one lies.
OURS_READY = """async ([lat, lng]) => { const n = plan.read("communities").ids.length;
  plan.map.setView([lat, lng], 15, { animate: false });
  const drawn = () => document.querySelector(".leaflet-tile-loaded, .leaflet-overlay-pane path");
  await new Promise((done) => { const wait = () => drawn()
    ? requestAnimationFrame(() => requestAnimationFrame(done)) : setTimeout(wait, 20); wait(); });
  const spot = plan.map.latLngToContainerPoint([lat, lng]), box = plan.map.getContainer().getBoundingClientRect();
  return [n, box.x + spot.x, box.y + spot.y]; }"""
PEER_READY = """async ([lat, lng]) => { const map = Object.values(window).find((v) => v instanceof L.Map); let n = 0;
  map.eachLayer((l) => { if (l.feature) n += 1; }); map.setView([lat, lng], 15, { animate: false });
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const spot = map.latLngToContainerPoint([lat, lng]), box = map.getContainer().getBoundingClientRect();
  return [n, box.x + spot.x, box.y + spot.y]; }"""


TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def usable(
    browser, path: Path, ready: str, spot: tuple[float, float], limit_s: float, *, drag: bool = True
) -> tuple[float, int]:
    """Seconds from opening the file until a click on a shape has opened its card, and the number of shapes."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})

    def route(request):
        url = request.request.url
        if url.startswith("file:"):
            request.continue_()
        elif url.endswith("leaflet.js"):
            request.fulfill(path=ASSETS / "leaflet" / "leaflet.js", content_type="text/javascript")
        elif url.endswith("leaflet.css"):
            request.fulfill(path=ASSETS / "leaflet" / "leaflet.css", content_type="text/css")
        elif url.endswith((".js", ".css")):
            request.fulfill(body="", content_type="text/javascript" if url.endswith(".js") else "text/css")
        else:
            request.abort()

    context.route("**/*", route)
    page = context.new_page()
    page.set_default_timeout(limit_s * 1000)
    started = time.perf_counter()
    page.goto(f"file://{path}", wait_until="load", timeout=limit_s * 1000)
    if drag:
        page.evaluate(TWO_FRAMES)
        page.mouse.move(850, 500)
        page.mouse.down()
        page.mouse.move(610, 320, steps=20)
        page.mouse.up()
        page.evaluate(TWO_FRAMES)
    count, x, y = page.evaluate(ready, list(spot))
    page.mouse.click(x, y)
    page.locator(".leaflet-popup-content", has_text="示例小区").wait_for()
    seconds = time.perf_counter() - started
    context.close()
    return seconds, int(count)


def measure(browser, size: int, folder: Path, *, with_peer: bool, limit_s: float) -> list[dict[str, object]]:
    frame = blocks(size)
    ours, peer = folder / "ours.html", folder / "peer.html"
    started = time.perf_counter()
    build_ours(frame, ours)
    ours_build = time.perf_counter() - started
    peer_build = float("nan")
    if with_peer:
        started = time.perf_counter()
        build_peer(frame, peer)
        peer_build = time.perf_counter() - started
    inside = frame.geometry.iloc[[size // 2]].representative_point().to_crs(4326).iloc[0]
    opened: dict[str, list[float]] = {"ours": [], "peer": []}
    carded: dict[str, list[float]] = {"ours": [], "peer": []}
    counts = set()
    for _ in range(3 if size <= 20_000 else 1):  # A B A B
        for name, path, ready in (("ours", ours, OURS_READY), ("peer", peer, PEER_READY)):
            if name == "ours" or with_peer:
                for drag, times in ((False, carded), (True, opened)):
                    seconds, count = usable(browser, path, ready, (inside.y, inside.x), limit_s, drag=drag)
                    times[name].append(seconds)
                    counts.add(count)
    equal = counts == {size}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        ("build_s", ours_build, peer_build, None),
        ("bytes", ours.stat().st_size, peer.stat().st_size if with_peer else float("nan"), TARGETS["bytes"]),
        *(
            (case, float(np.median(times["ours"])), float(np.median(times["peer"] or [np.nan])), TARGETS.get(case))
            for case, times in (("card_s", carded), ("usable_s", opened))
        ),
    ]
    return [
        {
            "case": case,
            "size": size,
            "ours": round(mine, 3),
            "peer": "GeoDataFrame.explore",
            "peer_value": round(other, 3),
            "ratio": round(other / mine, 2),
            "equal": equal,
            "ours_peak_mb": round(peak_mb),
            "target": target,
            "met": None if target is None or not np.isfinite(other) else bool(other / mine >= target),
        }
        for case, mine, other, target in rows
    ]


DRAWN = """async () => { const g = plan.groups.communities, units = plan.read("communities.units");
  const counts = units.columns.find((c) => c.name === "feature_count");
  const sum = counts.data.map((v) => counts.dict ? counts.dict[v] : v).reduce((a, b) => a + b, 0);
  plan.show("communities", true); plan.map.setZoom(g.tiles().street_zoom, { animate: false });
  await new Promise((done) => { const wait = () => { const c = g.inner && g.counted();
    const still = c && c.all && c.drawn === c.all && !g.inner.isLoading();
    if (still) requestAnimationFrame(() => requestAnimationFrame(done));
    else setTimeout(wait, 10); }; wait(); });
  return [sum, g.counted().drawn, plan.map.getZoom()]; }"""
PAN = """async () => { const g = plan.groups.communities; let frames = 0, worst = 0, last = performance.now(), way = 1;
  const start = last;
  await new Promise((done) => { const step = () => { const now = performance.now(); frames += 1;
    worst = Math.max(worst, now - last); last = now;
    if (now - start > 3000) { done(); return; }
    if (frames % 40 === 0) way = -way;
    plan.map.panBy([24 * way, 6], { animate: false }); requestAnimationFrame(step); }; requestAnimationFrame(step); });
  const fps = 1000 * frames / (performance.now() - start);
  await new Promise((done) => { const wait = () => { const c = g.counted();
    if (c.drawn === c.all && !g.inner.isLoading()) done(); else setTimeout(wait, 10); }; wait(); });
  return [fps, worst]; }"""


def build_folder(size: int, folder: Path) -> dict[str, float]:
    """Page and tiles of ``size`` blocks; seconds without the making of the data, and this process's peak."""
    frame = blocks(size)
    started = time.perf_counter()
    made = maps.map_files({"communities": frame}, title="benchmark", as_of=date(2024, 9, 30))
    (folder / "tiles").mkdir()
    (folder / "index.html").write_text(made.page, encoding="utf-8")
    for path, data in made.files.items():
        (folder / path).write_bytes(data)
    seconds = time.perf_counter() - started
    return {
        "build_s": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "archive_bytes": (folder / "tiles" / "communities.pmtiles").stat().st_size,
        "page_bytes": len(made.page.encode("utf-8")),
    }


def measure_large(browser, size: int, folder: Path, *, with_peer: bool, limit_s: float) -> list[dict[str, object]]:
    told = subprocess.run(
        [sys.executable, __file__, "--child", str(size), str(folder)], check=True, capture_output=True, text=True
    )
    facts = json.loads(told.stdout)
    server = serve.preview_server(folder, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at_range = size > PEER_LIMIT
    url = f"http://127.0.0.1:{server.server_address[1]}/index.html" if at_range else f"file://{folder}/index.html"
    opened, pans, sums = [], [], set()
    for _ in range(3):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.set_default_timeout(limit_s * 1000)
        started = time.perf_counter()
        page.goto(url, wait_until="load", timeout=limit_s * 1000)
        total, drawn, zoom = page.evaluate(DRAWN)
        opened.append(time.perf_counter() - started)
        sums.add(total)
        pans.append(page.evaluate(PAN))
        context.close()
    server.shutdown()
    server.server_close()
    peer: dict[str, float] = {}
    if with_peer and size <= PEER_LIMIT:
        path = folder / "peer.html"
        started = time.perf_counter()
        frame = blocks(size)
        build_peer(frame, path)
        peer["build_s"] = time.perf_counter() - started
        inside = frame.geometry.iloc[[size // 2]].representative_point().to_crs(4326).iloc[0]
        peer["usable_s"] = usable(browser, path, PEER_READY, (inside.y, inside.x), limit_s)[0]
    facts |= {
        "usable_s": float(np.median(opened)),
        "pan_fps": float(np.median([fps for fps, _ in pans])),
        "worst_frame_ms": float(np.median([worst for _, worst in pans])),
        "drawn_in_view": drawn,
        "street_zoom": zoom,
    }
    targets = LARGE.get(size, {})
    return [
        {
            "case": case,
            "size": size,
            "ours": round(value, 3),
            "peer": "GeoDataFrame.explore" if case in peer else "",
            "peer_value": round(peer.get(case, float("nan")), 3),
            "ratio": round(peer[case] / value, 2) if case in peer else float("nan"),
            "equal": sums == {size},
            "ours_peak_mb": round(facts["peak_mb"]),
            "target": targets.get(case),
            "met": None
            if case not in targets
            else bool(value >= targets[case] if case == "pan_fps" else value <= targets[case]),
        }
        for case, value in facts.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="*", default=[10_000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a page may take")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(build_folder(int(options.child[0]), Path(options.child[1]))))
        return
    results = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for size in options.size:
            own = Path(folder) / str(size)
            own.mkdir()
            kind = measure_large if size > map_tiles.PAGE_FEATURES else measure
            results += kind(browser, size, own, with_peer=not options.no_peer, limit_s=options.limit)
        browser.close()
    print(pd.DataFrame(results).to_string(index=False))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
