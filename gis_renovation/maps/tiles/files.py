"""An archive of tiles on its way: in the page, or in files beside it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

from gis_renovation.errors import DataError, Finding
from gis_renovation.words import Text

# A single page of more than this is refused by mail and chat programs; the tiles are then files beside it.
SINGLE_LIMIT_BYTES = 20_000_000

# Pages opened from a disk cannot read a file, only run one: the archive again, as scripts of this size.
PART_BYTES = 3_000_000

FOLDER = "tiles"


def file_stem(name: str) -> str:
    """The layer's name where it is a plain word, as all of ours are; else one made from its bytes."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return f"layer-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:12]}"


def tile_files(name: str, archive: bytes) -> list[tuple[str, bytes]]:
    """The archive for hosts that serve byte ranges, and again in scripts for disks and hosts that do not."""
    stem = file_stem(name)
    files = [(f"{FOLDER}/{stem}.pmtiles", archive)]
    for part, start in enumerate(range(0, len(archive), PART_BYTES)):
        text = base64.b64encode(archive[start : start + PART_BYTES]).decode("ascii")
        code = f'tilePart("{stem}",{part},"{text}");\n'
        files.append((f"{FOLDER}/{stem}.{part:03d}.pm.js", code.encode("ascii")))
    return files


def require_small(page: str, archives: Mapping[str, bytes], *, photos_bytes: int = 0) -> None:
    """Raise DataError if a single page is larger than 20 MB, saying what takes the room."""
    size = len(page.encode("utf-8"))
    if size <= SINGLE_LIMIT_BYTES:
        return
    parts = sorted(((len(archive) * 4 / 3, name) for name, archive in archives.items()), reverse=True)
    listed = "、".join(f"{name} {share / 1e6:.1f} MB" for share, name in parts) or "—"
    listed_en = f"{listed.replace('、', ', ')}; photos {photos_bytes / 1e6:.1f} MB"
    listed += f"；照片 {photos_bytes / 1e6:.1f} MB"
    limit = SINGLE_LIMIT_BYTES // 1_000_000
    raise DataError(
        [
            Finding(
                severity="error",
                code="page_too_large",
                layer="",
                text=Text(
                    f"单个网页文件将有 {size / 1e6:.1f} MB，超过 {limit} MB（其中瓦片：{listed}）。"
                    "请不加 --single 发布为文件夹，或在发布配置中减少图层、照片。",
                    f"A single page would have {size / 1e6:.1f} MB, above {limit} MB (of it tiles: {listed_en}). "
                    "Publish a folder (without --single), or fewer layers or photos.",
                ),
            )
        ]
    )
