"""The search and the proof over arrays, against a dynamic programme that knows nothing of either."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from gis_renovation.zones.solver import pricing, set_partitioning
from gis_renovation.zones.solver.effort import SearchEffort
from gis_renovation.zones.solver.enumeration import list_candidates, make_sieve, reach_of
from gis_renovation.zones.solver.exchange import both_ways, can_leave, exchange
from gis_renovation.zones.solver.pricing import easy_bounds, prove_best, prove_by_prices
from gis_renovation.zones.solver.problem import (
    TIDY,
    Turn,
    ZoneProblem,
    compact,
    connected_parts,
    gathering,
    group_sums,
    noise,
    total_score,
)
from gis_renovation.zones.solver.search import search_zones
from gis_renovation.zones.solver.trees import meeting_points, random_forest, subtree_sums

EFFORT = SearchEffort(max_subsets=200_000, max_columns=5_000, max_nodes=1_000)


def make_problem(seed, size, *, price=0.0, low=300.0, high=900.0, zone_count=None, apart=False, wholes=False):
    """Points on a 1 km square, linked where a random planar-like rule says so; whole-numbered statistics."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 1000, (size, 2)).astype(float)
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(size), 2)
        if np.hypot(*(points[i] - points[j])) < 420 and rng.random() < 0.85
    ]
    heads, tails = (np.array([p[k] for p in pairs], dtype=np.int64) for k in (0, 1))
    households = rng.integers(60, 420, size).astype(float)
    floor = rng.integers(1, 9, size).astype(float)
    extra, extra_low, extra_high = [floor], [0.0], [18.0]
    if apart:
        extra, extra_low, extra_high = (
            [*extra, (np.arange(size) < 2).astype(float)],
            [*extra_low, 0.0],
            [*extra_high, 1.0],
        )
    whole = np.zeros((size, 1 if wholes else 0))
    if wholes:
        whole[[0, size - 1]] = 1.0
    stats = np.column_stack(
        [np.ones(size), np.square(points).sum(axis=1), np.zeros(size), points, households, *extra, whole]
    )
    return ZoneProblem(
        heads=heads,
        tails=tails,
        lengths=np.maximum(np.hypot(*(points[heads] - points[tails]).T), 1.0) if pairs else np.zeros(0),
        closeness=rng.integers(0, 20_000, len(pairs)).astype(float),
        stats=stats,
        features=2,
        low=np.array([low, *extra_low]),
        high=np.array([high, *extra_high]),
        whole_sizes=whole.sum(axis=0),
        cost_unit=10_000.0,
        zone_price=price,
        zone_count=zone_count,
    )


def plain_zone(problem, nodes):
    """(valid, number, cost) of one zone from first principles: pairwise distances, not sums of squares."""
    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    worth = {(int(h), int(t)): w for h, t, w in zip(problem.heads, problem.tails, problem.closeness, strict=True)}
    graph.add_edges_from(edge for edge in worth if edge[0] in nodes and edge[1] in nodes)
    rows = problem.stats[list(nodes)]
    totals = rows[:, 5 : 5 + len(problem.low)].sum(axis=0)
    whole = rows[:, 5 + len(problem.low) :].sum(axis=0)
    valid = nx.is_connected(graph) and all(problem.low <= totals) and all(totals <= problem.high)
    valid = valid and all(part in (0, size) for part, size in zip(whole, problem.whole_sizes, strict=True))
    pairs = itertools.combinations(rows[:, 3:5], 2)
    spread = sum(float(np.square(one - two).sum()) for one, two in pairs) / len(nodes)
    kept = sum(worth[tuple(sorted(edge))] for edge in graph.edges)
    number = problem.zone_price
    if problem.target is not None:
        number += sum(abs(total / want - 1.0) for total, want in zip(totals, problem.target, strict=True) if want > 0)
    return valid, number, (spread - kept) / problem.cost_unit


def best_by_dynamic_programme(problem):
    """Lexicographically least (left out, number score, cost) over all choices of disjoint zones."""
    size = problem.size
    zones = {}
    for mask in range(1, 1 << size):
        nodes = [i for i in range(size) if mask >> i & 1]
        valid, number, cost = plain_zone(problem, nodes)
        if valid:
            zones[mask] = (number, cost)
    best = {0: {0: (0, 0.0, 0.0)}}
    for mask in range(1, 1 << size):
        lowest = mask & -mask
        options = {k: (o + 1, n, c) for k, (o, n, c) in best[mask ^ lowest].items()}
        part = mask
        while part:
            if part & lowest and part in zones:
                number, cost = zones[part]
                for k, (o, n, c) in best[mask ^ part].items():
                    option = (o, n + number, c + cost)
                    options[k + 1] = min(options.get(k + 1, (size + 1, 0.0, 0.0)), option)
            part = (part - 1) & mask
        best[mask] = options
    by_count = best[(1 << size) - 1]
    if problem.zone_count is None:
        return min(by_count.values())
    wanted = problem.zone_count
    return min((o, abs(k - wanted), c) for k, (o, n, c) in by_count.items())


