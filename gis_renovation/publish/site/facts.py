"""The public progress site: overview, one page a community and a zone, open data, about.

Made from the prepared edition alone, so that no page can show what the edition does not hold. Every
page works without a script; only the map needs one.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import pandas as pd

from gis_renovation.arrays import Flags
from gis_renovation.crs import reproject
from gis_renovation.display import safe, with_withheld
from gis_renovation.maps import NEEDED, Download
from gis_renovation.maps.encoding import DISPLAY_CRS, row_id
from gis_renovation.progress import STATE_ORDER, community_progress, project_states
from gis_renovation.publish.site.frame import NAVIGATION, SiteFacts
from gis_renovation.publish.site.sources import LayerSource
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Lang, Text

HOME, MAP, COMMUNITIES, ZONES, DATA, ABOUT = NAVIGATION

_WORDS: Mapping[str, Text] = {
    "home": Text("总览", "Overview"),
    "heading": Text("{year} 年 {month} 月改造进度", "Progress of the renovation, {year}-{month:02d}"),
    "places": Text("按地点查看", "By place"),
    "share": Text("形象进度", "Physical progress"),
    "physical": Text("形象进度 {share}", "physical progress {share}"),
    "completed_places": Text("已完工小区", "Completed"),
    "lead": Text(
        "老旧小区改造的计划、进度和变化，每月更新；每个片区、每个小区各有一页。",
        "Plan, progress and changes of the renovation of old communities, with a page for every zone and community.",
    ),
    "to_map": Text("打开交互地图", "Open the interactive map"),
    "on_map": Text("在地图上看", "See it on the map"),
    "units": Text("各县区进度", "Progress by county"),
    "unit": Text("县区", "County"),
    "planned": Text("计划小区", "Planned communities"),
    "started": Text("已开工", "Started"),
    "completed": Text("已完工", "Completed"),
    "of_planned": Text("占计划 {share}", "{share} of the plan"),
    "households": Text("计划户数", "Households planned"),
    "shades": Text(
        "编号见上表；颜色越深完工率越高。{number}",
        "Numbers as in the table above; the darker, the more is completed. {number}",
    ),
    "unit_map": Text("各县区完工率", "Completion rate by county"),
    "targets": Text("计划目标", "Targets of the plan"),
    "stages": Text("改造到了哪一步", "How far the works are"),
    "stages_lead": Text(
        "计划内 {n} 个小区，按已到达的步骤：", "{n} planned communities by the step they have reached:"
    ),
    "stages_lead_all": Text(
        "{n} 个小区（未填计划批次，是否在计划内未知），按已到达的步骤：",
        "{n} communities by the step they have reached (no plan batch is given, so which are planned is unknown):",
    ),
    "stage_unknown": Text("尚无填报", "no record yet"),
    "stage_count": Text("{n} 个", "{n}"),
    "not_listed": Text("未列入计划", "not yet in the plan"),
    "batch": Text("计划批次", "Plan batch"),
    "target_communities": Text("计划小区数", "Communities"),
    "listed": Text("名录小区数", "Communities listed"),
    "target_households": Text("计划户数", "Households"),
    "target_area": Text("计划建筑面积", "Floor area"),
    "not_stated": Text("计划未列", "not stated"),
    "changes": Text("比上月（{before}）的变化", "Changes since last month ({before})"),
    "no_changes": Text("与上月相比没有变化。", "Nothing changed since last month."),
    "newly_started": Text("新开工（{n} 个）", "Newly started ({n})"),
    "newly_completed": Text("新完工（{n} 个）", "Newly completed ({n})"),
    "moved": Text("其他状态变化（{n} 个）", "Other changes of state ({n})"),
    "advanced": Text("形象进度有变化（{n} 个）", "Physical progress changed ({n})"),
    "before": Text("上月", "Last month"),
    "now": Text("本月", "This month"),
    "communities": Text("小区", "Communities"),
    "communities_in": Text("{unit}（{n} 个）", "{unit} ({n})"),
    "unit_unknown": Text("县区未知", "county unknown"),
    "zones": Text("连片改造片区", "Renovation zones"),
    "all_communities": Text("全部小区（{n} 个）", "All communities ({n})"),
    "all_zones": Text("全部片区（{n} 个）", "All zones ({n})"),
    "name": Text("名称", "Name"),
    "where_to": Text("做到哪一步", "How far the works are"),
    "state_unknown": Text(
        "尚无填报，不知是否开工；不等于未开工。",
        "No record yet: whether works have begun is not known, which is not “no”.",
    ),
    "reached": Text("已到", "reached"),
    "not_reached": Text("未到", "not yet"),
    "when": Text("什么时候", "When"),
    "when_note": Text(
        "日期是首次填报到该状态的日期，实际发生不晚于当日。",
        "The date is that of the first record of a state; it was reached on that day or before.",
    ),
    "project": Text("项目", "Project"),
    "state": Text("状态", "State"),
    "first_on": Text("首次填报日期", "First recorded on"),
    "works": Text("改造哪些内容", "Which works"),
    "works_when": Text("改造哪些内容、什么时候", "Which works, and when"),
    "first_started": Text("首次填报开工", "Begun, first recorded"),
    "first_completed": Text("首次填报完工", "Completed, first recorded"),
    "needs_lacking": Text("（{n} 个小区未知）", " ({n} communities unknown)"),
    "needs": Text("改造需求：{parts}。", "Works needed: {parts}."),
    "no_works": Text("改造内容尚未公布。", "The works have not been published."),
    "photos": Text("改造前后", "Before and after"),
    "facts": Text("基本情况", "Facts"),
    "zone": Text("所在片区", "Its zone"),
    "no_zone": Text("未纳入连片改造片区，单独改造。", "Not part of a zone; renovated by itself."),
    "walk": Text("到公园的步行距离", "Walk to a park"),
    "place": Text("位置", "Where it is"),
    "figure": Text("示意图，图形经概括。{number}", "Sketch with generalised shapes. {number}"),
    "members": Text("片区内的小区（{n} 个）", "Communities of the zone ({n})"),
    "why": Text("为什么连片", "Why together"),
    "zone_states": Text("片区内小区的进度", "Progress in the zone"),
    "ask": Text("怎样咨询", "How to ask"),
    "no_contact": Text("发布单位尚未提供咨询方式。", "The publisher has not given a way to ask yet."),
    "data": Text("开放数据", "Open data"),
    "data_lead": Text(
        "下面的文件与本网站内容一致，数据截至 {date}。", "These files hold exactly what this site shows, as of {date}."
    ),
    "file": Text("文件", "File"),
    "row_count": Text("行数", "Rows"),
    "content": Text("内容", "Content"),
    "everything": Text("全部图层", "all layers"),
    "licence": Text("使用许可", "Licence"),
    "no_licence": Text(
        "发布单位尚未写明使用许可；使用前请先咨询。",
        "The publisher has stated no licence yet; ask before using the data.",
    ),
    "columns": Text("各列含义", "The columns"),
    "column": Text("列名", "Column"),
    "meaning": Text("含义", "Meaning"),
    "unit_of": Text("单位", "Unit"),
    "codes": Text("取值与说明", "Codes and notes"),
    "rows": Text("{n:,} 行", "{n:,} rows"),
    "verify": Text("文件清单和 SHA-256 校验值见", "The list of files with their SHA-256:"),
    "about": Text("关于本网站", "About this site"),
    "sources": Text("数据来源", "Sources"),
    "sources_lead": Text(
        "各图层的提供单位、使用许可和数据日期，取自数据的来源卡；“未注明”表示来源卡没有写。",
        "Owner, licence and date of each layer, from the cards of the data; “not stated” where a card says nothing.",
    ),
    "owner": Text("提供单位", "Owner"),
    "observed": Text("数据日期", "Date of the data"),
    "no_source": Text("发布单位未写明来源。", "The publisher has stated no source."),
    "method": Text("统计方法", "Method"),
    "map_number": Text("地图审核", "Map review"),
    "left_out": Text("不公开的内容及原因", "What is withheld and why"),
    "access": Text("无障碍", "Accessibility"),
}

# Five steps a resident can follow, each with the first state that reaches it.
STEPS: tuple[tuple[str, Text], ...] = (
    ("listed", Text("列入计划", "In the plan")),
    ("approved", Text("立项招标", "Approved")),
    ("started", Text("开工", "Works begun")),
    ("completed", Text("完工", "Completed")),
    ("accepted", Text("验收移交", "Accepted")),
)

_STARTED, _COMPLETED = STATE_ORDER.index("started"), STATE_ORDER.index("completed")

_RESERVED_NAMES = frozenset(
    {"con", "prn", "aux", "nul", "index", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """All that the pages are made of. In ``frames`` withheld cells are missing; ``withheld`` masks say which.

    Pages compute with ``frames`` and show cells of :attr:`shown`.
    ``contact`` and ``licence`` are the publisher's own words, ``targets`` the plan's totals by batch,
    ``sources`` what may be said of where each layer comes from.
    """

    facts: SiteFacts
    frames: Mapping[str, pd.DataFrame]
    downloads: Sequence[Download] = ()
    photos: Mapping[str, Sequence[Mapping[str, str | int]]] = field(default_factory=dict)
    contact: Sequence[str] = ()
    licence: str = ""
    notes: Sequence[str] = ()
    targets: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    withheld: Mapping[str, Mapping[str, Flags]] = field(default_factory=dict)
    withheld_count: int = 0
    minimum_count: int = 5
    generalise_m: float = 0.0
    grid_m: float = 0.0
    sources: Mapping[str, LayerSource] = field(default_factory=dict)

    @cached_property
    def shown(self) -> Mapping[str, pd.DataFrame]:
        """The frames as people see them: withheld cells say so, by a word."""
        return {
            name: with_withheld(frame, self.withheld.get(name), self.facts.lang) for name, frame in self.frames.items()
        }


def page_paths(keys: Iterable[object], folder: str) -> dict[str, str]:
    """Where the page of each feature lies, by its id: a name any file system and web server takes.

    An id of plain letters, digits, ``-`` and ``_`` is the name itself; any other, and one that differs
    from another only by case, is named by the start of its SHA-256.
    """
    ids = list(dict.fromkeys(row_id(key) for key in keys))
    lower = pd.Series([text.lower() for text in ids]).duplicated(keep=False).tolist()
    plain = [
        bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", text)) and text.lower() not in _RESERVED_NAMES and not twin
        for text, twin in zip(ids, lower, strict=True)
    ]
    return {
        text: f"{folder}/{text if good else 'p-' + hashlib.sha256(text.encode('utf-8')).hexdigest()[:16]}.html"
        for text, good in zip(ids, plain, strict=True)
    }


def map_links(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """For the map's cards: layer -> id -> page."""
    return {
        layer: page_paths(frames[layer].index, layer)
        for layer in ("communities", "zones")
        if layer in frames and len(frames[layer])
    }


