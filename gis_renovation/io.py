"""The only module that touches files of geodata: vectors, tables, rasters; reading and writing.

Reading returns what the file holds, nothing mended; ``cards.conform`` makes it ours. Writing goes to
a temporary name first and moves into place in one step, so that a kill leaves no half file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.cards import Card, fold_rows
from gis_renovation.crs import bd09_to_wgs84, gcj02_to_wgs84, parse_crs
from gis_renovation.errors import CRSError, FileError, Finding, Text

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from gis_renovation.rasters import Raster

VECTOR_SUFFIXES = (".gpkg", ".shp", ".geojson", ".json", ".fgb")
TABLE_SUFFIXES = (".csv", ".xlsx")
PARQUET_SUFFIXES = (".parquet", ".geoparquet")
RASTER_SUFFIXES = (".tif", ".tiff")
SUFFIXES = (*VECTOR_SUFFIXES, *PARQUET_SUFFIXES, *TABLE_SUFFIXES, *RASTER_SUFFIXES)

UNFINISHED = ".unfinished-"


@dataclass
class Raw:
    """What one card's files hold: a frame in the stated CRS, remarks, and the record for the manifest."""

    frame: gpd.GeoDataFrame | pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)


def read_layer(card: Card, folder: Path) -> Raw:
    """The rows of a card's files, joined tables folded in, geometry in the CRS the card or file states.

    Several files are stacked in the order written. Display offsets (``datum``) are undone here.
    Raises FileError for a missing, empty or unreadable file, CRSError for an unknown CRS or one
    that contradicts the file, ConfigError for columns the file does not have.
    """
    import pandas as pd

    parts, files = [], []
    findings: list[Finding] = []
    for name in card.source.paths:
        path = find_file(folder / name, card.source.layer)
        frame = _read_one(path, card, findings)
        parts.append(_with_geometry(frame, card, path))
        files.append({"path": name, "sha256": file_sha256(path), "rows": len(frame)})
    frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    for join in card.join:
        frame = _join(frame, join, folder, card)
    record = {"files": files, "crs": str(frame.crs) if "geometry" in frame else "", "datum": card.source.datum}
    return Raw(frame, findings, record)


def find_file(path: Path, layer: str) -> Path:
    """``path``, if it is a file that is not empty; else FileError with the names that look like it."""
    if path.is_file():
        if path.stat().st_size == 0:
            raise FileError(
                f"图层 {layer}：文件是空的（0 字节）：{path}。请重新导出或复制。",
                f"Layer {layer}: the file is empty (0 bytes): {path}. Export or copy it again.",
            )
        return path
    siblings = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
    from difflib import get_close_matches

    near = get_close_matches(path.name, siblings, n=3, cutoff=0.5) or siblings[:5]
    hint = f"同一文件夹内有：{', '.join(near)}。" if near else "文件夹不存在或没有文件。"
    raise FileError(
        f"图层 {layer}：找不到文件 {path}。{hint}请检查来源卡的 path。",
        f"Layer {layer}: no file {path}. "
        + (f"Nearby: {', '.join(near)}. " if near else "")
        + "Check the card's path.",
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_one(path: Path, card: Card, findings: list[Finding]) -> Any:
    suffix = path.suffix.lower()
    if suffix in VECTOR_SUFFIXES:
        return _read_vector(path, card, findings)
    if suffix in PARQUET_SUFFIXES:
        return _read_parquet(path, card)
    if suffix == ".csv":
        return read_csv(path, card.source.encoding)
    if suffix == ".xlsx":
        return read_xlsx(path, card.source.layer_name, header_row=card.source.header_row)
    raise FileError(
        f"图层 {card.source.layer}：不认识的文件类型 {path.name}；可用：{' '.join(SUFFIXES)}。",
        f"Layer {card.source.layer}: unknown kind of file {path.name}; known: {' '.join(SUFFIXES)}.",
    )


def _unreadable(path: Path, layer: str, error: Exception) -> FileError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return FileError(
        f"图层 {layer}：读不出 {path}（{reason}）。文件可能损坏、被截断或加了密码；请用原软件重新导出。",
        f"Layer {layer}: cannot read {path} ({reason}). It may be damaged, cut short or locked; export it again.",
    )


def _read_vector(path: Path, card: Card, findings: list[Finding]) -> Any:
    import fiona
    import pyogrio
    from fiona.errors import DriverError, FionaValueError

    layer = card.source.layer
    try:
        names = fiona.listlayers(path)
    except (DriverError, FionaValueError) as error:
        raise _unreadable(path, layer, error) from None
    name = _pick_layer(names, card, path)
    options: dict[str, Any] = {"encoding": card.source.encoding} if card.source.encoding else {}
    try:
        frame = pyogrio.read_dataframe(path, layer=name, **options)
    except UnicodeDecodeError:
        raise FileError(
            f'图层 {layer}：{path.name} 的文字编码不对；请在来源卡写 encoding = "GB18030" 或 "UTF-8"。',
            f'Layer {layer}: the text encoding of {path.name} is wrong; set encoding = "GB18030" or "UTF-8" in the card.',
        ) from None
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, LookupError) as error:
        raise _unreadable(path, layer, error) from None
    except Exception as error:
        # GEOS refuses a single impossible ring and with it the whole bulk read; any other error is a bug.
        if type(error).__name__ != "GEOSException":
            raise
        return _stream_vector(path, name, card, findings)
    return frame


