"""Stars never chain, components do; neither depends on the order of rows or edges."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pmc15m.curate.clusters import components, star_clusters

Ints = NDArray[np.int64]
Graph = tuple[int, list[tuple[int, int]], list[int]]  # number of nodes, edges, ranks


def ends(edges: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    left, right = np.array(edges, np.int64).reshape(-1, 2).T
    return left, right


def stars(num_nodes: int, edges: list[tuple[int, int]], ranks: list[int]) -> list[int]:
    leaders: list[int] = star_clusters(num_nodes, *ends(edges), np.array(ranks, np.int64)).tolist()
    return leaders


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    num_nodes = draw(st.integers(1, 12))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=20))
    return num_nodes, [(one, two) for one, two in edges if one != two], draw(st.permutations(range(num_nodes)))


@given(graphs())
def test_every_member_has_an_edge_to_a_leader_of_a_better_rank(graph: Graph) -> None:
    num_nodes, edges, ranks = graph
    leaders = stars(*graph)
    near = {frozenset(edge) for edge in edges}
    for node, leader in enumerate(leaders):
        assert leaders[leader] == leader
        if leader != node:
            assert frozenset((node, leader)) in near
            assert ranks[leader] < ranks[node]
            others = [other for other in range(num_nodes) if leaders[other] == other and {node, other} in near]
            assert leader == min(others, key=lambda other: ranks[other])
        else:
            assert not [other for other in range(num_nodes) if {node, other} in near and leaders[other] == other]


@given(graphs(), st.randoms(use_true_random=False))
def test_stars_follow_the_ranks_and_not_the_numbers(graph: Graph, dice: random.Random) -> None:
    num_nodes, edges, ranks = graph
    names = list(range(num_nodes))
    dice.shuffle(names)
    renamed = [(names[two], names[one]) for one, two in edges]
    dice.shuffle(renamed)
    new_ranks = [0] * num_nodes
    for node, name in enumerate(names):
        new_ranks[name] = ranks[node]
    leaders = stars(num_nodes, renamed, new_ranks)
    assert [leaders[name] for name in names] == [names[leader] for leader in stars(*graph)]


@pytest.mark.parametrize(
    ("ranks", "leaders"),
    [
        ([0, 1, 2, 3, 4], [0, 0, 2, 2, 4]),
        ([4, 3, 2, 1, 0], [0, 2, 2, 4, 4]),
        ([1, 1, 0, 1, 1], [0, 2, 2, 2, 4]),
        ([7, 7, 7, 7, 7], [0, 0, 2, 2, 4]),
    ],
)
def test_a_chain_falls_into_stars(ranks: list[int], leaders: list[int]) -> None:
    assert stars(5, [(0, 1), (1, 2), (2, 3), (3, 4)], ranks) == leaders


@given(graphs())
def test_component_is_named_by_its_smallest_node(graph: Graph) -> None:
    num_nodes, edges, _ = graph
    expected = list(range(num_nodes))
    for _ in range(num_nodes):
        for one, two in edges:
            expected[one] = expected[two] = min(expected[one], expected[two])
    assert components(num_nodes, *ends(edges)).tolist() == expected


def test_a_chain_is_one_component() -> None:
    assert components(6, *ends([(4, 3), (3, 2), (1, 2)])).tolist() == [0, 1, 1, 1, 1, 5]


@pytest.mark.parametrize("num_nodes", [0, 1, 3])
def test_nodes_without_edges_are_alone(num_nodes: int) -> None:
    alone = list(range(num_nodes))
    assert stars(num_nodes, [], alone[::-1]) == alone
    assert components(num_nodes, *ends([])).tolist() == alone
