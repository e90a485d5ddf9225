"""Editions in place: moved in whole, the one before kept and brought back, and a log of who did it.

A published folder ``maps/NAME`` has its previous edition beside it as ``maps/NAME.previous``. Both
publishing and restoring are renames of whole folders; a run that was killed between two of them is
put right by the next command (:func:`mend_interrupted`), so that an edition is never lost or mixed.
"""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gis_renovation.errors import DataError, FileError, Finding
from gis_renovation.publish.marker import MARKER, read_marker, sha256
from gis_renovation.publish.verify import LOG, check_files, check_marker, check_published
from gis_renovation.words import Text
from gis_renovation.writing import move, new_file

# Folders that exist only between two renames: the edition before the last one while a new one
# moves in, and the present one while it changes places with the previous.
_OLDER, _SWAPPED = ".older-", ".swapped-"


def previous_of(target: Path) -> Path:
    """Where the edition before ``target`` lies."""
    return target.with_name(f"{target.name}.previous")


def require_own(folder: Path) -> None:
    """Raise FileError if ``folder`` exists and does not bear the mark of an edition of ours."""
    if not folder.exists() and not folder.is_symlink():
        return
    marker = read_marker(folder)
    if marker is None and not (folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())):
        raise FileError(
            f"{folder} 已存在，但不是本程序发布的文件夹（没有有效的 {MARKER}），不会覆盖。请移走或改名后再发布。",
            f"{folder} exists but was not published by this program (no valid {MARKER}); it is not overwritten. "
            "Move or rename it, then publish again.",
        )


# What file managers leave in every folder they open; nobody misses it.
_OF_FILE_MANAGERS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def require_nothing_foreign(target: Path) -> list[Finding]:
    """A warning if files of the edition ``target``, which the next one replaces, were changed or are missing.

    Raises FileError, naming them, if files that people put there lie in it or in the edition before it:
    both folders are replaced whole, and those files would be lost. What was changed is of our own
    making: the next edition is whole again, but this one cannot be restored. O(bytes of both).
    """
    found = {
        folder: [*check_marker(folder), *check_files(folder, marker)]
        for folder in (target, previous_of(target))
        if (marker := read_marker(folder)) is not None
    }
    foreign = [
        f"{folder.name}/{finding.file}"
        for folder, findings in found.items()
        for finding in findings
        if finding.code == "foreign_file" and Path(finding.file).name not in _OF_FILE_MANAGERS
    ]
    if foreign:
        zh, en = _listed(foreign)
        raise FileError(
            f"{target.parent} 中有 {len(foreign)} 个文件不是本程序发布的：{zh}。发布要整个替换文件夹，它们会随之丢失，"
            "所以没有发布，什么也没动。请把它们移到 maps 以外的文件夹，再发布。",
            f"{target.parent} holds {len(foreign)} files this program did not publish: {en}. Publishing replaces the "
            "folder whole and they would be lost, so nothing was published or changed. Move them to a folder outside "
            "maps, then publish again.",
        )
    names = [f.file for f in found.get(target, []) if f.code != "foreign_file"]
    return [_changed(target, names)] if names else []


def _changed(target: Path, names: Sequence[str]) -> Finding:
    zh, en = _listed(names)
    return Finding(
        severity="warning",
        code="edition_changed",
        layer="",
        file=target.name,
        text=Text(
            f"现有的一版 {target.name} 发布后有 {len(names)} 个文件被改动或缺失：{zh}。新的一版照常发布；"
            "换下的这一版与发布时不同，不能再用 --restore 恢复。",
            f"{len(names)} files of the present edition {target.name} were changed or are missing: {en}. The new "
            "edition goes ahead; the one it replaces is not what was published and cannot be brought back with "
            "--restore.",
        ),
    )


def _listed(names: Sequence[str]) -> Text:
    """The first twenty names and how many there are beside them."""
    rest = len(names) - 20
    zh, en = "、".join(names[:20]), ", ".join(names[:20])
    return Text(zh, en) if rest <= 0 else Text(f"{zh}，另有 {rest} 个", f"{en} and {rest} more")


