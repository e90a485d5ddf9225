"""The planner's document: the zones, what is in them and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pandas as pd

from gis_renovation.display import shown_text, shown_unit
from gis_renovation.reports.parts import (
    SHEETS_MAX,
    Layers,
    community_names,
    in_language,
    known_values,
    titled,
)
from gis_renovation.reports.zone_maps import ZONE_MAP_WIDTH_CM, ZoneMaps
from gis_renovation.run import Manifest, parameter, step_defaults, value_text
from gis_renovation.schemas import Field, layer_schema
from gis_renovation.unknowns import name_or_id, names_or_ids
from gis_renovation.words import CLAUSES, COMMAS, NO_TEXT, STOP, WAN, Lang, Text, counted, unit_text, yuan_text
from gis_renovation.writing import Paper
from gis_renovation.zones import missed_number, money_by_year

LINKS_SHOWN = 40
# More communities would not leave the record on one page; the workbook has all.
COMMUNITIES_SHOWN = 15

_ZONE_OVERVIEW = ("name", "community_count", "households", "floor_area_m2", "land_area_m2", "cost_yuan")
_NETWORK_COLUMNS = ("network", "reached", "length_m", "mean_age_years", "age_30_plus_length_m", "operators")


# The record of a zone, in the order of the form: layer and column.
_RECORD = (
    ("zones", "unit_code"),
    ("zones", "subdistrict"),
    ("zones", "extent_zh"),
    ("zones", "continues_zone_id"),
    ("zones", "community_count"),
    ("zones", "building_count"),
    ("zones", "households"),
    ("zones", "floor_area_m2"),
    ("zone_sheets", "area_ha"),
    ("zones", "oldest_year_built"),
    ("zones", "newest_year_built"),
    ("zone_sheets", "plan_batches_zh"),
    ("zones", "need_basic"),
    ("zones", "need_improvement"),
    ("zones", "need_enhancement"),
    ("zone_works", "works_state"),
    ("zone_schedule", "work_year"),
    ("zone_schedule", "work_end_year"),
    ("zone_schedule", "work_status"),
    ("zone_sheets", "shared_wall_m"),
    ("zone_sheets", "shared_walls_zh"),
    ("zone_sheets", "facilities_zh"),
    ("zone_sheets", "missing_facilities_zh"),
    ("zone_sheets", "operators_zh"),
    ("zone_sheets", "projects_zh"),
    ("zones", "cost_yuan"),
    ("zone_sheets", "funds_planned_yuan"),
    ("zone_sheets", "funds_allocated_yuan"),
    ("zone_sheets", "funds_received_yuan"),
    ("zone_sheets", "funds_paid_yuan"),
    ("zone_sheets", "fund_sources_zh"),
)
# What a person fills in by hand: no layer holds it.
_BY_HAND = (Text("组织实施单位", "Organiser"), Text("计划开工时间", "Planned start"))


def write_zone_scheme(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    """All zones in one table, those left out and why, the work order, one page a zone, then the details."""
    paper.heading("一、总体情况", "1. Overview")
    zones, members = layers.get("zones"), layers.get("zone_members")
    if zones is None or members is None:
        paper.say("本次运行没有划分片区。", "This run delineated no zones.")
        return
    left_out = members[members["zone_id"].isna()]
    alone = int((zones["community_count"] == 1).sum())
    held = Text(
        "共划分连片改造片区 {zones} 个{alone}，含小区 {count} 个{sums}。",
        "{zones} zones{alone} hold {count} communities{sums}. ",
    )
    single = Text("，另有单独实施的小区 {n} 个，合计", ", and {n} communities with works of their own,").fill(n=alone)
    rest = Text("另有 {left} 个小区未纳入任何片区。", "{left} communities are in no zone.").fill(left=len(left_out))
    paper.say(
        *held.fill(
            zones=len(zones) - alone,
            alone=single if alone else NO_TEXT,
            count=int(zones["community_count"].sum()),
            sums=_sum_text(zones),
        )
        + (rest if len(left_out) else Text("全部小区均已纳入。", "Every community is in a zone."))
    )
    _say_wishes(paper, manifest)
    _say_missed(paper, layers, manifest)
    _say_proof(paper, members)
    _say_stability(paper, layers.get("zone_stability"))
    _say_near_limits(paper, layers.get("links_near_limits"), workbook)
    paper.layer_table(zones, "zones", _ZONE_OVERVIEW, see=workbook)
    maps = ZoneMaps.of(layers, manifest, lang=paper.lang)
    numbers = iter("二三四五六七八九")
    if maps is not None:
        _county_maps(paper, layers, maps, numbers)
    if len(left_out):
        paper.heading(f"{next(numbers)}、未纳入片区的小区", "Communities in no zone")
        _left_out_table(paper, layers, left_out, workbook)
    _changes(paper, layers, numbers, workbook)
    _work_order(paper, layers, numbers, workbook)
    shown = zones.index[:SHEETS_MAX]
    left = len(zones) - len(shown)
    for number, zone_id in enumerate(shown):
        if number == 0:
            paper.heading(f"{next(numbers)}、片区登记表", "Zone records", new_page=True)
        _zone_record(paper, layers, zone_id, workbook, new_page=number > 0)
    if left > 0:
        paper.say(f"其余 {left} 个片区见 {workbook}。", f"{left} more zones stand in {workbook}.")
    for number, zone_id in enumerate(shown):
        if number == 0:
            paper.heading(f"{next(numbers)}、片区明细", "Details of the zones", new_page=True)
        _zone_details(paper, layers, zone_id, workbook)
        if maps is not None and (drawn := maps.zone(str(zone_id))) is not None:
            paper.picture(drawn, width_cm=ZONE_MAP_WIDTH_CM)
    paper.heading(f"{next(numbers)}、计算参数", "Parameters", new_page=True)
    _parameter_table(paper, manifest, _PARAMETER_STEPS)


def _county_maps(paper: Paper, layers: Layers, maps: ZoneMaps, numbers: Iterator[str]) -> None:
    """A map of each county with its zones by number, and which number is which."""
    zones = layers["zones"]
    units = zones["unit_code"] if "unit_code" in zones else pd.Series(pd.NA, index=zones.index)
    names = layers["reporting_units"]["name"] if "reporting_units" in layers else pd.Series(dtype=object)
    for first, (unit, own) in enumerate(zones.groupby(units.fillna(""), sort=True)):
        called = name_or_id(names.get(unit), unit) if unit else Text("全部", "all").in_language(paper.lang)
        numbered = {str(key): number for number, key in enumerate(own.index, start=1)}
        drawn = maps.county(numbered, called)
        if drawn is None:
            continue
        if first == 0:
            paper.heading(f"{next(numbers)}、片区分布图", "Maps of the zones", new_page=True)
        paper.picture(drawn, width_cm=ZONE_MAP_WIDTH_CM)
        listed = CLAUSES.join(
            Text("{n} {name}", "{n} {name}").fill(n=n, name=name_or_id(own["name"].get(key), key))
            for key, n in numbered.items()
        )
        paper.say(*Text("图中编号：{listed}。", "Numbers on the map: {listed}.").fill(listed=listed))


# Steps whose parameters decide what the scheme says.
_PARAMETER_STEPS = ("community_links", "zone_changes", "zone_members", "zone_stability", "zone_schedule", "zone_sheets")


def _say_wishes(paper: Paper, manifest: Manifest) -> None:
    """What the planner asked: the parameters that the project set, in words."""
    zoning = manifest.made.get("zone_members")
    asked = [
        (entry.label, value_text(value, entry, paper.lang))
        for name, value in (zoning.parameters if zoning else {}).items()
        if not (entry := parameter("zones", name)).is_work and value != step_defaults("zone_members").get(name)
    ]
    if asked:
        wishes = CLAUSES.join(label + Text("：", ": ") + text for label, text in asked)
        said = Text("划分要求：{wishes}。其余参数取默认值，见文末。", "Asked for: {wishes}. The rest is default.")
        paper.say(*said.fill(wishes=wishes))


def _say_missed(paper: Paper, layers: Layers, manifest: Manifest) -> None:
    """That there are not as many zones as asked for, and why: proven best is meant within that."""
    zoning = manifest.made.get("zone_members")
    asked = zoning.parameters.get("zone_count") if zoning else None
    missed = missed_number(asked, layers["zone_members"], layers.get("community_links"))
    if missed is not None:
        said = Text("片区数与要求不符：{missed}。", "Not the number of zones asked for: {missed}.")
        paper.say(*said.fill(missed=missed))


def _say_stability(paper: Paper, stability: pd.DataFrame | None) -> None:
    if stability is None or not len(stability) or not int(stability["run_count"].max()):
        return
    runs, firm = int(stability["run_count"].max()), int((stability["same_mates_share"] >= 1.0).sum())
    paper.say(
        f"稳定性：换用不同种子，让数据、小区边界和阻隔的位置在误差范围内变动，试算 {runs} 次，"
        f"{len(stability)} 个小区中有 {firm} 个始终与相同的小区同片。",
        f"Stability: over {runs} runs with other seeds, shaken inputs and drawings that are a little off, {firm} of "
        f"{len(stability)} communities always keep the same zone mates.",
    )


def _say_near_limits(paper: Paper, near: pd.DataFrame | None, workbook: str) -> None:
    """How many links hang on a limit, and which: to be looked at on site before anybody signs."""
    if near is None or not len(near):
        return
    links = near["link_id"].nunique()
    paper.say(
        f"有 {links} 对小区是否连通取决于临近的限值，宜现场核实（{workbook} 的“临近限值的连接”）：",
        f"{counted(links, 'pair of communities hangs', 'pairs of communities hang')} on a limit close by, to be looked "
        f"at on site (sheet “Links near a limit” of {workbook}):",
    )
    columns = ("limit", "limit_value_m", "measured_m", "effect", f"reason_{paper.lang}")
    paper.layer_table(near, "links_near_limits", columns, key=False, see=workbook)


def _left_out_table(paper: Paper, layers: Layers, left_out: pd.DataFrame, workbook: str) -> None:
    """The groups left out with the reason and what would help; without that layer, one community a row."""
    shortfalls = layers.get("zone_shortfalls")
    names = community_names(layers["communities"])
    if shortfalls is None or not len(shortfalls):
        reason = in_language(paper.lang, ("小区", "Community"), ("编号", "Id"), ("原因", "Why"))
        texts = known_values(left_out, f"reason_{paper.lang}").fillna("")
        rows = [(names.get(str(key), str(key)), str(key), str(text)) for key, text in texts.items()]
        paper.table(reason, rows)
        return
    groups = ["、".join(names.get(member, member) for member in ids.split("、")) for ids in shortfalls["community_ids"]]
    shown = shortfalls.assign(community_ids=groups)
    columns = ("community_ids", "households", f"reason_{paper.lang}")
    paper.layer_table(shown, "zone_shortfalls", columns, key=False, see=workbook)


def _changes(paper: Paper, layers: Layers, numbers: Iterator[str], workbook: str) -> None:
    """What moved against the approved plan; communities that stay are counted."""
    changes = layers.get("zone_changes")
    if changes is None:
        return
    paper.heading(f"{next(numbers)}、对已批准方案的调整", "Changes to the approved plan")
    counts = changes["change"].value_counts()
    labels = layer_schema("zone_changes").fields["change"].values
    told = [(labels[code], int(counts[code])) for code in labels if code in counts]
    paper.say(*Text("按小区计：{counts}。", "By community: {counts}.").fill(counts=_counts(told)))
    moved = changes[changes["change"] != "kept"]
    names = community_names(layers["communities"])
    if len(moved):
        columns = ("approved_zone_id", "zone_id", "change", f"reason_{paper.lang}")
        paper.layer_table(
            moved.rename(index=names), "zone_changes", ("community_id", *columns), see=workbook, labels=_COMMUNITY_LABEL
        )


def _work_order(paper: Paper, layers: Layers, numbers: Iterator[str], workbook: str) -> None:
    """The zones by year, with the sums of each year: what begins, and what goes on and is paid first."""
    table, zones = layers.get("zone_schedule"), layers["zones"]
    if table is None:
        return
    status = known_values(table, "work_status")
    if not (table["work_year"].notna() | status.isin(["started", "completed"])).any():
        return
    paper.heading(f"{next(numbers)}、年度计划", "Work order")
    labels = layer_schema("zone_schedule").fields["work_status"].values
    counts = status.value_counts()
    told = [(label, int(counts[code])) for code, label in labels.items() if code in counts]
    if told:
        paper.say(*Text("按片区计：{counts}。", "By zone: {counts}.").fill(counts=_counts(told)))
    facts = zones[["name", "households", "community_count"]].add_prefix("zone_")
    full = table.join(facts).sort_values("work_rank", kind="stable")
    money = {str(zone): money_by_year(cell) for zone, cell in known_values(full, "year_money").items()}
    going = set(status.index[status.eq("started")])
    begun = full[full["work_year"].notna() & ~full.index.isin(going)]
    for year in sorted({*begun["work_year"], *(year for own in money.values() for year in own)}):
        paper.say(*_year_text(int(year), begun[begun["work_year"] == year], money, going))
    shown = full.rename(index=dict(zip(zones.index, zones["name"].fillna(""), strict=True)))
    columns = [
        name
        for name in ("work_status", "work_year", "work_rank", "left_yuan", f"reason_{paper.lang}")
        if name in shown.columns
    ]
    label = {"zone_id": Text("片区", "Zone")}
    paper.layer_table(shown, "zone_schedule", columns, see=workbook, labels=label)


def _year_text(
    year: int, begun: pd.DataFrame, money: Mapping[str, Mapping[int, float]], going: Collection[str]
) -> Text:
    """One year: the zones that begin with their households and cost, and its money where older works take some too."""
    needed = pd.to_numeric(known_values(begun, "left_yuan")).fillna(begun["cost_yuan"])
    text = Text(
        "{year} 年：{m}，{households} 户，估算投资 {cost}",
        "{year}: {m}, {households} households, estimated cost {cost}",
    ).fill(
        year=year,
        m=_zone_count(begun),
        households=f"{begun['zone_households'].sum():,.0f}",
        cost=_money(float(needed.sum())),
    )
    older = {zone: own[year] for zone, own in money.items() if year in own and zone not in begun.index}
    if older:
        on = sum(zone in going for zone in older)
        text += Text(
            "；当年安排资金 {all}，其中以前年度开工的 {n} 个片区 {older}",
            "; {all} of this year's money is planned, of which {older} for {n} begun in earlier years",
        ).fill(
            all=_money(sum(own.get(year, 0.0) for own in money.values())),
            n=Text(str(len(older)), counted(len(older), "zone")),
            older=_money(sum(older.values())),
        )
        text += Text(f"（施工中 {on} 个）", f" ({on} under way)") if on != len(older) else NO_TEXT
    return text + STOP


def _zone_count(zones: pd.DataFrame) -> Text:
    """How many zones, those of one community apart."""
    alone = int((zones["zone_community_count"] == 1).sum())
    several = len(zones) - alone
    if not alone:
        return Text(f"{several} 个片区", counted(several, "zone"))
    single = Text(f"单独实施的小区 {alone} 个", counted(alone, "community on its own", "communities on their own"))
    return COMMAS.join([Text(f"连片片区 {several} 个", counted(several, "zone")), single]) if several else single


def _money(amount_yuan: float) -> Text:
    return Text(f"{amount_yuan / WAN:,.2f} 万元", yuan_text(amount_yuan))


def _say_proof(paper: Paper, members: pd.DataFrame) -> None:
    """How far the zones are proven to be the best: a claim nobody should have to take on trust."""
    proof = known_values(members, "proof").dropna()
    if not len(proof):
        return
    labels = layer_schema("zone_members").fields["proof"].values
    counts = [(labels[str(code)], int(count)) for code, count in proof.value_counts().sort_index().items()]
    paper.say(*Text("划分结论按小区计：{counts}。", "By community: {counts}.").fill(counts=_counts(counts)))


def _counts(told: Sequence[tuple[Text, int]]) -> Text:
    """How many communities each word is said of."""
    return COMMAS.join(label + Text(f" {count} 个", f" {count}") for label, count in told)


def _sum_text(zones: pd.DataFrame) -> Text:
    """Households and floor area of all zones, and of how many zones they are not known."""
    said = NO_TEXT
    for column, label in (
        ("households", Text("户数", "households")),
        ("floor_area_m2", Text("建筑面积", "floor area")),
    ):
        values = pd.to_numeric(known_values(zones, column))
        unknown, total = int(values.isna().sum()), float(values.sum())
        if unknown == len(zones):
            said += COMMAS + label + Text("未知", " unknown")
            continue
        if column == "households":
            said += Text(f"，{total:,.0f} 户", f", {total:,.0f} households")
        else:
            said += Text(f"，建筑面积 {total / 1e4:,.2f} 万m²", f", {total:,.0f} m² of floor area")
        if unknown:
            said += Text(f"（{unknown} 个片区未知，未计入）", f" ({unknown} zones unknown, not counted)")
    return said


def _parameter_table(paper: Paper, manifest: Manifest, steps: Sequence[str]) -> None:
    """Each parameter once, with its meaning, its code name, its value and whether the project set it."""
    seen: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for record in manifest.made.values():
        if record.step not in steps:
            continue
        module, defaults = record.table, step_defaults(record.step)
        for name, value in record.parameters.items():
            entry = parameter(module, name)
            is_set = name in defaults and value_text(defaults[name], entry, paper.lang) != value_text(
                value, entry, paper.lang
            )
            origin = Text("项目设定" if is_set else "默认", "set" if is_set else "default").in_language(paper.lang)
            row = (entry.label.in_language(paper.lang), name, value_text(value, entry, paper.lang), origin)
            if name not in _HOW_FAST:
                seen.setdefault((module, name), row)
    if seen:
        header = in_language(paper.lang, ("参数", "Parameter"), ("代号", "Name"), ("取值", "Value"), ("来源", "Origin"))
        paper.table(header, seen.values())


# Parameters that decide how long a run takes, never what comes out.
_HOW_FAST = ("threads", "workers")


def _zone_record(paper: Paper, layers: Layers, zone_id: str, workbook: str, *, new_page: bool) -> None:
    """One page: the form of the zone, why it is one, and its communities."""
    zones, members, communities = layers["zones"], layers["zone_members"], layers["communities"]
    zone = zones.loc[zone_id]
    own = members.index[members["zone_id"] == zone_id]
    paper.heading(*titled(zone["name"], zone_id), level=2, new_page=new_page)
    blank = Text("（待填）", "(to be filled in)").in_language(paper.lang)
    paper.facts([*_record_facts(layers, zone_id, paper.lang), *((label, blank) for label in _BY_HAND)])
    why = zone.get(f"why_{paper.lang}")
    if isinstance(why, str):
        paper.say(f"成片理由：{why}", f"Why: {why}")
    shown = communities.loc[own]
    columns = ("name", "year_built", "building_count", "households", "floor_area_m2", "cost_yuan")
    paper.layer_table(
        shown.assign(name=names_or_ids(shown)), "communities", columns, rows_shown=COMMUNITIES_SHOWN, see=workbook
    )


def _zone_details(paper: Paper, layers: Layers, zone_id: str, workbook: str) -> None:
    """What the record rests on: links and cuts, networks, parks."""
    zones, members = layers["zones"], layers["zone_members"]
    own = members.index[members["zone_id"] == zone_id]
    paper.heading(*titled(zones.loc[zone_id, "name"], zone_id), level=2)
    _zone_links(paper, layers, set(own), workbook)
    _zone_networks(paper, layers, zone_id)
    _zone_parks(paper, layers, own, workbook)


_COUNTY = Text("县区", "County")


def _record_facts(layers: Layers, zone_id: str, lang: Lang) -> list[tuple[Text, str]]:
    """The form's labels and values; columns no layer has are passed over, so is what does not apply."""
    pairs = []
    for layer, name in _RECORD:
        # The form in English has the sentence in English.
        name = f"{stem}_{lang}" if (stem := name.removesuffix("_zh")) != name else name  # noqa: PLW2901
        table, field = layers.get(layer), layer_schema(layer).fields[name]
        if table is None or name not in table or zone_id not in table.index:
            continue
        row = table.loc[zone_id]
        if _goes_without_saying(name, row):
            continue
        value, label = row[name], field.label
        if name == "unit_code":
            units, label = layers.get("reporting_units"), _COUNTY
            value = name_or_id(units["name"].get(value), value) if units is not None else value
        text = shown_text(value, field, lang)
        if text != "—":
            pairs.append((label, _with_unit(text, row, field, lang)))
    return pairs


