"""A table whose header states its CRS is drafted with it, as stated; what states none or two is not."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from gis_renovation.checking import propose_folder, write_proposals
from gis_renovation.checking.grids import crs_in_headers
from gis_renovation.reading import read_card, read_files

SQUARE = box(500_000, 3_613_000, 500_100, 3_613_080)


@pytest.mark.parametrize(
    "header", ["WKT（EPSG:4548）", "wkt (epsg 4548)", "WKT[EPSG：4548]", "geometry（CGCS2000，EPSG:4548）"]
)
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_header_states_the_crs(tmp_path: Path, header: str, suffix: str) -> None:
    data, cards = tmp_path / "data", tmp_path / "layers"
    data.mkdir()
    cards.mkdir()
    frame = pd.DataFrame({"小区编号": ["C1"], "小区名称": ["朝阳一村"], header: [SQUARE.wkt]})
    file = data / f"小区边界.{suffix}"
    frame.to_csv(file, index=False) if suffix == "csv" else frame.to_excel(file, index=False)
    (found,) = propose_folder(data, beside=cards)
    write_proposals([found], cards)
    card = read_card((cards / "communities.toml").read_text("utf-8"), stem="communities", where="card")
    assert (card.source.crs, card.source.crs_guessed) == ("EPSG:4548", False)
    assert any("表头" in doubt.zh for doubt in found.doubts)
    raw = read_files(card, cards)
    assert raw.frame.crs.to_epsg() == 4548
    assert raw.frame.geometry.iloc[0].equals(SQUARE)


@pytest.mark.parametrize(
    "headers", [["WKT"], ["WKT（EPSG:999999）"], ["a EPSG:4548", "b EPSG:4549"], ["EPSG45489999"], []]
)
def test_what_states_no_crs_or_two_says_nothing(headers: list[str]) -> None:
    assert crs_in_headers(headers) is None


def test_a_files_own_crs_goes_before_a_header(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    gpd.GeoDataFrame({"小区编号": ["C1"], "备注EPSG:4549": ["x"]}, geometry=[SQUARE], crs=4548).to_file(
        tmp_path / "小区.gpkg"
    )
    (found,) = propose_folder(tmp_path, beside=tmp_path / "layers")
    assert 'crs = "EPSG:4548"' in found.draft.text
