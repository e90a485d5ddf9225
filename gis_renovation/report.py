"""A run as the documents and tables each user signs or hands in.

Three users, a Word document and a workbook each: the planner's zone scheme, the bureau's register of
idle land and premises, the publisher's monthly brief. Nothing is computed here that decides anything:
the documents tell what the layers hold, and say plainly what was not looked at.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gis_renovation.documents import Paper
from gis_renovation.errors import Lang, Text
from gis_renovation.rules import Rule
from gis_renovation.schemas import layer_schema
from gis_renovation.tables import UNKNOWN, Column, shown_text, write_tables

Layers = Mapping[str, Any]
Manifest = Mapping[str, Any]

M2_A_MU = 10_000 / 15
# A sheet for each zone or candidate is meant to be read; beyond this the workbook has them all.
SHEETS_MAX = 300
LINKS_SHOWN = 40
EXCLUDED_SHOWN = 60
FINDINGS_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class User:
    """Whom a document is for: its file, title, workbook layers, body, and who signs."""

    name: str
    document: str
    workbook: str
    title: Text
    tables: tuple[str, ...]
    signs: tuple[Text, ...]
    body: Callable[[Paper, Layers, Manifest, str], None]


def write_reports(folder: Path, layers: Layers, manifest: Manifest, *, lang: Lang = "zh") -> list[Path]:
    """Write every user's document and workbook into ``folder``; the paths, document before workbook.

    ``layers`` are a run's layers by name, ``manifest`` its record (``run.json``). Layers that are not
    at hand are named in the document as not looked at; a workbook without any layer is not written.
    The same run gives the same bytes. The folder must exist; equal names in it are overwritten.
    O(rows); sheets for at most ``SHEETS_MAX`` zones or candidates, the workbook has all.
    """
    written = []
    project = manifest["project"]
    as_of = _date(project["as_of"])
    for user in USERS:
        document = folder / user.document
        paper = Paper(title=user.title, lang=lang, footer=_footer(manifest, lang), synthetic=bool(project["synthetic"]))
        _front(paper, manifest)
        user.body(paper, layers, manifest, user.workbook)
        _back(paper, layers, manifest, user)
        paper.save(document, dated=as_of)
        written.append(document)
        shown = {name: layers[name] for name in user.tables if name in layers}
        if shown:
            write_tables(
                folder / user.workbook,
                shown,
                synthetic=bool(project["synthetic"]),
                lang=lang,
                project=project["name"],
                as_of=as_of,
                attribution=project.get("attribution") or "",
            )
            written.append(folder / user.workbook)
    return written


# --- what every document has ------------------------------------------------------------------------


def _front(paper: Paper, manifest: Manifest) -> None:
    project = manifest["project"]
    paper.facts(
        [
            (Text("项目", "Project"), project["name"]),
            (Text("数据截至", "As of"), str(project["as_of"])),
            (Text("坐标系", "CRS"), project["crs"]),
            (Text("程序版本", "Program"), f"gis-renovation {manifest['versions']['gis-renovation']}"),
            (Text("运行编号", "Run"), manifest["fingerprint"][:12]),
            (Text("使用范围", "Circulation"), Text("内部使用", "internal").in_language(paper.lang)),
        ]
    )


def _back(paper: Paper, layers: Layers, manifest: Manifest, user: User) -> None:
    paper.heading("数据与来源", "Data and sources")
    _say_not_run(paper, manifest, user)
    involved = _involved(manifest, user, layers)
    _source_table(paper, manifest, involved)
    _finding_table(paper, manifest, involved)
    run = manifest["fingerprint"][:12]
    paper.say(
        f"以上结果可凭运行编号 {run} 复核：输入数据、参数和规则不变，结果不变。",
        f"Run {run} can be repeated: the same data, parameters and rules give the same results.",
        keep=True,
    )
    paper.signatures(user.signs)


def _footer(manifest: Manifest, lang: Lang) -> str:
    name, run = manifest["project"]["name"], manifest["fingerprint"][:12]
    return Text(f"{name}　运行编号 {run}", f"{name}  run {run}").in_language(lang)


def _say_not_run(paper: Paper, manifest: Manifest, user: User) -> None:
    for step in manifest["steps"]:
        if step["step"] not in user.tables:
            continue
        label = layer_schema(step["step"]).label
        if step.get("skipped"):
            zh, en = _layer_names(step["missing"])
            paper.say(f"未进行：{label.zh}，缺少图层{zh}。", f"Not done: {label.en}, for want of {en}.")
        elif step.get("not_at_hand"):
            zh, en = _layer_names(step["not_at_hand"])
            paper.say(
                f"{label.zh}计算时没有{zh}图层，相关内容未核查。",
                f"{label.en} was made without {en}; what depends on it was not checked.",
            )


def _layer_names(names: Sequence[str]) -> tuple[str, str]:
    labels = [layer_schema(name).label for name in names]
    return "、".join(f"“{label.zh}”" for label in labels), ", ".join(label.en.lower() for label in labels)


def _source_table(paper: Paper, manifest: Manifest, involved: set[str]) -> None:
    lang = paper.lang
    none = Text("未注明", "not stated").in_language(lang)
    rows = []
    for name, source in manifest["sources"].items():
        if name not in involved:
            continue
        count = source.get("rows_used")
        rows.append(
            (
                layer_schema(name).label.in_language(lang),
                source.get("owner") or none,
                str(source.get("observed") or none),
                "—" if count is None else f"{count:,}",
                _classification(source, lang),
                source["fingerprint"][:8],
            )
        )
    header = [
        text.in_language(lang)
        for text in (
            Text("图层", "Layer"),
            Text("提供单位", "Owner"),
            Text("数据日期", "Observed"),
            Text("要素数", "Features"),
            Text("密级分类", "Class"),
            Text("指纹", "Fingerprint"),
        )
    ]
    paper.table(header, rows, numeric=[False, False, False, True, False, False])


_CLASSES = {
    "public": Text("可公开", "public"),
    "internal": Text("内部", "internal"),
    "work_secret": Text("工作秘密", "work secret"),
}


def _classification(source: Mapping[str, Any], lang: Lang) -> str:
    stated = str(source.get("classification") or "")
    return _CLASSES.get(stated, Text("未注明", "not stated")).in_language(lang)


def _involved(manifest: Manifest, user: User, layers: Layers) -> set[str]:
    """The input layers a user's results were made from, directly or through other steps."""
    steps = {step["step"]: step for step in manifest["steps"]}
    seen: set[str] = set()
    queue = [name for name in user.tables if name in layers]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += list(steps.get(name, {}).get("inputs", ()))
    return seen


