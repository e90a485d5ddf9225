"""Proofs of zones kept from run to run: what is stopped goes on, what did not change is not proved again."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from gis_renovation.contiguity import link_communities
from gis_renovation.run import open_project, run_project
from gis_renovation.run.proofs import KeptProofs
from gis_renovation.zones import (
    ProofDesk,
    SearchEffort,
    ZoneRequirements,
    delineate_zones,
    proof,
    prove_zones,
    sum_proofs,
)

ASKED = ZoneRequirements(households={"min": 300, "max": 900}, zone_preference="fewest")


def patches(count=4, width=4, height=3, *, shift=0):
    """Lattices of communities far from each other; the first community of the last patch may be of another size."""
    random = np.random.default_rng(7)
    places = [(patch * 5_000 + x * 110, y * 110) for patch in range(count) for x in range(width) for y in range(height)]
    households = random.integers(80, 260, len(places))
    households[-width * height] += shift
    ids = [f"C{number:03d}" for number in range(len(places))]
    return gpd.GeoDataFrame(
        {"name": ids, "households": pd.array(households, "Int64")},
        index=pd.Index(ids, name="community_id"),
        geometry=[box(x, y, x + 100, y + 100) for x, y in places],
        crs="EPSG:4548",
    )


def zoned(communities, desk, **effort):
    return delineate_zones(
        communities, link_communities(communities), requirements=ASKED, effort=SearchEffort(**effort), desk=desk
    )


@pytest.fixture
def proved(monkeypatch):
    """How many nodes each component has that is proved anew."""
    sizes = []
    real = proof.prove_best

    def watched(problem, labels, effort):
        sizes.append(problem.size)
        return real(problem, labels, effort)

    monkeypatch.setattr(proof, "prove_best", watched)
    return sizes


def test_what_is_kept_is_read_back_and_damaged_lines_are_passed_over(tmp_path):
    path = tmp_path / "runs" / "proofs.txt"
    kept = KeptProofs(path)
    kept["one"], kept["two"] = "[1, 2]", "[3]"
    assert dict(KeptProofs(path)) == {"one": "[1, 2]", "two": "[3]"}
    path.write_bytes(path.read_bytes().replace(b"[1, 2]", b"[1, 3]")[:-1])
    assert dict(KeptProofs(path)) == {}
    again = KeptProofs(path)
    again["three"] = "[4]"
    assert dict(KeptProofs(path)) == {"three": "[4]"}


def test_unchanged_components_are_not_proved_again_and_the_zones_are_the_same(tmp_path, proved):
    first = zoned(patches(), ProofDesk(kept=KeptProofs(tmp_path / "kept.txt")))
    assert proved == [12, 12, 12, 12]
    again = zoned(patches(), ProofDesk(kept=KeptProofs(tmp_path / "kept.txt")))
    assert proved == [12, 12, 12, 12]
    pd.testing.assert_frame_equal(first, again)
    changed = zoned(patches(shift=5), ProofDesk(kept=KeptProofs(tmp_path / "kept.txt")))
    assert proved == [12, 12, 12, 12, 12]
    pd.testing.assert_frame_equal(changed, zoned(patches(shift=5), ProofDesk()))


def test_a_run_that_is_stopped_keeps_what_is_proved(tmp_path, proved):
    def stop_at_half(done, total):
        if 2 * done >= total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoned(patches(), ProofDesk(kept=KeptProofs(tmp_path / "kept.txt"), tell=stop_at_half))
    assert proved == [12, 12]
    told = []
    zoned(patches(), ProofDesk(kept=KeptProofs(tmp_path / "kept.txt"), tell=lambda *part: told.append(part)))
    assert proved == [12, 12, 12, 12]
    assert told == [(12, 48), (24, 48), (36, 48), (48, 48)]


@pytest.mark.parametrize("text", ["", "[]", "[[0], [0, 0, 0], 1]", '[["x"], [0, 0, 0], 1]', '{"a": 1}'])
def test_a_kept_text_that_is_no_proof_of_the_component_is_not_taken(text, proved):
    class Wrong(dict):
        def __missing__(self, key):
            return text

    assert zoned(patches(1), ProofDesk(kept=Wrong()))["proof"].tolist() == ["proven"] * 12
    assert proved == [12]


def test_where_the_seconds_run_out_the_searched_zones_stand_and_the_sentence_says_so():
    communities, kept = patches(), {}
    desk = ProofDesk(kept=kept, clock=lambda: float(len(kept)))
    members = zoned(communities, desk, max_seconds=1.5)
    assert desk.cut_short
    assert set(members["proof"]) == {"proven", "cut_short"}
    late = members[members["proof"] == "cut_short"]
    households = communities["households"].groupby(members["zone_id"]).sum()
    assert households.between(300, 900).all()
    told = prove_zones(members, requirements=ASKED).loc[late["component_id"].unique()]
    assert told["reason_zh"].str.contains("到时限，证明未完成").all()
    assert told["reason_en"].str.contains("ran out of time").all()
    summed = sum_proofs(members)
    assert summed["is_cut_short"]
    assert summed["proven"] < summed["components"] == 4
    assert summed["gap_share"] is None


def test_proofs_that_the_seconds_cut_short_are_not_kept(tmp_path, proved):
    kept, ticks = KeptProofs(tmp_path / "kept.txt"), itertools.count()
    # The second component is at work when the seconds run out.
    zoned(patches(), ProofDesk(kept=kept, clock=lambda: float(next(ticks)) if kept else 0.0), max_seconds=1.5)
    assert len(kept) == 1
    proved.clear()
    members = zoned(patches(), ProofDesk(kept=KeptProofs(tmp_path / "kept.txt")))
    assert proved == [12, 12, 12]
    pd.testing.assert_frame_equal(members, zoned(patches(), ProofDesk()))


def test_the_record_of_a_run_has_objective_bound_gap_seed_and_time_and_what_is_cut_short_is_another_run(own_sample):
    settings = own_sample / "project.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("[zones]\n", "[zones]\nmax_seconds = 0.0\n"), encoding="utf-8")
    cut = run_project(open_project(own_sample), only=["zone_members"])
    again = run_project(open_project(own_sample), only=["zone_members"])
    assert again.manifest.made["zone_members"].solved.is_cut_short
    assert not again.manifest.made["zone_members"].reused
    settings.write_text(text.replace("[zones]\n", "[zones]\nmax_seconds = 600.0\n"), encoding="utf-8")
    whole = run_project(open_project(own_sample), only=["zone_members"])
    solved = whole.manifest.made["zone_members"].solved
    assert whole.folder != cut.folder
    assert solved.seed == 0
    assert solved.seconds > 0
    assert solved.gap_share == 0
    assert solved.objective == pytest.approx(solved.objective_bound)
    stored = run_project(open_project(own_sample), only=["zone_members"]).manifest.made["zone_members"]
    assert stored.reused
    assert stored.solved == solved
