"""What the program says whatever the data: its tables, and what it writes of layers that tell nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from gis_renovation.publish.leaks.unpack import unpacked
from gis_renovation.schemas import schema_files
from gis_renovation.shipped import shipped

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def own_text(write: Callable[[Path], object]) -> str:
    """The program's tables, and every text of the files that ``write`` puts into a folder.

    What it writes is an edition as the real one is, of layers that :func:`tell_nothing`.
    """
    own = [path.read_text(encoding="utf-8") for path in _own_tables()]
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch))
        for path in sorted(path for path in Path(scratch).rglob("*") if path.is_file()):
            own += [data.decode("utf-8", "replace") for data in unpacked(path.read_bytes())]
    return "\n".join(own)


def _own_tables() -> Iterable[Traversable]:
    """What the program calls layers, columns, codes and classes."""
    return [shipped("display/styles.toml"), *schema_files()]


def tell_nothing(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with the columns of another and one row, of which all but the key and the shape are unknown.

    Key and shape left on purpose; without any row nothing is drawn, and a page that tells of one place has
    words of its own.
    """
    shaped = isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None
    few = (frame[~(frame.geometry.isna() | frame.geometry.is_empty)] if shaped else frame).iloc[:1].copy()
    for column in few.columns:
        if str(few[column].dtype) != "geometry":
            few[column] = pd.Series([None] * len(few), index=few.index, dtype=object)
    return few
