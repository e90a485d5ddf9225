"""One card being read: where remarks go, what a file must be from the first byte on, archives unpacked with care."""

from __future__ import annotations

import codecs
import errno
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from gis_renovation.errors import FeatureRef, FileError, Finding, Severity
from gis_renovation.reading.cards import Card
from gis_renovation.reading.formats.contents import (
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    SHEET_SUFFIXES,
    TEXT_SUFFIXES,
    XML_SUFFIXES,
    Content,
    content_of,
    whole_but_other,
)
from gis_renovation.reading.formats.dbf import bytes_at
from gis_renovation.reading.values import FileColumns, known_encoding
from gis_renovation.words import Text

VECTOR_SUFFIXES = (
    ".gpkg", ".shp", *JSON_SUFFIXES, ".fgb", ".gdb", ".kmz", *XML_SUFFIXES, ".dxf", ".tab", ".mif", ".dbf", ".sqlite",
)  # fmt: skip
# A raster is opened with its own driver only: others can refer to files and addresses elsewhere.
RASTER_DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".img": "HFA", ".asc": "AAIGrid"}
RASTER_SUFFIXES = tuple(RASTER_DRIVERS)
SUFFIXES = (*VECTOR_SUFFIXES, *PARQUET_SUFFIXES, *TEXT_SUFFIXES, *SHEET_SUFFIXES, ".zip", *RASTER_SUFFIXES)

# What the first bytes of a file must be for its suffix; a driver is never left to guess from hostile content.
_XML = re.compile(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<")
_SIGNATURES: Mapping[str, Callable[[bytes], bool]] = {
    ".gpkg": lambda head: head.startswith(b"SQLite format 3\0"),
    ".sqlite": lambda head: head.startswith(b"SQLite format 3\0"),
    ".shp": lambda head: head.startswith(b"\0\0\x27\x0a"),
    ".geojson": lambda head: head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] in (b"{", b"["),
    ".json": lambda head: head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] in (b"{", b"["),
    ".geojsonl": lambda head: head.lstrip(b"\xef\xbb\xbf\x1e \t\r\n")[:1] == b"{",
    ".geojsons": lambda head: head.lstrip(b"\xef\xbb\xbf\x1e \t\r\n")[:1] == b"{",
    ".fgb": lambda head: head.startswith(b"fgb\x03fgb"),
    ".kml": lambda head: bool(_XML.match(head)),
    ".gml": lambda head: bool(_XML.match(head)),
    ".gpx": lambda head: bool(_XML.match(head)),
    ".dxf": lambda head: head.startswith(b"AutoCAD Binary DXF") or head.lstrip()[:1] in (b"0", b"9"),
    ".tab": lambda head: head.lstrip()[:6].lower() == b"!table",
    ".mif": lambda head: head.lstrip()[:7].lower() == b"version",
    ".parquet": lambda head: head.startswith(b"PAR1"),
    ".geoparquet": lambda head: head.startswith(b"PAR1"),
    ".zip": lambda head: head.startswith(b"PK"),
    ".kmz": lambda head: head.startswith(b"PK"),
    ".tif": lambda head: head[:2] in (b"II", b"MM"),
    ".tiff": lambda head: head[:2] in (b"II", b"MM"),
    ".img": lambda head: head.startswith(b"EHFA_HEADER_TAG"),
    ".asc": lambda head: head.lstrip()[:5].lower() in (b"ncols", b"nrows", b"xllco", b"xllce"),
}


@dataclass
class Reading:
    """One card being read: where remarks go, and a folder of our own for what must be unpacked or copied.

    ``columns`` is what the file says of its columns; some may stay unread where ``all_columns`` is false.
    """

    card: Card
    scratch: Path
    all_columns: bool = True
    columns: FileColumns = field(default_factory=FileColumns)
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    original: Path | None = None
    # The one file that is read inside an archive.
    inside: Path | None = None

    def own(self, path: Path) -> Path:
        """The file being read as people know it, where ``path`` is a link to it or a copy of it in our folder."""
        return self.original if self.original is not None and path.is_relative_to(self.scratch) else path

    @property
    def layer(self) -> str:
        """The layer's name."""
        return self.card.source.layer

    def say(
        self, severity: Severity, code: str, path: Path, zh: str, en: str, *, features: Sequence[FeatureRef] = ()
    ) -> None:
        """Add one finding about ``path``."""
        finding = Finding(
            severity=severity, code=code, layer=self.layer, file=self.own(path).name, text=Text(zh, en),
            features=tuple(features),
        )  # fmt: skip
        self.findings.append(finding)

    def say_doubt(self, better: str | None, used: str, path: Path) -> None:
        """Warn where decoded text is mostly characters nobody writes; ``better`` as ``better_encoding`` says."""
        if better is None:
            return
        remedy = Text(
            "可能是别的编码；请打开核对，并在来源卡写明 encoding。",
            "it may be in another encoding. Look at it and state encoding in the card.",
        )
        if better:
            remedy = Text(
                f'更像 {better} 编码；请打开核对，如是请在来源卡写 encoding = "{better}"。',
                f'it reads far better as {better}. Look at it, and if so write encoding = "{better}" in the card.',
            )
        self.say(
            "warning", "encoding_doubtful", path,
            f"文字按 {used} 读取，读出的多为生僻字或乱码，{remedy.zh}",
            f"Text was read as {used}, which gives mostly characters nobody writes; {remedy.en}",
        )  # fmt: skip


