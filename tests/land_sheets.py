"""What the land-status sheets of a run say, held against their own tables."""

OPEN = ("touched", "not_checked")


def contradictions(layers):
    """Every statement that says yes beside a table of the same sheet that leaves it open, in words."""
    status, said = layers["land_status"], layers["land_statements"]
    uses, checks = layers["land_use_comparison"], layers["land_checks"]
    found = []
    for site in layers["land_sites"].index:
        own = said[said["site_id"] == site].set_index("statement")["verdict"]
        mine = status[status["site_id"] == site]
        ground = mine[mine["item"].isin(["uncovered", "not_checked"])].set_index("section")
        states, areas = ground["state"], ground["area_m2"]
        for statement, section in (
            ("no_new_land", "ownership"),
            ("no_holder_change", "ownership"),
            ("no_tenure_change", "ownership"),
            ("no_use_change", "planned"),
        ):
            if own[statement] == "yes" and states[section] in OPEN:
                found.append(f"{site}: {statement} is yes beside {states[section]} ground, {areas[section]} m²")
        compared = uses[(uses["site_id"] == site) & (uses["comparison"] == "registered_planned")]
        kinds = set(compared["agreement"])
        if own["no_use_change"] == "yes" and not kinds <= {"agrees", "sliver"}:
            found.append(f"{site}: the use does not change beside {sorted(kinds)}")
        total = mine.loc[mine["section"] == "total", "area_m2"].item()
        if "not_checked" not in kinds and round(compared["area_m2"].sum(), 2) != round(total, 2):
            found.append(f"{site}: uses of {compared['area_m2'].sum()} m² on {total} m²")
        worst = "contradicted" if "no" in set(own) else "open" if "unknown" in set(own) else "supported"
        if checks.loc[site, "outcome"] != worst:
            found.append(f"{site}: {checks.loc[site, 'outcome']} beside {own.to_dict()}")
    return found
