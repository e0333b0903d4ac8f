"""One shard of candidates to graphs: the part of a screen that runs in worker processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from data.rejection import Reason, Rejection
from data.sources import Record, Shard, Source
from data.symmetry import symmetrise
from models.graph import CrystalGraphs, concatenate
from pipeline.features.neighbours import GraphSettings, NoNeighbours, build_graph


@dataclass
class Candidates:
    """The readable crystals of a shard; rows of `facts` and of `graphs` correspond."""

    graphs: CrystalGraphs | None = None  # None where nothing could be read
    facts: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    without_symmetry: int = 0


def read_candidates(source: Source, settings: GraphSettings, shard: Shard) -> Candidates:
    """Read, symmetrise and build the graph of each crystal; whatever fails is a rejection with its reason."""
    found, graphs = Candidates(), []
    for item in source.read(shard):
        if isinstance(item, Rejection):
            found.rejected.append(item)
            continue
        cell = symmetrise(item.crystal, settings.symprec_A)
        try:
            graph = build_graph(cell, settings)
        except NoNeighbours as fault:
            found.rejected.append(Rejection(item.crystal.id, item.source_file, "", Reason.NO_NEIGHBOURS, str(fault)))
            continue
        found.without_symmetry += not cell.exact
        graphs.append(graph)
        found.facts.append(_facts(item, cell.space_group))
    found.graphs = concatenate(graphs) if graphs else None
    return found


def _facts(record: Record, space_group: int) -> dict[str, Any]:
    crystal = record.crystal
    return {
        "candidate_id": crystal.id,
        "formula": crystal.formula,
        "n_sites": crystal.n_sites,
        "space_group": space_group,
        "volume_per_atom": crystal.volume / crystal.n_sites,
        "source_file": record.source_file,
        "moment_dft": None if record.label is None else record.label.per_atom(crystal.n_sites),
    }
