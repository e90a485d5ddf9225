"""The planner's document: the zones, what is in them and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from gis_renovation.documents import Paper
from gis_renovation.errors import Lang, Text
from gis_renovation.report_parts import SHEETS_MAX, Layers, Manifest, community_names, in_language, known_values, titled
from gis_renovation.schemas import layer_schema
from gis_renovation.tables import shown_text
from gis_renovation.unknowns import name_or_id, names_or_ids

LINKS_SHOWN = 40

_ZONE_OVERVIEW = ("name", "community_count", "households", "floor_area_m2", "land_area_m2", "cost_yuan")
_COMMUNITY_COLUMNS = ("name", "subdistrict", "year_built", "building_count", "households", "floor_area_m2")
_NETWORK_COLUMNS = ("network", "reached", "length_m", "mean_age_years", "age_30_plus_length_m", "operators")


# Tables that only a run with bounds or budgets has.
_EXTRA_TABLES = (
    ("zone_shortfalls", "不能成片的原因与办法", "Why some cannot form a zone", ("community_ids", "reason_{lang}")),
    (
        "zone_schedule",
        "年度计划",
        "Work order",
        ("work_year", "work_rank", "cost_yuan", "year_left_yuan", "reason_{lang}"),
    ),
)


def write_zone_scheme(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    """All zones in one table, the communities left out with the reason, then one page a zone."""
    paper.heading("一、总体情况", "1. Overview")
    zones, members = layers.get("zones"), layers.get("zone_members")
    if zones is None or members is None:
        paper.say("本次运行没有划分片区。", "This run delineated no zones.")
        return
    left_out = members[members["zone_id"].isna()]
    zh, en = _sum_text(zones)
    paper.say(
        f"共划分连片改造片区 {len(zones)} 个，含小区 {int(zones['community_count'].sum())} 个{zh}。"
        + (f"另有 {len(left_out)} 个小区未纳入任何片区。" if len(left_out) else "全部小区均已纳入。"),
        f"{len(zones)} zones hold {int(zones['community_count'].sum())} communities{en}. "
        + (f"{len(left_out)} communities are in no zone." if len(left_out) else "Every community is in a zone."),
    )
    _say_proof(paper, members)
    paper.layer_table(zones, "zones", _ZONE_OVERVIEW, see=workbook)
    _parameter_table(paper, manifest, ("community_links", "zone_members", "zones"))
    numbers = iter("二三四五")
    if len(left_out):
        paper.heading(f"{next(numbers)}、未纳入片区的小区", "Communities in no zone")
        paper.layer_table(_with_names(left_out, layers), "zone_members", ("name", f"reason_{paper.lang}"), see=workbook)
    for layer, zh, en, columns in _EXTRA_TABLES:
        table = layers.get(layer)
        if table is not None and len(table):
            paper.heading(f"{next(numbers)}、{zh}", en)
            chosen = [column.format(lang=paper.lang) for column in columns]
            paper.layer_table(table, layer, chosen, see=workbook)
    paper.heading(f"{next(numbers)}、片区分表", "Zone by zone", new_page=True)
    for number, zone_id in enumerate(zones.index[:SHEETS_MAX]):
        _zone_sheet(paper, layers, zone_id, workbook, new_page=number > 0)
    if len(zones) > SHEETS_MAX:
        left = len(zones) - SHEETS_MAX
        paper.say(f"其余 {left} 个片区见 {workbook}。", f"{left} more zones stand in {workbook}.")


def _say_proof(paper: Paper, members: pd.DataFrame) -> None:
    """How far the zones are proven to be the best: a claim nobody should have to take on trust."""
    proof = known_values(members, "proof").dropna()
    if not len(proof):
        return
    labels = layer_schema("zone_members").fields["proof"].values
    counts = [(labels[str(code)], int(count)) for code, count in proof.value_counts().sort_index().items()]
    paper.say(
        "划分结论按小区计：" + "，".join(f"{label.zh} {count} 个" for label, count in counts) + "。",
        "By community: " + ", ".join(f"{label.en} {count}" for label, count in counts) + ".",
    )


def _sum_text(zones: pd.DataFrame) -> tuple[str, str]:
    """Households and floor area of all zones, and of how many zones they are not known."""
    zh = en = ""
    for column, label in (
        ("households", Text("户数", "households")),
        ("floor_area_m2", Text("建筑面积", "floor area")),
    ):
        values = pd.to_numeric(known_values(zones, column))
        unknown, total = int(values.isna().sum()), float(values.sum())
        if unknown == len(zones):
            zh, en = f"{zh}，{label.zh}未知", f"{en}, {label.en} unknown"
            continue
        households = column == "households"
        zh += f"，{total:,.0f} 户" if households else f"，建筑面积 {total / 1e4:,.2f} 万m²"
        en += f", {total:,.0f} households" if households else f", {total:,.0f} m² of floor area"
        zh += f"（{unknown} 个片区未知，未计入）" if unknown else ""
        en += f" ({unknown} zones unknown, not counted)" if unknown else ""
    return zh, en


def _parameter_table(paper: Paper, manifest: Manifest, steps: Sequence[str]) -> None:
    rows = [
        (layer_schema(record["step"]).label.in_language(paper.lang), name, _parameter_text(value))
        for record in manifest["steps"]
        if record["step"] in steps
        for name, value in record.get("parameters", {}).items()
        if name not in _HOW_FAST
    ]
    if not rows:
        return
    paper.say(
        "计算所用参数如下（在 project.toml 中设定，未设定的取默认值）：",
        "Parameters in force (project.toml or default):",
    )
    header = in_language(paper.lang, ("步骤", "Step"), ("参数", "Parameter"), ("取值", "Value"))
    paper.table(header, rows)


# Parameters that decide how long a run takes, never what comes out.
_HOW_FAST = ("threads", "workers")


def _parameter_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "—" if value is None or (isinstance(value, dict | list | tuple) and not value) else str(value)


def _with_names(frame: pd.DataFrame, layers: Layers) -> pd.DataFrame:
    """The members with their community's name beside; names are not part of the layer."""
    return frame.assign(name=names_or_ids(layers["communities"]).reindex(frame.index))


