"""A card's files into one raw frame: found, hashed, opened by kind, stacked, joined, in the CRS they are stated in.

Reading returns what the files hold, nothing mended; :func:`conforming.conform` makes it ours.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.arrays import Floats
from gis_renovation.crs import (
    FourParameters,
    bd09_to_wgs84,
    fit_four_parameters,
    gcj02_to_wgs84,
    parse_crs,
    same_crs,
)
from gis_renovation.errors import ConfigError, CRSError, FeatureRef, FileError, Finding, Severity
from gis_renovation.reading.cards import Card, ColumnRule, Join, SurveyPoints
from gis_renovation.reading.formats import (
    ADVICE,
    PARQUET_SUFFIXES,
    SHEET_SUFFIXES,
    SUFFIXES,
    TEXT_SUFFIXES,
    VECTOR_SUFFIXES,
    Reading,
    assumed_crs,
    check_signature,
    claims_crs,
    empty_file,
    read_coordinates,
    read_csv,
    read_sheet,
    read_text_table,
    read_xlsx,
    unpack,
)
from gis_renovation.reading.joins import LEDGER_PREFIX, Say, fold_rows, join_keys, join_ledger, match_rows
from gis_renovation.reading.surveyed import lines_between, say_lines
from gis_renovation.reading.taking import no_column
from gis_renovation.reading.values import (
    Built,
    FileColumns,
    digits_lost,
    file_rows,
    has_shapes,
    one_text,
    row_refs,
    shapes_from_text,
    stacked,
)
from gis_renovation.reading.vectors import read_parquet_file, read_vector, say_built
from gis_renovation.words import Text
from gis_renovation.writing import temporary_folder

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


# Files are hashed beside their reading, in blocks so large that the interpreter is seldom asked for between them.
_BLOCK = 2**25


@dataclass
class Raw:
    """What one card's files hold: a frame in the stated CRS, remarks, and the record for the manifest.

    ``columns`` is what the file says of its columns beside the frame.
    """

    frame: gpd.GeoDataFrame | pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    columns: FileColumns = field(default_factory=FileColumns)


def read_files(card: Card, folder: Path, *, all_columns: bool = True) -> Raw:
    """The rows of a card's files, joined tables folded in, geometry in the CRS the card or file states.

    Several files are stacked in the order written. Display offsets (``datum``) are undone here, and
    old or local grids fitted by the card's control points. A row whose geometry cannot be built is kept
    without it and reported. With ``all_columns`` false, columns that no part of the card asks for may stay
    unread; ``Raw.columns.names`` are then all that the file has. Nothing beside the files is written or
    changed. Raises FileError for a
    missing, empty, locked, hostile or unreadable file, CRSError for an unknown CRS or one that
    contradicts the file, ConfigError for columns the file does not have.
    """
    parts: list[Any] = []
    files: list[dict[str, Any]] = []
    joined: list[dict[str, Any]] = []
    with temporary_folder() as scratch, ThreadPoolExecutor(1) as threads:
        reading = Reading(card, scratch, all_columns=all_columns)
        for name in card.source.paths:
            path = find_file(folder / name, card.source.layer)
            reading.facts, reading.inside = {}, None
            # The hash is taken beside the reading: it needs the disk and a core of its own, not the interpreter.
            digest = threads.submit(file_sha256, path)
            rows = _read_one(path, reading)
            if card.points is not None:
                rows, used = _surveyed(rows, card.points, folder, reading, path)
                joined.append(used)
            frame = _with_geometry(rows, reading, path)
            parts.append(frame)
            facts: dict[str, Any] = {"path": name, "sha256": digest.result(), "rows": len(frame), **reading.facts}
            files.append(facts)
        frame = stacked(_one_crs(parts, card) if len(parts) > 1 else parts)
        if len(parts) > 1:
            places = [(Path(name).name, part.index) for name, part in zip(card.source.paths, parts, strict=True)]
            frame = frame.set_axis(file_rows(places))
        files += joined[:1]  # the points are the same for every file
        for number, join in enumerate(card.join, start=1):
            frame, facts = _join(frame, join, number, folder, reading)
            files.append(facts)
    fit = _fit(card, folder)
    if fit is not None:
        frame = _move(frame, fit, card, reading)
    record: dict[str, Any] = {
        "files": files,
        "crs": str(frame.crs) if "geometry" in frame else "",
        "datum": card.source.datum,
    }
    if fit is not None:
        record["control_points"] = fit.record()
    return Raw(frame, reading.findings, record, reading.columns)


def read_raw(path: Path, card: Card) -> Raw:
    """What one file holds, before the card's geometry and CRS are applied; for drafting a card.

    Raises FileError as :func:`read_files` does.
    """
    path = find_file(path, card.source.layer)
    with temporary_folder() as scratch:
        reading = Reading(card, scratch)
        frame = _read_one(path, reading)
        claims = claims_crs(reading.inside or path)
    return Raw(frame, reading.findings, {**reading.facts, "claims_crs": claims}, reading.columns)


def find_file(path: Path, layer: str, *, by_card: bool = True) -> Path:
    """``path``, if it is a file that is not empty; else FileError with the names that look like it.

    ``by_card`` tells whether a card names the file, or a person at the terminal, who may not say the layer.
    """
    whose = Text(f"图层 {layer}：", f"Layer {layer}: ") if layer else Text("", "")
    if path.is_dir() and path.suffix.lower() == ".gdb":
        return path
    if path.is_file():
        if path.stat().st_size == 0:
            raise empty_file(path, whose)
        return path
    if path.exists() or path.is_symlink():
        raise FileError(
            f"{whose.zh}{path} 不是文件，而是文件夹、管道或失效的链接；请指到数据文件本身。",
            f"{whose.en}{path} is no file but a folder, a pipe or a dead link; name the data file itself.",
        )
    folder = path.parent
    siblings = sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []
    from difflib import get_close_matches

    near = get_close_matches(path.name, siblings, n=3, cutoff=0.5) or siblings[:5]
    listed = ", ".join(near)
    hint = Text(f"同一文件夹内有：{listed}。", f"Nearby: {listed}. ")
    if not near:
        hint = Text("所在的文件夹是空的。", "Its folder is empty. ")
    if not folder.is_dir():
        hint = Text(f"文件夹 {folder} 不存在。", f"There is no folder {folder}. ")
    check = Text("请检查来源卡的 path。", "Check the card's path.")
    if not by_card:
        check = Text("请核对命令中的文件名和所在文件夹。", "Check the file's name and folder in the command.")
    raise FileError(
        f"{whose.zh}找不到文件 {path}。{hint.zh}{check.zh}", f"{whose.en}no file {path}. {hint.en}{check.en}"
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; of a folder (FileGDB), of its files in the order of names."""
    if path.is_dir():
        parts = [f"{p.name} {file_sha256(p)}" for p in sorted(path.iterdir()) if p.is_file() and p.suffix != ".lock"]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    digest = hashlib.sha256()
    block = memoryview(bytearray(min(_BLOCK, max(1, path.stat().st_size))))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(block):
            digest.update(block[:count])
    return digest.hexdigest()


