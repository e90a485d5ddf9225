"""Reading and conforming: a million parcels, a ledger of 200,000 rows, the coordinate guard.

    python benchmarks/reading.py [--json FILE] [--case parcels-gpkg ...]

Peers: a bare ``pyogrio.read_dataframe(use_arrow=True)`` of the same file, which renames, converts and checks
nothing; ``pandas.read_excel`` of the same sheet, which leaves titles, totals and text numbers as they are.
Sizes are rows. ``foundation.py`` runs these cases too.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from bench import Case, Duel, main

AREA = (116.35, 31.90, 117.21, 33.01)
COLUMNS = (
    '[columns]\nparcel_id = "宗地代码"\nland_use_code = "DLBM"\nregistered_area_m2 = "宗地面积"\n'
    'right_type = "权利性质"\n'
)
RIGHTS = '[source]\npath = "parcels.gpkg"\ncrs = "EPSG:4548"\n'


def scratch() -> Path:
    """A folder that goes when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="bench-reading-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def parcels(size: int) -> gpd.GeoDataFrame:
    """Octagons on a jittered grid with six columns, in EPSG:4548, ids in shuffled order."""
    random = np.random.default_rng(7)
    side = int(np.ceil(np.sqrt(size)))
    cells = np.arange(size)
    centres = np.column_stack([cells % side, cells // side]) * 60.0 + random.uniform(0, 10, (size, 2))
    angles = np.arange(9) % 8 * (np.pi / 4)
    rings = (
        centres[:, None, :]
        + 20 * np.stack([np.cos(angles), np.sin(angles)], axis=1)[None]
        + np.array([470_000, 3_560_000])
    )
    return gpd.GeoDataFrame(
        {
            "宗地代码": [f"34040{n % 7}001001GB{n:08d}" for n in random.permutation(size)],
            "DLBM": random.choice(["0701", "0702", "08H1", "1201"], size),
            "权利性质": random.choice(["划拨", "出让", "国有土地租赁"], size),
            "宗地面积": random.uniform(100, 5000, size).round(2),
            "坐落": random.choice(["朝阳街道", " 洞山街道", "国庆街道 "], size),
            "年份": random.integers(1960, 2020, size),
        },
        geometry=shapely.polygons(rings),
        crs="EPSG:4548",
    )


def parcels_gpkg(size: int) -> Duel:
    """File to conformed frame: columns renamed and typed, codes mapped, keyed and sorted, the file's hash taken."""
    from gis_renovation.reading import conform, read_card, read_files

    folder = scratch()
    pyogrio.write_dataframe(parcels(size), folder / "parcels.gpkg", layer="parcels")
    card = read_card(RIGHTS + COLUMNS, stem="parcels", where="card")

    def ours() -> Any:
        raw = read_files(card, folder, all_columns=False)
        return conform(raw.frame, card, columns=raw.columns).frame

    def peer() -> Any:
        return pyogrio.read_dataframe(folder / "parcels.gpkg", layer="parcels", use_arrow=True)

    def equal(mine: Any, theirs: Any) -> bool:
        theirs = theirs.set_index("宗地代码").loc[mine.index]
        same = (
            np.array_equal(mine["registered_area_m2"], theirs["宗地面积"])
            and mine["right_type"].isin(["allocated", "granted", "leased"]).all()
        )
        return bool(
            same and (shapely.to_wkb(mine.geometry.to_numpy()) == shapely.to_wkb(theirs.geometry.to_numpy())).all()
        )

    return Duel(ours, peer, equal)


def ledger(size: int) -> Duel:
    """A sheet with a title, a two-row header, units, subtotals every 50 rows and numbers as people write them."""
    import xlsxwriter

    from gis_renovation.reading import conform, read_card, read_files

    folder = scratch()
    book = xlsxwriter.Workbook(str(folder / "ledger.xlsx"), {"constant_memory": True})
    sheet = book.add_worksheet("台账")
    sheet.write_row(0, 0, ["2024年老旧小区改造台账"])
    sheet.write_row(1, 0, ["序号", "小区编号", "小区名称", "建筑面积（万平方米）", "户数（户）", "建成年代", "X", "Y"])
    row, written = 1, 0
    for number in range(size):
        row += 1
        if number and number % 50 == 0:
            sheet.write_row(row, 0, ["小计", "", "", 60.0, 5000])
            row += 1
        households = (number % 300, f"约{number % 300}", f"{number % 300}户", "１２０")[number % 4]
        year = (1998, "80年代", "2000年前", "1985年")[number % 4]
        sheet.write_row(
            row,
            0,
            [number + 1, f"C{number:07d}", f"小区{number}", 1.2, households, year, 3_600_000 + number, 500_000.5],
        )
        written += 1
    book.close()
    text = (
        '[source]\npath = "ledger.xlsx"\ncrs = "EPSG:4548"\n[geometry]\nx = "Y"\ny = "X"\n'
        '[columns]\nfacility_id = "小区编号"\nname = "小区名称"\nkind = { value = "other" }\n'
        'floor_area_m2 = "建筑面积（万平方米）"\ncapacity = "户数（户）"\n'
    )
    card = read_card(text, stem="facilities", where="card")

    def equal(mine: Any, theirs: Any) -> bool:
        # The peer's rows hold the subtotals too: a sheet of n records has (n - 1) // 50 of them.
        return len(mine) == written == len(theirs) - (size - 1) // 50 and bool((mine["floor_area_m2"] == 12_000).all())

    def peer() -> Any:
        return pd.read_excel(folder / "ledger.xlsx", header=1)

    return Duel(lambda: conform(read_files(card, folder).frame, card).frame, peer, equal)


def guard(size: int) -> Duel | str:
    """A layer against its claim and against a trusted layer it is displaced from as GCJ-02 displaces."""
    from pyproj import CRS

    from gis_renovation.checking import check_claim, check_offsets
    from gis_renovation.crs import wgs84_to_gcj02

    project = CRS("EPSG:4548")
    random = np.random.default_rng(3)
    low = random.uniform(0, 50_000, (size, 2)) + np.array([470_000, 3_590_000])
    high = low + random.uniform(30, 200, (size, 2))
    true = gpd.GeoDataFrame(geometry=shapely.box(*low.T, *high.T), crs=project)
    degrees = true.to_crs(4490)
    degrees.geometry = shapely.transform(degrees.geometry.to_numpy(), lambda xy: np.column_stack(wgs84_to_gcj02(*xy.T)))
    layers = {"communities": true, "parcels": degrees.to_crs(project)}

    def ours() -> Any:
        claims = check_claim(layers["parcels"], project, name="parcels", area=AREA)
        return [f.code for f in (*claims, *check_offsets(layers, project, trusted=("communities",)))]

    if ours() != ["offset_gcj02"]:
        return "the planted shift was not found"
    return Duel(ours, None, lambda _ours, _theirs: True)


CASES = (
    Case("parcels-gpkg", "pyogrio use_arrow, bare", parcels_gpkg, ("<=", 1.5), repeats=7, at=(1_000_000,)),
    Case("ledger", "pandas.read_excel, bare", ledger, ("s<=", 60.0), repeats=1, at=(200_000,)),
    Case("guard", "", guard, ("s<=", 2.0), repeats=3, at=(100_000,)),
)

if __name__ == "__main__":
    sys.exit(main(CASES, sizes=(), file=__file__))
