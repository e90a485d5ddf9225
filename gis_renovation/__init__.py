"""gis-renovation: 城镇老旧小区改造的空间分析 (GIS analysis for renovating old urban communities).

Modules are imported by name, each a noun of the domain: ``from gis_renovation import contiguity``.
Nothing heavy is imported here, so that ``import gis_renovation`` costs next to nothing.
"""

__version__ = "0.1.0"
