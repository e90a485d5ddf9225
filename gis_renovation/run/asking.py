"""What a run would refuse, asked before: rules, wishes of ``project.toml``, layers that a step cannot take.

The steps themselves are asked, on layers without a row: a wish that contradicts itself does so whatever the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gis_renovation.errors import ConfigError, DataError, Finding, GisRenovationError
from gis_renovation.rules import Rule
from gis_renovation.run.binding import bind_parameters, gather_arguments
from gis_renovation.run.project import Project, read_text
from gis_renovation.run.steps import STEPS, Step
from gis_renovation.schemas import LayerSchema, layer_schema, layer_schemas

# Wishes that name communities or zones: without rows none of them would be there.
_NAME_IDS = ("must_join", "must_not_join", "fixed_zones", "fixed_years")


def load_rules(project: Project) -> tuple[Rule, ...]:
    """The rules in force: national ones, then the city's, then the project's own. ConfigError for a pack not there."""
    from gis_renovation.rule_packs import rules_in_force

    named = project.settings.project.rules
    missing = [name for name in named if not (project.folder / name).is_file()]
    if missing:
        raise ConfigError(
            f"project.toml rules：项目文件夹中没有规则文件 {'、'.join(missing)}；请改正文件名，或删去。",
            f"project.toml rules: no file {', '.join(missing)} in the project's folder; correct the name or delete it.",
        )
    own = [(name, read_text(project.folder / name)) for name in named]
    return rules_in_force(own, city=project.settings.project.city_rules)


def ask_steps(project: Project, layers: Mapping[str, Any]) -> list[Finding]:
    """Every fault for which a run of ``project`` with these layers would stop at one of its steps, each once.

    ``layers`` are inputs as read. Zones are not formed and nothing is measured: what only a result can show stays
    for the run. O(rows).
    """
    try:
        rules = load_rules(project)
    except GisRenovationError as error:
        return [_fault("rules", error, file="project.toml")]
    zones = _ask_for_zones(project, layers["communities"]) if "communities" in layers else []
    wishes = _ask_wishes(project, layers, rules)
    said = {finding.text.en for finding in zones}
    return [
        *(wish for wish in wishes if not any(text in wish.text.en for text in said)),
        *zones,
        *_ask_for_codes(layers),
    ]


def _fault(code: str, error: GisRenovationError, *, layer: str = "", file: str = "") -> Finding:
    return Finding(severity="error", code=code, layer=layer, file=file, text=error.text)


def _ask_wishes(project: Project, layers: Mapping[str, Any], rules: tuple[Rule, ...]) -> list[Finding]:
    """Each step that will run and for which the project wishes something, with its wishes, on layers without a row."""
    found, at_hand = {}, set(layers)
    for step in STEPS:
        if not set(step.needs) <= at_hand or step.schemes:  # each scheme's wishes were read with the project
            continue
        at_hand.add(step.layer)
        if step.table not in project.tables and not (step.judges and project.settings.project.rules):
            continue
        wishes = {k: v for k, v in project.tables.get(step.table, {}).items() if k not in _NAME_IDS}
        try:
            call_without_rows(step, wishes, as_of=project.as_of, rules=rules)
        except DataError:
            continue  # of layers without a row nothing is learnt
        except ConfigError as error:
            found[error.text.en] = _fault("wish", error, file="project.toml")
    return list(found.values())


def call_without_rows(step: Step, wishes: Mapping[str, Any], *, as_of: Any, rules: tuple[Rule, ...]) -> Any:
    """A step's result for layers that have all their columns and no row, and for no raster."""
    parameters = bind_parameters(step.call, wishes) | ({"as_of": as_of} if step.is_dated else {})
    given = gather_arguments(step.call, parameters) | ({"rules": rules} if step.judges else {})
    needs = [empty_layer(layer_schema(name)) for name in step.needs]
    if step.tries:
        from gis_renovation.zones import Trials

        given["tried"] = Trials({}, lambda _tables: needs[-1])  # no number, so none is moved
    return step.call(*needs, **{name: empty_layer(layer_schema(name)) for name in step.uses}, **given)


def empty_layer(schema: LayerSchema, crs: str = "EPSG:4548") -> Any:
    """A layer that keeps its promise without a row: all columns in their types, on its key; None for a raster."""
    import geopandas as gpd
    import pandas as pd

    if schema.raster:
        return None
    types = {"string": "str", "integer": "Int64", "number": "float64", "boolean": "boolean", "date": "object"}
    columns = {name: pd.Series([], dtype=types[field.type]) for name, field in schema.fields.items()}
    frame = pd.DataFrame(columns)
    frame = frame.set_index(schema.key) if schema.key else frame
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=crs)) if schema.geometry else frame


def _ask_for_zones(project: Project, communities: Any) -> list[Finding]:
    """Whether zones can be formed as wished of these communities, as far as it can be told without forming them."""
    from gis_renovation.zones import request_faults

    step = next(step for step in STEPS if step.layer == "zone_members")
    try:
        wishes = gather_arguments(step.call, bind_parameters(step.call, project.tables.get(step.table, {})))
    except ConfigError:
        return []  # told as a wish that no layer can meet
    config, findings = request_faults(communities, wishes["requirements"])
    faults = [
        Finding(severity="error", code="wish", layer="communities", file="project.toml", text=text) for text in config
    ]
    return [*faults, *findings]


def _ask_for_codes(layers: Mapping[str, Any]) -> list[Finding]:
    """Whether each layer's land codes can be read: one system, and one that is named."""
    from gis_renovation.land import require_one_system

    found: dict[tuple[str, str], Finding] = {}
    for name, schema in layer_schemas().items():
        for column in ("land_use_code", "planned_use_code"):
            if schema.result or name not in layers or column not in schema.fields:
                continue
            try:
                require_one_system(layers[name], name, code=column)
            except DataError as error:
                found |= {(name, finding.code): finding for finding in reversed(error.findings)}
    return [found[key] for key in sorted(found)]
