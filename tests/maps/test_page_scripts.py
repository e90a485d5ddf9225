"""The page's scripts are linted and their pure functions tested, where there is Node."""

from __future__ import annotations

import re

from page_scripts import FOLDER, run_node

from gis_renovation.maps.assets import PAGE_SCRIPTS
from gis_renovation.shipped import shipped


def test_scripts_are_without_fault():
    eslint = FOLDER / "node_modules" / "eslint" / "bin" / "eslint.js"
    root = FOLDER.parents[1]
    config = FOLDER / "eslint.config.js"
    folders = ("gis_renovation/assets/page", "gis_renovation/assets/site.js", "tests/js")
    run_node(str(eslint), "--max-warnings", "0", "--config", str(config), *folders, folder=root)


def test_functions_of_the_scripts_do_what_their_tests_say():
    said = run_node("--test", "--test-reporter", "tap", ".")
    assert re.search(r"^# fail 0$", said, re.MULTILINE)
    assert int(re.search(r"^# pass (\d+)$", said, re.MULTILINE).group(1)) > 20


def test_what_a_script_declares_at_its_top_is_used():
    """The linter reads file by file: a function that no other file calls it does not see."""
    text = "\n".join(
        (shipped("assets") / "page" / f"{name}.js").read_text("utf-8") for name in (*PAGE_SCRIPTS, "tiles", "guests")
    )
    declared = re.findall(r"^(?:function|var) (\w+)", text, re.MULTILINE)
    assert [name for name in declared if len(re.findall(rf"\b{name}\b", text)) < 2] == []


def test_the_tools_name_no_registry():
    assert not re.search(r'"resolved"|registry', (FOLDER / "package-lock.json").read_text("utf-8"))
