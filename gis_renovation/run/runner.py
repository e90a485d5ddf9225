"""The steps in order; run them; fingerprints; the manifest.

A step is one pure function that makes one layer. Its fingerprint covers the function's code, the tables and
libraries it loads, its parameters, the rules and the fingerprints of its inputs; while that is unchanged, its
result is taken from an earlier run. Row order never changes a fingerprint.
"""

from __future__ import annotations

import datetime
import importlib
import inspect
import json
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.config import read_toml
from gis_renovation.errors import ConfigError, DataError, Finding, GisRenovationError
from gis_renovation.run.fingerprints import code_fingerprint, fingerprint, json_hash, versions
from gis_renovation.schemas import Origin, check_layer, check_references, layer_schemas, suggest_layers
from gis_renovation.shipped import shipped
from gis_renovation.words import Text

if TYPE_CHECKING:
    from gis_renovation.run.project import Project

STEPS_FOLDER = ".steps"
# The run's own workbook is for looking things up; longer ledgers are in layers.gpkg and in the
# bureau's workbook, as its first sheet says.
TABLE_ROWS_MAX = 20_000


@dataclass(frozen=True)
class Step:
    """``layer`` is made by ``function`` ("zones.delineate_zones") from ``needs`` (all) and ``uses`` (where at hand)."""

    layer: str
    function: str
    needs: tuple[str, ...]
    uses: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The table of ``project.toml`` with its parameters: the users' word, whatever our modules are called."""
        return TABLES.get(self.function, self.function.partition(".")[0])

    @property
    def call(self) -> Callable[..., Any]:
        """The function itself; imported when first asked for."""
        module, _, name = self.function.rpartition(".")
        return getattr(importlib.import_module(f"gis_renovation.{module}"), name)  # type: ignore[no-any-return]

    @property
    def code(self) -> str:
        """The fingerprint of all that the function loads, from the module that defines it on."""
        return code_fingerprint(self.call.__module__)


# Functions whose parameters stand in another table of project.toml than the one named for their package.
TABLES: Mapping[str, str] = {
    "land.weigh_idleness": "land_evidence",
    "land.sum_idleness": "land_evidence",
    "land.weigh_vacancy": "land_evidence",
    "land.sum_vacancy": "land_evidence",
    "land.grade_vacant_premises": "land_evidence",
    "land.shape_usable_land": "land_shapes",
    "land.rank_idle_parcels": "land_ranking",
    "land.grade_candidates": "land_ranking",
    "land.outline_land_sites": "land_status",
    "land.check_land_status": "land_status",
    "land.list_touched_parcels": "land_status",
    "land.compare_land_uses": "land_statements",
    "land.draw_land_statements": "land_statements",
    "land.draw_facility_statements": "land_statements",
    "land.conclude_land_sites": "land_statements",
    "land.list_code_conversions": "land_statements",
    "greenways.find_greenway_gaps": "greenway_gaps",
}

