"""The ledger of parcels: every rule on idle public land, judged for every parcel.

Nothing is found idle here: whether land is idle in the sense of the law is for the natural-resources
bureau to decide, from contract dates no map shows.
"""

from __future__ import annotations

import datetime

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.crs import require_metric
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.codes import broad_uses
from gis_renovation.land.ledger import judge_places
from gis_renovation.land.measures import (
    AS_WRITTEN,
    Measure,
    RegisterReading,
    Site,
    column_of,
    parcel_measures,
    require_control_kinds,
)
from gis_renovation.outlines import require_areas
from gis_renovation.rules import Rule
from gis_renovation.words import Text


@layers_on_text_ids
def assess_parcels(
    parcels: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None = None,
    control_lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    parcel_greenness: pd.DataFrame | None = None,
    *,
    rules: tuple[Rule, ...],
    as_of: datetime.date,
    reading: RegisterReading = AS_WRITTEN,
) -> pd.DataFrame:
    """Judge every parcel by every rule: the ledger from which idle public land is listed.

    Nothing is found idle here; a row only says what was measured, against which threshold of which
    source, and whether that passes, fails, or cannot be told. A missing layer leaves its rules
    unknown (未核查). Verdicts follow Kleene's three-valued logic (docs/methods.md, 4).

    Parameters
    ----------
    parcels, communities, control_lines, buildings
        Polygons by their keys in one projected CRS in metres. ``None`` is a layer nobody has.
    parcel_greenness
        The result of :func:`gis_renovation.rasters.zonal.parcel_greenness`.
    rules
        Those with layer ``parcels`` are used, in their order.
    as_of
        The day for which terms and delays are counted.
    reading
        How registers and lines are to be read beyond what their rows say.

    Returns
    -------
    DataFrame, one row per parcel and rule, sorted by parcel_id and then in the order of ``rules``:
    parcel_id, rule_id, role (decides or notes), measure, value (number) or value_text (word),
    threshold, threshold_text, unit, verdict (yes, no, unknown), distance (what a failing number
    lacks, in ``unit``), force, confirmed, source_zh, source_en, reason_zh, reason_en. No parcels: no rows.

    Raises
    ------
    CRSError for CRS not metric or not shared; ConfigError for a rule whose measure is not known.
    O(parcels x rules + overlaps).

    Examples
    --------
    Parcels of 20 by 10 m and of 10 by 10 m against a rule that asks for 150 m²:

    >>> import datetime
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> from gis_renovation.rules import Rule
    >>> from gis_renovation.words import Text
    >>> large = Rule(id="large", layer="parcels", measure="area_m2", operator=">=", value=150.0, unit="m²",
    ...              text=Text("面积", "area"))
    >>> parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 20, 10), box(30, 0, 40, 10)], index=["P1", "P2"],
    ...                            crs="EPSG:4548")
    >>> ledger = assess_parcels(parcels, rules=(large,), as_of=datetime.date(2024, 9, 30))
    >>> ledger[["parcel_id", "value", "verdict", "distance"]].to_numpy().tolist()
    [['P1', 200.0, 'yes', nan], ['P2', 100.0, 'no', 50.0]]
    """
    require_metric(parcels=parcels, communities=communities, control_lines=control_lines, buildings=buildings)
    require_areas(parcels=parcels)
    require_control_kinds(reading.checked_kinds)
    site = Site(
        layer="parcels",
        places=parcels.sort_index(),
        as_of=as_of,
        reading=reading,
        communities=communities,
        control_lines=control_lines,
        buildings=buildings,
        greenness=parcel_greenness,
    )
    return judge_places(site, rules, parcel_measures() | {"surveyed_vacant": _surveyed_vacant}, "parcel_id")


def _surveyed_vacant(site: Site) -> Measure:
    """Whether the surveyed class is vacant land (空闲地) within its code system; unknown classes stay unknown."""
    words = np.full(len(site.places), None, dtype=object)
    code, system = column_of(site, "land_use_code"), column_of(site, "code_system")
    if code is not None and system is not None:
        known = (code.notna() & system.notna()).to_numpy()
        pairs = list(zip(system[known], code[known], strict=True))
        uses = {pair: broad_uses(*pair) for pair in set(pairs)}
        found = ["yes" if "vacant" in uses[pair] else "no" if uses[pair] else None for pair in pairs]
        words[np.flatnonzero(known)] = np.array([*found, None], dtype=object)[:-1]
    return Measure(
        words, Text("现状地类未登记或对照表未收录", "the surveyed class is not recorded, or not in the tables")
    )
