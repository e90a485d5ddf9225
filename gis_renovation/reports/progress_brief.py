"""The publisher's document: the month's progress, and which reports to verify first."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pandas as pd

from gis_renovation.display import UNKNOWN, Column
from gis_renovation.reports.parts import Layers, in_language, known_values
from gis_renovation.run import Manifest
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import names_or_ids
from gis_renovation.words import COMMAS, NO_TEXT, Lang, Text
from gis_renovation.writing import Paper

_UNIT_COLUMNS = (
    "name",
    "community_count",
    "started_count",
    "started_share",
    "completed_count",
    "completed_share",
    "newly_started_count",
    "newly_completed_count",
    "newly_started_unknown_count",
    "newly_completed_unknown_count",
    "start_unknown_count",
)
_MONEY_COLUMNS = ("name", "planned_yuan", "allocated_yuan", "received_yuan", "paid_yuan")


def write_progress_brief(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    """Totals against the plan, rates and money by county, what moved this month, what to verify."""
    as_of = manifest.project.as_of
    paper.heading("一、总体进度", "1. Overall progress")
    units, states = layers.get("unit_progress"), layers.get("project_states")
    if units is None or states is None:
        paper.say(
            "本次运行没有项目或进度数据，未统计。", "There are no projects or works records: nothing was counted."
        )
        return
    _overall(paper, units, as_of)
    _target_table(paper, layers, manifest)
    _plan_table(paper, layers, workbook)
    paper.heading("二、分县区进度", "2. Progress by county")
    _unit_tables(paper, units, workbook)
    paper.heading("四、本月变化", "4. Changed this month")
    _changes(paper, states, layers, workbook)
    paper.heading("五、需核实的填报", "5. Reports to verify")
    _faults(paper, states, layers, workbook)


def _unit_tables(paper: Paper, units: pd.DataFrame, workbook: str) -> None:
    planned = pd.to_numeric(known_values(units, "community_count")).fillna(0) > 0
    listed = units[planned].assign(name=names_or_ids(units[planned]))
    paper.layer_table(listed, "unit_progress", _UNIT_COLUMNS, key=False, see=workbook)
    unknown = pd.to_numeric(known_values(units, "plan_unknown_count")).fillna(0) > 0
    for which, text in (
        (~planned & ~unknown, Text("{names}没有列入计划的小区。", "No community of {names} is in the plan.")),
        (
            ~planned & unknown,
            Text(
                "{names}没有已知列入计划的小区，有小区的计划批次未知。",
                "No community of {names} is known to be in the plan; of some the plan batch is unknown.",
            ),
        ),
    ):
        if which.any():
            named = names_or_ids(units[which]).tolist()
            said = text.fill(names=Text("、".join(named), ", ".join(named)))
            paper.say(said.zh, said.en)
    counted = _WHOLE_LIST if _is_whole_list(units) else _PLAN
    rule = Text(
        "开工率、完工率按小区数计算，分母为{counted}。一个小区的任一项目开工即为开工，全部项目完工才算完工。"
        "开工情况不明的小区不计入已开工，实际开工率可能更高。",
        "Rates count communities against {counted}. A community has started when any of "
        "its projects has, and is completed when all are. Where it is unknown the true rate may be higher.",
    ).fill(counted=counted)
    paper.say(rule.zh, rule.en)
    paper.heading("三、资金", "3. Funds")
    paper.layer_table(listed, "unit_progress", _MONEY_COLUMNS, key=False, see=workbook)


_PLAN = Text("已下达计划（不含储备）", "the issued plan, the reserve left out")
_WHOLE_LIST = Text(
    "台账全部小区（均未填计划批次，是否列入计划未知）",
    "all communities listed (none has a plan batch, so which are planned is unknown)",
)


def _is_whole_list(units: pd.DataFrame) -> bool:
    """Whether the lines count every community because none has a plan batch."""
    return bool(known_values(units, "counted").eq("list").any())


def _counted(units: pd.DataFrame, planned: int, unknown: int) -> Text:
    """How many communities the rates are of; a number that may be higher is a least one."""
    n = f"{planned:,}"
    if _is_whole_list(units):
        return Text(
            f"台账小区 {n} 个（均未填计划批次，是否列入计划未知，全部计入）",
            f"of {n} communities listed (none has a plan batch, so all are counted)",
        )
    if unknown:
        return Text(
            f"计划改造小区至少 {n} 个（另有 {unknown:,} 个计划批次未知，未计入）",
            f"of at least {n} communities planned (the plan batch of {unknown:,} more is unknown; they are left out)",
        )
    return Text(f"计划改造小区 {n} 个", f"of {n} communities planned")


_ODD = ("went_back", "same_day_conflict", "contradictory", "jumped")


def _overall(paper: Paper, units: pd.DataFrame, as_of: datetime.date) -> None:
    # Subdistricts also count for their county, so they are left out of the sum.
    own = units[~known_values(units, "level").eq("subdistrict")]
    count = {
        name: int(pd.to_numeric(known_values(own, name)).sum())
        for name in (*_UNIT_COLUMNS, "plan_unknown_count")
        if name.endswith("_count")
    }
    planned = count["community_count"]
    rates = [f"{count[name] / planned:.1%}" if planned else "—" for name in ("started_count", "completed_count")]
    unknown = count["start_unknown_count"]
    counted = _counted(own, planned, count["plan_unknown_count"])
    doubt = _doubt(count["newly_started_unknown_count"], count["newly_completed_unknown_count"])
    paper.say(
        f"截至 {as_of.year} 年 {as_of.month} 月 {as_of.day} 日，{counted.zh}，"
        f"已开工 {count['started_count']:,} 个（{rates[0]}），已完工 {count['completed_count']:,} 个（{rates[1]}）；"
        f"本月新开工 {count['newly_started_count']:,} 个，新完工 {count['newly_completed_count']:,} 个{doubt.zh}。"
        + (f"另有 {unknown:,} 个小区开工情况不明。" if unknown else ""),
        f"By {as_of}, {counted.en} {count['started_count']:,} have started ({rates[0]}) and "
        f"{count['completed_count']:,} are completed ({rates[1]}); this month {count['newly_started_count']:,} started "
        f"and {count['newly_completed_count']:,} were completed{doubt.en}."
        + (f" Of {unknown:,} it is unknown whether they started." if unknown else ""),
    )


def _doubt(started: int, completed: int) -> Text:
    """Of how many communities nobody knows whether they started or were completed this month."""
    told = []
    if started:
        told.append(
            Text(f"{started:,} 个是否本月开工不明", f"of {started:,} it is unknown whether they started this month")
        )
    if completed:
        unknown = f"of {completed:,} it is unknown whether they were completed this month"
        told.append(Text(f"{completed:,} 个是否本月完工不明", unknown))
    return Text("（另有 ", " (") + COMMAS.join(told) + Text("）", ")") if told else NO_TEXT


def _target_table(paper: Paper, layers: Layers, manifest: Manifest) -> None:
    """The plan's totals beside the list's, batch by batch; what the plan does not state stays open."""
    targets, communities = manifest.targets, layers.get("communities")
    if not targets or communities is None or "plan_batch" not in communities:
        return
    lang = paper.lang
    labels = layer_schema("communities").fields["plan_batch"].values
    fields = layer_schema("communities").fields
    rows = []
    for batch, target in targets.items():
        own = communities[communities["plan_batch"] == batch]
        for name in ("communities", "households", "floor_area_m2"):
            label = "" if name == "communities" else Column(name, fields[name]).header(lang)
            label = label or Text("小区数（个）", "Communities").in_language(lang)
            values = None if name == "communities" else own[name] if name in own else own["plan_batch"].iloc[:0]
            unknown = 0 if values is None else len(own) - int(values.notna().sum())
            found = float(len(own) if values is None else values.sum())
            batch_label = labels[batch].in_language(lang) if batch in labels else batch
            rows.append((batch_label, label, *_target_cells(getattr(target, name), found, unknown, lang)))
    paper.say("计划与小区台账核对：", "The plan beside the list of communities:")
    header = in_language(
        lang,
        ("计划批次", "Batch"),
        ("指标", "Figure"),
        ("计划数", "Plan"),
        ("台账合计", "List"),
        ("相差", "Difference"),
        ("备注", "Remark"),
    )
    paper.table(header, rows, numeric=[False, False, True, True, True, False])


_PLAN_COLUMNS = (
    "plan_version",
    "community_count",
    "started_share",
    "completed_share",
    "households",
    "floor_area_m2",
    "floor_area_per_household_m2",
)


def _plan_table(paper: Paper, layers: Layers, workbook: str) -> None:
    """Rates against each plan version; a floor area per household unlike the others asks for a second look."""
    plans = layers.get("plan_progress")
    if plans is None:
        return
    batches = layer_schema("communities").fields["plan_batch"].values
    totals = plans[plans["unit_code"] == "total"].copy()
    totals["plan_version"] = [_version_text(version, batches, paper.lang) for version in totals["plan_version"]]
    paper.say("分计划批次（户均面积与其他批次相差较大的，请复核台账）：", "By plan version:", keep=True)
    paper.layer_table(totals, "plan_progress", _PLAN_COLUMNS, key=False, see=workbook)


def _version_text(version: str, batches: Mapping[str, Text], lang: Lang) -> str:
    """``2024-main`` as 2024年主计划."""
    year, _, batch = str(version).partition("-")
    unknown = UNKNOWN.in_language(lang)
    label = (
        batches[batch].in_language(lang)
        if batch in batches
        else Text(f"批次{unknown}", f"batch {unknown}").in_language(lang)
    )
    when = (
        Text(f"{year}年", f"{year} ").in_language(lang)
        if year.isdigit()
        else Text("年度未知", "year unknown ").in_language(lang)
    )
    return when + label


def _target_cells(wanted: float | None, found: float, unknown: int, lang: Lang) -> tuple[str, str, str, str]:
    decimals = 0 if float(found).is_integer() and float(wanted or 0).is_integer() else 2
    remark = (
        Text(f"{unknown} 个小区未知，未计入", f"{unknown} unknown, not counted").in_language(lang) if unknown else ""
    )
    if wanted is None:
        return Text("计划未写明", "not stated").in_language(lang), f"{found:,.{decimals}f}", "—", remark
    return (
        f"{wanted:,.{decimals}f}",
        f"{found:,.{decimals}f}",
        f"{found - wanted:+,.{decimals}f}" if found != wanted else "0",
        remark,
    )


def _changes(paper: Paper, states: pd.DataFrame, layers: Layers, workbook: str) -> None:
    state, before, change = (
        known_values(states, name) for name in ("state", "previous_state", "progress_change_share")
    )
    moved = state.notna() & before.notna() & state.ne(before)
    advanced = change.notna() & change.ne(0)
    rows = _with_unit_names(states[moved | advanced], layers)
    if not len(rows):
        paper.say("与上月相比没有变化。", "Nothing changed since last month.")
        return
    columns = ("name", "unit_code", "previous_state", "state", "previous_progress_share", "progress_share")
    paper.layer_table(rows, "project_states", columns, key=False, see=workbook, labels=_UNIT_LABEL)


_UNIT_LABEL = {"unit_code": Text("县区", "County")}


def _faults(paper: Paper, states: pd.DataFrame, layers: Layers, workbook: str) -> None:
    odd = pd.DataFrame({name: known_values(states, name).eq(other=True).fillna(value=False) for name in _ODD})
    overdue = known_values(states, "record_status").isin(["stale", "none"])
    rows = _with_unit_names(states[odd.any(axis=1) | overdue], layers)
    if not len(rows):
        paper.say("没有发现需要核实的填报。", "No report needs verifying.")
        return
    columns = ("name", "unit_code", "record_status", "recorded_on", f"reason_{paper.lang}")
    paper.layer_table(rows, "project_states", columns, key=False, see=workbook, labels=_UNIT_LABEL)


def _with_unit_names(states: pd.DataFrame, layers: Layers) -> pd.DataFrame:
    """The county's name in place of its code, where it is known; a project without a name is its id."""
    states = states.assign(name=names_or_ids(states))
    units = layers.get("reporting_units")
    if units is None or "unit_code" not in states:
        return states
    names = names_or_ids(units).to_dict()
    return states.assign(unit_code=[names.get(code, code) for code in states["unit_code"]])
