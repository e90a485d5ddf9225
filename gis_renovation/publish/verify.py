"""Read a published folder back: whole, unchanged, self-contained, and free of what was withheld."""

from __future__ import annotations

import html.parser
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from gis_renovation.errors import DataError, FileError, Finding
from gis_renovation.publish.contents import Held, contents_of, held_in_archive, off_grid, strangers
from gis_renovation.publish.leaks import archives_of, freed_bytes, picture_notes, unpacked
from gis_renovation.publish.marker import MARKER, Marker, read_marker, seal_is_broken, sha256
from gis_renovation.schemas import CLASSES, layer_schemas
from gis_renovation.words import Text

LOG = "publish-log.jsonl"

# Hosts a page may name in its code without asking them for anything: XML namespaces.
NAMESPACE_HOSTS = frozenset({"www.w3.org"})


def check_published(folder: Path) -> list[Finding]:
    """Everything wrong with a published folder; an empty list when it is sound.

    Checked: the mark; every file is there, unchanged and listed; no page names another host as a
    source of anything; every page, tile, table, workbook and GeoPackage holds only the layers, columns
    and rows the edition says it holds, none above its class, and the same shapes, on the grid they were
    rounded to; no database keeps deleted rows; pictures carry no notes. Raises
    FileError if ``folder`` is no edition of ours.
    """
    marker = read_marker(folder)
    if marker is None:
        raise FileError(
            f"{folder} 不是本程序发布的文件夹（没有有效的 {MARKER}）。",
            f"{folder} was not published by this program (no valid {MARKER}).",
        )
    read: dict[bytes, list[tuple[str, Held]]] = {}
    broken = [*_check_tiles(folder, read)]
    findings = [*check_marker(folder), *check_files(folder, marker), *broken, *_check_databases(folder)]
    findings += [] if broken else _check_contents(folder, marker, read)
    findings += _check_pictures(folder)
    for path in sorted(p for p in folder.rglob("*.html") if p.is_file()):
        findings += [
            _finding(
                "outside_host",
                path.name,
                f"网页引用了外部主机 {host}；发布的网页不得向任何外部主机请求内容。",
                f"the page names the outside host {host}; a published page may ask no other host for anything.",
            )
            for host in outside_hosts(path.read_text(encoding="utf-8", errors="replace"))
            # Hosts of basemaps its profile asked for are said in the marker.
            if host not in marker.basemap_hosts
        ]
    return findings


def require_sound(folder: Path) -> None:
    """Raise DataError with everything :func:`check_published` finds."""
    findings = check_published(folder)
    if findings:
        raise DataError(findings)


def require_number_in_force(folder: Path, day: date) -> None:
    """Raise DataError if the map number of the edition in ``folder`` expired before ``day``."""
    marker = read_marker(folder)
    ends = marker.map_number_expires_on if marker else None
    if marker and ends and ends < day:
        raise DataError(
            [
                _finding(
                    "map_number_expired",
                    MARKER,
                    f"审图号 {marker.map_number} 已于 {ends} 到期（核对日期 {day}）：网站应撤下，或换号后重新发布。",
                    f"the map number {marker.map_number} expired on {ends} (checked for {day}): take the site down, "
                    "or publish again with a new number.",
                )
            ]
        )


def check_files(folder: Path, marker: Marker) -> Iterable[Finding]:
    """Files of an edition that are missing, strange to its list, or other than they were, by name. O(bytes)."""
    listed = marker.files
    # A link shows what lies elsewhere, and an empty folder is none of ours.
    strange = {p for p in folder.rglob("*") if p.is_symlink() or (p.is_dir() and not any(p.iterdir()))}
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() or p in strange} - {MARKER}
    for name in sorted({*listed, *present}):
        if name not in present:
            yield _finding("missing_file", name, "文件缺失。", "the file is missing.")
        elif name not in listed or folder / name in strange:
            yield _finding("foreign_file", name, "文件不在发布清单中。", "the file is not in the list of the edition.")
        elif sha256(folder / name) != listed[name]:
            yield _finding("changed_file", name, "文件在发布后被改动。", "the file was changed after publishing.")


def check_marker(folder: Path) -> Iterable[Finding]:
    """What the edition says of itself is what it said when it was made, by its own seal and by the log beside it."""
    logged = {
        line.get("edition")
        for line in log_lines(folder.with_name(LOG))
        if line.get("profile") == folder.name.removesuffix(".previous")
    }
    if seal_is_broken(folder) or (logged and sha256(folder / MARKER) not in logged):
        zh = "发布清单在发布后被改动，其中的标题、审图号、日期、级别、图层不再可信。"
        yield _finding("changed_marker", MARKER, zh, "the list was changed after publishing; nothing it says is sure.")


