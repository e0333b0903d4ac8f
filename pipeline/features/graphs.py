"""Graph stores: the packed graphs of a snapshot, memory-mapped, made once and found again by content."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.artifact import building, publish, text_hash, write_json
from data.rejection import Reason, Rejection
from data.snapshot import Snapshot, write_rejections
from data.symmetry import symmetrise
from models.graph import DTYPES, CrystalGraphs, concatenate
from pipeline.features.neighbours import GraphSettings, NoNeighbours, build_graph
from pipeline.parallel import map_in_order

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
    def rows(self) -> NDArray[np.int64]:
        loaded: NDArray[np.int64] = np.load(self.folder / "rows.npy")
        return loaded

    @property
    def manifest(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return loaded


@dataclass
class Built:
    """What one task sends back."""

    graphs: list[CrystalGraphs] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)  # positions inside the task
    rejected: list[Rejection] = field(default_factory=list)
    without_symmetry: int = 0


def graph_store(
    root: Path, snapshot: Snapshot, settings: GraphSettings, workers: int, tick: Callable[[int], None] = lambda n: None
) -> GraphStore:
    """The graph store of a snapshot: opened if it is there, built otherwise."""
    key = text_hash(GRAPH_CODE, snapshot.id, json.dumps(asdict(settings), sort_keys=True))[:16]
    final = root / key
    if final.is_dir():
        return GraphStore(final)
    total = int(snapshot.manifest["crystals"])
    ranges = [(start, min(start + CRYSTALS_PER_TASK, total)) for start in range(0, total, CRYSTALS_PER_TASK)]
    whole = Built()
    rows: list[int] = []
    for (start, stop), built in zip(ranges, map_in_order(partial(_build_rows, snapshot, settings), ranges, workers), strict=True):
        whole.graphs.extend(built.graphs)
        whole.rejected.extend(built.rejected)
        whole.without_symmetry += built.without_symmetry
        rows.extend(start + k for k in built.kept)
        tick(stop - start)
    with building(root) as folder:
        for name, array in concatenate(whole.graphs).arrays().items():
            np.save(folder / f"{name}.npy", array)
        np.save(folder / "rows.npy", np.array(rows, dtype=np.int64))
        write_rejections(folder / "rejected.parquet", whole.rejected)
        write_json(
            folder / "manifest.json",
            {
                "kind": "graphs",
                "code": GRAPH_CODE,
                "snapshot": snapshot.id,
                "settings": asdict(settings),
                "crystals": len(rows),
                "rejected": len(whole.rejected),
                "without_symmetry": whole.without_symmetry,
            },
        )
        publish(folder, final)
    return GraphStore(final)


def _build_rows(snapshot: Snapshot, settings: GraphSettings, part: tuple[int, int]) -> Built:
    built = Built()
    for k, crystal in enumerate(snapshot.crystals(*part)):
        cell = symmetrise(crystal, settings.symprec_A)
        built.without_symmetry += not cell.exact
        try:
            built.graphs.append(build_graph(cell, settings))
            built.kept.append(k)
        except NoNeighbours as fault:
            built.rejected.append(Rejection(crystal.id, "", "", Reason.NO_NEIGHBOURS, str(fault)))
    built.graphs = [concatenate(built.graphs)] if built.graphs else []
    return built
