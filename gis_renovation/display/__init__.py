"""How a value looks: styles, symbols, and the one gate to HTML."""

from gis_renovation.display.html import plain_text, safe, script_json
from gis_renovation.display.styles import (
    GeometryKind,
    LayerStyle,
    StyleClass,
    Symbol,
    classify,
    in_language,
    layer_style,
    marker_svg,
    style_table,
    swatch_svg,
)

__all__ = [
    "GeometryKind",
    "LayerStyle",
    "StyleClass",
    "Symbol",
    "classify",
    "in_language",
    "layer_style",
    "marker_svg",
    "plain_text",
    "safe",
    "script_json",
    "style_table",
    "swatch_svg",
]
