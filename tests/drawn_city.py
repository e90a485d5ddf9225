"""A small drawn city for the tests of maps: every shape a rectangle or a straight line, in EPSG:4548."""

from __future__ import annotations

import dataclasses
from datetime import date

import geopandas as gpd
import pandas as pd
from shapely.geometry import LineString, Point, box

CRS = "EPSG:4548"
X0, Y0 = 500_000.0, 3_613_000.0

NAMES = ["龙湖新村", "淮滨小区", "田东一村", "学院南路小区", "广场北里", "朝阳新村", "泉山小区", "舜耕家园", "洞山西苑"]


def frame(rows, key, geometry=None):
    table = pd.DataFrame(rows).set_index(key)
    return gpd.GeoDataFrame(table, geometry=geometry, crs=CRS) if geometry is not None else table


def communities():
    """Nine blocks of 180 x 120 m on a 3 x 3 grid, 40 m apart; the last has unknown households."""
    rows, shapes = [], []
    for at, name in enumerate(NAMES):
        x, y = X0 + (at % 3) * 220, Y0 + (at // 3) * 160
        shapes.append(box(x, y, x + 180, y + 120))
        rows.append(
            {
                "community_id": f"C{at + 1}",
                "name": name,
                "unit_code": "340403",
                "year_built": 1985 + at,
                "households": None if at == 8 else 300 + 50 * at,
                "floor_area_m2": 25_000.0 + 1000 * at,
                "plan_batch": ["main", "supplement", None][at % 3],
            }
        )
    made = frame(rows, "community_id", shapes)
    made["households"] = made["households"].astype("Int64")
    return made


def community_links(places):
    """One joined, one cut by the river, one rejoined by a footbridge."""
    centre = places.geometry.centroid
    rows = [
        ("C1~C2", "C1", "C2", 40.0, "joined", None, None, "间距 40 m，直接相邻"),
        ("C1~C4", "C1", "C4", 40.0, "cut", "B1", None, "被河流 B1 隔断"),
        ("C2~C5", "C2", "C5", 40.0, "rejoined", "B1", "X1", "被河流 B1 隔断，经人行天桥 X1 连通"),
    ]
    columns = ["link_id", "focal", "neighbor", "gap_m", "status", "barrier_id", "crossing_id", "reason_zh"]
    table = [dict(zip(columns, row, strict=True)) | {"reason_en": row[4]} for row in rows]
    return frame(table, "link_id", [LineString([centre[row[1]], centre[row[2]]]) for row in rows])


def layers():
    """The whole drawing: inputs and results by layer name."""
    places = communities()
    south, north = places.iloc[:3].union_all().convex_hull, places.iloc[3:].union_all().convex_hull
    return {
        "communities": places,
        "barriers": frame(
            [
                {"barrier_id": "B1", "kind": "river", "name": "东淝河", "grade": 1},
                {"barrier_id": "B2", "kind": "railway", "name": "阜淮铁路", "grade": 1},
            ],
            "barrier_id",
            [box(X0 - 300, Y0 + 126, X0 + 900, Y0 + 154), LineString([(X0 - 300, Y0 - 60), (X0 + 900, Y0 - 60)])],
        ),
        "crossings": frame(
            [{"crossing_id": "X1", "kind": "footbridge", "name": "淮滨天桥", "barrier_id": "B1"}],
            "crossing_id",
            [Point(X0 + 310, Y0 + 140)],
        ),
        "community_links": community_links(places),
        "zones": frame(
            [
                {"zone_id": "Z-C1", "name": "龙湖片区", "community_count": 3, "households": 1050, "why_zh": "三个小区相连"},
                {"zone_id": "Z-C4", "name": "泉山片区", "community_count": 6, "households": None, "why_zh": "六个小区相连"},
            ],
            "zone_id",
            [south, north],
        ),
        "zone_members": frame(
            [{"community_id": f"C{n}", "zone_id": "Z-C1" if n < 4 else "Z-C4"} for n in range(1, 10)], "community_id"
        ),
        "idle_parcels": frame(
            [
                {"parcel_id": "P1", "verdict": "candidate", "reason_zh": "国有划拨，现场核查空闲，不涉及控制线"},
                {"parcel_id": "P2", "verdict": "excluded", "reason_zh": "位于河道蓝线内，排除"},
                {"parcel_id": "P3", "verdict": "unknown", "reason_zh": "土地权属未知，需补充资料"},
            ],
            "parcel_id",
            [box(X0 + x, Y0 + 20, X0 + x + 60, Y0 + 80) for x in (-120, 660, 740)],
        ),
        "parcel_ledger": pd.DataFrame(
            [
                {"parcel_id": "P1", "rule_id": "R-OWN", "verdict": "yes", "value": "state"},
                {"parcel_id": "P1", "rule_id": "R-BLUE", "verdict": "yes", "value": "0"},
                {"parcel_id": "P3", "rule_id": "R-OWN", "verdict": "unknown", "value": None},
            ]
        ),
        "parks": frame([{"park_id": "K1", "name": "舜耕公园", "kind": "community", "public": True}], "park_id", [box(X0 - 260, Y0 + 200, X0 - 60, Y0 + 420)]),
        "slow_paths": frame([{"path_id": "S1", "name": "滨河绿道", "kind": "greenway", "width_m": 3.5}], "path_id", [LineString([(X0 - 280, Y0 + 122), (X0 + 880, Y0 + 122)])]),
        "streets": frame(
            [{"street_id": "T1", "name": "朝阳路", "class": "arterial"}, {"street_id": "T2", "name": "广场路", "class": "branch"}],
            "street_id",
            [LineString([(X0 - 300, Y0 - 20), (X0 + 900, Y0 - 20)]), LineString([(X0 + 200, Y0 - 100), (X0 + 200, Y0 + 600)])],
        ),
        "facilities": frame([{"facility_id": "F1", "name": "龙湖社区服务站", "kind": "service_station"}], "facility_id", [Point(X0 + 90, Y0 + 60)]),
        "reporting_units": frame([{"unit_code": "340403", "name": "田家庵区", "level": "county"}], "unit_code", [box(X0 - 400, Y0 - 200, X0 + 1000, Y0 + 700)]),
        "projects": frame([{"project_id": "J1", "name": "龙湖片区改造", "unit_code": "340403"}], "project_id"),
        "project_communities": pd.DataFrame({"project_id": ["J1", "J1"], "community_id": ["C1", "C2"]}),
        "works_records": pd.DataFrame(
            {"project_id": ["J1"] * 3, "recorded_on": [date(2024, 7, 31), date(2024, 8, 31), date(2024, 9, 30)], "state": ["approved", "tendered", "started"]}
        ),
        "community_progress": frame([{"community_id": f"C{n}", "state": "started" if n < 3 else None, "progress_share": 0.45 if n < 3 else None} for n in range(1, 10)], "community_id"),
    }  # fmt: skip


# Strings that broke or hijacked map pages elsewhere: markup, attributes, templates of the browser and
# of the page builder, ends of elements, direction marks, formulas, and things no encoder expects.
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><svg onload=alert(1)>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "`${alert(1)}`",
    "${alert(1)}",
    "{{ 7 * 7 }}{% raw %}",
    "{{ this.__class__ }}",
    "<!-- <script> -->",
    "]]><a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "&lt;b&gt;&#x3C;img src=x onerror=alert(1)&#x3E;",
    "\\u003cimg src=x onerror=alert(1)\\u003e",
    "长" * 3000,
    "\u202e右到左\u202c abc",
    "👨‍👩‍👧‍👦小区\u0000\u0007",
    '=HYPERLINK("http://evil.example","x")',
    "line\u2028break\u2029\r\n<b>x</b>",
]


