"""Land analyses in parts: the same result as on one machine, resumed where it stopped."""

import datetime
import os
import signal
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_renovation.errors import DataError, FileError
from gis_renovation.land import assess_parcels, screen_parcels
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.run.partitions import assess_partitions, partition_parcels

pytest.importorskip("dask_geopandas", reason="dask-geopandas is not installed (extra: scale)")

# dask-geopandas calls pandas in a way that pandas 3.1 deprecates; nothing of ours.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in GeoDataFrame:DeprecationWarning")
CRS = "EPSG:4548"
AS_OF = datetime.date(2024, 9, 30)
RULES = tuple(rule for rule in rules_in_force() if rule.layer == "parcels")


def layer(key, shapes, **columns):
    index = pd.Index([f"{key[0].upper()}{number:04d}" for number in range(len(shapes))], name=key, dtype="str")
    return gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs=CRS)


@pytest.fixture(scope="module")
def city():
    rng = np.random.default_rng(7)
    at = rng.uniform(0, 3000, (400, 2))
    choice = {
        "ownership": ["state", "collective", None],
        "holder_kind": ["government", "company", None],
        "inspected_vacant": [True, False, None],
        "started_on": [datetime.date(2021, 5, 1), None],
        "start_due_on": [datetime.date(2020, 5, 1), None],
    }
    facts = {name: rng.choice(np.array(values, dtype=object), 400) for name, values in choice.items()}
    homes, lines = rng.uniform(0, 3000, (25, 2)), rng.uniform(0, 3000, (12, 2))
    return {
        "parcels": layer("parcel_id", shapely.box(*at.T, *(at + rng.uniform(10, 60, at.shape)).T), **facts),
        "communities": layer("community_id", shapely.buffer(shapely.points(homes), 80)),
        "control_lines": layer(
            "line_id", shapely.buffer(shapely.points(lines), 120), kind=["prime_farmland", "blue", "subsidence"] * 4
        ).rename_axis("control_line_id"),
        "buildings": layer("building_id", shapely.buffer(shapely.points(at[:150] + 10), 8)),
    }


@pytest.fixture(scope="module")
def parts(city, tmp_path_factory):
    folder = tmp_path_factory.mktemp("province") / "land"
    others = {name: city[name] for name in ("communities", "control_lines", "buildings")}
    chunks = (city["parcels"].iloc[start : start + 150] for start in (0, 150, 300))
    assert partition_parcels(chunks, folder, **others, parcels_a_part=80) == 5
    return folder


@pytest.fixture(scope="module")
def result(parts):
    return assess_partitions(parts, rules=RULES, as_of=AS_OF, workers=2)


def read(folder, name):
    reader = gpd.read_parquet if name == "idle_parcels" else pd.read_parquet
    return pd.concat([reader(path) for path in sorted((folder / name).glob("part.*.parquet"))])


def test_parts_lose_and_repeat_no_parcel_and_lie_together(city, parts):
    frames = [gpd.read_parquet(path) for path in sorted((parts / "parcels").iterdir())]
    assert sorted(pd.concat(frames).index) == sorted(city["parcels"].index)
    extents = [shapely.box(*frame.total_bounds).area for frame in frames]
    assert sum(extents) < 2.5 * shapely.box(*city["parcels"].total_bounds).area


def test_parts_are_of_like_size_however_the_chunks_were_cut(tmp_path):
    """A chunk of 2,000 parcels beside one of 8,000: a part holds its share of the parcels, not of the chunks."""
    at = np.random.default_rng(1).uniform(0, 3000, (10_000, 2))
    at = at[np.argsort(at[:, 0])]
    places = layer("parcel_id", shapely.box(*at.T, *(at + 5).T))
    chunks = (places.iloc[part] for part in (slice(0, 2000), slice(2000, None)))
    assert partition_parcels(chunks, tmp_path / "land", parcels_a_part=1000) == 10
    sizes = [len(gpd.read_parquet(path)) for path in (tmp_path / "land" / "parcels").iterdir()]
    assert sum(sizes) == 10_000
    assert max(sizes) < 1.15 * 1000


