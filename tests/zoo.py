"""Nasty files, written by the tests: each driver, encoding and fault that bureaus' deliveries show."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import fiona
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
import xlsxwriter
from shapely.geometry import box

# Three communities of 100 m x 80 m in a row, 20 m apart, near the middle of Huainan (EPSG:4548).
LEFT, BOTTOM = 500_000.0, 3_613_000.0
NAMES = ("朝阳一村", "八公山小区", "寿县老城厢社区")


def communities(count: int = 3) -> gpd.GeoDataFrame:
    """Communities in EPSG:4548 with columns as a bureau names them."""
    shapes = [box(LEFT + 120 * n, BOTTOM, LEFT + 120 * n + 100, BOTTOM + 80) for n in range(count)]
    return gpd.GeoDataFrame(
        {
            "编号": [f"C{n + 1}" for n in range(count)],
            "名称": [NAMES[n % 3] for n in range(count)],
            "户数": np.array([100 + 10 * n for n in range(count)], dtype="int32"),
            "总面积": [8000.5 + n for n in range(count)],
        },
        geometry=shapes,
        crs="EPSG:4548",
    )


def write_card(folder: Path, path: str, *, layer: str = "communities", extra: str = "", source: str = "") -> Path:
    """A card with the bureau's columns."""
    card = folder / f"{layer}.toml"
    card.write_text(
        f'[source]\npath = "{path}"\n{source}\n[columns]\ncommunity_id = "编号"\nname = "名称"\n'
        f'households = "户数"\nfloor_area_m2 = "总面积"\n{extra}\n',
        encoding="utf-8",
    )
    return card


def shapefile(folder: Path, frame: gpd.GeoDataFrame | None = None, *, encoding: str = "GBK", cpg: bool = False) -> Path:
    """A Shapefile whose text is in ``encoding``; without ``.cpg`` and with an empty language byte unless asked."""
    path = folder / "小区.shp"
    pyogrio.write_dataframe(communities() if frame is None else frame, path, encoding=encoding)
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = 0
    path.with_suffix(".dbf").write_bytes(bytes(table))
    if not cpg:
        path.with_suffix(".cpg").unlink(missing_ok=True)
    return path


def put_bytes(path: Path, row: int, field: int, value: bytes) -> None:
    """Overwrite one DBF cell (row from 1, field from 0) with raw bytes, padded or cut to its width."""
    data = bytearray(path.read_bytes())
    header, width = struct.unpack("<HH", data[8:12])
    offset = 1
    for number in range(field):
        offset += data[32 + 32 * number + 16]
    size = data[32 + 32 * field + 16]
    start = header + (row - 1) * width + offset
    data[start : start + size] = value[:size].ljust(size)
    path.write_bytes(bytes(data))


def zip_of(path: Path, members: dict[str, bytes | Path]) -> Path:
    """A zip archive with the given members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content.read_bytes() if isinstance(content, Path) else content)
    return path


def zipped_shapefile(folder: Path, source: Path) -> Path:
    """All side files of a Shapefile in one zip."""
    return zip_of(folder / "小区.zip", {p.name: p for p in sorted(source.parent.glob(f"{source.stem}.*"))})


def two_point_ring(folder: Path) -> Path:
    """A GeoPackage whose second feature's ring has two different points only, which GEOS refuses to build."""
    frame = communities()
    good = shapely.to_wkb(frame.geometry.to_numpy())
    bad = struct.pack("<BII", 1, 3, 1) + struct.pack("<I", 2) + struct.pack("<4d", LEFT, BOTTOM, LEFT + 1, BOTTOM)
    path = folder / "broken.gpkg"
    pyogrio.raw.write(
        path,
        np.array([good[0], bad, good[2]], dtype=object),
        field_data=[frame[name].to_numpy(dtype=object) for name in ("编号", "名称")],
        fields=["编号", "名称"],
        layer="communities",
        driver="GPKG",
        crs="EPSG:4548",
        geometry_type="Polygon",
    )
    return path


