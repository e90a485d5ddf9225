"""The examples in the docstrings of land hold, and every step has one."""

import pytest
from docstrings import failed_examples, lacking_sections, modules_of


@pytest.mark.parametrize("module", modules_of("land"))
def test_examples_hold(module):
    assert failed_examples(module) == 0


def test_every_step_says_what_it_takes_gives_and_refuses():
    assert not lacking_sections("land")
