"""Layers as they leave for Excel or QGIS, whole, and such that they can come back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gis_renovation.errors import FileError
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Lang
from gis_renovation.writing.blanks import write_blank
from gis_renovation.writing.data_columns import write_data_columns
from gis_renovation.writing.geopackage import write_geopackage
from gis_renovation.writing.places import new_file
from gis_renovation.writing.qgis import write_layer_styles

if TYPE_CHECKING:
    import pandas as pd

PACKAGE_NAME = "图层.gpkg"


def export_layers(
    layers: Mapping[str, pd.DataFrame], folder: Path, *, form: Literal["xlsx", "gpkg"] = "xlsx", lang: Lang = "zh"
) -> dict[str, Path]:
    """Each layer, brought or made by a run, in a file of ``folder``: where, by layer.

    ``xlsx`` gives a workbook for each, named by its Chinese label, in the shape of a blank one: Chinese headers, units,
    drop-downs, shapes in words. ``gpkg`` gives one GeoPackage of all, styled, with Chinese names of columns and labels
    of codes; where some shapes of a layer have several parts, all are of several parts there.
    :func:`checking.read_exported` reads either back, edited or not, with every value, code, day and shape.

    Raises FileError, before anything is written, if a file is there already.
    """
    places = {n: folder / (PACKAGE_NAME if form == "gpkg" else f"{layer_schema(n).label.zh}.xlsx") for n in layers}
    there = sorted({path for path in places.values() if path.exists()})
    if there:
        listed = "、".join(map(str, there))
        raise FileError(
            f"{listed} 已经存在，没有改动；请先移走，或用 --to 换一个文件夹。",
            f"{', '.join(map(str, there))} exists; nothing was changed. Move it away, or give another folder by --to.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    if form == "gpkg":
        with new_file(folder / PACKAGE_NAME) as work:
            write_geopackage(work, layers)
            write_layer_styles(work, layers, lang=lang)
            write_data_columns(work, layers, lang=lang)
        return places
    for name, frame in layers.items():
        with new_file(places[name]) as work:
            write_blank(work, layer_schema(name), frame=frame)
    return places
