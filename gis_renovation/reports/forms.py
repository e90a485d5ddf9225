"""The tables that are filed: one or two a workbook, made of the layers behind them.

Ids that people know by a name are written by it; an id whose name is not at hand stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gis_renovation.reports.parts import Layers
from gis_renovation.words import Lang, Text
from gis_renovation.writing import Form

if TYPE_CHECKING:
    import pandas as pd

_SIGNS = (Text("填报人", "Filled in by"), Text("审核人", "Checked by"), Text("负责人", "Head of unit"))


def zone_forms(layers: Layers, _lang: Lang) -> list[Form]:
    """All zones with what they hold, cost, and the year of their works."""
    if "zones" not in layers:
        return []
    zones = _with(layers["zones"], layers.get("zone_schedule"), ("work_year", "work_status"))
    if "unit_code" in zones:
        zones["unit_code"] = _named(zones["unit_code"], layers.get("reporting_units"))
    own = (
        "name", "unit_code", "subdistrict", "community_count", "households", "building_count", "floor_area_m2",
        "cost_yuan",
    )  # fmt: skip
    return [
        Form(
            title=Text("老旧小区连片改造片区一览表", "Contiguous renovation zones"),
            frame=zones.sort_index(),
            columns=(
                *_of("zones", zones, own),
                *_of("zone_schedule", zones, ("work_year", "work_status")),
            ),
            totals=frozenset(own[3:]),
            signs=_SIGNS,
            heads={"unit_code": Text("县区", "County")},
        )
    ]


def land_forms(layers: Layers, _lang: Lang) -> list[Form]:
    """The candidates among parcels and among rooms, by rank, each with the nearest community by name."""
    forms = []
    asked = {
        "idle_candidates": (
            Text("闲置公有用地候选一览表", "Candidates among idle public land"),
            ("parcel_id", "strength", "area_m2", "holder_kind", "right_type", "leasing_approval",
             "nearest_community_id", "community_distance_m", "need_zone_name"),
            "area_m2",
        ),
        "vacant_candidates": (
            Text("空置公有房屋候选一览表", "Candidates among vacant public rooms"),
            ("name", "premises_id", "strength", "floor_area_m2", "storey", "holder_kind", "right_type",
             "leasing_approval", "nearest_community_id", "community_distance_m", "need_zone_name"),
            "floor_area_m2",
        ),
    }  # fmt: skip
    for layer, (title, columns, total) in asked.items():
        if layer not in layers:
            continue
        frame = layers[layer].copy()
        if "rank" in frame:
            frame = frame.sort_values("rank", kind="stable")
        if "nearest_community_id" in frame:
            frame["nearest_community_id"] = _named(frame["nearest_community_id"], layers.get("communities"))
        forms.append(
            Form(
                title=title,
                frame=frame,
                columns=_of(layer, frame, columns),
                totals=frozenset({total}),
                signs=_SIGNS,
            )
        )
    return forms


def status_forms(layers: Layers, lang: Lang) -> list[Form]:
    """All sites of the land check, with their area and what is open."""
    if "land_checks" not in layers:
        return []
    frame = _with(layers["land_checks"], layers.get("land_sites"), ("area_m2",))
    said = (
        "name",
        "kind",
        "outcome",
        "parcel_count",
        f"controls_{lang}",
        "unchecked_count",
        "differs_m2",
        f"open_{lang}",
    )
    columns = [*_of("land_checks", frame, said)]
    columns[2:2] = _of("land_sites", frame, ("area_m2",))
    return [
        Form(
            title=Text("片区和项目用地核查一览表", "Land check of zones and projects"),
            frame=frame.sort_index(),
            columns=tuple(columns),
            totals=frozenset(),  # zones and projects lie over each other: their areas have no sum
            signs=_SIGNS,
        )
    ]


def progress_forms(layers: Layers, _lang: Lang) -> list[Form]:
    """Progress and money by county; subdistricts are counted with their county and left to the sheet behind."""
    if "unit_progress" not in layers:
        return []
    units = layers["unit_progress"]
    counties = units[units["level"].ne("subdistrict").fillna(value=True)] if "level" in units else units
    shown = (
        "name", "community_count", "started_count", "started_share", "completed_count", "completed_share", "households",
        "started_households", "planned_yuan", "received_yuan", "paid_yuan",
    )  # fmt: skip
    return [
        Form(
            title=Text("老旧小区改造进度统计表", "Renovation of old communities: progress by county"),
            frame=counties if len(counties) else units,
            columns=_of("unit_progress", units, shown),
            totals=frozenset(name for name in shown if name != "name" and not name.endswith("_share")),
            signs=_SIGNS,
            heads=_COUNTED_HEADS if "counted" in units and units["counted"].eq("list").any() else {},
        )
    ]


# Where no community has a plan batch, the table counts the whole ledger and says so.
_COUNTED_HEADS: Mapping[str, Text] = {
    "community_count": Text("台账小区数（均未填计划批次）", "Communities listed (no plan batch given)"),
    "households": Text("台账户数（已知合计）", "Households listed (sum of known)"),
}


def _of(layer: str, frame: pd.DataFrame, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The columns of ``names`` that the frame has, as a form wants them."""
    return tuple((layer, name) for name in names if name in frame or name == frame.index.name)


def _with(frame: pd.DataFrame, other: pd.DataFrame | None, names: Sequence[str]) -> pd.DataFrame:
    """A copy of ``frame`` with columns of another table of the same ids beside it, where there is one."""
    joined = frame.copy()
    for name in names:
        if other is not None and name in other:
            joined[name] = other[name].reindex(joined.index)
    return joined


def _named(ids: pd.Series, named: pd.DataFrame | None) -> pd.Series:
    """Names in place of ids; an id without a known name stays."""
    if named is None or "name" not in named:
        return ids
    names = named["name"].dropna()
    return ids.map(lambda one: names.get(one, one), na_action="ignore")
