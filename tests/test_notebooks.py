"""The notebooks run from top to bottom on the sample, without a warning, and keep no outputs in git."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
CODE = re.compile(r"^\s*(def|class|async|from __future__)\b|\blambda\b", re.MULTILINE)


def read(path):
    return nbformat.read(path, as_version=4)


def test_each_user_has_a_notebook():
    assert NAMES == ["01_planner", "02_bureau", "03_publisher"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_is_source_only(path):
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
            assert not CODE.search(cell.source), "logic belongs in the package"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_every_text_is_chinese_first_with_a_line_of_english(path):
    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    assert texts[0].startswith("# ")
    for text in texts:
        english = text.rstrip().splitlines()[-1]
        assert re.search("[\u4e00-\u9fff]", text.splitlines()[0])
        assert english.startswith("*")
        assert english.endswith("*")
        assert not re.search("[\u4e00-\u9fff]", english)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_is_stored_in_one_way(path):
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_runs_on_the_sample(path, sample_run, sample_folder):
    place = sample_folder / "notebooks"
    place.mkdir(exist_ok=True)
    shutil.copy(path, place)
    notebook = read(place / path.name)
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = [output.text for output in outputs if output.output_type == "stream"]
    assert not said, "no warning, no print"
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert kinds.count("image/png") >= 2, "plots"
    pages = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert any("srcdoc=" in page for page in pages), "a map in the page"
    assert sum("<table" in page for page in pages) >= 3, "tables"