STEPS: tuple[Step, ...] = (
    Step("community_terrain", "rasters.community_terrain", ("communities", "terrain")),
    Step("parcel_greenness", "rasters.parcel_greenness", ("parcels", "greenness_before", "greenness_after")),
    Step(
        "parcel_night_light",
        "rasters.parcel_night_light",
        ("parcels", "night_light"),
        ("night_light_before",),
    ),
    Step("parcel_land_cover", "rasters.parcel_land_cover", ("parcels", "land_cover")),
    Step(
        "community_links",
        "contiguity.link_communities",
        ("communities",),
        ("barriers", "crossings", "reporting_units", "utility_lines", "slow_paths"),
    ),
    Step(
        "zone_changes",
        "zones.revise_zones",
        ("approved_zones", "communities", "community_links"),
        ("barriers",),
    ),
    Step(
        "zone_members",
        "zones.delineate_zones",
        ("communities", "community_links"),
        ("zone_changes", "barriers"),
    ),
    Step(
        "zones",
        "zones.describe_zones",
        ("communities", "zone_members", "community_links"),
        ("streets", "barriers", "zone_changes"),
    ),
    Step("zone_proof", "zones.prove_zones", ("zone_members",), ("community_links",)),
    Step(
        "zone_shortfalls",
        "zones.explain_shortfalls",
        ("communities", "zone_members", "community_links"),
        ("barriers",),
    ),
    Step("zone_stability", "zones.measure_zone_stability", ("communities", "community_links", "zone_members")),
    Step("zone_schedule", "zones.order_zone_works", ("zones",)),
    Step(
        "shared_walls",
        "contiguity.list_shared_walls",
        ("communities", "community_links"),
        ("zone_members",),
    ),
    Step(
        "zone_sheets",
        "zones.zone_sheets",
        ("zones", "zone_members", "communities", "community_links"),
        ("facilities", "utility_lines", "projects", "project_communities", "funds"),
    ),
    Step(
        "parcel_ledger",
        "land.assess_parcels",
        ("parcels",),
        ("communities", "control_lines", "buildings", "parcel_greenness"),
    ),
    Step("idle_parcels", "land.find_idle_parcels", ("parcels", "parcel_ledger"), ("communities",)),
    Step("premises_ledger", "land.assess_premises", ("premises",), ("communities", "control_lines")),
    Step("idle_premises", "land.find_idle_premises", ("premises", "premises_ledger"), ("communities",)),
    Step("candidate_ledger", "land.show_candidate_ledger", ("idle_parcels", "parcel_ledger")),
    Step(
        "idle_evidence",
        "land.weigh_idleness",
        ("parcels",),
        ("buildings", "parcel_greenness", "parcel_night_light", "parcel_land_cover", "meter_readings"),
    ),
    Step("idle_strength", "land.sum_idleness", ("parcels", "idle_evidence")),
    Step("vacancy_evidence", "land.weigh_vacancy", ("premises",), ("meter_readings",)),
    Step("vacancy_strength", "land.sum_vacancy", ("premises", "vacancy_evidence")),
    Step(
        "vacant_candidates",
        "land.grade_vacant_premises",
        ("idle_premises", "vacancy_strength"),
        ("zones",),
    ),
    Step(
        "usable_shapes",
        "land.shape_usable_land",
        ("idle_parcels",),
        ("buildings", "utility_lines", "control_lines"),
    ),
    Step(
        "parcel_ranking",
        "land.rank_idle_parcels",
        ("idle_parcels",),
        ("usable_shapes", "idle_strength", "communities", "zones"),
    ),
    Step("idle_candidates", "land.grade_candidates", ("idle_parcels", "parcel_ranking")),
    Step(
        "land_sites",
        "land.outline_land_sites",
        ("zones",),
        ("projects", "project_communities", "communities"),
    ),
    Step(
        "land_status",
        "land.check_land_status",
        ("land_sites",),
        ("parcels", "land_survey", "planned_use", "control_lines", "illegal_structures"),
    ),
    Step("touched_parcels", "land.list_touched_parcels", ("land_sites", "parcels")),
    Step(
        "land_use_comparison",
        "land.compare_land_uses",
        ("land_sites",),
        ("parcels", "land_survey", "planned_use"),
    ),
    Step(
        "land_statements",
        "land.draw_land_statements",
        ("land_sites", "land_status"),
        ("touched_parcels", "land_use_comparison", "proof_papers"),
    ),
    Step(
        "facility_statements",
        "land.draw_facility_statements",
        ("land_sites",),
        ("facilities", "premises", "parcels", "planned_use", "proof_papers"),
    ),
    Step(
        "land_checks",
        "land.conclude_land_sites",
        ("land_sites", "land_status", "land_statements"),
        ("touched_parcels", "land_use_comparison"),
    ),
    Step(
        "land_code_conversions",
        "land.list_code_conversions",
        ("land_survey",),
        ("planned_use", "parcels"),
    ),
    Step(
        "utility_by_community",
        "utilities.summarise_utilities",
        ("communities", "utility_lines"),
        ("zone_members",),
    ),
    Step("utility_by_zone", "utilities.summarise_zone_utilities", ("zones", "utility_lines")),
    Step(
        "park_access",
        "greenways.park_access",
        ("communities", "slow_paths", "parks"),
        ("streets", "barriers"),
    ),
    Step(
        "slow_path_provision",
        "greenways.slow_path_provision",
        ("communities", "slow_paths"),
        ("streets",),
    ),
    Step(
        "greenway_gaps",
        "greenways.find_greenway_gaps",
        ("slow_paths",),
        ("streets", "barriers"),
    ),
    Step(
        "project_states",
        "progress.project_states",
        ("projects", "project_communities", "works_records"),
        ("funds", "communities"),
    ),
    Step(
        "community_progress",
        "progress.community_progress",
        ("communities", "project_communities", "project_states"),
    ),
    Step(
        "unit_progress",
        "progress.unit_progress",
        ("reporting_units", "communities", "projects", "project_communities", "project_states"),
        ("funds",),
    ),
    Step(
        "plan_progress",
        "progress.plan_progress",
        ("reporting_units", "communities", "project_communities", "project_states"),
    ),
)

