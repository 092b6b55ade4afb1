import numpy as np
import pytest
from scipy.optimize import minimize

from unbraid_plugins.papers.view_graph.poses import Edges, along_tree, around, edges_of, synchronised


def graph_of(azimuths, pairs, turns=None, tree=None):
    a, b = np.asarray(pairs).T
    exact = around(azimuths[b] - azimuths[a])
    return Edges(np.asarray(pairs), exact if turns is None else turns, np.ones(len(pairs)),
                 np.asarray([tree is None or p in tree for p in map(tuple, pairs)]))


def circle(count, seed=0):
    return np.sort(np.random.default_rng(seed).uniform(-np.pi, np.pi, count))


def ring(count, steps=(1, 2)):
    return sorted({tuple(sorted((i, (i + k) % count))) for i in range(count) for k in steps})


PATH = [(i, i + 1) for i in range(23)]


def gauge(found, truth):
    return around(found - truth - (found[0] - truth[0]))


def test_synchronisation_is_exact_on_a_consistent_graph():
    truth = circle(24)
    edges = graph_of(truth, ring(24), tree=PATH)
    for start in (along_tree(edges, 24), truth + np.random.default_rng(1).normal(0, 0.3, 24)):
        np.testing.assert_allclose(gauge(synchronised(start, edges), truth), 0, atol=1e-6)


def test_a_wrong_edge_of_the_tree_moves_a_subtree_until_the_others_speak():
    truth, pairs = circle(24), ring(24, (1, 2, 3))
    edges = graph_of(truth, pairs, tree=PATH)
    edges.turns[pairs.index((10, 11))] += 0.5
    before = along_tree(edges, 24)
    assert np.abs(gauge(before, truth))[11:].min() > 0.49
    assert np.abs(gauge(synchronised(before, edges), truth)).max() < 0.01


def test_the_result_is_least_in_the_sum_of_errors():
    """Against SciPy's simplex search of the same sum, on a graph that disagrees with itself."""
    truth, free = np.asarray([0.0, 0.2, 0.5, 0.9]), np.random.default_rng(2)
    pairs = [(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)]
    edges = graph_of(truth, pairs, turns=np.asarray([truth[b] - truth[a] for a, b in pairs]) + free.normal(0, 0.1, 6))

    def cost(azimuths):
        theta = np.r_[0, azimuths]
        return sum(abs(around(theta[b] - theta[a] - t)) for (a, b), t in zip(pairs, edges.turns, strict=True))

    best = min(minimize(cost, truth[1:] + free.normal(0, 0.1, 3), method="Nelder-Mead",
                        options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 4000}).fun for _ in range(5))
    assert cost(synchronised(truth.copy(), edges)[1:]) == pytest.approx(best, rel=0.03)


def test_the_tree_is_the_largest_and_everybody_chooses():
    networkx = pytest.importorskip("networkx")
    free = np.random.default_rng(5)
    affinity = free.uniform(-0.5, 0.9, (12, 12))
    affinity = (affinity + affinity.T) / 2
    turns = np.triu(free.choice([-0.2, 0.2], (12, 12)), 1)
    edges = edges_of(affinity.astype(np.float32), turns - turns.T, degree=3)
    whole = networkx.Graph()
    whole.add_weighted_edges_from((i, j, affinity[i, j]) for i in range(12) for j in range(i))
    theirs = {tuple(sorted(e)) for e in networkx.maximum_spanning_tree(whole).edges}
    assert {tuple(e) for e in edges.ends[edges.in_tree].tolist()} == theirs
    ours = set(map(tuple, edges.ends.tolist()))
    np.fill_diagonal(affinity, -9)
    chosen = {tuple(sorted((i, int(j)))) for i in range(12) for j in np.argsort(-affinity[i])[:3]}
    assert ours == chosen | theirs
    a, b = edges.ends.T
    assert (a < b).all()
    np.testing.assert_array_equal(edges.turns, turns[a, b])
    assert np.allclose(edges.affinities, affinity[a, b])


def test_two_nodes_are_a_graph():
    edges = edges_of(np.asarray([[0.0, 0.4], [0.4, 0.0]], np.float32), np.asarray([[0.0, 0.3], [-0.3, 0.0]]), degree=4)
    assert edges.ends.tolist() == [[0, 1]]
    np.testing.assert_allclose(synchronised(along_tree(edges, 2), edges), [0, 0.3], atol=1e-6)
