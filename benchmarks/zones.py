"""Zones against spopt's MaxP on the same cities, and how fast and how near the proven best ours are.

    python benchmarks/zones.py [--quick] [--json FILE] [--case CASE ...] [--instances N]

Cities are random points, 150 m apart on average, as squares of 40 m; neighbours are the Delaunay edges
(``thin`` cases keep the shorter two thirds, as barriers leave it in real cities). Households are uniform
in 50-785 for the max-p cases and 60-420 for the proofs. Both sides get layers and links ready made and
are timed to the finished zones, in turn, in one process a case; a child of its own gives the peak memory.
``share`` is zones over the bound floor(total / minimum); ``rms`` the root mean square distance of
communities from their zone's centre. Figures are medians over the instances, but ``gap`` and ``proven``
those of the worst instance. The peer knows one minimum and no maximum: where there are more bounds it
solves the easier problem. Needs the ``bench`` extra. Quick: two instances, no 50,000.

``sample bounds`` are the cities of the sample's generator with the sample's bounds, in seconds of the processor;
``one bound moved`` and ``one more must_join`` ask again with what is proved kept. Lattices, dense patches, chains,
stars and equal households are the families that are hard to zone.

``components`` asks for zones without bounds, which PostGIS ``ST_ClusterDBSCAN`` answers too: groups of
compounds of 20 corners, at most 30 m apart. Ours starts from the polygons, makes the whole layer of links
(gaps, lines, reasons) and the zones; PostGIS counts inside the server, the table loaded and indexed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import postgis
import shapely
from cities import make_communities
from scipy.spatial import Delaunay

if TYPE_CHECKING:
    from gis_renovation.zones import ProofDesk

COLUMNS = ("case", "size", "ours_s", "peer", "peer_s", "ratio", "quality", "ours_peak_mb", "target", "met")
MINIMUM = 3_000


@dataclass(frozen=True)
class Case:
    """One row: a city, a request, perhaps the peer, and what must hold of the figures."""

    name: str
    size: int
    wishes: dict[str, Any]
    households: tuple[int, int] = (50, 785)
    kept_share: float = 1.0
    is_proven: bool = True
    peer: str = ""
    instances: int = 10
    targets: dict[str, tuple[str, float]] = field(default_factory=dict)
    drawn: str = "delaunay"
    change: str = ""


# Like the peer: compactness of x and y only.
HEURISTIC = {"zone_preference": "most", "link_weight": 0.0}
ATLEAST = {"households": {"min": MINIMUM}}
SPOPT = {"share": (">=", 0.92), "rms_ratio": ("<=", 0.95), "ratio": (">=", 25.0)}
MAXP, DBSCAN = "spopt MaxP", "ST_ClusterDBSCAN"
REACH_M = 30.0
# The sample's generator with the sample's bounds, and families that are hard to zone.
SAMPLE_CITY = "sample"
SAMPLE = {"households": {"min": 300, "max": 1_500}, "zone_preference": "fewest", "leave_out_unknown": True}
FAMILIES = ("lattice", "dense patches", "chain", "stars", "equal households")
PATCH = {"households": {"min": 300, "max": 1_200}}


def within(seconds: float) -> dict[str, tuple[str, float]]:
    """The time of the processor that a case may take."""
    return {"ours_cpu_s": ("<=", seconds)}


CASES = (
    Case("max-p", 1_000, {**HEURISTIC, **ATLEAST}, is_proven=False, peer=MAXP, targets=SPOPT),
    Case(
        "max-p max 4500",
        1_000,
        {**HEURISTIC, "households": {"min": MINIMUM, "max": 4_500}},
        is_proven=False,
        peer=MAXP,
        targets=SPOPT,
    ),
    Case(
        "max-p two sums",
        1_000,
        {**HEURISTIC, "households": {"min": MINIMUM, "max": 4_500}, "floor_area_m2": {"max": 330_000}},
        is_proven=False,
        peer=MAXP,
        targets=SPOPT,
    ),
    Case(
        "max-p",
        10_000,
        {**HEURISTIC, **ATLEAST},
        is_proven=False,
        instances=5,
        targets={"share": (">=", 0.91), "ours_s": ("<=", 2.0)},
    ),
    Case(
        "max-p",
        50_000,
        {**HEURISTIC, **ATLEAST},
        is_proven=False,
        instances=2,
        targets={"share": (">=", 0.91), "ours_s": ("<=", 10.0)},
    ),
    Case(
        "search only 500-1500",
        100,
        {"households": {"min": 500, "max": 1_500}},
        (60, 420),
        0.67,
        is_proven=False,
        targets={"ours_s": ("<=", 0.05)},
    ),
    Case(
        "proof thin 500-1500",
        100,
        {"households": {"min": 500, "max": 1_500}},
        (60, 420),
        0.67,
        targets={"gap": ("<=", 0.0), "ours_s": ("<=", 2.0)},
    ),
    Case(
        "proof thin 500-1500",
        300,
        {"households": {"min": 500, "max": 1_500}},
        (60, 420),
        0.67,
        targets={"gap": ("<=", 0.0), "ours_s": ("<=", 10.0)},
    ),
    Case(
        "proof thin 500-1200",
        1_000,
        {"households": {"min": 500, "max": 1_200}},
        (60, 420),
        0.67,
        targets={"gap": ("<=", 0.0), "ours_s": ("<=", 20.0)},
    ),
    Case(
        "proof dense 500-1500",
        100,
        {"households": {"min": 500, "max": 1_500}},
        (60, 420),
        targets={"gap": ("<=", 0.0), "ours_s": ("<=", 2.0)},
    ),
    Case(
        "proof thin 500-2000",
        100,
        {"households": {"min": 500, "max": 2_000}},
        (60, 420),
        0.67,
        targets={"gap": ("<=", 0.01), "ours_s": ("<=", 10.0)},
    ),
    Case(
        "proof thin 500-2000",
        1_000,
        {"households": {"min": 500, "max": 2_000}},
        (60, 420),
        0.67,
        targets={"proven": (">=", 1.0), "ours_cpu_s": ("<=", 30.0)},
    ),
    Case(
        "proof thin 500-2000",
        2_000,
        {"households": {"min": 500, "max": 2_000}},
        (60, 420),
        0.67,
        instances=2,
        targets={"gap": ("<=", 0.005), "ours_cpu_s": ("<=", 60.0)},
    ),
    Case(
        "proof thin 500-2000",
        5_000,
        {"households": {"min": 500, "max": 2_000}},
        (60, 420),
        0.67,
        instances=2,
        targets={"gap": ("<=", 0.005), "ours_cpu_s": ("<=", 60.0)},
    ),
    Case("sample bounds", 1_000, SAMPLE, drawn=SAMPLE_CITY, instances=3, targets=within(5.0)),
    Case("sample bounds", 3_000, SAMPLE, drawn=SAMPLE_CITY, instances=2, targets=within(15.0)),
    Case("sample bounds", 10_000, SAMPLE, drawn=SAMPLE_CITY, instances=1, targets=within(60.0)),
    Case("one bound moved", 1_000, SAMPLE, drawn=SAMPLE_CITY, instances=3, change="bound", targets=within(1.0)),
    Case("one bound moved", 300, SAMPLE, drawn=SAMPLE_CITY, instances=3, change="bound", targets=within(0.3)),
    Case("one more must_join", 1_000, SAMPLE, drawn=SAMPLE_CITY, instances=3, change="join", targets=within(1.0)),
    Case("one more must_join", 300, SAMPLE, drawn=SAMPLE_CITY, instances=3, change="join", targets=within(0.3)),
    *(
        Case(f"{family} {preference}", 120, {**PATCH, "zone_preference": preference}, drawn=family, instances=1)
        for family in FAMILIES
        for preference in ("fewest", "most", "any")
    ),
    *(
        Case(f"{family} target", 120, {**PATCH, "target": {"households": 700}}, drawn=family, instances=1)
        for family in FAMILIES
    ),
    Case("components", 1_000, {}, peer=DBSCAN),
    Case("components", 10_000, {}, peer=DBSCAN, instances=5),
)


def make_city(case: Case, instance: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Communities and links of one instance; equal for equal numbers."""
    if case.drawn == SAMPLE_CITY:
        return sample_city(case.size, instance)
    if case.drawn != "delaunay":
        return drawn_family(case.drawn, case.size, instance)
    random = np.random.default_rng([case.size, instance])
    points = random.random((case.size, 2)) * np.sqrt(case.size) * 150.0
    corners = Delaunay(points).simplices
    pairs = np.unique(
        np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1), axis=0
    )
    apart = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    near = apart <= np.quantile(apart, case.kept_share)
    pairs, apart = pairs[near], apart[near]
    low, high = case.households
    households = random.integers(low, high + 1, case.size)
    ids = np.array([f"C{number:06d}" for number in range(case.size)])
    communities = gpd.GeoDataFrame(
        {"name": ids, "households": households, "floor_area_m2": households * random.uniform(60, 100, case.size)},
        geometry=shapely.box(*(points - 20).T, *(points + 20).T),
        index=pd.Index(ids, name="community_id"),
        crs="EPSG:4548",
    )
    links = gpd.GeoDataFrame(
        {
            "focal": ids[pairs[:, 0]],
            "neighbor": ids[pairs[:, 1]],
            "gap_m": np.maximum(apart - 40.0, 0.0),
            "status": "joined",
        },
        geometry=shapely.linestrings(np.stack([points[pairs[:, 0]], points[pairs[:, 1]]], axis=1)),
        index=pd.Index(ids[pairs[:, 0]] + "~" + ids[pairs[:, 1]], name="link_id"),
        crs="EPSG:4548",
    )
    return communities, links


