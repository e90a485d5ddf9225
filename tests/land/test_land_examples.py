"""Every step on land shows by a drawing what it answers, and the answer is so."""

import doctest
import importlib
import pkgutil

import pytest

from gis_renovation import land


@pytest.mark.parametrize("module", [found.name for found in pkgutil.iter_modules(land.__path__)])
def test_examples_answer_what_they_say(module):
    failed, _ = doctest.testmod(importlib.import_module(f"gis_renovation.land.{module}"))
    assert not failed
