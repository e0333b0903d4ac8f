"""A snapshot as models see it: graphs, descriptors, moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.errors import UserError
from data.snapshot import Snapshot
from models.contract import Examples
from pipeline.features.descriptors import descriptors
from pipeline.features.graphs import graph_store
from pipeline.features.neighbours import GraphSettings
from pipeline.progress import Reporter
from pipeline.settings import Settings

COLUMNS = ["material_id", "formula", "chemsys", "split", "moment_muB_per_atom"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """All labelled crystals of a snapshot that have a graph; rows of `table` and `examples` correspond."""

    table: pa.Table  # COLUMNS
    examples: Examples


def labelled_examples(snapshot: Snapshot, graph: GraphSettings, where: Settings, reporter: Reporter) -> Labelled:
    """Read, or build once, everything that training needs.

    Raises:
        UserError: no labelled crystal in the snapshot.
    """
    snapshot.verify()
    with reporter.bar("Crystal graphs", int(snapshot.manifest["crystals"])) as tick:
        store = graph_store(where.graphs, snapshot, graph, where.workers, tick)
    table = snapshot.table(COLUMNS).take(pa.array(store.rows))
    moment = table.column("moment_muB_per_atom").to_numpy(zero_copy_only=False).astype(np.float64)
    known: NDArray[np.int64] = np.flatnonzero(np.isfinite(moment)).astype(np.int64)
    if len(known) == 0:
        raise UserError(f"snapshot {snapshot.id} holds no moment to learn from; refresh from a labelled source")
    graphs = store.graphs.take(known)
    return Labelled(table.take(pa.array(known)), Examples(graphs, descriptors(graphs), moment[known]))
