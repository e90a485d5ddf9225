"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def final_name(path: str) -> str:
    """The path a person asked to be written, from that of its unfinished stand-in; any other path as it is."""

    def meant(part: str) -> str:
        name = part.removeprefix(UNFINISHED)
        folder = re.fullmatch(r"(.+?)(?:-old)?-\d+", name)
        return part if name == part else folder[1] if folder else re.sub(r"^\d+-", "", name)

    return "".join(meant(part) for part in re.split(r"([/\\])", path))


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A temporary sibling of ``target`` to fill; moved into place when the block ends well.

    An existing ``target`` is replaced in two renames, never emptied first, and stands again where the second is
    refused. When the block raises, the temporary folder is removed and ``target`` is untouched. A folder that a
    killed process left half moved is put right first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    mend_folder(target)
    work, old = (target.parent / f"{UNFINISHED}{target.name}-{mark}{os.getpid()}" for mark in ("", _OLD))
    work.mkdir()
    try:
        yield work
        if not target.exists():
            move(work, target)
            return
        move(target, old)
        try:
            move(work, target)
        except OSError:
            move(old, target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def mend_folder(target: Path) -> None:
    """Put right what killed processes left beside ``target``: what it held stands again, unfinished work goes.

    Work of a process that still lives is left alone.
    """
    left = re.compile(re.escape(f"{UNFINISHED}{target.name}-") + rf"({_OLD})?(\d+)")
    found = [(path, told) for path in sorted(target.parent.iterdir()) if (told := left.fullmatch(path.name))]
    stale = [(path, bool(told[1])) for path, told in found if not _lives(int(told[2]))]
    for path, was_target in stale:
        if was_target and not target.exists():
            move(path, target)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _lives(process: int) -> bool:
    """Whether another process of this number runs; on Windows, where asking could end it, none is taken to."""
    if os.name == "nt" or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def move(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target``, over a file that stands there; asked again for two seconds where refused.

    On Windows a scanner or an indexer holds a new file for a moment, and a rename is refused meanwhile. Raises
    OSError where it stays refused; both are then as they were.
    """
    for wait in (*_WAITS_S, None):
        try:
            source.replace(target)
        except PermissionError:
            if wait is None:
                raise
            time.sleep(wait)
        else:
            return


# Two seconds in all.
_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.5, 0.75)
_OLD = "old-"


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A temporary sibling of ``target`` to write; moved over it in one step when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f"{UNFINISHED}{os.getpid()}-{target.name}")
    try:
        yield work
        move(work, target)
    finally:
        work.unlink(missing_ok=True)


UNFINISHED = ".unfinished-"


# No library takes any part of such a path for an archive, an address, a question or a wildcard.
_PLAIN = re.compile(r"[^:!;?#%*\"<>|]*")


def is_plain(path: Path) -> bool:
    """Whether every library that is given the path as text reads it as a path and nothing else."""
    # With a drive letter in front none of them looks for more.
    return os.name == "nt" or _PLAIN.fullmatch(str(path)) is not None


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of our own for as long as the block takes, by a plain path wherever there is one."""
    places = (Path(tempfile.gettempdir()), *map(Path, ("/tmp", "/var/tmp", "/dev/shm")))  # noqa: S108 - made by tempfile
    found = (place for place in places if is_plain(place) and place.is_dir() and os.access(place, os.W_OK))
    with tempfile.TemporaryDirectory(prefix="gis-renovation-", dir=next(found, None)) as folder:
        yield Path(folder)
