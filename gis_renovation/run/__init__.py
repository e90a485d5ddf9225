"""A project, its steps in order, fingerprints, and the manifest of a run."""

from gis_renovation.run.inputs import Inputs, check_project, read_layer
from gis_renovation.run.manifest import Manifest, SkippedStep, SourceRecord, StepRecord, latest_manifest
from gis_renovation.run.parameters import parameter, value_text
from gis_renovation.run.partitions import assess_partitions, partition_parcels
from gis_renovation.run.project import PROJECT_FILE, Project, ProjectTable, open_project, read_settings
from gis_renovation.run.runner import Run, run_project
from gis_renovation.run.steps import plan_steps, step_defaults

__all__ = [
    "PROJECT_FILE",
    "Inputs",
    "Manifest",
    "Project",
    "ProjectTable",
    "Run",
    "SkippedStep",
    "SourceRecord",
    "StepRecord",
    "assess_partitions",
    "check_project",
    "latest_manifest",
    "open_project",
    "parameter",
    "partition_parcels",
    "plan_steps",
    "read_layer",
    "read_settings",
    "run_project",
    "step_defaults",
    "value_text",
]