def _read_one(path: Path, reading: Reading) -> gpd.GeoDataFrame:
    suffix = path.suffix.lower()
    reading.original = None
    check_signature(path, reading.layer)
    if suffix in (".zip", ".kmz"):
        return _read_archive(path, reading)
    frame = _read_kind(path, suffix, reading)
    spreadsheet = suffix in (*SHEET_SUFFIXES, *TEXT_SUFFIXES)
    for name, rows in digits_lost(frame, spreadsheet=spreadsheet).items():
        cells = zip(row_refs(frame.index[rows]), frame[name][rows], strict=True)
        reading.say(
            "warning", "digits_lost", path,
            f"列“{name}”有的数超过 15 位或写成了科学计数法，末尾几位已经丢失，不能作编号用来对照；"
            "请在原表把该列设为文本，重新填写后导出。",
            f"Column {name!r} holds numbers of more than 15 digits or in scientific notation; their last digits are "
            "lost, so they are no ids. Make the column text in the original table, fill it in again and export it.",
            features=[ref._replace(mark="=", value=one_text(cell) or "") for ref, cell in cells],
        )  # fmt: skip
    return frame


def _read_kind(path: Path, suffix: str, reading: Reading) -> gpd.GeoDataFrame:
    if suffix in VECTOR_SUFFIXES:
        return read_vector(path, reading)
    if suffix in PARQUET_SUFFIXES:
        return read_parquet_file(path, reading)
    if suffix in SHEET_SUFFIXES:
        return read_sheet(path, reading, reading.card.source.layer_name)
    if suffix in TEXT_SUFFIXES:
        return read_text_table(path, reading)
    raise unknown_kind(path, reading.layer, SUFFIXES)