def _zone_sheet(paper: Paper, layers: Layers, zone_id: str, workbook: str, *, new_page: bool) -> None:
    zones, members, communities = layers["zones"], layers["zone_members"], layers["communities"]
    zone = zones.loc[zone_id]
    own = members.index[members["zone_id"] == zone_id]
    paper.heading(*titled(zone["name"], zone_id), level=2, new_page=new_page)
    units = layers.get("reporting_units")
    if units is not None and zone.get("unit_code") in units.index:
        zone = zone.copy()
        zone["unit_code"] = name_or_id(units.loc[zone["unit_code"], "name"], zone["unit_code"])
    facts = _zone_facts(zone, "zones", paper.lang)
    sheets = layers.get("zone_sheets")
    if sheets is not None and zone_id in sheets.index:
        told = {*layer_schema("zones").fields, "area_ha", "communities_zh"}
        facts += _zone_facts(sheets.loc[zone_id].drop(labels=told, errors="ignore"), "zone_sheets", paper.lang)
    paper.facts(facts)
    why = zone.get(f"why_{paper.lang}")
    if isinstance(why, str):
        paper.say(f"成片理由：{why}", f"Why: {why}")
    shown = communities.loc[own]
    paper.layer_table(shown.assign(name=names_or_ids(shown)), "communities", _COMMUNITY_COLUMNS, see=workbook)
    _zone_links(paper, layers, set(own), workbook)
    _zone_networks(paper, layers, zone_id)
    _zone_parks(paper, layers, own, workbook)


_COUNTY = Text("县区", "County")


def _zone_facts(zone: pd.Series, layer: str, lang: Lang) -> list[tuple[Text, str]]:
    """Every field of the zone but its reason; how many members are unknown stands beside its sum."""
    schema = layer_schema(layer)
    pairs = []
    for name, field in schema.fields.items():
        told_elsewhere = name in ("name", schema.key, "extent_zh") or name.startswith("why_")
        if told_elsewhere or name.endswith("_unknown_count") or name not in zone.index:
            continue
        if name.endswith("_en" if lang == "zh" else "_zh"):
            continue
        unit = "%" if name.endswith("_share") else field.unit
        text = shown_text(zone[name], field, lang)
        known = text not in ("", "—") and any(character.isdigit() for character in text)
        if known and unit and unit not in ("年", "%") and lang == "zh":
            text = f"{text} {unit}"
        unknown = zone.get(f"{name}_unknown_count", 0)
        if unknown and unknown == unknown:  # noqa: PLR0124 - NaN is not itself
            text += f"（{int(unknown)} 个小区未知）" if lang == "zh" else f" ({int(unknown)} communities unknown)"
        pairs.append((_COUNTY if name == "unit_code" else field.label, text))
    return pairs


def _zone_links(paper: Paper, layers: Layers, own: set[str], workbook: str) -> None:
    links = layers.get("community_links")
    if links is None or not len(links):
        return
    names = community_names(layers["communities"])
    inside = links["focal"].isin(own) & links["neighbor"].isin(own)
    across = (links["focal"].isin(own) ^ links["neighbor"].isin(own)) | (inside & links["status"].eq("cut"))
    shown = links.assign(focal=links["focal"].map(names), neighbor=links["neighbor"].map(names))
    reason = f"reason_{paper.lang}"
    columns = ("focal", "neighbor", "status", "gap_m", "shared_wall_m", reason)
    joined = shown[inside & ~links["status"].eq("cut")]
    if len(joined):
        paper.say("小区之间的连接：", "Links within the zone:")
        paper.layer_table(joined, "community_links", columns, key=False, rows_shown=LINKS_SHOWN, see=workbook)
    if across.any():
        paper.say("与相邻小区的隔断或未合并：", "Neighbours cut off or not taken in:")
        paper.layer_table(shown[across], "community_links", columns, key=False, rows_shown=LINKS_SHOWN, see=workbook)


def _zone_networks(paper: Paper, layers: Layers, zone_id: str) -> None:
    table = layers.get("utility_by_zone")
    if table is None:
        paper.say("管线：未核查（没有管线数据）。", "Utilities: not checked, there are no data.")
        return
    paper.say("管线：", "Utilities:")
    paper.layer_table(table[table["zone_id"] == zone_id], "utility_by_zone", _NETWORK_COLUMNS, key=False)


def _zone_parks(paper: Paper, layers: Layers, own: Iterable[str], workbook: str) -> None:
    table = layers.get("park_access")
    if table is None:
        paper.say("公园绿地：未核查（缺少慢行道或公园数据）。", "Parks: not checked, paths or parks are missing.")
        return
    rows = table.loc[[key for key in own if key in table.index]]
    names = community_names(layers["communities"])
    columns = [
        n for n in table.columns if n in ("park_name", "network_distance_m") or n.startswith(("covered_", "guide_"))
    ]
    paper.say("公园绿地可达情况（沿路网步行）：", "Park access along the network:")
    paper.layer_table(rows.rename(index=names), "park_access", columns, see=workbook, labels=_COMMUNITY_LABEL)


_COMMUNITY_LABEL = {"community_id": Text("小区", "Community")}
