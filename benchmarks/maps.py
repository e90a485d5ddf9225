"""The map page beside GeoDataFrame.explore(): size, time to build, time until it can be used.

    .venv/bin/python benchmarks/maps.py [--size 10000 100000 1000000] [--json FILE] [--no-peer]

The same L-shaped blocks with eight attributes, both pages opened from the disk in headless Chromium that finds no
host. What explore() fetches lies beside its page, so that no time of a network counts: the scripts and styles that it
names, from their npm packages; two small style sheets of marker icons, which none has, are empty. Both tell the
batches of the plan apart: explore() by colour, ours by its style table.

"Usable": the page was opened, every shape of its first view is drawn, and the reader's first act is answered: he
clicks a shape, and the card of that shape stands on the screen. "Street" is the same with the map first taken to
street zoom by script. "Dragged" has a movement by hand before that: the first view is dragged by 300 pixels in 20
moves of the mouse, which at one frame a move last a third of a second on any page. Checked: both pages carry the same
number of features, and the card names the shape that was clicked.

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
import re
import resource
import shutil
import subprocess
import sys
import tarfile
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

from gis_renovation.cli import serve
from gis_renovation.maps import PageFacts
from gis_renovation.maps import page as maps
from gis_renovation.maps.tiles import layer as tiles

TARGETS = {"bytes": 5.0, "usable": 5.0}
# Seconds, frames a second and megabytes of the large layers, by their size.
LARGE = {
    100_000: {"build_s": 10.0, "usable_s": 4.0, "pan_fps": 30.0},
    1_000_000: {"build_s": 90.0, "peak_mb": 4_000.0, "usable_s": 5.0},
}
PEER_LIMIT = 100_000
# Until the processes of the page before have ended and those of the next stand: neither is of the page measured.
SETTLE_S = 0.7
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


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
    page = maps.map_page({"communities": frame}, PageFacts(title="benchmark", as_of=date(2024, 9, 30)))
    path.write_text(page, encoding="utf-8")


def build_peer(frame: gpd.GeoDataFrame, path: Path) -> None:
    made = frame.explore(column="plan_batch", tiles=None, tooltip=["name", "plan_batch", "households"], popup=True)
    made.save(str(path))


# What the page of explore() names and a npm package has: package, and the file in it by the end of the address.
EXPLORE_PACKAGES = {
    "leaflet@1.9.3": {"/leaflet.js": "dist/leaflet.js", "/leaflet.css": "dist/leaflet.css"},
    "jquery@3.7.1": {"/jquery-3.7.1.min.js": "dist/jquery.min.js"},
    "jquery-ui-dist@1.12.1": {"/jquery-ui.js": "jquery-ui.js"},
    "bootstrap@5.2.2": {
        "/bootstrap.bundle.min.js": "dist/js/bootstrap.bundle.min.js",
        "/bootstrap.min.css": "dist/css/bootstrap.min.css",
    },
    "leaflet.awesome-markers@2.0.5": {
        "/leaflet.awesome-markers.js": "dist/leaflet.awesome-markers.js",
        "/leaflet.awesome-markers.css": "dist/leaflet.awesome-markers.css",
    },
    "@fortawesome/fontawesome-free@6.2.0": {"/all.min.css": "css/all.min.css"},
}


def explore_assets(folder: Path) -> dict[str, bytes]:
    """End of an address -> the bytes behind it, from pinned npm packages; needs npm and its registry."""
    found = {}
    for package, files in EXPLORE_PACKAGES.items():
        told = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True, timeout=120
        )
        with tarfile.open(folder / told.stdout.strip().splitlines()[-1]) as archive:
            for end, path in files.items():
                found[end] = archive.extractfile(f"package/{path}").read()
    return found


def with_assets(page: Path, assets: dict[str, bytes]) -> Path:
    """A copy of the page of explore() with what it fetches beside it; what no package has becomes an empty file."""
    copy = page.with_name("opened_" + page.name)

    def local(found: re.Match[str]) -> str:
        end = next((end for end in assets if found[2].endswith(end)), "")
        file = page.with_name("asset" + found[2].rpartition("/")[2])
        file.write_bytes(assets.get(end, b""))
        return f'{found[1]}="{file.name}"'

    text = page.read_text(encoding="utf-8")
    copy.write_text(re.sub(r'(src|href)="(https://[^"]+\.(?:js|css))"', local, text), encoding="utf-8")
    return copy


# The shape that the reader points at: of `places` the one nearest to a whole pixel, as a mouse knows no fractions.
POINTED = """const pointed = (map, places) => { const box = map.getContainer().getBoundingClientRect();
  const pane = L.DomUtil.getPosition(map.getPanes().mapPane), origin = map.getPixelOrigin();
  const spots = places.map(([lat, lng, name]) => { const p = map.project([lat, lng]).subtract(origin).add(pane);
    const x = Math.round(box.x + p.x), y = Math.round(box.y + p.y);
    return [Math.hypot(box.x + p.x - x, box.y + p.y - y), x, y, name]; });
  return spots.sort((a, b) => a[0] - b[0])[0].slice(1); };
  const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"""
# Both: the first view is drawn; optionally the map is taken to street zoom; where the shape to click lies, its name.
OURS_READY = """async ([places, street]) => { POINTED
  const map = plan.map, drawn = () => new Promise((done) => { const layer = plan.groups.communities;
    const wait = () => layer.isLoading && layer.isLoading() ? setTimeout(wait, 5) : frames().then(done); wait(); });
  await drawn();
  if (street) { map.setView(places[0].slice(0, 2), 15, { animate: false }); await drawn(); }
  return [plan.read("communities").ids.length, ...pointed(map, places)]; }""".replace("POINTED", POINTED)
PEER_READY = """async ([places, street]) => { POINTED
  const map = Object.values(window).find((v) => v instanceof L.Map); let n = 0;
  map.eachLayer((l) => { if (l.feature) n += 1; });
  const drawn = () => new Promise((done) => {  // it goes to its first view by an animation of the zoom
    const wait = () => map._animatingZoom ? setTimeout(wait, 5) : frames().then(done); wait(); });
  await drawn();
  if (street) { map.setView(places[0].slice(0, 2), 15, { animate: false }); await drawn(); }
  return [n, ...pointed(map, places)]; }""".replace("POINTED", POINTED)

ACTS = ("usable", "street", "dragged")


def spots(frame: gpd.GeoDataFrame) -> list[list[object]]:
    """Latitude, longitude and name of shapes in the middle of the layer, the middle one first."""
    middle = frame.iloc[len(frame) // 2 : len(frame) // 2 + 12]
    inside = middle.geometry.representative_point().to_crs(4326)
    return [[y, x, name] for y, x, name in zip(inside.y, inside.x, middle["name"], strict=True)]


def answered(browser, path: Path, ready: str, act: str, *, places, limit_s: float) -> tuple[float, int]:
    """Seconds from opening the file until a click on a shape has opened its card, and the number of shapes."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(limit_s * 1000)
    time.sleep(SETTLE_S)
    started = time.perf_counter()
    page.goto(f"file://{path}", wait_until="load", timeout=limit_s * 1000)
    if act == "dragged":
        page.mouse.move(850, 500)
        page.mouse.down()
        page.mouse.move(610, 320, steps=20)
        page.mouse.up()
    count, x, y, name = page.evaluate(ready, [places, act != "usable"])
    page.mouse.click(x, y)
    page.locator(".leaflet-popup-content", has_text=name).wait_for()
    seconds = time.perf_counter() - started
    context.close()
    return seconds, int(count)


