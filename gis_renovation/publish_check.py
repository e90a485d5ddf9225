"""Read a published folder back: whole, unchanged, self-contained, and free of what was withheld."""

from __future__ import annotations

import csv
import hashlib
import html
import html.parser
import json
import re
import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation import publish_bytes, publish_tiles
from gis_renovation.errors import DataError, FileError, Finding, Text
from gis_renovation.markup import plain_text
from gis_renovation.schemas import Disclosure, layer_schemas

MARKER = "publish.json"
CLASSES: tuple[Disclosure, ...] = ("public", "internal", "restricted")

# Hosts a page may name in its code without asking them for anything: XML namespaces.
NAMESPACE_HOSTS = frozenset({"www.w3.org"})


def read_marker(folder: Path) -> dict[str, Any] | None:
    """What an edition says of itself, or None if the folder bears no mark of ours."""
    if folder.is_symlink() or not (folder / MARKER).is_file():
        return None
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except ValueError:
        return None
    return marker if isinstance(marker, dict) and marker.get("program") == "gis-renovation" else None


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_published(folder: Path) -> list[Finding]:
    """Everything wrong with a published folder; an empty list when it is sound.

    Checked: the mark; every file is there, unchanged and listed; no page names another host as a
    source of anything; every page, table and GeoPackage holds only the layers and columns the
    edition says it holds, and none above its class. Raises FileError if ``folder`` is no edition of ours.
    """
    marker = read_marker(folder)
    if marker is None:
        raise FileError(
            f"{folder} 不是本程序发布的文件夹（没有有效的 {MARKER}）。",
            f"{folder} was not published by this program (no valid {MARKER}).",
        )
    broken = [*_check_tiles(folder)]
    findings = [*_check_files(folder, marker), *broken, *([] if broken else _check_columns(folder, marker))]
    if marker.get("audience") == "public":
        findings += _check_pictures(folder)
    for path in sorted(folder.rglob("*.html")):
        findings += [
            _finding(
                "outside_host",
                path.name,
                f"网页引用了外部主机 {host}；发布的网页不得向任何外部主机请求内容。",
                f"the page names the outside host {host}; a published page may ask no other host for anything.",
            )
            for host in outside_hosts(path.read_text(encoding="utf-8"))
            # Hosts of basemaps its profile asked for are said in the marker.
            if host not in marker.get("basemap_hosts", [])
        ]
    return findings


def require_sound(folder: Path) -> None:
    """Raise DataError with everything :func:`check_published` finds."""
    findings = check_published(folder)
    if findings:
        raise DataError(findings)


def _check_files(folder: Path, marker: Mapping[str, Any]) -> Iterable[Finding]:
    listed: Mapping[str, str] = marker.get("files", {})
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MARKER}
    for name in sorted({*listed, *present}):
        if name not in present:
            yield _finding("missing_file", name, "文件缺失。", "the file is missing.")
        elif name not in listed:
            yield _finding("foreign_file", name, "文件不在发布清单中。", "the file is not in the list of the edition.")
        elif sha256(folder / name) != listed[name]:
            yield _finding("changed_file", name, "文件在发布后被改动。", "the file was changed after publishing.")


def _check_tiles(folder: Path) -> Iterable[Finding]:
    """Every archive of tiles can be read, and the scripts that stand for one hold the same bytes and nothing else."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".pmtiles", ".js", ".html"}):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".js" and not path.name.endswith(".pm.js"):
            yield _finding("foreign_script", name, "不是本程序写的脚本。", "a script this program did not write.")
            continue
        try:
            archives = publish_tiles.archives_of(path)
            for archive in archives:
                publish_tiles.archive_columns(archive)
        except ValueError:
            yield _finding(
                "broken_tiles", name, "瓦片数据损坏，无法核对。", "the tiles are damaged and cannot be checked."
            )
            continue
        whole = path.with_name(f"{path.name.split('.')[0]}.pmtiles")
        if path.suffix == ".js" and archives and (not whole.is_file() or whole.read_bytes() != archives[0]):
            yield _finding(
                "tiles_differ", name, f"与 {whole.name} 内容不一致。", f"does not hold the same tiles as {whole.name}."
            )


def _check_pictures(folder: Path) -> Iterable[Finding]:
    """Pictures, also those inside pages, carry nothing but the picture: no place, time, camera or comment."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        notes = {
            note for data in publish_bytes.unpacked(path.read_bytes()) for note in publish_bytes.picture_notes(data)
        }
        if notes:
            said = ", ".join(sorted(notes))
            name = path.relative_to(folder).as_posix()
            zh = f"图片带有附加信息（{said}），可能含拍摄位置、时间、人名；公开前须清除。"
            yield _finding(
                "picture_notes", name, zh, f"a picture carries notes ({said}): place, time or names; strip them."
            )