def unknown_kind(path: Path, layer: str, known: Sequence[str]) -> FileError:
    """That a file of this suffix is not read, which ones are, and what to do."""
    advice = ADVICE.get(path.suffix.lower(), Text("", ""))
    listed = " ".join(known)
    return FileError(
        f"图层 {layer}：不认识的文件类型 {path.name}；可用：{listed}。{advice.zh}",
        f"Layer {layer}: unknown kind of file {path.name}; known: {listed}. {advice.en}",
    )


# --- archives -------------------------------------------------------------------------------------


def _read_archive(path: Path, reading: Reading) -> gpd.GeoDataFrame:
    """The one layer in a zip or KMZ; ``layer_name`` names the file if there are several."""
    folder = Path(tempfile.mkdtemp(dir=reading.scratch))
    files = unpack(path, folder, reading.layer)
    readable = [p for p in files if p.suffix.lower() in SUFFIXES and p.suffix.lower() not in (".zip", ".dbf", ".txt")]
    databases = sorted({parent for p in files for parent in p.parents if parent.suffix.lower() == ".gdb"})
    found = [*databases, *(p for p in readable if not any(d in p.parents for d in databases))]
    wanted = reading.card.source.layer_name
    chosen = [p for p in found if wanted in (p.name, p.stem)] if len(found) > 1 else found
    if len(chosen) != 1:
        listed = ", ".join(p.name for p in found)
        raise FileError(
            f"图层 {reading.layer}：压缩包 {path.name} 中"
            + ("没有能读的数据" if not found else "有多个数据，请在来源卡用 layer_name 写明其中一个")
            + (f"；现有：{listed}。" if found else "。"),
            f"Layer {reading.layer}: {path.name} "
            + ("holds no data that can be read" if not found else "holds several; name one as layer_name in the card")
            + (f"; found: {listed}." if found else "."),
        )
    reading.inside = chosen[0]
    return _read_one(chosen[0], reading)


def _join(
    frame: gpd.GeoDataFrame, join: Join, number: int, folder: Path, reading: Reading
) -> tuple[Any, dict[str, Any]]:
    """A second table beside the layer's rows, and its record for the manifest."""
    path = find_file(folder / join.path, reading.layer)
    facts: dict[str, Any] = {"path": join.path, "sha256": file_sha256(path)}
    source = join.model_dump(include={"path", "layer_name", "encoding", "header_row", "header_rows", "separator"})
    card = Card.model_validate({"source": {**source, "layer": reading.layer}})
    other = Reading(card, reading.scratch)
    table = _read_one(path, other)
    reading.findings += other.findings

    def say(severity: Severity, code: str, zh: str, en: str, features: Sequence[FeatureRef]) -> None:
        if features or code == "join_nothing_met":
            reading.say(severity, code, path, zh, en, features=features)

    if join.take:
        table = _folded(table, join, frame, reading.card, where=path.name, say=say)
    rules = [rule.from_ if isinstance(rule, ColumnRule) else rule for rule in reading.card.columns.values()]
    asked = [name for rule in rules for name in ([rule] if isinstance(rule, str) else rule or ())]
    joined, counts = join_ledger(
        frame,
        table,
        join,
        prefix=LEDGER_PREFIX if number == 1 else f"{LEDGER_PREFIX}{number}",
        asked=[*asked, *reading.card.select],
        merges=reading.card.repair.merge_pieces,
        say=say,
    )
    came = {str(name): path.name for name in joined.columns if name not in frame.columns}
    rows = _ledger_rows(frame, table, join)
    reading.columns = replace(
        reading.columns,
        files={**reading.columns.files, **came},
        rows={**reading.columns.rows, **dict.fromkeys(came, rows)},
    )
    return joined, {**facts, "rows": len(table), **other.facts, "joined": counts}


