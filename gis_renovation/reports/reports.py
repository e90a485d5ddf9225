"""A run as the documents and tables each user signs or hands in.

The planner's zone scheme, the bureau's register of idle land and premises and its land-status sheets,
the publisher's monthly brief: a Word document and a workbook each; of the land status also a folder with a
document to sign, a workbook and a map for every site. Nothing is computed here that
decides anything: the documents tell what the layers hold, and say plainly what was not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gis_renovation.errors import ConfigError, FileError
from gis_renovation.reports.forms import land_forms, progress_forms, status_forms, zone_forms
from gis_renovation.reports.idle_register import write_idle_register
from gis_renovation.reports.land_status import land_status_sheets, write_land_status
from gis_renovation.reports.parts import SEVERITIES, Layers, Sheet, in_language
from gis_renovation.reports.progress_brief import write_progress_brief
from gis_renovation.reports.schemes_page import schemes_page
from gis_renovation.reports.zone_scheme import write_zone_scheme
from gis_renovation.run import Manifest, ProjectTable, SkippedStep
from gis_renovation.schemas import layer_schema, nearest_names
from gis_renovation.words import LISTED, Lang, Text
from gis_renovation.writing import Form, Paper, write_tables

FINDINGS_SHOWN = 60
# Where schemes are compared, a page for the browser beside the documents.
SCHEMES_PAGE = "planner-schemes.html"


@dataclass(frozen=True, kw_only=True)
class Report:
    """One document and its workbook: for whom, from which layers, and who signs.

    ``needs`` are layers without which the document makes no sense and is not written; a document
    without ``needs`` is written when the run has any layer of ``tables``. ``sheets`` makes a folder beside
    the document with a document, a workbook and a map for each of its sheets. ``forms`` are the tables to be filed
    that stand first in the workbook.
    """

    user: str
    document: str
    workbook: str
    title: Text
    tables: tuple[str, ...]
    signs: tuple[Text, ...]
    body: Callable[[Paper, Layers, Manifest, str], None]
    needs: tuple[str, ...] = ()
    landscape: bool = False
    sheets: Callable[[Layers, Manifest, Lang], Iterator[Sheet]] | None = None
    forms: Callable[[Layers, Lang], list[Form]] = lambda _layers, _lang: []


def write_reports(
    folder: str | Path, layers: Layers, manifest: Manifest, *, lang: Lang = "zh", sites: Sequence[str] = ()
) -> list[Path]:
    """Write the run's documents and workbooks into ``folder``; the paths, each document before its workbook.

    Where schemes were compared, last a page that lays them side by side.

    ``layers`` are a run's layers by name, ``manifest`` its record (``run.json``). Layers that are not
    at hand are named in the document as not looked at; a document none of whose layers are at hand is not
    written, nor is its workbook. ``sites`` are ids of zones and projects: only their land-status sheets
    are made, the book over all sites is whole. A run without any of them gives the documents alone, to say so.
    The same run gives the same bytes (maps: with the same fonts). The folder is made;
    one that holds files is refused (FileError). O(rows); sheets for at most 300 zones or candidates, the
    workbook has all; land-status sheets for every site, a tenth of a second each with its map.
    """
    folder = _empty_folder(Path(folder))
    written, run = [], _Run(layers, manifest, lang)
    nothing_at_all = not any(name in layers for report in REPORTS for name in report.tables)
    for report in REPORTS:
        has_own = nothing_at_all or any(name in layers for name in report.tables)
        if has_own and all(name in layers for name in report.needs):
            written += _write_report(folder, run, report, sites=_chosen(sites, layers))
    if "zone_schemes" in layers or len(layers.get("zone_sensitivity", ())):
        written.append(folder / SCHEMES_PAGE)
        written[-1].write_text(schemes_page(layers, manifest, lang), encoding="utf-8", newline="\n")
    return written


def _empty_folder(folder: Path) -> Path:
    """The folder, made where it is not there yet; people's own files in it would be written over."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileError(
            f"{folder} 已存在且不是空文件夹；请换一个名字，原有内容没有改动。",
            f"{folder} exists and is not empty; choose another name. Nothing was changed.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _chosen(sites: Sequence[str], layers: Layers) -> Sequence[str] | None:
    """The ids asked for, each of which must be one of a site; None for all."""
    if not sites:
        return None
    known = layers["land_sites"].index if "land_sites" in layers else ()
    strange = [site for site in sites if site not in known]
    if strange:
        near, listed = nearest_names(strange[0], known), ", ".join(strange)
        raise ConfigError(
            f"没有片区或项目 {listed}{f'；是否指 {near}？' if near else '。'}编号见用地情况核查表的汇总。",
            f"There is no zone or project {listed}{f'; did you mean {near}?' if near else '.'} "
            "The ids stand in the summary of the land-status book.",
        )
    return sorted(set(sites))