def hostile_layers(text):
    """The drawing with ``text`` in every string column of every layer, in ids, codes and column names."""
    made = {}
    for name, table in layers().items():
        changed = table.copy()
        # A code outside the schema's list never reaches a map, and the months are computed from codes.
        if name == "works_records":
            made[name] = changed
            continue
        for column in changed.columns:
            if column != "geometry" and changed[column].dtype.kind not in "ifb" and column not in _JOINED:
                changed[column] = [text] * len(changed)
        made[name] = changed
    made["communities"]["备注" + text] = text
    made[text] = gpd.GeoDataFrame(
        {"name": [text]}, geometry=[Point(X0, Y0)], crs=CRS, index=pd.Index([text], name=text)
    )
    return made


_JOINED = ("community_id", "project_id", "parcel_id")


def two_counties():
    """The drawing with a second county over its right column: C3, C6 and C9 say so, the rest stay."""
    made = layers()
    edge = X0 + 420
    made["reporting_units"] = gpd.GeoDataFrame(
        {"name": ["大通区", "田家庵区"], "level": "county"},
        geometry=[box(edge, Y0 - 200, X0 + 1000, Y0 + 700), box(X0 - 400, Y0 - 200, edge, Y0 + 700)],
        crs=CRS,
        index=pd.Index(["340402", "340403"], name="unit_code"),
    )
    made["communities"].loc[["C3", "C6", "C9"], "unit_code"] = "340402"
    made["unit_progress"] = made["reporting_units"].assign(
        completed_share=[0.75, None], started_share=[1.0, 0.1], completed_households_share=[0.2, 0.5]
    )
    return made


def publish_city(made, profile, target, **told):
    """Publish the drawn city: ``told`` are facts of its origin, of the occasion, or arguments of publishing."""
    from gis_renovation.publish.publish import Occasion, Origin, publish_profile

    origin, occasion = (
        {field.name: told.pop(field.name) for field in dataclasses.fields(record) if field.name in told}
        for record in (Origin, Occasion)
    )
    whose = {"project_name": "示意市", "as_of": date(2024, 9, 30)} | origin
    return publish_profile(made, profile, target, Origin(**whose), occasion=Occasion(**occasion), **told)
