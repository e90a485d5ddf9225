"""The edition before is kept, comes back in one step, survives a kill between two renames; a log says who did it."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from gis_renovation.cli import commands
from gis_renovation.errors import DataError, FileError
from gis_renovation.publish import editions
from gis_renovation.publish.verify import sha256


def edition(folder, text):
    """A sound edition of one page."""
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(f"<p>{text}</p>", encoding="utf-8")
    files = {"index.html": sha256(folder / "index.html")}
    facts = {
        "program": "gis-renovation",
        "class": "public",
        "audience": "public",
        "run": f"run-{text}",
        "as_of": "2024-09-30",
    }
    (folder / "publish.json").write_text(json.dumps(facts | {"files": files, "layers": {}}), encoding="utf-8")
    return folder


def text_of(folder):
    return re.sub("<[^>]*>", "", (folder / "index.html").read_text(encoding="utf-8"))


@pytest.fixture
def target(tmp_path):
    edition(tmp_path / "maps" / "public", "新")
    edition(tmp_path / "maps" / "public.previous", "旧")
    return tmp_path / "maps" / "public"


def both(target):
    return text_of(target), text_of(editions.previous_of(target))


def test_restoring_changes_the_two_editions_and_again_changes_them_back(target):
    editions.restore_previous(target)
    assert both(target) == ("旧", "新")
    editions.restore_previous(target)
    assert both(target) == ("新", "旧")
    assert {p.name for p in target.parent.iterdir()} == {"public", "public.previous"}


def test_a_new_edition_pushes_the_others_back_by_one(target):
    editions.put_in_place(edition(target.parent / ".unfinished-public-1", "更新"), target)
    assert both(target) == ("更新", "新")
    assert {p.name for p in target.parent.iterdir()} == {"public", "public.previous"}


class Killed(BaseException):
    """The process ends: nothing after this line runs."""


def killed_at(monkeypatch, count):
    done = []
    real = Path.replace

    def replace(self, to):
        done.append(to)
        if len(done) > count:
            raise Killed
        return real(self, to)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize(("count", "after"), [(0, ("新", "旧")), (1, ("新", "旧")), (2, ("旧", "新"))])
def test_a_kill_while_restoring_leaves_two_whole_editions(target, monkeypatch, count, after):
    killed_at(monkeypatch, count)
    with pytest.raises(Killed):
        editions.restore_previous(target)
    monkeypatch.undo()
    editions.mend_interrupted(target)
    assert both(target) == after
    assert {p.name for p in target.parent.iterdir()} == {"public", "public.previous"}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_kill_while_publishing_leaves_the_editions_of_before(target, monkeypatch, count):
    work = edition(target.parent / ".unfinished-public-1", "更新")
    killed_at(monkeypatch, count)
    with pytest.raises(Killed):
        editions.put_in_place(work, target)
    monkeypatch.undo()
    editions.mend_interrupted(target)
    assert both(target) == ("新", "旧")


def test_a_kill_after_the_last_rename_keeps_the_new_edition(target, monkeypatch):
    work = edition(target.parent / ".unfinished-public-1", "更新")
    monkeypatch.setattr(editions.shutil, "rmtree", lambda *_, **__: None)
    editions.put_in_place(work, target)
    monkeypatch.undo()
    editions.mend_interrupted(target)
    assert both(target) == ("更新", "新")
    assert {p.name for p in target.parent.iterdir()} == {"public", "public.previous"}


def test_without_a_previous_edition_there_is_nothing_to_restore(tmp_path):
    target = edition(tmp_path / "maps" / "public", "新")
    with pytest.raises(FileError, match="没有上一版可恢复"):
        editions.restore_previous(target)
    assert text_of(target) == "新"


def test_a_previous_edition_that_was_changed_is_not_restored(target):
    (target.with_name("public.previous") / "index.html").write_text("<p>改</p>", encoding="utf-8")
    with pytest.raises(DataError, match="改动") as stopped:
        editions.restore_previous(target)
    assert both(target) == ("新", "改")
    first, changed = stopped.value.findings
    assert "保留的上一版（public.previous），不是现在公开的一版" in first.text.zh
    assert (changed.code, changed.file) == ("changed_file", "public.previous/index.html")


def test_restoring_without_a_name_is_told(target, capsys):
    for by, told in (([], True), (["--by", "李某"], False)):
        with pytest.raises(SystemExit):
            commands.main(["publish", str(target.parent.parent), "--profile", "public", "--restore", *by])
        assert ("没有写发布人" in "".join(capsys.readouterr())) == told


def test_the_command_restores_and_the_log_says_who_and_from_which_run(target, capsys):
    project = target.parent.parent
    words = ["publish", str(project), "--profile", "public", "--restore", "--by", "李某", "--on", "2024-10-08"]
    with pytest.raises(SystemExit) as ended:
        commands.main(words)
    assert ended.value.code == 0
    assert "已换回上一版" in capsys.readouterr().out
    line = json.loads((target.parent / "publish-log.jsonl").read_text(encoding="utf-8"))
    assert (line["action"], line["profile"], line["by"], line["on"]) == ("restore", "public", "李某", "2024-10-08")
    assert (line["run"], line["edition"]) == ("run-旧", sha256(target / "publish.json"))
    assert not list(target.rglob("*log*")), "the log is for the makers"


def test_the_log_grows_by_a_line_and_without_a_date_takes_the_file_systems_time(target):
    editions.log_edition(target, "publish", by="甲", on=date(2024, 10, 8))
    first = target.with_name("publish-log.jsonl").read_text(encoding="utf-8")
    editions.log_edition(target, "publish")
    text = target.with_name("publish-log.jsonl").read_text(encoding="utf-8")
    assert text.startswith(first)
    line = json.loads(text.splitlines()[1])
    assert line["by"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["on"])


def test_a_date_that_is_none_and_two_orders_at_once_are_refused(target, capsys):
    for words in (["--restore", "--on", "十月"], ["--restore", "--check"]):
        with pytest.raises(SystemExit) as ended:
            commands.main(["publish", str(target), *words])
        assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "--on 十月 不是日期" in said
    assert "不能同时用" in said
    assert both(target) == ("新", "旧")


@pytest.mark.parametrize("refused", [0, 1, 2])
@pytest.mark.parametrize("restoring", [True, False])
def test_a_rename_that_is_refused_leaves_both_editions_as_they_were(target, monkeypatch, refused, restoring):
    work = edition(target.parent / ".unfinished-public-1", "更新")
    real, count = editions.move, [0]

    def move(source, goal):
        count[0] += 1
        if count[0] == refused + 1:
            raise PermissionError(13, "held", str(source))
        real(source, goal)

    monkeypatch.setattr(editions, "move", move)
    with pytest.raises(PermissionError):
        editions.restore_previous(target) if restoring else editions.put_in_place(work, target)
    monkeypatch.undo()
    editions.mend_interrupted(target)
    assert both(target) == (("旧", "新") if restoring and refused == 2 else ("新", "旧"))