class _Run(NamedTuple):
    """What every document tells of: the layers, the record of how they were made, the language."""

    layers: Layers
    manifest: Manifest
    lang: Lang

    def paper(self, title: Text, *, landscape: bool) -> Paper:
        """A new document with the run's footer and notice."""
        project = self.manifest.project
        footer = Text("{name}　运行编号 {run}", "{name}  run {run}").fill(name=project.name, run=self.manifest.run)
        return Paper(
            title=title,
            lang=self.lang,
            footer=footer.in_language(self.lang),
            synthetic=project.synthetic,
            landscape=landscape,
        )


def _write_report(folder: Path, run: _Run, report: Report, *, sites: Sequence[str] | None) -> list[Path]:
    layers = run.layers
    paper = run.paper(report.title, landscape=report.landscape)
    _front(paper, run.manifest)
    report.body(paper, layers, run.manifest, report.workbook)
    _back(paper, layers, run.manifest, report)
    paper.save(folder / report.document, dated=run.manifest.project.as_of)
    written = [folder / report.document]
    shown = {name: layers[name] for name in report.tables if name in layers}
    if shown:
        _write_workbook(folder / report.workbook, shown, run, report.forms(layers, run.lang))
        written.append(folder / report.workbook)
    if report.sheets is not None:
        own = layers if sites is None else {**layers, "land_sites": layers["land_sites"].loc[sites]}
        written.append(_write_sheets(folder, run._replace(layers=own), report))
    return written


def _write_workbook(path: Path, shown: Layers, run: _Run, forms: Sequence[Form] = ()) -> None:
    project = run.manifest.project
    write_tables(
        path,
        shown,
        synthetic=project.synthetic,
        lang=run.lang,
        project=project.name,
        as_of=project.as_of,
        attribution=project.attribution,
        forms=forms,
        prepared_by=project.prepared_by,
        run=run.manifest.run,
    )


def _write_sheets(folder: Path, run: _Run, report: Report) -> Path:
    """A document to sign, a workbook and a map for each sheet, named by its id, in a folder named as the document."""
    target = folder / Path(report.document).stem
    target.mkdir()
    manifest = run.manifest
    steps = [step for name, step in manifest.made.items() if name in report.tables]
    involved = {name for step in steps for name in step.inputs if name in manifest.sources}
    for sheet in report.sheets(run.layers, manifest, run.lang) if report.sheets else ():
        paper = run.paper(sheet.title, landscape=report.landscape)
        sheet.body(paper)
        paper.heading("数据日期与版本", "Data, dates and versions")
        _front(paper, manifest)
        paper.keep_last_table()
        _source_table(paper, manifest, involved)
        paper.keep_last_table()
        paper.signatures(sheet.signs, one_line=True)
        paper.heading("附图", "Map", new_page=True)
        paper.picture(sheet.picture, width_cm=sheet.picture_width_cm)
        paper.save(target / f"{sheet.file}.docx", dated=manifest.project.as_of)
        _write_workbook(target / f"{sheet.file}.xlsx", sheet.tables, run)
        (target / f"{sheet.file}.png").write_bytes(sheet.picture)
    return target


# --- what every document has ------------------------------------------------------------------------


