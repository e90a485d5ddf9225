"""The steps in order: which function makes which layer, from which others."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gis_renovation.errors import ConfigError
from gis_renovation.run.binding import plain, tunable_parameters
from gis_renovation.run.fingerprints import code_fingerprint
from gis_renovation.schemas import suggest_layers


@dataclass(frozen=True)
class Step:
    """``layer`` is made by ``function`` ("zones.delineate_zones") from ``needs`` (all) and ``uses`` (where at hand).

    ``schemes`` are layers it takes of every scheme of the project; ``tries`` says that it tries other wishes.
    """

    layer: str
    function: str
    needs: tuple[str, ...]
    uses: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    tries: bool = False

    @property
    def table(self) -> str:
        """The table of ``project.toml`` with its parameters: the users' word, whatever our modules are called."""
        own = (name for name, layers in TABLES.items() if self.layer in layers)
        return next(own, self.function.partition(".")[0])

    @property
    def call(self) -> Callable[..., Any]:
        """The function itself; imported when first asked for."""
        module, _, name = self.function.rpartition(".")
        return getattr(importlib.import_module(f"gis_renovation.{module}"), name)  # type: ignore[no-any-return]

    @property
    def judges(self) -> bool:
        """Whether the function goes by the rules in force."""
        return "rules" in inspect.signature(self.call).parameters

    @property
    def proves(self) -> bool:
        """Whether the function proves what it finds, which may take long and is kept."""
        return "desk" in inspect.signature(self.call).parameters

    @property
    def is_dated(self) -> bool:
        """Whether the function asks for the day the results speak of."""
        return "as_of" in inspect.signature(self.call).parameters

    @property
    def code(self) -> str:
        """The fingerprint of all that the function loads, from the module that defines it on."""
        return code_fingerprint(self.call.__module__)


# Steps whose parameters stand in another table of project.toml than the one named for their package: the users' word
# for them is older than our folders.
TABLES = {
    "land_evidence": ("idle_evidence", "idle_strength", "vacancy_evidence", "vacancy_strength", "vacant_candidates"),
    "land_shapes": ("usable_shapes",),
    "land_ranking": ("parcel_ranking", "idle_candidates"),
    "land_status": ("land_sites", "land_status", "touched_parcels"),
    "land_statements": (
        "land_use_comparison",
        "land_statements",
        "facility_statements",
        "land_checks",
        "land_code_conversions",
    ),
    "greenway_gaps": ("greenway_gaps",),
}


