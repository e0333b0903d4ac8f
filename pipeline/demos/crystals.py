"""Crystals of the demonstrations: the embedded starter set, and a few well-known magnets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal, make_crystal
from data.rejection import Rejection
from data.sources.starter import StarterSource
from data.symmetry import symmetrise
from models.contract import Examples
from models.graphs.vector_graphs import VectorGraphs
from pipeline.features.descriptors import descriptors
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.features.vectors import build_vectors, vector_arrays


def starter(count: int | None = None) -> tuple[Examples, list[str]]:
    """The labelled crystals of the starter set and their chemical systems.

    Args:
        count: how many, evenly spread; None for all.
    """
    source = StarterSource()
    records = [r for shard in source.shards() for r in source.read(shard) if not isinstance(r, Rejection) and r.label is not None]
    records = records[:: max(1, len(records) // count)][:count] if count else records
    moments = [r.label.per_atom(r.crystal.n_sites) for r in records if r.label is not None]
    crystals = [r.crystal for r in records if isinstance(r.crystal, Crystal)]  # all of them are ordered
    return _examples(crystals, moments), [c.chemsys for c in crystals]


def well_known() -> dict[str, Crystal]:
    """bcc Fe, MnO, Co2MnSi and MnF2 by name; all of them have inversion symmetry."""
    fcc, half = 0.5 * (1 - np.eye(3)), [0.5, 0.5, 0.5]
    u = 0.305
    anions = [[u, u, 0], [-u, -u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    heusler = [[0.25] * 3, [0.75] * 3, [0, 0, 0], half]
    return {
        "Fe": make_crystal("Fe", 2.866 * np.eye(3), [[0, 0, 0], half], [26, 26]),
        "MnO": make_crystal("MnO", 4.445 * fcc, [[0, 0, 0], half], [25, 8]),
        "Co2MnSi": make_crystal("Co2MnSi", 5.654 * fcc, heusler, [27, 27, 25, 14]),
        "MnF2": make_crystal("MnF2", np.diag([4.873, 4.873, 3.31]), [[0, 0, 0], half, *anions], [25, 25, 9, 9, 9, 9]),
    }


def exact_examples(crystals: Sequence[Crystal]) -> Examples:
    """Examples whose graphs with directions are in double precision; moments are unknown."""
    made = _examples(crystals, None)
    return replace(made, vectors=VectorGraphs(**vector_arrays([symmetrise(c) for c in crystals], GraphSettings())))


def turned(examples: Examples, seed: int) -> Examples:
    """Every crystal's graph with directions in a random pose of its own, every other one reflected, too."""
    vectors = examples.vectors
    assert vectors is not None
    rng = np.random.default_rng(seed)
    q: NDArray[np.float64] = np.linalg.qr(rng.normal(size=(len(vectors), 3, 3)))[0]
    of_edge, of_rotation = (np.repeat(np.arange(len(vectors)), np.diff(ptr)) for ptr in (vectors.edge_ptr, vectors.rotation_ptr))
    posed = replace(
        vectors,
        edge_vector=np.einsum("eij,ej->ei", q[of_edge], vectors.edge_vector).astype(vectors.edge_vector.dtype),
        rotation=(q[of_rotation] @ vectors.rotation @ q[of_rotation].transpose(0, 2, 1)).astype(vectors.rotation.dtype),
        lattice=(vectors.lattice @ q.transpose(0, 2, 1)).astype(vectors.lattice.dtype),
    )
    return replace(examples, vectors=posed)


def _examples(crystals: Sequence[Crystal], moments: Sequence[float] | None) -> Examples:
    cells = [symmetrise(c) for c in crystals]
    graphs, kept = build_graphs(cells, GraphSettings())
    assert len(kept) == len(cells), "a crystal of the demonstrations has an isolated atom"
    known = None if moments is None else np.asarray(moments, dtype=np.float64)
    return Examples(graphs, descriptors(graphs), known, build_vectors(cells, GraphSettings()))
