"""A small project on disk in a second: every layer of the sample around a few communities, in files of our own names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import rasterio

from gis_renovation.rasters import Raster
from gis_renovation.sample import make_city
from gis_renovation.sample.files import sample_profile
from gis_renovation.schemas import layer_schema

AS_OF = "2024-09-30"
PROJECT = f"""[project]
name = "小城"
crs = "EPSG:4548"
as_of = {AS_OF}
synthetic = true

[targets.main]
households = 22595

[rasters]
bare_classes = [6]

[zones]
community_count = {{ min = 1, max = 3 }}
budgets_yuan = {{ 2025 = 90000000, 2026 = 90000000 }}
"""
PROFILES = ("public.toml", "bureau.toml", "planner.toml")


def small_layers(communities):
    """The layers, with the zones approved two years ago that the sample itself does not have."""
    layers = make_city(communities=communities)
    approved = layers["communities"][["name"]].iloc[: communities // 2].copy()
    approved["zone_id"] = [f"Z{number // 3}" for number in range(len(approved))]
    approved["zone_name"] = [f"第{number // 3 + 1}片区" for number in range(len(approved))]
    return {**layers, "approved_zones": approved[["zone_id", "zone_name"]]}


def write_project(folder: Path, layers):
    """``layers`` as a project in a new folder: GeoParquet and GeoTIFF, a card for each."""
    data = folder / "layers" / "data"
    data.mkdir(parents=True)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "maps").mkdir()
    for name in PROFILES:
        (folder / "maps" / name).write_text(sample_profile(name), encoding="utf-8")
    for name, layer in layers.items():
        write_layer(folder, name, layer)
    return folder


def write_layer(folder: Path, name, layer):
    """One layer's file and card, written new."""
    data = folder / "layers" / "data"
    suffix = "tif" if isinstance(layer, Raster) else "parquet"
    source = f'[source]\npath = "data/{name}.{suffix}"\nowner = "x"\nlicence = "x"\nobserved = 2024-04-15\n'
    (folder / "layers" / f"{name}.toml").write_text(source + 'classification = "public"\n', encoding="utf-8")
    if isinstance(layer, Raster):
        write_raster(data / f"{name}.tif", layer)
    else:
        layer.reset_index(drop=not layer_schema(name).key).to_parquet(data / f"{name}.parquet")


def write_raster(path, raster):
    """A raster as GeoTIFF with -9999 for nodata."""
    values = np.where(np.isnan(raster.values), -9999.0, raster.values).astype("float32")
    kind = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": -9999.0}
    size = {"height": values.shape[0], "width": values.shape[1]}
    with rasterio.open(path, "w", crs=raster.crs.to_wkt(), transform=raster.transform, **kind, **size) as target:
        target.write(values, 1)


def copy_project(source: Path, target: Path):
    """A project with what earlier runs of it have stored, so that unchanged steps do not run again."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("reports", "[0-9]*-*"), copy_function=shutil.copyfile)
    return target
