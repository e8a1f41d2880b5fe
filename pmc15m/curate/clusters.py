"""Clusters of near rows: stars where copies are dropped, components where leaks are kept out.

In a component the ends of a chain may have nothing in common, so none is fit for dropping; a star
holds what is near its leader itself.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def star_clusters(
    num_nodes: int, left: NDArray[np.int64], right: NDArray[np.int64], rank: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the leader of each node, `[N]`: itself, or a neighbour that leads.

    Nodes are walked by rank: one that is not assigned yet becomes a leader and takes its neighbours
    that are not.

    Args:
        num_nodes: nodes are numbered from 0.
        left: one end of each edge, in any order.
        right: the other end.
        rank: of each node, lower first; of equal ones the lower number comes first.
    """
    leader = np.arange(num_nodes)
    sources, targets = np.concatenate([left, right]), np.concatenate([right, left])
    targets = targets[np.argsort(sources, kind="stable")]
    num_targets = np.bincount(sources, minlength=num_nodes)
    stops = np.cumsum(num_targets)
    starts = stops - num_targets
    walk = np.flatnonzero(num_targets)
    walk = walk[np.argsort(rank[walk], kind="stable")]
    assigned = bytearray(num_nodes)
    is_assigned = np.frombuffer(assigned, np.bool_)  # the same bytes: one node is read faster there, many here
    for node, start, stop in zip(walk.tolist(), starts[walk].tolist(), stops[walk].tolist(), strict=True):
        if not assigned[node]:
            assigned[node] = True
            near = targets[start:stop]
            free = near[~is_assigned[near]]
            leader[free] = node
            is_assigned[free] = True
    return leader


def components(num_nodes: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the smallest node of the component of each node, `[N]`."""
    if not num_nodes:
        return np.empty(0, np.int64)
    edges = coo_array((np.ones(len(left), np.bool_), (left, right)), shape=(num_nodes, num_nodes))
    num_components, labels = connected_components(edges, directed=False)
    smallest = np.empty(num_components, np.int64)
    smallest[labels[::-1]] = np.arange(num_nodes)[::-1]  # of several the last stays
    members: NDArray[np.int64] = smallest[labels]
    return members