def say(key: str, lang: Lang, **values: object) -> str:
    """A text of the site."""
    return _WORDS[key].in_language(lang).format(**values)


def has(site: Site, layer: str) -> bool:
    """Whether a layer left and has rows."""
    return layer in site.frames and len(site.frames[layer]) > 0


def with_navigation(site: Site) -> Site:
    """The site with only those pages in its navigation that there are."""
    gone = {page for page, layer in ((COMMUNITIES, "communities"), (ZONES, "zones")) if not has(site, layer)}
    kept = tuple(page for page in NAVIGATION if page not in gone)
    return replace(site, facts=site.facts._replace(navigation=kept))


def h2(key: str, lang: Lang, **values: object) -> str:
    """A heading."""
    return f"<h2>{safe(say(key, lang, **values))}</h2>\n"


# --- facts that several pages need ----------------------------------------------------------------


def column_of(site: Site, layer: str, name: str) -> pd.Series[Any]:
    """A column by id as people see it, objects; empty if the layer or column did not leave."""
    frame = site.shown.get(layer)
    if frame is None or name not in frame.columns:
        return pd.Series(dtype=object)
    return frame[name].astype(object)


def text_of(series: pd.Series[Any], key: object, instead: str = "") -> str:
    """One value as text, ``instead`` where there is none."""
    value = series.get(key) if key in series.index else None
    return instead if value is None or pd.isna(value) else str(value)


