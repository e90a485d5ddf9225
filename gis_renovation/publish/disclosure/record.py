"""What the editions of a project said, kept beside their folders so that all of them together tell nothing.

Readers keep what they were once shown. So every number of every edition stays on record for ever: each
count, shown or withheld, and each sum over communities as an equation over their ids, also when a
community has left the list since, became another or is unknown today. It holds what was public, and the ids of what was
withheld; no withheld value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from gis_renovation.errors import FileError
from gis_renovation.writing import new_file

# What earlier editions said of each count: layer -> column -> key -> the number shown, None where withheld.
Shown = Mapping[str, Mapping[str, Mapping[str, float | None]]]
HOUSEHOLDS = ("communities", "households")
SUFFIX = ".counts.json"


class Place(NamedTuple):
    """How readers know a community again: its name and shape as published (WKB, degrees); empty where not shown.

    ``drawn`` is a fingerprint of the shape as surveyed: it tells whether that is still the same, and no corner.
    """

    name: str = ""
    shape: str = ""
    drawn: str = ""


class Link(NamedTuple):
    """Communities that became others: renamed, merged, split. What the one had the other has, taken together."""

    before: tuple[str, ...]
    after: tuple[str, ...]


class Record(BaseModel):
    """Everything the editions so far told of counts.

    ``sums`` are the sums of withheld communities that readers can compute, by sorted ids; ``links`` which
    communities became which; ``small`` those whose count was once too small to tell, None where no
    edition noted it; ``places`` how each looked; ``editions`` the marks (SHA-256) of the editions covered.
    """

    model_config = ConfigDict(frozen=True)

    said: Shown = {}
    sums: Mapping[tuple[str, ...], float] = {}
    links: tuple[Link, ...] = ()
    small: frozenset[str] | None = frozenset()
    places: Mapping[str, Place] = {}
    editions: tuple[str, ...] = ()

    def households(self) -> Mapping[str, float | None]:
        """What was said last of each community's households."""
        layer, column = HOUSEHOLDS
        return self.said.get(layer, {}).get(column, {})


def counts_file(target: Path) -> Path:
    """Where the record of the edition in ``target`` lies."""
    return target.with_name(f"{target.name}{SUFFIX}")


def record_files(maps: Path) -> dict[str, Path]:
    """The records in a folder of editions, by profile."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(maps.glob(f"*{SUFFIX}"))}


def read_record(path: Path) -> Record:
    """A record as it was written. Raises FileError if it cannot be read or was changed since: guessing would leak."""
    try:
        return _as_record(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        raise FileError(
            f"{path} 无法读取或已被改动。它记录历次公开和不公开的户数，用来防止几期对比反推，所以没有发布；"
            "请从备份恢复，或移走它，再用 gis-renovation rebuild-counts 由保留的各期重建。",
            f"{path} cannot be read or was changed. It records which counts were shown and withheld, so that editions "
            "together tell nothing; nothing was published. Restore it from a backup, or move it away and rebuild it "
            "from the editions kept: gis-renovation rebuild-counts.",
        ) from None


def write_record(target: Path, record: Record) -> None:
    """Beside the folder, for the next edition; sealed, so that a slip in it is seen."""
    told: dict[str, Any] = {
        "version": 2,
        "said": record.said,
        "sums": [{"ids": list(ids), "sum": total} for ids, total in sorted(record.sums.items())],
        "links": [{"before": list(link.before), "after": list(link.after)} for link in sorted(record.links)],
        "small": None if record.small is None else sorted(record.small),
        "places": {key: list(place) for key, place in sorted(record.places.items())},
        "editions": list(record.editions),
    }
    with new_file(counts_file(target)) as work:
        text = json.dumps({**told, "seal": _seal(told)}, ensure_ascii=False, indent=0, sort_keys=True)
        work.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def merged(records: Iterable[Record]) -> Record:
    """What several public profiles of one project said, as one record: a reader has all of them.

    What any of them withheld stays withheld; a community's count that another one showed is kept as a
    sum over that community alone, for nothing can hide behind it. Where they say a number differently,
    the last one's counts.
    """
    said: dict[str, dict[str, dict[str, float | None]]] = {}
    sums: dict[tuple[str, ...], float] = {}
    places: dict[str, Place] = {}
    links: dict[Link, None] = {}
    small: set[str] | None = set()
    for record in records:
        sums |= {**record.sums, **_merge_said(said, record.said)}
        links |= dict.fromkeys(record.links)
        places |= {key: place for key, place in record.places.items() if any(place) or key not in places}
        small = None if small is None or record.small is None else small | record.small
    return Record(
        said=said,
        sums=sums,
        links=tuple(sorted(links)),
        small=None if small is None else frozenset(small),
        places=places,
    )


def _merge_said(said: dict[str, dict[str, dict[str, float | None]]], more: Shown) -> dict[tuple[str, ...], float]:
    """Add ``more`` to ``said``; the communities' counts that one of them showed and the other withheld."""
    known: dict[tuple[str, ...], float] = {}
    for layer, columns in more.items():
        for column, cells in columns.items():
            own = said.setdefault(layer, {}).setdefault(column, {})
            for key, number in cells.items():
                other = own.get(key, number)
                shown = number if other is None else other
                if (other is None) != (number is None) and (layer, column) == HOUSEHOLDS and shown is not None:
                    known[(key,)] = shown
                own[key] = None if other is None else number
    return known


def _as_record(told: Mapping[str, Any]) -> Record:
    """The record that a file tells; ValueError where its seal is broken."""
    if "version" not in told:
        return _of_first_version(told)
    if told.get("seal") != _seal(told):
        raise ValueError(told.get("seal"))
    return Record(
        said=told["said"],
        sums={tuple(each["ids"]): float(each["sum"]) for each in told["sums"]},
        links=tuple(Link(tuple(each["before"]), tuple(each["after"])) for each in told["links"]),
        small=None if told["small"] is None else frozenset(told["small"]),
        places={key: Place(*place) for key, place in told["places"].items()},
        editions=tuple(told["editions"]),
    )


def _of_first_version(told: Mapping[str, Any]) -> Record:
    """A record of before there were seals: sums stood among what was said, and nobody noted which were small."""
    said = {layer: columns for layer, columns in told.items() if layer != "sums"}
    sums = told.get("sums", {}).get("households", {})
    return Record(said=said, sums={tuple(sorted(json.loads(ids))): total for ids, total in sums.items()}, small=None)


def _seal(told: Mapping[str, object]) -> str:
    text = json.dumps({key: value for key, value in told.items() if key != "seal"}, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
