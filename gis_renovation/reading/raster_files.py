"""A card's raster: one band, its cells that hold nothing, its CRS stated or refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.crs import UnstatedCRSError, parse_crs, same_crs
from gis_renovation.errors import CRSError
from gis_renovation.reading.cards import Card
from gis_renovation.reading.files import file_sha256, find_file, unknown_kind
from gis_renovation.reading.formats import RASTER_DRIVERS, RASTER_SUFFIXES, check_signature, unreadable

if TYPE_CHECKING:
    from gis_renovation.rasters import Raster


def _unstated(where: str, transform: Any, shape: tuple[int, ...]) -> UnstatedCRSError:
    import numpy as np

    corners = np.array([transform @ (x, y) for y in (0, shape[0]) for x in (0, shape[1])])
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    zh = f"{where}：栅格没有写明坐标系，左下角 ({left:.7g}, {bottom:.8g})、右上角 ({right:.7g}, {top:.8g})。"
    en = f"{where}: the raster states no CRS; it lies from ({left:.7g}, {bottom:.8g}) to ({right:.7g}, {top:.8g})."
    return UnstatedCRSError(zh, en, corners)


def read_raster(card: Card, folder: Path) -> tuple[Raster, dict[str, Any]]:
    """A one-band raster with NaN where the file says nodata, and its record for the manifest.

    Raises FileError for an unreadable file, CRSError for one without CRS or that contradicts the card.
    """
    import numpy as np
    import rasterio
    from rasterio.errors import RasterioIOError

    from gis_renovation.rasters import Raster

    path = find_file(folder / card.source.paths[0], card.source.layer)
    if path.suffix.lower() not in RASTER_SUFFIXES:
        raise unknown_kind(path, card.source.layer, RASTER_SUFFIXES)
    check_signature(path, card.source.layer)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            rasterio.open(path, driver=RASTER_DRIVERS[path.suffix.lower()]) as source,
        ):
            warnings.simplefilter("ignore")  # a raster without coordinates is refused below
            if source.dtypes[0].startswith("complex"):
                raise unreadable(path, card.source.layer, "complex numbers")
            values = source.read(1, masked=True).astype("float64").filled(np.nan)
            transform, crs, bands, nodata = source.transform, source.crs, source.count, source.nodata
    except RasterioIOError as error:
        raise unreadable(path, card.source.layer, error) from None
    where = f"{card.source.layer}（{path.name}）"
    if transform.is_identity:
        raise CRSError(
            f"{where}：栅格没有定位信息（只有行列号）；请索取带坐标的 GeoTIFF，或先在 GIS 软件中配准。",
            f"{where}: the raster is not georeferenced, it has only rows and columns. Ask for one with coordinates.",
        )
    stated = parse_crs(card.source.crs, where=where) if card.source.crs else None
    found = parse_crs(crs.to_wkt(), where=where) if crs is not None else stated
    if found is None:
        raise _unstated(where, transform, values.shape)
    if stated is not None and not same_crs(stated, found):
        raise CRSError(
            f"{where}：来源卡写的坐标系是 {card.source.crs}，栅格自带的是 {found.name}。请核实后改正来源卡。",
            f"{where}: the card says {card.source.crs}, the raster says {found.name}. Correct the card.",
        )
    record = {
        "files": [{"path": card.source.paths[0], "sha256": file_sha256(path)}],
        "shape": list(values.shape),
        "bands": bands,
        "nodata_stated": nodata is not None,
    }
    return Raster(values=values, transform=transform, crs=found), record
