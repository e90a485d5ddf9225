"""No word of a program reaches a planner: odd values in every column, through check, run and report."""

from __future__ import annotations

import datetime
import re
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from gis_renovation.reports import write_reports
from gis_renovation.run import check_project, open_project, run_project
from gis_renovation.schemas import layer_schema

HEAD = '[project]\nname = "城"\ncrs = "EPSG:4548"\nas_of = 2025-01-01\narea = [116.35, 31.9, 117.21, 33.01]\n'
LEFT, BOTTOM = 500_000.0, 3_613_000.0
PROGRAM = re.compile(
    r"np\.(?:float|int|str|bool)|\bnan\b|\bNaT\b|\bNone\b|<NA>|Timestamp\(|datetime\.|Decimal\(|/root/|/home/|site-packages|"
    r"Traceback|object at 0x|Errno|\\x[0-9a-f]{2}|（无）、|、（无）|\b\d{4,}(?:\.\d+)?%"
)
# What a cell may hold, by the file's type of the column.
ODD = {
    "whole": [0, -1, 9999, 2**53 + 1],
    "decimal": [np.nan, 1e300, -0.0, 948525796715.2],
    "text": ["", "无", "约120", "0000-00-00"],
    "null": [None, None, None, None],
    "mixed": ["0", "nan", "1e5", "不详"],
    "days": [datetime.date(1, 1, 1), datetime.date(2024, 5, 1), None, datetime.date(2100, 1, 1)],
}
LAYERS = ("communities", "buildings", "parcels", "utility_lines", "projects", "works_records", "funds")


def project(folder, layer, kind, *, broken):
    """Four sound communities, and a layer of four rows with odd values in every column but its key."""
    data = folder / "layers" / "data"
    data.mkdir(parents=True)
    (folder / "project.toml").write_text(HEAD, encoding="utf-8")
    shapes = [box(LEFT + 120 * k, BOTTOM, LEFT + 120 * k + 100, BOTTOM + 80) for k in range(4)]
    sound = {"community_id": list("ABCD"), "name": list("甲乙丙丁"), "households": [10, 20, 30, 40]}
    layers = {"communities": sound}
    schema = layer_schema(layer)
    own = {} if layer != "communities" else sound
    odd = {name: ODD[kind] for name, field in schema.fields.items() if field.required or broken}
    layers[layer] = {**odd, **own, **({schema.key: list("ABCD")} if schema.key else {})}
    if layer == "communities" and broken:
        layers[layer] = {**odd, "community_id": list("ABCD")}
    for name, columns in layers.items():
        frame = pd.DataFrame(columns)
        if layer_schema(name).geometry:
            places = shapes if "polygon" in layer_schema(name).geometry else [shape.exterior for shape in shapes]
            gpd.GeoDataFrame(frame, geometry=places, crs=4548).to_parquet(data / f"{name}.parquet")
        else:
            frame.to_parquet(data / f"{name}.parquet")
        (folder / "layers" / f"{name}.toml").write_text(f'[source]\npath = "data/{name}.parquet"\n', encoding="utf-8")
    return open_project(folder)


def told(findings):
    for finding in findings:
        for lang in ("zh", "en"):
            yield finding.sentence(lang)
            yield from finding.named(lang)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", ODD)
def test_no_message_of_check_speaks_as_a_program(tmp_path, layer, kind):
    allowed = {text for text in ODD[kind] if isinstance(text, str)}  # what a file says is quoted
    texts = list(told(check_project(project(tmp_path, layer, kind, broken=True)).findings))
    assert texts
    for text in texts:
        for word in PROGRAM.findall(text):
            assert word in allowed, text


@pytest.mark.parametrize("kind", ["null", "text"])
def test_no_page_of_a_run_speaks_as_a_program(tmp_path, kind):
    work = project(tmp_path, "communities", kind, broken=False)
    made = run_project(work)
    texts = list(told(made.manifest.findings))
    write_reports(tmp_path / "reports", made.layers, made.manifest)
    for path in sorted(path for path in (tmp_path / "reports").rglob("*") if path.suffix in (".docx", ".xlsx")):
        with zipfile.ZipFile(path) as parts:
            inside = [
                name for name in parts.namelist() if re.search(r"word/document|sharedStrings|worksheets/sheet", name)
            ]
            texts += [re.sub(r"<[^>]*>", " ", parts.read(name).decode("utf-8")) for name in inside]
    assert sum(map(len, texts)) > 1000
    for text in texts:
        found = PROGRAM.search(text)
        assert not found, text[max(0, found.start() - 80) : found.end() + 80]
