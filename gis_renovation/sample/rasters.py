"""Rasters of the synthetic city: terrain, greenness at two dates, night light, land cover; EPSG:4548.

Greenness is made for the towns and their surroundings only and is nodata elsewhere; idle plots grow
over between the dates, building sites turn bare.
"""

from __future__ import annotations

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from scipy.ndimage import gaussian_filter

from gis_renovation.arrays import Floats, Ints
from gis_renovation.rasters import Raster
from gis_renovation.sample.housing import boxes
from gis_renovation.sample.land import patch_grounds, planted_by_name
from gis_renovation.sample.place import CITY_CRS, HILLS, PATCHES, huai_river
from gis_renovation.sample.plots import Plots, generator

EXTENT = (472_000.0, 3_603_000.0, 514_000.0, 3_630_000.0)
TERRAIN_PIXEL_M = 100.0
GREENNESS_PIXEL_M = 20.0
HEIGHT_DATUM = "1985 国家高程基准"

PLAIN_M, RIVER_BED_M = 20.0, 16.5
GREENNESS = {
    "old": 0.22, "housing": 0.28, "shops": 0.12, "school": 0.25, "government": 0.26, "hospital": 0.20, "industry": 0.11,
    "vacant": 0.24, "green": 0.55, "utility": 0.14, "square": 0.18, "park": 0.60,
}  # fmt: skip
STREET_GREENNESS, FIELD_GREENNESS = 0.10, 0.48
NIGHT_LIGHT = {"shops": 34.0, "old": 12.0, "housing": 16.0, "square": 26.0, "vacant": 2.5, "green": 3.0, "park": 5.0}
STREET_LIGHT, FIELD_LIGHT, USED_LIGHT = 14.0, 0.4, 9.0
LAND_COVER = {"built": 1.0, "paved": 2.0, "green": 3.0, "field": 4.0, "water": 5.0, "bare": 6.0}
OVERGROWN, BUILT_ON = 0.47, 0.09
OVERGROWN_PARCELS = ("candidate", "unknown_holder", "overdue", "prime_farmland", "collective")


def make_terrain(seed: int) -> Raster:
    """Height above the 1985 datum in m, 100 m pixels: a plain that falls north, the river's bed, three ridges."""
    x, y, transform = _grid(TERRAIN_PIXEL_M)
    height = PLAIN_M + (3_616_000.0 - y) / 4_000.0 * 0.6
    height = np.clip(height + _noise(generator(seed, "terrain"), x.shape, 6.0) * 0.8, RIVER_BED_M + 0.5, 26.0)
    for _, start, end, top, width in HILLS:
        away = _distance_to(x, y, start, end)
        height = height + top * np.exp(-((away / width) ** 2))
    water = rasterio.features.geometry_mask([huai_river()], x.shape, transform, invert=True)
    return Raster(values=np.round(np.where(water, RIVER_BED_M, height), 1), transform=transform, crs=CITY_CRS)


def make_greenness(plots: Plots, seed: int, *, after: bool) -> Raster:
    """Vegetation index, 20 m pixels, before (summer 2021) or after (summer 2024); NaN away from the towns."""
    x, _, transform = _grid(GREENNESS_PIXEL_M)
    lots = plots.lots[plots.lots["patch"] < len(PATCHES)]
    values = np.array([GREENNESS[use] for use in lots["use"]])
    if after:
        values = _changed(plots, lots.index.to_numpy(), values, seed)
    grounds = patch_grounds(plots)[: len(PATCHES)]
    towns = [(shapely.buffer(ground, 12.0), STREET_GREENNESS) for ground in grounds]
    shapes = [*towns, *zip(boxes(plots, lots["patch"].to_numpy(), lots), values, strict=True)]
    image = rasterio.features.rasterize(shapes, x.shape, fill=FIELD_GREENNESS, transform=transform, dtype="float64")
    water = rasterio.features.geometry_mask([huai_river()], x.shape, transform, invert=True)
    image = np.where(water, -0.15, image)
    image = image + _noise(generator(seed, "greenness"), x.shape, 1.0) * 0.03 + (0.015 if after else 0.0)
    covered = rasterio.features.geometry_mask(list(shapely.buffer(grounds, 400.0)), x.shape, transform, invert=True)
    image = np.where(covered, np.round(np.clip(image, -1.0, 1.0), 2), np.nan)
    return Raster(values=image, transform=transform, crs=CITY_CRS)


