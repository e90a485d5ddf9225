"""What a result depends on: the content of layers, and of the program what a step really loads.

A step's code is its function's module, every module of the package that one imports at any depth, every file
the program ships that those modules ask for (:func:`shipped.shipped`), and the versions of the libraries that
decide numbers. Imports are read from the syntax tree, so that a name taken through a package's face leads to
the module that defines it, and changing the map, the report or another analysis runs nothing again.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import json
import platform
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation import __version__

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "gis_renovation"
FOLDER = Path(__file__).parent.parent
# The libraries that decide numbers. Their names are those of their distributions.
LIBRARIES = ("geopandas", "shapely", "pyproj", "rasterio", "fiona", "pyogrio", "numpy", "pandas", "scipy")


# --- layers ---------------------------------------------------------------------------------------


def fingerprint(layer: Any) -> str:
    """SHA-256 of a layer's content; the order of rows and columns does not matter.

    Geometry counts by its WKB, values by their type and text, the CRS by its definition. Two frames
    with the same fingerprint hold the same rows. O(n log n).
    """
    import numpy as np

    digest = hashlib.sha256()
    if not hasattr(layer, "columns"):
        digest.update(repr((layer.values.shape, tuple(layer.transform), layer.crs.to_wkt())).encode())
        digest.update(np.ascontiguousarray(layer.values).tobytes())
        return digest.hexdigest()
    digest.update(repr((layer.index.name, sorted(map(str, layer.columns)), _crs_text(layer))).encode())
    rows = np.column_stack(
        [_row_hashes(layer.index.to_series()), *(_row_hashes(layer[c]) for c in sorted(layer.columns))]
    )
    order = np.lexsort(rows.T[::-1])
    digest.update(np.ascontiguousarray(rows[order]).tobytes())
    return digest.hexdigest()


def _crs_text(layer: Any) -> str:
    crs = getattr(layer, "crs", None)
    return crs.to_wkt() if crs is not None else ""


def _row_hashes(column: pd.Series) -> Any:
    """One 64-bit hash a row. Text, bytes and dates by their text; numbers as 64-bit floats."""
    import numpy as np
    import pandas as pd
    import shapely

    hashed = pd.util.hash_array
    if column.dtype == "geometry":
        texts = ["" if wkb is None else wkb.hex() for wkb in shapely.to_wkb(column.to_numpy())]
        return hashed(np.array(texts, dtype=object), categorize=False)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        # Adding 0 makes -0 the 0 it equals.
        return hashed(column.to_numpy(dtype="float64", na_value=np.nan) + 0.0)
    if isinstance(column.dtype, pd.StringDtype):
        places, found = pd.factorize(column)
        return hashed(np.array([*found, _UNKNOWN], dtype=object), categorize=False)[places]
    values = np.empty(len(column), dtype=object)
    values[:] = [_cell_text(v) for v in column]
    return hashed(values)


# Marks that no text of a layer begins with keep "unknown", "1" and 1 apart.
_UNKNOWN = "\0"


def _cell_text(value: Any) -> str:
    import numpy as np
    import pandas as pd

    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return f"\0b{bool(value)}"
    if isinstance(value, list | tuple | set | dict | np.ndarray):
        return f"\0c{value!r}"
    if value is None or pd.isna(value):
        return _UNKNOWN
    if isinstance(value, int | float | np.number):
        return f"\0n{float(value)!r}"
    return f"\0d{value}"


def json_hash(value: Any) -> str:
    """SHA-256 of a value as JSON with sorted keys; what JSON does not know, such as dates, by its text."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# --- code, tables and libraries -------------------------------------------------------------------


@cache
def code_fingerprint(module: str) -> str:
    """SHA-256 of all that decides what ``module`` (dotted, with the package's name) makes: code, tables, libraries."""
    digest = hashlib.sha256()
    for path in loaded_files(module):
        digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(json.dumps(library_versions(), sort_keys=True).encode())
    return digest.hexdigest()


@cache
def loaded_files(module: str) -> tuple[Path, ...]:
    """The package's files that ``module`` loads: modules imported at any depth, and what those ask ``shipped`` for."""
    found: set[Path] = set()
    waiting = [_file_of(module)]
    while waiting:
        path = waiting.pop()
        if path is None or path in found:
            continue
        found.add(path)
        imports, asked_for = _read(path)
        waiting += [_home_of(name, imported) for name, imported in imports]
        found.update(inner for name in asked_for for inner in _files_below(FOLDER / name))
    return tuple(sorted(found))


@cache
def library_versions() -> dict[str, str]:
    """The libraries that decide numbers, with the geometry, projection and raster engines inside them."""
    import pyproj
    import rasterio
    import shapely

    engines = {"GEOS": shapely.geos_version_string, "PROJ": pyproj.proj_version_str, "GDAL": rasterio.__gdal_version__}
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}, **engines}


def versions() -> dict[str, str]:
    """The program's version and those of the libraries that decide numbers."""
    return {"gis-renovation": __version__, **library_versions()}


@cache
def _read(path: Path) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """What a module imports of the package, and the shipped files it asks for."""
    # A syntax tree is many objects and no cycle: looking for cycles among them takes longer than making them.
    looked = gc.isenabled()
    gc.disable()
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        return tuple(_imports(tree, path)), tuple(_asked_for(tree, path))
    finally:
        if looked:
            gc.enable()


def _imports(tree: ast.Module, path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of every import of the package, at the top or late, but not for types only."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, path)
            if module.split(".")[0] == PACKAGE:
                yield from ((module, alias.name) for alias in node.names)
        else:  # an import is a statement: expressions hold none
            waiting += [inner for block in _BLOCKS for inner in getattr(node, block, ())]


# Where a statement holds others.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    """The whole name of the module an import names; ``from .solver import x`` counts from the importing file."""
    if not node.level:
        return node.module or ""
    parts = [PACKAGE, *path.relative_to(FOLDER).parent.parts]
    return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])


def _home_of(module: str, name: str) -> Path | None:
    """The file that defines ``name`` of ``module``: a submodule's, the one a face took it from, or the module's own."""
    inner = _file_of(f"{module}.{name}") if name else None
    if inner is not None:
        return inner
    own = _file_of(module)
    if own is None or own.name != "__init__.py":
        return own
    for source, handed_on in _read(own)[0]:
        if handed_on == name and source != module:
            return _home_of(source, name)
    return own


def _file_of(module: str) -> Path | None:
    """The file of a module of the package; None if there is none of that name."""
    place = FOLDER.joinpath(*module.split(".")[1:])
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _asked_for(tree: ast.Module, path: Path) -> Iterator[str]:
    """The shipped files a module asks for; a name that is not written out could not be followed."""
    if "shipped(" not in path.read_text(encoding="utf-8"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "shipped":
            name = node.args[0]
            if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
                message = f"{path.name}:{node.lineno}: shipped() wants a name written out"
                raise TypeError(message)
            yield name.value


def _files_below(place: Path) -> Iterator[Path]:
    """A file itself, or those in a folder at any depth."""
    if place.is_file():
        return iter([place])
    return (path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