def _front(paper: Paper, manifest: Manifest) -> None:
    project = manifest.project
    paper.facts(
        [
            (Text("项目", "Project"), project.name),
            *_filed_as(project),
            (Text("数据截至", "As of"), str(project.as_of)),
            (Text("坐标系", "CRS"), project.crs),
            (Text("程序版本", "Program"), f"gis-renovation {manifest.versions['gis-renovation']}"),
            (Text("运行编号", "Run"), manifest.run),
            (Text("使用范围", "Circulation"), Text("内部使用", "internal").in_language(paper.lang)),
        ]
    )


def _filed_as(project: ProjectTable) -> list[tuple[Text, str]]:
    """Who files the document and under which number and secrecy, as far as the project says."""
    told = (
        (Text("编制单位", "Prepared by"), project.prepared_by),
        (Text("文号", "Document number"), project.document_number),
        (Text("密级", "Secrecy"), project.security_class),
    )
    return [(label, value) for label, value in told if value]


def _back(paper: Paper, layers: Layers, manifest: Manifest, report: Report) -> None:
    paper.heading("数据与来源", "Data and sources")
    _say_not_run(paper, manifest, report)
    involved = _involved(manifest, report, layers)
    if involved.isdisjoint(manifest.sources):
        paper.say(
            "没有读取本文件所需的数据，未作数据检查。", "No data for this document was read, so none was checked."
        )
    else:
        _source_table(paper, manifest, involved)
        _finding_table(paper, manifest, involved)
    run = manifest.run
    paper.say(
        f"以上结果可凭运行编号 {run} 复核：输入数据、参数和规则不变，结果不变。",
        f"Run {run} can be repeated: the same data, parameters and rules give the same results.",
        keep=True,
    )
    paper.signatures(report.signs)


def _say_not_run(paper: Paper, manifest: Manifest, report: Report) -> None:
    for step in manifest.steps:
        if step.step not in report.tables:
            continue
        label = layer_schema(step.step).label
        if isinstance(step, SkippedStep):
            paper.say(*_NOT_DONE.fill(label=label, names=_layer_names(step.missing)))
        elif step.not_at_hand:
            paper.say(*_MADE_WITHOUT.fill(label=label, names=_layer_names(step.not_at_hand)))


_NOT_DONE = Text("未进行：{label}，缺少图层{names}。", "Not done: {label}, for want of {names}.")
_MADE_WITHOUT = Text(
    "{label}计算时没有{names}图层，相关内容未核查。",
    "{label} was made without {names}; what depends on it was not checked.",
)


def _layer_names(names: Sequence[str]) -> Text:
    return LISTED.join(Text(f"“{zh}”", en.lower()) for zh, en in (layer_schema(name).label for name in names))


def _source_table(paper: Paper, manifest: Manifest, involved: set[str]) -> None:
    lang = paper.lang
    none = Text("未注明", "not stated")
    rows = []
    for name, source in manifest.sources.items():
        if name not in involved:
            continue
        count = source.rows_used
        rows.append(
            (
                layer_schema(name).label.in_language(lang),
                source.owner or none.in_language(lang),
                str(source.observed or none.in_language(lang)),
                "—" if count is None else f"{count:,}",
                _CLASSES.get(source.classification, none).in_language(lang),
                source.fingerprint[:8],
            )
        )
    header = in_language(
        lang,
        ("图层", "Layer"),
        ("提供单位", "Owner"),
        ("数据日期", "Observed"),
        ("要素数", "Features"),
        ("公开范围", "Class"),
        ("指纹", "Fingerprint"),
    )
    paper.table(header, rows, numeric=[False, False, False, True, False, False])


_CLASSES = {
    "public": Text("可公开", "public"),
    "internal": Text("内部", "internal"),
    "work_secret": Text("工作秘密", "work secret"),
}


def _involved(manifest: Manifest, report: Report, layers: Layers) -> set[str]:
    """The input layers a user's results were made from, directly or through other steps."""
    made = manifest.made
    seen: set[str] = set()
    queue = [name for name in report.tables if name in layers]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += made[name].inputs if name in made else ()
    return seen


