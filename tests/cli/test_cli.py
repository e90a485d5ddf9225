"""The commands as a user types them: help, languages, exit codes, and no traceback for a mistake."""

from __future__ import annotations

import errno
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from manifests import manifest_of

from gis_renovation.cli import commands
from gis_renovation.cli.commands import init_project
from gis_renovation.cli.console import print_run
from gis_renovation.run.parameters import parameter
from gis_renovation.shipped import shipped
from gis_renovation.writing.places import final_name

COMMANDS = sorted(commands._COMMANDS)
PROJECT = '[project]\nname = "x"\ncrs = "EPSG:4548"\nas_of = 2024-09-30\n'


def run_cli(*words, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "gis_renovation", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=120,
    )


def call(capsys, *words):
    """The same program in this process: faster, for what needs no fresh interpreter."""
    with pytest.raises(SystemExit) as ended:
        commands.main([str(word) for word in words])
    shown = capsys.readouterr()
    return ended.value.code, shown.out, shown.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("lang", "example"), [("zh", "示例"), ("en", "Example")])
def test_every_command_has_help_with_an_example(capsys, command, lang, example):
    code, out, _ = call(capsys, "--lang", lang, command, "--help")
    assert code == 0
    assert example in out
    assert f"gis-renovation {command}" in out


def test_no_argument_shows_the_help(capsys):
    code, out, _ = call(capsys)
    assert code == 0
    assert "gis-renovation init" in out


def test_language_may_stand_anywhere(capsys):
    assert "[Error]" not in call(capsys, "check", "/nowhere", "--lang", "en")[2]
    assert "no project.toml" in call(capsys, "check", "/nowhere", "--lang=en")[2]
    assert "不是一个项目" in call(capsys, "check", "/nowhere")[2]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["chek"], "check"),
        (["run", "--onyl", "zones"], "--only"),
        (["--lang", "fr", "run"], "zh"),
        (["publish", "/nowhere", "--profile", "planner"], "project.toml"),
        (["serve", "/nowhere"], "publish"),
    ],
)
def test_a_mistake_ends_with_2_and_says_what_to_do(words, hint):
    ended = run_cli(*words)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert hint in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], ("没有 chek 这个命令", "是否指 check")),
        (["xyz"], ("没有 xyz 这个命令", "init、card、template、check")),
        (["run", "--onyl", "zones"], ("没有 --onyl 这个选项", "是否指 --only", "gis-renovation run --help")),
        (["run", "--foo"], ("没有 --foo 这个选项",)),
        (["run", "x", "--only"], ("--only 后面要写一个值",)),
        (["card"], ("还要写上 FILE", "gis-renovation card --help")),
        (["card", "a", "b", "c"], ("多写了 b c",)),
        (["serve", "--port", "abc"], ("--port 应为整数",)),
        (["serve", "--port", "99999"], ("--port 不能大于 65535",)),
    ],
)
def test_a_mistake_in_the_command_line_is_said_in_chinese_only(capsys, words, said):
    code, _, shown = call(capsys, *words)
    assert code == 2
    assert all(part in shown for part in said)
    for word in ("gis-renovation", *said, *words, "FILE", "--help", *COMMANDS):
        shown = shown.replace(word, "")
    assert not any(letter.isascii() and letter.isalpha() for letter in shown)


def test_a_mistake_in_the_command_line_is_said_in_english_on_request(capsys):
    assert "Did you mean 'check'" in call(capsys, "chek", "--lang", "en")[2]


def test_help_speaks_one_language(capsys):
    zh = call(capsys, "serve", "--help")[1]
    assert "用法：" in zh
    assert "[默认：8000]" in zh
    for word in ("Usage", "OPTIONS", "Options", "Show this message", "default", "profile name"):
        assert word not in zh
    en = run_cli("serve", "--help", "--lang", "en").stdout
    assert "Usage: " in en
    assert not any("一" <= letter <= "鿿" for letter in en)


