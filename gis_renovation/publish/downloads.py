"""The data beside the page: one CSV a layer, GeoJSON, one GeoPackage, one workbook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gis_renovation.crs import reproject
from gis_renovation.display import with_withheld
from gis_renovation.maps import Download
from gis_renovation.maps.encoding import DISPLAY_CRS
from gis_renovation.publish.edition import Edition
from gis_renovation.publish.leaks import wipe_freed
from gis_renovation.words import Lang
from gis_renovation.writing import write_geopackage, write_layer_styles, write_tables


def write_downloads(folder: Path, edition: Edition, formats: Sequence[str], *, synthetic: bool, lang: Lang) -> None:
    """The edition's layers in each of ``formats``; a withheld cell says so for people, and is empty for programs."""
    if not formats:
        return
    folder.mkdir()
    for name, frame in edition.frames.items():
        shaped = isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None
        if "csv" in formats:
            table = with_withheld(frame, edition.withheld.get(name), lang)
            _write_csv(folder / f"{name}.csv", table.drop(columns=frame.geometry.name) if shaped else table)
        if "geojson" in formats and shaped:
            _write_geojson(folder / f"{name}.geojson", gpd.GeoDataFrame(frame), name)
    if "gpkg" in formats:
        write_geopackage(folder / "data.gpkg", edition.frames)
        write_layer_styles(folder / "data.gpkg", edition.frames, lang=lang)
        wipe_freed(folder / "data.gpkg")
    if "xlsx" in formats:
        write_tables(folder / "data.xlsx", edition.frames, withheld=edition.withheld, synthetic=synthetic, lang=lang)


def downloads(work: Path) -> list[Download]:
    """The files of data that were written, by name."""
    return [
        Download(path.relative_to(work).as_posix(), path.stat().st_size, "" if path.stem == "data" else path.stem)
        for path in sorted((work / "data").glob("*"))
    ]


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    """With a byte order mark, which Excel needs to read UTF-8."""
    plain = pd.DataFrame(table)
    text = _formula_safe(plain.reset_index() if plain.index.name else plain).to_csv(index=False, lineterminator="\n")
    path.write_text(text, encoding="utf-8-sig", newline="")


def _write_geojson(path: Path, frame: gpd.GeoDataFrame, name: str) -> None:
    degrees = reproject(frame, DISPLAY_CRS, where=name)
    text = _plain_dates(degrees.reset_index() if degrees.index.name else degrees).to_json(
        ensure_ascii=False, drop_id=True, show_bbox=False
    )
    path.write_text(_six_decimals(text) + "\n", encoding="utf-8")


def _plain_dates(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Dates as text, missing values as null."""
    plain = frame.copy()
    for column in plain.columns:
        if column != plain.geometry.name:
            cells = plain[column].astype(object)
            plain[column] = [None if pd.isna(v) else v.isoformat() if isinstance(v, date) else v for v in cells]
    return plain


def _six_decimals(text: str) -> str:
    return re.sub(r"(-?\d+\.\d{6})\d+", r"\1", text)


def _formula_safe(table: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would run as a formula get an apostrophe before them."""
    safe = table.copy()
    for column in safe.columns:
        safe[column] = [
            f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
            for value in safe[column].astype(object)
        ]
    return safe
