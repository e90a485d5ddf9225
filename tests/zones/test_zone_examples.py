"""What the docstrings show is what comes out."""

import doctest
import importlib
import pkgutil

import pytest

from gis_renovation import sentences, words, zones

MODULES = [name for _, name, _ in pkgutil.walk_packages(zones.__path__, f"{zones.__name__}.")]


@pytest.mark.parametrize("name", [*MODULES, words.__name__, sentences.__name__])
def test_examples_run_and_give_what_they_show(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize(
    "name", [name for name in zones.__all__ if name.endswith(("zones", "shortfalls", "stability", "works", "sheets"))]
)
def test_every_step_has_an_example_and_says_what_it_takes_gives_and_raises(name):
    text = getattr(zones, name).__doc__
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n    {section}\n    {'-' * len(section)}\n" in text