def test_ctrl_c_says_that_nothing_half_written_is_left(own_sample):
    command = [sys.executable, "-m", "gis_renovation", "run", str(own_sample)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    steps = own_sample / "runs" / ".steps"
    wait_until = time.monotonic() + 60
    while not (steps.is_dir() and any(steps.iterdir())) and time.monotonic() < wait_until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert "已中断" in said
    assert "Traceback" not in said
    assert not [path.name for path in own_sample.rglob("*") if ".unfinished" in path.name]


def test_a_wrong_step_or_layer_is_answered_with_the_likely_one_or_a_list_with_labels(own_sample, capsys):
    said = call(capsys, "run", own_sample, "--only", "zons")[2]
    assert "是否指 zones（连片改造片区）" in said
    assert "idle_parcels" not in said
    assert "  idle_parcels  " in call(capsys, "run", own_sample, "--only", "foo")[2]
    said = call(capsys, "card", own_sample / "project.toml", "--layer", "comunities")[2]
    assert "是否指 communities（" in said
    assert "community_links" not in said
    listed = call(capsys, "card", own_sample / "project.toml", "--layer", "qqq")[2]
    assert "  communities  " in listed
    assert "idle_parcels" not in listed


def test_a_report_that_cannot_be_written_is_said_before_the_data_is_praised(own_run, capsys, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("gis_renovation.reading.files.Path.mkdir", refuse)
    code, out, said = call(capsys, "check", own_run)
    assert code == 2
    assert "没有错误" not in out
    assert "没有权限" in said
    assert ".unfinished" not in said
    assert "Permission" not in said


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("a/.unfinished-check-123", "a/check"),
        ("a/.unfinished-check-123/report.html", "a/check/report.html"),
        ("a/.unfinished-2024-09-30-ab12-old-77", "a/2024-09-30-ab12"),
        ("a/.unfinished-4711-x.toml", "a/x.toml"),
        ("a/x.toml", "a/x.toml"),
    ],
)
def test_the_name_of_an_unfinished_file_is_shown_as_what_it_will_be(path, meant):
    assert final_name(path) == meant


def test_a_day_left_as_the_template_has_it_is_said_by_check(tmp_path, capsys):
    folder = tmp_path / "city"
    init_project(folder, sample=True)
    settings = folder / "project.toml"
    text = settings.read_text("utf-8").replace("synthetic = true", "synthetic = false")
    settings.write_text(text, "utf-8")
    assert "as_of" in call(capsys, "check", folder)[1]
    settings.write_text(re.sub("as_of = .*", "as_of = 2025-03-31", text), "utf-8")
    assert "统计截止日期仍是模板" not in call(capsys, "check", folder)[1]


def test_init_makes_a_project_and_never_overwrites(tmp_path):
    folder = tmp_path / "my-city"
    assert run_cli("init", folder).returncode == 0
    assert (folder / "project.toml").is_file()
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    again = run_cli("init", folder)
    assert again.returncode == 2
    assert "没有改动" in again.stderr
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_a_new_project_is_told_to_bring_layers(tmp_path):
    folder = tmp_path / "my-city"
    run_cli("init", folder)
    ended = run_cli("run", folder)
    assert ended.returncode == 2
    assert "来源卡" in ended.stderr
    assert "Traceback" not in ended.stderr


def reports_keep_peoples_work(folder, sheets, capsys):
    """A scan, an edited sheet and the sheets of other sites stand after a report of one site more."""
    (sheets / "签字扫描.pdf").write_bytes(b"scan")
    (sheets / "XM-2024-001.docx").write_bytes(b"edited by a clerk")
    other = (sheets / "XM-2024-002.xlsx").read_bytes()
    code, said, error = call(capsys, "report", folder, "--site", "XM-2024-001")
    assert code == 0, error
    assert all(f"bureau-land-status/{name}" in said for name in ("签字扫描.pdf", "XM-2024-001.docx"))
    assert (sheets / "签字扫描.pdf").read_bytes() == b"scan"
    assert (sheets / "XM-2024-001.docx").read_bytes() == b"edited by a clerk"
    assert (sheets / "XM-2024-001（新生成）.docx").read_bytes().startswith(b"PK")
    assert (sheets / "XM-2024-002.xlsx").read_bytes() == other


def test_init_with_the_sample_runs_publishes_and_reports(tmp_path, capsys, sample_folder, sample_run):
    folder = tmp_path / "demo"
    assert run_cli("init", folder, "--sample").returncode == 0
    # The rest in this process, from the steps of the same city.
    shutil.copytree(sample_folder / "runs", folder / "runs")
    for words in (
        ("check", folder),
        ("publish", folder, "--profile", "planner"),
        ("report", folder, "--site", "XM-2024-001", "--site", "XM-2024-002"),
    ):
        code, said, error = call(capsys, *words)
        assert code == 0, error
    assert (folder / "maps" / "planner" / "index.html").is_file()
    sheets = next((folder / "reports").glob("*/bureau-land-status"))
    both = [f"XM-2024-00{n}.{kind}" for n in (1, 2) for kind in ("docx", "png", "xlsx")]
    assert sorted(path.name for path in sheets.iterdir()) == both
    assert "图上字体：" in said
    reports_keep_peoples_work(folder, sheets, capsys)
    assert "community_links" in call(capsys, "run", folder, "--explain", "zones")[1]
    assert "parameters" in call(capsys, "run", folder, "--explain", "zones", "--lang", "en")[1]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[project]\nname = x\n", "TOML"),
        (PROJECT + "as_off = 1\n", "as_of"),
        (PROJECT + "[contiguty]\nmax_gap_m = 1\n", "contiguity"),
        (PROJECT + "[contiguity]\nmax_gap = 1\n", "max_gap_m"),
        (PROJECT + '[contiguity]\nmax_gap_m = "wide"\n', "max_gap_m"),
        ('[project]\nname = "x"\ncrs = "EPSG:4490"\nas_of = 2024-09-30\n', "EPSG:4548"),
        ('[project]\nname = "x"\ncrs = "EPSG:3857"\nas_of = 2024-09-30\n', "EPSG:4548"),
        ('[project]\nname = "x"\ncrs = "no such"\nas_of = 2024-09-30\n', "EPSG"),
        ('[project]\nname = "x"\ncrs = "EPSG:4548"\nas_of = "soon"\n', "as_of"),
        ('[project]\ncrs = "EPSG:4548"\nas_of = 2024-09-30\n', "name"),
    ],
)
def test_a_fault_in_project_toml_names_the_key(own_sample, capsys, text, hint):
    (own_sample / "project.toml").write_text(text, encoding="utf-8")
    code, _, err = call(capsys, "check", own_sample)
    assert code == 2
    assert hint in err


