"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
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

    An existing ``target`` is replaced in two renames, never emptied first. When the block raises,
    the temporary folder is removed and ``target`` is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f"{UNFINISHED}{target.name}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    work = target.parent / f"{UNFINISHED}{target.name}-{os.getpid()}"
    work.mkdir()
    try:
        yield work
        if target.exists():
            old = target.parent / f"{UNFINISHED}{target.name}-old-{os.getpid()}"
            target.rename(old)
            work.rename(target)
            shutil.rmtree(old)
        else:
            work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A temporary sibling of ``target`` to write; moved over it in one step when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f"{UNFINISHED}{os.getpid()}-{target.name}")
    try:
        yield work
        work.replace(target)
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
