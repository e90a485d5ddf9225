"""Basemaps of other makers under the project's own layers: none unless a profile names one.

天地图 is known by name and needs the publisher's own key; any other source is a template of addresses
with the datum its pictures are drawn in. Of a source in GCJ-02 the pictures are shifted on the page,
the data never. No source is built in whose terms forbid such use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gis_renovation.display import plain_text, safe
from gis_renovation.errors import ConfigError, FileError
from gis_renovation.maps.encoding import BasemapBlock
from gis_renovation.words import Lang, Text

# Addresses of the public service (天地图地图API, 2019 and later: a key is required): the Web Mercator set "w".
_TIANDITU = (
    "https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}"
    "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={{key}}"
)
_KINDS: Mapping[str, tuple[str, str, Text]] = {
    "tianditu_vec": ("vec", "cva", Text("天地图 矢量", "Tianditu map")),
    "tianditu_img": ("img", "cia", Text("天地图 影像", "Tianditu imagery")),
    "tianditu_ter": ("ter", "cta", Text("天地图 地形", "Tianditu terrain")),
}
_PLACES = {"{s}", "{x}", "{y}", "{-y}", "{z}", "{key}"}


class _UnusableSourceError(ConfigError, ValueError):
    """A fault that pydantic gathers with the others, so that all are said at once."""


class Basemap(BaseModel):
    """One ``[[basemaps]]`` of a profile: ``source``, or ``name``, ``url`` and ``attribution`` of another maker.

    ``datum`` says in which coordinates the pictures are drawn: ``wgs84`` and ``cgcs2000`` fall together on a
    map, ``gcj02`` is shifted. The key is never written here: ``key_env`` names an environment variable,
    ``key_file`` a file outside the project. ``exportable`` says that the host lets its pictures be drawn
    into a saved sheet (CORS).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["", "tianditu_vec", "tianditu_img", "tianditu_ter"] = ""
    name: str = ""
    url: str = ""
    labels_url: str = ""
    datum: Literal["wgs84", "cgcs2000", "gcj02"] = "cgcs2000"
    attribution: str = ""
    subdomains: tuple[str, ...] = ()
    max_zoom: int = Field(default=18, ge=1, le=22)
    key_env: str = ""
    key_file: str = ""
    exportable: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Basemap:
        faults = _faults(self)
        if faults:
            raise _UnusableSourceError("；".join(f.zh for f in faults), "; ".join(f.en for f in faults))
        return self


def _faults(base: Basemap) -> list[Text]:
    """Everything that keeps a basemap from being used, in words."""
    if base.source:
        own = [key for key in ("url", "labels_url", "subdomains") if getattr(base, key)]
        said = ", ".join(own)
        return [Text(f"写了 source 就不要再写 {said}", f"with source, leave out {said}")] if own else []
    missing = [key for key in ("name", "url", "attribution") if not getattr(base, key)]
    faults = [
        Text(f"缺少 {', '.join(missing)}（或改写 source）", f"{', '.join(missing)} missing (or give source)")
    ] * bool(missing)
    for key in ("url", "labels_url"):
        url = getattr(base, key)
        if url:
            faults += [Text(f"{key}：{f.zh}", f"{key}: {f.en}") for f in _url_faults(url)]
    return faults


def _url_faults(url: str) -> list[Text]:
    faults = []
    if not re.fullmatch(r"https?://(?:[\w-]*\{s\}[\w-]*\.)?[\w.-]+(?::\d+)?/[^\s\"'<>`\\;,]*", url):
        faults.append(
            Text(
                "应为 https://主机/路径，主机名写全（只有开头可用 {s}）",
                "must be https://host/path with the host in full (only its start may be {s})",
            )
        )
    if not {"{z}", "{x}"} <= set(re.findall(r"\{[^}]*\}", url)) or not ("{y}" in url or "{-y}" in url):
        faults.append(Text("应含 {z}、{x}、{y}", "must hold {z}, {x} and {y}"))
    if unknown := sorted(set(re.findall(r"\{[^}]*\}", url)) - _PLACES):
        known = "{s} {x} {y} {-y} {z} {key}"
        said = " ".join(unknown)
        faults.append(Text(f"不认识 {said}；可用 {known}", f"unknown {said}; known: {known}"))
    if re.search(r"[?&](?:tk|ak|key|token|access_token)=(?!\{key\})[^&]+", url, re.IGNORECASE):
        faults.append(
            Text(
                "密钥不写在配置里：此处写 {key}，密钥放在 key_env 所指的环境变量或 key_file 所指的文件",
                "no key stands in a profile: write {key} here and put the key where key_env or key_file says",
            )
        )
    return faults