# Inputs that the result GeoPackage and the maps show as context beside the results.
CONTEXT_LAYERS = (
    "communities",
    "reporting_units",
    "barriers",
    "crossings",
    "streets",
    "slow_paths",
    "parks",
    "facilities",
)


def parameter_tables() -> dict[str, tuple[Callable[..., Any], ...]]:
    """The tables a project may have beside its own, with the functions each one reaches."""
    tables: dict[str, list[Callable[..., Any]]] = {}
    for step in STEPS:
        tables.setdefault(step.table, []).append(step.call)
    return {name: tuple(functions) for name, functions in tables.items()}


def step_defaults(layer: str) -> dict[str, Any]:
    """The defaults of the parameters a project may set for the step that makes ``layer``."""
    from gis_renovation.run.project import tunable_parameters

    step = next(step for step in STEPS if step.layer == layer)
    return {name: parameter.default for name, parameter in tunable_parameters(step.call).items()}


# --- inputs ---------------------------------------------------------------------------------------


@dataclass
class Inputs:
    """A project's layers, read, conformed and reprojected, with all findings and the sources' records."""

    layers: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)


Progress = Callable[[str, int, int], None]


def _silent(_name: str, _done: int, _total: int) -> None:
    return None


def read_inputs(project: Project, *, on_progress: Progress = _silent, only: Iterable[str] | None = None) -> Inputs:
    """Every carded layer in the project CRS, with every fault of every layer as a finding.

    A layer whose file cannot be read becomes a finding too, so that one call tells all. The project
    CRS must be projected in metres. Rows with faults stay in the frame.
    """
    from gis_renovation.crs import is_metric, parse_crs

    target = parse_crs(project.settings.project.crs, where="project.toml crs")
    if not is_metric(target):
        raise ConfigError(
            f"project.toml crs = {project.settings.project.crs}：项目坐标系必须是以米为单位的投影坐标系"
            "（淮南：EPSG:4548），不能是经纬度或网络墨卡托。",
            f"project.toml crs = {project.settings.project.crs}: the project CRS must be projected, in metres "
            "(Huainan: EPSG:4548), not degrees and not Web Mercator.",
        )
    inputs = Inputs()
    wanted = set(project.cards) if only is None else set(only)
    cards = {name: card for name, card in project.cards.items() if name in wanted}
    for number, name in enumerate(cards):
        on_progress(name, number, len(cards))
        try:
            _read_input(project, name, target, inputs)
        except GisRenovationError as error:
            if isinstance(error, DataError):
                inputs.findings += error.findings
            else:
                finding = Finding(severity="error", code="unreadable", layer=name, text=error.text)
                inputs.findings.append(finding)
    on_progress("", len(cards), len(cards))
    from gis_renovation.checking import check_places, check_plausibility, check_zone

    vectors = {name: layer for name, layer in inputs.layers.items() if not layer_schemas()[name].raster}
    inputs.findings += check_references(vectors, origins=inputs.origins)
    trusted = [name for name, card in cards.items() if card.source.trusted]
    inputs.findings += check_zone(inputs.layers, target, trusted=trusted)
    inputs.findings += check_places(inputs.layers, target, area=project.settings.project.area, trusted=trusted)
    inputs.findings += check_plausibility(inputs.layers)
    return inputs