def _stream_vector(path: Path, name: str, card: Card, findings: list[Finding]) -> Any:
    """Row by row with fiona, so that rows GEOS cannot build are named and the others kept."""
    import fiona
    import geopandas as gpd
    import shapely.geometry

    geometry, rows, broken = [], [], []
    with fiona.open(path, layer=name, **({"encoding": card.source.encoding} if card.source.encoding else {})) as source:
        crs = source.crs_wkt or None
        for number, record in enumerate(source, start=1):
            rows.append(dict(record.properties))
            try:
                geometry.append(shapely.geometry.shape(record.geometry) if record.geometry else None)
            except (shapely.errors.GEOSException, ValueError):
                geometry.append(None)
                broken.append(f"第{number}行")
    text = Text(
        "几何无法读出（如环只有两个点），已按空几何保留该行。", "Geometry cannot be read; the row is kept without it."
    )
    findings.append(
        Finding(
            severity="error",
            code="unreadable_geometry",
            layer=card.source.layer,
            file=path.name,
            text=text,
            ids=tuple(broken),
        )
    )
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=crs)


def _pick_layer(names: list[str], card: Card, path: Path) -> str:
    wanted = card.source.layer_name
    if wanted in names:
        return wanted
    if not wanted and len(names) == 1:
        return names[0]
    if not wanted and card.source.layer in names:
        return card.source.layer
    listed = ", ".join(names) or "（无）"
    raise FileError(
        f"图层 {card.source.layer}：{path.name} 中"
        + (f"没有名为 {wanted} 的图层" if wanted else "有多个图层，请在来源卡写明 layer_name")
        + f"；现有：{listed}。",
        f"Layer {card.source.layer}: {path.name} "
        + (f"has no layer {wanted}" if wanted else "holds several layers; name one as layer_name in the card")
        + f"; found: {listed}.",
    )


def _read_parquet(path: Path, card: Card) -> Any:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa

    try:
        return gpd.read_parquet(path)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, card.source.layer, error) from None
    except ValueError:
        return pd.read_parquet(path)  # a Parquet table without geometry


def read_csv(path: Path, encoding: str = "") -> Any:
    """A CSV file as text cells; UTF-8 (with or without BOM), else GB18030, unless ``encoding`` says."""
    import pandas as pd

    for name in [encoding] if encoding else ["utf-8-sig", "gb18030"]:
        try:
            return pd.read_csv(path, encoding=name, dtype=str, keep_default_na=False, na_values=[""])
        except UnicodeDecodeError:
            continue
        except LookupError:
            break
        except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
            raise _unreadable(path, path.stem, error) from None
    raise FileError(
        f"{path}：文字编码不是 {encoding or 'UTF-8 或 GB18030'}；请在来源卡写明 encoding。",
        f"{path}: text is not {encoding or 'UTF-8 or GB18030'}; set encoding in the card.",
    )


def read_xlsx(path: Path, sheet: str = "", *, header_row: int = 1) -> Any:
    """One sheet of a workbook; the only visible one unless ``sheet`` names it."""
    import zipfile

    import pandas as pd
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = pd.ExcelFile(path, engine="openpyxl")
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise _unreadable(path, path.stem, error) from None
    with book:
        visible = [ws.title for ws in book.book.worksheets if ws.sheet_state == "visible"]
        if not sheet and len(visible) > 1:
            raise FileError(
                f"{path.name} 有多个工作表：{', '.join(visible)}；请在来源卡用 layer_name 指明。",
                f"{path.name} has several sheets: {', '.join(visible)}; name one as layer_name in the card.",
            )
        name = sheet or visible[0]
        if name not in book.sheet_names:
            raise FileError(
                f"{path.name} 没有工作表 {name}；现有：{', '.join(map(str, book.sheet_names))}。",
                f"{path.name} has no sheet {name}; found: {', '.join(map(str, book.sheet_names))}.",
            )
        frame = book.parse(name, header=header_row - 1)
    return frame.dropna(how="all").reset_index(drop=True)


