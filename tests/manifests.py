"""Manifests of runs that never were, whole from the parts a test names."""

from __future__ import annotations

from gis_renovation.run.manifest import Manifest

_PROJECT = {"name": "画出来的城市", "crs": "EPSG:4548", "as_of": "2024-09-30", "synthetic": True}
_STEP = {
    "table": "zones",
    "function": "zones.delineate_zones",
    "parameters": {},
    "inputs": {},
    "not_at_hand": [],
    "rules": [],
    "fingerprint": "d" * 64,
    "reused": False,
    "output": "c" * 64,
    "rows": 1,
    "columns": [],
    "seconds": 0.0,
}
_FINDING = {"severity": "warning", "code": "odd", "layer": "communities", "field": ""}


def manifest_of(*, project=None, sources=None, steps=(), findings=(), **others):
    """A manifest of these parts; each source, step and finding is filled up with what does not matter to the test."""
    return Manifest.model_validate(
        {
            "targets": {},
            "fingerprint": "0123456789abcdef" * 4,
            "written_by": "",
            "only": [],
            "versions": {"gis-renovation": "0.1.0"},
            "rules": [],
            **others,
            "project": _PROJECT | (project or {}),
            "sources": {name: {"fingerprint": "f" * 64} | facts for name, facts in (sources or {}).items()},
            "steps": [step if "skipped" in step else _STEP | step for step in steps],
            "findings": [_FINDING | finding for finding in findings],
        }
    )
