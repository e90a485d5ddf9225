"""Neighbours, barriers, groups, reading, and what it costs to start the program and to run the sample.

    python benchmarks/foundation.py [--json FILE] [--size 100000 1000000] [--case adjacency-sindex ...]

Peers: geopandas' spatial index with ``dwithin``, libpysal's fuzzy contiguity, PostGIS ``ST_ClusterDBSCAN``
(where installed), networkx; for reading see ``reading.py``, whose cases are among these. Needs the
``bench`` and ``test`` extras; takes about nine minutes with a million communities, four without.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import postgis
import reading
from bench import Case, Duel, main
from cities import make_barriers, make_communities

REACH_M = 30.0
ROOT = Path(__file__).resolve().parent.parent


def adjacency_sindex(size: int) -> Duel:
    """All pairs within reach; ours brings the exact gap too."""
    from gis_renovation.contiguity import nearby_pairs

    places = make_communities(size)

    def peer() -> Any:
        # The index is part of the work, so it is built anew.
        geometry = places.geometry.copy()
        return geometry.sindex.query(geometry, predicate="dwithin", distance=REACH_M)

    def equal(ours: Any, theirs: Any) -> bool:
        one, other = theirs[:, theirs[0] < theirs[1]]
        return np.array_equal(np.sort(one * size + other), ours.first * size + ours.second)

    return Duel(lambda: nearby_pairs(places, max_gap_m=REACH_M), peer, equal)


def adjacency_libpysal(size: int) -> Duel | str:
    """Polygons widened by half the reach that meet: the arcs are polygons, so some pairs are lost."""
    from gis_renovation.contiguity import nearby_pairs

    try:
        from libpysal.graph import Graph
    except ImportError:
        return "libpysal is not installed"
    places = make_communities(size).reset_index(drop=True)

    def equal(ours: Any, theirs: Any) -> str | bool:
        adjacency = theirs.adjacency
        lost = len(ours.first) - int((adjacency > 0).sum()) // 2
        return f"peer loses {lost} pairs" if lost else True

    return Duel(
        lambda: nearby_pairs(places, max_gap_m=REACH_M),
        lambda: Graph.build_fuzzy_contiguity(places, buffer=REACH_M / 2),
        equal,
    )


def groups_postgis(size: int) -> Duel | str:
    """Pairs within reach and their connected groups; loading the server is not counted."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    from gis_renovation.contiguity import nearby_pairs

    if postgis.binaries() is None:
        return postgis.MISSING
    places = make_communities(size)
    stack = ExitStack()
    atexit.register(stack.close)
    socket = stack.enter_context(postgis.server())
    postgis.load(socket, places.geometry.to_numpy())

    def ours() -> Any:
        pairs = nearby_pairs(places, max_gap_m=REACH_M)
        links = coo_array((np.ones(len(pairs.first), np.int8), (pairs.first, pairs.second)), shape=(size, size))
        return connected_components(links, directed=False)[1]

    def equal(mine: Any, _none: Any) -> bool:
        return _same_partition(mine, postgis.labels(socket, REACH_M))

    return Duel(ours, lambda: postgis.clusters(socket, REACH_M), equal)


def _same_partition(one: Any, other: Any) -> bool:
    both = np.unique(np.stack([one, other]), axis=1).shape[1]
    return both == len(np.unique(one)) == len(np.unique(other))


def links(size: int, *, arterials: bool, bridges: bool) -> Duel:
    """The whole layer with barriers against the same without; every cut confirmed to be near a barrier."""
    from gis_renovation.contiguity import LinkLimits, link_communities

    places = make_communities(size)
    barriers, crossings = make_barriers(size)
    if not arterials:
        barriers = barriers[barriers["kind"] != "arterial"]
    extra = (barriers, crossings) if bridges else (barriers,)

    def equal(ours: Any, theirs: Any) -> bool:
        changed = ours["cause"] != theirs["cause"]
        return (
            ours.index.equals(theirs.index) and bool(changed.any()) and bool(ours["barrier_id"][changed].notna().all())
        )

    return Duel(
        lambda: link_communities(places, *extra, limits=LinkLimits(max_gap_m=REACH_M)),
        lambda: link_communities(places, limits=LinkLimits(max_gap_m=REACH_M)),
        equal,
    )


