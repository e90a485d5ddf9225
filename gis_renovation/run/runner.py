"""Run a project's steps in order and write what they make.

A step is one pure function that makes one layer. Its fingerprint covers the function's code, the tables and
libraries it loads, its parameters, the rules and the fingerprints of its inputs; while that is unchanged, its
result is taken from an earlier run. Row order never changes a fingerprint.
"""

from __future__ import annotations

import datetime
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gis_renovation.errors import ConfigError, DataError, GisRenovationError
from gis_renovation.rules import Rule
from gis_renovation.run.asking import load_rules
from gis_renovation.run.binding import bind_parameters, gather_arguments, lending_tables, plain
from gis_renovation.run.fingerprints import code_fingerprint, fingerprint, json_hash
from gis_renovation.run.inputs import Progress, check_city_rules, check_targets, read_inputs, silent
from gis_renovation.run.manifest import (
    MANIFEST_FILE,
    Manifest,
    SkippedStep,
    SolvedRecord,
    StepRecord,
    is_same_run,
    record_run,
)
from gis_renovation.run.project import Project
from gis_renovation.run.proofs import KeptProofs
from gis_renovation.run.steps import CONTEXT_LAYERS, SCHEME_STEPS, TRIAL_STEPS, Step, plan_steps
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Text

STEPS_FOLDER = ".steps"
# The run's own workbook is for looking things up; longer ledgers are in layers.gpkg and in the
# bureau's workbook, as its first sheet says.
TABLE_ROWS_MAX = 20_000


@dataclass
class Run:
    """A finished run: its folder, all layers by name, and its record as written to ``run.json``."""

    folder: Path
    layers: dict[str, Any]
    manifest: Manifest

    def __repr__(self) -> str:
        """One line; the layers and the manifest themselves would fill a notebook."""
        told = ", ".join(f"{kind}: {count}" for kind, count in sorted(_counted_severities(self.manifest).items()))
        return f"<Run {self.folder.name}: {len(self.layers)} layers; {told or 'no findings'}>"

    def only(self, *names: str) -> Run:
        """The run with these of its layers: ``show(run.only("communities", "zones"))``."""
        return replace(self, layers={name: self.layers[name] for name in names if name in self.layers})


def _counted_severities(manifest: Manifest) -> Counter[str]:
    return Counter(finding.severity for finding in manifest.findings)


def run_project(project: Project, *, only: str | Sequence[str] = (), on_progress: Progress = silent) -> Run:
    """Read, check, run the steps in order, write ``runs/<as_of>-<fingerprint>/`` in one move.

    Raises DataError, before anything runs, if any layer at hand has errors. A step whose needed
    layers are not at hand is skipped, and the manifest says which were missing.
    """
    only = (only,) if isinstance(only, str) else only
    steps = _steps_of(project, only)
    total = len(project.cards) + len(steps) + 1
    wanted = {name for step in steps for name in (*step.needs, *step.uses)} | set(CONTEXT_LAYERS) if only else None
    inputs = read_inputs(project, on_progress=lambda n, i, _t: on_progress(n, i, total), only=wanted)
    inputs.findings += check_targets(project, inputs.layers) + check_city_rules(project, inputs.layers)
    errors = [finding for finding in inputs.findings if finding.severity == "error"]
    if errors:
        raise DataError(errors)
    rules = load_rules(project)
    prints = {name: source.fingerprint for name, source in inputs.sources.items()}
    making = _Making(project, project.tables, rules, dict(inputs.layers), prints)
    records = []
    for number, step in enumerate(steps, start=len(inputs.layers)):
        on_progress(step.layer, number, total)
        records.append(making.run_step(step, told_in_part(on_progress, step.layer, number, total)))
    on_progress("", total - 1, total)
    manifest = record_run(
        project, inputs.sources, inputs.findings, records, rules=rules, only=only, written_by=code_fingerprint(__name__)
    )
    folder = _write_run(project, manifest, making.layers)
    on_progress("", total, total)
    return Run(folder, making.layers, manifest)


