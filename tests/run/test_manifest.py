"""The record of a run comes back from its file as it was; one of another version is refused in a sentence."""

from __future__ import annotations

import json

import pytest
from manifests import manifest_of

from gis_renovation.cli import main
from gis_renovation.errors import FileError
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.run.manifest import read_manifest
from gis_renovation.run.steps import step_defaults

PARTS = {
    "sources": {
        "communities": {
            "owner": "住建局",
            "observed": "2024-04-15",
            "files": [{"path": "a", "sha256": "0", "rows": 9}],
        },
        "terrain": {"observed": None, "shape": [2, 3], "bands": 1, "nodata_stated": True},
    },
    "steps": [
        {"step": "zone_members", "parameters": {"budgets_yuan": {"2025": 1e7}, "as_of": "2024-09-30"}},
        {"step": "park_access", "skipped": True, "missing": ["parks"]},
    ],
    "findings": [{"zh": "重名一处", "en": "one twice"}],
}


def test_a_manifest_comes_back_as_it_was(tmp_path):
    path, manifest = tmp_path / "run.json", manifest_of(**PARTS, rules=rules_in_force())
    path.write_text(manifest.to_json(), encoding="utf-8")
    again = read_manifest(path)
    assert again == manifest
    assert again.to_json() == manifest.to_json()
    assert list(again.made) == ["zone_members"]
    assert again.skipped[0].missing == ("parks",)


def test_the_run_on_disk_is_the_run_in_memory(sample_run):
    path = sample_run.folder / "run.json"
    assert read_manifest(path) == sample_run.manifest
    assert path.read_text(encoding="utf-8") == sample_run.manifest.to_json()


def test_what_a_source_does_not_have_is_not_in_its_record():
    stored = json.loads(manifest_of(**PARTS).to_json())["sources"]
    assert set(stored["terrain"]) == {"observed", "shape", "bands", "nodata_stated", "fingerprint"}
    assert list(stored["communities"]["files"][0]) == ["path", "sha256", "rows"]


@pytest.mark.parametrize(
    "spoil", [lambda d: d.pop("versions"), lambda d: d.update(new=1), lambda d: d["steps"][0].pop("table")]
)
def test_a_manifest_of_another_version_is_refused_in_one_sentence(spoil, tmp_path):
    stored = json.loads(manifest_of(**PARTS).to_json())
    spoil(stored)
    path = tmp_path / "run.json"
    for text in (json.dumps(stored), "{", ""):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(FileError, match="其他版本的程序") as refused:
            read_manifest(path)
        assert "another version" in refused.value.text.en
        assert "\n" not in refused.value.text.zh


def test_a_run_beside_one_of_another_version_is_made_and_explained(own_sample, capsys):
    old = own_sample / "runs" / "2020-01-01-0" / "run.json"
    old.parent.mkdir(parents=True)
    old.write_text('{"steps": []}', encoding="utf-8")
    for arguments, code in (
        (["--explain", "park_access"], 2),
        (["--only", "park_access"], 0),
        (["--explain", "park_access"], 0),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["run", str(own_sample), *arguments])
        assert ended.value.code == code, capsys.readouterr()
    assert "park_access" in capsys.readouterr().out


def test_what_a_project_leaves_at_its_default_equals_the_default(sample_run):
    step, defaults = sample_run.manifest.made["zone_members"], step_defaults("zone_members")
    changed = {name for name, value in step.parameters.items() if value != defaults[name]}
    assert changed == {"households", "zone_preference", "leave_out_unknown"}
