"""Libraries that only a bridge to other people's tools needs: imported when the bridge is first crossed."""

from __future__ import annotations

import importlib
from typing import Any

from gis_renovation.errors import GisRenovationError


def bridge_to(module: str) -> Any:
    """The module; GisRenovationError with the line that installs it where it is absent."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        package = module.partition(".")[0]
        raise GisRenovationError(
            f'没有安装 {package}；请运行 pip install "gis-renovation[bridges]"。',
            f'{package} is not installed; run pip install "gis-renovation[bridges]".',
        ) from None
