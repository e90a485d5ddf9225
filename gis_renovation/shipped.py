"""The files that come with the program: tables, templates, scripts. Only this module knows where they lie.

Who asks for one writes its name out, so that a run can tell which of them a step reads and runs the
step again when one was corrected (:mod:`gis_renovation.run.fingerprints`).
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def shipped(name: str) -> Traversable:
    """The file or folder ``name`` ("layer_schemas", "template/maps") of the installed program."""
    place = files("gis_renovation")
    for part in name.split("/"):
        place = place / part
    return place
