"""Scripts and style sheets as they stand in a page: whole, and without the name of another host."""

from __future__ import annotations

import base64
import re
from functools import lru_cache

from gis_renovation.shipped import shipped


@lru_cache(maxsize=32)
def asset_js(name: str) -> str:
    """A vendored or own script, ready to stand in a page: it ends no element and names no host."""
    text = _asset(name).decode("utf-8")
    text = re.sub(r"//# sourceMappingURL=\S*", "", text)
    # Leaflet's prefix links to its home page and carries a flag, the tile library names its makers' pages:
    # ours are set to plain names, and no address of another host stands in the page. Namespaces are names only.
    text = re.sub(r"https?://(?!www\.w3\.org/)[^\s\"'`)]*", "#", text)
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


# The page's own script, by theme, in the order in which its parts stand in the page and read the address.
PAGE_SCRIPTS = (
    "words", "shapes", "painted", "plan", "state", "search", "table", "county", "rates", "schemes", "months", "swipe",
    "names", "geodesy", "base", "tools", "print", "share", "cards",
)  # fmt: skip


@lru_cache(maxsize=4)
def page_script(*, tiled: bool = False, guests: bool = False) -> str:
    """The page's own script: the files of ``assets/page`` in one closed scope.

    Those for tiles only where a layer has them, those for guests where people may add elements of folium.
    Indents and comments that begin a line stay behind: every page would carry them.
    """
    names = (*PAGE_SCRIPTS, *(["tiles"] if tiled else []), *(["guests"] if guests else []))
    parts = "\n".join(asset_js(f"page/{name}.js") for name in names)
    parts = re.sub(r"^\s*/\*.*?\*/$|^[ \t]+", "", parts, flags=re.MULTILINE | re.DOTALL)
    parts = re.sub(r"\n+", "\n", parts)
    return f'(function () {{\n"use strict";\n{parts}}}());\n'


@lru_cache(maxsize=32)
def asset_css(name: str) -> str:
    """A vendored or own style sheet with its pictures inside."""
    folder = name.rpartition("/")[0]

    def inline(match: re.Match[str]) -> str:
        path = match.group(1).strip("'\"")
        if path.startswith(("data:", "#")):
            return match.group(0)
        data = base64.b64encode(_asset(f"{folder}/{path}" if folder else path)).decode("ascii")
        return f"url(data:image/png;base64,{data})"

    # Comments go: some name the addresses of bug reports, and a page names no other host.
    text = re.sub(r"/\*.*?\*/", "", _asset(name).decode("utf-8"), flags=re.DOTALL)
    return re.sub(r"url\(([^)]+)\)", inline, text)


def _asset(name: str) -> bytes:
    place = shipped("assets")
    for part in name.split("/"):
        place = place / part
    return place.read_bytes()