def ledger(path: Path) -> Path:
    """A workbook as offices send it: title, unit line, merged two-row header, group column, totals, footer."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("田家庵区")
    sheet.merge_range(0, 0, 0, 6, "2024年城镇老旧小区改造计划表")
    sheet.write(1, 5, "单位：万平方米、户")
    for column, name in enumerate(("序号", "街道", "小区名称", "建成年代")):
        sheet.merge_range(2, column, 3, column, name)
    sheet.merge_range(2, 4, 2, 5, "改造规模")
    sheet.write(3, 4, "建筑面积（万平方米）")
    sheet.write(3, 5, "户数（户）")
    sheet.merge_range(2, 6, 3, 6, "备注")
    rows = [
        (1, "朝阳街道", "朝阳一村", "80-90年代", 1.2, "１２０", ""),
        (2, "", "朝阳二村", "2000年前", "约0.8", "约95", "含楼梯间"),
        ("", "", "小计", "", 2.0, 215, ""),
        (3, "洞山街道", "八公山小区", "1998", "1.5万㎡", "1,030", "=1+1"),
        ("合计", "", "", "", 3.5, 1245, ""),
    ]
    for number, row in enumerate(rows, start=4):
        for column, value in enumerate(row):
            if value != "":
                sheet.write_string(number, column, value) if isinstance(value, str) else sheet.write(
                    number, column, value
                )
    sheet.merge_range(4, 1, 5, 1, "朝阳街道")
    sheet.write(9, 0, "填报人：张三  电话：13800000000")
    hidden = book.add_worksheet("旧表")
    hidden.write(0, 0, "x")
    hidden.hide()
    book.close()
    return path


def as_office_saves(workbook: Path, suffix: str) -> Path | None:
    """A workbook saved in another format by LibreOffice; None where that is not installed."""
    office = shutil.which("soffice")
    if office is None:
        return None
    home = workbook.parent / "office"
    command = [office, f"-env:UserInstallation={home.as_uri()}", "--headless", "--convert-to", suffix.lstrip(".")]
    subprocess.run([*command, "--outdir", workbook.parent, workbook], check=True, capture_output=True, timeout=120)
    return workbook.with_suffix(suffix)


def ods_ledger(path: Path) -> Path:
    """A sheet of OpenDocument with a title, a two-row header and a street over two rows, all of them merged cells."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.2"']
    names = {"office": "office", "table": "table", "text": "text"}
    parts += [f' xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{value}:1.0"' for key, value in names.items()]
    parts.append('><office:body><office:spreadsheet><table:table table:name="台账">')

    def cell(value: str | float, *, rows: int = 1, columns: int = 1) -> str:
        span = (
            f' table:number-rows-spanned="{rows}" table:number-columns-spanned="{columns}"'
            if rows * columns > 1
            else ""
        )
        kind = f'float" office:value="{value}' if isinstance(value, float) else "string"
        return (
            f'<table:table-cell office:value-type="{kind}"{span}><text:p>{value}</text:p></table:table-cell>'
            + "<table:covered-table-cell/>" * (columns - 1)
        )

    covered = "<table:covered-table-cell/>"
    repeated = '<table:table-cell table:number-columns-repeated="3"/>'
    for row in (
        [cell("2024年改造计划表", columns=5)],
        [cell("小区编号", rows=2), cell("街道", rows=2), cell("小区名称", rows=2), cell("改造规模", columns=2)],
        [covered * 3, cell("建筑面积（万平方米）"), cell("户数（户）")],
        [cell("C1"), cell("朝阳街道", rows=2), cell("朝阳一村"), cell(1.2), cell("１２０")],
        [cell("C2"), covered, cell("朝阳二村"), cell("约0.8"), cell("约95")],
        [cell("合计"), repeated.replace("3", "2"), cell(2.0), cell(215.0)],
    ):
        parts.append(f"<table:table-row>{''.join(row)}</table:table-row>")
    parts.append("</table:table></office:spreadsheet></office:body></office:document-content>")
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    members = {"mimetype": kind, "content.xml": "".join(parts), "META-INF/manifest.xml": manifest}
    return zip_of(path, {name: text.encode() for name, text in members.items()})


