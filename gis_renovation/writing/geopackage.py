"""Layers into one GeoPackage, the same bytes for the same layers."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.errors import FileError
from gis_renovation.local import written_as

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def write_geopackage(path: Path, layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame]) -> None:
    """Layers and tables into one GeoPackage 1.2 (old desktop GIS opens it without warning).

    The index becomes a column of its name. Same layers, same bytes: the change date is fixed. Raises
    FileError if the disk does not take it all, which the database itself may keep silent about: every
    layer is counted again after writing.
    """
    import pyogrio

    # The file is new and moves into place only when whole, so waiting for the disk after every layer,
    # which is what SQLite's journal is for, gains nothing.
    pyogrio.set_gdal_config_options(
        {"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z", "OGR_SQLITE_SYNCHRONOUS": "OFF", "OGR_SQLITE_JOURNAL": "OFF"}
    )
    try:
        with written_as(path) as way:
            for name, layer in layers.items():
                _append(way, name, layer)
        if layers:
            _require_all_written(path, layers)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        sqlite3.DatabaseError,
    ) as error:
        raise _unwritten(path, error) from None
    finally:
        names = ("OGR_CURRENT_DATE", "OGR_SQLITE_SYNCHRONOUS", "OGR_SQLITE_JOURNAL")
        pyogrio.set_gdal_config_options(dict.fromkeys(names))


def _append(path: Path, name: str, layer: gpd.GeoDataFrame | pd.DataFrame) -> None:
    """One layer more in the database."""
    import geopandas as gpd
    import pyogrio

    frame = layer.reset_index() if layer.index.name else layer
    options: dict[str, Any] = {"VERSION": "1.2"}
    if isinstance(frame, gpd.GeoDataFrame):
        options["geometry_type"] = _geometry_type(frame)
        options["promote_to_multi"] = options["geometry_type"].startswith("Multi") or None
    pyogrio.write_dataframe(
        _plain(frame), path, layer=name, driver="GPKG", append=path.exists(), use_arrow=True, **options
    )


def _require_all_written(path: Path, layers: Mapping[str, pd.DataFrame]) -> None:
    """Every row of every layer is in the database: counted there in one opening, not a layer each."""
    with closing(sqlite3.connect(path)) as database:
        for name, layer in layers.items():
            quoted = name.replace('"', '""')
            ((written,),) = database.execute(f'SELECT count(*) FROM "{quoted}"')  # noqa: S608 - a name, quoted
            if written != len(layer):
                raise _unwritten(path, f"{name}: {written} / {len(layer)}")


def _unwritten(path: Path, reason: object) -> FileError:
    return FileError(
        f"写不出 {path.name}（{reason}）；磁盘可能已满，或文件正被其他软件打开。没有留下半成品。",
        f"Cannot write {path.name} ({reason}); the disk may be full or another program may have it open. "
        "Nothing half-written is left.",
    )


def _geometry_type(frame: gpd.GeoDataFrame) -> str:
    kinds = {str(kind) for kind in frame.geom_type.dropna()}
    if len(kinds) == 1:
        return kinds.pop()
    families = {kind.removeprefix("Multi") for kind in kinds}
    return f"Multi{families.pop()}" if len(families) == 1 else "Unknown"


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns a GeoPackage can hold: nullable booleans as booleans, days as dates without a time."""
    import datetime

    import pandas as pd
    import pyarrow as pa

    frame = frame.copy()
    for name in frame.columns:
        column = frame[name]
        if name == "geometry" or column.dtype != object:
            continue
        known = column.dropna()
        if len(known) and all(isinstance(v, bool) for v in known):
            frame[name] = column.astype("boolean")
        elif len(known) and all(isinstance(v, datetime.date) for v in known):
            frame[name] = column.astype(pd.ArrowDtype(pa.date32()))
        else:
            frame[name] = column.map(lambda v: None if v is None or v is pd.NA else str(v), na_action="ignore")
    return frame
