"""A Shapefile and its attribute file: what encoding its text is in, and which values were cut.

Old software writes GBK without saying so, says so wrongly, or cuts a character in half at the end of a
field. All text bytes are read here, so that the decision rests on the whole file and not on a guess.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_renovation.errors import FeatureRef, by_row
from gis_renovation.reading.values import better_encoding, decode, known_encoding
from gis_renovation.words import Text

if TYPE_CHECKING:
    from gis_renovation.reading.formats.opening import Reading

# The language byte of the header (offset 29) where it names one encoding; 0x57, “the machine's own”, names none.
LANGUAGE_BYTES = {
    0x4D: "GB18030", 0x7A: "GB18030", 0x4F: "BIG5", 0x78: "BIG5", 0x13: "CP932", 0x7B: "CP932", 0x4E: "CP949",
    0x79: "CP949", 0x50: "CP874", 0x7C: "CP874", 0x01: "CP437", 0x02: "CP850", 0x03: "CP1252", 0x58: "CP1252",
    0x59: "CP1252", 0x64: "CP852", 0x65: "CP866", 0xC8: "CP1250", 0xC9: "CP1251", 0xCA: "CP1254", 0xCB: "CP1253",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """A DBF header: rows, sizes in bytes, and for each field name bytes, type letter, offset and width."""

    rows: int
    header_bytes: int
    row_bytes: int
    language: int
    fields: tuple[tuple[bytes, str, int, int], ...]


@dataclass(frozen=True)
class Encoding:
    """The encoding chosen, why (``cpg``, ``language byte``, ``content``, ``card``), and what it cannot read.

    ``cut`` are row numbers from 1 whose text ends in half a character; ``undecodable`` those with bytes
    that are no text in this encoding; ``refuted`` is a stated encoding that the content contradicts;
    ``better`` is what :func:`better_encoding` says; ``unknown`` a name in the ``.cpg`` that no program knows.
    """

    name: str
    reason: str
    cut: tuple[int, ...] = ()
    undecodable: tuple[int, ...] = ()
    refuted: str = ""
    better: str | None = None
    unknown: str = ""


def read_layout(path: Path) -> Layout | None:
    """The header of a DBF file, or None if it is none."""
    with path.open("rb") as stream:
        head = stream.read(32)
        if len(head) < 32:
            return None
        rows, header_bytes, row_bytes = struct.unpack("<IHH", head[4:12])
        body = stream.read(max(header_bytes - 32, 0))
    fields, offset = [], 1
    for start in range(0, len(body) - 31, 32):
        entry = body[start : start + 32]
        if entry[0] == 0x0D:
            break
        fields.append((entry[:11].split(b"\0")[0], chr(entry[11]), offset, entry[16]))
        offset += entry[16]
    return Layout(rows, header_bytes, row_bytes, head[29], tuple(fields)) if fields and row_bytes else None


def rows_on_disk(path: Path, layout: Layout) -> int:
    """How many whole rows the file really holds, whatever its header promises."""
    return max(0, path.stat().st_size - layout.header_bytes) // layout.row_bytes


def deleted_rows(path: Path, layout: Layout) -> list[int]:
    """Numbers, from 1, of the rows marked as deleted but not yet removed; no program shows them."""
    rows = min(layout.rows, rows_on_disk(path, layout))
    if not rows:
        return []
    table: Any = np.memmap(path, np.uint8, "r", offset=layout.header_bytes, shape=(rows, layout.row_bytes))
    return [int(row) + 1 for row in np.flatnonzero(table[:, 0] == ord("*"))]


def overfull(path: Path, layout: Layout) -> dict[str, list[int]]:
    """Number fields with cells of asterisks only, which hold no value any more, and their rows from 1. O(bytes)."""
    rows = min(layout.rows, rows_on_disk(path, layout))
    if not rows:
        return {}
    table: Any = np.memmap(path, np.uint8, "r", offset=layout.header_bytes, shape=(rows, layout.row_bytes))
    found = {}
    for name, kind, offset, width in layout.fields:
        if kind in "NF" and width:
            full = np.flatnonzero(table[:, offset] == ord("*"))  # few, so that the others are not looked into
            full = full[(table[full, offset : offset + width] == ord("*")).all(axis=1)]
            if len(full):
                found[decode(name, "GB18030")[0]] = [int(row) + 1 for row in full]
    return found


def find_encoding(path: Path, stated: str = "") -> Encoding:
    """The encoding of a DBF's text.

    In order: what the card states, the ``.cpg`` beside it, the language byte, strict UTF-8, GB18030. A
    stated encoding that most of the text contradicts is refuted, except the card's, which is obeyed.
    Bytes cut at the end of a field do not count against an encoding. O(bytes), each distinct text once.
    """
    texts = [*_texts(path)]
    found = _chosen(path, texts, stated)
    better = better_encoding(b"\n".join(raw.rstrip(b" \0") for raw, _ in texts), found.name)
    if found.reason == "content" and better:  # such as Big5, all of which decodes as GB18030
        found, better = _judge(texts, better, "content", found.refuted), None
    name = _cpg_text(path)
    return replace(found, better=better, unknown="" if known_encoding(name) else name)


def _chosen(path: Path, texts: list[tuple[bytes, list[int]]], stated: str) -> Encoding:
    if stated:
        return _judge(texts, stated, "card")
    hints = [(name, reason) for name, reason in ((_cpg(path), "cpg"), (_language(path), "language byte")) if name]
    refuted = ""
    for name, reason in [*hints, ("UTF-8", "content"), ("GB18030", "content")]:
        verdict = _judge(texts, name, reason, refuted)
        if not verdict.undecodable:
            return verdict
        refuted = refuted or (name if reason != "content" else "")
    fewest = min(("UTF-8", "GB18030"), key=lambda name: len(_judge(texts, name, "content").undecodable))
    return _judge(texts, fewest, "content", refuted)


def foreign_texts(path: Path, fields: Container[int]) -> list[bytes]:
    """Every distinct text with bytes beyond ASCII in the named fields, counted from 0, of a DBF."""
    return [raw.rstrip(b" \0") for raw, _ in _texts(path, fields)]


def _judge(texts: list[tuple[bytes, list[int]]], name: str, reason: str, refuted: str = "") -> Encoding:
    cut: list[int] = []
    bad: list[int] = []
    encoding = known_encoding(name) or name
    for raw, rows in texts:
        _, was_cut, was_bad = decode(raw, encoding)
        cut += rows if was_cut else []
        bad += rows if was_bad else []
    return Encoding(encoding, reason, tuple(sorted(set(cut))), tuple(sorted(set(bad))), refuted)


def _texts(path: Path, fields: Container[int] | None = None) -> Iterator[tuple[bytes, list[int]]]:
    """Every distinct text with bytes beyond ASCII, with the rows that hold it; field names as row 0."""
    layout = read_layout(path)
    if layout is None:
        return
    for name, _, _, _ in layout.fields:
        if any(byte > 127 for byte in name):
            yield name, [0]
    rows = min(layout.rows, rows_on_disk(path, layout))
    if not rows:
        return
    table: Any = np.memmap(path, np.uint8, "r", offset=layout.header_bytes, shape=(rows, layout.row_bytes))
    for number, (_, kind, offset, width) in enumerate(layout.fields):
        if kind != "C" or not width or (fields is not None and number not in fields):
            continue
        cells = np.ascontiguousarray(table[:, offset : offset + width])
        foreign = np.flatnonzero((cells > 127).any(axis=1))
        if not len(foreign):
            continue
        # The last field's width may reach beyond the row that the header states.
        values, where = np.unique(cells[foreign].view(f"V{cells.shape[1]}").ravel(), return_inverse=True)
        order = np.argsort(where, kind="stable")
        groups = np.split(foreign[order] + 1, np.cumsum(np.bincount(where))[:-1])
        for value, numbers in zip(values, groups, strict=True):
            yield value.tobytes(), numbers.tolist()


def _cpg(path: Path) -> str:
    return known_encoding(_cpg_text(path))


def _cpg_text(path: Path) -> str:
    """What the ``.cpg`` beside the table says, if there is one."""
    for candidate in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if candidate.is_file():
            return candidate.read_bytes()[:64].decode("ascii", errors="ignore").strip().strip("\0")
    return ""


def _language(path: Path) -> str:
    layout = read_layout(path)
    return LANGUAGE_BYTES.get(layout.language, "") if layout else ""


def bytes_at(path: Path, start: int, count: int) -> bytes:
    """Some bytes of a file; fewer at its end."""
    with path.open("rb") as stream:
        stream.seek(start)
        return stream.read(count)


def prepare_shapefile(path: Path, reading: Reading) -> tuple[Path, str]:
    """The Shapefile to open, its index rebuilt on a copy where it has none, and the encoding of its text."""
    beside = {p.suffix.lower(): p for p in path.parent.iterdir() if p.stem == path.stem and p.is_file()}
    stated = reading.card.source.encoding
    if ".shx" not in beside:
        folder = Path(tempfile.mkdtemp(dir=reading.scratch))
        for side in beside.values():
            shutil.copyfile(side, folder / side.name)
        reading.say(
            "note", "shx_rebuilt", path,
            "缺少 .shx 索引，已在临时副本上重建；原文件没有改动。", "The .shx index is missing; rebuilt on a copy.",
        )  # fmt: skip
        path = folder / path.name
    if ".dbf" not in beside:
        reading.say(
            "warning", "dbf_missing", path, "缺少 .dbf，图层没有任何属性。", "No .dbf: the layer has no attributes."
        )
        return path, stated
    found = find_encoding(beside[".dbf"], stated)
    _report_encoding(found, beside[".dbf"], reading)
    _check_row_counts(path, beside, reading)
    return path, found.name


def prepare_table(path: Path, reading: Reading) -> str:
    """The encoding of the text of a table that stands alone; rows cut off or marked as deleted are said."""
    found = find_encoding(path, reading.card.source.encoding)
    _report_encoding(found, path, reading)
    layout = read_layout(path)
    if layout is not None:
        _say_deleted(deleted_rows(path, layout), path, reading)
        _say_overfull(path, layout, reading)
        whole = rows_on_disk(path, layout)
        if whole < layout.rows:
            reading.say(
                "error", "file_cut", path,
                f"文件登记有 {layout.rows:,} 行，实有 {whole:,} 行，文件被截断；请重新复制。",
                f"The file lists {layout.rows:,} rows but holds {whole:,}: it is cut short. Copy it again.",
            )  # fmt: skip
    return found.name


def _report_encoding(found: Encoding, path: Path, reading: Reading) -> None:
    reading.facts |= {"encoding": found.name, "encoding_from": found.reason, "cut_texts": len(found.cut)}
    if found.refuted:
        reading.say(
            "warning", "encoding_refuted", path,
            f"文件自称编码为 {found.refuted}，内容却是 {found.name}，已按内容读取。",
            f"The file says its text is {found.refuted}, its content is {found.name}; read as its content.",
        )  # fmt: skip
    if found.unknown:
        reading.say(
            "warning", "encoding_unknown", path,
            f"旁边的 .cpg 写的编码“{found.unknown}”无法识别，已按 {found.name} 读取；不对时请在来源卡写明 encoding。",
            f"The .cpg beside it names an encoding that is not known, {found.unknown!r}; read as {found.name}. State "
            "encoding in the card if that is wrong.",
        )  # fmt: skip
    reading.say_doubt(found.better, found.name, path)
    if found.cut:
        reading.say(
            "note", "text_cut", path,
            "文字超出字段宽度，末尾的半个汉字已略去。",
            "Text is longer than its field; half a character at the end is left out.",
            features=by_row(found.cut),
        )  # fmt: skip
    say_undecodable(by_row(found.undecodable), found.name, path, reading, stated=found.reason == "card")


def say_undecodable(rows: Sequence[FeatureRef], encoding: str, path: Path, reading: Reading, *, stated: bool) -> None:
    """Name the rows whose text is not of the encoding; an error where the card states it."""
    if not rows:
        return
    remedy = Text("请在来源卡写明 encoding（如 GB18030）。", "State encoding in the card, such as GB18030.")
    if stated:
        remedy = Text(
            f'来源卡写的 encoding = "{encoding}" 不对，请改正或删去（删去则按内容判断）。',
            f'encoding = "{encoding}" in the card is wrong: correct it, or delete it to have it judged by content.',
        )
    reading.say(
        "error" if stated else "warning", "text_undecodable", path,
        f"有文字不是 {encoding} 编码，读不出的字显示为 �；{remedy.zh}",
        f"Some text is not {encoding}; what cannot be read shows as �. {remedy.en}",
        features=rows,
    )  # fmt: skip


def _check_row_counts(path: Path, beside: Mapping[str, Path], reading: Reading) -> None:
    """A Shapefile's parts must hold the same number of rows; else one of them was cut short or mixed up."""
    layout = read_layout(beside[".dbf"])
    counts = {".dbf": rows_on_disk(beside[".dbf"], layout) if layout else 0}
    if ".shx" in beside:
        counts[".shx"] = (beside[".shx"].stat().st_size - 100) // 8
    deleted = deleted_rows(beside[".dbf"], layout) if layout else []
    _say_deleted(deleted, path, reading)
    if layout:
        _say_overfull(beside[".dbf"], layout, reading)
    promised = int.from_bytes(bytes_at(path, 24, 4), "big") * 2
    if path.stat().st_size < promised:
        size = path.stat().st_size
        reading.say(
            "error", "file_cut", path,
            f".shp 应有 {promised:,} 字节，实有 {size:,} 字节，文件被截断；请重新复制。",
            f".shp should have {promised:,} bytes but has {size:,}: it is cut short. Copy it again.",
        )  # fmt: skip
    if len(set(counts.values())) > 1 or (layout and layout.rows > counts[".dbf"]):
        listed = ", ".join(f"{name}: {count:,}" for name, count in counts.items())
        reading.say(
            "error", "row_counts_differ", path,
            f"Shapefile 各文件的行数不一致（{listed}），文件不完整或混放；请重新导出。",
            f"The parts of the Shapefile hold different numbers of rows ({listed}); export it again.",
        )  # fmt: skip


def _say_overfull(path: Path, layout: Layout, reading: Reading) -> None:
    """Say which cells lost their number when they were written: it was wider than its field."""
    cells = [(name, row) for name, rows in overfull(path, layout).items() for row in rows]
    if cells:
        reading.say(
            "warning", "number_lost", path,
            f"{len(cells)} 个数字在导出时因字段宽度不够被写成星号（***），原来的数已经丢失，按未知处理；"
            "请让提供单位加宽字段或改用 GeoPackage 重新导出。",
            f"{len(cells)} numbers were wider than their field and were exported as asterisks (***); they are lost and "
            "taken as unknown. Ask for another export with wider fields, or as GeoPackage.",
            features=[ref._replace(mark=" ", value=name) for (name, _), ref in
                      zip(cells, by_row([row for _, row in cells]), strict=True)],
        )  # fmt: skip


def _say_deleted(deleted: Sequence[int], path: Path, reading: Reading) -> None:
    reading.facts["rows_deleted"] = len(deleted)
    if deleted:
        reading.say(
            "note", "rows_deleted", path,
            f"有 {len(deleted)} 行在原软件中已标记删除，未读取。",
            f"{len(deleted)} rows are marked as deleted and not read.",
            features=by_row(deleted),
        )  # fmt: skip