def _join(frame: Any, join: Any, folder: Path, card: Card) -> Any:
    path = find_file(folder / join.path, card.source.layer)
    table = read_csv(path, join.encoding) if path.suffix.lower() == ".csv" else read_xlsx(path, join.layer_name)
    if path.suffix.lower() == ".csv":
        table = table.apply(_numbers_where_all_are)
    folded = fold_rows(table, join, where=path.name)
    if join.on not in frame.columns:
        from gis_renovation.config import nearest_key
        from gis_renovation.errors import ConfigError

        hint = nearest_key(join.on, map(str, frame.columns))
        raise ConfigError(
            f"来源卡 join.on：{card.source.layer} 没有列 {join.on}；{hint.zh}",
            f"The card's join.on: {card.source.layer} has no column {join.on}; {hint.en}",
        )
    return frame.join(folded, on=join.on, rsuffix="_join")


def _numbers_where_all_are(column: Any) -> Any:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().sum() == column.notna().sum() else column


# --- geometry and CRS -----------------------------------------------------------------------------


def _with_geometry(frame: Any, card: Card, path: Path) -> Any:
    schema = card.schema_
    if not schema.geometry:
        return frame.drop(columns="geometry", errors="ignore")
    where = f"{schema.name}（{path.name}）"
    if card.geometry is not None:
        frame = _from_columns(frame, card, where)
    if "geometry" not in getattr(frame, "columns", ()):
        raise FileError(
            f"{where}：表格没有几何；请在来源卡写 [geometry] x = …, y = …（或 wkt = …）。",
            f"{where}: the table has no geometry; add [geometry] x = …, y = … (or wkt = …) to the card.",
        )
    frame = _state_crs(frame, card, where)
    return _undo_offset(frame, card, where) if card.source.datum else frame


def _from_columns(frame: Any, card: Card, where: str) -> Any:
    import geopandas as gpd
    import pandas as pd
    import shapely

    columns = card.geometry
    if columns is None:  # pragma: no cover - the caller asked
        return frame
    for name in filter(None, (columns.x, columns.y, columns.wkt)):
        if name not in frame.columns:
            from gis_renovation.config import nearest_key

            hint = nearest_key(name, map(str, frame.columns))
            raise FileError(
                f"{where}：没有坐标列“{name}”；{hint.zh}", f"{where}: no coordinate column {name!r}; {hint.en}"
            )
    if columns.wkt:
        geometry = shapely.from_wkt(frame[columns.wkt].to_numpy(dtype=object), on_invalid="ignore")
        return gpd.GeoDataFrame(frame, geometry=geometry)
    x, y = (pd.to_numeric(frame[name], errors="coerce").to_numpy("float64") for name in (columns.x, columns.y))
    import numpy as np

    known = np.isfinite(x) & np.isfinite(y)
    geometry = np.full(len(frame), None, dtype=object)
    geometry[known] = shapely.points(x[known], y[known])
    return gpd.GeoDataFrame(frame, geometry=geometry)


def _state_crs(frame: Any, card: Card, where: str) -> Any:
    stated = parse_crs(card.source.crs, where=f"{where} 来源卡 crs") if card.source.crs else None
    if frame.crs is None:
        return frame.set_crs(stated or parse_crs(None, where=where))
    if stated is not None and not stated.equals(frame.crs, ignore_axis_order=True):
        raise CRSError(
            f"{where}：来源卡写的坐标系是 {card.source.crs}，文件自带的是 {frame.crs.to_string()}。"
            "请核实后改正来源卡（或删去 crs 一行，以文件为准）。",
            f"{where}: the card says {card.source.crs}, the file says {frame.crs.to_string()}. Find out which is "
            "right and correct the card (or delete its crs line to follow the file).",
        )
    return frame


def _undo_offset(frame: Any, card: Card, where: str) -> Any:
    import shapely

    if not frame.crs.is_geographic:
        raise CRSError(
            f"{where}：datum = {card.source.datum} 只用于经纬度坐标；现为 {frame.crs.to_string()}。",
            f"{where}: datum = {card.source.datum} applies to longitude and latitude; found {frame.crs.to_string()}.",
        )
    inverse = gcj02_to_wgs84 if card.source.datum == "gcj02" else bd09_to_wgs84

    def move(xy: Any) -> Any:
        import numpy as np

        return np.column_stack(inverse(xy[:, 0], xy[:, 1]))

    geometry = shapely.transform(frame.geometry.to_numpy(), move)
    return frame.set_geometry(type(frame.geometry)(geometry, index=frame.index, crs=frame.crs))


