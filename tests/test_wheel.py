"""What is installed is what stands in the repository: a wheel built offline holds every file of the package."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(built) as archive:
        yield {name: archive.read(name) for name in archive.namelist()}


def test_a_wheel_holds_every_file_of_the_package_byte_for_byte(wheel):
    package = ROOT / "gis_renovation"
    files = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name.split("/")[1] for name in files if "/" in name} >= {
        "assets",
        "template",
        "layer_schemas",
        "reports",
        "cli",
    }
    missing = sorted(name for name, data in files.items() if wheel.get(name) != data)
    assert missing == []


def test_a_wheel_brings_nothing_but_the_package_and_what_pip_needs(wheel):
    strange = [name for name in wheel if not name.startswith(("gis_renovation/", "gis_renovation-"))]
    assert strange == []
    assert not [name for name in wheel if "__pycache__" in name]