def _raster_remarks(name: str, record: Mapping[str, Any]) -> list[Finding]:
    """What was taken of a raster that could have been meant otherwise."""
    texts = {}
    if record["bands"] > 1:
        texts["first_band"] = Text(
            f"栅格有 {record['bands']} 个波段，只用第 1 个。", f"Of {record['bands']} bands only the first is used."
        )
    if not record["nodata_stated"]:
        texts["nodata_unstated"] = Text(
            "栅格没有写明无数据值，所有像元都当作真值；边缘若是 0 或 -9999，请先在 GIS 软件中设为无数据。",
            "The raster states no nodata value, so every cell counts; set 0 or -9999 at its edges to nodata first.",
        )
    file = ", ".join(str(part["path"]) for part in record["files"])
    return [
        Finding(severity="note", code=code, layer=name, file=file, text=text) for code, text in sorted(texts.items())
    ]


def _read_input(project: Project, name: str, target: Any, inputs: Inputs) -> None:
    from gis_renovation.checking import check_claim
    from gis_renovation.crs import reproject
    from gis_renovation.reading import conform, finish_shapes, guessed_crs, read_layer, read_raster

    card = project.cards[name]
    if card.source.crs_guessed:
        inputs.findings.append(guessed_crs(name, card.source.crs))
    if card.schema_.raster:
        inputs.layers[name], record = read_raster(card, project.layers_folder)
        inputs.sources[name] = {**_card_facts(card), **record, "fingerprint": fingerprint(inputs.layers[name])}
        inputs.findings += _raster_remarks(name, record)
        return
    raw = read_layer(card, project.layers_folder, all_columns=False)
    file = ", ".join(Path(path).name for path in card.source.paths)
    conformed = conform(raw.frame, card, file=file, columns=raw.columns)
    frame = conformed.frame
    findings = [*raw.findings, *conformed.findings]
    if card.schema_.geometry:
        misplaced = check_claim(frame, target, name=name, file=file, area=project.settings.project.area)
        if misplaced:
            raise DataError([*findings, *misplaced])
        frame = reproject(frame, target, where=f"{name}（{file}）")
        frame, repaired = finish_shapes(frame, card, conformed.record, file=file)
        findings += repaired
    findings += check_layer(frame, card.schema_, file=file, **conformed.told)
    inputs.layers[name] = frame
    inputs.findings += findings
    inputs.origins[name] = Origin(file, conformed.rules, conformed.row_at)
    inputs.sources[name] = {
        **_card_facts(card),
        **raw.record,
        **conformed.record,
        "fingerprint": fingerprint(frame),
        "columns": list(frame.columns),
    }


def _card_facts(card: Any) -> dict[str, Any]:
    source = card.source
    return {
        "owner": source.owner,
        "licence": source.licence,
        "classification": source.classification,
        "observed": source.observed.isoformat() if source.observed else None,
        **({"crs_guessed": source.crs} if source.crs_guessed else {}),
    }


def check_settings(project: Project) -> list[Finding]:
    """Settings of a real project that still are the template's: what the results speak of would be a default."""
    own = project.settings.project
    template = read_toml(shipped("template/project.toml").read_text("utf-8"), where="template")
    if own.synthetic or own.as_of != template["project"]["as_of"]:
        return []
    return [
        Finding(
            severity="note", code="default_as_of", layer="", field="as_of", file="project.toml",
            text=Text(
                f"统计截止日期仍是模板中的 {own.as_of}，所有结果都以这一天为准；如不对，请改 as_of。",
                f"as_of is still the template's {own.as_of}, the day all results speak of; change it if that is wrong.",
            ),
        )
    ]  # fmt: skip


