"""What the documents for different readers share: the limits, and looking things up in layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from gis_renovation.unknowns import name_or_id, names_or_ids
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    from gis_renovation.writing import Paper

Layers = Mapping[str, Any]

SEVERITIES: Mapping[str, Text] = {
    "error": Text("错误", "error"),
    "warning": Text("警告", "warning"),
    "note": Text("说明", "note"),
}

# A sheet for each zone, site or candidate is meant to be read; beyond this the workbook has them all.
SHEETS_MAX = 300


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One document of a folder of them: its file's name without ending, content, workbook, map and who signs."""

    file: str
    title: Text
    body: Callable[[Paper], None]
    tables: Mapping[str, pd.DataFrame]
    picture: bytes
    picture_width_cm: float
    signs: tuple[Text, ...]


def file_names(ids: Iterable[str]) -> list[str]:
    """A name of a file for each id, safe on every system; a number tells apart what would be the same."""
    names: list[str] = []
    taken: set[str] = set()
    for key in ids:
        plain = re.sub(r"[^\w-]+", "_", str(key)).strip("_")[:80] or "_"
        # Windows keeps some names for itself, and takes A and a for the same.
        plain = f"_{plain}" if re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", plain) else plain
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def in_language(lang: Lang, *texts: tuple[str, str]) -> list[str]:
    """(Chinese, English) pairs as a row of words, such as a table's header."""
    return [Text(*text).in_language(lang) for text in texts]


def known_values(frame: pd.DataFrame, name: str) -> pd.Series:
    """The column, or one of unknown values where the layer has none."""
    return frame[name] if name in frame else pd.Series(None, index=frame.index, dtype="object")


def community_names(communities: pd.DataFrame) -> dict[str, str]:
    """What to call each id; communities that share a name have the id beside it, one without is its id alone."""
    names = names_or_ids(communities)
    repeated = names.duplicated(keep=False)
    return {
        str(key): f"{name}（{key}）" if twice and name != str(key) else name
        for key, name, twice in zip(communities.index, names, repeated, strict=True)
    }


def titled(name: object, key: str) -> tuple[str, str]:
    """A heading with name and id, Chinese and English; the id alone where there is no name."""
    called = name_or_id(name, key)
    return (called, called) if called == key else (f"{called}（{key}）", f"{called} ({key})")
