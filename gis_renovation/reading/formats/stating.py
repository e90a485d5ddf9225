"""Whether a file itself states its CRS, or a format's habit stands in for it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from gis_renovation.reading.formats.contents import PARQUET_SUFFIXES
from gis_renovation.reading.formats.dbf import bytes_at
from gis_renovation.words import Text


def claims_crs(path: Path) -> bool:
    """Whether the file itself says which CRS it is in; for GeoJSON and GeoParquet WGS 84 is a mere default."""
    if path.suffix.lower() in PARQUET_SUFFIXES:
        import pyarrow.parquet as pq

        told = json.loads((pq.read_schema(path).metadata or {}).get(b"geo", b"{}"))
        return any("crs" in column for column in told.get("columns", {}).values())
    if path.suffix.lower() in (".geojsonl", ".geojsons"):
        return False
    if path.suffix.lower() not in (".geojson", ".json"):
        return True
    size = path.stat().st_size
    ends = bytes_at(path, 0, 2**16) + bytes_at(path, max(0, size - 2**16), 2**16)
    return re.search(rb'"crs"\s*:\s*\{', ends) is not None


def assumed_crs(crs: Any) -> Text:
    """That a file states no CRS and what it is read in is its format's default, no more."""
    return Text(
        f"文件没有写坐标系，只是按格式的惯例当作 {crs.name}；地图服务导出的多为 GCJ-02（偏几百米），测绘成果多为"
        ' CGCS2000。请向提供单位核实，在来源卡写 crs（地图服务的另写 datum = "gcj02"）。',
        f"The file states no CRS; {crs.name} is only its format's default. Files of map services are mostly in GCJ-02 "
        "(some hundred metres off), surveys in CGCS2000. Ask, and write crs in the card (of a map service also datum "
        '= "gcj02").',
    )
