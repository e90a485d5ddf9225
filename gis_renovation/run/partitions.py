"""More parcels than fit in memory: the same land analyses, part by part, on several processes.

A province has tens of millions of parcels. They are cut into spatial parts of GeoParquet once; then
:mod:`gis_renovation.land.parcels` judges each part in a worker process, with only the control lines and
buildings that meet the part. Each part's result is written and moved into place whole, so that a run
that was stopped goes on where it ended. The functions are those of one machine and so are the
results. Needs dask-geopandas (``pip install "gis-renovation[scale]"``).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import box

from gis_renovation.arrays import Ints
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError, DataError, FileError, Finding
from gis_renovation.land import AS_WRITTEN, RegisterReading, assess_parcels, screen_parcels
from gis_renovation.rules import Rule
from gis_renovation.words import Text

CONTEXT = ("communities", "control_lines", "buildings")
_SAMPLE_A_CHUNK = 2_000
# Which part a row belongs to; a column of the parts' files only.
_NUMBER = "part_number"
# Boundaries of parts follow the parcels; what lies this close outside still counts as meeting them.
_MARGIN_M = 1.0


def partition_parcels(
    chunks: Iterable[gpd.GeoDataFrame],
    folder: Path,
    *,
    communities: gpd.GeoDataFrame | None = None,
    control_lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    parcels_a_part: int = 50_000,
) -> int:
    """Sort parcels along a Hilbert curve into parts of GeoParquet, and lay the other layers beside them.

    Parameters
    ----------
    chunks
        Parcels in pieces that fit in memory, each indexed by parcel_id, all in one metric CRS; ids
        unique over all pieces.
    folder
        A new folder; it must not exist. Written aside and moved into place when complete.
    communities, control_lines, buildings
        Layers by their keys in that CRS; ``None`` stays a layer nobody has.
    parcels_a_part
        Rows a part holds on average; memory of a worker grows with it.

    Returns
    -------
    The number of parts. Raises FileError for an existing folder, CRSError, DataError for a repeated
    id or no parcel at all. Reads every chunk once and every row twice more from disk.
    """
    if folder.exists():
        raise FileError(f"{folder} 已存在；请换一个文件夹。", f"{folder} exists already; name another folder.")
    work = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    (work / "parcels").mkdir(parents=True)
    raw, bounds, sample, weight = _store_chunks(chunks, work, communities)
    parts = max(1, round(sum(raw.values()) / parcels_a_part))
    cuts = _cuts(sample, weight, bounds, parts)
    for path in raw:
        _deal_out(path, cuts, bounds, work / "pieces")
    count = _gather(work)
    for name, layer in zip(CONTEXT, (communities, control_lines, buildings), strict=True):
        if layer is not None:
            layer.to_parquet(work / f"{name}.parquet", write_covering_bbox=True)
    shutil.rmtree(work / "raw")
    work.rename(folder)
    return count


def _store_chunks(
    chunks: Iterable[gpd.GeoDataFrame], work: Path, communities: gpd.GeoDataFrame | None
) -> tuple[dict[Path, int], tuple[float, ...], gpd.GeoSeries, Ints]:
    """Chunks as files with their row counts, the bounds of all parcels, a sample, and how many each stands for."""
    (work / "raw").mkdir()
    rows: dict[Path, int] = {}
    samples, weights, boxes, ids = [], [], [], []
    for number, chunk in enumerate(chunks):
        require_metric(parcels=chunk, communities=communities)
        path = work / "raw" / f"{number:06d}.parquet"
        chunk.to_parquet(path)
        rows[path] = len(chunk)
        boxes.append(chunk.total_bounds)
        step = max(1, len(chunk) // _SAMPLE_A_CHUNK)
        # Taken, not sliced: a slice is a view and would keep every chunk's shapes in memory to the end.
        samples.append(chunk.geometry.take(np.arange(0, len(chunk), step)).reset_index(drop=True))
        weights.append(np.full(len(samples[-1]), step))
        ids.append(pd.util.hash_array(chunk.index.to_numpy(dtype=object)))
    if not sum(rows.values()):
        raise DataError([_finding("empty_layer", "没有任何宗地。", "There is no parcel.")])
    if len(np.unique(np.concatenate(ids))) < sum(rows.values()):
        zh, en = (
            "宗地编号在各块之间重复；每宗地须有唯一编号。",
            "parcel ids repeat between chunks; they must be unique.",
        )
        raise DataError([_finding("duplicate_key", zh, en)])
    low, high = np.nanmin(boxes, axis=0)[:2], np.nanmax(boxes, axis=0)[2:]
    return rows, (*low, *high), pd.concat(samples), np.concatenate(weights)


def _cuts(sample: gpd.GeoSeries, weight: Ints, bounds: tuple[float, ...], parts: int) -> Ints:
    """Distances along the Hilbert curve at which one part ends and the next begins.

    A worker's memory follows the largest part, so chunks of unlike size must not count alike.
    """
    distance = sample.hilbert_distance(total_bounds=bounds).to_numpy()
    order = np.argsort(distance, kind="stable")
    before = np.cumsum(weight[order]) - weight[order]
    ends = np.searchsorted(before, np.arange(1, parts) * (weight.sum() / parts))
    return np.asarray(distance[order][ends])


def _deal_out(path: Path, cuts: Ints, bounds: tuple[float, ...], pieces: Path) -> None:
    """One chunk's rows to the pieces of the parts they belong to."""
    chunk = gpd.read_parquet(path)
    part = np.searchsorted(cuts, chunk.hilbert_distance(total_bounds=bounds).to_numpy(), side="right")
    for number in np.unique(part):
        target = pieces / f"{number:06d}" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        chunk[part == number].to_parquet(target)