STEPS: tuple[Step, ...] = (
    Step("community_terrain", "rasters.community_terrain", ("communities", "terrain")),
    Step("parcel_greenness", "rasters.parcel_greenness", ("parcels", "greenness_before", "greenness_after")),
    Step(
        "parcel_night_light",
        "rasters.parcel_night_light",
        ("parcels", "night_light"),
        ("night_light_before",),
    ),
    Step("parcel_land_cover", "rasters.parcel_land_cover", ("parcels", "land_cover")),
    Step(
        "community_links",
        "contiguity.link_communities",
        ("communities",),
        ("barriers", "crossings", "reporting_units", "utility_lines", "slow_paths", "streets"),
    ),
    Step(
        "links_near_limits",
        "contiguity.list_links_near_limits",
        ("communities", "community_links"),
        ("barriers", "crossings", "streets"),
    ),
    Step(
        "zone_changes",
        "zones.revise_zones",
        ("approved_zones", "communities", "community_links"),
        ("barriers",),
    ),
    Step(
        "zone_members",
        "zones.delineate_zones",
        ("communities", "community_links"),
        ("zone_changes", "barriers"),
    ),
    Step(
        "zones",
        "zones.describe_zones",
        ("communities", "community_links", "zone_members"),
        ("streets", "barriers", "zone_changes", "reporting_units"),
    ),
    Step("zone_proof", "zones.prove_zones", ("zone_members",), ("community_links",)),
    Step(
        "zone_shortfalls",
        "zones.explain_shortfalls",
        ("communities", "community_links", "zone_members"),
        ("barriers", "crossings", "streets"),
    ),
    Step(
        "zone_stability",
        "zones.measure_zone_stability",
        ("communities", "community_links", "zone_members"),
        ("barriers", "crossings", "streets"),
    ),
    Step(
        "zone_schemes",
        "zones.compare_schemes",
        ("communities",),
        schemes=("community_links", "zone_members", "zones"),
    ),
    Step("scheme_zones", "zones.lay_out_schemes", (), schemes=("zones", "zone_members")),
    Step(
        "scheme_differences",
        "zones.list_scheme_differences",
        ("communities",),
        schemes=("community_links", "zone_members"),
    ),
    Step(
        "zone_sensitivity",
        "zones.measure_zone_sensitivity",
        ("communities", "zone_members"),
        tries=True,
    ),
    Step(
        "shared_walls",
        "contiguity.list_shared_walls",
        ("communities", "community_links"),
        ("zone_members",),
    ),
    Step(
        "zone_sheets",
        "zones.zone_sheets",
        ("zones", "communities", "community_links", "zone_members"),
        ("facilities", "utility_lines", "projects", "project_communities", "funds"),
    ),
    Step(
        "parcel_ledger",
        "land.assess_parcels",
        ("parcels",),
        ("communities", "control_lines", "buildings", "parcel_greenness"),
    ),
    Step("idle_parcels", "land.screen_parcels", ("parcels", "parcel_ledger"), ("communities",)),
    Step("premises_ledger", "land.assess_premises", ("premises",), ("communities", "control_lines")),
    Step("idle_premises", "land.screen_premises", ("premises", "premises_ledger"), ("communities",)),
    Step("candidate_ledger", "land.show_candidate_ledger", ("idle_parcels", "parcel_ledger")),
    Step(
        "idle_evidence",
        "land.weigh_idleness",
        ("parcels",),
        ("buildings", "parcel_greenness", "parcel_night_light", "parcel_land_cover", "meter_readings"),
    ),
    Step("idle_strength", "land.sum_idleness", ("parcels", "idle_evidence")),
    Step("vacancy_evidence", "land.weigh_vacancy", ("premises",), ("meter_readings",)),
    Step("vacancy_strength", "land.sum_vacancy", ("premises", "vacancy_evidence")),
    Step(
        "vacant_candidates",
        "land.grade_vacant_premises",
        ("idle_premises", "vacancy_strength"),
        ("zones",),
    ),
    Step(
        "usable_shapes",
        "land.shape_usable_land",
        ("idle_parcels",),
        ("buildings", "utility_lines", "control_lines"),
    ),
    Step(
        "parcel_ranking",
        "land.rank_parcels",
        ("idle_parcels",),
        ("usable_shapes", "idle_strength", "communities", "zones"),
    ),
    Step("idle_candidates", "land.grade_candidates", ("idle_parcels", "parcel_ranking")),
    Step(
        "land_sites",
        "land.outline_land_sites",
        ("zones",),
        ("projects", "project_communities", "communities"),
    ),
    Step(
        "land_status",
        "land.check_land_status",
        ("land_sites",),
        ("parcels", "land_survey", "planned_use", "control_lines", "illegal_structures"),
    ),
    Step("touched_parcels", "land.list_touched_parcels", ("land_sites", "parcels")),
    Step(
        "land_use_comparison",
        "land.compare_land_uses",
        ("land_sites",),
        ("parcels", "land_survey", "planned_use"),
    ),
    Step(
        "land_statements",
        "land.draw_land_statements",
        ("land_sites", "land_status"),
        ("touched_parcels", "land_use_comparison", "proof_papers"),
    ),
    Step(
        "facility_statements",
        "land.draw_facility_statements",
        ("land_sites",),
        ("facilities", "premises", "parcels", "planned_use", "proof_papers"),
    ),
    Step(
        "land_checks",
        "land.conclude_land_sites",
        ("land_sites", "land_status", "land_statements"),
        ("touched_parcels", "land_use_comparison"),
    ),
    Step(
        "land_code_conversions",
        "land.list_code_conversions",
        ("land_survey",),
        ("planned_use", "parcels"),
    ),
    Step(
        "utility_by_community",
        "utilities.summarise_utilities",
        ("communities", "utility_lines"),
        ("zone_members",),
    ),
    Step("utility_by_zone", "utilities.summarise_zone_utilities", ("zones", "utility_lines")),
    Step("utility_faults", "utilities.check_utility_topology", ("utility_lines", "utility_nodes")),
    Step("utility_weak_points", "utilities.rank_weak_pipes", ("utility_lines", "utility_nodes", "communities")),
    Step(
        "isolation_segments",
        "utilities.list_isolation_segments",
        ("utility_lines", "utility_nodes", "communities"),
    ),
    Step("valve_failures", "utilities.rank_valves", ("utility_lines", "utility_nodes", "communities")),
    Step("utility_renewal", "utilities.judge_renewal", ("utility_lines",)),
    Step(
        "park_access",
        "greenways.park_access",
        ("communities", "slow_paths", "parks"),
        ("streets", "barriers"),
    ),
    Step(
        "slow_path_provision",
        "greenways.slow_path_provision",
        ("communities", "slow_paths"),
        ("streets",),
    ),
    Step(
        "greenway_gaps",
        "greenways.find_greenway_gaps",
        ("slow_paths",),
        ("streets", "barriers"),
    ),
    Step(
        "service_access",
        "services.service_access",
        ("communities", "facilities", "slow_paths"),
        ("streets", "barriers", "gates"),
    ),
    Step(
        "access_snaps",
        "services.access_snaps",
        ("facilities", "slow_paths"),
        ("streets", "barriers", "gates"),
    ),
    Step(
        "project_states",
        "progress.project_states",
        ("projects", "project_communities", "works_records"),
        ("funds", "communities"),
    ),
    Step(
        "community_progress",
        "progress.community_progress",
        ("communities", "project_communities", "project_states"),
    ),
    Step(
        "zone_works",
        "zones.trace_zone_works",
        ("zone_members", "communities", "project_communities", "project_states", "community_progress"),
    ),
    Step("zone_schedule", "zones.order_zone_works", ("zones",), ("zone_works", "approved_zones")),
    Step("dig_limits", "excavation.judge_dig_limits", ("streets", "works_needs")),
    Step(
        "dig_needs",
        "excavation.prepare_dig_needs",
        ("works_needs", "streets", "dig_limits"),
        ("dig_bans", "zones", "zone_schedule"),
    ),
    Step("dig_calendar", "excavation.plan_dig_calendar", ("dig_needs", "streets"), ("dig_budgets", "communities")),
    Step("dig_openings", "excavation.list_dig_openings", ("dig_calendar", "streets")),
    Step("dig_savings", "excavation.measure_dig_savings", ("dig_calendar", "streets")),
    Step(
        "unit_progress",
        "progress.unit_progress",
        ("reporting_units", "communities", "projects", "project_communities", "project_states"),
        ("funds",),
    ),
    Step(
        "plan_progress",
        "progress.plan_progress",
        ("reporting_units", "communities", "project_communities", "project_states"),
    ),
)


