"""Stores of graphs with directions: row for row those of a graph store, made when a family first asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.snapshot import Snapshot
from data.store.artifact import building, publish, text_hash
from models.graphs.vector_graphs import VECTOR_DTYPES, VectorGraphs
from pipeline.features.graphs import CRYSTALS_PER_TASK, GRAPH_CODE, GraphStore
from pipeline.features.neighbours import GraphSettings
from pipeline.features.npyfile import PackedWriter
from pipeline.features.stores import finish_store, open_store
from pipeline.features.vectors import build_vectors
from pipeline.ops.parallel import map_in_order

VECTOR_CODE = "vectors-3"  # raise it whenever the same crystal and settings would give another graph


def vector_store(
    root: Path, snapshot: Snapshot, graphs: GraphStore, settings: GraphSettings, workers: int, tick: Callable[[int], None]
) -> VectorGraphs:
    """The graphs with directions of a graph store's rows, memory-mapped: opened if they are there and sound, built otherwise."""
    key = text_hash(VECTOR_CODE, GRAPH_CODE, snapshot.id, json.dumps(asdict(settings), sort_keys=True))[:16]
    final = root / f"{key}-vectors"
    if not open_store(final):
        rows = np.arange(len(graphs.rows))
        parts = np.split(rows, range(CRYSTALS_PER_TASK, len(rows), CRYSTALS_PER_TASK))
        with building(root) as folder:
            with PackedWriter(folder, _empty()) as writer:
                built = map_in_order(partial(_build, graphs, settings), parts, workers)
                for part, packed in zip(parts, built, strict=True):
                    writer.append(packed.arrays())
                    tick(len(part))
            manifest = {"kind": "vectors", "code": VECTOR_CODE, "snapshot": snapshot.id, "settings": asdict(settings)}
            finish_store(folder, {**manifest, "crystals": len(rows)})
            publish(folder, final)
    return VectorGraphs(**{name: np.load(final / f"{name}.npy", mmap_mode="r") for name in VECTOR_DTYPES})


def _build(graphs: GraphStore, settings: GraphSettings, rows: NDArray[np.int64]) -> VectorGraphs:
    cells = graphs.cells
    return build_vectors([cells[k] for k in rows.tolist()], settings)


def _empty() -> dict[str, NDArray[np.generic]]:
    tails = {"edge_vector": (3,), "rotation": (3, 3), "lattice": (3, 3), "frame_first": (3,), "frame_second": (3,)}
    return {name: np.zeros((0, *tails.get(name, ())), kind) for name, kind in VECTOR_DTYPES.items()}