def _gather(work: Path) -> int:
    """The pieces of each part in one file, sorted by id; named as dask-geopandas numbers them."""
    folders = sorted((work / "pieces").iterdir())
    for number, folder in enumerate(folders):
        part = pd.concat([gpd.read_parquet(path) for path in sorted(folder.iterdir())])
        part.sort_index().assign(**{_NUMBER: number}).to_parquet(work / "parcels" / f"part.{number}.parquet")
    shutil.rmtree(work / "pieces")
    return len(folders)


def assess_partitions(
    folder: Path,
    *,
    rules: tuple[Rule, ...],
    as_of: datetime.date,
    workers: int = 2,
    keep_ledger: bool = True,
    reading: RegisterReading = AS_WRITTEN,
) -> Path:
    """Judge all parts of ``folder`` in ``workers`` processes; results equal those of one machine.

    One worker is this process itself, one part after the other. ``rules``, ``as_of`` and ``reading`` are those
    of :func:`gis_renovation.land.parcels.assess_parcels`. ``keep_ledger`` also writes each part's ledger (one
    row a parcel and rule: large).

    Returns the folder of results, named for what they depend on: ``idle_parcels/part.N.parquet`` and,
    if kept, ``parcel_ledger/part.N.parquet``; read them with ``dask_geopandas.read_parquet``. Parts
    that are there already are not computed again. A worker holds one part, the communities, and what
    of the other layers meets the part. Raises FileError for a folder that is not partitioned,
    ConfigError without dask-geopandas.
    """
    dask, dask_geopandas = _dask()
    if not (folder / "parcels").is_dir():
        raise FileError(
            f"{folder} 不是分块文件夹；请先用 partition_parcels 分块。",
            f"{folder} holds no parts; make them with partition_parcels first.",
        )
    kinds = tuple(sorted({*reading.checked_kinds, *_kinds_present(folder)}))
    reading = replace(reading, checked_kinds=kinds)
    target = folder / "results" / _key(folder, rules, as_of, reading)
    for name in ("idle_parcels", *(("parcel_ledger",) if keep_ledger else ())):
        (target / name).mkdir(parents=True, exist_ok=True)
    with dask.config.set({"dataframe.convert-string": False}):
        parts = dask_geopandas.read_parquet(folder / "parcels")
        done = parts.map_partitions(
            _assess_part,
            folder=str(folder),
            target=str(target),
            rules=rules,
            as_of=as_of,
            reading=reading,
            keep_ledger=keep_ledger,
            meta=pd.DataFrame({"part": np.empty(0, np.int64), "parcels": np.empty(0, np.int64)}),
        )
        if workers == 1:
            done.compute(scheduler="synchronous")
        else:
            done.compute(scheduler="processes", num_workers=workers, chunksize=1)
    return target


def _assess_part(
    part: gpd.GeoDataFrame,
    *,
    folder: str,
    target: str,
    rules: tuple[Rule, ...],
    as_of: datetime.date,
    reading: RegisterReading,
    keep_ledger: bool,
) -> pd.DataFrame:
    """Judge one part in a worker and write its result, unless it is there."""
    number = int(part[_NUMBER].iloc[0])
    part = part.drop(columns=_NUMBER)
    outputs = {name: Path(target) / name / f"part.{number}.parquet" for name in ("parcel_ledger", "idle_parcels")}
    wanted = list(outputs) if keep_ledger else ["idle_parcels"]
    if not all(outputs[name].is_file() for name in wanted):
        communities, lines, buildings = (
            _context(Path(folder) / f"{name}.parquet", part, whole=name == "communities") for name in CONTEXT
        )
        ledger = assess_parcels(part, communities, lines, buildings, rules=rules, as_of=as_of, reading=reading)
        idle = screen_parcels(part, ledger, communities, blank_start=reading.blank_start)
        for name, frame in (("parcel_ledger", ledger), ("idle_parcels", idle)):
            if name in wanted:
                work = outputs[name].with_suffix(".tmp")
                frame.to_parquet(work)
                work.rename(outputs[name])
    return pd.DataFrame({"part": [number], "parcels": [len(part)]})


def _context(path: Path, part: gpd.GeoDataFrame, *, whole: bool) -> gpd.GeoDataFrame | None:
    """A layer's features that meet the part; all communities, because the nearest may lie far off."""
    if not path.is_file():
        return None
    if whole:
        return gpd.read_parquet(path)
    near = box(*part.total_bounds).buffer(_MARGIN_M).bounds
    return gpd.read_parquet(path, bbox=near)


def _kinds_present(folder: Path) -> set[str]:
    """Kinds in the whole layer of control lines: a part that meets none of a kind was still checked for it."""
    path = folder / "control_lines.parquet"
    return set(pd.read_parquet(path, columns=["kind"])["kind"]) if path.is_file() else set()


def _key(folder: Path, rules: tuple[Rule, ...], as_of: datetime.date, reading: RegisterReading) -> str:
    """A name for everything a result depends on: the data's content, rules, options and program."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.parquet"), *folder.glob("parcels/*.parquet")]):
        digest.update(path.name.encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    stated = [version("gis-renovation"), as_of.isoformat(), [asdict(rule) for rule in rules], asdict(reading)]
    digest.update(json.dumps(stated, ensure_ascii=False, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _dask() -> tuple[Any, Any]:
    try:
        return import_module("dask"), import_module("dask_geopandas")
    except ImportError:
        raise ConfigError(
            '分块计算需要 dask-geopandas：pip install "gis-renovation[scale]"。',
            'Work in parts needs dask-geopandas: pip install "gis-renovation[scale]".',
        ) from None


def _finding(code: str, zh: str, en: str) -> Finding:
    return Finding(severity="error", code=code, layer="parcels", text=Text(zh, en))
