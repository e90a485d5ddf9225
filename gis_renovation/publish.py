"""Apply a profile to a run: select what its audience may see, write it, read it back, move it into place.

A profile is a TOML file in ``maps/``. What nobody classified nobody outside sees: a layer or column
without a disclosure class counts as restricted. The program never claims that a map needs no review.
"""

from __future__ import annotations

import hashlib
import html.parser
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from gis_renovation import __version__
from gis_renovation.config import check_model, read_toml
from gis_renovation.errors import ConfigError, DataError, FileError, Finding, Lang, Text
from gis_renovation.maps import map_page
from gis_renovation.schemas import Disclosure, layer_schemas, nearest_names

if TYPE_CHECKING:
    from gis_renovation.pipeline import Run
    from gis_renovation.project import Project

MARKER = "publish.json"
PAGE = "index.html"
UNFINISHED = ".unfinished-"
CLASSES: tuple[Disclosure, ...] = ("public", "internal", "restricted")

# Hosts a page may name in its code without asking them for anything: XML namespaces.
NAMESPACE_HOSTS = frozenset({"www.w3.org"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProfileTable(_Strict):
    """``[profile]``: whom the map is for and what is printed on it."""

    audience: Literal["planner", "bureau", "public"]
    title: str = "{project}"
    attribution: str = ""
    show: tuple[str, ...] | None = None
    map_number: str = ""
    map_number_dated_on: date | None = None
    map_number_expires_on: date | None = None


class DisclosureTable(_Strict):
    """``[disclosure]``: up to which class, and below which count a number is withheld (k)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    highest: Literal["public", "internal", "restricted"] = Field(alias="class")
    minimum_count: int = Field(default=5, ge=1)


class GeometryTable(_Strict):
    """``[geometry]``: how far shapes are generalised before they leave, in metres."""

    generalise_m: float = Field(default=0.0, ge=0.0, le=200.0)


class Profile(_Strict):
    """One ``maps/NAME.toml``. ``layers`` is the allow list: layer -> columns, or ["*"] for every allowed one."""

    profile: ProfileTable
    disclosure: DisclosureTable
    geometry: GeometryTable = GeometryTable()
    layers: dict[str, tuple[str, ...]] | None = None


def read_profile(folder: Path, name: str) -> Profile:
    """The profile ``maps/NAME.toml`` of a project, or the program's own of that name.

    Raises ConfigError for an unknown name, TOML that cannot be read, unknown keys (with the nearest
    known one), or layers and columns that do not exist; all faults of a kind at once.
    """
    own = files("gis_renovation") / "template" / "maps"
    path = folder / "maps" / f"{name}.toml"
    if not re.fullmatch(r"[\w-]+", name) or not (path.is_file() or (own / f"{name}.toml").is_file()):
        shipped = [entry.name.removesuffix(".toml") for entry in own.iterdir() if entry.name.endswith(".toml")]
        known = sorted({*shipped, *(entry.stem for entry in (folder / "maps").glob("*.toml"))})
        near = nearest_names(name, known)
        raise ConfigError(
            f"没有名为 {name} 的发布配置{f'；是否指 {near}？' if near else ''} 可用：{', '.join(known)}。"
            f"新建一个：复制 maps/planner.toml 为 maps/{name}.toml 再修改。",
            f"There is no profile {name}{f'; did you mean {near}?' if near else ''} Known: {', '.join(known)}. "
            f"To make one, copy maps/planner.toml to maps/{name}.toml and edit it.",
        )
    text = path.read_text(encoding="utf-8") if path.is_file() else (own / f"{name}.toml").read_text(encoding="utf-8")
    where = f"maps/{name}.toml"
    profile = check_model(read_toml(text, where=where), Profile, where=where)
    _check_allow_list(profile, where)
    return profile


def _check_allow_list(profile: Profile, where: str) -> None:
    """Every layer and column of the allow list exists and is of a class the profile may show."""
    faults: list[Text] = []
    highest = CLASSES.index(profile.disclosure.highest)
    if profile.profile.audience == "public" and (profile.layers is None or highest > 0):
        faults.append(
            Text(
                '公众版必须写明 [layers] 允许清单，且 [disclosure] class = "public"',
                'a public profile needs an allow list [layers] and [disclosure] class = "public"',
            )
        )
    schemas = layer_schemas()
    for layer, columns in (profile.layers or {}).items():
        schema = schemas.get(layer)
        if schema is None:
            near = nearest_names(layer, schemas) or "—"
            zh = f"layers.{layer}：没有这个图层；是否指 {near}？"
            en = f"layers.{layer}: no such layer; did you mean {near}?"
            faults.append(Text(zh, en))
            continue
        if CLASSES.index(schema.disclosure) > highest:
            top = profile.disclosure.highest
            zh = f"layers.{layer}：图层（{schema.label.zh}）的公开级别为 {schema.disclosure}，高于本配置的 {top}"
            faults.append(Text(zh, f"layers.{layer}: its class {schema.disclosure} is above this profile's {top}"))
        for column in columns:
            field = schema.fields.get(column)
            if column == "*" or (field is not None and CLASSES.index(field.disclosure) <= highest):
                continue
            faults.append(_column_fault(layer, column, field.disclosure if field else None, schema.fields))
    if faults:
        raise ConfigError(
            "\n".join([f"{where}：有 {len(faults)} 处需要改正：", *(f"  - {fault.zh}" for fault in faults)]),
            "\n".join([f"{where}: {len(faults)} faults to mend:", *(f"  - {fault.en}" for fault in faults)]),
        )


def _column_fault(layer: str, column: str, found: str | None, known: Iterable[str]) -> Text:
    if found is None:
        near = nearest_names(column, known) or "—"
        return Text(
            f"layers.{layer}.{column}：没有这一列，或未定公开级别（视为不得公开）；是否指 {near}？",
            f"layers.{layer}.{column}: no such column, or no disclosure class (which means no); did you mean {near}?",
        )
    return Text(
        f"layers.{layer}.{column}：公开级别为 {found}，本配置不得包含",
        f"layers.{layer}.{column}: its class is {found}, which this profile may not show",
    )


# --- selecting ------------------------------------------------------------------------------------


def select_layers(layers: Mapping[str, Any], profile: Profile) -> dict[str, pd.DataFrame]:
    """The layers and columns the profile's audience may see, in the order given; rasters stay behind.

    A layer leaves when its class is low enough and, with an allow list, when it is listed; of its
    columns those whose own class is low enough and that are listed. Columns no schema describes
    leave only where everything may (class restricted, no allow list). Geometry goes with its layer,
    the key stays the index: without it nothing can be joined or found again.
    """
    highest = CLASSES.index(profile.disclosure.highest)
    schemas = layer_schemas()
    selected: dict[str, pd.DataFrame] = {}
    for name, frame in layers.items():
        if not isinstance(frame, pd.DataFrame):
            continue
        schema = schemas.get(name)
        everything = profile.layers is None and highest == CLASSES.index("restricted")
        if everything:
            selected[name] = frame
            continue
        listed = ("*",) if profile.layers is None else profile.layers.get(name)
        if schema is None or listed is None or CLASSES.index(schema.disclosure) > highest:
            continue
        allowed = {
            field.name
            for field in schema.fields.values()
            if CLASSES.index(field.disclosure) <= highest and ("*" in listed or field.name in listed)
        }
        geometry = getattr(frame, "active_geometry_name", None)
        selected[name] = frame[[column for column in frame.columns if column in allowed or column == geometry]]
    return selected


# --- writing --------------------------------------------------------------------------------------


def publish_run(project: Project, run: Run, *, profile: str, lang: Lang = "zh") -> Path:
    """Publish a run of a project under ``maps/PROFILE/``; the path of the page."""
    table = project.settings.project
    return publish_profile(
        run.layers,
        read_profile(project.folder, profile),
        project.folder / "maps" / profile,
        name=profile,
        project_name=table.name,
        as_of=table.as_of,
        attribution=table.attribution,
        synthetic=table.synthetic,
        run=str(run.manifest.get("fingerprint", "")),
        lang=lang,
    )


def publish_profile(
    layers: Mapping[str, Any],
    profile: Profile,
    target: Path,
    *,
    name: str,
    project_name: str,
    as_of: date,
    attribution: str = "",
    synthetic: bool = False,
    run: str = "",
    lang: Lang = "zh",
) -> Path:
    """Write what ``profile`` lets through into the folder ``target``; the path of its page.

    Everything is written to a temporary folder beside ``target``, read back and verified, then moved
    into place; the edition before is kept as ``<target>.previous``. The same layers and profile
    give the same bytes.

    Raises
    ------
    FileError
        If ``target`` exists and was not made by this program: it is left as it is.
    DataError
        If there is nothing to draw, or what was written does not pass its own check; the edition
        in place is untouched.
    """
    previous = target.with_name(target.name + ".previous")
    for folder in (target, previous):
        require_own(folder)
    selected = select_layers(layers, profile)
    page = map_page(
        selected,
        title=profile.profile.title.replace("{project}", project_name),
        as_of=as_of,
        lang=lang,
        synthetic=synthetic,
        attribution=profile.profile.attribution or attribution,
        map_number=profile.profile.map_number,
        audience=profile.profile.audience,
        show=profile.profile.show,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f"{UNFINISHED}{target.name}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    work = target.with_name(f"{UNFINISHED}{target.name}-{os.getpid()}")
    work.mkdir()
    try:
        (work / PAGE).write_text(page, encoding="utf-8", newline="\n")
        marker = {
            "program": "gis-renovation",
            "version": __version__,
            "profile": name,
            "audience": profile.profile.audience,
            "class": profile.disclosure.highest,
            "as_of": as_of.isoformat(),
            "run": run,
            "synthetic": synthetic,
            "layers": {layer: [str(c) for c in frame.columns] for layer, frame in selected.items()},
            "files": {PAGE: sha256(work / PAGE)},
        }
        (work / MARKER).write_text(json.dumps(marker, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        require_sound(work)
        _move_into_place(work, target, previous)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return target / PAGE


def _move_into_place(work: Path, target: Path, previous: Path) -> None:
    if target.exists():
        if previous.exists():
            shutil.rmtree(previous)
        target.rename(previous)
    work.rename(target)


def require_sound(folder: Path) -> None:
    """Raise DataError with everything :func:`check_published` finds."""
    findings = check_published(folder)
    if findings:
        raise DataError(findings)


def require_own(folder: Path) -> None:
    """Raise FileError if ``folder`` exists and does not bear the mark of an edition of ours."""
    if not folder.exists() and not folder.is_symlink():
        return
    marker = _read_marker(folder)
    if marker is None and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileError(
            f"{folder} 已存在，但不是本程序发布的文件夹（没有有效的 {MARKER}），不会覆盖。请移走或改名后再发布。",
            f"{folder} exists but was not published by this program (no valid {MARKER}); it is not overwritten. "
            "Move or rename it, then publish again.",
        )


def _read_marker(folder: Path) -> dict[str, Any] | None:
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


# --- reading back ---------------------------------------------------------------------------------


def check_published(folder: Path) -> list[Finding]:
    """Everything wrong with a published folder; an empty list when it is sound.

    Checked: the mark; every file is there, unchanged and listed; no page names another host as a
    source of anything. Raises FileError if ``folder`` is no edition of ours.
    """
    marker = _read_marker(folder)
    if marker is None:
        raise FileError(
            f"{folder} 不是本程序发布的文件夹（没有有效的 {MARKER}）。",
            f"{folder} was not published by this program (no valid {MARKER}).",
        )
    findings = list(_check_files(folder, marker))
    for path in sorted(folder.rglob("*.html")):
        findings += [
            _finding(
                "outside_host",
                path.name,
                f"网页引用了外部主机 {host}；发布的网页不得向任何外部主机请求内容。",
                f"the page names the outside host {host}; a published page may ask no other host for anything.",
            )
            for host in outside_hosts(path.read_text(encoding="utf-8"))
        ]
    return findings


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