def best_by_flows(problem):
    """(left out, number score) by a mixed-integer program in which each zone's root sends a unit to every member."""
    size, statistics = problem.size, problem.stats[:, 5 : 5 + len(problem.low)]
    most = max(1, int(statistics[:, 0].sum() // problem.low[0]))
    arcs = [*zip(problem.heads, problem.tails, strict=True), *zip(problem.tails, problem.heads, strict=True)]
    # Of each zone: members, roots, the zone itself, flows.
    block = 2 * size + 1 + len(arcs)
    rows, least, largest = [], [], []

    def hold(terms, low, high):
        row = np.zeros(most * block)
        for place, factor in terms:
            row[place] += factor
        rows.append(row)
        least.append(low)
        largest.append(high)

    for node in range(size):
        hold([(k * block + node, 1) for k in range(most)], 0, 1)
    for k in range(most):
        member, root, zone, flow = (k * block + at for at in (0, size, 2 * size, 2 * size + 1))
        hold([*((root + i, 1) for i in range(size)), (zone, -1)], 0, 0)
        for column, (low, high) in enumerate(zip(problem.low, problem.high, strict=True)):
            sums = [(member + i, statistics[i, column]) for i in range(size)]
            hold([*sums, (zone, -low)], 0, np.inf)
            hold([*sums, (zone, -high)], -np.inf, 0)
        for i in range(size):
            hold([(root + i, 1), (member + i, -1)], -np.inf, 0)
            arriving = [(flow + a, 1) for a, (_, into) in enumerate(arcs) if into == i]
            leaving = [(flow + a, -1) for a, (out, _) in enumerate(arcs) if out == i]
            hold([*arriving, *leaving, (member + i, -1), (root + i, size)], 0, np.inf)
        for a, ends in enumerate(arcs):
            for i in ends:
                hold([(flow + a, 1), (member + i, -size)], -np.inf, 0)
    one = np.concatenate([np.full(size, -1000.0), np.zeros(size), [problem.zone_price], np.zeros(len(arcs))])
    whole = np.concatenate([np.ones(2 * size + 1), np.zeros(len(arcs))])
    upper = np.where(whole == 1, 1.0, float(size))
    found = milp(
        np.tile(one, most),
        integrality=np.tile(whole, most),
        bounds=Bounds(0, np.tile(upper, most)),
        constraints=LinearConstraint(np.array(rows), least, largest),
    )
    assert found.status == 0
    values = found.x.round().reshape(most, block)
    return size - int(values[:, :size].sum()), problem.zone_price * int(values[:, 2 * size].sum())


def prove(problem, seed=0):
    labels = search_zones(problem, SearchEffort(seed=seed, sweeps=4))
    parts = connected_parts(problem)
    assert len(np.unique(parts)) == 1
    return labels, prove_best(problem, labels, EFFORT)


def connected_problems(count, size, **options):
    seed = 0
    while count:
        problem = make_problem(seed, size, **options)
        seed += 1
        if len(problem.heads) and len(np.unique(connected_parts(problem))) == 1:
            count -= 1
            yield problem


@pytest.mark.parametrize(
    "options",
    [
        {"price": 0.0},
        {"price": -1.0},
        {"price": 1.0},
        {"price": 0.0, "high": 600.0},
        {"price": -1.0, "low": 0.0},
        {"price": 0.0, "apart": True},
        {"price": 0.0, "wholes": True},
        {"price": 0.0, "low": 450.0, "high": 520.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("by_hand", [0, 8], ids=["solver", "by hand"])
def test_the_proof_reaches_the_optimum_of_a_dynamic_programme_on_small_cities(options, by_hand, monkeypatch):
    monkeypatch.setattr(pricing, "SOLVED_BY_HAND", by_hand)
    monkeypatch.setattr(set_partitioning, "SOLVED_WHOLE", 0 if options["price"] == 0 else 600)
    for problem in connected_problems(25, 7, **options):
        want = best_by_dynamic_programme(problem)
        _, proof = prove(problem)
        found = total_score(problem, proof.labels)
        assert found == pytest.approx(want, abs=1e-6)
        assert proof.bounds == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("price", [-1.0, 1.0])
def test_as_few_are_left_out_in_as_many_zones_as_by_an_independent_program_of_flows(price):
    for problem in connected_problems(100, 6, price=price, low=350.0, high=800.0):
        _, proof = prove(problem)
        left_out, number, _ = total_score(problem, proof.labels)
        assert (left_out, number) == best_by_flows(problem)


@pytest.mark.parametrize("zone_count", [1, 2, 3])
def test_a_given_number_of_zones_is_met_as_the_dynamic_programme_meets_it(zone_count):
    for problem in connected_problems(30, 7, low=100.0, high=1500.0, zone_count=zone_count):
        want = best_by_dynamic_programme(problem)
        _, proof = prove(problem)
        assert total_score(problem, proof.labels)[:2] == want[:2]
        assert total_score(problem, proof.labels)[2] == pytest.approx(want[2], abs=1e-6)


def test_without_a_maximum_small_components_are_still_proven():
    for problem in connected_problems(20, 7, high=np.inf, price=-1.0):
        problem.high[1] = np.inf
        _, proof = prove(problem)
        assert total_score(problem, proof.labels) == pytest.approx(best_by_dynamic_programme(problem), abs=1e-6)


def test_listed_candidates_are_exactly_the_connected_sets_within_bounds():
    for problem in connected_problems(12, 9):
        listed = list_candidates(problem, max_subsets=10_000)
        table = listed.cover.matrix(np.arange(len(listed.cost)))
        found = [frozenset(table.indices[a:b].tolist()) for a, b in itertools.pairwise(table.indptr.tolist())]
        masks = (c for k in range(1, 10) for c in itertools.combinations(range(9), k))
        want = {frozenset(c): plain_zone(problem, c)[2] for c in masks if plain_zone(problem, c)[0]}
        assert len(found) == len(set(found))
        assert set(found) == set(want)
        assert [want[zone] for zone in found] == pytest.approx(listed.cost.tolist(), abs=1e-6)


@pytest.mark.parametrize("options", [{}, {"apart": True}, {"wholes": True}, {"low": 0.0, "high": 1200.0}], ids=str)
def test_a_sieve_lists_exactly_the_zones_of_small_reduced_cost(options):
    for number, problem in enumerate(connected_problems(25, 10, **options)):
        listed = list_candidates(problem, max_subsets=100_000)
        rng = np.random.default_rng(number)
        for most in (-1.0, 0.0, 2.0):
            # From prices that pay for about half of the zones to such that pay for nearly none.
            prices = rng.normal(0.0, 3.0, problem.size) + rng.choice([-6.0, 0.0, 3.0])
            sieve = make_sieve(problem, reach_of(problem), prices, most=most)
            sieved = list_candidates(problem, max_subsets=100_000, sieve=sieve)
            want = listed.cost - listed.cover.matrix(np.arange(len(listed.cost))) @ prices
            assert len(sieved.cost) == int((want <= most).sum())
            assert np.sort(sieved.cost).tolist() == np.sort(listed.cost[want <= most]).tolist()
            assert sieved.seen <= listed.seen


def test_under_prices_that_pay_for_nothing_no_set_is_grown_on():
    problem = next(connected_problems(1, 16))
    sieve = make_sieve(problem, reach_of(problem), np.full(problem.size, -100.0), most=0.0)
    sieved = list_candidates(problem, max_subsets=100_000, sieve=sieve)
    assert sieved.seen == problem.size < list_candidates(problem, max_subsets=100_000).seen
    assert not len(sieved.cost)


@pytest.mark.parametrize("nearby", [0, 10_000], ids=["from nothing", "from parts"])
@pytest.mark.parametrize(
    "options", [{}, {"high": 600.0}, {"low": 150.0, "high": 1200.0}, {"apart": True}, {"wholes": True}], ids=str
)
def test_prices_prove_the_optimum_of_a_dynamic_programme_on_small_cities(options, nearby, monkeypatch):
    monkeypatch.setattr(pricing, "LISTED_WHOLE", nearby)
    proven = 0
    for problem in connected_problems(40, 7, **options):
        want = best_by_dynamic_programme(problem)
        labels = search_zones(problem, SearchEffort(seed=0, sweeps=4))
        proof = prove_by_prices(problem, labels, EFFORT)
        if proof is None:
            # Somebody had to be left out.
            assert total_score(problem, labels)[0] > 0
            continue
        proven += 1
        assert total_score(problem, proof.labels) == pytest.approx(want, abs=1e-5)
        assert proof.bounds == pytest.approx(want, abs=1e-5)
    assert proven > 0


def test_a_bound_by_prices_holds_however_soon_it_must_stop(monkeypatch):
    for rounds in (1, 2, 3):
        monkeypatch.setattr(pricing, "PRICE_ROUNDS", rounds)
        monkeypatch.setattr(pricing, "LISTED_WHOLE", 0)
        for problem in connected_problems(40, 7):
            labels = search_zones(problem, SearchEffort(seed=0, sweeps=2))
            proof = prove_by_prices(problem, labels, EFFORT)
            if proof is not None:
                assert not proof.bounds[2] > best_by_dynamic_programme(problem)[2] + 1e-6


def test_listing_stops_at_its_limit_and_the_search_result_stands_with_easy_bounds():
    problem = next(connected_problems(1, 9))
    labels = search_zones(problem, SearchEffort(seed=0, sweeps=2))
    proof = prove_best(problem, labels, SearchEffort(max_subsets=3, max_columns=10, max_nodes=1))
    assert proof.candidates == -1
    assert (proof.labels == labels).all()
    assert proof.bounds[0] == 0


def test_a_component_below_the_minimum_must_be_left_out_whole():
    problem = make_problem(1, 3, low=5_000.0, high=9_000.0)
    assert easy_bounds(problem)[0] == 3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 40), st.sampled_from([-1.0, 0.0, 1.0]))
def test_searched_groups_are_connected_and_nothing_is_lost(seed, size, price):
    problem = make_problem(seed, size, price=price)
    labels = search_zones(problem, SearchEffort(seed=seed, sweeps=3))
    graph = nx.Graph()
    graph.add_nodes_from(range(size))
    graph.add_edges_from(zip(problem.heads.tolist(), problem.tails.tolist(), strict=True))
    assert len(labels) == size
    for label in np.unique(labels):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(labels == label).tolist()))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(8, 30))