def _surveyed(
    frame: Any, points: SurveyPoints, folder: Path, reading: Reading, path: Path
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """A table of lines with the lines drawn between the points of another, and that table's record."""
    import geopandas as gpd
    import pandas as pd

    beside = find_file(folder / points.path, reading.layer)
    source = points.model_dump(include={"path", "layer_name", "encoding", "header_row", "header_rows", "separator"})
    other = Reading(Card.model_validate({"source": {**source, "layer": reading.layer}}), reading.scratch)
    table = _read_one(beside, other)
    reading.findings += other.findings
    for rows, file, names in (
        (frame, path, (points.start, points.end)),
        (table, beside, (points.number, points.x, points.y)),
    ):
        for name in names:
            if name not in rows.columns:
                raise no_column(name, rows, "points", file.name)
    lines = lines_between(
        frame[points.start], frame[points.end], table[points.number],
        read_coordinates(table[points.x]), read_coordinates(table[points.y]),
    )  # fmt: skip
    say_lines(lines, reading, path, points.layer_name or beside.name)
    facts = {"path": points.path, "sha256": file_sha256(beside), "rows": len(table), **other.facts}
    bare = pd.DataFrame(frame).drop(columns="geometry", errors="ignore")
    return gpd.GeoDataFrame(bare, geometry=lines.shapes), facts


def _ledger_rows(frame: Any, table: Any, join: Join) -> Any:
    """For each row of the layer the ledger's row that came beside it, as people count; missing without one."""
    import pandas as pd

    left, right = join.sides
    positions = match_rows(join_keys(frame[left]), join_keys(table[right])).positions
    names = row_refs(table.index)
    return pd.Series([names[at].rows[0] if at >= 0 else None for at in positions], index=frame.index, dtype=object)


def _folded(table: Any, join: Join, frame: Any, card: Card, *, where: str, say: Say) -> Any:
    """A table with several rows for a number as a ledger with one, told by the first of its rows."""
    import pandas as pd

    unknown = {
        rule.from_.removesuffix(_FOLDED): rule.unknown
        for rule in card.columns.values()
        if isinstance(rule, ColumnRule) and isinstance(rule.from_, str) and rule.unknown
    }
    folded = fold_rows(table, join, where=where, unknown=unknown, say=say)
    keys = pd.Series(join_keys(table[join.sides[1]]), index=table.index)
    first = keys[keys != ""].drop_duplicates()
    rows = pd.Series(first.index, index=first)
    ledger = folded.rename(columns={name: f"{name}{_FOLDED}" for name in folded.columns if name in frame.columns})
    ledger = ledger.rename_axis(join.sides[1]).reset_index()
    blank = table.loc[keys == "", [join.sides[1]]]
    ledger.index = pd.Index(rows[folded.index], name=table.index.name)
    return pd.concat([ledger, blank]) if len(blank) else ledger


# What follows a folded column's name where the layer has one of the same name.
_FOLDED = "_join"


# --- geometry and CRS -----------------------------------------------------------------------------


def _with_geometry(frame: gpd.GeoDataFrame, reading: Reading, path: Path) -> gpd.GeoDataFrame:
    card = reading.card
    schema = card.schema_
    if not schema.geometry:
        return frame.drop(columns="geometry") if has_shapes(frame) else frame
    where = f"{schema.name}（{path.name}）"
    if card.geometry is not None:
        frame = _from_columns(frame, reading, path)
    if not has_shapes(frame):  # a column called geometry may hold anything
        raise FileError(
            f"{where}：表格没有几何。有坐标列的，请在来源卡写 [geometry] x = …, y = …（或 wkt = …）；"
            "图形在另一个文件里的，来源卡的 path 写图形文件，这张表写进 [join]。",
            f"{where}: the table has no geometry. With coordinate columns, add [geometry] x = …, y = … (or wkt = …) "
            "to the card; if the shapes are in another file, name that file as path and this table in [join].",
        )
    if card.source.swap_axes:
        frame = _swap_axes(frame, reading, path)
    if card.source.scale is not None:
        frame = _scaled(frame, card.source.scale, reading, path)
    frame = _state_crs(frame, reading, path, claims=claims_crs(reading.inside or path))
    return _undo_offset(frame, card, where) if card.source.datum else frame


def _swap_axes(frame: gpd.GeoDataFrame, reading: Reading, path: Path) -> gpd.GeoDataFrame:
    """X and y of every shape exchanged, as the card asks; said and counted."""
    import shapely

    geometry = frame.geometry.to_numpy()
    count = int((~shapely.is_missing(geometry)).sum())
    reading.facts["axes_swapped"] = count
    reading.say(
        "note", "axes_swapped", path,
        f"按来源卡 swap_axes，已对调 {count} 个要素的 X 与 Y；原文件没有改动。",
        f"As the card's swap_axes says, x and y of {count} features were exchanged; the file was not changed.",
    )  # fmt: skip
    swapped = shapely.transform(geometry, lambda xy: xy[:, ::-1])
    return frame.set_geometry(type(frame.geometry)(swapped, index=frame.index, crs=frame.crs))


def _scaled(frame: gpd.GeoDataFrame, scale: float, reading: Reading, path: Path) -> gpd.GeoDataFrame:
    """All coordinates times the card's ``scale``; said and counted."""
    import shapely

    if frame.crs is not None and frame.crs.is_geographic:
        raise CRSError(
            f"{reading.layer}（{path.name}）：scale 只用于平面坐标，这个文件是经纬度；请删去来源卡的 scale。",
            f"{reading.layer} ({path.name}): scale is for plane coordinates, this file is in degrees. Delete it.",
        )
    geometry = frame.geometry.to_numpy()
    count = int((~shapely.is_missing(geometry)).sum())
    reading.facts["scale"] = scale
    reading.say(
        "note", "scaled", path,
        f"按来源卡 scale，{count} 个要素的坐标已乘以 {scale:g}；原文件没有改动。",
        f"As the card's scale says, the coordinates of {count} features were multiplied by {scale:g}; the file was "
        "not changed.",
    )  # fmt: skip
    moved = shapely.transform(geometry, lambda xy: xy * scale)
    return frame.set_geometry(type(frame.geometry)(moved, index=frame.index, crs=frame.crs))


def _from_columns(frame: gpd.GeoDataFrame, reading: Reading, path: Path) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import shapely

    columns = reading.card.geometry
    if columns is None:  # pragma: no cover - the caller asked
        return frame
    for name in filter(None, (columns.x, columns.y, columns.wkt)):
        if name not in frame.columns:
            from gis_renovation.config import nearest_key

            hint = nearest_key(name, map(str, frame.columns))
            raise ConfigError(
                f"{reading.layer}（{path.name}）：没有坐标列“{name}”；{hint.zh}",
                f"{reading.layer} ({path.name}): no coordinate column {name!r}; {hint.en}",
            )
    if columns.wkt:
        built = shapes_from_text(frame[columns.wkt].astype("str").to_numpy(dtype=object, na_value=None))
        geometry = built.shapes
    else:
        x, y = (read_coordinates(frame[name]) for name in (columns.x, columns.y))
        known = np.isfinite(x) & np.isfinite(y)
        geometry = np.full(len(frame), None, dtype=object)
        geometry[known] = shapely.points(x[known], y[known])
        lost = ~known & frame[[columns.x, columns.y]].notna().any(axis=1).to_numpy()
        built = Built(geometry, lost, np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool))
    words = Text("坐标写得不对，该行没有几何。", "Coordinates cannot be read; the row has no geometry.")
    say_built(built, path, reading, index=frame.index, words=words)
    return gpd.GeoDataFrame(pd.DataFrame(frame).drop(columns="geometry", errors="ignore"), geometry=geometry)


