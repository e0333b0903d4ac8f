"""Numbers about crystals and their orbits for trees, from the packed graphs alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.graphs.site_graphs import SiteGraphs
from models.networks.element_table import N_PROPERTIES, element_table
from models.networks.layers import N_ELEMENTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_ELECTRONEGATIVITY = 2  # column of the element table
_SHORT_A = 3.2  # carriers nearer than this touch, or share an edge or a face of their ligands' polyhedra
_FALL_A = 0.3  # a neighbour this much farther than the nearest one counts 1/e
_BOND_A, _BOND_FALL_A = 2.0, 0.37  # as in bond valences (Brown and Altermatt 1985), with one length for all bonds
LENGTH_A = 3.0  # a strain times this is compared with a shift: half of a usual lattice vector
_OBEYED_A = (1e-2, 1e-3, 1e-4)
_NEAR_A = 0.1  # links this much longer than the shortest one count as nearest
_FLOOR = 1e-4  # Å, or relative; smaller deformations are noise of the last digits
_FAR_A = 11.0  # stands for "no other carrier"
N_PATHS = 15  # columns of SiteGraphs.pair_paths
DEFORMATION_COLUMNS = 4 + len(_OBEYED_A) + 2
CRYSTAL_COLUMNS = N_ELEMENTS + 5 * N_PROPERTIES + 3 + N_PATHS + 4
NODE_COLUMNS = 1 + 2 * N_PROPERTIES + 4 + CRYSTAL_COLUMNS


def crystal_features(graphs: SiteGraphs) -> NDArray[np.float32]:
    """(crystals, CRYSTAL_COLUMNS) composition, statistics of the elements, distances and paths between carriers."""
    trunk = graphs.trunk
    crystals, ptr = len(trunk), trunk.node_ptr
    of_node = np.repeat(np.arange(crystals), np.diff(ptr))
    numbers, weight = trunk.numbers.astype(np.int64), trunk.node_weight.astype(np.float64)
    table = element_table().numpy().astype(np.float64)[numbers]
    carried = weight * carrier_nodes(graphs)
    share = _sums(carried[:, None], of_node, crystals)
    mean = _sums(weight[:, None] * table, of_node, crystals)
    spread = np.sqrt(_sums(weight[:, None] * (table - mean[of_node]) ** 2, of_node, crystals))
    of_carriers = _sums(carried[:, None] * table, of_node, crystals) / np.maximum(share, 1e-9)
    composition = np.zeros((crystals, N_ELEMENTS))
    np.add.at(composition, (of_node, numbers), weight)
    extremes = [np.minimum.reduceat(table, ptr[:-1]), np.maximum.reduceat(table, ptr[:-1])]
    of_pair = np.repeat(np.arange(crystals), np.diff(graphs.pair_ptr))
    direct = graphs.pair_weight * (graphs.pair_induced == 0)
    nearest = np.full(crystals, _FAR_A)
    np.minimum.at(nearest, of_pair, np.where(graphs.pair_induced == 0, graphs.pair_distance, _FAR_A))
    columns = [
        composition, mean, spread, of_carriers, *extremes, share, nearest[:, None],
        _sums((direct * (graphs.pair_distance < _SHORT_A))[:, None], of_pair, crystals),
        _sums(direct[:, None] * graphs.pair_paths, of_pair, crystals),
        trunk.volume_per_atom[:, None], trunk.space_group[:, None], trunk.n_atoms[:, None], np.diff(ptr)[:, None],
    ]  # fmt: skip
    return np.concatenate(columns, axis=1).astype(np.float32)


def deformation_features(graphs: SiteGraphs) -> NDArray[np.float32]:
    """(crystals, DEFORMATION_COLUMNS) how far each cell as it came is from the symmetry that it nearly has.

    A calculation that relaxed an antiferromagnet has moved atoms and lattice (exchange striction); a structure that was
    symmetrised tells nothing here. A supercell has the numbers of its primitive cell.
    """
    groups, links = graphs.group_ptr[:-1], graphs.link_ptr
    shift, strain = (np.log(v.astype(np.float64) + _FLOOR) for v in (graphs.perm_shift, graphs.perm_strain))
    number = np.diff(graphs.group_ptr)
    columns = [f for v in (shift, strain) for f in (np.maximum.reduceat(v, groups), np.add.reduceat(v, groups) / number)]
    both = np.maximum(graphs.perm_shift, LENGTH_A * graphs.perm_strain)
    columns += [np.add.reduceat((both <= tolerance).astype(np.float64), groups) / number for tolerance in _OBEYED_A]
    pair = graphs.link_pair + np.repeat(graphs.pair_ptr[:-1], np.diff(links))
    of_link = np.repeat(np.arange(len(graphs)), np.diff(links))
    weight = np.bincount(pair, graphs.link_count, minlength=len(graphs.pair_distance))
    mean = np.bincount(pair, graphs.link_count * graphs.link_distance, minlength=len(weight)) / np.maximum(weight, 1e-9)
    stretch = graphs.link_count * (graphs.link_distance - mean[pair]) ** 2
    shortest = np.full(len(graphs), np.inf)
    np.minimum.at(shortest, of_link, graphs.link_distance)
    for near in (np.ones(len(pair)), graphs.link_distance <= shortest[of_link] + _NEAR_A):
        total = np.bincount(of_link, graphs.link_count * near, minlength=len(graphs))
        columns.append(
            np.log(np.sqrt(np.bincount(of_link, stretch * near, minlength=len(graphs)) / np.maximum(total, 1e-9)) + _FLOOR)
        )
    return np.stack(columns, axis=1).astype(np.float32)


def node_features(graphs: SiteGraphs, crystal: NDArray[np.float32]) -> NDArray[np.float32]:
    """(nodes, NODE_COLUMNS) of each orbit: its element, its neighbours, and the features of its crystal."""
    trunk = graphs.trunk
    nodes = len(trunk.numbers)
    of_node = np.repeat(np.arange(len(trunk)), np.diff(trunk.node_ptr))
    target, source = trunk.edge_ends()
    table = element_table().numpy().astype(np.float64)[trunk.numbers.astype(np.int64)]
    distance = trunk.edge_distance.astype(np.float64)
    nearest = np.full(nodes, np.inf)
    np.minimum.at(nearest, target, distance)
    near = trunk.edge_count * np.exp(-(distance - nearest[target]) / _FALL_A)
    count = _sums(near[:, None], target, nodes)
    apart = table[source, _ELECTRONEGATIVITY] - table[target, _ELECTRONEGATIVITY]
    valence = trunk.edge_count * np.exp((_BOND_A - distance) / _BOND_FALL_A) * np.tanh(apart)
    columns: list[NDArray[Any]] = [
        trunk.numbers[:, None], table, nearest[:, None], count, _sums(near[:, None] * table[source], target, nodes) / count,
        _sums((near * distance)[:, None], target, nodes) / count, _sums(valence[:, None], target, nodes), crystal[of_node],
    ]  # fmt: skip
    return np.concatenate(columns, axis=1).astype(np.float32)


def carrier_nodes(graphs: SiteGraphs) -> NDArray[np.bool_]:
    """(nodes,) which orbits can hold a moment of their own."""
    found = np.zeros(len(graphs.trunk.numbers), dtype=bool)
    found[site_nodes(graphs)] = graphs.site_carrier > 0
    return found


def site_nodes(graphs: SiteGraphs) -> Ints:
    """(sites,) the node of each site, counted over all crystals."""
    return np.asarray(graphs.site_node + np.repeat(graphs.trunk.node_ptr[:-1], graphs.sites), dtype=np.int64)


def _sums(values: Floats, index: Ints, size: int) -> Floats:
    """(size, columns) sums of the rows of each index."""
    out = np.zeros((size, values.shape[1]))
    np.add.at(out, index, values)
    return out