def survey_txt(path: Path, *, encoding: str = "gb18030", zone: bool = True) -> Path:
    """Boundary points: X = northing, Y = easting with zone number; the ring repeats its first point."""
    east = LEFT + (39_000_000 if zone else 0)
    corners = [(BOTTOM, east), (BOTTOM, east + 100), (BOTTOM + 80, east + 100), (BOTTOM + 80, east), (BOTTOM, east)]
    hole = [(BOTTOM + 10, east + 10), (BOTTOM + 20, east + 10), (BOTTOM + 20, east + 20), (BOTTOM + 10, east + 10)]
    lines = [
        "[属性描述]",
        "格式版本号=1.01版本",
        "坐标系=2000国家大地坐标系",
        "几度分带=3",
        "投影类型=高斯克吕格",
        "带号=39",
        "计量单位=米",
        "[地块坐标]",
    ]
    lines.append("9,0.795,1,朝阳一村,面,,住宅,@")
    lines += [f"J{n % 4 + 1},1,{x:.3f},{y:.3f}" for n, (x, y) in enumerate(corners)]
    lines += [f"J{n % 3 + 5},2,{x:.3f},{y:.3f}" for n, (x, y) in enumerate(hole)]
    lines += ["3,0,2,坏地块,面,,,@", f"J1,1,{BOTTOM},{east}", f"J2,1,{BOTTOM + 1},{east}"]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def drawing(folder: Path) -> Path:
    """A DXF whose layer names carry the meaning: one closed outline, one open by 3 cm, one street line."""
    square = [(LEFT, BOTTOM), (LEFT + 100, BOTTOM), (LEFT + 100, BOTTOM + 80), (LEFT, BOTTOM + 80)]
    lines = [
        shapely.LineString([*square, square[0]]),
        shapely.LineString([*((x + 120, y) for x, y in square), (LEFT + 120, BOTTOM + 0.03)]),
        shapely.LineString([(LEFT, BOTTOM - 10), (LEFT + 300, BOTTOM - 10)]),
    ]
    frame = gpd.GeoDataFrame({"Layer": ["JMD", "JMD", "DLSS"]}, geometry=lines, crs="EPSG:4548")
    path = folder / "map.dxf"
    pyogrio.write_dataframe(frame, path, driver="DXF")
    return path


def mapinfo(path: Path, *, charset: str = "WindowsSimpChinese") -> Path:
    """A MIF/MID pair with GBK text, as MapInfo on Chinese Windows writes it (degrees, WGS-84)."""
    frame = communities().to_crs(4326)
    head = ["Version 300", f'Charset "{charset}"', 'Delimiter ","', "CoordSys Earth Projection 1, 104", "Columns 4"]
    head += ["  编号 Char(10)", "  名称 Char(40)", "  户数 Integer", "  总面积 Float", "Data"]
    for shape in frame.geometry:
        ring = shapely.get_coordinates(shape)
        head += ["Region 1", f"  {len(ring)}", *(f"{x!r} {y!r}" for x, y in ring.tolist())]
    rows = [f'"{r[0]}","{r[1]}",{r[2]},{r[3]}' for r in frame.drop(columns="geometry").itertuples(index=False)]
    path.write_bytes("\r\n".join([*head, ""]).encode("gbk"))
    path.with_suffix(".mid").write_bytes("\r\n".join([*rows, ""]).encode("gbk"))
    return path