def put_in_place(work: Path, target: Path) -> None:
    """Make the finished folder ``work`` the edition ``target``; the one there becomes the previous one.

    The last step is one rename. Only when it is done is the edition before the previous one deleted.
    """
    previous, older = previous_of(target), target.with_name(_OLDER + target.name)
    try:
        if target.exists():
            if previous.exists():
                move(previous, older)
            move(target, previous)
        move(work, target)
    except OSError:
        mend_interrupted(target)
        raise
    shutil.rmtree(older, ignore_errors=True)


def restore_previous(target: Path) -> None:
    """Bring the previous edition back; the present one becomes the previous one, so it can be undone the same way.

    Raises FileError if there is no previous edition or a folder is not ours, DataError if the
    previous edition was changed since it was published; nothing has moved then.
    """
    mend_interrupted(target)
    previous, swapped = previous_of(target), target.with_name(_SWAPPED + target.name)
    if not (previous / MARKER).is_file():
        raise FileError(
            f"{target} 没有上一版可恢复（{previous.name} 不存在）。上一版在第二次发布后才有。",
            f"{target} has no previous edition to restore ({previous.name} does not exist). There is one after "
            "publishing a second time.",
        )
    for folder in (target, previous):
        require_own(folder)
    _require_sound_previous(previous)
    try:
        if target.exists():
            move(target, swapped)
        move(previous, target)
    except OSError:
        mend_interrupted(target)
        raise
    if swapped.exists():
        move(swapped, previous)


def _require_sound_previous(previous: Path) -> None:
    findings = check_published(previous)
    if findings:
        raise DataError(
            [
                Finding(
                    severity="error",
                    code="previous_changed",
                    layer="",
                    file=previous.name,
                    text=Text(
                        f"指的是保留的上一版（{previous.name}），不是现在公开的一版：它在被换下之前或之后有改动，"
                        "不能恢复，现有一版没有动。需要旧内容时，用当时的数据重新发布。",
                        f"this is about the edition kept from before ({previous.name}), not the present one: it was "
                        "changed before or after it was replaced and cannot be restored; the present one is as it "
                        "was. To have the old content again, publish the data of then.",
                    ),
                ),
                *(replace(finding, file=f"{previous.name}/{finding.file}") for finding in findings),
            ]
        )


def mend_interrupted(target: Path) -> None:
    """Put editions right that a killed run left between two renames. Does nothing when all is in place.

    A publication that did not get its new edition in is undone; a restoration that did is finished.
    """
    previous = previous_of(target)
    older, swapped = (target.with_name(mark + target.name) for mark in (_OLDER, _SWAPPED))
    if not target.exists():
        if swapped.exists():
            move(swapped, target)
        elif (previous / MARKER).is_file():
            move(previous, target)
    if not previous.exists():
        for waiting in (swapped, older):
            if waiting.exists():
                move(waiting, previous)
                break
    shutil.rmtree(older, ignore_errors=True)


def log_edition(
    target: Path,
    action: str,
    *,
    by: str = "",
    on: datetime.date | None = None,
    minimum_count: int | None = None,
) -> None:
    """Add a line to ``publish-log.jsonl`` beside the folder ``target``: who did what, from which run.

    ``minimum_count`` is the k of a public edition. The log is the one file of this program that is not a
    function of its input: without ``on`` its time is the one the file system gives the log file. It lies
    outside the public folder, and names nothing that was withheld.
    """
    marker = read_marker(target)
    told = marker.told() if marker else {}
    path = target.with_name(LOG)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    with new_file(path) as work:
        work.write_text(before, encoding="utf-8", newline="\n")
        stamp = datetime.datetime.fromtimestamp(int(work.stat().st_mtime), tz=datetime.UTC)
        line = {
            "action": action,
            "profile": target.name,
            "by": by or None,
            "on": on.isoformat() if on else stamp.isoformat().replace("+00:00", "Z"),
            **{key: told.get(key) for key in ("audience", "as_of", "run", "version", "map_number")},
            "edition": sha256(target / MARKER) if marker else None,
            **({} if minimum_count is None else {"minimum_count": minimum_count}),
        }
        with work.open("a", encoding="utf-8", newline="\n") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")
