"""The bureau's register of idle land and premises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gis_renovation.display import UNKNOWN, shown_text, shown_unit
from gis_renovation.land import NEED_ZONE_COLUMNS
from gis_renovation.numerals import M2_A_MU
from gis_renovation.reports.parts import (
    SHEETS_MAX,
    Layers,
    community_names,
    in_language,
    known_values,
)
from gis_renovation.run import Manifest
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Lang, Text, unit_text
from gis_renovation.writing import Paper

EXCLUDED_SHOWN = 60


# Layer and columns of what other analyses say of a candidate, where they were run.
_Extras = tuple[tuple[str, tuple[str, ...]], ...]
_STRENGTH = Text("证据强度（0—1，不是概率）", "Strength of the evidence (0 to 1, no probability)")
# What a record calls a column whose own label is only clear beside its layer's.
_RECORD_LABELS: Mapping[tuple[str, str], Text] = {
    ("idle_candidates", "strength"): Text("候选强弱", "Candidate strength"),
    ("idle_strength", "strength_share"): _STRENGTH,
    ("idle_strength", "conflict"): Text("闲置证据矛盾", "Evidence conflicts"),
    ("idle_strength", "evidence_zh"): Text("闲置证据", "Evidence"),
    ("idle_strength", "evidence_en"): Text("闲置证据", "Evidence"),
    ("parcel_ranking", "rank"): Text("踏勘次序", "Order of visits"),
    ("parcel_ranking", "reason_zh"): Text("次序得分构成", "Points for the order"),
    ("parcel_ranking", "reason_en"): Text("次序得分构成", "Points for the order"),
    ("vacant_candidates", "strength"): Text("候选强弱", "Candidate strength"),
    ("vacancy_strength", "strength_share"): _STRENGTH,
    ("vacancy_strength", "conflict"): Text("空置证据矛盾", "Evidence conflicts"),
    ("vacancy_strength", "evidence_zh"): Text("空置证据", "Evidence"),
    ("vacancy_strength", "evidence_en"): Text("空置证据", "Evidence"),
}


@dataclass(frozen=True, kw_only=True)
class _Register:
    """One of the bureau's two registers: its layers and words."""

    result: str
    ledger: str
    noun: Text
    overview: tuple[str, ...]
    extras: _Extras


_REGISTERS = (
    _Register(
        result="idle_parcels",
        ledger="parcel_ledger",
        noun=Text("宗地", "parcels"),
        overview=(
            "area_m2",
            "holder_kind",
            "right_type",
            "community_distance_m",
            "leasing_approval",
        ),
        extras=(
            ("idle_candidates", ("strength",)),
            ("idle_strength", ("strength_share", "conflict", "evidence_{lang}")),
            (
                "usable_shapes",
                ("area_m2", "rectangle_width_m", "rectangle_length_m", "uses_{lang}", "not_deducted_{lang}"),
            ),
            (
                "parcel_ranking",
                ("rank", "reason_{lang}", *NEED_ZONE_COLUMNS),
            ),
        ),
    ),
    _Register(
        result="idle_premises",
        ledger="premises_ledger",
        noun=Text("房屋", "premises"),
        overview=("floor_area_m2", "storey", "holder_kind", "right_type", "community_distance_m", "leasing_approval"),
        extras=(
            ("vacant_candidates", ("strength", *NEED_ZONE_COLUMNS)),
            ("vacancy_strength", ("strength_share", "conflict", "evidence_{lang}")),
        ),
    ),
)
_OUTCOMES = ("candidate", "unknown", "excluded")