def groups_networkx(size: int) -> Duel:
    """Connected groups from a ready layer of links."""
    import networkx

    from gis_renovation.contiguity import LinkLimits, connected_groups, link_communities

    places = make_communities(size)
    layer = link_communities(places, make_barriers(size)[0], limits=LinkLimits(max_gap_m=REACH_M))

    def peer() -> Any:
        graph = networkx.Graph()
        graph.add_nodes_from(places.index)
        usable = layer[layer["status"] != "cut"]
        graph.add_edges_from(zip(usable["focal"], usable["neighbor"], strict=True))
        return list(networkx.connected_components(graph))

    def equal(ours: Any, theirs: Any) -> bool:
        return {frozenset(members) for members in theirs} == {frozenset(g.index) for _, g in ours.groupby(ours)}

    return Duel(lambda: connected_groups(places, layer), peer, equal)


def command(*arguments: str) -> Callable[[int], Duel | str]:
    """A Python process from start to end."""

    def prepare(_size: int) -> Duel | str:
        run = partial(
            subprocess.run, [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        first = run()
        if first.returncode:
            return f"failed: {(first.stderr or first.stdout).strip().splitlines()[-1]}"
        return Duel(run, None, lambda *_: True)

    return prepare


def sample_run(_size: int) -> Duel | str:
    """``gis-renovation run`` in a copy of the sample project, nothing taken from an earlier run."""
    folder = Path(tempfile.mkdtemp(prefix="gr-sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    def run() -> Any:
        project = folder / "project"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir()
        shutil.copy(ROOT / "project.toml", project)
        for name in ("layers", "maps"):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, project / name)
        call = [sys.executable, "-m", "gis_renovation", "run"]
        return subprocess.run(call, cwd=project, capture_output=True, text=True, check=False)

    if not (ROOT / "project.toml").exists():
        return "there is no sample project yet"
    first = run()
    if first.returncode:
        return f"failed: {(first.stderr or first.stdout).strip().splitlines()[-1]}"
    return Duel(run, None, lambda *_: True)


CASES = (
    Case(
        "adjacency-sindex",
        "geopandas sindex.query dwithin",
        adjacency_sindex,
        {100_000: (">=", 6.0), 1_000_000: (">=", 5.0)},
        repeats=3,
    ),
    Case("adjacency-libpysal", "libpysal build_fuzzy_contiguity", adjacency_libpysal, largest=100_000, repeats=3),
    Case("groups-postgis", "PostGIS ST_ClusterDBSCAN(30, 1)", groups_postgis, (">=", 1.0), repeats=3),
    Case(
        "links-barriers",
        "link_communities without",
        partial(links, arterials=False, bridges=False),
        ("<=", 4 / 3),
        largest=100_000,
    ),
    Case(
        "links-barriers-arterials",
        "link_communities without",
        partial(links, arterials=True, bridges=False),
        ("<=", 4 / 3),
        largest=100_000,
    ),
    Case(
        "links-barriers-crossings",
        "link_communities without",
        partial(links, arterials=True, bridges=True),
        largest=100_000,
    ),
    Case("groups-networkx", "networkx connected_components", groups_networkx, largest=100_000),
    Case("import", "", command("-c", "import gis_renovation"), ("s<=", 0.3), sized=False),
    Case("help", "", command("-m", "gis_renovation", "--help"), ("s<=", 0.5), sized=False),
    Case("sample-run", "", sample_run, ("s<=", 10.0), sized=False, repeats=3),
    *reading.CASES,
)

if __name__ == "__main__":
    sys.exit(main(CASES, sizes=(10_000, 100_000, 1_000_000), file=__file__))
