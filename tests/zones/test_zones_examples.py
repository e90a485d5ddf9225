"""What the docstrings show is what comes out, and every step says what it takes, gives and raises."""

import pytest
from docstrings import failed_examples, lacking_sections, modules_of


@pytest.mark.parametrize("module", [*modules_of("zones"), *modules_of("zones.solver"), "gis_renovation.words"])
def test_every_example_holds(module):
    assert failed_examples(module) == 0


def test_every_step_says_what_it_takes_gives_and_raises_and_shows_it():
    assert lacking_sections("zones") == []
