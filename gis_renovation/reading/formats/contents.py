"""What a file is by its first bytes, whatever it is called, and what to do with it.

Offices rename files, portals send a page instead of the data, drives leave copies that are nothing but zeros. A
driver calls all of these damaged; people need to hear what it is.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

from gis_renovation.reading.formats.compound import MAGIC, streams_of
from gis_renovation.reading.formats.dbf import bytes_at
from gis_renovation.words import NO_TEXT, Text

SHEET_SUFFIXES = (".xlsx", ".xls", ".et", ".xlsm", ".ods")
PARQUET_SUFFIXES = (".parquet", ".geoparquet")
JSON_SUFFIXES = (".geojson", ".json", ".geojsonl", ".geojsons")
XML_SUFFIXES = (".kml", ".gml", ".gpx")
TEXT_SUFFIXES = (".csv", ".txt")
_ARCHIVES = (".zip", ".kmz")


class Content(NamedTuple):
    """What a file holds, what to do about it, and the suffixes that it rightly has."""

    name: Text
    advice: Text
    suffixes: tuple[str, ...] = ()


def _renamed(zh: str, en: str, *suffixes: str) -> Content:
    """A kind that is read: under another name it only has to be called what it is."""
    advice = Text(
        f"请把扩展名改为 {suffixes[0]}，来源卡的 path 一并改。",
        f"Call it {suffixes[0]}, in the card's path too.",
    )
    return Content(Text(zh, en), advice, suffixes)


_PICTURE = Text("图片不是数据；影像、地形请用 GeoTIFF。", "A picture is not data; for images and terrain use GeoTIFF.")
_UNPACK = Text("请先解压。", "Unpack it first.")
_AS_SHEET = Text("请把其中的表格另存为 xlsx。", "Save the table in it as xlsx.")
_PDF = Text("PDF 不是数据，请索取原始文件。", "A PDF is not data; ask for the original file.")
_DWG = Text("请在 CAD 中另存为 DXF。", "Save it as DXF in the CAD program.")
_MAPGIS = Text("MapGIS 格式无法读取，请转为 Shapefile。", "MapGIS files cannot be read; export to Shapefile.")
_TILES = Text(
    "瓦片已切碎、简化，不能用于量算，请索取原始图层。", "Tiles are cut and simplified; ask for the layer itself."
)
_ORIGINAL = Text("请索取数据文件本身。", "Ask for the data file itself.")
_AGAIN = Text("请重新下载或复制。", "Download or copy it again.")
_DECRYPT = Text(
    "请在装有该软件的电脑上解密（或另存）后再用。", "Decrypt it on a computer with that software, or save a copy there."
)
_AS_XLSX = Text("请在表格软件中另存为 xlsx。", "Save it as xlsx in a spreadsheet.")

ADVICE = {
    ".dwg": _DWG,
    ".wt": _MAPGIS,
    ".wl": _MAPGIS,
    ".wp": _MAPGIS,
    ".rar": _UNPACK,
    ".7z": _UNPACK,
    ".gz": _UNPACK,
    ".tar": _UNPACK,
    ".doc": _AS_SHEET,
    ".docx": _AS_SHEET,
    ".wps": _AS_SHEET,
    ".xlsb": _AS_XLSX,
    ".pmtiles": _TILES,
    ".mbtiles": _TILES,
    ".png": _PICTURE,
    ".jpg": _PICTURE,
    ".jpeg": _PICTURE,
    ".gif": _PICTURE,
    ".bmp": _PICTURE,
    ".webp": _PICTURE,
    ".pdf": _PDF,
}

# Beginnings that no file of another kind has; letters alone may begin a table (BM, MZ), so more than these is asked.
_STARTS = (
    (rb"%PDF", Content(Text("PDF 文档", "a PDF document"), _PDF)),
    (rb"\x89PNG", Content(Text("PNG 图片", "a PNG picture"), _PICTURE)),
    (rb"\xff\xd8\xff", Content(Text("JPEG 图片", "a JPEG picture"), _PICTURE)),
    (rb"GIF8[79]a", Content(Text("GIF 图片", "a GIF picture"), _PICTURE)),
    (rb"BM.{4}\0{4}", Content(Text("BMP 图片", "a BMP picture"), _PICTURE)),
    (rb"RIFF.{4}WEBP", Content(Text("WebP 图片", "a WebP picture"), _PICTURE)),
    (rb"8BPS", Content(Text("Photoshop 图片", "a Photoshop picture"), _PICTURE)),
    (rb".{4}ftyp(?:heic|heix|mif1)", Content(Text("HEIC 照片", "a HEIC photo"), _PICTURE)),
    (rb".{4}ftyp", Content(Text("视频", "a video"), _ORIGINAL)),
    (rb"RIFF.{4}(?:AVI |WAVE)", Content(Text("音像文件", "sound or video"), _ORIGINAL)),
    (rb"Rar!", Content(Text("RAR 压缩包", "a RAR archive"), _UNPACK)),
    (rb"7z\xbc\xaf", Content(Text("7z 压缩包", "a 7z archive"), _UNPACK)),
    (rb"\x1f\x8b\x08", Content(Text("gzip 压缩包", "a gzip archive"), _UNPACK)),
    (rb"BZh[1-9]1AY", Content(Text("bzip2 压缩包", "a bzip2 archive"), _UNPACK)),
    (rb"\xfd7zXZ\0", Content(Text("xz 压缩包", "an xz archive"), _UNPACK)),
    (rb".{257}ustar", Content(Text("tar 归档", "a tar archive"), _UNPACK)),
    (rb"AC10\d\d\0", Content(Text("AutoCAD DWG 图形", "an AutoCAD drawing (DWG)"), _DWG)),
    (rb"WMAP`D2", Content(Text("MapGIS 文件", "a MapGIS file"), _MAPGIS)),
    (rb"PMTiles", Content(Text("PMTiles 瓦片", "tiles (PMTiles)"), _TILES)),
    (rb"\{\\rtf", Content(Text("RTF 文档", "an RTF document"), _AS_SHEET)),
    (rb"MIME-Version:", Content(Text("单个文件的网页（MHT）", "a web archive (MHT)"), _AS_SHEET)),
    (rb"MZ.{0,300}\0\0", Content(Text("Windows 程序", "a Windows program"), _ORIGINAL)),
    (rb"L\0\0\0\x01\x14\x02\0", Content(Text("快捷方式", "a shortcut"), _ORIGINAL)),
    (rb"\[InternetShortcut\]", Content(Text("网址快捷方式", "a shortcut to a page"), _ORIGINAL)),
    (rb"\0\x05\x16\x07", Content(Text("苹果电脑的附属文件（._ 开头）", "a side file of a Mac (._)"), _ORIGINAL)),
    (rb"version https://git-lfs", Content(Text("Git LFS 指针，不是数据本身", "a pointer of Git LFS"), _ORIGINAL)),
    (rb"(?:%TSD-Header|.{0,16}E-SafeNet)",
     Content(Text("加密软件加了密的文件", "a file locked by encryption software"), _DECRYPT)),
    (rb"SQLite format 3\0", _renamed("SQLite 数据库（如 GeoPackage）", "an SQLite database", ".gpkg", ".sqlite")),
    (rb"PAR1", _renamed("Parquet 文件", "a Parquet file", *PARQUET_SUFFIXES)),
    (rb"fgb\x03fgb", _renamed("FlatGeobuf 文件", "a FlatGeobuf file", ".fgb")),
    (rb"\0\0\x27\x0a", _renamed("Shapefile 主文件", "the main file of a Shapefile", ".shp")),
    (rb"(?:II[*+]\0|MM\0[*+])", _renamed("TIFF 栅格", "a TIFF raster", ".tif", ".tiff")),
    (rb"EHFA_HEADER_TAG", _renamed("ERDAS IMG 栅格", "an ERDAS raster", ".img")),
    (rb"AutoCAD Binary DXF", _renamed("DXF 图形", "a DXF drawing", ".dxf")),
    (rb"(?:\xef\xbb\xbf)?\s*0\r?\n\s*SECTION\b", _renamed("DXF 图形", "a DXF drawing", ".dxf")),
    (rb"(?:\xef\xbb\xbf)?\s*(?i:!table)\s", _renamed("MapInfo TAB 文件", "a MapInfo TAB file", ".tab")),
    (rb"(?:\xef\xbb\xbf)?\s*\{\s*\"[^\"]{1,40}\"\s*:", _renamed("JSON", "JSON", ".geojson", *JSON_SUFFIXES)),
)  # fmt: skip
_PATTERNS = tuple((re.compile(start, re.DOTALL), content) for start, content in _STARTS)

_PAGE = _renamed("网页（HTML）", "an HTML page", *SHEET_SUFFIXES)._replace(
    advice=Text(
        "多半是网站要求登录或报错的页面，请重新下载；其中有表格的，在表格软件中打开后另存为 xlsx。",
        "Mostly a site's page to log in or of an error: download it again; if it holds a table, save that as xlsx.",
    )
)
_ROOTS = {
    "kml": _renamed("KML", "KML", ".kml"),
    "gpx": _renamed("GPX", "GPX", ".gpx"),
    "Workbook": _renamed("Excel 2003 的 XML 表格", "the XML of Excel 2003", *SHEET_SUFFIXES)._replace(advice=_AS_XLSX),
}
_XML = _renamed("XML", "XML", ".gml", *XML_SUFFIXES)
_HTML_ROOTS = {"html", "head", "body", "table", "meta", "div", "script", "style", "title", "tr", "td"}

# The first element after declarations and comments.
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*(?P<type><!doctype\s+html|<)"
    rb"(?:(?:[A-Za-z_][\w.-]*:)?(?P<root>[A-Za-z_][\w.-]*))?",
    re.DOTALL | re.IGNORECASE,
)

_IN_ZIP = (
    ("xl/workbook.bin", Content(Text("Excel 二进制工作簿（xlsb）", "a binary workbook (xlsb)"), _AS_XLSX)),
    ("xl/", _renamed("Excel 工作簿（xlsx）", "a workbook (xlsx)", *SHEET_SUFFIXES)),
    ("word/", Content(Text("Word 文档（docx）", "a Word document (docx)"), _AS_SHEET)),
    ("ppt/", Content(Text("演示文稿（pptx）", "slides (pptx)"), _AS_SHEET)),
)
_OPEN_DOCUMENT = _renamed("OpenDocument 表格（ods）", "an OpenDocument sheet (ods)", ".ods", *SHEET_SUFFIXES)
_ZIP = _renamed("ZIP 压缩包", "a ZIP archive", *_ARCHIVES, *SHEET_SUFFIXES)
_IN_COMPOUND = (
    ("EncryptedPackage", _renamed("加了打开密码的 Office 文件", "a locked Office file", *SHEET_SUFFIXES)),
    ("WordDocument", Content(Text("Word 97—2003 文档（doc）", "a Word 97-2003 document (doc)"), _AS_SHEET)),
    ("PowerPoint Document", Content(Text("演示文稿（ppt）", "slides (ppt)"), _AS_SHEET)),
)
_COMPOUND = _renamed("Excel 97—2003 工作簿或其他 Office 文件", "a workbook of Excel 97-2003", ".xls", *SHEET_SUFFIXES)
_ZEROS = Content(Text("全是零字节，没有写入数据", "nothing but zeros"), _AGAIN)
_BLANKS = Content(Text("空白，没有一个字", "nothing but blanks"), _AGAIN)
_LOOKED_AT = 1024


def content_of(path: Path) -> Content | None:
    """What a file's first bytes say it is; None where they say nothing that people know a name for."""
    head = bytes_at(path, 0, _LOOKED_AT) if path.is_file() else b""
    if not head.strip(b"\0"):
        return _ZEROS if head else None
    if not head.strip(b"\0\r\n\t \xef\xbb\xbf") and path.stat().st_size <= _LOOKED_AT:
        return _BLANKS
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    if head.startswith(MAGIC):
        found = streams_of(path)
        names = [] if found is None else found.names
        return next((content for name, content in _IN_COMPOUND if name in names), _COMPOUND)
    said = next((content for pattern, content in _PATTERNS if pattern.match(head)), None)
    return said if said is not None else _in_words(head.replace(b"\0", b"") if head[:2] in _UTF16 else head)


