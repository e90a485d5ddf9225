"""A run as the documents and tables people sign."""

# also: LandMaps

from gis_renovation.reports.check_page import write_check_report
from gis_renovation.reports.fonts import font_used, use_chinese_font
from gis_renovation.reports.reports import write_reports
from gis_renovation.reports.site_maps import LandMaps

__all__ = ["LandMaps", "font_used", "use_chinese_font", "write_check_report", "write_reports"]
