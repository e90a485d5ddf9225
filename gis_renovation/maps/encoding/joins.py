"""Tables joined to the features they speak of, and the views that show a column of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from gis_renovation.display import LayerStyle, layer_style
from gis_renovation.schemas import layer_schemas

if TYPE_CHECKING:
    import geopandas as gpd


def joined_table(table: pd.DataFrame, key: str, layers: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """``table`` with ``key`` as a column, through the project-community pairs where needed; None if it has none."""
    flat = table.drop(columns=[c for c in table.columns if str(table[c].dtype) == "geometry"])
    named = [str(level) for level in flat.index.names if level is not None]
    flat = pd.DataFrame(flat.reset_index(drop=not named))
    flat = flat.loc[:, ~flat.columns.duplicated()]
    if key in flat.columns:
        return flat
    pairs = layers.get("project_communities")
    if pairs is None or "project_id" not in flat.columns or key not in pairs.columns:
        return None
    return flat.merge(pairs[["project_id", key]].drop_duplicates(), on="project_id", how="inner")


def view_table(style: LayerStyle, layers: Mapping[str, pd.DataFrame]) -> str:
    """The table whose column a view shows: the first choice, or the one in its stead."""
    return style.table if style.table in layers else style.table_instead


def view_frame(name: str, layers: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame | None:
    """The shapes of one layer with the column of a table; None when either is missing.

    Where a feature has several rows, the first code in the schema's order is taken: among states
    the least advanced, so that a map never promises more than was done.
    """
    style = layer_style(name)
    shapes, table = layers.get(style.geometry_of), layers.get(view_table(style, layers))
    if shapes is None or table is None or len(shapes) == 0 or getattr(shapes, "active_geometry_name", None) is None:
        return None
    key = str(shapes.index.name)
    flat = joined_table(table, key, layers)
    if flat is None or style.column not in flat.columns:
        return None
    schema = layer_schemas().get(view_table(style, layers))
    field = schema.fields.get(style.column) if schema else None
    if field is not None and field.values:
        rank = {code: at for at, code in enumerate(field.values)}
        flat = flat.assign(_rank=flat[style.column].map(rank)).sort_values([key, "_rank"], kind="stable")
    first = flat.drop_duplicates(key).set_index(key)[style.column]
    keep = [column for column in ("name", shapes.geometry.name) if column in shapes.columns]
    return shapes[keep].assign(**{style.column: first.reindex(shapes.index)})
