"""What the pages of the site say, in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import pandas as pd

_WORDS: Mapping[str, Text] = {
    "position": Text("图形与数据相差多少（实测）", "How far shapes lie from the data, as measured"),
    "position_lead": Text(
        "每个公开角点到本图层项目数据中最近的角点、最近的边线的距离；中位数、95% 的角点不超过的数、最大的数。",
        "The distance of each published corner to the nearest corner and the nearest line of the layer in the "
        "project's data: the median, what 95% do not exceed, the greatest.",
    ),
    "corners": Text("公开角点（个）", "Corners published"),
    "to_corner": Text("到数据角点（m）：{which}", "To a corner of the data (m): {which}"),
    "to_line": Text("到数据边线（m）：{which}", "To a line of the data (m): {which}"),
    "same_place": Text("距数据角点不到 {metres} m 的", "Within {metres} m of a corner of the data"),
    "median": Text("中位", "median"),
    "p95": Text("95% 不超过", "95% within"),
    "greatest": Text("最大", "greatest"),
    "skip": Text("跳到正文", "Skip to the content"),
    "navigation": Text("网站导航", "Site"),
    "here": Text("当前位置", "You are here"),
    "large": Text("大字", "Large type"),
    "as_of": Text("数据截至 {date}。", "As of {date}."),
    "synthetic": Text("合成示例数据，非真实。", "Synthetic sample data, not real."),
    "number": Text("审图号：{number}", "Map number: {number}"),
    "number_dates": Text("（{dated} 批准，有效期至 {expires}）", " (approved {dated}, valid until {expires})"),
    "number_expires": Text("（有效期至 {expires}）", " (valid until {expires})"),
    "number_dated": Text("（{dated} 批准）", " (approved {dated})"),
    "no_number": Text("审图号：尚未取得，公开前须依法送审。", "Map number: to be obtained before publication."),
    "source": Text("来源：{source}", "Source: {source}"),
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
    "all_listed": Text("台账小区（均未填计划批次）", "Communities listed (no plan batch given)"),
    "listed_households": Text("台账户数", "Households listed"),
    "of_listed": Text("占台账 {share}", "{share} of the list"),
    "batch_unknown": Text("另有 {n} 个计划批次未知", "{n} more of unknown plan batch"),
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
    "all_zones_split": Text(
        "全部片区（连片实施 {n} 个，单独实施 {alone} 个）", "All zones ({n} together, {alone} of a single community)"
    ),
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


def say(key: str, lang: Lang, **values: object) -> str:
    """A text of the site."""
    return _WORDS[key].in_language(lang).format(**values)


def zone_tally(zones: pd.DataFrame, lang: Lang) -> str:
    """How many zones there are, those of one community apart where the edition shows which they are."""
    if "works_kind" in zones:
        alone = int((zones["works_kind"] == "single").sum())
    elif "community_count" in zones:
        alone = int((zones["community_count"] == 1).sum())
    else:
        alone = 0
    if not alone:
        return say("all_zones", lang, n=len(zones))
    return say("all_zones_split", lang, n=len(zones) - alone, alone=alone)
