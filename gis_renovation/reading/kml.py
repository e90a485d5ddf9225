"""Attributes of KML placemarks that its driver passes over: free ``Data`` beside a typed schema, display names.

Documents edited in several programs mix both ways of writing attributes; the driver then gives the typed ones only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


@dataclass
class Placemarks:
    """Attributes of the placemarks by the folder they lie in, in the order written; other names of attributes."""

    rows: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def read_placemarks(path: Path) -> Placemarks:
    """The extended data of a KML file, one element in memory at a time; empty if it is no XML."""
    found = Placemarks()
    folders: list[list[str]] = []
    try:
        for event, element in ElementTree.iterparse(path, events=("start", "end")):  # noqa: S314 - checked by the caller
            tag = element.tag.rpartition("}")[2]
            if tag in ("Folder", "Document"):
                folders.append([""]) if event == "start" else folders.pop()
            elif event == "start":
                continue
            elif tag == "name" and folders and not folders[-1][0]:
                folders[-1][0] = (element.text or "").strip()
            elif tag == "SimpleField":
                _alias(element, found.aliases)
            elif tag == "Placemark":
                where = folders[-1][0] if folders else ""
                found.rows.setdefault(where, []).append(_attributes(element, found.aliases))
                element.clear()
    except ElementTree.ParseError:
        return Placemarks()
    return found


def _attributes(placemark: ElementTree.Element, aliases: dict[str, str]) -> Mapping[str, str]:
    values = {}
    for one in placemark.iter():
        tag, name = one.tag.rpartition("}")[2], one.get("name", "")
        if tag == "SimpleData" and name:
            values[name] = one.text or ""
        elif tag == "Data" and name:
            _alias(one, aliases)
            values[name] = next((c.text or "" for c in one if c.tag.rpartition("}")[2] == "value"), "")
    return values


def _alias(element: ElementTree.Element, aliases: dict[str, str]) -> None:
    shown = next((c.text or "" for c in element if c.tag.rpartition("}")[2] == "displayName"), "").strip()
    if shown and shown != element.get("name"):
        aliases.setdefault(element.get("name", ""), shown)


def with_attributes(frame: Any, layer: str, placemarks: Placemarks) -> tuple[Any, list[str]]:
    """The frame with the attributes its driver left out, and the names of those that could not be placed."""
    import pandas as pd

    only = len(placemarks.rows) == 1
    rows = next(iter(placemarks.rows.values())) if only else placemarks.rows.get(layer, [])
    missing = [name for name in dict.fromkeys(n for row in rows for n in row) if name not in frame.columns]
    if missing and len(rows) != len(frame):
        return frame, missing
    added = {
        name: pd.Series([row.get(name) or None for row in rows], index=frame.index, dtype="str") for name in missing
    }
    return frame.assign(**added), []
