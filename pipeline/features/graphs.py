"""Graph stores: the packed graphs of a snapshot, memory-mapped, made once and found again by content."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.rejection import Reason, Rejection
from data.snapshot import Snapshot, write_rejections
from data.store.artifact import building, publish, text_hash
from data.symmetry import symmetrise
from models.graphs.crystal_graphs import DTYPES, CrystalGraphs
from pipeline.features.neighbours import GraphSettings, build_graphs, isolated_atom
from pipeline.features.npyfile import PackedWriter
from pipeline.features.packed_cells import CELL_DTYPES, PackedCells
from pipeline.features.stores import finish_store, open_store
from pipeline.ops.parallel import map_in_order

GRAPH_CODE = "graphs-1"  # raise it whenever the same crystal and settings would give another graph
CRYSTALS_PER_TASK = 1024


@dataclass(frozen=True)
class GraphStore:
    """A published store. Row k of the graphs is row `rows[k]` of the snapshot (rows without a graph are left out)."""

    folder: Path

    @property
    def graphs(self) -> CrystalGraphs:
        return CrystalGraphs(**{name: np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in DTYPES})

    @property
    def cells(self) -> PackedCells:
        """The symmetrised cells that the graphs were built from, in the order of the graphs."""
        return PackedCells({name: np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in CELL_DTYPES})

    @property
    def rows(self) -> NDArray[np.int64]:
        loaded: NDArray[np.int64] = np.load(self.folder / "rows.npy")
        return loaded

    @property
    def manifest(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return loaded


@dataclass(frozen=True)
class Built:
    """What one task sends back."""

    graphs: CrystalGraphs
    cells: PackedCells
    kept: NDArray[np.int64]  # rows of the snapshot
    rejected: list[Rejection]
    without_symmetry: int


def graph_store(
    root: Path, snapshot: Snapshot, settings: GraphSettings, workers: int, tick: Callable[[int], None] = lambda n: None
) -> GraphStore:
    """The graph store of a snapshot: opened if it is there and sound, built otherwise, a part at a time in a bounded memory."""
    key = text_hash(GRAPH_CODE, snapshot.id, json.dumps(asdict(settings), sort_keys=True))[:16]
    final = root / key
    if open_store(final, needed=(*DTYPES, *CELL_DTYPES)):  # stores of older releases have no cells
        return GraphStore(final)
    total = int(snapshot.manifest["crystals"])
    ranges = [(start, min(start + CRYSTALS_PER_TASK, total)) for start in range(0, total, CRYSTALS_PER_TASK)]
    rejected: list[Rejection] = []
    crystals = without_symmetry = 0
    with building(root) as folder:
        empty = {name: np.zeros(0, kind) for name, kind in {**DTYPES, "rows": np.int64}.items()} | PackedCells.empty()
        with PackedWriter(folder, empty) as writer:
            parts = map_in_order(partial(_build_rows, snapshot, settings), ranges, workers)
            for (start, stop), built in zip(ranges, parts, strict=True):
                writer.append({**built.graphs.arrays(), **built.cells.arrays, "rows": built.kept})
                rejected += built.rejected
                crystals += len(built.kept)
                without_symmetry += built.without_symmetry
                tick(stop - start)
        write_rejections(folder / "rejected.parquet", rejected)
        finish_store(
            folder,
            {
                "kind": "graphs",
                "code": GRAPH_CODE,
                "snapshot": snapshot.id,
                "settings": asdict(settings),
                "crystals": crystals,
                "rejected": len(rejected),
                "without_symmetry": without_symmetry,
            },
        )
        publish(folder, final)
    return GraphStore(final)


def _build_rows(snapshot: Snapshot, settings: GraphSettings, part: tuple[int, int]) -> Built:
    crystals = list(snapshot.crystals(*part))
    cells = [symmetrise(crystal, settings.symprec_A) for crystal in crystals]
    graphs, kept = build_graphs(cells, settings)
    isolated = np.setdiff1d(np.arange(len(cells)), kept)
    rejected = [Rejection(crystals[k].id, "", "", Reason.NO_NEIGHBOURS, isolated_atom(settings)) for k in isolated]
    packed = PackedCells.of([cells[k] for k in kept])
    return Built(graphs, packed, kept + part[0], rejected, sum(not cell.exact for cell in cells))
