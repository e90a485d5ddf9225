"""The record of a run: what went in, which steps made what, and by which program."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.run.fingerprints import json_hash, versions
from gis_renovation.run.inputs import Inputs, card_facts

if TYPE_CHECKING:
    from gis_renovation.run.project import Project


def record_run(
    project: Project, inputs: Inputs, records: list[dict[str, Any]], rules: tuple[Any, ...], only: Sequence[str]
) -> dict[str, Any]:
    """The manifest of a run, as it goes into ``run.json``; who wrote it is for the writer to say."""
    identity: dict[str, Any] = {
        "project": project.settings.model_dump(mode="json"),
        "steps": [record.get("fingerprint", record["step"]) for record in records],
        "only": sorted(only),
        "inputs": {name: source["fingerprint"] for name, source in sorted(inputs.sources.items())},
        # What the cards say of owner, class and day is part of the run: its documents quote it.
        "cards": {name: card_facts(project.cards[name]) for name in sorted(inputs.sources)},
    }
    return {
        "project": identity["project"]["project"],
        "targets": identity["project"]["targets"],
        "fingerprint": json_hash(identity),
        "written_by": "",
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


def same_run(folder: Path, manifest: dict[str, Any]) -> bool:
    """Whether ``folder`` already holds this very run, written by this very program."""
    path = folder / "run.json"
    if not path.is_file():
        return False
    stored = json.loads(path.read_text(encoding="utf-8"))
    return all(stored.get(key) == manifest[key] for key in ("fingerprint", "written_by"))


def json_default(value: Any) -> Any:
    """How JSON says what it has no word for: a day by its digits."""
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def latest_manifest(project: Project) -> tuple[Path, dict[str, Any]] | None:
    """The newest run's folder and manifest, by the time it was written; None before the first run."""
    runs = sorted((project.folder / "runs").glob("*/run.json"), key=lambda p: (p.stat().st_mtime_ns, p.as_posix()))
    if not runs:
        return None
    return runs[-1].parent, json.loads(runs[-1].read_text(encoding="utf-8"))
