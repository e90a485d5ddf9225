"""gis-renovation: 城镇老旧小区改造的空间分析 (GIS analysis for renovating old urban communities).

What a notebook or a script needs stands here by name::

    import gis_renovation as gr

    run = gr.run_project(gr.open_project("my-city"))
    gr.labelled(run.layers["zones"], "zones")
    gr.show(run)

A name is loaded when it is first used, so that ``import gis_renovation`` costs next to nothing. Every analysis
is a function of frames, indexed as their schemas say (:func:`layer_schema`), and may be called without a project.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Where each name is at home.
_HOMES = {
    "contiguity": (
        "LinkLimits",
        "link_communities",
        "links_from_graph",
        "links_to_graph",
        "list_links_near_limits",
        "list_shared_walls",
    ),
    "display": ("labelled",),
    "errors": ("ConfigError", "CRSError", "DataError", "FileError", "GisRenovationError"),
    "greenways": ("find_greenway_gaps", "park_access"),
    "land": (
        "assess_parcels",
        "assess_premises",
        "check_land_status",
        "rank_parcels",
        "screen_parcels",
        "screen_premises",
        "weigh_idleness",
    ),
    "maps": ("PageFacts", "show"),
    "networks": ("build_network", "network_from_networkx", "network_to_networkx"),
    "progress": ("project_states", "unit_progress"),
    "publish": ("Occasion", "publish_run", "read_profile"),
    "reports": ("use_chinese_font", "write_reports"),
    "rule_packs": ("rules_in_force",),
    "run": ("check_project", "open_project", "read_layer", "run_project"),
    "sample": ("make_city",),
    "schemas": ("layer_schema",),
    "utilities": ("summarise_utilities",),
    "words": ("Text",),
    "zones": (
        "ZoneRequirements",
        "delineate_zones",
        "describe_zones",
        "explain_shortfalls",
        "measure_zone_stability",
        "order_zone_works",
        "prove_zones",
        "revise_zones",
    ),
    "zones.solver": ("SearchEffort",),
}

if TYPE_CHECKING:
    from gis_renovation.contiguity import (
        LinkLimits,
        link_communities,
        links_from_graph,
        links_to_graph,
        list_links_near_limits,
        list_shared_walls,
    )
    from gis_renovation.display import labelled
    from gis_renovation.errors import ConfigError, CRSError, DataError, FileError, GisRenovationError
    from gis_renovation.greenways import find_greenway_gaps, park_access
    from gis_renovation.land import (
        assess_parcels,
        assess_premises,
        check_land_status,
        rank_parcels,
        screen_parcels,
        screen_premises,
        weigh_idleness,
    )
    from gis_renovation.maps import PageFacts, show
    from gis_renovation.networks import build_network, network_from_networkx, network_to_networkx
    from gis_renovation.progress import project_states, unit_progress
    from gis_renovation.publish import Occasion, publish_run, read_profile
    from gis_renovation.reports import use_chinese_font, write_reports
    from gis_renovation.rule_packs import rules_in_force
    from gis_renovation.run import check_project, open_project, read_layer, run_project
    from gis_renovation.sample import make_city
    from gis_renovation.schemas import layer_schema
    from gis_renovation.utilities import summarise_utilities
    from gis_renovation.words import Text
    from gis_renovation.zones import (
        ZoneRequirements,
        delineate_zones,
        describe_zones,
        explain_shortfalls,
        measure_zone_stability,
        order_zone_works,
        prove_zones,
        revise_zones,
    )
    from gis_renovation.zones.solver import SearchEffort
else:

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers read the imports above
        """The name from its home, kept for the next time."""
        home = next((home for home, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(
                f"module {__name__!r} has no attribute {name!r}", name=name, obj=import_module(__name__)
            )
        globals()[name] = found = getattr(import_module(f"{__name__}.{home}"), name)
        return found


def __dir__() -> list[str]:
    """The names that stand here, without loading them."""
    return sorted(__all__)


__all__ = [
    "CRSError",
    "ConfigError",
    "DataError",
    "FileError",
    "GisRenovationError",
    "LinkLimits",
    "Occasion",
    "PageFacts",
    "SearchEffort",
    "Text",
    "ZoneRequirements",
    "__version__",
    "assess_parcels",
    "assess_premises",
    "build_network",
    "check_land_status",
    "check_project",
    "delineate_zones",
    "describe_zones",
    "explain_shortfalls",
    "find_greenway_gaps",
    "labelled",
    "layer_schema",
    "link_communities",
    "links_from_graph",
    "links_to_graph",
    "list_links_near_limits",
    "list_shared_walls",
    "make_city",
    "measure_zone_stability",
    "network_from_networkx",
    "network_to_networkx",
    "open_project",
    "order_zone_works",
    "park_access",
    "project_states",
    "prove_zones",
    "publish_run",
    "rank_parcels",
    "read_layer",
    "read_profile",
    "revise_zones",
    "rules_in_force",
    "run_project",
    "screen_parcels",
    "screen_premises",
    "show",
    "summarise_utilities",
    "unit_progress",
    "use_chinese_font",
    "weigh_idleness",
    "write_reports",
]
