"""Families of cities that are hard to zone, each against an exhaustive computation, and the work each may take."""

import itertools

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

from gis_renovation.zones.solver import (
    SearchEffort,
    ZoneProblem,
    branching,
    compact,
    pricing,
    prove_best,
    rebuilding,
    search_zones,
    set_partitioning,
)
from gis_renovation.zones.solver.covering import Limits, Priced, best_cover
from gis_renovation.zones.solver.covers import cover_of
from gis_renovation.zones.solver.problem import total_score
from gis_renovation.zones.solver.set_partitioning import Programme, choose_columns
from tests.zones.test_zone_proof import best_by_dynamic_programme

EFFORT = SearchEffort()
BOUNDS = ((300, 900), (100, 500), (0, 600), (200, 400))
WISHES = {
    "any": {},
    "fewest": {"price": 1.0},
    "most": {"price": -1.0},
    "two": {"zone_count": 2},
    "four": {"zone_count": 4},
    "about 450": {"target": 450.0},
}


def lattice(size, width, random):
    places = np.array([(k % width * 100.0, k // width * 100.0) for k in range(size)])
    return places, [(i, j) for i, j in all_pairs(size) if np.abs(places[i] - places[j]).sum() == 100]


def dense_patch(size, width, random):
    return random.integers(0, 200, (size, 2)).astype(float), list(all_pairs(size))


def chain(size, width, random):
    return np.array([(k * 100.0, 0.0) for k in range(size)]), [(k, k + 1) for k in range(size - 1)]


def star(size, width, random):
    turn = np.arange(size) * 2.0 * np.pi / (size - 1)
    places = np.rint(100.0 * np.column_stack([np.cos(turn), np.sin(turn)]))
    places[0] = 0.0
    return places, [(0, k) for k in range(1, size)]


def king_lattice(size, width, random):
    places = lattice(size, width, random)[0]
    return places, [(i, j) for i, j in all_pairs(size) if np.abs(places[i] - places[j]).max() == 100]


FAMILIES = {"lattice": lattice, "dense patch": dense_patch, "chain": chain, "star": star, "king": king_lattice}


def all_pairs(size):
    return itertools.combinations(range(size), 2)


def make_patch(family, size, *, seed, bounds, equal=False, price=0.0, zone_count=None, width=3, target=None):
    """One connected component of a family; all of one size and worth where ``equal``."""
    random = np.random.default_rng(seed)
    places, pairs = FAMILIES[family](size, width, random)
    heads, tails = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in (0, 1))
    households = np.full(size, 150.0) if equal else random.integers(60, 420, size).astype(float)
    worth = np.full(len(pairs), 5_000.0) if equal else random.integers(0, 20_000, len(pairs)).astype(float)
    stats = [np.ones(size), np.square(places).sum(axis=1), np.zeros(size), places, households]
    return ZoneProblem(
        heads=heads,
        tails=tails,
        lengths=np.maximum(np.hypot(*(places[heads] - places[tails]).T), 1.0),
        closeness=worth,
        stats=np.column_stack(stats),
        features=2,
        low=np.array([float(bounds[0])]),
        high=np.array([float(bounds[1])]),
        whole_sizes=np.zeros(0),
        cost_unit=10_000.0,
        zone_price=price,
        zone_count=zone_count,
        target=None if target is None else np.array([target]),
    )


@pytest.mark.parametrize("most_nodes", [0, 64], ids=["branching", "partial covers"])
@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_proven_and_reaches_what_an_exhaustive_computation_finds(family, wish, most_nodes, monkeypatch):
    monkeypatch.setattr(pricing, "SOLVED_BY_HAND", 0)
    monkeypatch.setattr(set_partitioning, "SOLVED_WHOLE", 0)
    monkeypatch.setattr(rebuilding, "GATHERING_ROUNDS", 1)
    monkeypatch.setattr(rebuilding, "COMPACT_ROUNDS", 0)
    for module in (pricing, set_partitioning):
        monkeypatch.setattr(module, "MOST_NODES", most_nodes)
    cases = list(enumerate(itertools.product(BOUNDS, (False, True))))
    for seed, (bounds, equal) in cases if most_nodes else cases[:3]:
        size = 6 + seed % 2
        problem = make_patch(family, size, seed=seed, bounds=bounds, equal=equal, **WISHES[wish])
        want = best_by_dynamic_programme(problem)
        proof = prove_best(problem, search_zones(problem, EFFORT), EFFORT)
        assert total_score(problem, proof.labels) == pytest.approx(want, abs=1e-6)
        assert proof.bounds == pytest.approx(want, abs=1e-5)


def best_of_a_chain(problem):
    """(left out, number, cost) of the best zones of a chain: each zone is a run, so that runs end one after another."""
    households, x = problem.stats[:, 5].astype(int), problem.stats[:, 3]
    target = 1 if problem.target is None else int(problem.target[0])
    best = [(0, 0, 0.0)]
    for end in range(1, problem.size + 1):
        options = [(best[end - 1][0] + 1, *best[end - 1][1:])]
        for first in range(end):
            total = int(households[first:end].sum())
            if problem.low[0] <= total <= problem.high[0]:
                out, number, cost = best[first]
                price = int(problem.zone_price) if problem.target is None else abs(total - target)
                spread = float(np.square(x[first:end] - x[first:end].mean()).sum())
                kept = float(problem.closeness[first : end - 1].sum())
                options.append((out, number + price, cost + (spread - kept) / problem.cost_unit))
        best.append(min(options))
    out, number, cost = best[-1]
    return out, number / target, cost


@pytest.mark.parametrize(
    ("wish", "size"), [("any", 70), ("any", 150), ("fewest", 70), ("most", 70), ("about 450", 70), ("about 450", 80)]
)
def test_one_long_chain_is_proven_and_reaches_the_best_of_all_its_runs(wish, size):
    problem = make_patch("chain", size, seed=size, bounds=(300, 900), **WISHES[wish])
    proof = prove_best(problem, None, EFFORT)
    assert total_score(problem, proof.labels) == pytest.approx(best_of_a_chain(problem), abs=1e-6)
    assert proof.bounds == pytest.approx(total_score(problem, proof.labels), abs=1e-5)


@pytest.mark.parametrize("wish", ["any", "fewest", "most", "about 450"])
def test_in_a_giant_component_the_bounds_hold_and_the_steps_are_counted(wish, monkeypatch):
    steps, counted = [], branching.relaxation

    def relaxed(*given):
        found = counted(*given)
        steps.append(given[2] if found is None else found.steps)
        return found

    monkeypatch.setattr(branching, "relaxation", relaxed)
    monkeypatch.setattr(set_partitioning, "relaxation", relaxed)
    problem = make_patch("lattice", 72, seed=2, bounds=(300, 900), width=9, **WISHES[wish])
    little = SearchEffort(max_iterations=3_000, max_nodes=20)
    searched = search_zones(problem, little)
    proofs = [prove_best(problem, None, little) for _ in range(2)]
    assert (proofs[0].labels == proofs[1].labels).all()
    assert max(steps) <= little.max_iterations
    score = total_score(problem, proofs[0].labels)
    assert score <= total_score(problem, searched)
    graph = nx.Graph()
    graph.add_nodes_from(range(problem.size))
    graph.add_edges_from(zip(problem.heads.tolist(), problem.tails.tolist(), strict=True))
    for label in np.unique(proofs[0].labels):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(proofs[0].labels == label).tolist()))
    # What more work finds is no better than what less work says there can be.
    more = total_score(problem, prove_best(problem, None, SearchEffort(max_iterations=60_000)).labels)
    for part, bound in enumerate(proofs[0].bounds):
        if np.isnan(bound) or more[:part] != pytest.approx(proofs[0].bounds[:part], abs=1e-6):
            break
        assert more[part] >= bound - 1e-6