def feature_names(site: Site, layer: str) -> dict[object, str]:
    """What people call each feature; its id where it has no name."""
    names = column_of(site, layer, "name")
    return {key: text_of(names, key, row_id(key)) or row_id(key) for key in site.frames[layer].index}


def unit_names(site: Site) -> dict[object, str]:
    """Names of the reporting units by code."""
    names = pd.concat([column_of(site, layer, "name") for layer in ("reporting_units", "unit_progress")])
    return {key: str(value) for key, value in names.items() if not pd.isna(value)}


def unit_of(site: Site, layer: str, key: object, units: Mapping[object, str]) -> str:
    """The name of the county of a feature, its code if it has no name."""
    code = text_of(column_of(site, layer, "unit_code"), key)
    return units.get(code, code) or say("unit_unknown", site.facts.lang)


def states_on(site: Site, day: datetime.date) -> pd.DataFrame | None:
    """State and progress of each community on a day, from the published records."""
    if any(name not in site.frames for name in NEEDED):
        return None
    if not {"project_id", "recorded_on", "state"} <= {*site.frames["works_records"].columns}:
        return None
    pairs = site.frames["project_communities"]
    # Only which communities there are matters here; their numbers may be withheld.
    places = pd.DataFrame(index=site.frames["communities"].index)
    found = project_states(site.frames["projects"], pairs, site.frames["works_records"], as_of=day)
    return community_progress(places, pairs, found)[["state", "progress_share"]].reindex(places.index)


