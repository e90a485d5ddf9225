"""Shares of parcels in zones and control lines, the ledger of idle land, values of rasters in polygons.

    python benchmarks/land.py [--json FILE] [--size 100000 1000000] [--case shares-overlay ...]

Peers: geopandas.overlay, DuckDB spatial, exactextract, dask-geopandas (each skipped with a remark where
not installed). Parcels have 8 corners, 1,000 zones 120 and 400 control lines 400, some of which overlap;
asked is each parcel's share under control lines (each place once) and its largest share in one zone.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from bench import Case, Duel, main

from gis_renovation.land import RegisterReading

CRS = "EPSG:4548"
CELL_M = 40.0
ORIGIN = np.array([480_000.0, 3_600_000.0])
ZONES, LINES = 1_000, 400
AS_OF, READING = datetime.date(2024, 9, 30), RegisterReading(checked_kinds=("blue",))
CHUNK = 250_000


def rounds(middle: Any, radius: Any) -> Any:
    """Polygons around points with the given radii, evenly turned."""
    turn = np.linspace(0.0, 2.0 * np.pi, radius.shape[1], endpoint=False)
    return shapely.polygons(middle[:, None] + np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1))


def make_land(count: int, *, seed: int = 1) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Parcels, zones that do not overlap, control lines some of which do."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    return make_parcels(np.arange(count), side, rng), *make_covers(side * CELL_M, rng)


def make_parcels(number: Any, side: int, rng: Any) -> gpd.GeoDataFrame:
    """The parcels of these numbers on a square of ``side`` by ``side`` cells."""
    count = len(number)
    cell = np.stack([number % side, number // side], axis=1)
    middle = ORIGIN + (cell + 0.5) * CELL_M + rng.uniform(-3.0, 3.0, (count, 2))
    return gpd.GeoDataFrame(
        {
            "ownership": rng.choice(np.array(["state", "collective"], dtype=object), count),
            "holder_kind": rng.choice(np.array(["government", "company", "individual", "none"], dtype=object), count),
            "right_type": rng.choice(np.array(["allocated", "granted", None], dtype=object), count),
            "inspected_vacant": rng.choice(np.array([True, False, None], dtype=object), count),
            "registered_area_m2": rng.uniform(300.0, 900.0, count),
            "built_share": rng.uniform(0.0, 1.0, count),
            "invested_share": rng.uniform(0.0, 1.0, count),
        },
        geometry=rounds(middle, rng.uniform(10.0, 16.0, (count, 8))),
        index=pd.Index([f"P{n:08d}" for n in number], name="parcel_id"),
        crs=CRS,
    )


def make_covers(extent: float, rng: Any) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Zones and control lines over a square of this side in m."""
    columns = int(np.ceil(np.sqrt(ZONES)))
    at = np.stack([np.arange(ZONES) % columns, np.arange(ZONES) // columns], axis=1)
    radius = extent / columns / 2.0 * rng.uniform(0.75, 0.98, (ZONES, 120))
    zones = gpd.GeoDataFrame(
        geometry=rounds(ORIGIN + (at + 0.5) * extent / columns, radius),
        index=pd.Index([f"Z-{number:04d}" for number in range(ZONES)], name="zone_id"),
        crs=CRS,
    )
    radius = extent / 90.0 * rng.uniform(0.7, 1.3, (LINES, 1)) * rng.uniform(0.95, 1.0, (LINES, 400))
    lines = gpd.GeoDataFrame(
        {
            "kind": rng.choice(
                np.array(["prime_farmland", "ecological_redline", "blue", "subsidence"], dtype=object), LINES
            )
        },
        geometry=rounds(ORIGIN + rng.uniform(0.0, extent, (LINES, 2)), radius),
        index=pd.Index([f"L{number:03d}" for number in range(LINES)], name="control_line_id"),
        crs=CRS,
    )
    return zones, lines


def shapes(layer: gpd.GeoDataFrame) -> Any:
    return np.asarray(layer.geometry.to_numpy(), dtype=object)


def our_shares(parcels: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> Any:
    """Two columns: share under control lines, largest share in one zone."""
    from gis_renovation.overlays import covered_areas, overlap_areas

    own = shapes(parcels)
    size = shapely.area(own)
    pairs = overlap_areas(own, shapes(zones))
    largest = np.zeros(len(own))
    np.maximum.at(largest, pairs.shape, pairs.area_m2)
    return np.column_stack([covered_areas(own, shapes(lines)), largest]) / size[:, None]


def overlay_shares(parcels: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> Any:
    size = parcels.area
    own = parcels[["geometry"]].reset_index()
    red = gpd.GeoDataFrame(geometry=[lines.union_all()], crs=CRS).explode()
    under = gpd.overlay(own, red, keep_geom_type=True)
    inside = gpd.overlay(own, zones.reset_index(), keep_geom_type=True)
    return np.column_stack(
        [
            under.area.groupby(under["parcel_id"]).sum().reindex(size.index, fill_value=0.0) / size,
            inside.area.groupby(inside["parcel_id"]).max().reindex(size.index, fill_value=0.0) / size,
        ]
    )


def same_shares(ours: Any, theirs: Any) -> bool:
    return ours.shape == theirs.shape and float(np.abs(ours - theirs).max(initial=0.0)) < 1e-6


def shares_overlay(size: int) -> Duel:
    """Every parcel's shares, against what a geopandas user writes."""
    land = make_land(size)
    return Duel(lambda: our_shares(*land), lambda: overlay_shares(*land), same_shares)


def cheap_rules_first(size: int) -> Duel:
    """Only state land of the reserve or a public holder, found vacant, is laid over; overlay takes all, then picks."""
    parcels, zones, lines = make_land(size)

    def chosen(frame: gpd.GeoDataFrame) -> Any:
        public = frame["holder_kind"].isin(["government", "none"]) & (frame["ownership"] == "state")
        return (public & (frame["inspected_vacant"] == True)).to_numpy()  # noqa: E712

    return Duel(
        lambda: our_shares(parcels[chosen(parcels)], zones, lines),
        lambda: overlay_shares(parcels, zones, lines)[chosen(parcels)],
        same_shares,
    )


DUCK_QUERY = """
with red as (select unnest(ST_Dump(ST_Union_Agg(geom))).geom as geom from lines),
under as (
  select p.id, sum(
    case when ST_Covers(r.geom, p.geom) then p.size else ST_Area(ST_Intersection(p.geom, r.geom)) end) as a
  from parcels p join red r on ST_Intersects(p.geom, r.geom) group by p.id),
inside as (
  select p.id, max(
    case when ST_Covers(z.geom, p.geom) then p.size else ST_Area(ST_Intersection(p.geom, z.geom)) end) as a
  from parcels p join zones z on ST_Intersects(p.geom, z.geom) group by p.id)
select coalesce(u.a, 0) / p.size as under, coalesce(i.a, 0) / p.size as inside
from parcels p left join under u using (id) left join inside i using (id) order by p.id
"""


def shares_duckdb(size: int) -> Duel | str:
    """Every parcel's shares, against DuckDB spatial on the same cores; loading its tables is not counted."""
    if find_spec("duckdb") is None or find_spec("duckdb_extension_spatial") is None:
        return "duckdb with its spatial extension is not installed"
    import duckdb
    import duckdb_extension_spatial

    land = make_land(size)
    base = duckdb.connect()
    folder = Path(duckdb_extension_spatial.__file__).parent / "extensions"
    base.execute(f"load '{next(folder.rglob('spatial.duckdb_extension'))}'; set threads = 2;")
    for name, layer in zip(("parcels", "zones", "lines"), land, strict=True):
        raw = pd.DataFrame({"id": np.arange(len(layer)), "wkb": shapely.to_wkb(shapes(layer))})  # noqa: F841
        base.execute(
            f"create table {name} as select id, geom, ST_Area(geom) as size "
            "from (select id, ST_GeomFromWKB(wkb) as geom from raw)"
        )

    def peer() -> Any:
        return np.column_stack(list(base.execute(DUCK_QUERY).fetchnumpy().values()))

    return Duel(lambda: our_shares(*land), peer, same_shares)


def ledger(size: int, *, rules: int) -> Duel:
    """The ledger of the first rules of the pack, and the list drawn from it."""
    from gis_renovation.land import assess_parcels, screen_parcels
    from gis_renovation.rule_packs import rules_in_force

    parcels, zones, lines = make_land(size)
    communities = zones.rename_axis("community_id")
    chosen = tuple(rule for rule in rules_in_force() if rule.layer == "parcels")[:rules]

    def ours() -> Any:
        found = assess_parcels(parcels, communities, lines, None, rules=chosen, as_of=AS_OF, reading=READING)
        return screen_parcels(parcels, found, communities)

    return Duel(ours, None, None)


def province(size: int) -> Duel | str:
    """Twelve rules in two worker processes over parts on disk, partitioning included; two parts are checked.

    The check judges a part's parcels in one piece, with all communities and control lines there are.
    """
    if find_spec("dask_geopandas") is None:
        return "dask-geopandas is not installed"
    from gis_renovation.land import assess_parcels, screen_parcels
    from gis_renovation.rule_packs import rules_in_force
    from gis_renovation.run import assess_partitions, partition_parcels

    warnings.filterwarnings("ignore", "The inplace keyword in GeoDataFrame", DeprecationWarning)
    chosen = tuple(rule for rule in rules_in_force() if rule.layer == "parcels")[:12]
    options: dict[str, Any] = {"rules": chosen, "as_of": AS_OF, "reading": READING}
    rng, side = np.random.default_rng(3), int(np.ceil(np.sqrt(size)))
    zones, lines = make_covers(side * CELL_M, rng)
    communities = zones.rename_axis("community_id")
    held = tempfile.TemporaryDirectory()
    folder = Path(held.name) / "province"

    def ours() -> Path:
        chunks = (make_parcels(np.arange(at, min(at + CHUNK, size)), side, rng) for at in range(0, size, CHUNK))
        partition_parcels(chunks, folder, communities=communities, control_lines=lines)
        return assess_partitions(folder, workers=2, keep_ledger=False, **options)

    def equal(result: Path, _: Any) -> bool:
        names = sorted(path.name for path in (folder / "parcels").iterdir())
        if sorted(path.name for path in (result / "idle_parcels").iterdir()) != names:
            return False
        for name in (names[0], names[len(names) // 2]):
            part = gpd.read_parquet(folder / "parcels" / name).drop(columns="part_number")
            ledger = assess_parcels(part, communities, lines, None, **options)
            expected = screen_parcels(part, ledger, communities)
            found = gpd.read_parquet(result / "idle_parcels" / name)
            pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected), rtol=1e-9, atol=1e-6)
        held.cleanup()
        return True

    return Duel(ours, None, equal)


# --- rasters --------------------------------------------------------------------------------------

GRID, FEATURES = 8_000, 6_400


def make_raster(seed: int = 5) -> tuple[Any, Any, gpd.GeoDataFrame]:
    """A grid of 8,000 x 8,000 pixels of 10 m in single precision, and 6,400 polygons over much of it."""
    from affine import Affine

    rng = np.random.default_rng(seed)
    values = rng.random((GRID, GRID), dtype=np.float32)
    transform = Affine(10.0, 0.0, 0.0, 0.0, -10.0, GRID * 10.0)
    columns = 80
    at = np.stack([np.arange(FEATURES) % columns, np.arange(FEATURES) // columns], axis=1)
    radius = rng.uniform(200.0, 480.0, (FEATURES, 24))
    places = gpd.GeoDataFrame(geometry=rounds((at + 0.5) * 1_000.0, radius), crs=CRS)
    return values, transform, places


def zonal(_size: int, *, later: bool) -> Duel | str:
    """Weighted mean and weight of every polygon; the first raster of a grid, or a later one with known weights."""
    if find_spec("exactextract") is None:
        return "exactextract is not installed"
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    from gis_renovation.rasters import grid_coverage, zonal_sums

    values, transform, places = make_raster()
    source = NumPyRasterSource(
        values, xmin=0.0, ymin=0.0, xmax=GRID * 10.0, ymax=GRID * 10.0, srs_wkt=places.crs.to_wkt()
    )
    known = grid_coverage(shapes(places), transform=transform, height=GRID, width=GRID) if later else None

    def ours() -> Any:
        coverage = known or grid_coverage(shapes(places), transform=transform, height=GRID, width=GRID)
        total, weight = zonal_sums(coverage, values)
        return np.column_stack([total / weight, weight])

    def peer() -> Any:
        return exact_extract(source, places, ["mean", "count"], output="pandas")[["mean", "count"]].to_numpy()

    def equal(one: Any, other: Any) -> bool:
        return bool(np.abs(one[:, 0] - other[:, 0]).max() < 1e-6 and np.abs(one[:, 1] / other[:, 1] - 1.0).max() < 1e-6)

    return Duel(ours, peer, equal)


CASES = (
    Case("shares-overlay", "geopandas.overlay", shares_overlay, (">=", 5.0), largest=1_000_000, repeats=3),
    Case("shares-duckdb", "DuckDB spatial 2 threads", shares_duckdb, (">=", 1.2), largest=1_000_000, repeats=5),
    Case(
        "cheap-rules-first",
        "geopandas.overlay of all",
        cheap_rules_first,
        {1_000_000: (">=", 20.0)},
        largest=1_000_000,
        repeats=3,
    ),
    Case("ledger-12-rules", "", partial(ledger, rules=12), {100_000: ("s<=", 10.0)}, largest=100_000, repeats=3),
    Case("ledger-all-rules", "", partial(ledger, rules=99), largest=100_000, repeats=3),
    Case("province", "", province, {5_000_000: ("mb<=", 4096)}, repeats=1, workers=True),
    Case("zonal-first", "exactextract", partial(zonal, later=False), ("<=", 1.2), repeats=3, sized=False),
    Case("zonal-later", "exactextract", partial(zonal, later=True), ("<=", 0.2), repeats=3, sized=False),
)

if __name__ == "__main__":
    sys.exit(main(CASES, sizes=(100_000, 1_000_000, 5_000_000), file=__file__))