def test_the_proof_never_worsens_the_search_and_never_beats_its_bound(seed, size):
    problem = make_problem(seed, size)
    if len(np.unique(connected_parts(problem))) > 1:
        return
    labels, proof = prove(problem, seed)
    before, after = total_score(problem, labels), total_score(problem, proof.labels)
    assert tuple(np.round(after, 6)) <= tuple(np.round(before, 6))
    assert after[0] >= proof.bounds[0] - 1e-9
    if not np.isnan(proof.bounds[2]):
        assert after[2] >= proof.bounds[2] - 1e-5


def test_subtree_sums_and_meeting_points_agree_with_networkx_on_random_trees():
    for seed in range(10):
        problem = next(connected_problems(1, 12 + seed, price=0.0))
        regions = np.zeros(problem.size, dtype=np.int64)
        for winding in (False, True):
            forest = random_forest(problem, regions, Turn(seed, 3, 1), winding=winding)
            tree = nx.DiGraph()
            tree.add_nodes_from(range(problem.size))
            tree.add_edges_from((int(p), i) for i, p in enumerate(forest.parent) if p >= 0)
            assert nx.is_arborescence(tree)
            links = {frozenset(pair) for pair in zip(problem.heads.tolist(), problem.tails.tolist(), strict=True)}
            assert {frozenset((int(forest.node[a]), int(forest.node[b]))) for a, b in tree.edges} <= links
            values = problem.stats[forest.node][:, 5:6]
            want = [values[[i, *nx.descendants(tree, i)]].sum() for i in range(problem.size)]
            assert subtree_sums(forest, values)[:, 0].tolist() == want
            one, two = np.array(list(itertools.combinations(range(problem.size), 2))).T
            lowest = dict(
                nx.all_pairs_lowest_common_ancestor(tree, pairs=list(zip(one.tolist(), two.tolist(), strict=True)))
            )
            met = meeting_points(forest, one, two)
            assert [lowest[a, b] for a, b in zip(one.tolist(), two.tolist(), strict=True)] == met.tolist()