def check_targets(project: Project, layers: Mapping[str, Any]) -> list[Finding]:
    """Plan totals against the communities layer: communities, households, floor area, per batch."""
    from gis_renovation.checking import batch_label

    communities = layers.get("communities")
    if communities is None or "plan_batch" not in communities:
        return []
    findings = []
    for batch, target in project.settings.targets.items():
        rows, said = communities[communities["plan_batch"] == batch], batch_label(batch)
        for name, label, wanted in (
            ("communities", Text("小区数", "communities"), target.communities),
            ("households", Text("户数", "households"), target.households),
            ("floor_area_m2", Text("建筑面积", "floor area m²"), target.floor_area_m2),
        ):
            found = len(rows) if name == "communities" else rows[name].sum() if name in rows else None
            if wanted is None or found is None or abs(found - wanted) <= (50.0 if name == "floor_area_m2" else 0):
                continue
            text = Text(
                f"{said.zh}的{label.zh}合计 {found:,.0f}，计划为 {wanted:,.0f}，相差 {found - wanted:+,.0f}；请核对。",
                f"{said.en}: {label.en} sum to {found:,.0f}, the plan says {wanted:,.0f} ({found - wanted:+,.0f}).",
            )
            findings.append(
                Finding(severity="warning", code="target_missed", layer="communities", field=name, text=text)
            )
    return findings


# --- running --------------------------------------------------------------------------------------


@dataclass
class Run:
    """A finished run: its folder, all layers by name, and the manifest as written to ``run.json``."""

    folder: Path
    layers: dict[str, Any]
    manifest: dict[str, Any]


def plan_steps(only: Sequence[str] = ()) -> tuple[Step, ...]:
    """The steps to run: all, or those named and what they build on. Unknown names raise ConfigError."""
    by_layer = {step.layer: step for step in STEPS}
    unknown = [name for name in only if name not in by_layer]
    if unknown:
        hint = suggest_layers(unknown[0], by_layer)
        raise ConfigError(
            f"没有步骤 {', '.join(unknown)}；{hint.zh}", f"There is no step {', '.join(unknown)}; {hint.en}"
        )
    if not only:
        return STEPS
    wanted: set[str] = set()
    queue = list(only)
    while queue:
        name = queue.pop()
        if name in by_layer and name not in wanted:
            wanted.add(name)
            queue += [*by_layer[name].needs, *by_layer[name].uses]
    return tuple(step for step in STEPS if step.layer in wanted)


def run_project(project: Project, *, only: Sequence[str] = (), on_progress: Progress = _silent) -> Run:
    """Read, check, run the steps in order, write ``runs/<as_of>-<fingerprint>/`` in one move.

    Raises DataError, before anything runs, if any layer at hand has errors. A step whose needed
    layers are not at hand is skipped, and the manifest says which were missing.
    """
    steps = plan_steps(only)
    total = len(project.cards) + len(steps) + 1
    wanted = {name for step in steps for name in (*step.needs, *step.uses)} | set(CONTEXT_LAYERS) if only else None
    inputs = read_inputs(project, on_progress=lambda n, i, _t: on_progress(n, i, total), only=wanted)
    inputs.findings += check_targets(project, inputs.layers)
    errors = [finding for finding in inputs.findings if finding.severity == "error"]
    if errors:
        raise DataError(errors)
    layers = dict(inputs.layers)
    prints = {name: source["fingerprint"] for name, source in inputs.sources.items()}
    records = []
    rules = load_rules(project)
    for number, step in enumerate(steps, start=len(inputs.layers)):
        on_progress(step.layer, number, total)
        records.append(_run_step(project, step, layers, prints, rules))
    on_progress("", total - 1, total)
    manifest = _manifest(project, inputs, records, rules, only)
    folder = _write_run(project, manifest, layers, records)
    on_progress("", total, total)
    return Run(folder, layers, manifest)