def _finding_table(paper: Paper, manifest: Manifest, involved: set[str]) -> None:
    findings = [f for f in manifest["findings"] if f["layer"] in involved]
    if not findings:
        paper.say("数据检查未发现问题。", "The data check found nothing.")
        return
    lang = paper.lang
    severities = {
        "error": Text("错误", "error"),
        "warning": Text("提醒", "warning"),
        "note": Text("说明", "note"),
    }
    paper.say(f"数据检查共 {len(findings)} 条：", f"The data check has {len(findings)} remarks:")
    rows = [
        (severities[f["severity"]].in_language(lang), layer_schema(f["layer"]).label.in_language(lang), f[lang])
        for f in findings[:FINDINGS_SHOWN]
    ]
    header = [t.in_language(lang) for t in (Text("级别", "Level"), Text("图层", "Layer"), Text("内容", "Remark"))]
    paper.table(header, rows)
    if len(findings) > FINDINGS_SHOWN:
        left = len(findings) - FINDINGS_SHOWN
        paper.say(f"其余 {left} 条见运行记录 run.json。", f"{left} more stand in run.json.")


# --- the planner ------------------------------------------------------------------------------------

_ZONE_OVERVIEW = ("name", "community_count", "households", "floor_area_m2", "land_area_m2", "cost_yuan")
_COMMUNITY_COLUMNS = ("name", "subdistrict", "year_built", "building_count", "households", "floor_area_m2")
_NETWORK_COLUMNS = ("network", "reached", "length_m", "mean_age_years", "age_30_plus_length_m", "operators")


