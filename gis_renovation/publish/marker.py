"""The mark of an edition, ``publish.json``: what it says of itself, sealed, written and read as one record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MARKER = "publish.json"
_SEAL = "seal"


class EditionFacts(BaseModel):
    """What an edition says of itself before it is written: for whom, of what, of which day, from which run."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    program: Literal["gis-renovation"] = "gis-renovation"
    version: str = ""
    profile: str = ""
    audience: str = ""
    # Hosts of basemaps that its pages may ask.
    basemap_hosts: Sequence[str] = ()
    highest: str = Field(default="", validation_alias="class", serialization_alias="class")
    title: str = ""
    as_of: date
    run: str = ""
    synthetic: bool = False
    map_number: str = ""
    map_number_expires_on: date | None = None
    grid_m: float = 0.0
    photos: int = 0
    place: tuple[float, float, float, float] | None = None
    attribution: str = ""

    def told(self) -> dict[str, object]:
        """The facts under the names and in the order of the file."""
        return self.model_dump(mode="json", by_alias=True)


class Marker(EditionFacts):
    """The facts of an edition, and what was written: columns and rows by layer, and the SHA-256 of every file.

    ``tiled`` says of each layer cut into tiles why. Withheld counts are numbered, not named: names are for the makers.
    """

    tiled: Mapping[str, str] = {}
    layers: Mapping[str, Sequence[str]] = {}
    rows: Mapping[str, int] = {}
    withheld_counts: Mapping[str, Mapping[str, int]] = {}
    files: Mapping[str, str] = {}


def read_marker(folder: Path) -> Marker | None:
    """What an edition says of itself, or None if the folder bears no mark of ours that can be read."""
    if folder.is_symlink() or not (folder / MARKER).is_file():
        return None
    try:
        return Marker.model_validate(_said(folder))
    except (ValueError, ValidationError):
        return None


def write_marker(folder: Path, marker: Marker) -> None:
    """Seal ``marker`` and write it into the folder of its edition."""
    text = json.dumps(sealed(marker.told()), ensure_ascii=False, indent=1)
    (folder / MARKER).write_text(f"{text}\n", encoding="utf-8")


def sealed(told: Mapping[str, object]) -> dict[str, object]:
    """What a marker tells with a fingerprint of everything else it says, so that a slip in it is seen."""
    facts = {key: value for key, value in told.items() if key != _SEAL}
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    return {**facts, _SEAL: hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()}


def seal_is_broken(folder: Path) -> bool:
    """Whether the marker says other than when it was sealed; one without a seal is of before there were any."""
    told = _said(folder)
    return _SEAL in told and sealed(told) != told


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _said(folder: Path) -> dict[str, object]:
    """The file as it stands; ValueError if it is no record of any kind."""
    told = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    if not isinstance(told, dict) or told.get("program") != "gis-renovation":
        raise ValueError(MARKER)
    return told
