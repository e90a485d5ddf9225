"""What a revised zoning changed, community by community, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from gis_renovation.sentences import with_sentences
from gis_renovation.words import Sentence, Text
from gis_renovation.zones.requirements import QUANTITIES
from gis_renovation.zones.sentences import Scene, amount_text, amount_told, broken_bounds, is_connected, shortfalls


def change_reasons(
    scene: Scene,
    ids: Sequence[str],
    approved: Mapping[str, str],
    zone_of: Mapping[str, str | None],
    continues: Mapping[str | None, str | None],
    proven: Mapping[str, bool],
) -> pd.DataFrame:
    """The table that :func:`zones.revise_zones` returns, for approved and present communities."""
    row_of = {member: row for row, member in enumerate(scene.ids)}
    unplaced = {row: entry.sentence for entry in shortfalls(scene) for row in entry.rows}
    causes = _causes(scene, approved, row_of)
    rows, texts = [], []
    for member in ids:
        before, after = approved.get(member), zone_of.get(member)
        change = _change(member in row_of, before, after, continues.get(after))
        own = row_of.get(member, -1)
        texts.append(_reason(scene, own, change, before, after, causes, unplaced.get(own)))
        rows.append((before, after, continues.get(after) if after else None, change, proven.get(member, True)))
    table = pd.DataFrame(
        {
            "approved_zone_id": pd.array([row[0] for row in rows], dtype="str"),
            "zone_id": pd.array([row[1] for row in rows], dtype="str"),
            "continues_zone_id": pd.array([row[2] for row in rows], dtype="str"),
            "change": pd.array([row[3] for row in rows], dtype="str"),
            "is_proven": pd.array([row[4] for row in rows], dtype="boolean"),
        },
        index=pd.Index(list(ids), dtype="str", name="community_id"),
    )
    return with_sentences(table, "reason", texts)


def _change(is_present: bool, before: str | None, after: str | None, continued: str | None) -> str:
    if not is_present:
        return "dropped"
    if before is None:
        return "added" if after is not None else "still_out"
    if after is None:
        return "left_out"
    return "kept" if continued == before else "moved"


def _causes(scene: Scene, approved: Mapping[str, str], row_of: Mapping[str, int]) -> dict[str, Sentence]:
    """Why each approved zone cannot stand as it is; zones that can are not in the result."""
    members: dict[str, list[int]] = {}
    gone: dict[str, int] = {}
    for member, zone in sorted(approved.items()):
        members.setdefault(zone, [])
        if member in row_of:
            members[zone].append(row_of[member])
        else:
            gone[zone] = gone.get(zone, 0) + 1
    causes = {}
    for zone, rows in members.items():
        lost = gone.get(zone, 0)
        start = Text(f"{lost} 个小区退出后，", f"after {lost} left the list, ") if lost else Text("", "")
        fault = _fault(scene, rows)
        if fault is not None:
            causes[zone] = Sentence.of(start.zh + fault.zh, start.en + fault.en, fault)
    return causes


def _fault(scene: Scene, rows: Sequence[int]) -> Sentence | None:
    if not rows:
        return Sentence.of("原片区已无小区", "the approved zone has no community left")
    if not is_connected(scene, rows):
        return Sentence.of("原片区不再连通", "the approved zone is no longer connected")
    broken = broken_bounds(scene, rows)
    if not broken:
        return None
    bound, is_low, value = broken[0]
    label, found = QUANTITIES[bound.name].label, amount_told(bound.name, value)
    limit = amount_text(bound.name, bound.low if is_low else bound.high)
    word = Text("低于下限", "below the minimum of") if is_low else Text("超过上限", "above the maximum of")
    return Sentence.of(
        f"原片区{label.zh} {found.zh}，{word.zh} {limit.zh}",
        f"the approved zone has {label.en} {found.en}, {word.en} {limit.en}",
        found,
    )


def _reason(
    scene: Scene,
    own: int,
    change: str,
    before: str | None,
    after: str | None,
    causes: Mapping[str, Sentence],
    unplaced: Sentence | None,
) -> Sentence:
    cause = causes.get(before or "")
    others = [row for row in scene.members.get(after or "", ()) if row != own]
    mates = scene.name_list(others)
    company = Text(f"与{mates.zh}同片", f"with {mates.en}") if others else Text("单独成片", "a zone of its own")
    if change == "dropped":
        return Sentence.of("已不在改造名单", "no longer on the list")
    if change in ("left_out", "still_out"):
        return unplaced or Sentence.of("未纳入任何片区", "in no zone")
    if change == "added":
        return Sentence.of(f"新列入，{company.zh}", f"new on the list, {company.en}")
    if change == "kept":
        return Sentence.of("维持原片区", "stays in its zone")
    if cause is not None:
        return Sentence.of(f"{cause.zh}，改为{company.zh}", f"{cause.en}; now {company.en}", cause)
    return Sentence.of(
        f"为使相邻片区满足限值而调整，改为{company.zh}",
        f"moved so that a neighbouring zone keeps its bounds; now {company.en}",
    )
