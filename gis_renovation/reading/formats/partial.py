"""Whether a file says of itself that it is not all: the answers of services come a page at a time.

ArcGIS says ``exceededTransferLimit``, an OGC service (WFS 2, API Features) ``numberMatched`` beside
``numberReturned``, GeoServer ``totalFeatures``; an address of the next page, or of the data itself, says the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gis_renovation.reading.formats.dbf import bytes_at
from gis_renovation.reading.formats.opening import Reading

_SEEN = 2**18
_MOST_TRIED = 400
_JSON = (".geojson", ".json")
_XML = (".kml", ".gml")


def say_if_partial(path: Path, rows: int, reading: Reading) -> None:
    """Warn where the file says that there are more features than the ``rows`` it holds. O(1)."""
    suffix = path.suffix.lower()
    said = _members(path) if suffix in _JSON else _root(path) if suffix in _XML else {}
    total = next((n for n in map(_number, (said.get("numberMatched"), said.get("totalFeatures"))) if n is not None), 0)
    more = _true(said.get("exceededTransferLimit")) or _true(_inner(said).get("exceededTransferLimit"))
    if total <= rows and not more and not _next_page(said):
        return
    zh = f"共 {total:,} 个要素，此文件只有 {rows:,} 个" if total > rows else f"此文件的 {rows:,} 个要素之后还有"
    en = f"there are {total:,} features, {rows:,} in this file" if total > rows else f"more follow these {rows:,}"
    reading.say(
        "warning", "file_partial", path,
        f"文件自己写明不是全部：{zh}（服务每次给出的数量有上限，或只给出网址）。请分批下载齐全，"
        '来源卡的 path 可以写几个文件：path = ["第1批", "第2批"]。',
        f"The file itself says that it is not all: {en} (a service gives so many at a time, or only an address). "
        'Download the rest too; path in the card may name several files: path = ["part 1", "part 2"].',
    )  # fmt: skip


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if str(value).isdigit() else None


def _true(value: object) -> bool:
    return value is True or value == "true"


def _inner(said: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = said.get("properties")
    return inner if isinstance(inner, dict) else {}


def _next_page(said: Mapping[str, Any]) -> bool:
    links = said.get("links")
    listed = links if isinstance(links, list) else []
    return bool(said.get("next")) or any(isinstance(one, dict) and one.get("rel") == "next" for one in listed)


def _members(path: Path) -> dict[str, Any]:
    """The members beside ``features``, before it and after it, of a JSON object; no feature is looked into."""
    size = path.stat().st_size
    head = bytes_at(path, 0, _SEEN).decode("utf-8", errors="ignore").lstrip("\ufeff")
    tail = bytes_at(path, max(0, size - _SEEN), _SEEN).decode("utf-8", errors="ignore")
    before = [head[: m.start()] + '"_": 0}' for m in re.finditer(r'"features"\s*:\s*\[', head)]
    after = [f'{{"_": 0{tail[m.end() :]}' for m in re.finditer(r"\]", tail)][-_MOST_TRIED:]
    found: dict[str, Any] = {}
    for text in [*before[:1], *after[::-1]]:
        try:
            value = json.loads(text)
        except ValueError:
            continue
        found |= value if isinstance(value, dict) else {}
    return found


def _root(path: Path) -> dict[str, Any]:
    """The attributes of an XML file's root; for KML, whether it only names where the data lies."""
    head = bytes_at(path, 0, _SEEN).decode("utf-8", errors="ignore")
    start = re.search(r"<[A-Za-z_][^>]*>", head)
    said: dict[str, Any] = dict(re.findall(r"([A-Za-z]+)\s*=\s*[\"']([^\"']*)[\"']", start.group())) if start else {}
    if path.suffix.lower() == ".kml" and re.search(r"<(?:\w+:)?NetworkLink[\s>]", head):
        said["next"] = "NetworkLink"
    return {key: said[key] for key in ("numberMatched", "next") if key in said}