def graph_of(problem):
    graph = nx.Graph()
    graph.add_nodes_from(range(problem.size))
    graph.add_edges_from(zip(problem.heads.tolist(), problem.tails.tolist(), strict=True))
    return graph


def some_connected_groups(problem, seed):
    """Groups grown from a few random nodes over the graph, by networkx."""
    rng = np.random.default_rng(seed)
    graph = graph_of(problem)
    centres = rng.choice(problem.size, size=min(problem.size, int(rng.integers(1, 6))), replace=False).tolist()
    cells = nx.voronoi_cells(graph, centres)
    labels = np.full(problem.size, -1)
    for number, cell in enumerate(cells.values()):
        for part in nx.connected_components(graph.subgraph(cell)):
            labels[list(part)] = number * problem.size + min(part)
    return compact(labels - labels.min())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_those_who_may_leave_are_no_articulation_points(seed, size):
    problem = make_problem(seed, size)
    labels = some_connected_groups(problem, seed)
    graph = graph_of(problem)
    free = can_leave(both_ways(problem), labels, int(labels.max()) + 1)
    for label in np.unique(labels):
        own = graph.subgraph(np.flatnonzero(labels == label).tolist())
        assert {node for node in own if not free[node]} == set(nx.articulation_points(own))


def score_of(problem, labels, phase):
    """Score of a whole partition in a phase, summed group by group."""
    score = phase.score(problem, group_sums(problem, compact(labels)))
    return float(score.left_out.sum()), round(float(score.number.sum()), 6), round(float(score.cost.sum()), 6)