@pytest.mark.parametrize("price", [0.0, 1.0, -1.0])
@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("family", ["lattice", "king"])
def test_dense_patches_are_proven_without_an_integer_programme_and_within_a_count_of_steps(
    family, equal, price, monkeypatch
):
    monkeypatch.setattr(set_partitioning, "_solve", None)
    problem = make_patch(family, 16, seed=3, bounds=(300, 1_200), equal=equal, price=price, width=4)
    effort = SearchEffort(max_pairs=10_000_000)
    for start in (np.arange(16), search_zones(problem, effort)):
        proof = prove_best(problem, compact(start), effort)
        assert total_score(problem, proof.labels) == pytest.approx(proof.bounds, abs=1e-5)


@pytest.mark.parametrize("target", [400.0, 700.0])
def test_zones_near_a_target_are_proven_whatever_zones_they_start_from(target):
    problem = make_patch("lattice", 12, seed=5, bounds=(100, 1_000), target=target, width=4)
    found = [prove_best(problem, start, EFFORT) for start in (np.arange(12), search_zones(problem, EFFORT))]
    for proof in found:
        assert total_score(problem, proof.labels) == pytest.approx(proof.bounds, abs=1e-5)
    assert found[0].bounds == pytest.approx(found[1].bounds, abs=1e-5)


