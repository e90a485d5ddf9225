"""The sample's files as other offices would have sent them, and the source card of each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from gis_renovation.sample.rasters import HEIGHT_DATUM
from gis_renovation.sample.works import AS_OF
from gis_renovation.schemas import layer_schema

OWNER = "合成示例数据（非真实）"
LICENCE = "Apache-2.0"
NOTE = "全部为程序生成的合成数据，不代表任何真实小区、地块、管线或项目。"
GEOGRAPHIC = "EPSG:4490"
YES_NO = {True: "是", False: "否"}
NETWORK_CODES = {"water": "JS", "sewer": "WS", "gas": "RQ", "power": "DL", "telecom": "TX"}
PLAN_DAY, QUARTER_DAY = dt.date(2024, 4, 15), dt.date(2024, 6, 30)


@dataclass(frozen=True, kw_only=True)
class SampleFile:
    """How one layer lies on disk. ``columns``: our field to their header; fields not named keep their Chinese label.

    ``labels`` are coded fields written as Chinese labels, which the card turns back; ``units`` are
    fields written in another unit with the factor to ours; ``constants`` are fields the file lacks.
    """

    path: str
    title: str
    observed: dt.date
    crs: str = ""
    sheet: str = ""
    classification: str = "internal"
    note: str = ""
    encoding: str = ""
    datum: str = ""
    xy: tuple[str, str] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: Mapping[str, tuple[str, float, int]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


BASE = "data/base.gpkg"


FILES: Mapping[str, SampleFile] = {
    "communities": SampleFile(
        path="data/communities.gpkg",
        sheet="老旧小区",
        crs=GEOGRAPHIC,
        title="改造小区台账",
        observed=PLAN_DAY,
        classification="public",
        note="增补计划的小区数为合成：原计划未公布。",
        labels=("plan_batch",),
        units={"floor_area_m2": ("万平方米", 1e4, 4), "cost_yuan": ("万元", 1e4, 2)},
    ),
    "buildings": SampleFile(
        path="data/buildings.parquet",
        crs="EPSG:4548",
        title="楼栋",
        observed=PLAN_DAY,
        labels=("structure",),
    ),
    "parcels": SampleFile(
        path="data/parcels.shp",
        crs="EPSG:4548",
        encoding="GB18030",
        title="宗地",
        observed=QUARTER_DAY,
        note="Shapefile，属性表为 GBK 编码且没有 .cpg；字段名最多五个汉字。",
        labels=("ownership", "right_type", "holder_kind"),
        constants={"code_system": "sea_land_2023"},
        columns={
            "land_use_code": "地类编码",
            "planned_use_code": "规划编码",
            "ownership": "所有权",
            "right_type": "权利性质",
            "holder_kind": "权利人类",
            "holder_name": "权利人",
            "registered_area_m2": "登记面积",
            "start_due_on": "约定动工",
            "started_on": "实际动工",
            "stopped_on": "停工日期",
            "built_share": "已建比例",
            "invested_share": "投资比例",
            "term_end_on": "终止日期",
            "inspected_vacant": "现场空闲",
            "registered_use": "登记用途",
            "certificate_no": "权证号",
        },
    ),
    "land_survey": SampleFile(
        path="data/land.gpkg",
        sheet="地类图斑",
        crs=GEOGRAPHIC,
        title="国土变更调查地类图斑",
        observed=dt.date(2023, 12, 31),
        labels=("ownership",),
        constants={"code_system": "survey"},
    ),
    "planned_use": SampleFile(
        path="data/land.gpkg",
        sheet="规划用地",
        crs=GEOGRAPHIC,
        title="控制性详细规划用地",
        observed=dt.date(2023, 6, 30),
        constants={"code_system": "sea_land_2023"},
    ),
    "proof_papers": SampleFile(
        path="data/proof_papers.csv", title="用地证明材料登记", observed=QUARTER_DAY, labels=("kind",)
    ),
    "premises": SampleFile(
        path="data/premises.csv",
        crs=GEOGRAPHIC,
        xy=("经度", "纬度"),
        title="空置房屋排查",
        observed=QUARTER_DAY,
        labels=("holder_kind", "right_type", "status"),
    ),
    "meter_readings": SampleFile(
        path="data/meter_readings.csv",
        title="水电用量",
        observed=AS_OF,
        classification="work_secret",
        labels=("kind",),
    ),
    "control_lines": SampleFile(
        path=BASE, sheet="控制线", crs=GEOGRAPHIC, title="控制线", observed=dt.date(2024, 3, 31), labels=("kind",)
    ),
    "utility_lines": SampleFile(
        path="data/utilities.gpkg",
        sheet="管线",
        crs="EPSG:4527",
        title="地下管线普查",
        observed=dt.date(2023, 11, 30),
        classification="work_secret",
        note="坐标带带号 39。管线类别为 CJJ 61 的两字母码。",
        codes={"network": NETWORK_CODES},
        labels=("material", "status"),
    ),
    "utility_nodes": SampleFile(
        path="data/utilities.gpkg",
        sheet="管点",
        crs="EPSG:4527",
        title="管点",
        observed=dt.date(2023, 11, 30),
        classification="work_secret",
        codes={"network": NETWORK_CODES},
        labels=("kind",),
    ),
    "streets": SampleFile(
        path="data/streets.geojson",
        crs="EPSG:4326",
        title="街道路段",
        observed=dt.date(2024, 1, 31),
        classification="public",
        labels=("class",),
    ),
    "slow_paths": SampleFile(
        path="data/slow_paths.geojson",
        crs="EPSG:4326",
        title="慢行道",
        observed=dt.date(2024, 1, 31),
        classification="public",
        labels=("kind",),
    ),
    "parks": SampleFile(
        path=BASE,
        sheet="公园",
        crs=GEOGRAPHIC,
        title="公园绿地",
        observed=dt.date(2024, 1, 31),
        classification="public",
        labels=("kind",),
    ),
    "facilities": SampleFile(
        path="data/facilities.csv",
        crs=GEOGRAPHIC,
        datum="gcj02",
        xy=("经度", "纬度"),
        title="服务设施",
        observed=dt.date(2024, 5, 31),
        classification="public",
        labels=("kind",),
        note="坐标取自导航地图（GCJ-02）。末两行名称为攻击性测试文字，应原样显示为文字。",
    ),
    "gates": SampleFile(
        path="data/gates.parquet",
        crs="EPSG:4548",
        title="小区出入口",
        observed=dt.date(2024, 5, 31),
        classification="public",
        note="约四成小区没有查到出入口。",
    ),
    "street_lights": SampleFile(
        path="data/street_lights.csv",
        crs="EPSG:4548",
        xy=("Y", "X"),
        title="路灯",
        observed=dt.date(2024, 2, 29),
        classification="public",
        note="测量坐标：X 为北，Y 为东，所以 x 取 Y 列、y 取 X 列。",
    ),
    "illegal_structures": SampleFile(
        path=BASE, sheet="违法建设", crs=GEOGRAPHIC, title="违法建设", observed=QUARTER_DAY, labels=("state",)
    ),
    "culture_sites": SampleFile(
        path=BASE,
        sheet="文化点",
        crs=GEOGRAPHIC,
        title="文化点",
        observed=dt.date(2024, 1, 31),
        classification="public",
    ),
    "barriers": SampleFile(
        path=BASE,
        sheet="阻隔",
        crs=GEOGRAPHIC,
        title="河流、铁路、快速路等阻隔",
        observed=dt.date(2024, 1, 31),
        classification="public",
        labels=("kind",),
    ),
    "crossings": SampleFile(
        path=BASE,
        sheet="通道",
        crs=GEOGRAPHIC,
        title="桥、天桥、地道等通道",
        observed=dt.date(2024, 1, 31),
        classification="public",
        labels=("kind",),
    ),
    "reporting_units": SampleFile(
        path=BASE,
        sheet="县区",
        crs=GEOGRAPHIC,
        title="县区（示意范围，非行政界线）",
        observed=dt.date(2024, 1, 1),
        classification="public",
    ),
    "works_needs": SampleFile(
        path="data/works_needs.csv",
        title="专营单位挖掘需求",
        observed=AS_OF,
        classification="work_secret",
        labels=("network",),
    ),
    "dig_budgets": SampleFile(
        path="data/dig_budgets.csv",
        title="专营单位年度预算",
        observed=AS_OF,
        classification="work_secret",
    ),
    "dig_bans": SampleFile(
        path="data/dig_bans.csv",
        title="禁挖时段",
        observed=AS_OF,
        labels=("kind", "network"),
    ),
    "projects": SampleFile(
        path="data/projects.csv",
        encoding="GB18030",
        title="改造项目",
        observed=AS_OF,
        classification="public",
        labels=("plan_batch",),
    ),
    "project_communities": SampleFile(
        path="data/project_communities.csv", title="项目与小区对应", observed=AS_OF, classification="public"
    ),
    "works_records": SampleFile(
        path="data/progress.xlsx",
        sheet="工程进度",
        title="工程进度月报",
        observed=AS_OF,
        classification="public",
        labels=("state",),
        units={"progress_share": ("%", 0.01, 0)},
        columns={"progress_share": "形象进度（%）"},
    ),
    "funds": SampleFile(
        path="data/progress.xlsx",
        sheet="资金",
        title="资金",
        observed=AS_OF,
        labels=("source", "basis"),
        units={"amount_yuan": ("万元", 1e4, 2)},
        columns={"amount_yuan": "金额（万元）"},
    ),
    "terrain": SampleFile(
        path="data/terrain.tif",
        crs="EPSG:4548",
        title="地形高程",
        observed=dt.date(2022, 12, 31),
        classification="work_secret",
        note=f"高程基准：{HEIGHT_DATUM}；单位 m；像元 100 m。",
    ),
    "night_light": SampleFile(
        path="data/night_light.tif",
        crs="EPSG:4548",
        title="夜间灯光 2023 年",
        observed=dt.date(2023, 12, 31),
        note="单位 nW/cm²/sr；像元 100 m。",
    ),
    "night_light_before": SampleFile(
        path="data/night_light_2019.tif",
        crs="EPSG:4548",
        title="夜间灯光 2019 年",
        observed=dt.date(2019, 12, 31),
        note="单位 nW/cm²/sr；像元 100 m。",
    ),
    "land_cover": SampleFile(
        path="data/land_cover.tif",
        crs="EPSG:4548",
        title="土地覆盖 2024 年",
        observed=dt.date(2024, 7, 15),
        note="1 建筑，2 硬化地面，3 绿地，4 农田，5 水面，6 裸地；像元 20 m；城区以外为无数据。",
    ),
    "greenness_before": SampleFile(
        path="data/greenness_2021.tif",
        crs="EPSG:4548",
        title="绿度 2021 年夏",
        observed=dt.date(2021, 7, 15),
        note="像元 20 m；城区以外为无数据。",
    ),
    "greenness_after": SampleFile(
        path="data/greenness_2024.tif",
        crs="EPSG:4548",
        title="绿度 2024 年夏",
        observed=dt.date(2024, 7, 15),
        note="像元 20 m；城区以外为无数据。",
    ),
}


def card_texts(layers: Mapping[str, Any]) -> dict[str, str]:
    """The text of every source card, by layer; a card names the fields the made layer has."""
    return {name: _card(name, spec, layers[name]) for name, spec in FILES.items()}


def headers(name: str, layer: gpd.GeoDataFrame | pd.DataFrame) -> dict[str, str]:
    """The layer's fields to the file's column names, constants left out."""
    spec, schema = FILES[name], layer_schema(name)
    return {
        ours: spec.columns.get(ours, f.label.zh.split("（")[0])
        for ours, f in schema.fields.items()
        if ours not in spec.constants and (ours in layer.columns or ours == layer.index.name)
    }


def _card(name: str, spec: SampleFile, layer: Any) -> str:
    """One source card. Keys stand in the order in which a beginner reads them."""
    schema = layer_schema(name)
    lines = ["# 合成示例数据，由程序生成；改动会在重新生成时丢失。 / Synthetic sample data, generated.", "", "[source]"]
    source = {
        "path": spec.path, "layer_name": spec.sheet, "encoding": spec.encoding, "crs": spec.crs, "datum": spec.datum,
        "title": spec.title, "owner": OWNER, "licence": LICENCE, "classification": spec.classification,
    }  # fmt: skip
    lines += [f"{key} = {_quoted(value)}" for key, value in source.items() if value]
    lines += [f"observed = {spec.observed.isoformat()}", f"note = {_quoted(spec.note + NOTE)}"]
    if spec.xy:
        x, y = spec.xy
        lines += ["", "[geometry]", f"x = {_quoted(x)}", f"y = {_quoted(y)}"]
    if schema.raster:
        return "\n".join(lines) + "\n"
    lines += ["", "[columns]  # 我们的字段 = 文件中的列 / ours = theirs"]
    for ours, theirs in headers(name, layer).items():
        lines.append(f"{ours} = {_column_rule(ours, theirs, spec, schema.fields[ours])}")
    lines += [f"{ours} = {{ value = {_quoted(value)} }}" for ours, value in spec.constants.items()]
    return "\n".join(lines) + "\n"


def _column_rule(ours: str, theirs: str, spec: SampleFile, target: Any) -> str:
    if ours in spec.units:
        return f"{{ from = {_quoted(theirs)}, unit = {_quoted(spec.units[ours][0])} }}"
    table: Mapping[str, str] = {}
    if ours in spec.labels:
        table = {code: label.zh for code, label in target.values.items()}
    elif ours in spec.codes:
        table = spec.codes[ours]
    if not table:
        return _quoted(theirs)
    pairs = ", ".join(f"{_quoted(label)} = {_quoted(code)}" for code, label in table.items())
    return f"{{ from = {_quoted(theirs)}, values = {{ {pairs} }} }}"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False)