def best_single_exchange(problem, labels, phase):
    """The best partition that one community moving, or two changing places, can give; by trying them all.

    Whoever leaves must leave a connected zone behind, and go to one that it touches.
    """
    graph = graph_of(problem)
    best = score_of(problem, labels, phase)
    pairs = itertools.combinations(range(problem.size), 2)
    moves = [((node, int(label)),) for node in range(problem.size) for label in np.unique(labels)]
    moves += [((one, int(labels[two])), (two, int(labels[one]))) for one, two in pairs if labels[one] != labels[two]]
    for move in moves:
        kept, new = labels.copy(), labels.copy()
        for node, label in move:
            kept[node], new[node] = -1, label
        groups = [np.flatnonzero(each == label).tolist() for each in (kept, new) for label in set(each.tolist()) - {-1}]
        touching = all((labels[list(graph[node])] == label).any() for node, label in move)
        if touching and all(nx.is_connected(graph.subgraph(group)) for group in groups):
            best = min(best, score_of(problem, new, phase))
    return best


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 10), st.sampled_from([-1.0, 0.0, 1.0]), st.booleans())
def test_exchanges_improve_by_the_best_move_at_least_and_stop_only_where_none_does(seed, size, price, gather):
    problem = make_problem(seed, size, price=price)
    labels = some_connected_groups(problem, seed)
    phase = gathering(problem) if gather else TIDY
    new = exchange(problem, both_ways(problem), labels, phase)
    graph = graph_of(problem)
    for label in np.unique(new):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(new == label).tolist()))
    want, found = best_single_exchange(problem, labels, phase), score_of(problem, new, phase)
    assert found[:2] <= want[:2]
    assert found[:2] < want[:2] or found[2] <= want[2] + 1e-4


def test_exchanges_keep_the_number_of_zones_that_was_asked_for():
    for problem in connected_problems(20, 10, low=200.0, high=2_000.0, zone_count=3):
        labels = some_connected_groups(problem, 7)
        new = exchange(problem, both_ways(problem), labels, TIDY)
        count = [int(problem.valid(group_sums(problem, each)).sum()) for each in (labels, new)]
        assert count[0] == count[1]


def test_noise_is_the_same_everywhere_and_spreads_evenly():
    # SplitMix64 by hand for one counter, in Python's own integers.
    mask = (1 << 64) - 1
    x = (0x9E3779B97F4A7C15 * 1 & mask) ^ ((7 * 0x9E3779B97F4A7C15 + 5 * 0xD1B54A32D192ED03) & mask)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> shift)) * factor & mask
    x ^= x >> 31
    assert noise(7, 5, 3)[0] == ((x >> 11) + 1) * 2.0**-53
    many = noise(1, 1, 100_000)
    assert many.min() > 0
    assert many.max() <= 1
    assert abs(many.mean() - 0.5) < 0.005


def test_compact_numbers_groups_by_their_first_node():
    assert compact(np.array([7, 3, 7, 0, 3])).tolist() == [0, 1, 0, 2, 1]


def test_group_sums_count_the_links_kept_inside():
    problem = next(connected_problems(1, 8))
    labels = (np.arange(8) >= 4).astype(np.int64)
    sums = group_sums(problem, labels)
    for label in (0, 1):
        rows = problem.stats[labels == label].sum(axis=0)
        inside = (labels[problem.heads] == label) & (labels[problem.tails] == label)
        rows[2] += problem.closeness[inside].sum()
        assert sums[label].tolist() == rows.tolist()


@pytest.mark.parametrize(
    ("change", "match"),
    [({"heads": np.array([1]), "tails": np.array([0])}, "order"), ({"features": 3}, "columns")],
)
def test_a_problem_that_breaks_its_invariants_cannot_be_made(change, match):
    from dataclasses import replace

    problem = make_problem(0, 3)
    with pytest.raises(ValueError, match=match):
        replace(problem, **change)
