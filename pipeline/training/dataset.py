"""A snapshot as models see it: graphs, descriptors, moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.errors import UserError
from data.snapshot import Snapshot
from data.symmetry import symmetrise
from models.contract import Examples
from models.graphs.vector_graphs import VectorGraphs
from pipeline.features.descriptor_sets import Tier
from pipeline.features.descriptors import descriptors
from pipeline.features.graphs import GraphStore, graph_store
from pipeline.features.neighbours import GraphSettings
from pipeline.features.slow_descriptor_store import compute_costly, costly_cache, costly_descriptors
from pipeline.features.slow_descriptors import without_values
from pipeline.features.vectorstore import vector_store
from pipeline.ops.progress import Reporter
from pipeline.settings import Settings

COLUMNS = ["material_id", "formula", "chemsys", "split", "moment_muB_per_atom"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """All labelled crystals of a snapshot that have a graph; rows of `table` and `examples` correspond."""

    table: pa.Table  # COLUMNS
    examples: Examples


def labelled_examples(
    snapshot: Snapshot, graph: GraphSettings, tier: Tier, vectors: bool, where: Settings, reporter: Reporter
) -> Labelled:
    """Read, or build once, everything that training needs; `vectors` says whether that includes the graphs with directions.

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
    columns = [descriptors(graphs)]
    if tier is Tier.FULL:
        columns.append(_costly(snapshot, store.rows[known], graph.symprec_A, where, reporter))
    directed = _vectors(snapshot, store, graph, where, reporter).take(known) if vectors else None
    return Labelled(table.take(pa.array(known)), Examples(graphs, np.concatenate(columns, axis=1), moment[known], directed))


def _vectors(snapshot: Snapshot, store: GraphStore, graph: GraphSettings, where: Settings, reporter: Reporter) -> VectorGraphs:
    with reporter.bar("Graphs with directions", len(store.rows)) as tick:
        return vector_store(where.graphs, snapshot, store, graph, where.workers, tick)


def _costly(
    snapshot: Snapshot, rows: NDArray[np.int64], symprec_A: float, where: Settings, reporter: Reporter
) -> NDArray[np.float32]:
    """The costly descriptors of some rows of a snapshot; computed where an earlier run has not done so."""
    cache, wanted = costly_cache(where.descriptors), set(rows.tolist())
    cells = (symmetrise(crystal, symprec_A) for k, crystal in enumerate(snapshot.crystals()) if k in wanted)
    with reporter.bar("Costly descriptors", len(rows)) as tick:
        done = compute_costly(cells, cache, where.workers, tick)
    found = costly_descriptors(done.keys, cache)
    taken, failed = len(rows) - done.computed, int(without_values(found).sum())
    reporter.say(f"Costly descriptors: {done.computed} computed, {taken} from the cache, {failed} crystals without")
    return found