def load_rules(project: Project) -> tuple[Any, ...]:
    """The rules in force: the shipped packs, overridden by the project's own packs."""
    from gis_renovation.rule_packs import rules_in_force
    from gis_renovation.run.project import read_text

    own = [(name, read_text(project.folder / name)) for name in project.settings.project.rules]
    return rules_in_force(own)


def _run_step(
    project: Project, step: Step, layers: dict[str, Any], prints: dict[str, str], rules: tuple[Any, ...]
) -> dict[str, Any]:
    from gis_renovation.run.project import bind_parameters, gather_arguments

    missing = [name for name in step.needs if name not in layers]
    if missing:
        return {"step": step.layer, "skipped": True, "missing": missing}
    started = time.perf_counter()
    parameters = bind_parameters(step.call, project.tables.get(step.table, {}))
    accepted = inspect.signature(step.call).parameters
    given: dict[str, Any] = {"as_of": project.as_of} if "as_of" in accepted else {}
    given |= _layer_dates(project, step.table, accepted)
    record: dict[str, Any] = {
        "step": step.layer,
        "table": step.table,
        "function": step.function,
        "parameters": {**parameters, **given},
        "inputs": {name: prints[name] for name in (*step.needs, *step.uses) if name in layers},
        "not_at_hand": [name for name in step.uses if name not in layers],
        "rules": [rule.id for rule in rules] if "rules" in accepted else [],
    }
    rules_hash = json_hash([asdict(rule) for rule in rules]) if "rules" in accepted else ""
    record["fingerprint"] = json_hash(
        [
            step.code,
            # The table and the function, not the module: moving a file does not make another step of it.
            {"function": f"{step.table}.{step.call.__name__}", **{k: record[k] for k in ("parameters", "inputs")}},
            rules_hash,
        ]
    )
    if "rules" in accepted:
        given["rules"] = rules
    stored = project.folder / "runs" / STEPS_FOLDER / f"{record['fingerprint']}.parquet"
    result, print_ = _load_step(stored)
    record["reused"] = result is not None
    if result is None:
        arguments = [layers[name] for name in step.needs]
        optional = {name: layers.get(name) for name in step.uses}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = step.call(*arguments, **optional, **gather_arguments(step.call, parameters), **given)
        record["warnings"] = sorted({str(w.message) for w in caught})
        _check_result(result, step.layer)
        print_ = fingerprint(result)
        _store_step(result, print_, stored)
    else:  # the promise may have been corrected since
        _check_result(result, step.layer)
    layers[step.layer] = result
    prints[step.layer] = print_
    record |= {"output": prints[step.layer], "rows": len(result), "columns": list(map(str, result.columns))}
    record["seconds"] = round(time.perf_counter() - started, 3)
    return record


def _layer_dates(project: Project, table: str, accepted: Iterable[str]) -> dict[str, datetime.date]:
    """A parameter ``<layer>_on`` that the project does not set is the day in that layer's source card."""
    dates = {f"{name}_on": card.source.observed for name, card in project.cards.items()}
    stated = project.tables.get(table, {})
    return {name: day for name in accepted if name not in stated and (day := dates.get(name))}


def _check_result(result: Any, layer: str) -> None:
    """A result that breaks its own schema is a bug of the program, not of the data."""
    faults = [f for f in check_layer(result, layer_schemas()[layer]) if f.severity == "error"]
    if faults:
        listed = "; ".join(f"{f.field} {f.code} {f.sentence('en')}" for f in faults)
        raise AssertionError(f"{layer} breaks its schema: {listed}")


def _store_step(result: Any, print_: str, stored: Path) -> None:
    from gis_renovation.writing import new_file

    with new_file(stored) as work:
        result.to_parquet(work)
    stored.with_suffix(".sha256").write_text(print_, encoding="ascii")


