"""Files of words (XML, drawings, MapInfo) in the encoding they are really in, brought into UTF-8 on a copy.

The card's ``encoding`` is obeyed. Else what the file states counts, unless its own bytes speak against it; else
UTF-8 where all of it is, else GB18030. What was decided against the file, and what stays doubtful, is said.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.errors import FeatureRef, FileError
from gis_renovation.reading.formats import dbf
from gis_renovation.reading.formats.dbf import bytes_at, say_undecodable
from gis_renovation.reading.formats.opening import Reading
from gis_renovation.reading.values import (
    better_encoding,
    content_encoding,
    decode,
    known_encoding,
    reads_as_common_chinese,
)
from gis_renovation.words import Text


@dataclass(frozen=True)
class Opened:
    """The path for the driver, the encoding to name to it, and how text that it hands on as bytes is decoded."""

    path: Path
    driver: str = ""
    decode: str = ""


# Every byte is one character of this encoding, so text read in it can be decoded afterwards.
AS_BYTES = "ISO-8859-1"

_FOREIGN = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")


def choose_encoding(texts: Iterable[bytes], stated: str, path: Path, reading: Reading) -> str:
    """The encoding of the texts, recorded and its doubts said; ``stated`` is what the file names, if anything.

    Rows that cannot be read in it are the caller's to name.
    """
    raw = b"\n".join(sorted({text for text in texts if any(byte > 127 for byte in text)}))
    card = known_encoding(reading.card.source.encoding)
    if card:
        found, reason = card, "card"
    elif stated and not _refuted(raw, stated):
        found, reason = stated, "file"
    else:
        found, reason = content_encoding(raw.splitlines()), "content"
    better = better_encoding(raw, found)
    if reason == "content" and better:  # such as Big5, all of which decodes as GB18030
        found, better = better, None
    reading.facts |= {"encoding": found, "encoding_from": reason}
    if reason == "content" and stated and stated != found:
        reading.say(
            "warning", "encoding_refuted", path,
            f"文件自称编码为 {stated}，内容却是 {found}，已按内容读取；不对时请在来源卡写明 encoding。",
            f"The file says its text is {stated}, its content is {found}; read as its content. State encoding in the "
            "card if that is wrong.",
        )  # fmt: skip
    reading.say_doubt(better, found, path)
    return found


def _refuted(raw: bytes, stated: str) -> bool:
    """Whether the bytes are not in the stated encoding, or read as common Chinese where it gives rare characters."""
    if decode(raw, stated)[2]:
        return True
    if better_encoding(raw, stated):
        return True
    # A few words are too little to tell one Chinese encoding from another, but enough against a western one.
    return _one_byte_each(stated) and bool(raw) and reads_as_common_chinese(raw, "GB18030")


def _one_byte_each(encoding: str) -> bool:
    return bool(
        re.match(r"(?:CP|WINDOWS-?)(?:125\d|437|85\d|86\d|874)|ISO-?8859|LATIN|ASCII|US-ASCII", encoding.upper())
    )


def in_utf8(text: str, path: Path, reading: Reading) -> Path:
    """A copy of the file that holds ``text``."""
    folder = Path(tempfile.mkdtemp(dir=reading.scratch))
    target = folder / path.name
    target.write_text(text, encoding="utf-8", newline="")
    return target


def decoded(raw: bytes, encoding: str, path: Path, reading: Reading) -> str:
    """The text; lines that are not in the encoding are named."""
    text = raw.decode("utf-8-sig" if encoding == "UTF-8" else encoding, errors="replace")
    if "\ufffd" in text and b"\xef\xbf\xbd" not in raw:
        rows = [number for number, line in enumerate(text.splitlines(), start=1) if "\ufffd" in line]
        stated = bool(reading.card.source.encoding)
        say_undecodable([FeatureRef(rows=(row,)) for row in rows], encoding, path, reading, stated=stated)
    return text


# --- XML ------------------------------------------------------------------------------------------

_DECLARED = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)[\"'][^>]*\?>")
_PROLOG = re.compile(r"^\ufeff?\s*<\?xml[^>]*\?>")
_USED_PREFIX = re.compile(r"</?([A-Za-z_][\w.-]*):|\s([A-Za-z_][\w.-]*):[\w.-]+\s*=\s*[\"']")
_SCHEMA_LOCATION = re.compile(r"\s(?:[\w.-]+:)?schemaLocation\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_ROOT = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_NAMESPACES = {"gx": "http://www.google.com/kml/ext/2.2", "atom": "http://www.w3.org/2005/Atom"}
_NATIVE = ("UTF-8", "ASCII", "US-ASCII")


def open_xml(path: Path, reading: Reading) -> Opened:
    """A KML, GML or GPX file as its driver can read it: UTF-8, every prefix declared, no address of a schema.

    Raises FileError for XML that declares entities, or that is a list of other sources.
    """
    _refuse_entities(path, reading)
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text, encoding = decoded(raw, "UTF-16", path, reading), "UTF-16"
    else:
        found = _DECLARED.match(raw)
        stated = known_encoding(found.group(1).decode()) if found else "UTF-8"
        encoding = choose_encoding(_FOREIGN.findall(raw), stated or "", path, reading)
        text = decoded(raw, encoding, path, reading)
    _refuse_other_sources(text, path, reading)
    mended = _SCHEMA_LOCATION.sub("", _PROLOG.sub("", text, count=1))
    if path.suffix.lower() == ".kml":
        mended = _with_prefixes(mended, path, reading)
    reading.facts.pop("encoding_from", None)  # nothing to be written into a card: the file says it, or the bytes do
    if encoding == "UTF-8":
        reading.facts.pop("encoding", None)
    return Opened(in_utf8(f'<?xml version="1.0" encoding="UTF-8"?>{mended}', path, reading))


def _with_prefixes(text: str, path: Path, reading: Reading) -> str:
    """The text with every prefix declared that it uses; without, the driver loses all that follows."""
    used = {name for pair in _USED_PREFIX.findall(text) for name in pair if name}
    missing = sorted(used - set(re.findall(r"xmlns:([\w.-]+)\s*=", text)) - {"xml", "xmlns"})
    if not missing:
        return text
    reading.say(
        "note", "prefix_undeclared", path,
        f"文件用了 {'、'.join(missing)} 前缀却没有声明，已在临时副本上补上声明后读取；原文件没有改动。",
        f"The prefixes {', '.join(missing)} are used but not declared; declared on a copy, the file was not changed.",
    )  # fmt: skip
    declared = "".join(f' xmlns:{name}="{_NAMESPACES.get(name, f"urn:undeclared:{name}")}"' for name in missing)
    return _ROOT.sub(lambda root: root.group(0) + declared, text, count=1)


def _refuse_other_sources(text: str, path: Path, reading: Reading) -> None:
    """XML of which a driver makes a list of other files, databases or services; geodata never is one."""
    root = _ROOT.search(text)
    if root and re.match(r"(?:OGR|GDAL|VRT|WCS_|WMS_|WMTS)", root.group(2), re.IGNORECASE):
        raise FileError(
            f"图层 {reading.layer}：{reading.own(path).name} 不是数据，而是指向其他文件或网址的清单"
            f"（{root.group(2)}），未读取。"
            "请让提供单位导出数据本身。",
            f"Layer {reading.layer}: {reading.own(path).name} holds no data but a list of other files or addresses "
            f"({root.group(2)}); not read. Ask for the data itself.",
        )


def _refuse_entities(path: Path, reading: Reading) -> None:
    """XML that declares its own entities can read other files or grow without end; geodata never needs it."""
    with path.open("rb") as stream:
        tail = b""
        while chunk := stream.read(2**20):
            # UTF-16 puts a zero beside each letter.
            text = (tail + chunk).replace(b"\0", b"").upper()
            if b"<!ENTITY" in text or b"<!DOCTYPE" in text:
                layer, name = reading.layer, reading.own(path).name
                raise FileError(
                    f"图层 {layer}：{name} 含有外部实体或文档类型声明（<!DOCTYPE / <!ENTITY），可能有害，未读取。"
                    "请让提供单位重新导出。",
                    f"Layer {layer}: {name} declares XML entities or a document type, which may be harmful; "
                    "not read. Ask for a clean export.",
                )
            tail = chunk[-32:]


# --- drawings -------------------------------------------------------------------------------------

_VERSION = re.compile(rb"\$ACADVER\s+1\s+AC(\d+)")
_PAGE = re.compile(rb"\$DWGCODEPAGE\s+3\s+([^\r\n]+)")
_ESCAPE = re.compile(r"\\U\+([0-9A-Fa-f]{4})|\\M\+([1-5])([0-9A-Fa-f]{4})")
_PAGES = {"1": "CP932", "2": "BIG5", "3": "CP949", "4": "CP1361", "5": "GB18030"}
# From this version on all text is UTF-8 (AutoCAD 2007).
_UNICODE_VERSION = 1021


def open_drawing(path: Path, reading: Reading) -> Opened:
    """A DXF file with its text in UTF-8, escapes resolved; a binary one as it is."""
    if bytes_at(path, 0, 18) == b"AutoCAD Binary DXF":
        return Opened(path)
    raw = path.read_bytes()
    foreign = _FOREIGN.findall(raw)
    if not foreign and b"\\U+" not in raw and b"\\M+" not in raw:
        return Opened(path)
    version, page = _VERSION.search(raw[: 2**16]), _PAGE.search(raw[: 2**16])
    stated = _code_page(page.group(1)) if page else ""
    if version and int(version.group(1)) >= _UNICODE_VERSION:
        stated = "UTF-8"
    encoding = choose_encoding(foreign, stated, path, reading)
    text = decoded(raw, encoding, path, reading)
    return Opened(in_utf8(_ESCAPE.sub(_unescaped, text), path, reading))


# Units of a drawing by $INSUNITS, in metres, and their names; most likely first where the drawing does not say.
_UNITS = {
    4: (0.001, Text("毫米", "millimetres")),
    5: (0.01, Text("厘米", "centimetres")),
    2: (0.3048, Text("英尺", "feet")),
    1: (0.0254, Text("英寸", "inches")),
}
_STATED_UNIT = re.compile(rb"\$INSUNITS\s+70\s+(\d+)")
# Northings of China in metres.
_NORTH_M = (1.8e6, 6.0e6)


def say_drawing_units(path: Path, bounds: Floats, reading: Reading) -> None:
    """Warn where a drawing's coordinates are no metres but become places in China in another unit; ``bounds`` (n, 4).

    What the drawing states of its units (``$INSUNITS``) decides between units that would both do, no more: drawings
    in metres very often state millimetres.
    """
    known = bounds[np.isfinite(bounds).all(axis=1)]
    if reading.card.source.scale is not None or not len(known):
        return
    north = float(np.median(known[:, 3]))
    stated = _STATED_UNIT.search(bytes_at(path, 0, 2**16))
    code = int(stated.group(1)) if stated else 0
    order = sorted(_UNITS, key=lambda unit: unit != code)
    fits = [unit for unit in order if _NORTH_M[0] <= north * _UNITS[unit][0] <= _NORTH_M[1]]
    if north <= 1.5 * _NORTH_M[1] or not fits:
        return
    scale, name = _UNITS[fits[0]]
    reading.facts["scale_offered"] = scale
    reading.say(
        "warning", "drawing_units", path,
        f"图形坐标（如纵坐标 {north:,.0f}）不像以米为单位，像是{name.zh}；"
        f"核对后请在来源卡 [source] 写：scale = {scale:g}。",
        f"The coordinates, such as a northing of {north:,.0f}, do not look like metres but like {name.en}; check, and "
        f"write in the card's [source]: scale = {scale:g}.",
    )  # fmt: skip


def _code_page(name: bytes) -> str:
    digits = re.search(rb"\d{3,5}", name)
    return known_encoding((digits.group() if digits else name.strip()).decode("ascii", errors="ignore"))


def _unescaped(found: re.Match[str]) -> str:
    if found.group(1):
        character = chr(int(found.group(1), 16))
        return found.group(0) if character in "\r\n" or "\ud800" <= character <= "\udfff" else character
    try:
        return bytes.fromhex(found.group(3)).decode(_PAGES[found.group(2)])
    except UnicodeDecodeError:
        return found.group(0)


# --- MapInfo --------------------------------------------------------------------------------------

_CHARSET = re.compile(rb"(charset\s+\"?)([\w-]+)", re.IGNORECASE)
_FIELD = re.compile(
    rb"^\s+\S.*?\s(Char|Integer|SmallInt|LargeInt|Float|Decimal|Date|DateTime|Time|Logical)\b[^\r\n]*;",
    re.IGNORECASE | re.MULTILINE,
)
_CHARSETS = {
    "windowssimpchinese": "GB18030", "windowstradchinese": "BIG5", "windowslatin1": "CP1252", "utf-8": "UTF-8",
    "windowsjapanese": "CP932", "windowskorean": "CP949", "windowslatin2": "CP1250", "windowscyrillic": "CP1251",
}  # fmt: skip


def open_mapinfo(path: Path, reading: Reading) -> Opened:
    """A TAB or MIF file; text whose charset is neutral, wrong or overruled by the card is handed on as bytes.

    “Neutral” means the machine's own charset: the bytes tell.
    """
    head = bytes_at(path, 0, 2**16)
    named = _CHARSET.search(head)
    name = named.group(2).decode("ascii", errors="ignore").lower() if named else ""
    stated = _CHARSETS.get(name, "")
    encoding = choose_encoding(_mapinfo_texts(path, head), stated, path, reading)
    if stated == encoding and reading.facts["encoding_from"] == "file":
        reading.facts.pop("encoding_from")
        return Opened(path)
    if named is None or name == "neutral":
        return Opened(path, AS_BYTES, encoding)
    copy = _neutral_copy(path, reading)
    return Opened(copy, AS_BYTES, encoding)


def _mapinfo_texts(path: Path, head: bytes) -> Sequence[bytes]:
    """All lines and cells with bytes beyond ASCII: names of columns, and attributes in the file beside."""
    columns = head if path.suffix.lower() == ".tab" else head[: head.lower().find(b"\ndata") + 1]
    found = _FOREIGN.findall(columns)
    for suffix in (".mid", ".dat"):
        beside = next((p for p in (path.with_suffix(suffix), path.with_suffix(suffix.upper())) if p.is_file()), None)
        if beside is not None and suffix == ".mid":
            found += _FOREIGN.findall(beside.read_bytes())
        elif beside is not None:
            kinds = _FIELD.findall(head)  # the table itself calls binary numbers text
            found += dbf.foreign_texts(beside, {n for n, kind in enumerate(kinds) if kind.lower() == b"char"})
    return found


def _neutral_copy(path: Path, reading: Reading) -> Path:
    folder = Path(tempfile.mkdtemp(dir=reading.scratch))
    for beside in sorted(path.parent.iterdir()):
        if beside.stem == path.stem and beside.is_file() and beside != path:
            try:
                (folder / beside.name).symlink_to(beside.absolute())
            except OSError:
                shutil.copyfile(beside, folder / beside.name)
    target = folder / path.name
    times = 0 if path.suffix.lower() == ".tab" else 1  # a table's definition names it twice
    target.write_bytes(_CHARSET.sub(rb"\1Neutral", path.read_bytes(), count=times))
    return target
