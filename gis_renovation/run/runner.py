"""Run a project's steps in order and write what they make.

A step is one pure function that makes one layer. Its fingerprint covers the function's code, the tables and
libraries it loads, its parameters, the rules and the fingerprints of its inputs; while that is unchanged, its
result is taken from an earlier run. Row order never changes a fingerprint.
"""

from __future__ import annotations

import datetime
import inspect
import json
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gis_renovation.errors import DataError
from gis_renovation.run.binding import bind_parameters, gather_arguments
from gis_renovation.run.fingerprints import code_fingerprint, fingerprint, json_hash
from gis_renovation.run.inputs import Progress, check_targets, read_inputs, silent
from gis_renovation.run.manifest import json_default, record_run, same_run
from gis_renovation.run.project import Project, read_text
from gis_renovation.run.steps import CONTEXT_LAYERS, Step, plan_steps
from gis_renovation.schemas import check_layer, layer_schemas

STEPS_FOLDER = ".steps"
# The run's own workbook is for looking things up; longer ledgers are in layers.gpkg and in the
# bureau's workbook, as its first sheet says.
TABLE_ROWS_MAX = 20_000


@dataclass
class Run:
    """A finished run: its folder, all layers by name, and the manifest as written to ``run.json``."""

    folder: Path
    layers: dict[str, Any]
    manifest: dict[str, Any]


def run_project(project: Project, *, only: Sequence[str] = (), on_progress: Progress = silent) -> Run:
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
    manifest = record_run(project, inputs, records, rules, only) | {"written_by": code_fingerprint(__name__)}
    folder = _write_run(project, manifest, layers, records)
    on_progress("", total, total)
    return Run(folder, layers, manifest)


def load_rules(project: Project) -> tuple[Any, ...]:
    """The rules in force: the shipped packs, overridden by the project's own packs."""
    from gis_renovation.rule_packs import rules_in_force

    own = [(name, read_text(project.folder / name)) for name in project.settings.project.rules]
    return rules_in_force(own)


def _run_step(
    project: Project, step: Step, layers: dict[str, Any], prints: dict[str, str], rules: tuple[Any, ...]
) -> dict[str, Any]:
    missing = [name for name in step.needs if name not in layers]
    if missing:
        return {"step": step.layer, "skipped": True, "missing": missing}
    started = time.perf_counter()
    parameters = bind_parameters(step.call, project.tables.get(step.table, {}))
    parameters |= _layer_dates(project, step.table, parameters)
    accepted = inspect.signature(step.call).parameters
    given: dict[str, Any] = {"as_of": project.as_of} if "as_of" in accepted else {}
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
            result = step.call(*arguments, **optional, **gather_arguments(step.call, {**parameters, **given}))
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


def _write_run(
    project: Project, manifest: dict[str, Any], layers: Mapping[str, Any], records: list[dict[str, Any]]
) -> Path:
    from concurrent.futures import ThreadPoolExecutor

    from gis_renovation.writing import new_folder, write_tables

    folder = project.folder / "runs" / f"{project.as_of.isoformat()}-{manifest['fingerprint'][:12]}"
    if same_run(folder, manifest):
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
        text = json.dumps(manifest, ensure_ascii=False, indent=1, default=json_default)
        (work / "run.json").write_text(text + "\n", encoding="utf-8")
    return folder


def _write_database(path: Path, layers: Mapping[str, Any]) -> None:
    from gis_renovation.writing import write_geopackage, write_layer_styles

    write_geopackage(path, layers)
    write_layer_styles(path, layers)
