"""The pipeline on the sample city: fingerprints, reuse, manifest, and what a bad project is told."""

from __future__ import annotations

import datetime
import json
import shutil

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from gis_renovation.errors import ConfigError, DataError
from gis_renovation.run.fingerprints import fingerprint
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project
from gis_renovation.run.runner import run_project
from gis_renovation.run.steps import STEPS, plan_steps
from gis_renovation.schemas import layer_schemas


def squares(count=4):
    return gpd.GeoDataFrame(
        {"name": [f"n{i}" for i in range(count)], "households": pd.array(range(count), "Int64")},
        geometry=[box(i * 20, 0, i * 20 + 10, 10) for i in range(count)],
        index=pd.Index([f"c{i}" for i in range(count)], name="community_id"),
        crs="EPSG:4548",
    )


class TestFingerprint:
    def test_row_and_column_order_do_not_matter(self):
        frame = squares()
        shuffled = frame.sample(frac=1, random_state=3)[["geometry", "households", "name"]]
        assert fingerprint(frame) == fingerprint(shuffled)

    @pytest.mark.parametrize(
        "change",
        [
            lambda f: f.assign(name=["x", *f["name"][1:]]),
            lambda f: f.assign(households=pd.array([None, 1, 2, 3], "Int64")),
            lambda f: f.set_geometry([box(0, 0, 10, 10.001), *f.geometry[1:]], crs=f.crs),
            lambda f: f.set_crs("EPSG:4549", allow_override=True),
            lambda f: f.rename(index={"c0": "c9"}),
            lambda f: f.drop(columns="households"),
            lambda f: f.iloc[:3],
        ],
    )
    def test_any_change_of_content_changes_it(self, change):
        assert fingerprint(change(squares())) != fingerprint(squares())

    def test_unknown_is_not_zero_nor_empty_text(self):
        zero, unknown = pd.DataFrame({"a": [0.0]}), pd.DataFrame({"a": [float("nan")]})
        assert fingerprint(zero) != fingerprint(unknown)
        assert fingerprint(pd.DataFrame({"a": [""]})) != fingerprint(pd.DataFrame({"a": [None]}))
        for dtype in ("str", object):
            empty, missing = (pd.DataFrame({"a": pd.Series(["x", v], dtype=dtype)}) for v in ("", None))
            assert fingerprint(empty) != fingerprint(missing)

    def test_values_do_not_move_between_rows_or_columns(self):
        one = pd.DataFrame({"a": ["x", "y"], "b": ["y", "x"]})
        two = pd.DataFrame({"a": ["x", "y"], "b": ["x", "y"]})
        assert fingerprint(one) != fingerprint(two)


def done(run):
    """The records of the steps that ran or were reused."""
    return list(run.manifest.made.values())


def test_every_step_has_a_schema_and_what_it_needs_comes_before():
    known = {name for name, schema in layer_schemas().items() if not schema.result}
    for step in STEPS:
        assert step.layer in layer_schemas()
        assert set(step.needs) | set(step.uses) <= known
        known.add(step.layer)


def test_only_takes_what_the_step_builds_on():
    layers = [step.layer for step in plan_steps(["zones"])]
    assert layers == ["community_links", "zone_changes", "zone_members", "zones"]


def test_an_unknown_step_names_the_nearest():
    with pytest.raises(ConfigError, match="zones"):
        plan_steps(["zone"])


def test_the_sample_runs_and_every_layer_keeps_its_schema(sample_run):
    assert [record.step for record in sample_run.manifest.skipped] == ["zone_changes"], (
        "the sample has no approved plan"
    )
    assert {"layers.gpkg", "tables.xlsx", "run.json"} <= {p.name for p in sample_run.folder.iterdir()}


def test_a_second_run_reuses_every_step_and_says_the_same(sample_folder, sample_run):
    again = run_project(open_project(sample_folder))
    assert all(record.reused for record in done(again))
    assert again.folder == sample_run.folder
    volatile = {"seconds", "reused", "warnings"}
    for first, second in zip(sample_run.manifest.steps, again.manifest.steps, strict=True):
        assert first.model_dump(exclude=volatile) == second.model_dump(exclude=volatile)
    for name, layer in sample_run.layers.items():
        assert fingerprint(layer) == fingerprint(again.layers[name])


def test_a_changed_card_makes_another_run_that_says_so(own_sample, sample_run):
    card = own_sample / "layers" / "parks.toml"
    text = card.read_text(encoding="utf-8").replace('classification = "public"', 'classification = "work_secret"')
    card.write_text(text, encoding="utf-8")
    run = run_project(open_project(own_sample), only=["park_access"])
    again = run_project(open_project(own_sample), only=["park_access"])
    assert again.folder == run.folder
    stored = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    assert stored["sources"]["parks"]["classification"] == "work_secret"
    card.write_text(text.replace('owner = "', 'owner = "另一单位，'), encoding="utf-8")
    other = run_project(open_project(own_sample), only=["park_access"])
    assert other.folder != run.folder
    stored = json.loads((other.folder / "run.json").read_text(encoding="utf-8"))
    assert stored["sources"]["parks"]["owner"].startswith("另一单位，")
    outputs = [[record.output for record in done(one)] for one in (run, other)]
    assert outputs[0] == outputs[1]


