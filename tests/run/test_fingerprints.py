"""A step runs again when what it loads has changed, and only then: its modules, shipped tables, libraries."""

from __future__ import annotations

import ast
import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gis_renovation
from gis_renovation.run import fingerprints
from gis_renovation.run.fingerprints import code_fingerprint, library_versions, loaded_files
from gis_renovation.run.steps import STEPS

PACKAGE = Path(gis_renovation.__file__).parent
EVERY = {step.layer for step in STEPS}

# Which steps read which table, as a reader of the analyses would say it; folders for all that lies in them.
READERS = {
    "land/land_codes.toml": {
        "parcel_ledger",
        "land_status",
        "land_use_comparison",
        "facility_statements",
        "land_code_conversions",
        "land_statements",
        "land_checks",
    },
    "layer_schemas": EVERY,
    # A city's pack by those of its projects, here one of each city.
    "rule_packs": {step.layer for step in STEPS if "rules" in inspect.signature(step.call).parameters},
    "run/parameters.toml": set(),
    "display/styles.toml": set(),
    "template": set(),
    "page_templates": set(),
    "assets": set(),
}

CORRECT_EACH = """
import hashlib, inspect, json, sys
from pathlib import Path
from gis_renovation import rule_packs
from gis_renovation.run import fingerprints
from gis_renovation.run.steps import STEPS

def keys():
    fingerprints.code_fingerprint.cache_clear(), fingerprints.loaded_files.cache_clear()
    rules = "".join(repr(rule_packs.rules_in_force(city=city)) for city in rule_packs.city_packs())
    return {s.layer: s.code + (rules if "rules" in inspect.signature(s.call).parameters else "") for s in STEPS}

before, changed = keys(), {}
folder = fingerprints.FOLDER
tables = sorted(p for p in folder.rglob("*.toml") if p.relative_to(folder).parts[0] not in ("assets", "template"))
# Each table by itself; what pages and new projects are made of, a folder at a time.
corrected = {p.relative_to(folder).as_posix(): [p] for p in tables} | {
    f"{name}/": [p for p in (folder / name).rglob("*") if p.suffix in (".toml", ".js", ".css", ".md", ".html")]
    for name in ("assets", "template", "page_templates")
}
for name, paths in corrected.items():
    were = [path.read_bytes() for path in paths]
    assert paths, name
    for path, was in zip(paths, were):
        text = was.decode("utf-8")
        if name.startswith("rule_packs"):
            text = text.replace('version = "', 'version = "9.', 1)
        path.write_text(text + "\\n", "utf-8")
    after = keys()
    changed[name] = sorted(layer for layer in before if before[layer] != after[layer])
    for path, was in zip(paths, were):
        path.write_bytes(was)
assert keys() == before
print(json.dumps(changed))
"""


def in_a_copy(folder, code, *arguments):
    """Run ``code`` with a copy of the package that it may change."""
    program = folder / "program"
    if not program.exists():
        shutil.copytree(PACKAGE, program / "gis_renovation", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(program), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def rerun(tmp_path_factory):
    """Shipped file -> the steps that run again once it is corrected."""
    return json.loads(in_a_copy(tmp_path_factory.mktemp("copy"), CORRECT_EACH))


def test_a_corrected_table_runs_the_steps_that_read_it_and_no_others(rerun):
    assert len(rerun) > 18
    for name, steps in rerun.items():
        readers = next(expected for place, expected in READERS.items() if name == place or name.startswith(f"{place}/"))
        assert set(steps) == readers, name


RUN = """
import json, sys
from pathlib import Path
from gis_renovation.run.runner import run_project
from gis_renovation.run.project import open_project

run = run_project(open_project(Path(sys.argv[1])), only=["land_use_comparison", "zones"])
print(run.manifest.to_json())
"""


def test_a_correction_of_the_land_codes_reaches_the_results_of_the_next_run(own_sample, tmp_path):
    def run():
        return {record["step"]: record for record in json.loads(in_a_copy(tmp_path, RUN, own_sample))["steps"]}

    first, again = run(), run()
    assert all(record["reused"] for record in again.values() if not record.get("skipped"))
    (table,) = (tmp_path / "program").rglob("land_codes.toml")
    text = table.read_text(encoding="utf-8")
    corrected = text.replace('"城镇住宅用地"', '"城镇住宅用地（改）"')
    assert corrected != text
    table.write_text(corrected, encoding="utf-8")
    after = run()
    assert not after["land_use_comparison"]["reused"]
    assert after["land_use_comparison"]["output"] != first["land_use_comparison"]["output"]
    assert after["zones"]["reused"]


def test_a_step_loads_the_modules_its_own_imports_name_and_not_its_neighbours():
    (step,) = (step for step in STEPS if step.layer == "park_access")
    names = {path.relative_to(PACKAGE).as_posix() for path in loaded_files(step.call.__module__)}
    assert {"crs.py", "networks.py", "unknowns.py"} <= names
    assert {name.partition("/")[0] for name in names if "/" in name} == {"greenways", "layer_schemas"}


def test_only_steps_that_judge_by_rules_or_show_them_load_the_rules():
    rules = fingerprints.FOLDER / "rules.py"
    loading = {step.layer for step in STEPS if rules in loaded_files(step.call.__module__)}
    assert loading == {
        "parcel_ledger",
        "idle_parcels",
        "premises_ledger",
        "idle_premises",
        "candidate_ledger",
        "usable_shapes",
        "dig_limits",
        "service_access",
        "utility_renewal",
    }


def test_a_name_taken_through_a_face_leads_to_the_module_that_defines_it(tmp_path, monkeypatch):
    face = tmp_path / "shapes"
    face.mkdir()
    (face / "__init__.py").write_text("from .round import circle\nfrom gis_renovation.shapes.flat import square\n")
    (face / "round.py").write_text("import math\n")
    (face / "flat.py").write_text("from gis_renovation.shapes import circle as ring\n")
    (tmp_path / "uses_circle.py").write_text("def f():\n    from gis_renovation.shapes import circle\n")
    (tmp_path / "uses_flat.py").write_text("from gis_renovation.shapes import flat\n")
    (tmp_path / "for_types.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gis_renovation.shapes import circle\n"
    )
    monkeypatch.setattr(fingerprints, "FOLDER", tmp_path)

    def loaded(module):
        return [path.name for path in loaded_files.__wrapped__(f"gis_renovation.{module}")]

    assert loaded("uses_circle") == ["round.py", "uses_circle.py"]
    assert loaded("uses_flat") == ["flat.py", "round.py", "uses_flat.py"]
    assert loaded("for_types") == ["for_types.py"]


def test_every_library_that_decides_numbers_is_part_of_a_step(monkeypatch):
    assert {"GEOS", "PROJ", "GDAL", "shapely", "pandas", "numpy", "pyproj", "scipy"} <= set(library_versions())
    step = STEPS[0].call.__module__
    before = code_fingerprint.__wrapped__(step)
    for name in library_versions():
        other = {**library_versions(), name: "99"}
        with monkeypatch.context() as patch:
            patch.setattr(fingerprints, "library_versions", lambda other=other: other)
            assert code_fingerprint.__wrapped__(step) != before, name


def test_shipped_files_are_asked_for_in_one_way_and_by_written_names():
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert path.name == "shipped.py" or not names & {"files", "pkgutil"}, path
        list(fingerprints._asked_for(tree, path))