def log_lines(path: Path) -> Iterable[Mapping[str, object]]:
    """Lines of the log, those that can be read."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            yield said


def _check_tiles(folder: Path, read: dict[bytes, list[tuple[str, Held]]]) -> Iterable[Finding]:
    """Every archive of tiles can be read, and the scripts that stand for one hold the same bytes and nothing else."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".pmtiles", ".js", ".html"}):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".js" and not path.name.endswith(".pm.js"):
            yield _finding("foreign_script", name, "不是本程序写的脚本。", "a script this program did not write.")
            continue
        try:
            archives = archives_of(path)
            for archive in archives:
                held_in_archive(archive, read)
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
        notes = {note for data in unpacked(path.read_bytes()) for note in picture_notes(data)}
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


# --- what the files hold ---------------------------------------------------------------------------


def _check_contents(folder: Path, marker: Marker, read: dict[bytes, list[tuple[str, Held]]]) -> Iterable[Finding]:
    """Columns, rows and shapes of every file are those the edition says it holds, and the same in all of them."""
    held: list[tuple[str, str, Held]] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        try:
            found = contents_of(path, read)
        except ValueError:
            yield _finding(
                "broken_file",
                name,
                "文件损坏，无法读出内容核对。",
                "the file is damaged; its contents cannot be checked.",
            )
            continue
        held += [(name, layer, one) for layer, several in sorted(found.items()) for one in several]
    shapes = {layer: one for name, layer, one in held if name.endswith(".gpkg") and one.corners is not None}
    for name, layer, one in held:
        yield from _check_columns(name, layer, one, marker)
        said = marker.rows.get(layer)
        if said is not None and one.rows is not None and one.rows != said:
            zh = f"{layer} 有 {one.rows:,} 行，发布清单为 {said:,} 行。"
            yield _finding("row_count", name, zh, f"{layer} has {one.rows:,} rows, the edition lists {said:,}.")
        if one.corners is not None:
            yield from _check_shapes(name, layer, one, shapes.get(layer), marker.grid_m)


def _check_columns(name: str, layer: str, one: Held, marker: Marker) -> Iterable[Finding]:
    """None but those listed, and none above the edition's class."""
    said, top = marker.layers, marker.highest
    highest = CLASSES.index(top) if top in CLASSES else 0
    schema = layer_schemas().get(layer)
    extra = sorted(one.columns - {*said.get(layer, []), schema.key if schema else ""})
    if extra or layer not in said:
        listed = ", ".join(extra) or "—"
        zh = f"含有发布清单以外的内容：{layer} 的 {listed}。"
        yield _finding("unlisted_column", name, zh, f"holds more than the edition lists: {listed} of {layer}.")
    above = sorted(column for column in one.columns if _class_of(layer, column) > highest)
    if above and highest < len(CLASSES) - 1:
        listed = ", ".join(above)
        zh = f"含有高于 {top} 级的列：{layer} 的 {listed}。"
        yield _finding("forbidden_column", name, zh, f"holds columns above {top}: {listed} of {layer}.")


def _check_shapes(name: str, layer: str, one: Held, whole: Held | None, grid_m: float) -> Iterable[Finding]:
    """Corners are those of the layer in the GeoPackage, and there on the grid they were rounded to."""
    if one.corners is None or len(one.corners) == 0:
        return
    if grid_m and one.exact is not None and (count := off_grid(one.exact, grid_m)):
        zh = f"{layer} 有 {count:,} 个顶点不在 {grid_m:g} m 格网上：坐标未经取整，可能是不得公开的精确位置。"
        en = f"{count:,} corners of {layer} are not on the grid of {grid_m:g} m: exact places may have got in."
        yield _finding("exact_place", name, zh, en)
    if whole is not None and whole.corners is not None and whole is not one:
        count = strangers(one.corners, whole.corners, on_tiles=one.on_tiles)
        if count:
            zh = f"{layer} 有 {count:,} 个顶点不见于 GeoPackage 的同一图层：可能混入了别的图形。"
            en = f"{count:,} corners of {layer} are not in the GeoPackage's layer: other shapes may have got in."
            yield _finding("foreign_shape", name, zh, en)


def _check_databases(folder: Path) -> Iterable[Finding]:
    """No database keeps rows that were deleted."""
    for path in sorted(folder.rglob("*.gpkg")):
        try:
            count = freed_bytes(path)
        except (ValueError, IndexError):
            continue  # what is no database at all is told with the contents
        if count:
            name = path.relative_to(folder).as_posix()
            zh = f"数据库中有 {count:,} 字节已删除而未清除的内容，可能含不得公开的数据。"
            yield _finding("freed_pages", name, zh, f"{count:,} bytes of deleted rows are still in the database.")


def _class_of(layer: str, column: str) -> int:
    schema = layer_schemas().get(layer)
    field = schema.fields.get(column) if schema else None
    return CLASSES.index(field.disclosure) if field else CLASSES.index("restricted")