def month_before(day: datetime.date) -> datetime.date:
    """The last day of the month before ``day``'s."""
    return day.replace(day=1) - datetime.timedelta(days=1)


def state_now(site: Site, key: object) -> str | None:
    """The state of a community, None where it is not known."""
    state = text_of(column_of(site, "community_progress", "state"), key)
    return state if state in STATE_ORDER else None


def state_label(state: str | None, lang: Lang) -> str:
    """A state in words."""
    if state is None:
        return "未知" if lang == "zh" else "unknown"
    return layer_schemas()["community_progress"].fields["state"].values[state].in_language(lang)


def badge(state: str | None, lang: Lang) -> str:
    """A state in a box; the words carry the meaning, the colour only helps."""
    rank = -1 if state is None else STATE_ORDER.index(state)
    css = "done" if rank >= _COMPLETED else "began" if rank >= _STARTED else "none"
    return f'<span class="state {css}">{safe(state_label(state, lang))}</span>'


def percent(share: Any) -> str:
    """A share in per cent, an empty text where it is not known."""
    number = pd.to_numeric(share, errors="coerce")
    return "" if pd.isna(number) else f"{float(number) * 100:.1f}".rstrip("0").rstrip(".") + "%"


def share_bar(share: Any, css: str) -> str:
    """A share as a bar; the figure stands beside it, so the bar itself says nothing to a screen reader."""
    number = pd.to_numeric(share, errors="coerce")
    width = 0.0 if pd.isna(number) else min(1.0, max(0.0, float(number))) * 100
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="ground" width="100" height="10"/><rect class="{css}" width="{width:.1f}" height="10"/></svg>'
    )


def photos_html(photos: Iterable[Mapping[str, str | int]], up: str) -> str:
    """Photos with their captions, two in a row; ``up`` leads from the page to the site's folder."""
    shown = "".join(
        f'<figure><img src="{up}{safe(photo["src"])}" width="{photo["width"]}" height="{photo["height"]}" '
        f'alt="{safe(photo["alt"])}" loading="lazy"><figcaption>{safe(photo["caption"])}</figcaption></figure>'
        for photo in photos
    )
    return f'<div class="photos">{shown}</div>\n'


def how_to_ask(site: Site) -> str:
    """How to ask: the publisher's own words, telephone numbers to tap on."""
    lang = site.facts.lang
    lines = list(site.contact) or [say("no_contact", lang)]
    said = "".join(f"<p>{_with_telephones(line)}</p>" for line in lines)
    return f'{h2("ask", lang)}<div class="ask">{said}</div>\n'


def _with_telephones(line: str) -> str:
    parts = re.split(r"(?<!\d)(0\d{2,3}-\d{7,8}|12345)(?!\d)", line)
    return "".join(f'<a href="tel:{part}">{part}</a>' if at % 2 else safe(part) for at, part in enumerate(parts))


def figure_caption(site: Site) -> str:
    """What stands below every drawing: a drawing is a map, so the map number stands there too."""
    return safe(say("figure", site.facts.lang, number=site.facts.number))


def map_link(layer: str, key: object, spot: tuple[float, float] | None, lang: Lang) -> str:
    """A link that opens the map at a feature with its card."""
    if spot is None:
        return ""
    at = quote(f"{layer}:{row_id(key)}", safe="")
    href = f"../{MAP}#16/{spot[1]:.5f}/{spot[0]:.5f}&at={at}"
    return f'<p><a class="go" href="{safe(href)}">{safe(say("on_map", lang))}</a></p>\n'


def map_spots(site: Site, layer: str) -> dict[object, tuple[float, float]]:
    """Longitude and latitude inside each shape, for links to the map."""
    frame = site.frames[layer]
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return {}
    there = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    inside = gpd.GeoDataFrame(geometry=there.geometry.representative_point(), crs=frame.crs)
    degrees = reproject(inside, DISPLAY_CRS, where=layer).geometry
    return {key: (float(p.x), float(p.y)) for key, p in zip(there.index, degrees, strict=True)}
