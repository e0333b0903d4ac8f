"""Filler crystals: they round the rows of a batch up, so that a crystal's prediction has the same bits in every batch.

A matrix product runs full blocks of rows and the rows left over through different code, which differs in the last bits. In a
batch whose crystals, nodes, edges and sites all come in multiples of ROWS, every row goes the one way, and what a crystal gets
does not depend on the crystals beside it. What is kept of earlier predictions can then stand beside new ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.contract import Examples
from models.graphs.crystal_graphs import DTYPES, CrystalGraphs
from models.graphs.vector_graphs import VECTOR_DTYPES, VectorGraphs

ROWS = 64  # MKL needs 16; other libraries may have larger blocks
_IRON = 26
_APART_A = 2.5  # of the filler's atoms


def padded(examples: Examples) -> Examples:
    """The examples, then at least one and at most ROWS filler crystals; graphs and descriptors only."""
    graphs, vectors = examples.graphs, examples.vectors
    crystals = _missing(len(graphs), 1)
    nodes = _missing(len(graphs.numbers), crystals)
    edges = _missing(len(graphs.edge_source), nodes)
    filled = CrystalGraphs.join([graphs, _graphs(crystals, nodes, edges)])
    descriptors = np.zeros((crystals, examples.descriptors.shape[1]), np.float32)
    if vectors is not None:
        translates = _missing(int(vectors.edge_translate.sum()), 0)
        edges = _missing(len(vectors.edge_source), max(nodes, translates))
        sites = _missing(len(vectors.site_node), nodes)
        frames = crystals if len(vectors.frame_axes) else 0
        vectors = VectorGraphs.join([vectors, _vectors(crystals, nodes, edges, sites, translates, frames)])
    return Examples(filled, np.concatenate([examples.descriptors, descriptors]), vectors=vectors)


def _missing(rows: int, least: int) -> int:
    """The smallest number from `least` on that makes the rows a multiple of ROWS."""
    return least + (-(rows + least)) % ROWS


def _spread(many: int, few: int) -> NDArray[np.int64]:
    """(many,) owners: each of `few` owns one, the last one all the rest."""
    return np.minimum(np.arange(many), few - 1)


def _pointers(owners: NDArray[np.int64], few: int) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=few))])


def _graphs(crystals: int, nodes: int, edges: int) -> CrystalGraphs:
    crystal = _spread(nodes, crystals)
    node = _spread(edges, nodes)
    first = _pointers(crystal, crystals)
    inside = node - first[crystal[node]]
    one = np.ones(crystals)
    values = {
        "node_ptr": first, "edge_ptr": _pointers(crystal[node], crystals), "numbers": np.full(nodes, _IRON),
        "node_weight": 1.0 / np.diff(first)[crystal], "edge_source": inside, "edge_target": inside,
        "edge_distance": np.full(edges, _APART_A), "edge_count": np.ones(edges),
        "volume_per_atom": one, "n_atoms": np.diff(first), "space_group": one,
    }  # fmt: skip
    return CrystalGraphs(**{name: np.asarray(v, dtype=DTYPES[name]) for name, v in values.items()})


def _vectors(crystals: int, nodes: int, edges: int, sites: int, translates: int, frames: int) -> VectorGraphs:
    plain = _graphs(crystals, nodes, edges)
    crystal, node = _spread(nodes, crystals), _spread(sites, nodes)
    axis = np.zeros((frames, 3), dtype=np.int64)
    values = {
        "node_ptr": plain.node_ptr, "edge_ptr": plain.edge_ptr, "rotation_ptr": np.arange(crystals + 1),
        "site_ptr": _pointers(crystal[node], crystals), "frame_ptr": np.arange(crystals + 1) * (frames > 0),
        "lattice": np.tile(_APART_A * np.eye(3), (crystals, 1, 1)), "numbers": plain.numbers, "node_weight": plain.node_weight,
        "edge_source": plain.edge_source, "edge_target": plain.edge_target,
        "edge_vector": np.tile([_APART_A, 0.0, 0.0], (edges, 1)), "edge_rotation": np.zeros(edges),
        "edge_kind": np.ones(edges), "edge_translate": np.arange(edges) < translates,
        "rotation": np.tile(np.eye(3), (crystals, 1, 1)),
        "site_node": node - plain.node_ptr[crystal[node]], "site_rotation": np.zeros(sites),
        "frame_first": axis + np.array([1, 0, 0]), "frame_second": axis + np.array([0, 1, 0]),
        "frame_axes": np.zeros(frames), "frame_standard": np.ones(frames),
    }  # fmt: skip
    return VectorGraphs(**{name: np.asarray(v, dtype=VECTOR_DTYPES[name]) for name, v in values.items()})
