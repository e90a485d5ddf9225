"""A run as the documents and tables people sign."""

from gis_renovation.reports.canvas import use_chinese_font
from gis_renovation.reports.check_page import write_check_report
from gis_renovation.reports.reports import write_reports

__all__ = ["use_chinese_font", "write_check_report", "write_reports"]