def _finding(code: str, file: str, zh: str, en: str) -> Finding:
    return Finding(severity="error", code=code, layer="", file=file, text=Text(zh, en))


class _References(html.parser.HTMLParser):
    """Everything in a page that a browser would fetch or follow, and the page's own code."""

    FETCHED = frozenset(
        {
            "src",
            "href",
            "srcset",
            "data",
            "action",
            "formaction",
            "poster",
            "ping",
            "background",
            "xlink:href",
            "manifest",
        }
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.urls: list[str] = []
        self.code: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Collect addresses; note whether the text that follows is code, a style sheet or data."""
        table = {key: value or "" for key, value in attrs}
        for key, value in table.items():
            if key in self.FETCHED:
                self.urls += value.split() if key in {"srcset", "ping"} else [value]
            if key == "style" or key.startswith("on"):
                self.code.append(value)
        if tag == "meta" and table.get("http-equiv", "").lower() == "refresh":
            self.urls.append(table.get("content", "").rpartition("=")[2])
        is_data = tag == "script" and "json" in table.get("type", "")
        self._inside = tag if tag in {"script", "style"} and not is_data else ""

    def handle_endtag(self, tag: str) -> None:
        """Code ends with its element."""
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        """Text inside a script or style element."""
        if self._inside:
            self.code.append(data)


def outside_hosts(page: str) -> list[str]:
    """Hosts that a page would ask, follow or name in its scripts and style sheets, sorted; data blocks are text."""
    reader = _References()
    reader.feed(page)
    hosts = {host for url in reader.urls if (host := _host(url))}
    for code in reader.code:
        hosts |= {host.lower() for host in re.findall(r"(?:https?|wss?):\\?/\\?/([^\s/\"'`\\)<>:?#]+)", code)}
        hosts |= {
            host for url in re.findall(r"(?:url\(|@import)\s*['\"]?\s*([^'\")\s;]+)", code) if (host := _host(url))
        }
    return sorted(hosts - NAMESPACE_HOSTS)


def _host(url: str) -> str:
    match = re.match(r"\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?[\\/]{2,}([^\\/?#\s]+)", url)
    return match.group(1).lower() if match else ""


# --- which columns a file holds -------------------------------------------------------------------


def held_columns(path: Path) -> dict[str, set[str]]:
    """Layers and their columns as a published file really holds them; other kinds of file hold none."""
    if path.suffix in {".pmtiles", ".js"}:
        return _joined(publish_tiles.archive_columns(archive) for archive in publish_tiles.archives_of(path))
    if path.suffix == ".html":
        tiles = [publish_tiles.archive_columns(archive) for archive in publish_tiles.archives_of(path)]
        return _joined([_page_columns(path.read_text(encoding="utf-8")), *tiles])
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return {path.stem: set(next(csv.reader(lines), []))}
    if path.suffix == ".geojson":
        features = json.loads(path.read_text(encoding="utf-8")).get("features", [])
        return {path.stem: {column for feature in features for column in feature.get("properties") or {}}}
    if path.suffix == ".gpkg":
        return _geopackage_columns(path)
    return {}


def _joined(several: Iterable[Mapping[str, set[str]]]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {}
    for one in several:
        for layer, columns in one.items():
            held.setdefault(layer, set()).update(columns)
    return held


def _page_columns(page: str) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {}
    for match in re.finditer(r'<script type="application/json" id="layer-[^"]*">(.*?)</script>', page, re.DOTALL):
        block = json.loads(match.group(1))
        columns = {column["name"] for column in block["columns"]}
        if block["view"]:
            table, column = block["view"]
            held.setdefault(table, set()).update(columns & {column})
            columns -= {column}
        held.setdefault(block["source"], set()).update(columns)
        for related in block["related"]:
            held.setdefault(related["name"], set()).update(column["name"] for column in related["columns"])
    return held


def _geopackage_columns(path: Path) -> dict[str, set[str]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        names = [row[0] for row in database.execute("SELECT table_name FROM gpkg_contents") if row[0] != "layer_styles"]
        geometry = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        held = {}
        for name in names:
            quoted = name.replace('"', '""')
            columns = {row[1] for row in database.execute(f'PRAGMA table_info("{quoted}")')}
            held[name] = columns - {geometry.get(name), "fid"}
    return held


def _check_columns(folder: Path, marker: Mapping[str, Any]) -> Iterable[Finding]:
    said: Mapping[str, list[str]] = marker.get("layers", {})
    highest = CLASSES.index(marker["class"]) if marker.get("class") in CLASSES else 0
    schemas = layer_schemas()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        for layer, columns in sorted(held_columns(path).items()):
            schema = schemas.get(layer)
            extra = sorted(columns - {*said.get(layer, []), schema.key if schema else ""})
            if extra:
                listed = ", ".join(extra)
                zh = f"含有发布清单以外的内容：{layer} 的 {listed}。"
                yield _finding("unlisted_column", name, zh, f"holds more than the edition lists: {listed} of {layer}.")
            if highest == len(CLASSES) - 1:
                continue
            above = sorted(column for column in columns if _class_of(layer, column) > highest)
            if above:
                listed = ", ".join(above)
                zh = f"含有高于 {marker['class']} 级的列：{layer} 的 {listed}。"
                yield _finding(
                    "forbidden_column", name, zh, f"holds columns above {marker['class']}: {listed} of {layer}."
                )


def _class_of(layer: str, column: str) -> int:
    schema = layer_schemas().get(layer)
    field = schema.fields.get(column) if schema else None
    return CLASSES.index(field.disclosure) if field else CLASSES.index("restricted")


# --- searching for withheld values ----------------------------------------------------------------

# A value shorter than this many bytes (two Chinese characters) stands in any text by chance.
SHORTEST_SECRET = 6

# Bytes searched at a time, to keep memory small.
_PIECE = 8 * 1024 * 1024


def withheld_values(
    layers: Mapping[str, pd.DataFrame], published: Mapping[str, pd.DataFrame]
) -> dict[str, frozenset[str]]:
    """Texts, dates and long numbers that must not appear: layer.column -> values.

    All values of layers and columns that were not published, and of published columns those cells
    that were withheld. Codes of the schemas are words everybody knows and not looked for.
    """
    known = {code for s in layer_schemas().values() for f in s.fields.values() for code in f.values}
    found: dict[str, frozenset[str]] = {}
    for name, frame in layers.items():
        if name not in published:
            keys = (
                frozenset(text for level in _levels(frame.index) for key in level for text in _searchable(key)) - known
            )
            if keys:
                found[f"{name}.{frame.index.name or 'index'}"] = keys
        table = frame.drop(columns=[c for c in frame.columns if str(frame[c].dtype) == "geometry"])
        for column in table.columns:
            cells = table[column]
            if name in published and column in published[name].columns:
                cells = cells[published[name][column].isna().reindex(cells.index, fill_value=True)]
            values = frozenset(text for value in cells.tolist() for text in _searchable(value)) - known
            if values:
                found[f"{name}.{column}"] = values
    return found


def _levels(index: pd.Index) -> list[list[Any]]:
    """The values of an index that means something: a plain numbering has none."""
    if isinstance(index, pd.RangeIndex):
        return []
    return [index.get_level_values(level).unique().tolist() for level in range(index.nlevels)]


def _searchable(value: Any) -> list[str]:
    missing: Any = pd.isna(value)
    if value is None or isinstance(value, bool | np.bool_) or missing is True:
        return []
    if isinstance(value, int | float | np.integer | np.floating):
        return [form for form in number_forms(value) if _is_telling(form)]
    text = plain_text(value.isoformat() if hasattr(value, "isoformat") else value)
    return [text] if len(text.encode("utf-8")) >= SHORTEST_SECRET else []


def _is_telling(number: str) -> bool:
    """Whether digits stand nowhere by chance: steps between vertices are whole numbers below eight digits."""
    digits = re.sub(r"[^0-9]", "", number.partition("e")[0]).strip("0")
    return len(digits) >= (SHORTEST_SECRET if "." in number else 8)


def number_forms(value: Any) -> frozenset[str]:
    """How a number may be written in one of our files; nothing for anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return frozenset()
    if not np.isfinite(value):
        return frozenset()
    number = float(value)
    # Databases and CSV write what tells the number apart, workbooks 16 digits, pages 6.
    return frozenset({repr(number), f"{number:.6g}", f"{number:.15g}", f"{number:.16g}", str(int(value))})


def find_leaks(folder: Path, secrets: Mapping[str, frozenset[str]], open_text: str) -> list[Finding]:
    """Withheld values that stand in any byte of the folder's files; never the value itself in the message.

    Archives (XLSX) and vector tiles are searched unpacked, a GeoPackage as it lies on the disk, freed pages
    included. A value that is part of ``open_text`` (what was published on purpose) is no leak.
    O(bytes log values).
    """
    wanted: dict[bytes, list[tuple[str, str]]] = {}
    for origin, values in secrets.items():
        for value in values:
            for form in _forms(value):
                wanted.setdefault(form, []).append((origin, value))
    lengths: dict[int, set[int]] = {}
    for form in wanted:
        lengths.setdefault(int.from_bytes(form[:SHORTEST_SECRET], "little"), set()).add(len(form))
    starts = np.array(sorted(lengths), dtype=np.int64)
    findings = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found = {
            form
            for data in _contents(path, path.relative_to(folder).as_posix())
            for at, start in _starts_in(data, starts)
            for length in lengths[start]
            if (form := data[at : at + length]) in wanted and _stands_alone(form, data, at)
        }
        origins = {origin for form in found for origin, value in wanted[form] if value not in open_text}
        findings += [
            _finding(
                "withheld_value",
                path.relative_to(folder).as_posix(),
                f"文件中出现了不得公开的内容（来自 {origin}），已停止发布。",
                f"holds a withheld value (of {origin}); nothing was published.",
            )
            for origin in sorted(origins)
        ]
    return findings


def _contents(path: Path, name: str) -> Iterable[bytes]:
    """Everything a published file says, its name included, unpacked and in every spelling."""
    yield name.encode("utf-8", "surrogatepass")
    if path.suffix in {".pmtiles", ".js", ".html"}:
        yield from (publish_tiles.archive_text(one, number_forms) for one in publish_tiles.archives_of(path))
    for data in publish_bytes.unpacked(path.read_bytes()):
        yield from publish_bytes.spellings(data)


def _forms(value: str) -> set[bytes]:
    """How a withheld text may stand in bytes; a number also as the eight bytes of a database or a shape."""
    texts = {value, html.escape(value), json.dumps(value, ensure_ascii=False)[1:-1]}
    forms = {text.encode("utf-8") for text in texts}
    if not value.isascii():
        forms |= {value.encode("gb18030"), value.encode("utf-16-le"), value.encode("utf-16-be")}
    elif _is_telling(value) and re.fullmatch(r"-?\d+\.\d+", value):
        forms |= {struct.pack(order, float(value)) for order in ("<d", ">d")}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def _starts_in(data: bytes, starts: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    """Where the first six bytes of a withheld form stand in ``data``: a sieve before the exact comparison."""
    if len(starts) == 0:
        return
    for begin in range(0, len(data) - SHORTEST_SECRET + 1, _PIECE):
        # Pieces overlap by what a start needs, so that none is cut apart.
        raw = np.frombuffer(data[begin : begin + _PIECE + SHORTEST_SECRET - 1], dtype=np.uint8)
        count = len(raw) - SHORTEST_SECRET + 1
        windows = np.zeros(count, dtype=np.int64)
        for at in range(SHORTEST_SECRET):
            windows |= raw[at : at + count].astype(np.int64) << (8 * at)
        place = np.minimum(np.searchsorted(starts, windows), len(starts) - 1)
        hits = np.flatnonzero(starts[place] == windows)
        yield from zip((hits + begin).tolist(), windows[hits].tolist(), strict=True)


def _stands_alone(form: bytes, data: bytes, at: int) -> bool:
    """Whether ``form`` at ``at`` is a value by itself: a number only where no further digit touches it."""
    if not form[:1].isdigit():
        return True
    before, after = data[max(0, at - 1) : at], data[at + len(form) : at + len(form) + 1]
    return not (before.isdigit() or before == b"." or after.isdigit())