class PageBasemaps(NamedTuple):
    """What a page gets: sources ready for its script, the hosts its policy opens, and what was left out and why."""

    sources: list[BasemapBlock]
    hosts: list[str]
    left_out: list[Text]


NO_BASEMAPS = PageBasemaps([], [], [])


def page_basemaps(
    basemaps: Iterable[Basemap], environ: Mapping[str, str], *, single: bool, lang: Lang = "zh"
) -> PageBasemaps:
    """The basemaps of a profile for one page.

    ``environ`` are the environment's variables. A source whose key is not there is left out, and so is
    every source with a key of a page that is a single file to hand on (``single``): the page then shows
    the project's own layers, and ``left_out`` says why. On a site the key is public by nature, as the
    browser sends it: restrict it to the site's domain with its maker.
    """
    sources, hosts, left_out = [], set(), []
    for base in basemaps:
        urls = _addresses(base)
        name = base.name or _KINDS[base.source][2].in_language(lang)
        if any("{key}" in url for url in urls):
            reason = _key_missing(base, environ, name, single=single)
            if reason:
                left_out.append(reason)
                continue
            urls = [url.replace("{key}", _key(base, environ)) for url in urls]
        subdomains = list(base.subdomains) or (list("01234567") if base.source else ["a"])
        hosts |= {host for url in urls for host in _hosts(url, subdomains)}
        sources.append(_source(base, name, urls, subdomains))
    return PageBasemaps(sources, sorted(hosts), left_out)


def _addresses(base: Basemap) -> list[str]:
    if base.source:
        return [_TIANDITU.format(layer=layer) for layer in _KINDS[base.source][:2]]
    return [url for url in (base.url, base.labels_url) if url]


def _source(base: Basemap, name: str, urls: Sequence[str], subdomains: list[str]) -> BasemapBlock:
    note = base.attribution or "天地图（国家地理信息公共服务平台）"
    return {
        "id": base.source or plain_text(name),
        "name": plain_text(name),
        "url": urls[0],
        "labels": urls[1] if len(urls) > 1 else "",
        "gcj02": base.datum == "gcj02",
        "attribution": safe(note),
        "note": plain_text(note),
        "subdomains": subdomains,
        "max_zoom": base.max_zoom,
        "exportable": base.exportable,
    }


def _key_missing(base: Basemap, environ: Mapping[str, str], name: str, *, single: bool) -> Text | None:
    if single:
        return Text(
            f"底图“{name}”需要密钥，单个文件会把密钥一起传出去，已不含此底图；需要底图请发布为文件夹。",
            f"The basemap {name} needs a key, which a single file would carry along: it is left out. Publish a folder.",
        )
    if _key(base, environ):
        return None
    where = base.key_file or _key_variable(base)
    return Text(
        f"底图“{name}”没有密钥（{where}），地图只用本项目图层。",
        f"The basemap {name} has no key ({where}): the map shows the project's own layers only.",
    )


def _key_variable(base: Basemap) -> str:
    return base.key_env or ("TIANDITU_KEY" if base.source else "BASEMAP_KEY")


def _key(base: Basemap, environ: Mapping[str, str]) -> str:
    """The key, fit for an address; empty when there is none. Raises on a key that is none."""
    if base.key_file:
        path = Path(base.key_file).expanduser()
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    else:
        text = environ.get(_key_variable(base), "")
    key = text.strip()
    if key and not re.fullmatch(r"[\w.-]+", key, re.ASCII):
        where = base.key_file or _key_variable(base)
        raise FileError(
            f"{where} 里的底图密钥含有字母、数字、点、横线以外的字符，请核对。",
            f"The basemap key in {where} holds characters other than letters, digits, dots and dashes.",
        )
    return key


def _hosts(url: str, subdomains: Sequence[str]) -> list[str]:
    """The origins a template asks, for the page's policy: scheme, host and port, no wild cards."""
    origin = re.match(r"https?://[^/]+", url)
    return [origin.group(0).replace("{s}", s) for s in subdomains] if origin else []
