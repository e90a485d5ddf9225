"""The house holds: imports point one way, packages are entered by their faces, nothing heavy at the door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gis_renovation

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gis_renovation"
NAME = "gis_renovation"

# From the ground up: a place may import the places before it. A package's own modules may import each other.
ORDER = (
    "shipped",
    "words",
    "errors",
    "bridges",
    "arrays",
    "anniversaries",
    "local",
    "config",
    "numerals",
    "schemas",
    "checks",
    "ids",
    "crs",
    "outlines",
    "unknowns",
    "sentences",
    "verdicts",
    "rules",
    "rule_packs",
    "networks",
    "overlays",
    "display",
    "rasters",
    "contiguity",
    "zones.solver",
    "zones",
    "land",
    "utilities",
    "excavation",
    "greenways",
    "services",
    "progress",
    "writing",
    "reading.values",
    "reading.cards",
    "reading.formats",
    "reading",
    "checking",
    "run",
    "maps.encoding",
    "maps.tiles",
    "maps",
    "publish.disclosure",
    "publish.leaks",
    "publish.site",
    "publish",
    "reports",
    "sample",
    "cli",
    "__main__",
)
ANALYSES = (
    "rasters",
    "contiguity",
    "zones.solver",
    "zones",
    "land",
    "utilities",
    "excavation",
    "greenways",
    "services",
    "progress",
)
SHARED = ("networks", "overlays")
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


def place_of(module):
    """The entry of ORDER a module stands in: the longest that its name begins with."""
    places = [place for place in ORDER if module == place or module.startswith(f"{place}.")]
    assert places, f"{module} has no place in the house: add it to ORDER in {Path(__file__).name}"
    return max(places, key=len)


def imports_of(path):
    """(module, name, line) of every import of the package, at the top or late, but not for types only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are written out whole"
            if (node.module or "").split(".")[0] == NAME:
                module = ".".join((node.module or "").split(".")[1:])
                yield from ((module, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (
                (".".join(alias.name.split(".")[1:]), "", node.lineno)
                for alias in node.names
                if alias.name.split(".")[0] == NAME
            )


def home_of(module, name):
    """The module that an import leads to: a submodule, or the module that names it."""
    inner = f"{module}.{name}" if module else name
    return inner if inner in MODULES else module


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_one_way(module):
    own = ORDER.index(place_of(module))
    upward = [
        f"line {line}: {target}"
        for at, name, line in imports_of(MODULES[module])
        if (target := home_of(at, name)) and ORDER.index(place_of(target)) > own
    ]
    assert not upward


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_package_is_entered_by_its_face_only(module):
    own = place_of(module)
    inside = [
        f"line {line}: {target}"
        for at, name, line in imports_of(MODULES[module])
        if (target := home_of(at, name)) and place_of(target) not in (own, target)
    ]
    assert not inside


def test_no_module_imports_itself_by_a_detour():
    graph = {
        module: {home_of(at, name) for at, name, _ in imports_of(path)} & set(MODULES) - {module}
        for module, path in MODULES.items()
        # A face only hands names on.
        if path.name != "__init__.py"
    }
    done, path = set(), []

    def walk(module):
        assert module not in path, f"a circle: {path[path.index(module) :]}"
        if module in done or module not in graph:
            return
        path.append(module)
        for target in sorted(graph[module]):
            walk(target)
        path.pop()
        done.add(module)

    for module in sorted(graph):
        walk(module)


@pytest.mark.parametrize("module", sorted(m for m in MODULES if place_of(m) in (*ANALYSES, *SHARED)))
def test_an_analysis_knows_no_file_no_project_and_no_map(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
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


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_package_neither_prints_nor_asks_the_clock(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    if module.startswith("cli."):  # the day on which a map number must hold is today's, unless the user names another
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


def test_no_module_is_longer_than_600_lines():
    long = {m: count for m, path in MODULES.items() if (count := len(path.read_text("utf-8").splitlines())) > 600}
    assert not long


def loaded_by(code):
    """Which heavy libraries a piece of code loads."""
    heavy = ("numpy", "pandas", "shapely", "folium", "pydantic", "jinja2")
    tail = f"\nprint([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}{tail}"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_importing_the_package_imports_nothing_heavy():
    assert loaded_by(f"import {NAME}; dir({NAME})") == "[]"


def test_help_imports_nothing_heavy():
    assert loaded_by("from gis_renovation.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass") == "[]"


def test_every_name_at_the_front_door_is_there_and_explains_itself():
    names = gis_renovation.__all__
    assert dir(gis_renovation) == sorted(names)
    homes = {name for own in gis_renovation._HOMES.values() for name in own}
    assert homes | {"__version__"} == set(names)
    bare = []
    for name in sorted(homes):
        found = getattr(gis_renovation, name)
        assert found.__name__ == name
        shows = ">>>" in (found.__doc__ or "") or "``" in (found.__doc__ or "")
        if not found.__doc__ or not (shows or isinstance(found, type)):
            bare.append(name)
    assert not bare, "these have neither an example nor a reference"
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = gis_renovation.no_such_name


def test_what_type_checkers_read_of_the_front_door_is_what_python_does():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (branch,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {node.module.removeprefix(f"{NAME}."): tuple(a.name for a in node.names) for node in branch.body}
    assert {home: set(names) for home, names in told.items()} == {k: set(v) for k, v in gis_renovation._HOMES.items()}