def test_with_too_few_steps_the_zones_stand_and_the_bound_holds():
    problem = make_patch("king", 16, seed=3, bounds=(300, 1_200), price=1.0, width=4)
    best = prove_best(problem, np.arange(16), EFFORT)
    for most in (1, 1_000, 100_000):
        proof = prove_best(problem, np.arange(16), SearchEffort(max_pairs=most))
        score = total_score(problem, proof.labels)
        assert score >= total_score(problem, best.labels)
        known = [bound for bound in proof.bounds if np.isfinite(bound)]
        assert all(bound <= true + 1e-6 for bound, true in zip(known, best.bounds, strict=False))


def random_programme(seed, nodes=7, columns=160):
    """Sets of nodes of whole costs, and each node alone at a high one."""
    random = np.random.default_rng(seed)
    sets = random.random((columns, nodes)) < 0.4
    sets[~sets.any(axis=1), 0] = True
    table = np.vstack([sets, np.eye(nodes, dtype=bool)])
    cost = np.concatenate([random.integers(1, 60, columns), np.full(nodes, 90)]).astype(float)
    cover = cover_of(csr_array(table.astype(float)))
    return Programme(cover, [], np.zeros(0), np.zeros(0), cost), np.arange(columns, columns + nodes)


def cheapest_cover(programme):
    """The least cost of covering every node once, set of nodes by set of nodes."""
    nodes = programme.cover.nodes
    masks = (programme.cover.matrix(np.arange(programme.columns)).toarray() @ (1 << np.arange(nodes))).astype(int)
    best = {0: 0.0}
    for covered in range(1 << nodes):
        if covered in best:
            for mask, cost in zip(masks, programme.cost, strict=True):
                if not covered & mask:
                    value = best[covered] + cost
                    best[covered | mask] = min(best.get(covered | mask, np.inf), value)
    return best[(1 << nodes) - 1]


@pytest.mark.parametrize("most_nodes", [0, 64], ids=["integer programmes", "partial covers"])
def test_a_choice_said_to_be_the_best_is_the_best_however_few_columns_were_tried_first(most_nodes, monkeypatch):
    monkeypatch.setattr(set_partitioning, "MOST_NODES", most_nodes)
    monkeypatch.setattr(set_partitioning, "SOLVED_WHOLE", 0)
    for seed in range(40):
        programme, start = random_programme(seed)
        choice = choose_columns(programme, start, EFFORT, whole=True)
        assert choice.value == choice.bound == cheapest_cover(programme)


def test_partial_covers_are_compared_only_where_a_count_that_matters_is_equal():
    # Two halves at 1 each, or the whole at 5; two zones were asked for, and one zone would be lighter first.
    cover = cover_of(csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])))
    sets = Priced(np.arange(3), np.zeros(3), np.array([[-1.0, 3.0], [-1.0, 3.0], [-1.0, 1.0]]))
    two = Limits(1.0, np.array([-2.0, np.inf]), counted=0)
    one = Limits(1.0, np.array([-1.0, 5.0]), counted=0)
    assert best_cover(cover, sets, two, max_pairs=100).tolist() == [0, 1]
    assert best_cover(cover, sets, one, max_pairs=100).tolist() == [2]
    assert best_cover(cover, sets, one, max_pairs=1) is None
