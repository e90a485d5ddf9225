"""What the editions of a project said of each count, kept beside their folders so that two together tell nothing."""

from __future__ import annotations

import json
from pathlib import Path

from gis_renovation.errors import FileError
from gis_renovation.publish.disclosure.counts import Shown, merged_records
from gis_renovation.writing import new_file


def counts_before(target: Path) -> Shown:
    """What earlier editions said of each count, those of the project's other public profiles included.

    Raises FileError if a record cannot be read: guessing would leak.
    """
    beside = target.parent.glob("*.counts.json")
    return merged_records(
        _record(path) for path in sorted(beside, key=lambda path: (path == _counts_file(target), path))
    )


def write_counts(target: Path, said: Shown) -> None:
    """Beside the folder, for the next edition; it holds what was public, and no withheld value."""
    with new_file(_counts_file(target)) as work:
        text = json.dumps(said, ensure_ascii=False, indent=0, sort_keys=True)
        work.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _counts_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.counts.json")


def _record(path: Path) -> Shown:
    try:
        said: Shown = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise FileError(
            f"{path} 无法读取。它记录历次公开和不公开的户数，用来防止两期对比反推；请从备份恢复，或确认后删除。",
            f"{path} cannot be read. It records which counts were shown and withheld, so that two editions together "
            "tell nothing; restore it from a backup, or delete it knowingly.",
        ) from None
    return said
