"""Numbers wider than their DBF field stand as asterisks: the number is lost, and that is told with row and field."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from gis_renovation.reading import read_card, read_files
from gis_renovation.reading.formats.dbf import read_layout


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("lost", [{"hu": [2]}, {"hu": [1, 3], "mj": [3]}, {}])
def test_asterisks_are_told(tmp_path: Path, alone: bool, lost: dict[str, list[int]]) -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["*", "**", "C3"], "hu": np.array([1, 2, 3], "int32"), "mj": [1.5, 2.5, 3.5]},
        geometry=[box(500_000 + 200 * k, 3_613_000, 500_100 + 200 * k, 3_613_080) for k in range(3)],
        crs=4548,
    )
    frame.to_file(tmp_path / "a.shp", encoding="utf-8")
    dbf = tmp_path / "a.dbf"
    layout, raw = read_layout(dbf), bytearray(dbf.read_bytes())
    places = {name.decode(): (offset, width) for name, _, offset, width in layout.fields}
    for name, rows in lost.items():
        offset, width = places[name]
        for row in rows:
            at = layout.header_bytes + layout.row_bytes * (row - 1) + offset
            raw[at : at + width] = b"*" * width
    dbf.write_bytes(bytes(raw))
    if alone:
        for suffix in (".shp", ".shx", ".prj"):
            (tmp_path / f"a{suffix}").unlink()
    layer, file = ("meter_readings", "a.dbf") if alone else ("communities", "a.shp")
    got = read_files(read_card(f'[source]\npath = "{file}"\n', stem=layer, where="card"), tmp_path)
    told = [(ref.value, ref.rows[0]) for f in got.findings if f.code == "number_lost" for ref in f.features]
    assert told == [(name, row) for name in ("hu", "mj") for row in lost.get(name, [])]
    assert [k + 1 for k in range(3) if got.frame["hu"].isna().iloc[k]] == lost.get("hu", [])
    assert len(got.frame) == 3
