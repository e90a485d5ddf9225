"""The sample city as a project on disk: files as bureaus send them, and the cards that read them.

Each layer is written in another format, coordinate system, unit or encoding on purpose, so that the
sample exercises the readers. The cards are made here and nowhere else.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fiona
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
import xlsxwriter

from gis_renovation.crs import wgs84_to_gcj02
from gis_renovation.rasters import Raster
from gis_renovation.sample.housing import PLAN
from gis_renovation.sample.photos import write_photos
from gis_renovation.sample.rasters import HEIGHT_DATUM, LAND_COVER
from gis_renovation.sample.works import AS_OF
from gis_renovation.schemas import layer_schema
from gis_renovation.shipped import shipped
from gis_renovation.writing import write_geopackage

OWNER = "合成示例数据（非真实）"
LICENCE = "Apache-2.0"
NOTE = "全部为程序生成的合成数据，不代表任何真实小区、地块、管线或项目。"

GEOGRAPHIC = "EPSG:4490"
NODATA = -9999.0
MADE_ON = dt.datetime(2024, 9, 30)  # noqa: DTZ001 - a fixed stamp for the workbook's properties

YES_NO = {True: "是", False: "否"}
NETWORK_CODES = {"water": "JS", "sewer": "WS", "gas": "RQ", "power": "DL", "telecom": "TX"}


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


PLAN_DAY, QUARTER_DAY = dt.date(2024, 4, 15), dt.date(2024, 6, 30)
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


def write_city(folder: Path | str, *, seed: int = 2024) -> None:
    """The sample as a project in ``folder``.

    ``project.toml``, ``layers/*.toml``, ``layers/data``, drawn ``photos`` and the public profile that
    shows them. Files of the same names are replaced, others left alone. Same seed and library versions, same
    bytes. Raises OSError when the folder cannot be written.
    """
    from gis_renovation.sample.city import make_city

    folder = Path(folder)
    data = folder / "layers" / "data"
    data.mkdir(parents=True, exist_ok=True)
    layers = make_city(seed=seed)
    (folder / "project.toml").write_text(project_text(), encoding="utf-8")
    for name, text in card_texts(layers).items():
        (folder / "layers" / f"{name}.toml").write_text(text, encoding="utf-8")
    packages: dict[str, dict[str, Any]] = {}
    books: dict[str, dict[str, Any]] = {}
    for name, spec in FILES.items():
        path = folder / "layers" / spec.path
        if path.suffix == ".tif":
            _write_raster(path, layers[name])
            continue
        frame = to_theirs(name, layers[name])
        if path.suffix in (".gpkg", ".xlsx"):
            (packages if path.suffix == ".gpkg" else books).setdefault(spec.path, {})[spec.sheet] = frame
        else:
            _write_one(path, frame, spec)
    for name, sheets in packages.items():
        path = folder / "layers" / name
        path.unlink(missing_ok=True)
        write_geopackage(path, sheets)
    for name, sheets in books.items():
        _write_book(folder / "layers" / name, sheets)
    write_photos(folder / "photos", seed=seed)
    (folder / "maps").mkdir(exist_ok=True)
    for profile in sorted(shipped("template/maps").iterdir(), key=lambda path: path.name):
        text = sample_profile(profile.name)
        (folder / "maps" / profile.name).write_text(text, encoding="utf-8")


# Cards of the sample above a profile's class of which results may leave, as their owner would have to write.
RELEASED = {
    "public.toml": ("funds", "utility_lines"),
    "bureau.toml": ("meter_readings", "terrain", "utility_lines"),
}
APPROVED_BY = "合成示例数据，无需审查；真实项目请写同意的单位和文号"


def sample_profile(name: str) -> str:
    """The program's own profile ``name`` as the sample has it: drawn pictures may be shown, results may leave."""
    text = (shipped("template/maps") / name).read_text(encoding="utf-8")
    if name == "public.toml":
        text = text.replace("show = false", "show = true", 1)
    listed = ", ".join(f'"{card}"' for card in RELEASED.get(name, ()))
    text = text.replace("\nlayers = []  ", f"\nlayers = [{listed}]  ", 1)
    return text.replace('approved_by = ""  ', f'approved_by = "{APPROVED_BY}"  ', 1)


def project_text() -> str:
    """``project.toml`` of the sample: name, CRS, date, the plan's totals."""
    main, supplement = PLAN["main"], PLAN["supplement"]
    return f"""# 合成示例项目：淮南。数据由程序生成，不代表任何真实小区、地块、管线或项目。
# Synthetic sample project. All data are generated; nothing here is real but the plan's totals.

[project]
name = "淮南（合成示例）"
crs = "EPSG:4548"            # CGCS2000 三度带，中央经线 117°
as_of = {AS_OF.isoformat()}
synthetic = true
attribution = "合成示例数据，由程序生成，非真实"

# 计划总数（淮旧改办〔2024〕6号）。增补计划未公布小区数。
[targets.main]
communities = {main[0]}
households = {main[1]}
floor_area_m2 = {main[2]}

[targets.supplement]
households = {supplement[1]}
floor_area_m2 = {supplement[2]}

# 土地覆盖数据中表示裸地的代码，随产品而定。
[rasters]
bare_classes = [{LAND_COVER["bare"]:.0f}]

# 片区划分的要求。各项含义见 gis-renovation run --explain zone_members。
[zones]
households = {{ min = 300, max = 1500 }}   # 每个片区的户数
zone_preference = "fewest"                # 在限值内片区尽量少、尽量大
leave_out_unknown = true                 # 户数未知的小区先不划分，并说明
# 年度预算（元）：按此排滚动计划。 / Yearly budgets for the work order.
budgets_yuan = {{ 2025 = 360000000, 2026 = 360000000, 2027 = 360000000 }}
carry_over = true                        # 当年结余转下年
"""


def card_texts(layers: Mapping[str, Any]) -> dict[str, str]:
    """The text of every source card, by layer; a card names the fields the made layer has."""
    return {name: _card(name, spec, layers[name]) for name, spec in FILES.items()}


def to_theirs(name: str, layer: gpd.GeoDataFrame | pd.DataFrame) -> gpd.GeoDataFrame | pd.DataFrame:
    """``layer`` with the file's headers, units, labels and coordinates: what the card turns back."""
    spec, schema = FILES[name], layer_schema(name)
    frame = layer.reset_index() if layer.index.name else layer.copy()
    columns: dict[str, Any] = {}
    for ours, theirs in headers(name, layer).items():
        columns[theirs] = _cells(frame[ours], spec, schema.fields[ours])
    table = pd.DataFrame(columns, index=frame.index)
    if not schema.geometry:
        return table
    place = frame.geometry.to_crs(spec.crs)
    if spec.xy:
        return _with_coordinates(table, place, spec)
    decimals = 9 if place.crs.is_geographic else 3
    geometry = shapely.transform(place.to_numpy(), lambda xy: np.round(xy, decimals))
    return gpd.GeoDataFrame(table, geometry=geometry, crs=spec.crs)


def headers(name: str, layer: gpd.GeoDataFrame | pd.DataFrame) -> dict[str, str]:
    """The layer's fields to the file's column names, constants left out."""
    spec, schema = FILES[name], layer_schema(name)
    return {
        ours: spec.columns.get(ours, f.label.zh.split("（")[0])
        for ours, f in schema.fields.items()
        if ours not in spec.constants and (ours in layer.columns or ours == layer.index.name)
    }


def _cells(column: pd.Series, spec: SampleFile, target: Any) -> pd.Series:
    """One column as the file has it: unit, label, 是/否, ISO date; unknown stays empty."""
    name = target.name
    if name in spec.units:
        _, factor, decimals = spec.units[name]
        values = (column.astype(float) / factor).round(decimals)
        return values.astype("int64") if decimals == 0 and values.notna().all() else values
    table: Mapping[Any, str] = {}
    if name in spec.labels:
        table = {code: label.zh for code, label in target.values.items()}
    elif name in spec.codes:
        table = spec.codes[name]
    elif target.type == "boolean":
        table = YES_NO
    if table:
        return _texts([table.get(v) if pd.notna(v) else None for v in column], column.index)
    if target.type == "date" and not spec.path.endswith(".xlsx"):
        return _texts([v.isoformat() if isinstance(v, dt.date) else None for v in column], column.index)
    if target.type == "integer":
        numbers = pd.to_numeric(column, errors="coerce")
        return numbers.astype("int64") if numbers.notna().all() else numbers.astype("float64")
    if target.type == "number":
        return column.astype("float64")
    return _texts([v if isinstance(v, str | dt.date) else None for v in column], column.index)


def _texts(values: list[Any], index: pd.Index) -> pd.Series:
    return pd.Series(values, index=index, dtype=object)


def _with_coordinates(table: pd.DataFrame, place: gpd.GeoSeries, spec: SampleFile) -> pd.DataFrame:
    """Points as two columns; with the display offset where the file is in GCJ-02."""
    x, y = place.x.to_numpy(), place.y.to_numpy()
    if spec.datum == "gcj02":
        x, y = wgs84_to_gcj02(x, y)
    decimals = 8 if place.crs.is_geographic else 3
    names = spec.xy or ("x", "y")
    for name, values in sorted(zip(names, (x, y), strict=True)):
        table[name] = np.round(values, decimals)
    return table


# --- writing --------------------------------------------------------------------------------------


def _write_one(path: Path, frame: Any, spec: SampleFile) -> None:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, encoding=spec.encoding or "utf-8-sig", lineterminator="\n")
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False, compression="zstd")
    elif path.suffix == ".geojson":
        pyogrio.write_dataframe(frame, path, driver="GeoJSON", COORDINATE_PRECISION="9")
    else:
        _write_shapefile(path, frame)


def _write_shapefile(path: Path, frame: gpd.GeoDataFrame) -> None:
    """A Shapefile in GBK without its ``.cpg``; fields as wide as their longest text, to keep it small."""
    kinds = {}
    for name in frame.columns.drop("geometry"):
        if frame[name].dtype == object:
            widest = max((len(v.encode("gbk")) for v in frame[name] if isinstance(v, str)), default=1)
            kinds[name] = f"str:{widest}"
        else:
            kinds[name] = "float:18.2"
    schema = {"geometry": "Polygon", "properties": kinds}
    rows = frame.drop(columns="geometry").astype(object).where(lambda cells: cells.notna(), None).to_dict("records")
    with fiona.open(
        path, "w", driver="ESRI Shapefile", schema=schema, crs_wkt=frame.crs.to_wkt("WKT1_GDAL"), encoding="GBK",
        DBF_DATE_LAST_UPDATE="2024-09-30",
    ) as file:  # fmt: skip
        file.writerecords(
            {"geometry": shapely.geometry.mapping(shape), "properties": row}
            for shape, row in zip(frame.geometry, rows, strict=True)
        )
    path.with_suffix(".cpg").unlink(missing_ok=True)


def _write_book(path: Path, sheets: Mapping[str, pd.DataFrame]) -> None:
    """A workbook with a header row, real dates and text as text, the same bytes each time."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": MADE_ON, "author": OWNER})
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        for name, frame in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, list(frame.columns), bold)
            sheet.set_column(0, len(frame.columns) - 1, 16)
            for k, column in enumerate(frame.columns):
                for row, value in enumerate(frame[column].tolist(), start=1):
                    if isinstance(value, dt.date):
                        sheet.write_datetime(row, k, value, day)
                    elif value is not None and value == value:  # noqa: PLR0124 - NaN is not itself
                        sheet.write(row, k, value)


def _write_raster(path: Path, raster: Raster) -> None:
    values = np.where(np.isnan(raster.values), NODATA, raster.values).astype("float32")
    rows, columns = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype="float32", crs=raster.crs.to_wkt(),
        transform=raster.transform, nodata=NODATA, compress="deflate", zlevel=9, predictor=1, tiled=True,
    ) as file:  # fmt: skip
        file.write(values, 1)


# --- cards ----------------------------------------------------------------------------------------


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
