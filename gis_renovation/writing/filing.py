"""Folders that people work in too: what is ours is renewed, what is theirs is kept and named.

A clerk edits a document, puts a scan beside it, asks for one sheet more. A record of what was written, with the
hash of every file, lies in the folder; a file that is not in it, or is no longer what was written, is a person's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gis_renovation.errors import FileError
from gis_renovation.words import Text
from gis_renovation.writing.places import UNFINISHED, mend_folder, move, new_file

RECORD = ".written-by-gis-renovation.json"
# What the new one is called where a person's file has its name.
_BESIDE = "（新生成）"


@dataclass(kw_only=True)
class Filing:
    """A folder being filled: ``work`` is where to write; afterwards what became of every file.

    All names are paths inside the folder with ``/``. ``beside`` tells for a person's file of the same name how the
    new one is called; ``changed`` are files of ours that a person changed, ``foreign`` those that are not ours.
    """

    work: Path
    written: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def remarks(self) -> list[Text]:
        """What a person should know of files that were kept; nothing where none were."""
        said = []
        if self.changed:
            said.append(
                Text(
                    "生成后被人改过的文件保留原样：{names}。",
                    "Files that someone changed after they were written were kept as they are: {names}.",
                ).fill(names=_listed(self.changed))
            )
        if self.beside:
            said.append(
                Text(
                    "同名的新文件另存为：{names}；请核对后自行取舍。",
                    "The new files of the same names were put beside them: {names}. Compare and keep what you need.",
                ).fill(names=_listed(self.beside.values()))
            )
        if self.foreign:
            said.append(
                Text(
                    "文件夹中不是本程序生成的文件，保留原样：{names}。",
                    "Files in the folder that this program did not write were kept as they are: {names}.",
                ).fill(names=_listed(self.foreign))
            )
        return said


def _listed(names: Collection[str]) -> Text:
    shown, rest = sorted(names)[:20], len(names) - 20
    more = Text(f"，另有 {rest} 个", f" and {rest} more") if rest > 0 else Text("", "")
    return Text("、".join(shown) + more.zh, ", ".join(shown) + more.en)


@contextmanager
def filed_folder(target: Path, *, standing: Callable[[str], bool] = lambda _: False) -> Iterator[Filing]:
    """Fill ``target`` anew without touching what people put or changed there.

    The block writes into ``work`` of the :class:`Filing`; when it ends well, each file moves into place by one
    rename. Files of ours that the block did not write go, but those for which ``standing`` is true of their name.
    A person's file stays byte for byte; where it has the name of a new one, the new one gets a name of its own.
    When the block raises, nothing in ``target`` has changed; a process killed between two renames leaves whole
    files, old or new, all known as ours. O(bytes of the folder), for what stands there is hashed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    mend_folder(target)
    with _scratch(target) as work:
        filing = Filing(work=work)
        yield filing
        _put_in_place(filing, target, standing)


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    work = target.parent / f"{UNFINISHED}{target.name}-{os.getpid()}"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _put_in_place(filing: Filing, target: Path, standing: Callable[[str], bool]) -> None:
    target.mkdir(exist_ok=True)
    known = _read_record(target)
    new = _files(filing.work)
    there = {name: digest for name, digest in _files(target).items() if name != RECORD}
    ours = {name for name, digest in there.items() if digest in known.get(name, ())}
    own = {name: _own_name(name, digest, there, ours) for name, digest in new.items()}
    # Until all have moved, the old and the new of each name are ours: a kill loses no knowledge.
    after = {own[name]: digest for name, digest in new.items()}
    both = {name: {*known.get(name, ()), *([after[name]] if name in after else [])} for name in {*known, *after}}
    _write_record(target, both)
    held = [place for name, place in own.items() if not _moved(filing.work / name, target / place)]
    kept = {name for name in ours - set(after) if standing(name)}
    held += [name for name in sorted(ours - set(after) - kept) if not _removed(target, name)]
    if held:
        raise _held_open(target, held)
    _write_record(target, {name: {digest} for name, digest in after.items()} | {name: {there[name]} for name in kept})
    filing.written = sorted(after)
    filing.beside = {name: place for name, place in sorted(own.items()) if name != place}
    theirs = sorted(set(there) - ours - set(after))
    filing.changed = [name for name in theirs if name in known]
    filing.foreign = [name for name in theirs if name not in known and not _of_file_managers(name)]


def _own_name(name: str, digest: str, there: Mapping[str, str], ours: Collection[str]) -> str:
    """``name``, or the first like it that no person's file has."""
    path, number = PurePosixPath(name), 1
    own = name
    while own in there and own not in ours and there[own] != digest:
        own = str(path.with_name(f"{path.stem}{_BESIDE}{'' if number == 1 else number}{path.suffix}"))
        number += 1
    return own


def _moved(source: Path, target: Path) -> bool:
    """Whether the new file is in place; not where another program holds the old one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        move(source, target)
    except PermissionError:
        return False
    return True


def _removed(target: Path, name: str) -> bool:
    """Whether a file of ours, and the folders it leaves empty, are gone; not where another program holds it."""
    try:
        (target / name).unlink()
    except PermissionError:
        return False
    for folder in (target / name).parents:
        if folder == target or any(folder.iterdir()):
            break
        folder.rmdir()
    return True


def _held_open(target: Path, names: Collection[str]) -> FileError:
    listed = _listed(names)
    return FileError(
        f"{target} 中有 {len(names)} 个文件正被别的程序占用（多半是 Word、Excel、WPS 打开着），没有更新：{listed.zh}。"
        "请关闭它们，再运行一次；其他文件已是新的。",
        f"{len(names)} files in {target} are held by another program (open in Word, Excel or WPS?) and were not "
        f"renewed: {listed.en}. Close them and run again; the others are new.",
    )


def _of_file_managers(name: str) -> bool:
    """What file managers and open documents of offices leave; nobody misses it, and none of it is deleted."""
    last = PurePosixPath(name).name
    return last in {".DS_Store", "Thumbs.db", "desktop.ini"} or last.startswith(("~$", ".~lock."))


def _files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its name inside ``folder``."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def _read_record(folder: Path) -> dict[str, list[str]]:
    """The hashes each file of ours may have; nothing where the record is missing or no record of ours."""
    try:
        told = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    files = told.get("files") if isinstance(told, dict) else None
    if not isinstance(files, dict) or not all(isinstance(hashes, list) for hashes in files.values()):
        return {}
    return files


def _write_record(folder: Path, files: Mapping[str, Collection[str]]) -> None:
    told = {"program": "gis-renovation", "files": {name: sorted(files[name]) for name in sorted(files)}}
    with new_file(folder / RECORD) as work:
        work.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