# --- rasters --------------------------------------------------------------------------------------


def read_raster(card: Card, folder: Path) -> tuple[Raster, dict[str, Any]]:
    """A one-band raster with NaN where the file says nodata, and its record for the manifest.

    Raises FileError for an unreadable file, CRSError for a raster without CRS or one that
    contradicts the card.
    """
    import numpy as np
    import rasterio
    from rasterio.errors import RasterioIOError

    from gis_renovation.rasters import Raster

    path = find_file(folder / card.source.paths[0], card.source.layer)
    try:
        with rasterio.open(path) as source:
            values = source.read(1, masked=True).astype("float64").filled(np.nan)
            transform, crs, bands = source.transform, source.crs, source.count
    except RasterioIOError as error:
        raise _unreadable(path, card.source.layer, error) from None
    where = f"{card.source.layer}（{path.name}）"
    stated = parse_crs(card.source.crs, where=where) if card.source.crs else None
    if crs is None and stated is None:
        parse_crs(None, where=where)
    found = parse_crs(crs.to_wkt(), where=where) if crs is not None else stated
    if stated is not None and found is not None and not stated.equals(found, ignore_axis_order=True):
        raise CRSError(
            f"{where}：来源卡写的坐标系是 {card.source.crs}，栅格自带的是 {found.name}。请核实后改正来源卡。",
            f"{where}: the card says {card.source.crs}, the raster says {found.name}. Correct the card.",
        )
    record = {
        "files": [{"path": card.source.paths[0], "sha256": file_sha256(path)}],
        "shape": list(values.shape),
        "bands": bands,
    }
    return Raster(values=values, transform=transform, crs=found), record


# --- writing --------------------------------------------------------------------------------------


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A temporary sibling of ``target`` to fill; moved into place when the block ends well.

    An existing ``target`` is replaced in two renames, never emptied first. When the block raises,
    the temporary folder is removed and ``target`` is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f"{UNFINISHED}{target.name}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    work = target.parent / f"{UNFINISHED}{target.name}-{os.getpid()}"
    work.mkdir()
    try:
        yield work
        if target.exists():
            old = target.parent / f"{UNFINISHED}{target.name}-old-{os.getpid()}"
            target.rename(old)
            work.rename(target)
            shutil.rmtree(old)
        else:
            work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A temporary sibling of ``target`` to write; moved over it in one step when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f"{UNFINISHED}{os.getpid()}-{target.name}")
    try:
        yield work
        work.replace(target)
    finally:
        work.unlink(missing_ok=True)


def write_geopackage(path: Path, layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame]) -> None:
    """Layers and tables into one GeoPackage 1.2 (old desktop GIS opens it without warning).

    The index becomes a column of its name. Same layers, same bytes: the change date is fixed.
    """
    import geopandas as gpd
    import pyogrio

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        for name, layer in layers.items():
            frame = layer.reset_index() if layer.index.name else layer
            if not isinstance(frame, gpd.GeoDataFrame):
                pyogrio.write_dataframe(
                    _plain(frame), path, layer=name, driver="GPKG", append=path.exists(), VERSION="1.2"
                )
                continue
            options: dict[str, Any] = {"VERSION": "1.2", "geometry_type": _geometry_type(frame)}
            if options["geometry_type"].startswith("Multi"):
                options["promote_to_multi"] = True
            pyogrio.write_dataframe(_plain(frame), path, layer=name, driver="GPKG", append=path.exists(), **options)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _geometry_type(frame: Any) -> str:
    kinds = {str(kind) for kind in frame.geom_type.dropna()}
    if len(kinds) == 1:
        return kinds.pop()
    families = {kind.removeprefix("Multi") for kind in kinds}
    return f"Multi{families.pop()}" if len(families) == 1 else "Unknown"


def _plain(frame: Any) -> Any:
    """Columns a GeoPackage can hold: nullable booleans as booleans, dates as text in ISO form."""
    import datetime

    import pandas as pd

    frame = frame.copy()
    for name in frame.columns:
        column = frame[name]
        if name == "geometry" or column.dtype != object:
            continue
        known = column.dropna()
        if len(known) and all(isinstance(v, bool) for v in known):
            frame[name] = column.astype("boolean")
        elif len(known) and all(isinstance(v, datetime.date) for v in known):
            frame[name] = pd.to_datetime(column)
        else:
            frame[name] = column.map(lambda v: None if v is None or v is pd.NA else str(v), na_action="ignore")
    return frame


def layers_in(path: Path) -> list[str]:
    """Names of the layers in a vector file."""
    import fiona

    return list(fiona.listlayers(path))