def test_shuffled_input_gives_the_same_fingerprints(own_sample, sample_run):
    import pyogrio

    path = own_sample / "layers" / "data" / "communities.gpkg"
    layer = pyogrio.list_layers(path)[0][0]
    frame = pyogrio.read_dataframe(path, layer=layer).sample(frac=1, random_state=7)
    path.unlink()
    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG")
    run = run_project(open_project(own_sample))
    assert {r.step: r.output for r in done(run)} == {r.step: r.output for r in done(sample_run)}
    assert run.manifest.fingerprint == sample_run.manifest.fingerprint


def test_a_changed_parameter_reruns_only_what_depends_on_it(own_sample, sample_folder, sample_run):
    shutil.copytree(sample_folder / "runs", own_sample / "runs")
    text = (own_sample / "project.toml").read_text(encoding="utf-8")
    assert "[contiguity]" not in text
    (own_sample / "project.toml").write_text(text + "\n[contiguity]\nmax_gap_m = 25.0\n", encoding="utf-8")
    run = run_project(open_project(own_sample))
    rerun = {record.step for record in done(run) if not record.reused}
    assert "community_links" in rerun
    assert not rerun & {"parcel_ledger", "idle_parcels", "park_access", "project_states"}


def test_evidence_is_dated_by_the_source_cards_unless_the_project_says_otherwise(own_sample, sample_run):
    evidence = sample_run.layers["idle_evidence"].dropna(subset=["observed_on"])
    dates = evidence.groupby("evidence")["observed_on"].agg(set)
    assert dates["bare_ground"] == {datetime.date(2024, 7, 15)}  # layers/land_cover.toml
    assert dates["night_light_change"] == {datetime.date(2023, 12, 31)}  # layers/night_light.toml
    text = (own_sample / "project.toml").read_text(encoding="utf-8")
    (own_sample / "project.toml").write_text(text + "\n[land_evidence]\nland_cover_on = 2020-01-01\n", encoding="utf-8")
    again = run_project(open_project(own_sample), only=["idle_evidence"]).layers["idle_evidence"]
    assert set(again.loc[again["evidence"] == "bare_ground", "observed_on"].dropna()) == {datetime.date(2020, 1, 1)}


def test_a_damaged_stored_step_is_computed_again(own_sample):
    first = run_project(open_project(own_sample), only=["community_links"])
    for stored in (own_sample / "runs" / ".steps").glob("*.parquet"):
        stored.write_bytes(stored.read_bytes()[:-40])
    second = run_project(open_project(own_sample), only=["community_links"])
    record = second.manifest.steps[0]
    assert not record.reused
    assert record.output == first.manifest.steps[0].output


def test_a_missing_layer_skips_its_steps_and_says_which(own_run):
    (own_run / "layers" / "parcels.toml").unlink()
    run = run_project(open_project(own_run))
    skipped = {r.step: r.missing for r in run.manifest.skipped}
    assert skipped["idle_parcels"] == ("parcels", "parcel_ledger")
    assert "zones" not in skipped


def test_a_fault_in_a_layer_stops_the_run_before_anything_is_written(own_sample):
    import pyogrio

    path = own_sample / "layers" / "data" / "communities.gpkg"
    layer = pyogrio.list_layers(path)[0][0]
    frame = pyogrio.read_dataframe(path, layer=layer)
    frame.loc[1, "小区编号"] = frame.loc[0, "小区编号"]
    frame.loc[2, "户数"] = -5
    path.unlink()
    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG")
    with pytest.raises(DataError) as caught:
        run_project(open_project(own_sample))
    codes = {finding.code for finding in caught.value.findings}
    assert {"duplicate_key", "below_minimum"} <= codes
    assert frame.loc[0, "小区编号"] in str(caught.value)
    assert not (own_sample / "runs").exists() or not list((own_sample / "runs").glob("*/run.json"))


def test_a_failure_while_writing_leaves_the_earlier_run_and_no_half_file(own_run, monkeypatch):
    import gis_renovation.writing

    run_project(open_project(own_run))

    def results():
        return {p: p.read_bytes() for p in (own_run / "runs").glob("*/*") if p.is_file() and p.parent.name != ".steps"}

    before = results()

    def full_disk(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gis_renovation.writing, "write_geopackage", full_disk)
    text = (own_run / "project.toml").read_text(encoding="utf-8")
    (own_run / "project.toml").write_text(text.replace("2024-09-30", "2024-08-31"), encoding="utf-8")
    with pytest.raises(OSError, match="No space left"):
        run_project(open_project(own_run))
    assert results() == before


def test_the_manifest_names_sources_parameters_rules_and_versions(sample_run):
    manifest = json.loads((sample_run.folder / "run.json").read_text(encoding="utf-8"))
    assert manifest["versions"]["geopandas"]
    assert manifest["sources"]["communities"]["files"][0]["sha256"]
    links = next(r for r in manifest["steps"] if r["step"] == "community_links")
    assert links["parameters"]["max_gap_m"] == 60.0
    ledger = next(r for r in manifest["steps"] if r["step"] == "parcel_ledger")
    assert ledger["rules"]
    assert {rule["id"] for rule in manifest["rules"]} >= set(ledger["rules"])


def test_the_sample_has_no_error_and_its_totals_meet_the_plan(sample_folder):
    from gis_renovation.run.inputs import check_targets

    project = open_project(sample_folder)
    inputs = read_inputs(project)
    assert [f.sentence("zh") for f in inputs.findings if f.severity == "error"] == []
    assert check_targets(project, inputs.layers) == []
    main = inputs.layers["communities"].query("plan_batch == 'main'")
    assert len(main) == 100
    assert main["households"].sum() == 22_595
    assert main["floor_area_m2"].sum() == pytest.approx(1_735_100, abs=50)
