"""Fixtures shared by the tests: the sample project in a folder of its own, its run, real data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


def pytest_addoption(parser):
    parser.addoption("--run-qgis", action="store_true", help="run the tests that need QGIS (1.2 GB of system packages)")


def pytest_collection_modifyitems(config, items):
    no_qgis = pytest.mark.skip(reason="QGIS tests are opt-in: scripts/test --run-qgis")
    no_data = pytest.mark.skip(reason=f"real data not at hand: {SHARED_DATA}")
    for item in items:
        if "qgis" in item.keywords and not config.getoption("--run-qgis"):
            item.add_marker(no_qgis)
        if "shared_data" in item.keywords and not SHARED_DATA.is_dir():
            item.add_marker(no_data)


def copy_sample(folder: Path) -> Path:
    """The repository's own project, without what earlier runs left, in a new folder."""
    folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / "project.toml", folder)
    shutil.copytree(REPOSITORY / "layers", folder / "layers")
    (folder / "maps").mkdir()
    for profile in (REPOSITORY / "maps").glob("*.toml"):
        shutil.copy(profile, folder / "maps")
    return folder


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory) -> Path:
    """One copy of the sample project for tests that only read it or run it."""
    return copy_sample(tmp_path_factory.mktemp("sample") / "city")


@pytest.fixture(scope="session")
def sample_run(sample_folder):
    """The sample project's run: folder, layers and manifest."""
    from gis_renovation.run.project import open_project
    from gis_renovation.run.runner import run_project

    return run_project(open_project(sample_folder))


@pytest.fixture
def own_sample(tmp_path) -> Path:
    """A copy of the sample project that a test may damage."""
    return copy_sample(tmp_path / "city")


@pytest.fixture
def own_run(own_sample, sample_folder, sample_run) -> Path:
    """A copy of the sample project that was run already: what a test does not change need not be computed again."""
    shutil.copytree(sample_folder / "runs", own_sample / "runs")
    return own_sample


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests of pages."""
    from map_browser import running_browser

    yield from running_browser()


@pytest.fixture
def visit(browser, tmp_path):
    """Write a map page of some layers and open it."""
    from map_browser import visits

    yield from visits(browser, tmp_path)