def measure(browser, size: int, folder: Path, *, assets, limit_s: float) -> list[dict[str, object]]:
    frame = blocks(size)
    ours, peer = folder / "ours.html", folder / "peer.html"
    started = time.perf_counter()
    build_ours(frame, ours)
    ours_build = time.perf_counter() - started
    peer_build, opened_peer = float("nan"), peer
    if assets:
        started = time.perf_counter()
        build_peer(frame, peer)
        peer_build = time.perf_counter() - started
        opened_peer = with_assets(peer, assets)
    seen: dict[str, dict[str, list[float]]] = {act: {"ours": [], "peer": []} for act in ACTS}
    counts = set()
    for _ in range(9 if size <= 20_000 else 1):  # A B A B
        for act in ACTS:
            for name, path, ready in (("ours", ours, OURS_READY), ("peer", opened_peer, PEER_READY)):
                if name == "ours" or assets:
                    seconds, count = answered(browser, path, ready, act, places=spots(frame), limit_s=limit_s)
                    seen[act][name].append(seconds)
                    counts.add(count)
    equal = counts == {size}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        ("build_s", ours_build, peer_build, None),
        ("bytes", ours.stat().st_size, peer.stat().st_size if assets else float("nan"), TARGETS["bytes"]),
        *(
            (f"{act}_s", *(float(np.median(seen[act][who] or [np.nan])) for who in ("ours", "peer")), TARGETS.get(act))
            for act in ACTS
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
    made = maps.map_files({"communities": frame}, PageFacts(title="benchmark", as_of=date(2024, 9, 30)))
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


def measure_large(browser, size: int, folder: Path, *, assets, limit_s: float) -> list[dict[str, object]]:
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
    if assets and size <= PEER_LIMIT:
        path = folder / "peer.html"
        started = time.perf_counter()
        frame = blocks(size)
        build_peer(frame, path)
        peer["build_s"] = time.perf_counter() - started
        peer["usable_s"] = answered(
            browser, with_assets(path, assets), PEER_READY, "street", places=spots(frame), limit_s=limit_s
        )[0]
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
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        assets = {} if options.no_peer else explore_assets(Path(folder))
        for size in options.size:
            own = Path(folder) / str(size)
            own.mkdir()
            kind = measure_large if size > tiles.PAGE_FEATURES else measure
            results += kind(browser, size, own, assets=assets, limit_s=options.limit)
        browser.close()
    print(pd.DataFrame(results).to_string(index=False))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
