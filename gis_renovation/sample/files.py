"""The sample city as a project on disk: files as bureaus send them, its settings and its profiles.

Each layer is written in another format, coordinate system, unit or encoding on purpose, so that the
sample exercises the readers (:mod:`gis_renovation.sample.cards`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
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
from gis_renovation.local import written_as
from gis_renovation.rasters import Raster
from gis_renovation.sample.cards import FILES, OWNER, YES_NO, SampleFile, card_texts, headers
from gis_renovation.sample.city import make_city
from gis_renovation.sample.housing import PLAN
from gis_renovation.sample.photos import write_photos
from gis_renovation.sample.rasters import LAND_COVER
from gis_renovation.sample.works import AS_OF
from gis_renovation.schemas import layer_schema
from gis_renovation.shipped import shipped
from gis_renovation.writing import write_geopackage

NODATA = -9999.0
MADE_ON = dt.datetime(2024, 9, 30)  # noqa: DTZ001 - a fixed stamp for the workbook's properties


def write_city(folder: Path | str, *, seed: int = 2024) -> None:
    """The sample as a project in ``folder``.

    ``project.toml``, ``layers/*.toml``, ``layers/data``, drawn ``photos`` and the public profile that
    shows them. Files of the same names are replaced, others left alone. Same seed and library versions, same
    bytes. Raises OSError when the folder cannot be written.
    """
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
    # Its compounds are called after the works that built them, as in any city.
    text = text.replace("\ncarried = []  ", '\ncarried = ["communities.owner_unit"]  ', 1)
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
city_rules = "huainan"       # 本市规则包：引用淮南市的文件
attribution = "合成示例数据，由程序生成，非真实"
scheme = "fewest"            # 采用的方案，见文末 / the scheme that is chosen, see the end

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
leave_out_unknown = true                 # 户数未知的小区先不划分，并说明
# 年度预算（元）：按此排滚动计划。 / Yearly budgets for the work order.
budgets_yuan = {{ 2025 = 360000000, 2026 = 360000000, 2027 = 360000000 }}
carry_over = true                        # 当年结余转下年

# 方案比选：每个方案只写与 [zones] 不同的要求。 / Schemes side by side: each says what it asks otherwise.
[schemes.fewest]
title = ["片区尽量少", "As few zones as possible"]
zone_preference = "fewest"                # 在限值内片区尽量少、尽量大

[schemes.most]
title = ["片区尽量多", "As many zones as possible"]
zone_preference = "most"

[schemes.near]
title = ["间距从严", "Stricter gaps"]
zone_preference = "fewest"

[schemes.near.contiguity]
max_gap_m = 40
"""


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
        with written_as(path) as way:
            pyogrio.write_dataframe(frame, way, driver="GeoJSON", COORDINATE_PRECISION="9")
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
