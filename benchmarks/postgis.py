"""A PostGIS server for one benchmark: its own folder, its own socket, gone afterwards.

Uses what the machine has (Debian: ``apt-get install postgresql-15-postgis-3``) and nothing that runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import shapely
from bench import Clocked

MISSING = "PostGIS is not installed"
SETTINGS = (
    "-c listen_addresses='' -c jit=off -c work_mem=512MB -c maintenance_work_mem=512MB -c fsync=off -c max_wal_size=8GB"
)


def binaries() -> Path | None:
    """The folder of the newest server that has PostGIS, or None."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control").exists():
            return folder
    return None


@contextmanager
def server() -> Iterator[Path]:
    """A running server with PostGIS; yields the folder of its socket."""
    bin_folder = binaries()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="gr-postgis-"))
    as_user = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, log = folder / "data", folder / "log"
    quiet = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL)
    try:
        quiet([*as_user, bin_folder / "initdb", "-A", "trust", "-U", "bench", "-D", data])
        options = f"-k {folder} {SETTINGS}"
        quiet([*as_user, bin_folder / "pg_ctl", "-w", "-D", data, "-l", log, "-o", options, "start"])
        ask(folder, "create extension postgis")
        yield folder
    finally:
        subprocess.run(
            [*as_user, bin_folder / "pg_ctl", "-w", "-m", "immediate", "-D", data, "stop"],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        shutil.rmtree(folder, ignore_errors=True)


def ask(socket: Path, sql: str, *, feed: str | None = None) -> str:
    """What the server answers, rows as text with tabs."""
    command = [
        "psql",
        "-X",
        "-q",
        "-A",
        "-t",
        "-F",
        "\t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        socket,
        "-U",
        "bench",
        "-d",
        "postgres",
        "-c",
        sql,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=feed).stdout


def load(socket: Path, polygons: np.ndarray) -> None:
    """The polygons as table ``place`` with their row numbers, indexed and analysed."""
    ask(socket, "create unlogged table place (id integer, shape geometry(Polygon))")
    rows = "".join(f"{row}\t{wkb}\n" for row, wkb in enumerate(shapely.to_wkb(polygons, hex=True).tolist()))
    ask(socket, "copy place from stdin", feed=rows)
    ask(socket, "create index on place using gist (shape)")
    ask(socket, "vacuum analyze place")


def clusters(socket: Path, reach_m: float) -> Clocked:
    """Time inside the server of ST_ClusterDBSCAN over all places; the result is read by ``labels``."""
    sql = f"select id, ST_ClusterDBSCAN(shape, {reach_m}, 1) over () from place"
    plan = json.loads(ask(socket, f"explain (analyze, timing off, format json) {sql}"))
    return Clocked(None, plan[0]["Execution Time"] / 1000.0)


def labels(socket: Path, reach_m: float) -> np.ndarray:
    """The cluster of each row."""
    sql = f"select ST_ClusterDBSCAN(shape, {reach_m}, 1) over (order by id) from place order by id"
    return np.array(ask(socket, sql).split(), dtype=np.int64)