def table_of(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Attributes and the centre as X (northing) and Y (easting), as survey tables call them."""
    table = pd.DataFrame(frame.drop(columns="geometry"))
    table["X"], table["Y"] = frame.geometry.centroid.y, frame.geometry.centroid.x
    return table


_DOMAIN = """<typens:GPCodedValueDomain2 xmlns:typens="http://www.esri.com/schemas/ArcGIS/10.3"
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"
xsi:type="typens:GPCodedValueDomain2"><DomainName>{name}</DomainName><FieldType>esriFieldTypeString</FieldType>
<MergePolicy>esriMPTDefaultValue</MergePolicy><SplitPolicy>esriSPTDefaultValue</SplitPolicy><Description/><Owner/>
<CodedValues xsi:type="typens:ArrayOfCodedValue">{values}</CodedValues></typens:GPCodedValueDomain2>"""


def geodatabase(
    folder: Path, frame: gpd.GeoDataFrame, aliases: dict[str, tuple[str, str]], domains: dict[str, dict[str, str]]
) -> Path:
    """A FileGDB whose text columns have an alias and a coded domain, as ArcGIS makes them.

    No driver here writes them, so the field's own entry in the table of items is changed byte for byte
    (a redundant declaration makes the room), and the domains are added as items.
    """
    path = folder / "数据.gdb"
    pyogrio.write_dataframe(frame, path, layer="ZD", driver="OpenFileGDB")
    for name, values in domains.items():
        coded = "".join(
            f"<CodedValue><Name>{text}</Name><Code>{code}</Code></CodedValue>" for code, text in values.items()
        )
        row = {
            "UUID": f"{{00000000-0000-0000-0000-{len(name):012d}}}",
            "Type": "{8C368B12-A12E-4C7E-9638-C9C64E69E98F}",
            "Name": name,
            "PhysicalName": name.upper(),
            "Definition": _DOMAIN.format(name=name, values=coded),
        }
        with fiona.open(path, "a", layer="GDB_Items", LIST_ALL_TABLES="YES") as items:
            unknown = dict.fromkeys(items.schema["properties"])
            items.write({"type": "Feature", "geometry": None, "properties": unknown | row})
    declared = ' xmlns:typens="http://www.esri.com/schemas/ArcGIS/10.3"'
    table = path / "a00000004.gdbtable"
    data = table.read_bytes()
    for name, (alias, domain) in aliases.items():
        start = data.index(f"<Name>{name}</Name>".encode())
        end = data.index(b"</GPFieldInfoEx>", start)
        entry = data[start:end].decode().replace(declared, "")
        entry += f"<AliasName>{alias}</AliasName>" + (f"<DomainName>{domain}</DomainName>" if domain else "")
        for spare in ("<Precision>0</Precision>", "<Scale>0</Scale>", "<IsNullable>true</IsNullable>"):
            if len(entry.encode()) > end - start:
                entry = entry.replace(spare, "")
        data = data[:start] + entry.encode().ljust(end - start) + data[end:]
    table.write_bytes(data)
    return path


def locked_workbook(path: Path) -> Path:
    """The outside of a password-protected workbook: an OLE container holding only an encrypted stream."""
    sector = 512
    entry_names = ("Root Entry", "EncryptedPackage", "EncryptionInfo")
    header = bytearray(sector)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", header, 44, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    for number in range(1, 109):
        struct.pack_into("<I", header, 76 + 4 * number, 0xFFFFFFFF)
    table = bytearray(b"\xff" * sector)
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 10), 0xFFFFFFFE, *range(11, 18), 0xFFFFFFFE]
    struct.pack_into(f"<{len(chain)}I", table, 0, *chain)
    directory = bytearray()
    for number, name in enumerate(entry_names):
        entry = bytearray(128)
        text = name.encode("utf-16-le") + b"\0\0"
        entry[: len(text)] = text
        struct.pack_into("<HBB", entry, 64, len(text), 5 if number == 0 else 2, 1)
        left, right, child = 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF
        if number == 0:
            child = 1
        if number == 1:
            right = 2
        struct.pack_into("<III", entry, 68, left, right, child)
        start = (0xFFFFFFFE, 2, 10)[number]
        struct.pack_into("<IQ", entry, 116, start, 0 if number == 0 else 4096)
        directory += entry
    directory += bytearray(sector - len(directory))
    path.write_bytes(bytes(header + table + directory) + b"\x07" * (sector * 16))
    return path
