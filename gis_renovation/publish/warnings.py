"""What people should look at before an edition goes out, and the map number without which it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gis_renovation.errors import ConfigError, DataError, Finding
from gis_renovation.maps import PageBasemaps
from gis_renovation.publish.disclosure import (
    COVERAGE_LIMIT_M2,
    contact_words,
    find_personal_numbers,
)
from gis_renovation.publish.edition import Edition, coverage_m2
from gis_renovation.publish.profile import (
    Profile,
    ProfileTable,
)
from gis_renovation.words import Text


def require_no_personal_numbers(edition: Edition) -> None:
    """Raise DataError if a text of the edition holds a telephone, identity or bank card number."""
    findings = find_personal_numbers(edition.frames)
    if findings:
        raise DataError(findings)


# An internet map's number is valid for two years; a new review takes twenty working days and more.
NUMBER_ENDS_SOON_DAYS = 60


def publication_warnings(edition: Edition, profile: Profile, *, on: date) -> list[Finding]:
    """What does not stop a public edition but people should look at before it goes out."""
    contact = [] if profile.site.contact else [_warning("no_contact", _NO_CONTACT)]
    numbers, words = _number_warnings(profile.profile, on), contact_words(edition.frames)
    return [*numbers, *_cover_warnings(edition), *_photo_warnings(edition), *words, *contact]


_NO_CONTACT = Text(
    "没有写咨询方式（[site] contact），网站上写作“尚未提供”。",
    "no way to ask is given ([site] contact); the site says so.",
)
_NO_NUMBER = Text(
    "尚无审图号：公开前须依法送审（《地图管理条例》第十五条），程序不作免审判断。",
    "no map number: maps must be reviewed before they are public; the program claims no exemption.",
)
_NUMBER_UNDATED = Text(
    "审图号没有写有效期（map_number_expires_on），无法核对是否过期。",
    "the map number has no expiry (map_number_expires_on) to check.",
)
_NUMBER_NO_DATE = Text(
    "审图号没有写批准日期（map_number_dated_on），网站上也就不写。",
    "the map number has no date of approval (map_number_dated_on), so the site gives none.",
)
_NO_PUBLISHER = Text(
    "没有写发布人，日志 publish-log.jsonl 记不下是谁做的；请加 --by 姓名。",
    "nobody is named as publisher, so publish-log.jsonl cannot say who did it; add --by NAME.",
)


def _number_warnings(table: ProfileTable, on: date) -> Iterator[Finding]:
    number, ends = table.map_number, table.map_number_expires_on
    if not number:
        yield _warning("no_map_number", _NO_NUMBER)
        return
    if ends is None:
        yield _warning("map_number_undated", _NUMBER_UNDATED)
    elif (ends - on).days < NUMBER_ENDS_SOON_DAYS:
        zh = f"审图号 {number} 将于 {ends} 到期，请及早重新送审；到期后网站应撤下或换号。"
        yield _warning(
            "map_number_ends_soon", Text(zh, f"the map number {number} expires on {ends}; apply again in time.")
        )
    if table.map_number_dated_on is None:
        yield _warning("map_number_no_date", _NUMBER_NO_DATE)


def _cover_warnings(edition: Edition) -> Iterator[Finding]:
    cover = coverage_m2(edition)
    if cover >= 0.8 * COVERAGE_LIMIT_M2:
        yield _warning(
            "coverage_near_limit",
            Text(
                f"连续成片的详细图形最大 {cover / 1e6:.2f} km²，接近或超过 25 km²（自然资发〔2020〕95号）；"
                "须先作保密审查，或减少图层、分幅公开。",
                f"the largest contiguous detailed cover is {cover / 1e6:.2f} km², near or above 25 km²; have it "
                "reviewed for secrecy, or publish fewer layers.",
            ),
        )


def _photo_warnings(edition: Edition) -> Iterator[Finding]:
    if edition.photos:
        yield _warning(
            "photos_public",
            Text(
                f"将公开 {len(edition.photos)} 张小区照片，拍摄位置、时间等附加信息已清除；"
                "人脸、车牌、门牌请逐张确认已处理，程序不作识别。",
                f"{len(edition.photos)} photos will be public, without their notes of place and time; make sure faces, "
                "number plates and house numbers are covered: the program does not look for them.",
            ),
        )


def publisher_warnings(by: str) -> list[Finding]:
    """A warning if nobody is named who publishes or restores: the log could not say who did it."""
    return [] if by.strip() else [_warning("no_publisher", _NO_PUBLISHER)]


def basemap_warnings(basemaps: PageBasemaps) -> list[Finding]:
    """A warning for each basemap of the profile that the page has to do without."""
    return [_warning("basemap_left_out", told) for told in basemaps.left_out]


def _warning(code: str, text: Text) -> Finding:
    return Finding(severity="warning", code=code, layer="", text=text)


def require_valid_number(table: ProfileTable, day: date) -> None:
    """Raise ConfigError if the map number expired before ``day``, that of the data or of publishing."""
    if table.map_number and table.map_number_expires_on is not None and table.map_number_expires_on < day:
        raise ConfigError(
            f"审图号 {table.map_number} 已于 {table.map_number_expires_on} 到期，早于 {day}（数据或发布日期）。"
            "请重新送审并更新 map_number、map_number_dated_on、map_number_expires_on。",
            f"The map number {table.map_number} expired on {table.map_number_expires_on}, before {day}, the date of "
            "the data or of publishing. Have the map reviewed again and update map_number and its dates.",
        )
