"""A folder that people work in: what they put or changed there stays, and a refused rename loses nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gis_renovation.errors import FileError
from gis_renovation.writing import filed_folder, new_folder, places
from gis_renovation.writing.filing import RECORD


def fill(target, files, **options):
    with filed_folder(target, **options) as filing:
        for name, text in files.items():
            (filing.work / name).parent.mkdir(parents=True, exist_ok=True)
            (filing.work / name).write_text(text, encoding="utf-8")
    return filing


def held(target):
    return {
        path.relative_to(target).as_posix(): path.read_text("utf-8")
        for path in sorted(target.rglob("*"))
        if path.is_file() and path.name != RECORD
    }


def test_what_is_ours_is_renewed_and_what_is_no_longer_made_goes(tmp_path):
    target = tmp_path / "reports" / "r"
    fill(target, {"a.docx": "1", "sheets/Z1.docx": "1", "sheets/Z2.docx": "1", "old/x.docx": "1"})
    filing = fill(target, {"a.docx": "2", "sheets/Z1.docx": "2"})
    assert held(target) == {"a.docx": "2", "sheets/Z1.docx": "2"}
    assert not (target / "old").exists()
    assert (filing.changed, filing.foreign, filing.beside, filing.remarks()) == ([], [], {}, [])
    assert [path.name for path in target.parent.iterdir()] == ["r"]


def test_an_edited_document_a_clerks_own_file_and_an_earlier_sheet_stay(tmp_path):
    target = tmp_path / "r"
    fill(target, {"a.docx": "1", "b.docx": "1", "sheets/Z1.docx": "1"})
    (target / "a.docx").write_text("批注", encoding="utf-8")
    (target / "扫描件.pdf").write_text("章", encoding="utf-8")
    (target / "sheets" / "Z1 签字.pdf").write_text("章", encoding="utf-8")
    filing = fill(target, {"a.docx": "2", "b.docx": "2", "sheets/Z2.docx": "2"}, standing=lambda name: "/" in name)
    assert held(target) == {
        "a.docx": "批注", "a（新生成）.docx": "2", "b.docx": "2", "扫描件.pdf": "章", "sheets/Z1 签字.pdf": "章",
        "sheets/Z1.docx": "1", "sheets/Z2.docx": "2",
    }  # fmt: skip
    assert filing.changed == ["a.docx"]
    assert filing.beside == {"a.docx": "a（新生成）.docx"}
    assert filing.foreign == ["sheets/Z1 签字.pdf", "扫描件.pdf"]
    said = "".join(remark.zh for remark in filing.remarks())
    assert all(name in said for name in ("a.docx", "a（新生成）.docx", "扫描件.pdf"))
    # Again: the one beside is ours and renewed, the clerk's is still the clerk's.
    fill(target, {"a.docx": "3", "b.docx": "3"})
    assert held(target) == {
        "a.docx": "批注", "a（新生成）.docx": "3", "b.docx": "3", "扫描件.pdf": "章", "sheets/Z1 签字.pdf": "章"
    }  # fmt: skip


def test_a_file_that_stands_there_without_a_record_is_a_persons(tmp_path):
    target = tmp_path / "r"
    target.mkdir()
    (target / "a.docx").write_text("手写", encoding="utf-8")
    (target / "b.docx").write_text("1", encoding="utf-8")
    filing = fill(target, {"a.docx": "1", "b.docx": "1"})
    assert held(target) == {"a.docx": "手写", "a（新生成）.docx": "1", "b.docx": "1"}
    assert filing.foreign == ["a.docx"]


@pytest.mark.parametrize("record", ["", "[]", '{"files": 3}', '{"files": {"a": "x"}}', "\ud83d"])
def test_a_record_that_is_none_makes_every_file_a_persons(tmp_path, record):
    target = tmp_path / "r"
    fill(target, {"a.docx": "1"})
    (target / RECORD).write_text(record, encoding="utf-8", errors="replace")
    fill(target, {"a.docx": "2"})
    assert held(target) == {"a.docx": "1", "a（新生成）.docx": "2"}


def test_the_same_files_give_the_same_record(tmp_path):
    files = {"b.docx": "1", "a.docx": "2", "s/c.docx": "3"}
    fill(tmp_path / "x", files)
    fill(tmp_path / "y", {"b.docx": "0", "z.docx": "9"})
    fill(tmp_path / "y", dict(reversed(files.items())))
    assert (tmp_path / "x" / RECORD).read_bytes() == (tmp_path / "y" / RECORD).read_bytes()


def test_a_block_that_fails_changes_nothing(tmp_path):
    target = tmp_path / "r"
    fill(target, {"a.docx": "1"})
    before = {path: path.read_bytes() for path in target.rglob("*")}
    with pytest.raises(RuntimeError), filed_folder(target) as filing:  # noqa: PT012
        (filing.work / "a.docx").write_text("2")
        raise RuntimeError
    assert {path: path.read_bytes() for path in target.rglob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_file_that_word_holds_open_is_named_and_the_others_are_new(tmp_path, monkeypatch):
    target = tmp_path / "r"
    fill(target, {"a.docx": "1", "b.docx": "1", "c.docx": "1"})
    held_open(monkeypatch, lambda path: path.name in ("a.docx", "c.docx") and path.parent == target)
    with pytest.raises(FileError, match=r"2 个文件正被别的程序占用.*a\.docx、c\.docx"):
        fill(target, {"a.docx": "2", "b.docx": "2"})
    assert held(target) == {"a.docx": "1", "b.docx": "2", "c.docx": "1"}
    monkeypatch.undo()
    fill(target, {"a.docx": "2", "b.docx": "2"})
    assert held(target) == {"a.docx": "2", "b.docx": "2"}


def held_open(monkeypatch, is_held, *, times=10**6):
    """Renames onto or from such a path, and its deletion, are refused, ``times`` in all."""
    left = [times]

    def guarded(real):
        def call(self, *args, **kwargs):
            if left[0] and (is_held(self) or any(is_held(Path(arg)) for arg in args)):
                left[0] -= 1
                raise PermissionError(13, "held", str(self))
            return real(self, *args, **kwargs)

        return call

    monkeypatch.setattr(places.time, "sleep", lambda _: None)
    for name in ("replace", "rename", "unlink"):
        monkeypatch.setattr(Path, name, guarded(getattr(Path, name)))


# --- renames that are refused ----------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3, 6])
def test_a_rename_refused_for_a_moment_is_asked_again(tmp_path, monkeypatch, times):
    target = tmp_path / "out"
    held_open(monkeypatch, lambda path: path == target, times=times)
    with new_folder(target) as work:
        (work / "a").write_text("1")
    assert (target / "a").read_text() == "1"


@pytest.mark.parametrize("refused", range(3))
def test_a_rename_that_stays_refused_loses_nothing(tmp_path, monkeypatch, refused):
    """The n-th rename of replacing a folder fails for good: the old folder stands, now or after mending."""
    target = tmp_path / "out"
    target.mkdir()
    (target / "a").write_text("old")
    real, count = places.move, [0]

    def move(source, goal):
        count[0] += 1
        # The way back is refused too where the third is asked.
        if count[0] == refused + 1 or (refused == 2 and count[0] >= 2):
            raise PermissionError(13, "held", str(source))
        real(source, goal)

    monkeypatch.setattr(places, "move", move)
    with pytest.raises(PermissionError), new_folder(target) as work:
        (work / "a").write_text("new")
    monkeypatch.undo()
    places.mend_folder(target)
    assert (target / "a").read_text() == "old"
    with new_folder(target) as work:
        (work / "a").write_text("newer")
    assert (target / "a").read_text() == "newer"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_clearing_up_leaves_other_folders_and_living_processes_alone(tmp_path):
    target = tmp_path / "out"
    living = tmp_path / f".unfinished-out-{os.getppid()}"
    other = tmp_path / ".unfinished-out-b-1"
    dead = tmp_path / ".unfinished-out-999999999"
    for folder in (living, other, dead):
        folder.mkdir()
    with new_folder(target) as work:
        (work / "a").write_text("1")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([living.name, other.name, "out"])


def test_kills_at_random_points_leave_whole_files_that_are_known(tmp_path):
    """Forty writers are killed at random moments; every file is whole, theirs untouched, and the next filing clears up."""
    target, seed = tmp_path / "r", random.Random(7)
    fill(target, {f"s/{i}.docx": "0" * 1000 for i in range(30)})
    (target / "own.txt").write_text("mine")
    code = (
        "import sys, pathlib\nfrom gis_renovation.writing import filed_folder\nprint('ready', flush=True)\n"
        "for turn in range(1, 10**6):\n"
        "    with filed_folder(pathlib.Path(sys.argv[1])) as filing:\n"
        "        (filing.work / 's').mkdir()\n"
        "        for i in range(30):\n            (filing.work / 's' / f'{i}.docx').write_text(str(turn % 10) * 1000)\n"
    )
    for _ in range(15):
        child = subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE)
        child.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(seed.uniform(0.0, 0.15))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = held(target)
        assert found.pop("own.txt") == "mine"
        assert set(found) == {f"s/{i}.docx" for i in range(30)}
        assert all(len(text) == 1000 and len(set(text)) == 1 for text in found.values())
    filing = fill(target, {"s/0.docx": "x"})
    assert held(target) == {"own.txt": "mine", "s/0.docx": "x"}
    assert (filing.changed, filing.beside) == ([], {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r"]
    assert json.loads((target / RECORD).read_text("utf-8"))["program"] == "gis-renovation"