def write_idle_register(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    """Outcomes, a sheet for each candidate with every rule, what to find out, what is excluded, the rules."""
    paper.contents()
    paper.heading("口径", "How to read this register", numbered=True)
    paper.say(
        "本表由程序按所列规则对宗地和房屋逐条判定，结论分“候选”“未知”“排除”三类。"
        "“候选”只表示值得踏勘核实，不是对闲置土地的认定；是否属于闲置土地，由市、县自然资源主管部门依法认定。",
        "Every parcel and room was judged rule by rule; the outcome is candidate, unknown or excluded. A candidate is "
        "worth a visit, it is not a finding of idle land: that is for the natural resources authority to make.",
    )
    paper.say(
        "四个词分开使用：闲置土地按合同约定的动工、建设和投资情况判断，由自然资源主管部门依法确定；"
        "空闲地是国土调查的地类，只说明地表现状；低效用地按各市标准确定，本程序没有通用标准，不作判断；"
        "空置房屋是登记为无人使用的房屋，由产权单位和县区核实。",
        "Four words are kept apart: idle land is judged by the start, building and investment a contract set, and "
        "found by the authority; vacant land is a class of the survey and tells of the surface only; inefficient land "
        "follows each city's own standard and is not judged here; vacant premises are rooms on record as unused, for "
        "their owners and the county to confirm.",
    )
    paper.say(
        "缺少数据的规则记为“未知”，既不算符合，也不算不符合；没有取得图层的事项列为“未核查”，不等于“不涉及”。",
        "A rule without data is unknown, neither met nor failed. What no layer covers was not checked, "
        "which is not the same as not affected.",
    )
    present = [register for register in _REGISTERS if register.result in layers]
    paper.heading("汇总", "Summary", numbered=True)
    if not present:
        paper.say("本次运行没有宗地或房屋数据，未核查。", "There are neither parcels nor premises: not checked.")
    else:
        _outcome_table(paper, layers, present)
    paper.heading("候选一览", "List of candidates", new_page=True, numbered=True)
    for register in present:
        _candidate_list(paper, layers, register, workbook)
    for register in present:
        _register(paper, layers, register, workbook)
    _control_line_table(paper, layers)
    _rule_table(paper, manifest)


def _outcome_table(paper: Paper, layers: Layers, registers: Sequence[_Register]) -> None:
    lang = paper.lang
    rows = []
    for register in registers:
        frame = layers[register.result]
        labels = layer_schema(register.result).fields["verdict"].values
        area = next(name for name in register.overview if name.endswith("area_m2"))
        for outcome in _OUTCOMES:
            own = frame[frame["verdict"] == outcome]
            areas = pd.to_numeric(known_values(own, area))
            unknown, total = int(areas.isna().sum()), float(areas.sum())
            mu = f"{total / M2_A_MU:,.2f}" if register.result == "idle_parcels" else "—"
            nothing_known = len(own) > 0 and unknown == len(own)
            sums = (UNKNOWN.in_language(lang), "—") if nothing_known else (f"{total:,.2f}", mu)
            remark = Text(f"{unknown} 处面积未知，未计入", f"{unknown} of unknown area not counted")
            cells = (
                register.noun.in_language(lang),
                labels[outcome].in_language(lang),
                f"{len(own):,}",
                *sums,
            )
            rows.append((*cells, remark.in_language(lang) if unknown else ""))
    header = in_language(
        lang,
        ("类别", "Kind"),
        ("初筛结论", "Outcome"),
        ("数量", "Count"),
        ("面积（m²）", "Area (m²)"),
        ("折合亩数", "Area (mu)"),
        ("备注", "Remark"),
    )
    paper.table(header, rows, numeric=[False, False, True, True, True, False])


def _candidate_list(paper: Paper, layers: Layers, register: _Register, workbook: str) -> None:
    """One line a candidate, with the page of its record."""
    frame, noun = layers[register.result], register.noun
    candidates = frame[frame["verdict"] == "candidate"]
    paper.heading(*Text("候选{noun}", "Candidate {noun}").fill(noun=noun), level=2)
    if not len(candidates):
        paper.say(*Text("没有候选{noun}。", "There are no candidate {noun}.").fill(noun=noun))
        return
    marks = [_mark(register, number) for number in range(1, min(len(candidates), SHEETS_MAX) + 1)]
    columns = register.overview
    paper.layer_table(candidates, register.result, columns, rows_shown=SHEETS_MAX, see=workbook, marks=marks)


def _mark(register: _Register, number: int) -> str:
    return f"{register.result}_{number}"


def _register(paper: Paper, layers: Layers, register: _Register, workbook: str) -> None:
    frame, noun = layers[register.result], register.noun
    groups = {outcome: frame[frame["verdict"] == outcome] for outcome in _OUTCOMES}
    reason = f"reason_{paper.lang}"
    if len(groups["candidate"]):
        by_rule = Text("候选{noun}逐条判定", "Candidate {noun}, rule by rule").fill(noun=noun)
        paper.heading(*by_rule, new_page=True, numbered=True)
        for number, key in enumerate(groups["candidate"].index[:SHEETS_MAX], 1):
            _candidate_sheet(paper, layers, register, key, number)
        left = len(groups["candidate"]) - SHEETS_MAX
        if left > 0:
            paper.say(f"其余 {left} 处的逐条判定见 {workbook}。", f"The ledgers of {left} more stand in {workbook}.")
    title = Text(f"待核实{noun.zh}（数据不足，不能判定）", f"{noun.en.capitalize()} to verify: data are missing")
    paper.heading(*title, new_page=True, numbered=True)
    _by_reason(paper, groups["unknown"], reason)
    paper.heading(*Text("已排除{noun}", "Excluded {noun}").fill(noun=noun), numbered=True)
    if len(groups["excluded"]):
        columns = (register.overview[0], reason)
        paper.layer_table(groups["excluded"], register.result, columns, rows_shown=EXCLUDED_SHOWN, see=workbook)
    else:
        paper.say("无。", "None.")


def _by_reason(paper: Paper, frame: pd.DataFrame, reason: str) -> None:
    """What must be found out, and for which features: one row for each reason, the commonest first."""
    if not len(frame):
        paper.say("无。", "None.")
        return
    groups = frame.groupby(known_values(frame, reason).fillna(""), sort=True).groups
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    header = in_language(paper.lang, ("待核实事项", "To find out"), ("数量", "Count"), ("编号", "Ids"))
    separator = "、" if paper.lang == "zh" else ", "
    rows = [(str(why), f"{len(keys):,}", separator.join(map(str, keys))) for why, keys in ordered]
    paper.table(header, rows, numeric=[False, True, False])


def _candidate_sheet(paper: Paper, layers: Layers, register: _Register, key: str, number: int) -> None:
    """The record of one candidate, from the top of a page."""
    lang = paper.lang
    frame, ledger = layers[register.result], layers.get(register.ledger)
    schema = layer_schema(register.result)
    mark, title = _mark(register, number), (f"{number}　{register.noun.zh} {key}", f"{number}  {key}")
    paper.heading(*title, level=2, new_page=number > 1, mark=mark)
    row = frame.loc[key].copy()
    names = community_names(layers["communities"]) if "communities" in layers else {}
    row["nearest_community_id"] = names.get(row.get("nearest_community_id"), row.get("nearest_community_id"))
    told = ("verdict", "deciding_rules", f"reason_{lang}", "passed_count", "failed_count", "unknown_count")
    other = "_en" if lang == "zh" else "_zh"
    facts = [
        (field.label, with_unit(shown_text(row[name], field, lang), unit_text(shown_unit(field), lang)))
        for name, field in schema.fields.items()
        if name in frame.columns and name not in told and not name.endswith(other)
    ]
    facts += _extra_facts(layers, key, lang, register.extras)
    # The label of remarks says that they are remarks.
    mark = Text("提示：", "note: ").in_language(lang)
    paper.facts([(label, text.replace(mark, "")) for label, text in facts if text])
    if ledger is not None:
        own = ledger[ledger[schema.key] == key]
        # The reason opens with the verdict.
        columns = (f"reason_{lang}" if f"reason_{lang}" in own else "verdict", "role", f"source_{lang}")
        paper.layer_table(own, register.ledger, columns)


def _extra_facts(layers: Layers, key: str, lang: Lang, extras: _Extras) -> list[tuple[Text, str]]:
    facts = []
    for layer, columns in extras:
        table = layers.get(layer)
        if table is None or key not in table.index:
            continue
        schema = layer_schema(layer)
        for name in (column.format(lang=lang) for column in columns):
            if name in table.columns:
                field = schema.fields[name]
                label = _RECORD_LABELS.get((layer, name), field.label)
                text = with_unit(shown_text(table.loc[key, name], field, lang), unit_text(shown_unit(field), lang))
                facts.append((label, f"{text}{_rank_range(table.loc[key], lang)}" if name == "rank" else text))
    return facts


def _rank_range(row: pd.Series, lang: Lang) -> str:
    """Between which ranks random weights put a candidate, in 90 of 100 draws."""
    best, worst = row.get("rank_best"), row.get("rank_worst")
    if pd.isna(best) or pd.isna(worst):
        return ""
    return Text(
        f"（权重随机变动时为 {best:.0f}—{worst:.0f}，5%—95% 分位）",
        f" ({best:.0f} to {worst:.0f} under random weights, 5th to 95th percentile)",
    ).in_language(lang)


def with_unit(text: str, unit: str) -> str:
    """The text with its unit, where it holds a number that does not bring it (99.9%)."""
    bare = not unit or text.endswith(unit) or not any(character.isdigit() for character in text)
    return text if bare else f"{text} {unit}"


def _control_line_table(paper: Paper, layers: Layers) -> None:
    """Which kinds of control lines the check could see at all."""
    lang = paper.lang
    paper.heading("控制线核查情况", "Control lines looked at", new_page=True, numbered=True)
    lines = layers.get("control_lines")
    rows = []
    for kind, label in layer_schema("control_lines").fields["kind"].values.items():
        own = None if lines is None else lines[lines["kind"] == kind]
        if own is None or not len(own):
            state = Text("未核查（没有此类控制线数据）", "not checked: no such data")
            rows.append((label.in_language(lang), state.in_language(lang), "—", "—"))
            continue
        dates = sorted(str(value) for value in own["dated_on"].dropna()) if "dated_on" in own else []
        dated = dates[0] if dates and dates[0] == dates[-1] else "—" if not dates else f"{dates[0]} ~ {dates[-1]}"
        state = Text("已纳入核查", "checked")
        rows.append((label.in_language(lang), state.in_language(lang), f"{len(own):,}", dated))
    header = in_language(
        lang, ("控制线", "Control line"), ("核查情况", "State"), ("图形数", "Features"), ("数据日期", "Dated")
    )
    paper.table(header, rows, numeric=[False, False, True, False])


def _rule_table(paper: Paper, manifest: Manifest) -> None:
    lang = paper.lang
    paper.heading("规则与依据", "Rules and their sources", numbered=True)
    rows = [(rule.id, rule.text.in_language(lang), rule.source.in_language(lang)) for rule in manifest.rules]
    header = in_language(lang, ("规则", "Rule"), ("内容", "Content"), ("依据", "Source"))
    paper.table(header, rows)