def _steps_of(project: Project, only: Sequence[str]) -> tuple[Step, ...]:
    """The steps to run; those that compare schemes only where there are any."""
    steps = plan_steps(only)
    asked = [step.layer for step in steps if step.schemes and step.layer in only]
    if asked and not project.schemes:
        raise ConfigError(
            f"步骤 {', '.join(asked)} 比较各方案，但 project.toml 中还没有 [schemes.名称] 表。",
            f"{', '.join(asked)} compares schemes, but project.toml has no [schemes.NAME] yet.",
        )
    return tuple(step for step in steps if project.schemes or not step.schemes)


@dataclass
class _Making:
    """A run at work: the layers made so far and their fingerprints, by the wishes of one scheme."""

    project: Project
    tables: Mapping[str, Mapping[str, Any]]
    rules: tuple[Rule, ...]
    layers: dict[str, Any]
    prints: dict[str, str]
    stores: bool = True
    schemes: dict[str, _Making] = field(default_factory=dict)

    def run_step(self, step: Step, tell: Callable[[int, int], None]) -> StepRecord | SkippedStep:
        """Make a step's layer or take it from an earlier run; ``tell`` hears how much of a long one is done."""
        missing = [name for name in step.needs if name not in self.layers]
        missing += sorted({name for one in self._schemes_of(step).values() for name in one.lacking(step.schemes)})
        if missing:
            return SkippedStep(step=step.layer, skipped=True, missing=tuple(dict.fromkeys(missing)))
        started = time.perf_counter()
        parameters = self._parameters(step)
        inputs = {name: self.prints[name] for name in (*step.needs, *step.uses) if name in self.layers}
        for name, one in self._schemes_of(step).items():
            inputs |= {f"{name}/{layer}": one.prints[layer] for layer in step.schemes}
        key = self._key(step, parameters, inputs)
        stored = self.project.folder / "runs" / STEPS_FOLDER / f"{key}.parquet"
        result, print_, seconds = _load_step(stored)
        reused = result is not None
        told: dict[str, Any] = {}
        desk = self._desk(step, tell)
        if not reused:
            result, told["warnings"] = self._call(step, parameters, desk)
            seconds = round(time.perf_counter() - started, 3)
        _check_result(result, step.layer)  # of a stored one too: the promise may have been corrected since
        if not reused:
            print_ = fingerprint(result)
            if desk and desk["desk"].cut_short:
                key = json_hash([key, print_])  # another run may prove more, and is another run then
            elif self.stores:
                _store_step(result, print_, stored, seconds)
        if step.proves:
            told["solved"] = _solved(result, seconds)
        self.layers[step.layer], self.prints[step.layer] = result, print_
        return StepRecord(
            step=step.layer,
            table=step.table,
            function=step.function,
            parameters=plain(parameters),
            inputs=inputs,
            not_at_hand=tuple(name for name in step.uses if name not in self.layers),
            rules=tuple(rule.id for rule in self.rules) if step.judges else (),
            fingerprint=key,
            reused=reused,
            **told,
            output=print_,
            rows=len(result),
            columns=tuple(map(str, result.columns)),
            seconds=round(time.perf_counter() - started, 3),
        )

    def lacking(self, layers: Sequence[str]) -> list[str]:
        """Which of these layers are not at hand."""
        return [name for name in layers if name not in self.layers]

    def with_tables(self, tables: Mapping[str, Mapping[str, Any]], only: Sequence[str], *, stores: bool) -> _Making:
        """The steps that lead to ``only`` made anew by other tables; what depends on none of them is the same."""
        steps = plan_steps(only)
        made = {step.layer for step in plan_steps()}
        layers = {name: layer for name, layer in self.layers.items() if name not in made}
        prints = {name: print_ for name, print_ in self.prints.items() if name in layers}
        other = _Making(self.project, tables, self.rules, layers, prints, stores)
        for step in steps:
            if all(self._parameters(step) == other._parameters(step) for step in steps[: steps.index(step) + 1]):
                other.layers |= {step.layer: self.layers[step.layer]} if step.layer in self.layers else {}
                other.prints |= {step.layer: self.prints[step.layer]} if step.layer in self.layers else {}
            else:
                other.run_step(step, _untold)
        return other

    def _schemes_of(self, step: Step) -> dict[str, _Making]:
        """The zones of every scheme that a step compares; each made once a run."""
        if not step.schemes:
            return {}
        for name, scheme in self.project.schemes.items():
            if name not in self.schemes:
                try:
                    self.schemes[name] = self.with_tables(scheme.over(self.project.stated), SCHEME_STEPS, stores=True)
                except GisRenovationError as error:
                    who = Text("方案“{title}”：", "Scheme “{title}”: ").fill(title=scheme.title)
                    raise ConfigError(*(who + error.text)) from None
        return {name: self.schemes[name] for name in self.project.schemes}

    def _parameters(self, step: Step) -> dict[str, Any]:
        """What the project sets or leaves at its default, the day of the results, and the days of the sources."""
        tables = [self.tables.get(name, {}) for name in (step.table, *lending_tables(step.call))]
        values = bind_parameters(step.call, {name: value for table in tables[::-1] for name, value in table.items()})
        values |= _layer_dates(self.project, step.table, values)
        values |= {"as_of": self.project.as_of} if step.is_dated else {}
        if step.schemes:
            told = {name: {"title": list(one.title), **one.asked} for name, one in self.project.schemes.items()}
            values |= {"schemes": told, "scheme": self.project.scheme.name}
        return values | ({"base": self._base()} if step.tries else {})

    def _base(self) -> dict[str, dict[str, Any]]:
        """What the steps that lead to the zones are given, by table: the wishes that others are tried against."""
        found: dict[str, dict[str, Any]] = {}
        for step in plan_steps(TRIAL_STEPS):
            found.setdefault(step.table, {}).update(self._parameters(step))
        return found

    def _key(self, step: Step, parameters: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
        # The table and the function, not the module: moving a file does not make another step of it.
        name = f"{step.table}.{step.call.__name__}"
        rules = json_hash([asdict(rule) for rule in self.rules]) if step.judges else ""
        code = [step.code, *(other.code for other in plan_steps(TRIAL_STEPS) if step.tries)]
        tried = [self.prints.get(name, "") for other in plan_steps(TRIAL_STEPS) for name in (*other.needs, *other.uses)]
        told = {"function": name, "parameters": parameters, "inputs": inputs} | ({"tried": tried} if step.tries else {})
        return json_hash([code[0] if len(code) == 1 else code, told, rules])

    def _desk(self, step: Step, tell: Callable[[int, int], None]) -> dict[str, Any]:
        """Where a step that proves keeps its proofs: with the stored steps, apart for each version of its code."""
        if not step.proves:
            return {}
        from gis_renovation.zones import ProofDesk

        kept = self.project.folder / "runs" / STEPS_FOLDER / f"proofs-{step.code[:16]}.txt"
        return {"desk": ProofDesk(kept=KeptProofs(kept), tell=tell)}

    def _call(self, step: Step, parameters: Mapping[str, Any], desk: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
        """The step's result, and what the libraries warned of meanwhile."""
        arguments = [self.layers[name] for name in step.needs]
        optional = {name: self.layers.get(name) for name in step.uses}
        given = {name: value for name, value in parameters.items() if name not in ("schemes", "scheme", "base")}
        given = gather_arguments(step.call, given) | ({"rules": self.rules} if step.judges else {}) | desk
        given |= {"schemes": self._given_schemes(step)} if step.schemes else {}
        given |= {"tried": self._trials(parameters["base"])} if step.tries else {}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = step.call(*arguments, **optional, **given)
        return result, tuple(sorted({str(w.message) for w in caught}))

    def _given_schemes(self, step: Step) -> dict[str, Any]:
        from gis_renovation.zones import Scheme

        wished = self.project.schemes
        return {
            name: Scheme(
                title=wished[name].title,
                is_chosen=name == self.project.scheme.name,
                **{layer: one.layers[layer] for layer in step.schemes},
            )
            for name, one in self._schemes_of(step).items()
        }

    def _trials(self, base: Mapping[str, Mapping[str, Any]]) -> Any:
        from gis_renovation.zones import Trials

        def solve(changes: Mapping[str, Mapping[str, Any]]) -> Any:
            tables = {**self.tables, **{name: {**self.tables.get(name, {}), **own} for name, own in changes.items()}}
            return self.with_tables(tables, TRIAL_STEPS, stores=False).layers["zone_members"]

        return Trials(base, solve)


def _untold(_part: int, _whole: int) -> None:
    """For who makes a step on the way to another: nobody is told how far it is."""


def told_in_part(on_progress: Progress, layer: str, done: int, total: int) -> Callable[[int, int], None]:
    """Tells of a long step how much of it is done: the layer's name, and what is done of all there is."""
    return lambda part, whole: on_progress(f"{layer} {part}/{whole}", done, total)


def _solved(result: Any, seconds: float | None) -> SolvedRecord:
    """What the result says of its objective, with the time it took."""
    from gis_renovation.zones import sum_proofs

    return SolvedRecord(**sum_proofs(result), seconds=seconds)


def _layer_dates(project: Project, table: str, accepted: Iterable[str]) -> dict[str, datetime.date]:
    """A parameter ``<layer>_on`` that the project does not set is the day in that layer's source card."""
    dates = {f"{name}_on": card.observed for name, card in project.cards.items()}
    stated = project.tables.get(table, {})
    return {name: day for name in accepted if name not in stated and (day := dates.get(name))}


def _check_result(result: Any, layer: str) -> None:
    """A result that breaks its own schema is a bug of the program, not of the data."""
    from gis_renovation.checking import check_layer

    faults = [f for f in check_layer(result, layer_schemas()[layer]) if f.severity == "error"]
    if faults:
        listed = "; ".join(f"{f.field} {f.code} {f.sentence('en')}" for f in faults)
        raise AssertionError(f"{layer} breaks its schema: {listed}")


def _store_step(result: Any, print_: str, stored: Path, seconds: float | None) -> None:
    from gis_renovation.writing import new_file

    with new_file(stored) as work:
        result.to_parquet(work)
    stored.with_suffix(".sha256").write_text(f"{print_} {seconds}", encoding="ascii")


def _load_step(stored: Path) -> tuple[Any, str, float | None]:
    """The stored result, its fingerprint, and the seconds it took; None if there is none, or it was changed."""
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    check = stored.with_suffix(".sha256")
    if not (stored.is_file() and check.is_file()):
        return None, "", None
    told = _PRINTED.fullmatch(check.read_text(encoding="ascii", errors="replace"))
    try:
        spatial = b"geo" in (pq.read_schema(stored).metadata or {})
        result = gpd.read_parquet(stored) if spatial else pd.read_parquet(stored)
    except (pa.ArrowInvalid, OSError):
        return None, "", None
    print_ = fingerprint(result)
    return (result, print_, float(told[2])) if told and print_ == told[1] else (None, "", None)


_PRINTED = re.compile(r"([0-9a-f]{64}) ([0-9.]+)")


def _write_run(project: Project, manifest: Manifest, layers: Mapping[str, Any]) -> Path:
    from concurrent.futures import ThreadPoolExecutor

    from gis_renovation.writing import new_folder, write_tables

    folder = project.folder / "runs" / f"{project.as_of.isoformat()}-{manifest.run}"
    if is_same_run(folder, manifest):
        (folder / MANIFEST_FILE).touch()  # the latest run again
        return folder
    shown = {name: layers[name] for name in (*CONTEXT_LAYERS, *manifest.made) if name in layers}
    # The database is written beside the workbook: its driver needs no interpreter.
    with new_folder(folder) as work, ThreadPoolExecutor(1) as beside:
        database = beside.submit(_write_database, work / "layers.gpkg", shown)
        settings = project.settings.project
        write_tables(
            work / "tables.xlsx",
            {name: layers[name] for name in manifest.made},
            synthetic=settings.synthetic,
            project=project.name,
            as_of=project.as_of,
            attribution=settings.attribution,
            rows_max=TABLE_ROWS_MAX,
        )
        database.result()
        (work / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    return folder


def _write_database(path: Path, layers: Mapping[str, Any]) -> None:
    from gis_renovation.writing import write_data_columns, write_geopackage, write_layer_styles

    write_geopackage(path, layers)
    write_layer_styles(path, layers)
    write_data_columns(path, layers)