def _finding_table(paper: Paper, manifest: Manifest, involved: set[str]) -> None:
    findings = [f for f in manifest.findings if f.layer in involved]
    if not findings:
        paper.say("数据检查未发现问题。", "The data check found nothing.")
        return
    lang = paper.lang
    severities = {**SEVERITIES, "warning": Text("提醒", "warning")}
    paper.say(f"数据检查共 {len(findings)} 条：", f"The data check has {len(findings)} remarks:")
    rows = [
        (
            severities[f.severity].in_language(lang),
            layer_schema(f.layer).label.in_language(lang),
            f.text.in_language(lang),
        )
        for f in findings[:FINDINGS_SHOWN]
    ]
    header = in_language(lang, ("级别", "Level"), ("图层", "Layer"), ("内容", "Remark"))
    paper.table(header, rows)
    if len(findings) > FINDINGS_SHOWN:
        left = len(findings) - FINDINGS_SHOWN
        paper.say(f"其余 {left} 条见运行记录 run.json。", f"{left} more stand in run.json.")


# --- who gets what ----------------------------------------------------------------------------------

REPORTS = (
    Report(
        user="planner",
        document="planner-zones.docx",
        workbook="planner-tables.xlsx",
        title=Text("城镇老旧小区连片改造片区划分说明", "Contiguous renovation zones: scheme and reasons"),
        tables=(
            "zones", "zone_members", "zone_sheets", "zone_schedule", "zone_works", "zone_shortfalls", "zone_changes",
            "zone_proof", "zone_stability", "zone_schemes", "scheme_zones", "scheme_differences", "zone_sensitivity",
            "communities", "community_links", "links_near_limits", "shared_walls", "utility_by_zone",
            "utility_by_community", "utility_weak_points", "isolation_segments", "valve_failures", "utility_renewal",
            "utility_faults", "park_access", "slow_path_provision", "greenway_gaps", "service_access", "access_snaps",
            "community_terrain", "dig_limits", "dig_needs", "dig_calendar", "dig_openings", "dig_savings",
        ),
        signs=(Text("编制", "Prepared by"), Text("校核", "Checked by"), Text("审定", "Approved by")),
        body=write_zone_scheme,
        forms=zone_forms,
    ),
    Report(
        user="bureau",
        document="bureau-idle-land.docx",
        workbook="bureau-tables.xlsx",
        title=Text("闲置公有用地与空置房屋初筛登记表", "Idle public land and vacant premises: register of candidates"),
        tables=(
            "idle_parcels", "parcel_ledger", "idle_premises", "premises_ledger", "parcel_greenness", "idle_evidence",
            "idle_strength", "usable_shapes", "parcel_ranking", "parcel_night_light", "parcel_land_cover",
            "idle_candidates", "candidate_ledger", "vacancy_evidence", "vacancy_strength", "vacant_candidates",
        ),
        signs=(Text("初筛", "Screened by"), Text("踏勘核实", "Verified on site by"), Text("审核", "Reviewed by")),
        body=write_idle_register,
        forms=land_forms,
    ),
    Report(
        user="bureau",
        document="bureau-land-status.docx",
        workbook="bureau-land-status.xlsx",
        title=Text("用地情况核查表", "Land-status sheets"),
        tables=(
            "land_sites", "land_checks", "land_status", "touched_parcels", "land_use_comparison", "land_statements",
            "facility_statements", "land_code_conversions",
        ),
        signs=(Text("汇总", "Compiled by"), Text("审核", "Reviewed by")),
        body=write_land_status,
        forms=status_forms,
        sheets=land_status_sheets,
        needs=("land_sites", "land_status"),
        landscape=True,
    ),
    Report(
        user="publisher",
        document="publisher-progress.docx",
        workbook="publisher-tables.xlsx",
        title=Text("城镇老旧小区改造进度月报", "Renovation of old communities: monthly progress"),
        tables=("unit_progress", "plan_progress", "project_states", "community_progress"),
        signs=(Text("填报", "Reported by"), Text("审核", "Reviewed by"), Text("负责人", "Head")),
        body=write_progress_brief,
        forms=progress_forms,
    ),
)  # fmt: skip
