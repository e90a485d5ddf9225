"""Rasters that nothing can be measured with: asked before a run, so that nobody learns of it from an empty folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyproj import CRS

from gis_renovation.errors import DataError
from gis_renovation.rasters import Raster, raster_fault
from gis_renovation.reading import CLASS_WARPS
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Text

# What is measured in the rasters of a layer; parcels where it is not said.
_MEASURED_IN = {"terrain": "communities"}


def check_rasters(layers: Mapping[str, Any], project_crs: CRS) -> dict[str, Text]:
    """Why the steps of the program would refuse a raster, by layer, with what to do; sorted, none for those that fit.

    ``layers`` are frames in ``project_crs`` and rasters. Nothing is changed. O(pixels).
    """
    import geopandas as gpd

    found = {}
    for name, raster in sorted(layers.items()):
        if not isinstance(raster, Raster):
            continue
        if not project_crs.equals(raster.crs, ignore_axis_order=True):
            found[name] = _other_crs(name, raster, project_crs)
            continue
        polygons = layers.get(_MEASURED_IN.get(name, "parcels"))
        if not isinstance(polygons, gpd.GeoDataFrame):
            polygons = gpd.GeoDataFrame(geometry=[], crs=project_crs)
        fault = raster_fault(raster, polygons, name)
        if isinstance(fault, DataError):
            found[name] = fault.findings[0].text
    return found


def warp_doubt(layer: str, crs_wkt: str, project_crs: str) -> tuple[Text, ...]:
    """What a draft says of a raster that is not in the project's CRS, and the line to uncomment; nothing for others."""
    if not crs_wkt or not project_crs or CRS(project_crs).equals(CRS(crs_wkt), ignore_axis_order=True):
        return ()
    own, how = CRS(crs_wkt).to_string()[:80], _usual_warp(layer)
    return (
        Text(
            f"栅格的坐标系 {own} 与项目的 {project_crs} 不同，照此不能用；由程序转换的，去掉 warp 前的 #。",
            f"The raster is in {own}, the project in {project_crs}: it cannot be used so; to have it warped, uncomment "
            "warp.",
        ),
        Text(
            f'# warp = "{how}"  # 转换到项目坐标系；重采样方法会记入 run.json',
            f'# warp = "{how}"  # into the project CRS; the resampling is recorded in run.json',
        ),
    )


def _usual_warp(layer: str) -> str:
    return CLASS_WARPS[0] if layer == "land_cover" else "bilinear"


def _other_crs(name: str, raster: Raster, project_crs: CRS) -> Text:
    own, wanted, how = raster.crs.to_string()[:80], project_crs.to_string()[:80], _usual_warp(name)
    label = layer_schema(name).label
    return Text(
        f"{label.zh}栅格的坐标系是 {own}，项目是 {wanted}，不能直接量算。要由程序转换，请在 layers/{name}.toml 写"
        f' [repair] warp = "{how}"；或先在 GIS 软件中转换。',
        f"The raster is in {own}, the project in {wanted}: nothing can be measured with it. To have it warped, write "
        f'[repair] warp = "{how}" in layers/{name}.toml; or warp it in a GIS first.',
    )
