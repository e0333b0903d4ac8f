"""Crystals without labels, whose structures networks learn before they learn moments."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.errors import UserError
from data.rejection import Rejection
from data.sources import Shard, Source
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.features.neighbours import GraphSettings, find_neighbours, pack_graphs
from pipeline.ops.progress import Reporter
from pipeline.screening.candidates import read_safely
from pipeline.screening.slow_descriptors import read_cells


@dataclass(frozen=True)
class Unlabelled:
    """Files, folders or tables of crystals."""

    identity: str  # as that of a screen's input: of a folder, the names, sizes and times of its files
    paths: tuple[str, ...] = field(compare=False)  # where they are kept

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Self:
        """What `screen` would read at these paths. Raises UserError where there is nothing of that kind."""
        given = list(paths)
        return cls(candidate_source(given, Columns()).identity(), tuple(str(path.resolve()) for path in given))

    def graphs(self, closed: Collection[str], settings: GraphSettings, workers: int, reporter: Reporter) -> CrystalGraphs:
        """The ordered crystals as graphs; what cannot be read is left out.

        Args:
            closed: chemical systems that have validation or test rows; their crystals are left out.
            settings: of the graphs.
            workers: number of processes.
            reporter: receives the progress.

        Raises:
            UserError: no crystal is left.
        """
        source = candidate_source([Path(path) for path in self.paths], Columns())
        shards = list(source.shards())
        parts: list[list[CrystalGraphs]] = []
        with reporter.bar("Crystals without labels", sum(shard.size for shard in shards)) as tick:
            read = read_safely(source, partial(_read, source, settings), _joined, _none, shards, workers)
            for shard, found in zip(shards, read, strict=True):
                parts.append(found)
                tick(shard.size)
        every = _joined(parts)
        if not every:
            raise UserError(f"no crystal can be read in {', '.join(self.paths)}: `ferroscreen screen` says why")
        whole = CrystalGraphs.join(every)
        outside = rows_outside(whole, closed)
        if not len(outside):
            raise UserError(f"all {len(whole)} crystals without labels are of chemical systems of validation and test rows")
        reporter.say(f"{len(outside)} crystals without labels are learned from")
        return whole.take(outside)


def chemical_systems(graphs: CrystalGraphs) -> list[str]:
    """The chemical system of each crystal, as `Co-Fe`."""
    ends = graphs.node_ptr.tolist()
    return ["-".join(sorted(map(symbol, set(graphs.numbers[a:b].tolist())))) for a, b in itertools.pairwise(ends)]


def rows_outside(graphs: CrystalGraphs, closed: Collection[str]) -> NDArray[np.int64]:
    """The crystals whose chemical systems are not closed."""
    return np.flatnonzero([system not in closed for system in chemical_systems(graphs)]).astype(np.int64)


def _read(source: Source, settings: GraphSettings, shard: Shard) -> list[CrystalGraphs]:
    graphs = pack_graphs(find_neighbours(read_cells(source, settings.symprec_A, shard), settings))
    return [graphs] if len(graphs) else []


def _joined(parts: list[list[CrystalGraphs]]) -> list[CrystalGraphs]:
    return [graphs for part in parts for graphs in part]


def _none(rejection: Rejection) -> list[CrystalGraphs]:
    return []
