"""A city that lacks columns: every command works to its end, whatever optional column is missing from its files.

Each layer of a small city is cut, one optional column at a time (the next one of every layer in each trial) and down
to what is required. Zones are formed in all of it.
"""

from __future__ import annotations

import shutil
import warnings

import pytest
from small_city import small_layers, write_layer, write_project

from gis_renovation.publish import publish_run
from gis_renovation.reports import write_reports
from gis_renovation.run import check_project, open_project, run_project
from gis_renovation.run.asking import load_rules
from gis_renovation.run.binding import bind_parameters, gather_arguments
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.steps import STEPS
from gis_renovation.schemas import layer_schema, layer_schemas

# A code says nothing without its system: these go together.
TOGETHER = {"code_system": ("code_system", "land_use_code", "planned_use_code")}


def optional(name, frame=None):
    """The optional columns of a layer; those that the frame has, if one is given."""
    schema = layer_schema(name)
    free = [f.name for f in schema.read_fields.values() if not (f.required or f.stated or f.name == schema.key)]
    return [column for column in free if frame is None or column in frame.columns]


TRIALS = max(len(optional(name)) for name, schema in layer_schemas().items() if not (schema.result or schema.raster))


@pytest.fixture(scope="module")
def layers():
    return small_layers(8)


@pytest.fixture(scope="module")
def town(layers, tmp_path_factory):
    return write_project(tmp_path_factory.mktemp("absent") / "town", layers)


@pytest.fixture(scope="module")
def whole(town):
    return read_inputs(open_project(town)).layers


def without(frame, columns):
    named = {other for column in columns for other in TOGETHER.get(column, (column,))}
    return frame.drop(columns=[column for column in named if column in frame.columns])


def test_the_sample_has_every_optional_column_that_is_cut(layers):
    frames = {name: frame for name, frame in layers.items() if hasattr(frame, "columns")}
    lacking = {(n, column) for n, frame in frames.items() for column in optional(n) if column not in frame.columns}
    assert lacking == {("facilities", "works"), ("approved_zones", "work_year")}


@pytest.mark.parametrize("trial", range(TRIALS))
def test_every_step_takes_layers_that_lack_one_column(town, whole, trial):
    project = open_project(town)
    made = dict(whole)
    for name, frame in whole.items():
        if hasattr(frame, "columns") and (columns := optional(name, frame)):
            made[name] = without(frame, [columns[trial % len(columns)]])
    for step in STEPS:
        if step.schemes or step.tries:  # these take the run's own zonings, not layers
            continue
        given = bind_parameters(step.call, project.tables.get(step.table, {}))
        given |= {"as_of": project.as_of} if step.is_dated else {}
        given = gather_arguments(step.call, given) | ({"rules": load_rules(project)} if step.judges else {})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a step may say what it left out
            arguments = [made[name] for name in step.needs]
            made[step.layer] = step.call(*arguments, **{name: made.get(name) for name in step.uses}, **given)
    assert made["zone_members"]["zone_id"].notna().sum() == len(whole["communities"])
    assert len(made["zones"]) > 1


@pytest.mark.parametrize("cut", ["every layer", "communities"])
def test_check_run_publish_and_report_go_to_their_end_with_required_columns_alone(town, layers, tmp_path, cut):
    folder = shutil.copytree(town, tmp_path / "town", ignore=shutil.ignore_patterns("runs"))
    for name, frame in layers.items():
        if hasattr(frame, "columns") and cut in ("every layer", name):
            write_layer(folder, name, without(frame, optional(name)))
    project = open_project(folder)
    assert not [finding for finding in check_project(project).findings if finding.severity == "error"]
    run = run_project(project)
    assert not run.manifest.skipped
    assert run.layers["zone_members"]["zone_id"].notna().all()
    if cut == "every layer":
        assert publish_run(project, run, profile="public").is_file()
    assert publish_run(project, run, profile="planner").is_file()
    assert write_reports(folder / "reports", run.layers, run.manifest)
