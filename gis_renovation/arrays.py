"""The kinds of arrays that functions take and give, each named once.

Shapes are shapely geometries in an object array; positions count rows from 0, as numpy indexes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Positions = NDArray[np.intp]
Words = NDArray[np.object_]
Geometries = NDArray[Any]