def sample_city(size: int, instance: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The generator's city and its links, as a run makes them."""
    from gis_renovation.contiguity import link_communities
    from gis_renovation.sample import make_city as make_sample

    names = ("communities", "barriers", "crossings", "reporting_units")
    city = make_sample(seed=1_000 + instance, communities=size, layers=names)
    links = link_communities(
        city["communities"], city["barriers"], city["crossings"], reporting_units=city["reporting_units"]
    )
    return city["communities"], links


def drawn_family(family: str, size: int, instance: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """A lattice, patches of twenty each linked to all near, a chain, stars of ten, or a lattice of equal households."""
    random = np.random.default_rng([size, instance])
    number = np.arange(size)
    cell = {
        "chain": np.column_stack([number, np.zeros(size)]),
        "dense patches": np.column_stack([number % 4 + number // 20 * 9, number // 4 % 5]),
        "stars": np.column_stack([number // 10 * 5 + np.cos(number % 10 * 0.7), np.sin(number % 10 * 0.7)]),
    }.get(family, np.column_stack([number % 12, number // 12]))
    if family == "stars":
        cell[::10] = np.column_stack([number[::10] // 10 * 5, np.zeros(len(number[::10]))])
    apart = np.abs(cell[:, None] - cell).max(axis=2) if family == "dense patches" else None
    steps = np.abs(cell[:, None] - cell).sum(axis=2)
    near = apart <= 1.0 if apart is not None else steps <= 1.0
    if family == "stars":
        near = (number[:, None] // 10 == number // 10) & ((number[:, None] % 10 == 0) | (number % 10 == 0))
    one, two = np.nonzero(np.triu(near, 1))
    points = cell * 150.0
    households = np.full(size, 200) if family == "equal households" else random.integers(60, 420, size)
    ids = np.array([f"C{each:06d}" for each in number])
    communities = gpd.GeoDataFrame(
        {"name": ids, "households": households, "floor_area_m2": households * 80.0},
        geometry=shapely.box(*(points - 20).T, *(points + 20).T),
        index=pd.Index(ids, name="community_id"),
        crs="EPSG:4548",
    )
    gap_m = np.maximum(np.hypot(*(points[one] - points[two]).T) - 40.0, 0.0)
    links = gpd.GeoDataFrame(
        {"focal": ids[one], "neighbor": ids[two], "gap_m": gap_m, "status": "joined"},
        geometry=shapely.linestrings(np.stack([points[one], points[two]], axis=1)),
        index=pd.Index(ids[one] + "~" + ids[two], name="link_id"),
        crs="EPSG:4548",
    )
    return communities, links


def changed(case: Case, links: gpd.GeoDataFrame) -> Case:
    """The same case with one bound moved by 50 households, or one more pair of neighbours to be joined."""
    if case.change == "bound":
        return replace(case, wishes={**case.wishes, "households": {"min": 300, "max": 1_450}})
    usable = links[links["status"].isin(["joined", "rejoined"])]
    pair = usable.iloc[len(usable) // 2]
    return replace(case, wishes={**case.wishes, "must_join": [[pair["focal"], pair["neighbor"]]]})


def ours(
    case: Case, communities: gpd.GeoDataFrame, links: gpd.GeoDataFrame, desk: ProofDesk | None = None
) -> pd.DataFrame:
    from gis_renovation.zones import ZoneRequirements, delineate_zones
    from gis_renovation.zones.solver import SearchEffort

    effort = SearchEffort() if case.is_proven else SearchEffort(max_subsets=0)
    return delineate_zones(communities, links, requirements=ZoneRequirements(**case.wishes), effort=effort, desk=desk)


def peer_labels(communities: gpd.GeoDataFrame, links: gpd.GeoDataFrame) -> tuple[np.ndarray, float, float]:
    """spopt's zones, wall and CPU seconds: 99 constructions, 2 annealing rounds, x and y as attributes."""
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    neighbors: dict[int, list[int]] = {row: [] for row in range(len(communities))}
    place = {member: row for row, member in enumerate(communities.index)}
    for one, two in zip(links["focal"], links["neighbor"], strict=True):
        neighbors[place[one]].append(place[two])
        neighbors[place[two]].append(place[one])
    frame = communities.reset_index(drop=True)
    frame["x"], frame["y"] = frame.geometry.centroid.x, frame.geometry.centroid.y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = W(neighbors, silence_warnings=True)
        np.random.seed(0)  # noqa: NPY002 - the peer draws from the global state
        start, cpu = time.perf_counter(), time.process_time()
        model = MaxPHeuristic(frame, weights, ["x", "y"], "households", MINIMUM, 2, 99, 2)
        model.solve()
    return np.asarray(model.labels_), time.perf_counter() - start, time.process_time() - cpu


def measures(case: Case, communities: gpd.GeoDataFrame, labels: np.ndarray) -> dict[str, float]:
    """Share of the bound on the number of zones, rms radius, communities left out."""
    inside = labels >= 0
    xy = np.column_stack([communities.geometry.centroid.x, communities.geometry.centroid.y])[inside]
    code = np.unique(labels[inside], return_inverse=True)[1]
    sizes = np.bincount(code)
    centres = np.stack([np.bincount(code, xy[:, k]) / sizes for k in (0, 1)], axis=1)
    bound = communities["households"].sum() // case.wishes["households"]["min"]
    return {
        "share": len(sizes) / float(bound),
        "rms": float(np.sqrt(np.square(xy - centres[code]).sum(axis=1).mean())),
        "left_out": float((~inside).sum()),
    }


def check(case: Case, communities: gpd.GeoDataFrame, links: gpd.GeoDataFrame, members: pd.DataFrame) -> None:
    """Every zone connected over the links and within the bounds, by another library."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(communities.index)
    graph.add_edges_from(zip(links["focal"], links["neighbor"], strict=True))
    for group in members.groupby("zone_id").groups.values():
        assert nx.is_connected(graph.subgraph(group))
        for name in ("households", "floor_area_m2"):
            limits, total = case.wishes.get(name, {}), communities.loc[group, name].sum()
            assert limits.get("min", 0) <= total <= limits.get("max", np.inf) + 0.01 * len(group)


def measure(case: Case, instances: int) -> dict[str, Any]:
    """Figures of each instance, ours and the peer in turn."""
    rows = []
    start = time.perf_counter()
    ours(case, *make_city(case, 0))
    cold_s = time.perf_counter() - start
    for instance in range(instances):
        communities, links = make_city(case, instance)
        asked, desk = case, None
        if case.change:
            from gis_renovation.zones import ProofDesk

            desk = ProofDesk()
            ours(case, communities, links, desk)
            asked = changed(case, links)
        wall, cpu = time.perf_counter(), time.process_time()
        members = ours(asked, communities, links, desk)
        row: dict[str, Any] = {"ours_s": time.perf_counter() - wall, "ours_cpu_s": time.process_time() - cpu}
        check(asked, communities, links, members)
        labels = pd.factorize(members["zone_id"])[0]
        row |= measures(case, communities.loc[members.index], labels)
        gaps = members.groupby("component_id")[["objective", "objective_bound", "gap_share"]].first()
        excess = (gaps["objective"] - gaps["objective_bound"]).sum(skipna=False)
        row["gap"] = float(excess / gaps["objective"].sum())
        row["proven"] = float((members["proof"] == "proven").mean())
        if case.peer == MAXP:
            found, row["peer_s"], row["peer_cpu_s"] = peer_labels(communities, links)
            row |= {f"peer_{name}": value for name, value in measures(case, communities, found).items()}
            row["rms_ratio"] = row["rms"] / row["peer_rms"]
            row["ratio"] = row["peer_s"] / row["ours_s"]
        rows.append(row)
    return {"cold_s": cold_s, "rows": rows, **summary(rows)}


def summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Medians; of what is proven the worst, unknown where any is."""
    table = pd.DataFrame(rows)
    figures = {name: statistics.median(table[name]) for name in table}
    if "gap" in table:
        figures |= {"gap": float(table["gap"].max(skipna=False)), "proven": float(table["proven"].min())}
    return {**figures, "ours_worst_s": float(table["ours_s"].max())}


def measure_components(case: Case, instances: int) -> dict[str, Any]:
    """Zones without bounds, from the polygons on, and PostGIS's clusters, in turn; the same groups."""
    from gis_renovation.contiguity import LinkLimits, link_communities
    from gis_renovation.zones import delineate_zones

    def zones(places: gpd.GeoDataFrame) -> pd.DataFrame:
        return delineate_zones(places, link_communities(places, limits=LinkLimits(max_gap_m=REACH_M)))

    rows: list[dict[str, Any]] = []
    start = time.perf_counter()
    zones(make_communities(case.size).drop(columns="unit_code"))
    cold_s = time.perf_counter() - start
    for instance in range(instances if postgis.binaries() else 0):
        places = make_communities(case.size, seed=instance + 1).drop(columns="unit_code")
        with postgis.server() as socket:
            postgis.load(socket, places.geometry.to_numpy())
            wall, cpu = time.perf_counter(), time.process_time()
            members = zones(places)
            row = {"ours_s": time.perf_counter() - wall, "ours_cpu_s": time.process_time() - cpu}
            row["peer_s"] = postgis.clusters(socket, REACH_M).seconds
            theirs = postgis.labels(socket, REACH_M)
        ours_code = pd.factorize(members["zone_id"].reindex(places.index))[0]
        pairs = len(np.unique(ours_code * case.size + theirs))
        assert pairs == len(np.unique(ours_code)) == len(np.unique(theirs))
        rows.append({**row, "ratio": row["peer_s"] / row["ours_s"], "groups": pairs})
    if not rows:
        return {"cold_s": cold_s, "rows": [], "ours_s": np.nan, "ours_cpu_s": np.nan, "peer_s": np.nan, "ratio": np.nan}
    return {"cold_s": cold_s, "rows": rows, **summary(rows)}


def report(case: Case, found: dict[str, Any], peak_mb: float) -> dict[str, Any]:
    """One row of the table; a target is met when the median meets it."""
    missed = [
        name
        for name, (sign, bound) in case.targets.items()
        if not (found[name] >= bound if sign == ">=" else found[name] <= bound + 1e-9)
    ]
    shown = [
        f"{name} {found[name]:.4g}"
        for name in (
            "share",
            "peer_share",
            "rms",
            "peer_rms",
            "left_out",
            "gap",
            "proven",
            "groups",
            "ours_worst_s",
            "cold_s",
            "ours_cpu_s",
            "peer_cpu_s",
        )
        if name in found and found[name] == found[name]
    ]
    return {
        "case": case.name,
        "size": case.size,
        "ours_s": round(found["ours_s"], 3),
        "peer": case.peer,
        "peer_s": round(found["peer_s"], 3) if case.peer else None,
        "ratio": round(found["ratio"], 1) if case.peer else None,
        "quality": ", ".join(shown),
        "ours_peak_mb": round(peak_mb),
        "target": ", ".join(f"{name} {sign} {bound:g}" for name, (sign, bound) in case.targets.items()),
        "met": "met" if not missed else f"missed: {', '.join(missed)}",
        "cold_s": round(found["cold_s"], 3),
        "ours_cpu_s": round(found["ours_cpu_s"], 3),
        "instances": found["rows"],
    }


def in_child(number: int, instances: int, what: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", str(number), str(instances), what]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=3600)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(case: Case, instances: int, what: str) -> dict[str, Any]:
    if case.peer == DBSCAN:
        return measure_components(case, instances if what == "time" else 0) | _peak()
    if what == "time":
        return measure(case, instances)
    ours(case, *make_city(case, 0))
    return _peak()


def _peak() -> dict[str, Any]:
    return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two instances a case, nothing above 10,000")
    parser.add_argument("--instances", type=int, help="instances a case")
    parser.add_argument("--case", nargs="+", help="only cases whose name and size begin so")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        number, instances, what = asked.child
        print(json.dumps(child(CASES[int(number)], int(instances), what)))
        return 0
    rows = []
    print(" | ".join(COLUMNS), flush=True)
    for number, case in enumerate(CASES):
        label = f"{case.name} {case.size}"
        if (asked.case and not any(label.startswith(start) for start in asked.case)) or (
            asked.quick and case.size > 10_000
        ):
            continue
        instances = min(case.instances, asked.instances or (2 if asked.quick else case.instances))
        row = report(case, in_child(number, instances, "time"), in_child(number, 1, "memory")["peak_mb"])
        rows.append(row)
        print(" | ".join("" if row[name] is None else str(row[name]) for name in COLUMNS), flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if asked.json:
        asked.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return int(any(row["met"] != "met" for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