def _state_crs(frame: gpd.GeoDataFrame, reading: Reading, path: Path, *, claims: bool) -> gpd.GeoDataFrame:
    card, where = reading.card, f"{reading.layer}（{path.name}）"
    stated = parse_crs(card.source.crs, where=f"{where} 来源卡 crs") if card.source.crs else None
    if frame.crs is None:
        return frame.set_crs(stated or parse_crs(None, where=where))
    if stated is None:
        if frame.crs.type_name == "Engineering CRS" and card.control is None:
            raise CRSError(
                f"{where}：文件用的是地方独立坐标系（{frame.crs.name}），不知道它在哪里，不能用于分析。"
                "请在来源卡用 [control] 给出控制点，或向提供单位索取 CGCS2000 成果。",
                f"{where}: the file is in a local grid ({frame.crs.name}) of unknown place. Give control points in "
                "[control], or ask for the data in CGCS2000.",
            )
        if not claims:
            reading.say("warning", "crs_assumed", path, *assumed_crs(frame.crs))
        return frame
    if claims and card.source.replace_crs and not same_crs(stated, frame.crs):
        reading.say(
            "warning", "crs_replaced", path,
            f"按来源卡 replace_crs，文件自带的坐标系 {frame.crs.name} 改按 {card.source.crs} 理解；坐标数值没有改动。",
            f"As the card's replace_crs says, the file's CRS {frame.crs.name} is taken as {card.source.crs}; no number "
            "was changed.",
        )  # fmt: skip
    elif claims and not same_crs(stated, frame.crs):
        raise CRSError(
            f"{where}：来源卡写的坐标系是 {card.source.crs}，文件自带的是 {frame.crs.to_string()[:80]}。"
            "请核实后改正来源卡（或删去 crs 一行，以文件为准）；确知是文件写错了，再加一行 replace_crs = true。",
            f"{where}: the card says {card.source.crs}, the file says {frame.crs.to_string()[:80]}. Find out which is "
            "right and correct the card (or delete its crs line to follow the file); if the file is surely wrong, add "
            "replace_crs = true.",
        )
    return frame.set_crs(stated, allow_override=True)


