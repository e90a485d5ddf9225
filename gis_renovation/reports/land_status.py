"""The land-status check as a bureau signs it: a summary book, and a sheet with its map for every site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import pandas as pd
from shapely.geometry.base import BaseGeometry

from gis_renovation.display import shown_text, shown_unit
from gis_renovation.land import met_controls
from gis_renovation.numerals import M2_A_MU
from gis_renovation.reports.idle_register import with_unit
from gis_renovation.reports.parts import Layers, Sheet, file_names, in_language, titled
from gis_renovation.reports.site_maps import MAP_WIDTH_CM, LandMaps
from gis_renovation.run import Manifest
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import name_or_id
from gis_renovation.words import Lang, Text, counted, unit_text
from gis_renovation.writing import Paper

_TOUCHED = (
    "map_number", "parcel_id", "holder_name", "certificate_no", "ownership", "right_type", "registered_use",
    "term_end_on", "area_in_m2", "area_in_mu", "registered_area_m2", "geodesic_area_m2", "state",
)  # fmt: skip
_AREAS = ("label_{lang}", "state", "area_m2", "area_mu", "share", "sliver_m2", "source", "dated_to_on", "note_{lang}")
_USES = ("comparison", "first_use_{lang}", "second_use_{lang}", "agreement", "area_m2", "share", "note_{lang}")
_STATEMENTS = ("label_{lang}", "verdict", "rests_on_{lang}", "confirm_by_{lang}")
STATUS_SIGNS = (Text("核查人", "Checked by"), Text("复核人", "Verified by"), Text("负责人（盖章）", "Head (seal)"))


def write_land_status(paper: Paper, layers: Layers, manifest: Manifest, workbook: str) -> None:
    """The book over all sites: how to read it, one line a site, and every matter that needs somebody."""
    sites, crs = layers["land_sites"], manifest.project.crs
    paper.heading("一、口径", "1. How to read this book")
    paper.say(
        f"面积按项目坐标系（{crs}）量算，单位 m²、亩，各部分之和等于合计。"
        "“未核查”表示没有取得该项图层，不等于“不涉及”；“不涉及（0.00）”表示已核查且无重叠；重叠宽度过小的列为细碎图斑，单独列出。声明的核对结果不代替签字确认。",
        f"Areas are measured in the project's coordinate system ({crs}), in m² and mu; "
        "parts add up to the whole. Not checked means that there was no such layer, which is not the same as not "
        "affected (0.00); overlaps too narrow to "
        "count are slivers, shown apart. What is found on a statement does not stand in for its signature.",
    )
    paper.say(
        f"每个片区、项目另有一份核查表供签字，附图和分项表在同名文件夹中；全部分项见 {workbook}。",
        f"Every zone and project has a sheet of its own to sign, with its map, in the folder of this name; "
        f"all items stand in {workbook}.",
    )
    paper.heading("二、汇总", "2. Summary")
    if not len(sites):
        paper.say("没有片区或项目。", "There are no zones or projects.")
        return
    _summary(paper, layers)
    _unchecked(paper, layers["land_status"])
    paper.heading("三、需要处理的事项", "3. Matters that need somebody", new_page=True)
    _matters(paper, layers)


def _summary(paper: Paper, layers: Layers) -> None:
    """One line a site: size, parcels, control lines met, differing uses, the four statements."""
    lang, sites = paper.lang, layers["land_sites"]
    kinds = layer_schema("land_sites").fields["kind"].values
    parcels, differs = _parcel_counts(layers), _differing(layers)
    met = _controls_met(layers["land_status"], lang)
    verdicts = _verdicts(layers.get("land_statements"))
    words = layer_schema("land_statements").fields["verdict"].values
    unchecked = Text("未核查", "not checked").in_language(lang)
    names = file_names(sites.index)
    rows = []
    for name, (key, site) in zip(names, sites.iterrows(), strict=True):
        found = [
            verdicts.get((key, statement)) for statement in layer_schema("land_statements").fields["statement"].values
        ]
        rows.append(
            (
                name_or_id(site["name"], str(key)),
                kinds[site["kind"]].in_language(lang),
                name,
                f"{site['area_m2']:,.2f}",
                f"{site['area_m2'] / M2_A_MU:,.2f}",
                unchecked if parcels is None else f"{parcels.get(key, 0):,}",
                met.get(key, "—"),
                unchecked if differs is None else f"{differs.get(key, 0.0):,.2f}",
                *(unchecked if verdict is None else words[verdict].in_language(lang) for verdict in found),
            )
        )
    header = in_language(
        lang,
        ("名称", "Name"),
        ("类别", "Kind"),
        ("核查表", "Sheet"),
        ("面积（m²）", "Area (m²)"),
        ("亩", "mu"),
        ("宗地", "Parcels"),
        ("涉及的控制线", "Control lines met"),
        ("登记与规划不一致（m²）", "Registered and planned differ (m²)"),
    )
    header += [text.in_language(lang) for text in layer_schema("land_statements").fields["statement"].values.values()]
    paper.table(header, rows, numeric=[False, False, False, True, True, True, False, True, False, False, False, False])


def _parcel_counts(layers: Layers) -> dict[str, int] | None:
    touched = layers.get("touched_parcels")
    if touched is None:
        return None
    return {str(key): int(n) for key, n in touched[touched["state"] == "touched"].groupby("site_id").size().items()}


def _differing(layers: Layers) -> dict[str, float] | None:
    """Area on which registered and planned use differ, by site; None where they were not compared."""
    uses = layers.get("land_use_comparison")
    if uses is None:
        return None
    own = uses[uses["comparison"] == "registered_planned"]
    if (own["agreement"] == "not_checked").any():
        return None
    areas = own[own["agreement"] == "differs"].groupby("site_id")["area_m2"].sum()
    return {str(key): float(area) for key, area in areas.items()}


def _controls_met(status: pd.DataFrame, lang: Lang) -> dict[str, str]:
    """The control lines each site meets, and the development boundary where it lies outside."""
    mark = "、" if lang == "zh" else ", "
    return {str(key): mark.join(labels) for key, labels in met_controls(status).groupby("site_id")[f"label_{lang}"]}


def _verdicts(statements: pd.DataFrame | None) -> dict[tuple[str, str], str]:
    if statements is None:
        return {}
    keys = zip(statements["site_id"], statements["statement"], strict=True)
    return dict(zip(keys, statements["verdict"], strict=True))


def _unchecked(paper: Paper, status: pd.DataFrame) -> None:
    """What no site was checked for, said once."""
    own = status[status["state"] == "not_checked"]
    if not len(own):
        return
    sections = layer_schema("land_status").fields["section"].values
    names = dict.fromkeys(
        row[f"label_{paper.lang}"] if row["section"] == "control" else sections[row["section"]].in_language(paper.lang)
        for _, row in own.drop_duplicates(["section", "item"]).iterrows()
    )
    listed = ("、" if paper.lang == "zh" else ", ").join(names)
    paper.say(f"没有取得图层、全部未核查的事项：{listed}。", f"Not checked anywhere, for want of the layer: {listed}.")


def _matters(paper: Paper, layers: Layers) -> None:
    """Every control line met, differing use, illegal structure and statement not borne out: who has to act."""
    lang, sites = paper.lang, layers["land_sites"]
    own = _by_site(layers)
    rows = []
    for key, site in sites.iterrows():
        called = name_or_id(site["name"], str(key))
        rows += [(called, *matter) for matter in site_matters(own[str(key)], lang)]
    if not rows:
        paper.say("无。", "None.")
        return
    header = in_language(
        lang,
        ("范围", "Site"),
        ("事项", "Matter"),
        ("内容", "What"),
        ("面积（m²）", "Area (m²)"),
        ("由谁确认", "Who confirms"),
    )
    paper.table(header, rows, numeric=[False, False, False, True, False])


def site_matters(own: Mapping[str, pd.DataFrame], lang: Lang) -> list[tuple[str, str, str, str]]:
    """Matter, what it is, its area and who confirms it, of the one site whose tables are given."""
    status, uses, statements = (own.get(name) for name in ("land_status", "land_use_comparison", "land_statements"))
    planning = Text("自然资源主管部门", "the natural-resources authority").in_language(lang)
    found = []
    if status is not None:
        found += _line_matters(status, lang, planning)
        drawn = status[status["section"].isin(["ownership", "right", "survey", "planned"]) & status["note_zh"].notna()]
        for _, row in drawn[drawn["state"] != "not_checked"].drop_duplicates(["note_zh", "area_m2"]).iterrows():
            matter = layer_schema("land_status").fields["section"].values[row["section"]].in_language(lang)
            what = _joined((row[f"label_{lang}"], row[f"note_{lang}"]), lang)
            found.append((matter, what, f"{row['area_m2']:,.2f}", planning))
        illegal = status[(status["section"] == "illegal") & (status["state"] == "touched")]
        for _, row in illegal[illegal["item"] != "removed"].iterrows():
            count = f"{row['feature_count']:.0f}"
            piles = Text(f"{row['label_zh']} {count} 处", f"{row['label_en']}: {count}").in_language(lang)
            who = Text("综合执法部门", "urban management").in_language(lang)
            area = "—" if pd.isna(row["area_m2"]) else f"{row['area_m2']:,.2f}"
            found.append((Text("违法建设", "illegal structures").in_language(lang), piles, area, who))
    if uses is not None:
        labels = layer_schema("land_use_comparison").fields["comparison"].values
        for _, row in uses[uses["agreement"] == "differs"].iterrows():
            matter = labels[row["comparison"]].in_language(lang)
            pair = " → ".join(row[f"{side}_use_{lang}"] for side in ("first", "second"))
            found.append((matter, pair, f"{row['area_m2']:,.2f}", planning))
    if statements is not None:
        words = layer_schema("land_statements").fields["verdict"].values
        for _, row in statements[statements["verdict"] != "yes"].iterrows():
            what = _joined((words[row["verdict"]].in_language(lang), row[f"rests_on_{lang}"]), lang)
            found.append((row[f"label_{lang}"], what, "—", row[f"confirm_by_{lang}"]))
    return found


def _line_matters(status: pd.DataFrame, lang: Lang, who: str) -> list[tuple[str, str, str, str]]:
    """The control lines a site meets, also by slivers, and the development boundary where it lies outside."""
    control = status[status["section"] == "control"]
    whole = status.loc[status["section"] == "total", "area_m2"].sum()
    slivers = control[(control["state"] == "sliver") | (control["sliver_m2"] > 0.0)]
    found = []
    for _, row in pd.concat([met_controls(status), slivers]).sort_index().iterrows():
        area = whole - row["area_m2"] if row["item"] == "urban_boundary" else row["area_m2"]
        what = _joined((row[f"label_{lang}"], row[f"note_{lang}"]), lang)
        found.append((Text("控制线", "control line").in_language(lang), what, f"{area:,.2f}", who))
    return found


def _joined(texts: tuple[object, ...], lang: Lang) -> str:
    return ("：" if lang == "zh" else ": ").join(str(text) for text in texts if isinstance(text, str))


_SITE_TABLES = ("land_status", "touched_parcels", "land_use_comparison", "land_statements", "facility_statements")


def _by_site(layers: Layers) -> dict[str, dict[str, pd.DataFrame]]:
    """The tables at hand of every site, its own rows only."""
    found: dict[str, dict[str, pd.DataFrame]] = {str(key): {} for key in layers["land_sites"].index}
    for name in _SITE_TABLES:
        if layers.get(name) is not None:
            groups = dict(tuple(layers[name].groupby("site_id", sort=False)))
            for key, tables in found.items():
                tables[name] = groups.get(key, layers[name].iloc[:0])
    return found


# --- one sheet a site -------------------------------------------------------------------------------


def land_status_sheets(layers: Layers, manifest: Manifest, lang: Lang) -> Iterator[Sheet]:
    """The sheet of every zone and project in the order of their ids."""
    sites = layers["land_sites"]
    maps = LandMaps.of(layers, manifest, lang=lang)
    tables, papers = _by_site(layers), _papers_by_parcel(layers, lang)
    conversions = layers.get("land_code_conversions")
    for file, key in zip(file_names(sites.index), sites.index, strict=True):
        own = tables[str(key)]
        if conversions is not None:
            own = own | {"land_code_conversions": conversions[conversions["code"].isin(_codes(own["land_status"]))]}
        site, shape = sites.loc[key], sites.geometry[key]
        yield Sheet(
            file=file,
            title=Text("用地情况核查表", "Land-status sheet"),
            body=partial(_status_sheet, layers=layers, manifest=manifest, key=key, own=own, papers=papers),
            tables={"land_sites": sites.loc[[key]], **own},
            picture=maps.draw(site, shape, _numbered(layers, own.get("touched_parcels"))),
            picture_width_cm=MAP_WIDTH_CM,
            signs=STATUS_SIGNS,
        )


def _codes(status: pd.DataFrame) -> set[str]:
    """The land codes of a site, surveyed and planned."""
    return set(status["item"][status["section"].isin(["survey", "planned"])])


def _numbered(layers: Layers, touched: pd.DataFrame | None) -> dict[int, BaseGeometry]:
    """The shape of each parcel by its number on the map; slivers have a number but no room for it."""
    if touched is None or "parcels" not in layers:
        return {}
    shown = touched[touched["state"] == "touched"]
    shapes = layers["parcels"].geometry
    return {int(n): shapes[key] for n, key in zip(shown["map_number"], shown["parcel_id"], strict=True)}


def _status_sheet(
    paper: Paper,
    *,
    layers: Layers,
    manifest: Manifest,
    key: str,
    own: Mapping[str, pd.DataFrame],
    papers: Mapping[str, str] | None,
) -> None:
    """All of one sheet but its sources, signatures and map."""
    site = layers["land_sites"].loc[key]
    paper.heading(*titled(site["name"], key))
    _site_facts(paper, layers, manifest, site)
    paper.heading("一、涉及宗地", "1. Parcels touched")
    _part(paper, own, "touched_parcels", _TOUCHED)
    paper.heading("二、用地面积", "2. Areas")
    status = own["land_status"]
    areas = status[~status["section"].isin(["total", "control"])]
    _say_total(paper, status)
    _part(paper, {"land_status": areas}, "land_status", ("section", *_AREAS))
    paper.heading("三、控制线", "3. Control lines")
    _part(paper, {"land_status": status[status["section"] == "control"]}, "land_status", _AREAS)
    paper.heading("四、登记、现状与规划用途比对", "4. Registered, surveyed and planned use")
    _part(paper, own, "land_use_comparison", _USES)
    _conversions(paper, own)
    paper.heading("五、声明核对", "5. Statements")
    _part(paper, own, "land_statements", _STATEMENTS)
    _facilities(paper, own.get("facility_statements"))
    paper.heading("六、证明材料与待确认事项", "6. Papers, and what is to be confirmed")
    _papers(paper, papers, own.get("touched_parcels"))
    _open_matters(paper, own)


def _part(paper: Paper, own: Mapping[str, pd.DataFrame], layer: str, columns: tuple[str, ...]) -> None:
    table = own.get(layer)
    if table is None:
        paper.say("未核查（没有数据）。", "Not checked: no data.")
    elif not len(table):
        paper.say("无。", "None.")
    else:
        paper.layer_table(table, layer, [column.format(lang=paper.lang) for column in columns], rows_shown=10_000)


def _say_total(paper: Paper, status: pd.DataFrame) -> None:
    """The figure that the parts of each section add up to."""
    whole = status[status["section"] == "total"].iloc[0]
    area, mu = f"{whole['area_m2']:,.2f}", f"{whole['area_mu']:,.4f}"
    paper.say(
        f"用地范围合计 {area} m²（{mu} 亩）；土地所有权、权利性质、现状地类、规划用途中已核查的，"
        "各分项之和均等于此数。",
        f"The site is {area} m² ({mu} mu) in all; what was checked of ownership, right types, surveyed classes and "
        "planned uses adds up to this.",
    )


def _conversions(paper: Paper, own: Mapping[str, pd.DataFrame]) -> None:
    """The site's codes of another system than the plan's, with every class they may become."""
    table = own.get("land_code_conversions")
    if table is None or not len(table):
        return
    paper.say(
        "现状与规划采用不同的用地分类体系，同一代码含义可能不同；下表列出本范围内各代码可能对应的类别，"
        "一对多的由主管部门按实地用途确定。对照按类别名称编制，不是官方对照表。",
        "Survey and plan use different code systems, in which one code may mean different things. The table lists what "
        "each code of this site may become; where there are several the bureau decides by the actual use. It follows "
        "the classes' names and is no official table.",
    )
    lang = paper.lang
    words = layer_schema("land_code_conversions").fields
    rows = []
    for _, group in table.groupby(["code_system", "code"], sort=True):
        first = group.iloc[0]
        targets = [label for label in group[f"target_label_{lang}"] if not pd.isna(label)]
        rows.append(
            (
                words["code_system"].values[first["code_system"]].in_language(lang),
                first[f"label_{lang}"],
                ("；" if lang == "zh" else "; ").join(targets) or "—",
                words["ambiguity"].values[first["ambiguity"]].in_language(lang),
            )
        )
    target = words["target_system"].values[table["target_system"].iloc[0]]
    header = in_language(
        lang,
        ("用地分类体系", "Code system"),
        ("地类", "Class"),
        Text("可能对应的类别（{target}）", "May become ({target})").fill(target=target),
        ("对应关系", "Counterparts"),
    )
    paper.table(header, rows)


def _facilities(paper: Paper, table: pd.DataFrame | None) -> None:
    """One line a facility: the four statements, and what is open with who confirms it; never silently nothing."""
    if table is None or not len(table):
        paper.say(
            "逐个设施：所用的服务设施、空置房屋图层中没有位于本范围内的设施；拟新建、改建的设施未登记位置，声明未逐项核查。",
            "Facility by facility: the layers of facilities and vacant premises hold none inside this site; planned "
            "ones without a place were not checked one by one.",
        )
        return
    lang, fields = paper.lang, layer_schema("facility_statements").fields
    paper.say(
        "逐个设施：按所在位置的宗地、登记用途和规划用途核对。",
        "Facility by facility, by the parcel, the registered and the planned use at its place.",
    )
    rows = []
    for (_, key), own in table.groupby(["source_layer", "facility_id"], sort=False):
        first = own.iloc[0]
        works = "" if pd.isna(first["works"]) else f"（{shown_text(first['works'], fields['works'], 'zh')}）"
        if works and lang == "en":
            works = f" ({shown_text(first['works'], fields['works'], lang)})"
        rows.append(
            (
                name_or_id(first["name"], str(key)),
                first[f"kind_{lang}"] + works,
                first["parcel_ids"] or "—",
                *(fields["verdict"].values[verdict].in_language(lang) for verdict in own["verdict"]),
                _open_statements(own[own["verdict"] != "yes"], lang),
            )
        )
    header = in_language(lang, ("设施", "Facility"), ("类别", "Kind"), ("所在宗地", "Parcel"))
    header += [text.in_language(lang) for text in fields["statement"].values.values()]
    header += in_language(lang, ("未核实的原因与确认单位", "Why open, and who confirms"))
    paper.table(header, rows)


def _open_statements(rows: pd.DataFrame, lang: Lang) -> str:
    """Why each open statement is open and who confirms it; tenure says nothing of its own beside the others."""
    shown = rows if len(rows) == 1 else rows[rows["statement"] != "no_tenure_change"]
    texts = zip(shown[f"rests_on_{lang}"], shown[f"confirm_by_{lang}"], strict=True)
    if lang == "zh":
        return "；".join(f"{why}（由{who}确认）" for why, who in texts) or "—"
    return "; ".join(f"{why} (to be confirmed by {who})" for why, who in texts) or "—"


def _papers_by_parcel(layers: Layers, lang: Lang) -> dict[str, str] | None:
    """The papers of each parcel in words; None where there is no list of papers."""
    papers = layers.get("proof_papers")
    if papers is None:
        return None
    kinds = layer_schema("proof_papers").fields["kind"].values
    columns = papers.reindex(columns=["parcel_id", "kind", "number"])
    said: dict[str, list[str]] = {}
    proved = set(papers["parcel_id"][papers["kind"] != "same_holder"])
    for parcel, kind, number in columns.itertuples(index=False):
        word = kinds[kind].in_language(lang)
        first = [] if parcel in proved else [_NO_PAPER.in_language(lang)]
        said.setdefault(str(parcel), first).append(word if pd.isna(number) else f"{word} {number}")
    mark = "；" if lang == "zh" else "; "
    return {parcel: mark.join(words) for parcel, words in said.items()}


_NO_PAPER = Text(
    "缺证明材料，须补充或由使用权人书面说明", "no paper: to be brought, or stated by the holder in writing"
)


def _papers(paper: Paper, papers: Mapping[str, str] | None, touched: pd.DataFrame | None) -> None:
    """Which papers stand behind each parcel, and for which there is none."""
    if touched is None:
        return
    if papers is None:
        paper.say("证明材料未核查（没有材料清单）。", "Papers were not checked: there is no list of them.")
        return
    lang = paper.lang
    pairs = zip(touched["map_number"], touched["parcel_id"], strict=True)
    rows = [(f"{number}", str(key), papers.get(str(key)) or _NO_PAPER.in_language(lang)) for number, key in pairs]
    if rows:
        header = in_language(lang, ("图上编号", "No."), ("宗地编号", "Parcel"), ("证明材料", "Papers"))
        paper.table(header, rows, numeric=[True, False, False])


def _open_matters(paper: Paper, own: Mapping[str, pd.DataFrame]) -> None:
    lang = paper.lang
    # The statements and who confirms them stand in the section before.
    matters = site_matters({name: table for name, table in own.items() if name != "land_statements"}, lang)
    if own.get("land_status") is not None:
        _unchecked(paper, own["land_status"])
    if not matters:
        unchecked = int((own["land_status"]["state"] == "not_checked").sum())
        if unchecked:
            paper.say(
                f"已核查的事项中，除第五部分所列声明外没有待确认的；上列 {unchecked} 项未核查，是否涉及不明。",
                "Of what was checked nothing is to be confirmed beside the statements of section 5; whether the "
                f"{counted(unchecked, 'item')} listed above as not checked matter here is not known.",
            )
            return
        paper.say(
            "除第五部分所列声明外，没有其他待确认事项。",
            "Beside the statements of section 5 nothing is to be confirmed.",
        )
        return
    header = in_language(
        lang, ("事项", "Matter"), ("内容", "What"), ("面积（m²）", "Area (m²)"), ("由谁确认", "Who confirms")
    )
    paper.table(header, matters, numeric=[False, False, True, False])


def _site_facts(paper: Paper, layers: Layers, manifest: Manifest, site: pd.Series) -> None:
    lang = paper.lang
    schema = layer_schema("land_sites")
    facts = [(Text("坐标系", "CRS"), manifest.project.crs)]
    zones = layers.get("zones")
    if zones is not None and site.name in zones.index:
        zone, fields = zones.loc[site.name], layer_schema("zones").fields
        bounds = ("east_bound", "west_bound", "south_bound", "north_bound")
        to_check = Text("（待核）", "(to be checked)").in_language(lang)
        facts += [
            (fields[side].label, shown_text(zone[side], fields[side], lang) or to_check)
            for side in bounds
            if side in zone.index
        ]
    for name, field in schema.fields.items():
        if name in site.index and name not in ("name", schema.key):
            facts.append(
                (field.label, with_unit(shown_text(site[name], field, lang), unit_text(shown_unit(field), lang)))
            )
        if name == "area_m2":
            facts.append(
                (Text("折合亩数", "Area in mu"), with_unit(f"{site[name] / M2_A_MU:,.4f}", unit_text("亩", lang)))
            )
    paper.facts(facts)