def _goes_without_saying(name: str, row: pd.Series) -> bool:
    """A year that is not planned, an end in the year of the beginning, a state that the year says."""
    if name in ("work_year", "work_end_year"):
        return pd.isna(row[name]) or (name == "work_end_year" and row[name] == row.get("work_year"))
    return name == "work_status" and row[name] == "scheduled"


def _with_unit(text: str, row: pd.Series, field: Field, lang: Lang) -> str:
    """The text with its unit, and of how many communities the value is not known."""
    unit = shown_unit(field)
    if any(character.isdigit() for character in text) and field.type != "string" and unit not in ("", "年", "%"):
        text = f"{text} {unit_text(unit, lang)}".rstrip()
    unknown = row.get(f"{field.name}_unknown_count", 0)
    if unknown and unknown == unknown:  # noqa: PLR0124 - NaN is not itself
        text += f"（{int(unknown)} 个小区未知）" if lang == "zh" else f" ({int(unknown)} communities unknown)"
    return text


def _zone_links(paper: Paper, layers: Layers, own: set[str], workbook: str) -> None:
    links = layers.get("community_links")
    if links is None or not len(links):
        return
    names = community_names(layers["communities"])
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
    names = community_names(layers["communities"])
    columns = [
        n for n in table.columns if n in ("park_name", "network_distance_m") or n.startswith(("covered_", "guide_"))
    ]
    paper.say("公园绿地可达情况（沿路网步行）：", "Park access along the network:")
    paper.layer_table(rows.rename(index=names), "park_access", columns, see=workbook, labels=_COMMUNITY_LABEL)


_COMMUNITY_LABEL = {"community_id": Text("小区", "Community")}