def _load_step(stored: Path) -> tuple[Any, str]:
    """The stored result and its fingerprint, or None if there is none or it is not what was written."""
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    check = stored.with_suffix(".sha256")
    if not (stored.is_file() and check.is_file()):
        return None, ""
    try:
        spatial = b"geo" in (pq.read_schema(stored).metadata or {})
        result = gpd.read_parquet(stored) if spatial else pd.read_parquet(stored)
    except (pa.ArrowInvalid, OSError):
        return None, ""
    print_ = fingerprint(result)
    return (result, print_) if print_ == check.read_text(encoding="ascii") else (None, "")


def _manifest(
    project: Project, inputs: Inputs, records: list[dict[str, Any]], rules: tuple[Any, ...], only: Sequence[str]
) -> dict[str, Any]:
    identity: dict[str, Any] = {
        "project": project.settings.model_dump(mode="json"),
        "steps": [record.get("fingerprint", record["step"]) for record in records],
        "only": sorted(only),
        "inputs": {name: source["fingerprint"] for name, source in sorted(inputs.sources.items())},
        # What the cards say of owner, class and day is part of the run: its documents quote it.
        "cards": {name: _card_facts(project.cards[name]) for name in sorted(inputs.sources)},
    }
    return {
        "project": identity["project"]["project"],
        "targets": identity["project"]["targets"],
        "fingerprint": json_hash(identity),
        "written_by": code_fingerprint(__name__),
        "only": sorted(only),
        "versions": versions(),
        "sources": inputs.sources,
        "rules": [asdict(rule) for rule in rules],
        "steps": records,
        "findings": [
            {
                "severity": f.severity,
                "code": f.code,
                "layer": f.layer,
                "field": f.field,
                "zh": f.sentence("zh"),
                "en": f.sentence("en"),
            }
            for f in inputs.findings
        ],
    }


def _write_run(
    project: Project, manifest: dict[str, Any], layers: Mapping[str, Any], records: list[dict[str, Any]]
) -> Path:
    from concurrent.futures import ThreadPoolExecutor

    from gis_renovation.writing import new_folder, write_tables

    folder = project.folder / "runs" / f"{project.as_of.isoformat()}-{manifest['fingerprint'][:12]}"
    if _same_run(folder, manifest):
        (folder / "run.json").touch()  # the latest run again
        return folder
    made = [record["step"] for record in records if not record.get("skipped")]
    shown = {name: layers[name] for name in (*CONTEXT_LAYERS, *made) if name in layers}
    # The database is written beside the workbook: its driver needs no interpreter.
    with new_folder(folder) as work, ThreadPoolExecutor(1) as beside:
        database = beside.submit(_write_database, work / "layers.gpkg", shown)
        settings = project.settings.project
        write_tables(
            work / "tables.xlsx",
            {name: layers[name] for name in made},
            synthetic=settings.synthetic,
            project=project.name,
            as_of=project.as_of,
            attribution=settings.attribution,
            rows_max=TABLE_ROWS_MAX,
        )
        database.result()
        text = json.dumps(manifest, ensure_ascii=False, indent=1, default=_json_default)
        (work / "run.json").write_text(text + "\n", encoding="utf-8")
    return folder


def _write_database(path: Path, layers: Mapping[str, Any]) -> None:
    from gis_renovation.writing import write_geopackage, write_layer_styles

    write_geopackage(path, layers)
    write_layer_styles(path, layers)


def _same_run(folder: Path, manifest: dict[str, Any]) -> bool:
    """Whether ``folder`` already holds this very run, written by this very program."""
    path = folder / "run.json"
    if not path.is_file():
        return False
    stored = json.loads(path.read_text(encoding="utf-8"))
    return all(stored.get(key) == manifest[key] for key in ("fingerprint", "written_by"))


def _json_default(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def latest_manifest(project: Project) -> tuple[Path, dict[str, Any]] | None:
    """The newest run's folder and manifest, by the time it was written; None before the first run."""
    runs = sorted((project.folder / "runs").glob("*/run.json"), key=lambda p: (p.stat().st_mtime_ns, p.as_posix()))
    if not runs:
        return None
    return runs[-1].parent, json.loads(runs[-1].read_text(encoding="utf-8"))
