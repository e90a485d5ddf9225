"""What the docstrings of an analysis promise: sections that a reader finds, and examples that hold."""

import doctest
import importlib
import pkgutil

from gis_renovation.run.steps import STEPS

SECTIONS = ("Parameters", "Returns", "Raises", "Examples")


def modules_of(package):
    """The names of a package's modules."""
    folder = importlib.import_module(f"gis_renovation.{package}").__path__
    return [found.name for found in pkgutil.iter_modules(folder, f"gis_renovation.{package}.")]


def failed_examples(module):
    """How many examples of a module do not hold."""
    return doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE).failed


def lacking_sections(package):
    """The sections that the docstrings of a package's steps do not have."""
    calls = [step.call for step in STEPS if step.function.startswith(f"{package}.")]
    return [(call.__name__, name) for call in calls for name in SECTIONS if f"    {name}\n    ---" not in call.__doc__]
