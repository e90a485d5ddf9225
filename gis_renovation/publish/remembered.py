"""What earlier editions told of counts: read with all profiles beside, refused where it is lost, rebuilt from editions.

The record lies beside the public folders. Where the log, or an edition in place, says that an edition
went out which the record does not cover, publishing would leak by difference: it is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.display import WITHHELD
from gis_renovation.errors import FileError
from gis_renovation.publish.disclosure import (
    Record,
    counts_file,
    counts_shown,
    merged,
    read_record,
    record_files,
    settled,
    stated_sums,
    write_record,
)
from gis_renovation.publish.edition import tables
from gis_renovation.publish.marker import MARKER, read_marker, sha256
from gis_renovation.publish.verify import LOG, log_lines
from gis_renovation.schemas import layer_schemas


class _Edition(NamedTuple):
    """A public edition that went out: of which profile, its mark, and when the data were of."""

    profile: str
    mark: str
    as_of: str


def counts_before(target: Path) -> Record:
    """What earlier editions said of each count, those of the project's other public profiles included.

    Raises FileError if a record cannot be read or was changed, or does not cover every public edition that the
    log or a folder in place tells of: guessing would leak.
    """
    records = {name: read_record(path) for name, path in record_files(target.parent).items()}
    lost = [each for each in _went_out(target.parent) if not _covered(each, records.get(each.profile))]
    if lost:
        raise _lost(target, lost)
    own = records.get(target.name, Record())
    others = [record for name, record in records.items() if name != target.name]
    return merged([*others, own]).model_copy(update={"editions": own.editions})


def remember(target: Path, record: Record, work: Path) -> None:
    """Write what is told with the edition in ``work``, before it becomes ``target``."""
    logged = [each.mark for each in _went_out(target.parent) if each.profile == target.name]
    marks = dict.fromkeys([*record.editions, *logged, sha256(work / MARKER)])
    write_record(target, record.model_copy(update={"editions": tuple(marks)}))


def _went_out(maps: Path) -> list[_Edition]:
    """Every public edition that the log or a folder in place tells of, each once."""
    found = [
        _Edition(str(line.get("profile")), str(line.get("edition")), str(line.get("as_of")))
        for line in log_lines(maps / LOG)
        if line.get("audience") == "public" and line.get("edition") and line.get("action") == "publish"
    ]
    for folder in sorted(maps.iterdir()) if maps.is_dir() else ():
        marker = read_marker(folder)
        if marker is not None and marker.audience == "public" and not folder.name.startswith("."):
            name = marker.profile or folder.name.removesuffix(".previous")
            found.append(_Edition(name, sha256(folder / MARKER), marker.as_of.isoformat()))
    return list(dict.fromkeys(found))


def _covered(edition: _Edition, record: Record | None) -> bool:
    """A record of before editions were noted in it covers what was there then."""
    return record is not None and (edition.mark in record.editions or not record.editions)


def _lost(target: Path, lost: Sequence[_Edition]) -> FileError:
    days = sorted({(each.profile, each.as_of) for each in lost})
    zh, en = "、".join(f"{name} {day}" for name, day in days), ", ".join(f"{name} {day}" for name, day in days)
    names = "、".join(sorted({f"{each.profile}.counts.json" for each in lost}))
    return FileError(
        f"{target.parent} 里的 {names} 缺失或不完整：它没有记下这几期（{zh}）公开过哪些户数。"
        f"几期对比可能反推出不公开的数，所以没有发布。请从备份恢复它；"
        f"没有备份的，运行 gis-renovation rebuild-counts --profile {lost[0].profile}，由保留的各期重建。",
        f"{names} in {target.parent} is missing or incomplete: it does not say which counts these editions showed: "
        f"{en}. Two editions together could tell what is withheld, so nothing was published. Restore it from a "
        "backup, or rebuild it from the editions kept: "
        f"gis-renovation rebuild-counts --profile {lost[0].profile}.",
    )


# --- rebuilding ------------------------------------------------------------------------------------


def rebuild_counts(
    target: Path, layers: Mapping[str, object], k: int, *, kept: Sequence[Path] = (), accept_missing: bool = False
) -> Path:
    """Write the record of a profile anew from its editions; its path.

    Read are the folders in ``maps/`` that bear the mark of an edition of this profile, and those of ``kept``;
    ``layers`` of today say what is small now, and which communities a total was over where an edition does
    not say it. Which counts were small then nobody knows: all that were withheld and are not k or more today
    are taken for such.

    Raises FileError if a record is there (nothing to rebuild), if no edition is, if one has no tables to read,
    or if the log tells of editions that are not there, unless ``accept_missing``: what those showed is then
    not known.
    """
    path = counts_file(target)
    if path.exists():
        raise FileError(
            f"{path} 还在，不重建；确已损坏的，先把它移到别处。",
            f"{path} is there and is not made anew; if it is broken, move it away first.",
        )
    folders = _kept_editions(target, kept)
    gone = [each for each in _went_out(target.parent) if each.profile == target.name and each.mark not in folders]
    if not folders or (gone and not accept_missing):
        raise _no_editions(target, gone)
    record = Record(small=None)
    for mark, folder in folders.items():
        record = _with_edition(record, folder, tables(layers), k).model_copy(
            update={"editions": (*record.editions, mark)}
        )
    marks = dict.fromkeys([*record.editions, *(each.mark for each in gone)])
    write_record(target, record.model_copy(update={"editions": tuple(marks)}))
    return path


def _kept_editions(target: Path, kept: Sequence[Path]) -> dict[str, Path]:
    """Editions of the profile by their marks, the oldest first."""
    found = []
    for folder in [*sorted(target.parent.iterdir() if target.parent.is_dir() else ()), *kept]:
        marker = read_marker(folder)
        if marker is not None and marker.audience == "public" and marker.profile == target.name:
            found.append((marker.as_of, sha256(folder / MARKER), folder))
    return {mark: folder for _, mark, folder in sorted(found, key=lambda each: each[:2])}


def _no_editions(target: Path, gone: Sequence[_Edition]) -> FileError:
    days = [each.as_of for each in gone]
    return FileError(
        f"重建需要 {target.name} 发布过的各期，这里没有：{'、'.join(days) or '任何一期'}。"
        "请用 --edition 指明保存它们的文件夹；确实找不到的，加 --accept-missing："
        "这几期公开过什么将无从核对，由发布人负责。",
        f"Editions of {target.name} are needed and not here: {', '.join(days) or 'any'}. Name the folders that hold "
        "them with --edition; if they are lost, add --accept-missing: what they showed can then not be checked, and "
        "the publisher answers for it.",
    )


def _with_edition(record: Record, folder: Path, layers: Mapping[str, pd.DataFrame], k: int) -> Record:
    """``record`` with what the edition in ``folder`` told."""
    own = {path.stem: _table(path) for path in sorted((folder / "data").glob("*.csv"))}
    if "communities" not in own:
        raise FileError(
            f"{folder} 里没有 data/communities.csv，读不出它公开过哪些户数（配置的 [downloads] 没有 csv）。",
            f"{folder} holds no data/communities.csv: what it showed cannot be read ([downloads] lacks csv).",
        )
    made = {name: _numbers(name, table) for name, table in own.items()}
    made["communities"] = _with_shapes(made["communities"], folder)
    gone = {
        name: {column: [str(key) for key in table.index[_withheld(table[column])]] for column in table.columns}
        for name, table in own.items()
    }
    then = {**layers, **made}
    before = settled(record, then, k)
    told = counts_shown(made, gone, before, then, k)
    hidden = set(gone["communities"].get("households", []))
    return told.model_copy(update={"sums": {**before.sums, **stated_sums(made, then, hidden)}, "small": None})


def _table(path: Path) -> pd.DataFrame:
    """A table of an edition as text, by its layer's key."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    schema = layer_schemas().get(path.stem)
    return table.set_index(schema.key) if schema and schema.key in table.columns else table


def _withheld(cells: pd.Series[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(cells.isin([WITHHELD.zh, WITHHELD.en]), dtype=bool)


def _numbers(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns of numbers as numbers, missing where withheld or unknown."""
    schema = layer_schemas().get(name)
    fields = schema.fields if schema else {}
    typed = table.mask(table.isin([WITHHELD.zh, WITHHELD.en, ""]))
    for column in typed.columns:
        if column in fields and fields[column].type in {"integer", "number"}:
            typed[column] = pd.to_numeric(typed[column], errors="coerce")
    return typed


def _with_shapes(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The communities with the shapes of the edition's database, where it has one."""
    database = folder / "data" / "data.gpkg"
    names: Iterable[str] = ()
    if database.is_file():
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
            names = [row[0] for row in opened.execute("SELECT table_name FROM gpkg_contents")]
    if "communities" not in names:
        return table
    shapes = gpd.read_file(database, layer="communities").set_index("community_id").geometry
    shaped: pd.DataFrame = gpd.GeoDataFrame(table, geometry=shapes.reindex(table.index), crs=shapes.crs)
    return shaped
