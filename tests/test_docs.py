"""What the documents say is there: links lead somewhere, generated pages are fresh, sources are the reader's own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("docs", "gis_renovation", "benchmarks", "notebooks", "scripts", "tests", "layers", "maps")
FILES = [
    *ROOT.glob("*.*"),
    *(
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "node_modules" not in path.parts
    ),
]
PAGES = [path for path in FILES if path.suffix == ".md"]
TEXTS = [path for path in FILES if path.suffix in {".py", ".toml", ".md", ".ipynb", ".js", ".html"}]


def anchors(page):
    """What a link may name behind ``#``: the page's own marks and its headings as GitHub makes them."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file_of_the_repository(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            lost.append(target)
    assert lost == []


def test_no_text_points_to_a_document_outside_the_repository():
    word = "hand" + "book"
    pointing = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in TEXTS
        for found in re.finditer(rf"{word}|\bshared/\w+\.md", path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert pointing == []


def test_every_section_that_code_names_stands_in_the_methods():
    numbers = set(re.findall(r"^#+ ([\d.]+) ", (ROOT / "docs/methods.md").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        found[1].rstrip(".")
        for path in TEXTS
        if path.suffix == ".py"
        for found in re.finditer(r"docs/methods\.md, ([\d.]+)", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= numbers


def test_the_pages_on_layers_and_parameters_are_what_the_tables_and_signatures_say():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/docs", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
