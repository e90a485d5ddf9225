"""The record of a run, kept beside its results as ``run.json``: what went in, what was made of it, by which program."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from gis_renovation.errors import FileError, Finding, Severity
from gis_renovation.rules import Rule
from gis_renovation.run.fingerprints import json_hash, versions
from gis_renovation.run.project import Project, ProjectTable, Target
from gis_renovation.words import Text

MANIFEST_FILE = "run.json"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_serializer(mode="wrap")
    def _as_said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what was not set: a vector layer says nothing of bands."""
        return {key: value for key, value in write(self).items() if key in self.model_fields_set}


class SourceFile(BaseModel):
    """One file of a layer, its content's hash, and what was counted in reading it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    path: str
    sha256: str


class CardFacts(_Record):
    """What a card says of its source and every document of a run may quote."""

    owner: str = ""
    licence: str = ""
    classification: str = ""
    observed: datetime.date | None = None
    crs_guessed: str = ""


class SourceRecord(CardFacts):
    """One layer as it came in: its card's facts, its files, what was taken of them, and what came out."""

    files: tuple[SourceFile, ...] = ()
    # Of a raster.
    shape: tuple[int, ...] = ()
    bands: int | None = None
    nodata_stated: bool | None = None
    warped_from: str = ""
    resampling: str = ""
    # Of a table or a vector layer.
    crs: str = ""
    datum: str = ""
    control_points: Mapping[str, Any] | None = None
    rows_read: int | None = None
    rows_not_selected: int = 0
    rows_dropped: int = 0
    repairs: Mapping[str, int] | None = None
    rows_used: int | None = None
    columns_left_out: tuple[str, ...] = ()
    fingerprint: str
    columns: tuple[str, ...] = ()


class SolvedRecord(_Record):
    """What was optimised: the objective, the best it can be (none if unknown), the gap between, and the time it took.

    Sums over the components; ``proven`` of them reach their bound. ``seconds`` are those of the run that made it,
    ``is_cut_short`` says that a limit of seconds ended it.
    """

    objective: float | None
    objective_bound: float | None
    gap_share: float | None
    seed: int | None
    components: int
    proven: int
    seconds: float | None
    is_cut_short: bool


class StepRecord(_Record):
    """A step that was made or taken from an earlier run: what it got and what it gave.

    ``parameters`` are plain, as JSON keeps them; ``inputs`` and ``output`` are fingerprints of layers.
    """

    step: str
    table: str
    function: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    not_at_hand: tuple[str, ...]
    rules: tuple[str, ...]
    fingerprint: str
    reused: bool
    warnings: tuple[str, ...] = ()
    output: str
    rows: int
    columns: tuple[str, ...]
    seconds: float
    solved: SolvedRecord | None = None


class SkippedStep(_Record):
    """A step that was not made, and the layers it wants."""

    step: str
    skipped: Literal[True]
    missing: tuple[str, ...]


class FindingRecord(_Record):
    """A finding in whole sentences; the features it names stand in them."""

    severity: Severity
    code: str
    layer: str
    field: str
    zh: str
    en: str

    @classmethod
    def of(cls, finding: Finding) -> FindingRecord:
        """A finding as it is kept."""
        said = {lang: finding.sentence(lang) for lang in ("zh", "en")}
        return cls(severity=finding.severity, code=finding.code, layer=finding.layer, field=finding.field, **said)

    @property
    def text(self) -> Text:
        """The sentence in both languages."""
        return Text(self.zh, self.en)


class Manifest(_Record):
    """A whole run. ``fingerprint`` is the same whenever the project, its data, rules and steps are."""

    project: ProjectTable
    targets: Mapping[str, Target]
    fingerprint: str
    written_by: str
    only: tuple[str, ...]
    versions: Mapping[str, str]
    sources: Mapping[str, SourceRecord]
    rules: tuple[Rule, ...]
    steps: tuple[StepRecord | SkippedStep, ...]
    findings: tuple[FindingRecord, ...]

    @property
    def run(self) -> str:
        """The run's number as people quote it."""
        return self.fingerprint[:12]

    @property
    def made(self) -> dict[str, StepRecord]:
        """The steps that have a result, by the layer they make."""
        return {step.step: step for step in self.steps if isinstance(step, StepRecord)}

    @property
    def skipped(self) -> tuple[SkippedStep, ...]:
        """The steps not made."""
        return tuple(step for step in self.steps if isinstance(step, SkippedStep))

    def to_json(self) -> str:
        """The text of ``run.json``."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def record_run(
    project: Project,
    sources: Mapping[str, SourceRecord],
    findings: Sequence[Finding],
    steps: Sequence[StepRecord | SkippedStep],
    *,
    rules: tuple[Rule, ...],
    only: Sequence[str],
    written_by: str,
) -> Manifest:
    """The manifest of a run of ``project``; ``written_by`` is the fingerprint of the code that writes its files."""
    settings = project.settings
    identity = {
        "project": settings.model_dump(mode="json"),
        "steps": [step.fingerprint if isinstance(step, StepRecord) else step.step for step in steps],
        "only": sorted(only),
        "inputs": {name: source.fingerprint for name, source in sorted(sources.items())},
        # What the cards say of owner, class and day is part of the run: its documents quote it.
        "cards": {name: _facts_of(source) for name, source in sorted(sources.items())},
    }
    return Manifest(
        project=settings.project,
        targets=settings.targets,
        fingerprint=json_hash(identity),
        written_by=written_by,
        only=tuple(sorted(only)),
        versions=versions(),
        sources=sources,
        rules=rules,
        steps=tuple(steps),
        findings=tuple(map(FindingRecord.of, findings)),
    )


def _facts_of(source: SourceRecord) -> dict[str, Any]:
    return {key: value for key, value in source.model_dump(mode="json").items() if key in CardFacts.model_fields}


def read_manifest(path: Path) -> Manifest:
    """A run's manifest. Raises FileError for one that another version of the program wrote, or that is damaged."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError:
        raise FileError(
            f"{path} 由其他版本的程序写成，或已损坏；请重新运行 gis-renovation run。",
            f"{path} was written by another version of the program, or is damaged; run gis-renovation run again.",
        ) from None


def is_same_run(folder: Path, manifest: Manifest) -> bool:
    """Whether ``folder`` already holds this very run, written by this very program."""
    path = folder / MANIFEST_FILE
    try:
        stored = read_manifest(path) if path.is_file() else None
    except FileError:
        return False
    return stored is not None and (stored.fingerprint, stored.written_by) == (manifest.fingerprint, manifest.written_by)


def latest_manifest(project: Project) -> tuple[Path, Manifest] | None:
    """The newest run's folder and manifest, by the time it was written; None before the first run."""
    written = (project.folder / "runs").glob(f"*/{MANIFEST_FILE}")
    runs = sorted(written, key=lambda path: (path.stat().st_mtime_ns, path.as_posix()))
    return (runs[-1].parent, read_manifest(runs[-1])) if runs else None