def make_night_light(plots: Plots, seed: int, *, before: bool = False) -> Raster:
    """Light at night in nW/cm²/sr, 100 m pixels, 2023: shops bright, fields and vacant ground dark.

    ``before`` is 2019, when the planted idle parcels were still in use and lit.
    """
    x, _, transform = _grid(TERRAIN_PIXEL_M)
    lots = plots.lots[plots.lots["patch"] < len(PATCHES)]
    values = np.array([NIGHT_LIGHT.get(use, USED_LIGHT) for use in lots["use"]])
    for name, lot in planted_by_name(plots).items() if before else ():
        if name in OVERGROWN_PARCELS:
            values[lots.index == lot] = USED_LIGHT
    towns = [(ground, STREET_LIGHT) for ground in patch_grounds(plots)[: len(PATCHES)]]
    shapes = [*towns, *zip(boxes(plots, lots["patch"].to_numpy(), lots), values, strict=True)]
    image = rasterio.features.rasterize(shapes, x.shape, fill=FIELD_LIGHT, transform=transform, dtype="float64")
    glow = gaussian_filter(image, 0.8) + np.abs(_noise(generator(seed, "night"), x.shape, 2.0)) * 0.15
    return Raster(values=np.round(glow, 1), transform=transform, crs=CITY_CRS)


def make_land_cover(plots: Plots) -> Raster:
    """Land cover in 2024 as codes of ``LAND_COVER``, 20 m pixels; NaN away from the towns."""
    x, _, transform = _grid(GREENNESS_PIXEL_M)
    lots = plots.lots[plots.lots["patch"] < len(PATCHES)]
    cover = [{"park": "green", "green": "green", "vacant": "bare"}.get(use, "built") for use in lots["use"]]
    codes = np.array([LAND_COVER[name] for name in cover])
    for name, lot in planted_by_name(plots).items():
        codes[lots.index == lot] = LAND_COVER["bare" if name in OVERGROWN_PARCELS else "built"]
    grounds = patch_grounds(plots)[: len(PATCHES)]
    towns = [(shapely.buffer(ground, 12.0), LAND_COVER["paved"]) for ground in grounds]
    shapes = [
        *towns,
        (huai_river(), LAND_COVER["water"]),
        *zip(boxes(plots, lots["patch"].to_numpy(), lots), codes, strict=True),
    ]
    image = rasterio.features.rasterize(shapes, x.shape, fill=LAND_COVER["field"], transform=transform, dtype="float64")
    covered = rasterio.features.geometry_mask(list(shapely.buffer(grounds, 400.0)), x.shape, transform, invert=True)
    return Raster(values=np.where(covered, image, np.nan), transform=transform, crs=CITY_CRS)


def _changed(plots: Plots, lots: Ints, values: Floats, seed: int) -> Floats:
    """Greenness three years on: most vacant lots overgrown, a few lots built on; planted parcels set."""
    rng = generator(seed, "change")
    use = plots.lots["use"].to_numpy(str)[lots]
    values = np.where((use == "vacant") & (rng.random(len(lots)) < 0.7), OVERGROWN, values)
    values = np.where(np.isin(use, ["green", "industry"]) & (rng.random(len(lots)) < 0.06), BUILT_ON, values)
    for name, lot in planted_by_name(plots).items():
        if name in OVERGROWN_PARCELS:
            values[lots == lot] = OVERGROWN
    return values


def _grid(pixel_m: float) -> tuple[Floats, Floats, Affine]:
    """Pixel centres and the transform of the extent."""
    left, bottom, right, top = EXTENT
    columns, rows = round((right - left) / pixel_m), round((top - bottom) / pixel_m)
    x, y = np.meshgrid(left + (np.arange(columns) + 0.5) * pixel_m, top - (np.arange(rows) + 0.5) * pixel_m)
    return x, y, Affine(pixel_m, 0.0, left, 0.0, -pixel_m, top)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], smooth: float) -> Floats:
    """Smooth noise of unit spread."""
    field = gaussian_filter(rng.standard_normal(shape), smooth)
    return np.asarray(field / field.std())


def _distance_to(x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float]) -> Floats:
    """Distance of every pixel to a segment."""
    ax, ay = start
    dx, dy = end[0] - ax, end[1] - ay
    along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
    return np.asarray(np.hypot(x - ax - along * dx, y - ay - along * dy))
