"""A synthetic city of any size, with planted and labelled situations."""

from gis_renovation.sample.city import make_city
from gis_renovation.sample.files import write_city

__all__ = ["make_city", "write_city"]