def _planner_body(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    paper.heading("一、总体情况", "1. Overview")
    zones, members = layers.get("zones"), layers.get("zone_members")
    if zones is None or members is None:
        paper.say("本次运行没有划分片区。", "This run delineated no zones.")
        return
    left_out = members[members["zone_id"].isna()]
    zh, en = _sum_text(zones)
    paper.say(
        f"共划分连片改造片区 {len(zones)} 个，含小区 {int(zones['community_count'].sum())} 个{zh}。"
        + (f"另有 {len(left_out)} 个小区未纳入任何片区。" if len(left_out) else "全部小区均已纳入。"),
        f"{len(zones)} zones hold {int(zones['community_count'].sum())} communities{en}. "
        + (f"{len(left_out)} communities are in no zone." if len(left_out) else "Every community is in a zone."),
    )
    paper.layer_table(zones, "zones", _ZONE_OVERVIEW, see=workbook)
    _parameter_table(paper, manifest, ("community_links", "zone_members", "zones"))
    if len(left_out):
        paper.heading("二、未纳入片区的小区", "2. Communities in no zone")
        paper.layer_table(_with_names(left_out, layers), "zone_members", _left_out_columns(left_out), see=workbook)
    paper.heading("三、片区分表" if len(left_out) else "二、片区分表", "Zone by zone", new_page=True)
    for number, zone_id in enumerate(zones.index[:SHEETS_MAX]):
        _zone_sheet(paper, layers, zone_id, workbook, new_page=number > 0)
    if len(zones) > SHEETS_MAX:
        left = len(zones) - SHEETS_MAX
        paper.say(f"其余 {left} 个片区见 {workbook}。", f"{left} more zones stand in {workbook}.")


def _sum_text(zones: pd.DataFrame) -> tuple[str, str]:
    """Households and floor area of all zones, and of how many zones they are not known."""
    zh = en = ""
    for column, label in (
        ("households", Text("户数", "households")),
        ("floor_area_m2", Text("建筑面积", "floor area")),
    ):
        values = pd.to_numeric(_known(zones, column))
        unknown, total = int(values.isna().sum()), float(values.sum())
        if unknown == len(zones):
            zh, en = f"{zh}，{label.zh}未知", f"{en}, {label.en} unknown"
            continue
        households = column == "households"
        zh += f"，{total:,.0f} 户" if households else f"，建筑面积 {total / 1e4:,.2f} 万m²"
        en += f", {total:,.0f} households" if households else f", {total:,.0f} m² of floor area"
        zh += f"（{unknown} 个片区未知，未计入）" if unknown else ""
        en += f" ({unknown} zones unknown, not counted)" if unknown else ""
    return zh, en


def _parameter_table(paper: Paper, manifest: Manifest, steps: Sequence[str]) -> None:
    rows = [
        (layer_schema(record["step"]).label.in_language(paper.lang), name, _parameter_text(value))
        for record in manifest["steps"]
        if record["step"] in steps
        for name, value in record.get("parameters", {}).items()
        if name not in _HOW_FAST
    ]
    if not rows:
        return
    paper.say(
        "计算所用参数如下（在 project.toml 中设定，未设定的取默认值）：",
        "Parameters in force (project.toml or default):",
    )
    header = [
        t.in_language(paper.lang) for t in (Text("步骤", "Step"), Text("参数", "Parameter"), Text("取值", "Value"))
    ]
    paper.table(header, rows)


# Parameters that decide how long a run takes, never what comes out.
_HOW_FAST = ("threads", "workers")


def _parameter_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "—" if value is None or (isinstance(value, dict | list | tuple) and not value) else str(value)


def _with_names(frame: pd.DataFrame, layers: Layers) -> pd.DataFrame:
    """The members with their community's name beside; names are not part of the layer."""
    communities = layers["communities"]
    return frame.assign(name=communities["name"].reindex(frame.index))


def _left_out_columns(members: pd.DataFrame) -> list[str]:
    return ["name", *(column for column in members.columns if column != "zone_id")]


def _zone_sheet(paper: Paper, layers: Layers, zone_id: str, workbook: str, *, new_page: bool) -> None:
    zones, members, communities = layers["zones"], layers["zone_members"], layers["communities"]
    zone = zones.loc[zone_id]
    own = members.index[members["zone_id"] == zone_id]
    paper.heading(f"{zone['name']}（{zone_id}）", f"{zone['name']} ({zone_id})", level=2, new_page=new_page)
    paper.facts(_zone_facts(zone, paper.lang))
    why = zone.get(f"why_{paper.lang}")
    if isinstance(why, str):
        paper.say(f"成片理由：{why}", f"Why: {why}")
    paper.layer_table(communities.loc[own], "communities", _COMMUNITY_COLUMNS, see=workbook)
    _zone_links(paper, layers, set(own), workbook)
    _zone_networks(paper, layers, zone_id)
    _zone_parks(paper, layers, own, workbook)


def _zone_facts(zone: pd.Series, lang: Lang) -> list[tuple[Text, str]]:
    """Every field of the zone that is no sentence; how many members are unknown stands beside its sum."""
    schema = layer_schema("zones")
    pairs = []
    for name, field in schema.fields.items():
        told_elsewhere = name in ("name", schema.key) or name.startswith("why_")
        if told_elsewhere or name.endswith("_unknown_count") or name not in zone.index:
            continue
        if name.endswith("_en" if lang == "zh" else "_zh"):
            continue
        unit = "%" if name.endswith("_share") else field.unit
        text = shown_text(zone[name], field, lang)
        known = text not in ("", "—") and any(character.isdigit() for character in text)
        if known and unit and unit not in ("年", "%") and lang == "zh":
            text = f"{text} {unit}"
        unknown = zone.get(f"{name}_unknown_count", 0)
        if unknown and unknown == unknown:  # noqa: PLR0124 - NaN is not itself
            text += f"（{int(unknown)} 个小区未知）" if lang == "zh" else f" ({int(unknown)} communities unknown)"
        pairs.append((field.label, text))
    return pairs


def _zone_links(paper: Paper, layers: Layers, own: set[str], workbook: str) -> None:
    links = layers.get("community_links")
    if links is None or not len(links):
        return
    names = _community_names(layers["communities"])
    inside = links["focal"].isin(own) & links["neighbor"].isin(own)
    across = (links["focal"].isin(own) ^ links["neighbor"].isin(own)) | (inside & links["status"].eq("cut"))
    shown = links.assign(focal=links["focal"].map(names), neighbor=links["neighbor"].map(names))
    reason = f"reason_{paper.lang}"
    columns = ("focal", "neighbor", "status", "gap_m", "shared_wall_m", reason)
    joined = shown[inside & ~links["status"].eq("cut")]
    if len(joined):
        paper.say("小区之间的连接：", "Links within the zone:")
        paper.layer_table(joined, "community_links", columns, key=False, rows_shown=LINKS_SHOWN, see=workbook)
    if across.any():
        paper.say("与相邻小区的隔断或未合并：", "Neighbours cut off or not taken in:")
        paper.layer_table(shown[across], "community_links", columns, key=False, rows_shown=LINKS_SHOWN, see=workbook)


def _community_names(communities: pd.DataFrame) -> dict[str, str]:
    """A name for each id; where two communities share a name, the id stands beside it."""
    repeated = communities["name"].duplicated(keep=False)
    return {
        str(key): f"{name}（{key}）" if twice else str(name)
        for key, name, twice in zip(communities.index, communities["name"], repeated, strict=True)
    }


def _zone_networks(paper: Paper, layers: Layers, zone_id: str) -> None:
    table = layers.get("utility_by_zone")
    if table is None:
        paper.say("管线：未核查（没有管线数据）。", "Utilities: not checked, there are no data.")
        return
    paper.say("管线：", "Utilities:")
    paper.layer_table(table[table["zone_id"] == zone_id], "utility_by_zone", _NETWORK_COLUMNS, key=False)


def _zone_parks(paper: Paper, layers: Layers, own: Iterable[str], workbook: str) -> None:
    table = layers.get("park_access")
    if table is None:
        paper.say("公园绿地：未核查（缺少慢行道或公园数据）。", "Parks: not checked, paths or parks are missing.")
        return
    rows = table.loc[[key for key in own if key in table.index]]
    names = _community_names(layers["communities"])
    columns = [
        n for n in table.columns if n in ("park_name", "network_distance_m") or n.startswith(("covered_", "guide_"))
    ]
    paper.say("公园绿地可达情况（沿路网步行）：", "Park access along the network:")
    paper.layer_table(rows.rename(index=names), "park_access", columns, see=workbook, labels=_COMMUNITY_LABEL)


_COMMUNITY_LABEL = {"community_id": Text("小区", "Community")}


# --- the bureau -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Register:
    """One of the bureau's two registers: its layers and words."""

    result: str
    ledger: str
    noun: Text
    overview: tuple[str, ...]


_REGISTERS = (
    _Register(
        result="idle_parcels",
        ledger="parcel_ledger",
        noun=Text("宗地", "parcels"),
        overview=(
            "area_m2",
            "registered_area_m2",
            "holder_kind",
            "right_type",
            "community_distance_m",
            "leasing_approval",
        ),
    ),
    _Register(
        result="idle_premises",
        ledger="premises_ledger",
        noun=Text("房屋", "premises"),
        overview=("floor_area_m2", "storey", "holder_kind", "right_type", "community_distance_m", "leasing_approval"),
    ),
)
_OUTCOMES = ("candidate", "unknown", "excluded")


def _bureau_body(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    paper.heading("一、口径", "1. How to read this register")
    paper.say(
        "本表由程序按所列规则对宗地和房屋逐条判定，结论分“候选”“未知”“排除”三类。"
        "“候选”只表示值得踏勘核实，不是对闲置土地的认定；是否属于闲置土地，由市、县自然资源主管部门依法认定。",
        "Every parcel and room was judged rule by rule; the outcome is candidate, unknown or excluded. A candidate is "
        "worth a visit, it is not a finding of idle land: that is for the natural resources authority to make.",
    )
    paper.say(
        "缺少数据的规则记为“未知”，既不算符合，也不算不符合；没有取得图层的事项列为“未核查”，不等于“不涉及”。",
        "A rule without data is unknown, neither met nor failed. What no layer covers was not checked, "
        "which is not the same as not affected.",
    )
    present = [register for register in _REGISTERS if register.result in layers]
    paper.heading("二、汇总", "2. Summary")
    if not present:
        paper.say("本次运行没有宗地或房屋数据，未核查。", "There are neither parcels nor premises: not checked.")
    else:
        _outcome_table(paper, layers, present)
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
            areas = pd.to_numeric(_known(own, area))
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
    header = [
        text.in_language(lang)
        for text in (
            Text("类别", "Kind"),
            Text("初筛结论", "Outcome"),
            Text("数量", "Count"),
            Text("面积（m²）", "Area (m²)"),
            Text("折合亩数", "Area (mu)"),
            Text("备注", "Remark"),
        )
    ]
    paper.table(header, rows, numeric=[False, False, True, True, True, False])


def _register(paper: Paper, layers: Layers, register: _Register, workbook: str) -> None:
    frame, noun = layers[register.result], register.noun
    groups = {outcome: frame[frame["verdict"] == outcome] for outcome in _OUTCOMES}
    reason = f"reason_{paper.lang}"
    paper.heading(f"候选{noun.zh}", f"Candidate {noun.en}", new_page=True)
    if not len(groups["candidate"]):
        paper.say(f"没有候选{noun.zh}。", f"There are no candidate {noun.en}.")
    else:
        paper.layer_table(groups["candidate"], register.result, register.overview, see=workbook)
        for key in groups["candidate"].index[:SHEETS_MAX]:
            _candidate_sheet(paper, layers, register, key)
        left = len(groups["candidate"]) - SHEETS_MAX
        if left > 0:
            paper.say(f"其余 {left} 处的逐条判定见 {workbook}。", f"The ledgers of {left} more stand in {workbook}.")
    paper.heading(f"待核实{noun.zh}（数据不足，不能判定）", f"{noun.en.capitalize()} to verify: data are missing")
    _by_reason(paper, groups["unknown"], reason)
    paper.heading(f"已排除{noun.zh}", f"Excluded {noun.en}")
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
    groups = frame.groupby(_known(frame, reason).fillna(""), sort=True).groups
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    header = [
        text.in_language(paper.lang)
        for text in (Text("待核实事项", "To find out"), Text("数量", "Count"), Text("编号", "Ids"))
    ]
    separator = "、" if paper.lang == "zh" else ", "
    rows = [(str(why), f"{len(keys):,}", separator.join(map(str, keys))) for why, keys in ordered]
    paper.table(header, rows, numeric=[False, True, False])


def _candidate_sheet(paper: Paper, layers: Layers, register: _Register, key: str) -> None:
    lang = paper.lang
    frame, ledger = layers[register.result], layers.get(register.ledger)
    schema = layer_schema(register.result)
    paper.heading(f"{register.noun.zh} {key}", str(key), level=2)
    row = frame.loc[key].copy()
    names = _community_names(layers["communities"]) if "communities" in layers else {}
    row["nearest_community_id"] = names.get(row.get("nearest_community_id"), row.get("nearest_community_id"))
    told = ("verdict", "deciding_rules", f"reason_{lang}", "passed_count", "failed_count", "unknown_count")
    other = "_en" if lang == "zh" else "_zh"
    facts = [
        (field.label, _with_unit(shown_text(row[name], field, lang), field.unit))
        for name, field in schema.fields.items()
        if name in frame.columns and name not in told and not name.endswith(other)
    ]
    paper.facts([(label, text) for label, text in facts if text])
    if ledger is not None:
        own = ledger[ledger[schema.key] == key]
        columns = ("verdict", f"reason_{lang}", "role", "source")
        paper.layer_table(own, register.ledger, columns)


def _with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if unit and any(character.isdigit() for character in text) else text


def _control_line_table(paper: Paper, layers: Layers) -> None:
    """Which kinds of control lines the check could see at all."""
    lang = paper.lang
    paper.heading("控制线核查情况", "Control lines looked at", new_page=True)
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
    header = [
        text.in_language(lang)
        for text in (
            Text("控制线", "Control line"),
            Text("核查情况", "State"),
            Text("图形数", "Features"),
            Text("数据日期", "Dated"),
        )
    ]
    paper.table(header, rows, numeric=[False, False, True, False])


def _rule_table(paper: Paper, manifest: Manifest) -> None:
    lang = paper.lang
    paper.heading("规则与依据", "Rules and their sources")
    rules = [rule_from_record(record) for record in manifest["rules"]]
    rows = [(rule.id, rule.text.in_language(lang), rule.source.in_language(lang)) for rule in rules]
    header = [t.in_language(lang) for t in (Text("规则", "Rule"), Text("内容", "Content"), Text("依据", "Source"))]
    paper.table(header, rows)


def rule_from_record(record: Mapping[str, Any]) -> Rule:
    """A rule as the manifest keeps it, in memory or read back from ``run.json``."""
    lists = {name: tuple(value) for name, value in record.items() if isinstance(value, list) and name != "text"}
    return Rule(**{**record, **lists, "text": Text(*record["text"])})


# --- the publisher ----------------------------------------------------------------------------------

_UNIT_COLUMNS = (
    "name",
    "community_count",
    "started_count",
    "started_share",
    "completed_count",
    "completed_share",
    "newly_started_count",
    "newly_completed_count",
    "start_unknown_count",
)
_MONEY_COLUMNS = ("name", "planned_yuan", "allocated_yuan", "received_yuan", "paid_yuan")


def _publisher_body(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    as_of = _date(manifest["project"]["as_of"])
    paper.heading("一、总体进度", "1. Overall progress")
    units, states = layers.get("unit_progress"), layers.get("project_states")
    if units is None or states is None:
        paper.say(
            "本次运行没有项目或进度数据，未统计。", "There are no projects or works records: nothing was counted."
        )
        return
    _overall(paper, units, as_of)
    _target_table(paper, layers, manifest)
    paper.heading("二、分县区进度", "2. Progress by county")
    _unit_tables(paper, units, workbook)
    paper.heading("四、本月变化", "4. Changed this month")
    _changes(paper, states, layers, workbook)
    paper.heading("五、需核实的填报", "5. Reports to verify")
    _faults(paper, states, layers, workbook)


def _unit_tables(paper: Paper, units: pd.DataFrame, workbook: str) -> None:
    planned = pd.to_numeric(_known(units, "community_count")).fillna(0) > 0
    paper.layer_table(units[planned], "unit_progress", _UNIT_COLUMNS, key=False, see=workbook)
    if not planned.all():
        names = list(map(str, units.loc[~planned, "name"]))
        paper.say(f"{'、'.join(names)}没有列入计划的小区。", f"No community of {', '.join(names)} is in the plan.")
    paper.say(
        "开工率、完工率按小区数计算，分母为已下达计划（不含储备）。一个小区的任一项目开工即为开工，全部项目完工才算完工。"
        "开工情况不明的小区不计入已开工，实际开工率可能更高。",
        "Rates count communities against the issued plan, the reserve left out. A community has started when any of "
        "its projects has, and is completed when all are. Where it is unknown the true rate may be higher.",
    )
    paper.heading("三、资金", "3. Funds")
    paper.layer_table(units[planned], "unit_progress", _MONEY_COLUMNS, key=False, see=workbook)


_ODD = ("went_back", "same_day_conflict", "contradictory")


def _overall(paper: Paper, units: pd.DataFrame, as_of: datetime.date) -> None:
    # Subdistricts also count for their county, so they are left out of the sum.
    own = units[~_known(units, "level").eq("subdistrict")]
    count = {name: int(pd.to_numeric(_known(own, name)).sum()) for name in _UNIT_COLUMNS if name.endswith("_count")}
    planned = count["community_count"]
    rates = [f"{count[name] / planned:.1%}" if planned else "—" for name in ("started_count", "completed_count")]
    unknown = count["start_unknown_count"]
    paper.say(
        f"截至 {as_of.year} 年 {as_of.month} 月 {as_of.day} 日，计划改造小区 {planned:,} 个，"
        f"已开工 {count['started_count']:,} 个（{rates[0]}），已完工 {count['completed_count']:,} 个（{rates[1]}）；"
        f"本月新开工 {count['newly_started_count']:,} 个，新完工 {count['newly_completed_count']:,} 个。"
        + (f"另有 {unknown:,} 个小区开工情况不明。" if unknown else ""),
        f"By {as_of}, of {planned:,} communities planned {count['started_count']:,} have started ({rates[0]}) and "
        f"{count['completed_count']:,} are completed ({rates[1]}); this month {count['newly_started_count']:,} started "
        f"and {count['newly_completed_count']:,} were completed."
        + (f" Of {unknown:,} it is unknown whether they started." if unknown else ""),
    )


def _target_table(paper: Paper, layers: Layers, manifest: Manifest) -> None:
    """The plan's totals beside the list's, batch by batch; what the plan does not state stays open."""
    targets, communities = manifest.get("targets") or {}, layers.get("communities")
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
            rows.append((batch_label, label, *_target_cells(target.get(name), found, unknown, lang)))
    paper.say("计划与小区台账核对：", "The plan beside the list of communities:")
    header = [
        text.in_language(lang)
        for text in (
            Text("计划批次", "Batch"),
            Text("指标", "Figure"),
            Text("计划数", "Plan"),
            Text("台账合计", "List"),
            Text("相差", "Difference"),
            Text("备注", "Remark"),
        )
    ]
    paper.table(header, rows, numeric=[False, False, True, True, True, False])


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
    state, before, change = (_known(states, name) for name in ("state", "previous_state", "progress_change_share"))
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
    flags = (
        states[["went_back", "same_day_conflict", "contradictory"]].astype("boolean").fillna(value=False).any(axis=1)
    )
    rows = _with_unit_names(states[flags | states["record_status"].ne("current")], layers)
    if not len(rows):
        paper.say("没有发现需要核实的填报。", "No report needs verifying.")
        return
    columns = ("name", "unit_code", "record_status", "recorded_on", f"reason_{paper.lang}")
    paper.layer_table(rows, "project_states", columns, key=False, see=workbook, labels=_UNIT_LABEL)


def _known(frame: pd.DataFrame, name: str) -> pd.Series:
    """The column, or one of unknown values where the layer has none."""
    return frame[name] if name in frame else pd.Series(None, index=frame.index, dtype="object")


def _with_unit_names(states: pd.DataFrame, layers: Layers) -> pd.DataFrame:
    """The county's name in place of its code, where it is known."""
    units = layers.get("reporting_units")
    if units is None or "unit_code" not in states:
        return states
    names = dict(zip(units.index, units["name"], strict=True))
    return states.assign(unit_code=[names.get(code, code) for code in states["unit_code"]])


def _date(value: Any) -> datetime.date:
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)


# --- who gets what ----------------------------------------------------------------------------------

USERS = (
    User(
        name="planner",
        document="planner-zones.docx",
        workbook="planner-tables.xlsx",
        title=Text("城镇老旧小区连片改造片区划分说明", "Contiguous renovation zones: scheme and reasons"),
        tables=(
            "zones", "zone_members", "communities", "community_links", "utility_by_zone", "utility_by_community",
            "park_access", "slow_path_provision", "community_terrain",
        ),
        signs=(Text("编制", "Prepared by"), Text("校核", "Checked by"), Text("审定", "Approved by")),
        body=_planner_body,
    ),
    User(
        name="bureau",
        document="bureau-idle-land.docx",
        workbook="bureau-tables.xlsx",
        title=Text("闲置公有用地与空置房屋初筛登记表", "Idle public land and vacant premises: register of candidates"),
        tables=("idle_parcels", "parcel_ledger", "idle_premises", "premises_ledger", "parcel_greenness"),
        signs=(Text("初筛", "Screened by"), Text("踏勘核实", "Verified on site by"), Text("审核", "Reviewed by")),
        body=_bureau_body,
    ),
    User(
        name="publisher",
        document="publisher-progress.docx",
        workbook="publisher-tables.xlsx",
        title=Text("城镇老旧小区改造进度月报", "Renovation of old communities: monthly progress"),
        tables=("unit_progress", "plan_progress", "project_states"),
        signs=(Text("填报", "Reported by"), Text("审核", "Reviewed by"), Text("负责人", "Head")),
        body=_publisher_body,
    ),
)  # fmt: skip
