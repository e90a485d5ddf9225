"""The structure holds: imports point one way, nothing heavy at the door, nothing forbidden inside."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gis_renovation"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in ("__init__", "__main__"))

ANALYSES = ("contiguity", "zones", "land", "utilities", "greenways", "rasters", "progress")
SHARED = ("networks", "overlays")

# From the outside in; a module may import its own row and the rows below it.
ROWS = (
    ("cli",),
    ("console", "usage"),
    ("publish", "report", "pipeline", "partitions", "serve", "check", "sample"),
    ("fingerprints",),
    ("project", "cards", "joins", "io", "maps", "markup", "map_data", "guard", "tables", "documents", "styles"),
    # What the readers are made of: cells of tables, archives.
    ("archives", "dbf", "cells", "ledgers", "plausibility", "repairs", "survey"),
    ANALYSES,
    SHARED,
    ("rules", "crs", "schemas", "config", "unknowns", "parameters", "estimates", "numerals"),
    ("errors", "shipped"),
)


def row_of(module: str) -> int:
    """The row of a module; one named ``zone_search`` stands with ``zones`` (its family)."""
    for number, row in enumerate(ROWS):
        if module in row:
            return number
    family = module.split("_", maxsplit=1)[0].rstrip("s")
    families = [n for n, row in enumerate(ROWS) for member in row if member.rstrip("s") == family]
    assert families, f"{module} has no place in the architecture: add it to ROWS in {Path(__file__).name}"
    return families[0]


def imports_of(path: Path) -> set[str]:
    """Modules of the package that a file imports, at the top or late, but not for types only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and id(node) not in typing_only
            and (node.module or "").startswith("gis_renovation")
        ):
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found & set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    upward = {name for name in imports_of(PACKAGE / f"{module}.py") if row_of(name) < row_of(module)}
    # The parameters of project.toml are those of the steps, which the pipeline lists.
    if module == "project":
        upward -= {"pipeline"}
    assert not upward


@pytest.mark.parametrize("module", [m for m in MODULES if ROWS[row_of(m)] in (ANALYSES, SHARED)])
def test_an_analysis_knows_no_file_no_project_and_no_map(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not names & {"folium", "pathlib", "io", "os", "random"}
    assert not imports_of(PACKAGE / f"{module}.py") & {"io", "project", "maps", "publish", "report"}


@pytest.mark.parametrize("module", MODULES)
def test_the_package_neither_prints_nor_asks_the_clock(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    if module == "cli":  # the day on which a map number must hold is today's, unless the user names another
        tree.body = [node for node in tree.body if getattr(node, "name", "") != "_today"]
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {
        "print",
        "datetime.now",
        "datetime.datetime.now",
        "date.today",
        "datetime.date.today",
        "time.time",
    }


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, gis_renovation; print([m for m in ('numpy', 'pandas', 'shapely', 'folium') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom gis_renovation import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'pandas', 'shapely', 'folium', 'pydantic') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip().endswith("[]")
