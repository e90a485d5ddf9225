"""What leaves with a profile: layers and columns selected, small counts withheld, shapes generalised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.arrays import Flags
from gis_renovation.publish.disclosure import (
    Carried,
    Displacement,
    Reason,
    Record,
    generalise_shapes,
    largest_contiguous_area_m2,
    measured_layers,
    withheld_reasons,
    withhold_small_counts,
    without_unlisted,
)
from gis_renovation.publish.profile import (
    GeometryTable,
    Profile,
)
from gis_renovation.publish.site import (
    Photo,
)
from gis_renovation.schemas import APPROXIMATE, CLASSES, layer_schemas
from gis_renovation.unknowns import keep_told_estimates


def select_layers(layers: Mapping[str, object], profile: Profile) -> dict[str, pd.DataFrame]:
    """The layers and columns the profile's audience may see, in the order given; rasters stay behind.

    A layer leaves when its class is low enough and, with an allow list, when it is listed; of its
    columns those whose own class is low enough and that are listed. Columns no schema describes
    leave only where everything may (class restricted, no allow list). Which numbers are approximate
    leaves unasked with the columns meant. Geometry goes with its layer,
    the key stays the index: without it nothing can be joined or found again.
    """
    highest = CLASSES.index(profile.disclosure.highest)
    schemas = layer_schemas()
    selected: dict[str, pd.DataFrame] = {}
    for name, frame in layers.items():
        if not isinstance(frame, pd.DataFrame):
            continue
        schema = schemas.get(name)
        everything = profile.layers is None and highest == CLASSES.index("restricted")
        if everything:
            selected[name] = frame
            continue
        listed = ("*",) if profile.layers is None else profile.layers.get(name)
        if schema is None or listed is None or CLASSES.index(schema.disclosure) > highest:
            continue
        allowed = {
            field.name
            for field in schema.fields.values()
            if CLASSES.index(field.disclosure) <= highest
            and ("*" in listed or field.name in listed or field.name == APPROXIMATE)
        }
        geometry = getattr(frame, "active_geometry_name", None)
        leaving = frame[[column for column in frame.columns if column in allowed or column == geometry]]
        # The key leaves with its layer; an index nobody described is numbered anew.
        own_key = frame.index.name is not None and frame.index.name == schema.key
        selected[name] = keep_told_estimates(leaving if own_key else leaving.reset_index(drop=True))
    return selected


# Layers that draw single blocks, buildings and paths: what "detailed" means for the 25 km².
DETAILED_LAYERS = ("communities", "buildings", "parcels", "parks", "facilities", "slow_paths", "idle_parcels")


class Edition(NamedTuple):
    """What leaves: frames in which withheld cells are missing, and masks that say which cells those are.

    ``withheld`` holds per layer and column which rows, ``gone`` the keys of the same cells, ``reasons`` why;
    ``measured`` how far the shapes of each layer lie from those of the data, where they are to;
    ``carried`` which columns that stay behind stand, or stood, in texts that leave.
    """

    frames: Mapping[str, pd.DataFrame]
    withheld: Mapping[str, Mapping[str, Flags]] = MappingProxyType({})
    gone: Mapping[str, Mapping[str, list[str]]] = MappingProxyType({})
    photos: Sequence[Photo] = ()
    reasons: Mapping[str, Mapping[str, Mapping[Reason, Sequence[str]]]] = MappingProxyType({})
    measured: Mapping[str, Displacement] = MappingProxyType({})
    carried: Sequence[Carried] = ()

    def columns(self) -> dict[str, list[str]]:
        """Columns by layer; whatever the shapes' column is called, it is ``geometry``."""
        return {
            layer: ["geometry" if str(dtype) == "geometry" else str(name) for name, dtype in frame.dtypes.items()]
            for layer, frame in self.frames.items()
        }


def prepare_edition(layers: Mapping[str, object], profile: Profile, *, before: Record | None = None) -> Edition:
    """Select, withhold small counts, generalise and measure by how much: all between a run and its publication.

    What stays behind is taken out of the program's own texts too. Counts are withheld in a public profile only;
    ``before`` is what earlier editions said of them. Nothing of ``layers`` is changed.
    """
    frames = select_layers(layers, profile)
    gone: dict[str, dict[str, list[str]]] = {}
    reasons: dict[str, dict[str, dict[Reason, list[str]]]] = {}
    if profile.profile.audience == "public":
        selected, k = frames, profile.disclosure.minimum_count
        frames, gone = withhold_small_counts(selected, tables(layers), k, before=before)
        reasons = withheld_reasons(selected, gone, k, before=before)
        frames = {name: keep_told_estimates(frame) for name, frame in frames.items()}
    frames, carried = without_unlisted(tables(layers), frames, highest=profile.disclosure.highest)
    coarse = profile.geometry.generalise_m > 0 or profile.geometry.grid_m > 0
    if coarse:
        frames = {name: _generalised(frame, profile.geometry) for name, frame in frames.items()}
    told = coarse or profile.profile.audience == "public"
    measured = measured_layers(tables(layers), frames) if told else {}
    masks = {
        name: {column: _rows_of(frames[name], keys) for column, keys in columns.items()}
        for name, columns in gone.items()
    }
    return Edition(frames, masks, gone, reasons=reasons, measured=measured, carried=carried)


def _rows_of(frame: pd.DataFrame, keys: Sequence[str]) -> Flags:
    wanted = set(keys)
    return np.array([str(key) in wanted for key in frame.index], dtype=bool)


def tables(layers: Mapping[str, object]) -> dict[str, pd.DataFrame]:
    """The layers that have rows."""
    return {name: frame for name, frame in layers.items() if isinstance(frame, pd.DataFrame)}


def _generalised(frame: pd.DataFrame, geometry: GeometryTable) -> pd.DataFrame:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return frame
    shapes = generalise_shapes(frame.geometry.to_numpy(), geometry.generalise_m, grid_m=geometry.grid_m or 0.001)
    coarse: gpd.GeoDataFrame = frame.copy()
    coarse.geometry = gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)
    return coarse  # type: ignore[no-any-return]


def coverage_m2(edition: Edition) -> float:
    """The largest contiguous cover of detailed shapes, in m²."""
    return largest_contiguous_area_m2(
        {
            name: frame.geometry.to_numpy()
            for name, frame in edition.frames.items()
            if isinstance(frame, gpd.GeoDataFrame) and name in DETAILED_LAYERS
        }
    )