# What a scheme decides: the zones, and all that they are built on.
SCHEME_STEPS = ("zones",)
# What other wishes are tried on: which community is in which zone.
TRIAL_STEPS = ("zone_members",)

# Inputs that the result GeoPackage and the maps show as context beside the results.
CONTEXT_LAYERS = (
    "communities",
    "reporting_units",
    "barriers",
    "crossings",
    "streets",
    "slow_paths",
    "parks",
    "facilities",
)


def parameter_tables() -> dict[str, tuple[Callable[..., Any], ...]]:
    """The tables a project may have beside its own, with the functions each one reaches."""
    tables: dict[str, list[Callable[..., Any]]] = {}
    for step in STEPS:
        tables.setdefault(step.table, []).append(step.call)
    return {name: tuple(functions) for name, functions in tables.items()}


def step_defaults(layer: str) -> dict[str, Any]:
    """The defaults of the parameters a project may set for the step that makes ``layer``, as a manifest keeps them."""
    step = next(step for step in STEPS if step.layer == layer)
    return plain({name: parameter.default for name, parameter in tunable_parameters(step.call).items()})


def plan_steps(only: str | Sequence[str] = ()) -> tuple[Step, ...]:
    """The steps to run: all, or those named and what they build on. Unknown names raise ConfigError."""
    by_layer = {step.layer: step for step in STEPS}
    only = (only,) if isinstance(only, str) else only
    unknown = [name for name in only if name not in by_layer]
    if unknown:
        hint = suggest_layers(unknown[0], by_layer)
        raise ConfigError(
            f"没有步骤 {', '.join(unknown)}；{hint.zh}", f"There is no step {', '.join(unknown)}; {hint.en}"
        )
    if not only:
        return STEPS
    wanted: set[str] = set()
    queue = list(only)
    while queue:
        name = queue.pop()
        if name in by_layer and name not in wanted:
            wanted.add(name)
            step = by_layer[name]
            queue += [*step.needs, *step.uses, *step.schemes, *(TRIAL_STEPS if step.tries else ())]
    return tuple(step for step in STEPS if step.layer in wanted)