_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def _in_zip(path: Path) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:80] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return _ZIP
    if b"opendocument" in kind:
        sheet = b"spreadsheet" in kind
        return _OPEN_DOCUMENT if sheet else Content(Text("OpenDocument 文档", "an OpenDocument text"), _AS_SHEET)
    if "[Content_Types].xml" not in names:
        return _ZIP
    return next((content for start, content in _IN_ZIP if any(n.startswith(start) for n in names)), _ZIP)


def _in_words(head: bytes) -> Content | None:
    """What text that begins with an element is."""
    found = _ROOT.match(head.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff"))
    if found is None:
        return None
    root = (found["root"] or b"").decode("ascii", errors="replace")
    if found["type"] != b"<" or root.lower() in _HTML_ROOTS:
        return _PAGE
    return _ROOTS.get(root, _XML) if root else None


# Larger ones than this are not parsed only to say what they are.
_PARSED = 2**26


def whole_but_other(path: Path) -> Text | None:
    """What a whole JSON or XML file is that its driver refuses, in words that follow its name; None if it is broken."""
    suffix = path.suffix.lower()
    if suffix not in (*JSON_SUFFIXES, *XML_SUFFIXES) or not path.is_file() or path.stat().st_size > _PARSED:
        return None
    data = path.read_bytes()
    if suffix in XML_SUFFIXES:
        return _other_xml(data)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return Text("是 JSON，其中没有要素", "is JSON without features")
    if {"features", "geometry", "coordinates", "geometries", "arcs"} & set(found):
        return None
    keys = [re.sub(r"[^\w.\- ]", "", key)[:20] for key in list(found)[:5]]
    shown = Text(f"（最外层的键：{'、'.join(keys)}）", f" (its keys: {', '.join(keys)})") if any(keys) else NO_TEXT
    return Text(
        f"是 JSON，其中没有要素{shown.zh}，多半是接口的报错或另一种数据",
        f"is JSON without features{shown.en}, mostly an error of a service or data of another kind",
    )


def _other_xml(data: bytes) -> Text | None:
    from xml.etree import ElementTree

    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return None
    try:
        root = ElementTree.fromstring(data).tag.rpartition("}")[2]  # noqa: S314 - declarations were refused above
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    if root in ("kml", "gpx", "FeatureCollection"):
        return None
    shown = re.sub(r"[^\w.-]", "", root)[:40]
    return Text(f"是另一种 XML（根元素 {shown}）", f"is XML of another kind (root element {shown})")