def _one_crs(parts: list[gpd.GeoDataFrame], card: Card) -> list[gpd.GeoDataFrame]:
    """Several files of one layer must share one CRS; none is moved silently."""
    found = {str(part.crs): part.crs for part in parts if "geometry" in getattr(part, "columns", ())}
    first = next(iter(found.values()), None)
    if first is None or all(same_crs(first, crs) for crs in found.values()):
        return [p if first is None or "geometry" not in p else p.set_crs(first, allow_override=True) for p in parts]
    listed = ", ".join(sorted(name[:60] for name in found))
    raise CRSError(
        f"图层 {card.source.layer}：几个文件的坐标系不同（{listed}）；请先统一。",
        f"Layer {card.source.layer}: its files are in different CRSs ({listed}); bring them into one first.",
    )


def _fit(card: Card, folder: Path) -> FourParameters | None:
    """The four parameters of the card's control points, if it names any."""
    control = card.control
    if control is None:
        return None
    path = find_file(folder / control.path, card.source.layer)
    table = read_csv(path) if path.suffix.lower() in TEXT_SUFFIXES else read_xlsx(path)
    missing = [name for name in control.columns() if name not in table.columns]
    if missing:
        raise ConfigError(
            f"控制点文件 {path.name} 没有列 {'、'.join(missing)}；现有：{'、'.join(map(str, table.columns))}。",
            f"Control points {path.name}: no column {', '.join(missing)}; found: {', '.join(map(str, table.columns))}.",
        )
    values = [read_coordinates(table[name]) for name in control.columns()]
    return fit_four_parameters(*values, where=f"{card.source.layer}（{path.name}）")


def _move(frame: gpd.GeoDataFrame, fit: FourParameters, card: Card, reading: Reading) -> gpd.GeoDataFrame:
    """Geometry by the fitted parameters into the control points' CRS; the residuals are said."""
    import shapely

    control = card.control
    if control is None:  # pragma: no cover - the caller asked
        return frame
    target = parse_crs(control.crs, where=f"{card.source.layer} [control] crs")
    moved = shapely.transform(frame.geometry.to_numpy(), fit.apply)
    worst = f"{fit.largest_residual_m:.3f}"
    doubtful = fit.points < 3 or fit.largest_residual_m > control.tolerance_m
    reading.say(
        "warning" if doubtful else "note", "fitted", Path(control.path),
        f"按 {fit.points} 个控制点求四参数转换，中误差 {fit.rmse_m:.3f} m，最大残差 {worst} m"
        + ("；只有两个控制点，无法检核。" if fit.points < 3 else "。"),
        f"Moved by four parameters fitted to {fit.points} control points; RMSE {fit.rmse_m:.3f} m, largest residual "
        f"{worst} m" + ("; two points leave nothing to check with." if fit.points < 3 else "."),
    )  # fmt: skip
    return frame.set_geometry(type(frame.geometry)(moved, index=frame.index, crs=target))


def _undo_offset(frame: gpd.GeoDataFrame, card: Card, where: str) -> gpd.GeoDataFrame:
    import shapely

    if not frame.crs.is_geographic:
        raise CRSError(
            f"{where}：datum = {card.source.datum} 只用于经纬度坐标；现为 {frame.crs.to_string()}。",
            f"{where}: datum = {card.source.datum} applies to longitude and latitude; found {frame.crs.to_string()}.",
        )
    inverse = gcj02_to_wgs84 if card.source.datum == "gcj02" else bd09_to_wgs84

    def move(xy: Floats) -> Floats:
        import numpy as np

        return np.column_stack(inverse(xy[:, 0], xy[:, 1]))

    geometry = shapely.transform(frame.geometry.to_numpy(), move)
    return frame.set_geometry(type(frame.geometry)(geometry, index=frame.index, crs=frame.crs))