def test_results_in_parts_equal_those_of_one_machine(city, result):
    ledger = assess_parcels(**city, rules=RULES, as_of=AS_OF)
    idle = screen_parcels(city["parcels"], ledger, city["communities"])
    found = read(result, "idle_parcels").sort_index()
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(idle), rtol=1e-9, atol=1e-6)
    lines = read(result, "parcel_ledger").sort_values("parcel_id", kind="stable").reset_index(drop=True)
    pd.testing.assert_frame_equal(lines, ledger, rtol=1e-9, atol=1e-6)
    assert {"excluded", "unknown"} <= set(idle["verdict"])


def test_a_stopped_run_goes_on_and_computes_only_what_is_missing(parts, result):
    kept, lost = result / "idle_parcels" / "part.0.parquet", result / "idle_parcels" / "part.3.parquet"
    before = kept.stat().st_mtime_ns
    content = gpd.read_parquet(lost)
    lost.unlink()
    assert assess_partitions(parts, rules=RULES, as_of=AS_OF, workers=1) == result
    assert kept.stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(pd.DataFrame(gpd.read_parquet(lost)), pd.DataFrame(content))
    assert not list(result.rglob("*.tmp"))


KILLED = """
import datetime, sys, warnings
from pathlib import Path
from gis_renovation.run.partitions import assess_partitions
from gis_renovation.rule_packs import rules_in_force

warnings.filterwarnings("ignore", "The inplace keyword in GeoDataFrame", DeprecationWarning)
if __name__ == "__main__":
    rules = tuple(rule for rule in rules_in_force() if rule.layer == "parcels")
    assess_partitions(Path(sys.argv[1]), rules=rules, as_of=datetime.date(2024, 9, 30), workers=2)
"""


def test_a_run_killed_in_the_middle_is_resumed_and_gives_the_same_result(city, tmp_path):
    folder = tmp_path / "land"
    others = {name: city[name] for name in ("communities", "control_lines", "buildings")}
    count = partition_parcels([city["parcels"]], folder, **others, parcels_a_part=20)
    (tmp_path / "run.py").write_text(KILLED, encoding="utf-8")
    # A session of its own: the signal must reach the workers too.
    running = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), str(folder)], start_new_session=True)
    finished: list = []
    until = time.monotonic() + 60
    while len(finished) < 2 and running.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
        finished = list(folder.glob("results/*/idle_parcels/part.*.parquet"))
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    done = {path: path.stat().st_mtime_ns for path in folder.glob("results/*/*/part.*.parquet")}
    assert 2 <= len([path for path in done if path.parent.name == "idle_parcels"]) < count
    result = assess_partitions(folder, rules=RULES, as_of=AS_OF, workers=1)
    for path, written in done.items():
        # A ledger without its list is made again: a part counts when both are there.
        if (result / "idle_parcels" / path.name).as_posix() in {p.as_posix() for p in done}:
            assert path.stat().st_mtime_ns == written
    assert not list(folder.rglob("*.tmp"))
    ledger = assess_parcels(**city, rules=RULES, as_of=AS_OF)
    idle = screen_parcels(city["parcels"], ledger, city["communities"])
    pd.testing.assert_frame_equal(
        pd.DataFrame(read(result, "idle_parcels").sort_index()), pd.DataFrame(idle), rtol=1e-9, atol=1e-6
    )
    lines = read(result, "parcel_ledger").sort_values("parcel_id", kind="stable").reset_index(drop=True)
    pd.testing.assert_frame_equal(lines, ledger, rtol=1e-9, atol=1e-6)


def test_other_rules_give_other_results_in_another_folder(parts, result):
    fewer = assess_partitions(parts, rules=RULES[:3], as_of=AS_OF, workers=1, keep_ledger=False)
    assert fewer != result
    assert not (fewer / "parcel_ledger").exists()
    assert len(read(fewer, "idle_parcels")) == 400


def test_what_cannot_be_partitioned_is_refused(city, parts, tmp_path):
    with pytest.raises(FileError, match="已存在"):
        partition_parcels([city["parcels"]], parts)
    with pytest.raises(FileError, match="partition_parcels"):
        assess_partitions(tmp_path, rules=RULES, as_of=AS_OF)
    with pytest.raises(DataError, match="重复"):
        partition_parcels([city["parcels"], city["parcels"]], tmp_path / "twice")
    with pytest.raises(DataError, match="没有任何宗地"):
        partition_parcels([city["parcels"].iloc[:0]], tmp_path / "none")
    assert not (tmp_path / "twice").exists()