def test_faults_of_all_cards_come_at_once(own_sample, capsys):
    for name in ("communities", "streets"):
        card = own_sample / "layers" / f"{name}.toml"
        text = card.read_text(encoding="utf-8").replace("[source]", "[source]\npth = 'x'", 1)
        card.write_text(text, encoding="utf-8")
    code, _, err = call(capsys, "check", own_sample)
    assert code == 2
    assert "communities.toml" in err
    assert "streets.toml" in err
    assert "path" in err


def test_a_missing_file_names_its_neighbours(own_sample, capsys):
    (own_sample / "layers" / "data" / "communities.gpkg").rename(own_sample / "layers" / "data" / "comunities.gpkg")
    code, out, err = call(capsys, "check", own_sample)
    assert code == 1
    assert "comunities.gpkg" in out + err


def test_what_compiled_libraries_write_does_not_mix_with_our_output():
    code = (
        "import sys, ctypes\n"
        "from gis_renovation.cli.console import output_kept_clean\n"
        "sys.stdout.write('before ')\n"
        "with output_kept_clean():\n"
        "    ctypes.CDLL(None).puts(b'a remark of the solver')\n"
        "sys.stdout.write('after')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "before after"
    assert "a remark of the solver" in done.stderr


def print_of(members, capsys, lang="zh", **parameters):
    """What ``run`` prints of a run with these zone members and nothing else."""
    steps = [
        {"step": "zone_members", "rows": len(members), "parameters": parameters},
        {"step": "idle_parcels", "skipped": True, "missing": ["parcels", "parcel_ledger"]},
        {"step": "parcel_ledger", "skipped": True, "missing": ["parcels"]},
    ]
    manifest = manifest_of(steps=steps, findings=[{"zh": "缺户数", "en": "no households"}])
    layers = {"zone_members": members, "zone_shortfalls": members[members["zone_id"].isna()]}
    print_run(SimpleNamespace(folder=Path("r"), layers=layers, manifest=manifest), lang)
    return capsys.readouterr().out.replace("\n", "")


def test_a_run_closes_with_what_came_out_and_what_did_not(capsys):
    members = pd.DataFrame({"zone_id": pd.array(["Z-1", "Z-1", None], dtype="str")}, index=["1", "2", "3"])
    said = print_of(members, capsys, zone_count=2)
    assert "连片片区 1 个，共含小区 2 个。" in said
    assert "要求共 2 个片区，在各项限值下最接近的是 1 个" in said
    assert "未纳入片区的小区 1 个（1 组），原因和办法见 tables.xlsx" in said
    assert "数据警告 1 条" in said
    assert "未执行 2 步，缺少图层：宗地 parcels（" in said, "one line, inputs only"
    said = print_of(members.assign(zone_id=pd.array([None] * 3, dtype="str")), capsys, lang="en")
    assert "No zone was made." in said
    assert "1 warning about" in said


def test_the_example_of_bounds_in_the_template_is_valid_once_uncommented():
    text = shipped("template/project.toml").read_text(encoding="utf-8")
    lines = text[text.index("# [zones]") :].splitlines()
    kept = [line.removeprefix("# ") for line in lines if re.match(r"# (\[|[a-z_]+ = )", line)]
    zones = tomllib.loads("\n".join(kept))["zones"]
    assert {"households", "zone_count", "must_join", "must_not_join", "fixed_zones", "budgets_yuan"} <= set(zones)
    assert all(parameter("zones", name) for name in zones), "an unknown name raises"