def check_signature(path: Path, layer: str) -> None:
    """Raise FileError if a file's first bytes are those of something else, or not those of its suffix."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or path.is_dir():
        return
    if path.stat().st_size == 0:
        raise empty_file(path, Text(f"图层 {layer}：", f"Layer {layer}: "))
    content = content_of(path)
    if content is not None:
        if suffix not in content.suffixes:
            raise _something_else(path, layer, content)
        return
    test = _SIGNATURES.get(suffix)
    if (suffix in SHEET_SUFFIXES and not is_text(path)) or (test and not test(bytes_at(path, 0, 512))):
        raise FileError(
            f"图层 {layer}：{path} 的内容不是 {path.suffix} 文件（可能损坏、加密，或改过扩展名）；请用原软件重新导出。",
            f"Layer {layer}: {path} does not hold what {path.suffix} files hold (damaged, encrypted or renamed?); "
            "export it again.",
        )


def empty_file(path: Path, whose: Text) -> FileError:
    """The error for a file without a byte; ``whose`` begins the sentence."""
    return FileError(
        f"{whose.zh}文件是空的（0 字节）：{path}。请重新导出或复制。",
        f"{whose.en}the file is empty (0 bytes): {path}. Export or copy it again.",
    )


def _something_else(path: Path, layer: str, content: Content) -> FileError:
    return FileError(
        f"图层 {layer}：{path} 的内容是{content.name.zh}，不是 {path.suffix} 文件。{content.advice.zh}",
        f"Layer {layer}: {path} holds {content.name.en}, it is no {path.suffix} file. {content.advice.en}",
    )


def is_text(path: Path) -> bool:
    """Whether a file holds text in one of the encodings of :func:`text_encoding`, by its beginning."""
    head = bytes_at(path, 0, 4096)
    return head[:2] in (b"\xff\xfe", b"\xfe\xff") or not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head)


def unreadable(path: Path, layer: str, error: Exception | str | Text) -> FileError:
    """The error for a file its own driver refuses: what it is instead, or the driver's first sentence."""
    content = content_of(path)
    if isinstance(error, Text):
        return FileError(
            f"图层 {layer}：读不出 {path}：{error.zh}。请用原软件重新导出。",
            f"Layer {layer}: cannot read {path}: {error.en}. Export it again.",
        )
    if content is not None and path.suffix.lower() not in content.suffixes:
        return _something_else(path, layer, content)
    other = whole_but_other(path)
    if other is not None:
        return FileError(
            f"图层 {layer}：{path} {other.zh}，不是地理数据。请索取或重新下载数据文件本身。",
            f"Layer {layer}: {path} {other.en}, it is no geodata. Ask for the data file itself, or download it again.",
        )
    said = driver_words(str(error))
    return FileError(
        f"图层 {layer}：读不出 {path}（{said.zh}）。文件可能损坏、被截断或加了密码；请用原软件重新导出。",
        f"Layer {layer}: cannot read {path} ({said.en}). It may be damaged, cut short or locked; export it again.",
    )


# What drivers say in English, and what it means.
_DRIVER_WORDS = (
    ("not recognized as being in a supported file format", Text("内容不是这种格式", "not what its suffix says")),
    ("ring", Text("有环没有闭合或方向不合规定", "a ring is open or turns the wrong way")),
    ("not well-formed|mismatched tag|XML|xml", Text("XML 写法有错", "its XML is not well-formed")),
    ("same identifier|id = .* have been found|FID", Text("要素的内部编号有重复", "features share an inner number")),
    ("encod|recode|UTF-8|character", Text("文字编码有误", "its text is not in the encoding stated")),
    ("truncat|unexpected end|EOF|shorter|too small|out of range", Text("文件不完整", "the file is cut short")),
    ("malformed|corrupt|invalid", Text("内容损坏", "its content is damaged")),
    ("Unrecognized number|JSON|json", Text("JSON 写法有错", "its JSON is not well-formed")),
    ("memory", Text("内存不够", "there is not enough memory")),
    ("ermission|denied", Text("没有读取权限", "it may not be read")),
)


def driver_words(said: str) -> Text:
    """What a driver says of a file, for people: its meaning where it is known, never paths of whoever built it."""
    reason = said.strip().splitlines()[0] if said.strip() else ""
    for pattern, meaning in _DRIVER_WORDS:
        if re.search(pattern, reason):
            return meaning
    plain = re.sub(r"\S*[/\\]\S+", "…", reason)
    return Text(
        "读取程序报告内容有问题" if not re.search(r"[\u4e00-\u9fff]", reason) else plain, plain or "no reason given"
    )


def text_encoding(path: Path, stated: str, layer: str) -> str:
    """The encoding of a text file: stated, or by its mark, else strict UTF-8, else GB18030."""
    if stated:
        known = known_encoding(stated)
        if known and _decodes(path, known):
            return known
        raise FileError(
            f"图层 {layer}：{path} 的文字编码不是 {stated}；请在来源卡改正或删去 encoding。",
            f"Layer {layer}: text in {path} is not {stated}; correct or delete encoding in the card.",
        )
    mark = bytes_at(path, 0, 4)
    marked = "UTF-16" if mark[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    for name in (marked, "UTF-8", "GB18030"):
        if name and _decodes(path, name):
            return name
    if not is_text(path):
        raise FileError(
            f"图层 {layer}：{path} 的内容不是文字（可能损坏、加密，或改过扩展名）；请用原软件重新导出。",
            f"Layer {layer}: {path} holds no text (damaged, encrypted or renamed?); export it again.",
        )
    raise FileError(
        f"图层 {layer}：{path} 的文字编码不是 UTF-8 或 GB18030；请在来源卡写明 encoding。",
        f"Layer {layer}: text in {path} is neither UTF-8 nor GB18030; set encoding in the card.",
    )


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(2**22):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


# A city's largest deliveries are a few GB; what claims more, or shrinks by more than text can, is no delivery.
MAX_FILES = 10_000


MAX_BYTES = 8 * 2**30


MAX_RATIO = 250


RATIO_FROM_BYTES = 100 * 2**20


_UTF8_NAME = 0x800


_ENCRYPTED = 0x1


_CHUNK = 2**20


def check_archive(path: Path, layer: str) -> None:
    """Raise FileError for an archive that is damaged, locked, a bomb, or points out of its folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path, layer)
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise _damaged(path, layer, error) from None


def unpack(path: Path, folder: Path, layer: str) -> list[Path]:
    """The files of a zip archive, written into ``folder``; their paths, sorted.

    Chinese names written by old software in GBK are read as such. Raises FileError before anything is
    written for names that leave the folder, locks and sizes beyond reason; while writing, for a member
    longer than it claims.
    """
    written = []
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path, layer)
            for member in archive.infolist():
                if member.is_dir() or _of_the_finder(member_name(member)):
                    continue
                target = folder / member_name(member)
                target.parent.mkdir(parents=True, exist_ok=True)
                _write_member(archive, member, target, path, layer)
                written.append(target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # a place before the file's start
            raise  # the disk, not the archive
        raise _damaged(path, layer, error) from None
    return sorted(written)


def _of_the_finder(name: str) -> bool:
    """Whether a member is what a Mac packs beside each file: its icon and labels, under the file's own suffix."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def member_name(member: zipfile.ZipInfo) -> str:
    """A member's name; without the UTF-8 mark its bytes are UTF-8 or GBK, as Chinese Windows writes it."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    raw = member.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _check_members(archive: zipfile.ZipFile, path: Path, layer: str) -> None:
    members = archive.infolist()
    if any(not m.filename or not (m.is_dir() or PurePosixPath(member_name(m)).parts) for m in members):
        raise zipfile.BadZipFile("a member has no name")
    for member in members:
        name = member_name(member)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        link = (member.external_attr >> 16) & 0o170000 == 0o120000
        if ".." in parts or name.startswith(("/", "\\")) or ":" in name or "\0" in name or link:
            raise FileError(
                f"图层 {layer}：压缩包 {path.name} 中的“{name}”指向压缩包之外，可能有害，未解压。"
                "请让提供单位重新打包。",
                f"Layer {layer}: {name!r} in {path.name} points outside the archive; nothing was unpacked. "
                "Ask for a clean archive.",
            )
        if member.flag_bits & _ENCRYPTED:
            raise FileError(
                f"图层 {layer}：压缩包 {path.name} 加了密码；请先解压，再让来源卡的 path 指向其中的文件。",
                f"Layer {layer}: {path.name} is locked with a password; unpack it first, then name the file.",
            )
    total = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if len(members) > MAX_FILES or total > MAX_BYTES or (total > RATIO_FROM_BYTES and total / packed > MAX_RATIO):
        raise FileError(
            f"图层 {layer}：压缩包 {path.name} 解压后有 {len(members):,} 个文件、{total / 2**20:,.0f} MB，"
            "超出合理范围，未解压。",
            f"Layer {layer}: {path.name} would unpack to {len(members):,} files, {total / 2**20:,.0f} MB; refused.",
        )


def _write_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, path: Path, layer: str) -> None:
    left = member.file_size
    with archive.open(member) as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise FileError(
                    f"图层 {layer}：压缩包 {path.name} 的内容比目录所写的大，可能有害，已停止解压。",
                    f"Layer {layer}: {path.name} holds more than its directory says; stopped.",
                )
            sink.write(chunk)


def _damaged(path: Path, layer: str, error: Exception) -> FileError:
    return FileError(
        f"图层 {layer}：压缩包 {path.name} 已损坏或不完整（{error}）；请重新下载或复制。",
        f"Layer {layer}: {path.name} is damaged or cut short ({error}); copy it again.",
    )
