"""A snapshot as the input of models: graphs, descriptors, moments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.errors import UserError
from data.snapshot import Snapshot
from data.symmetry import SymmetricCell
from models.contract import MAGNETIC_THRESHOLD, Examples
from models.graphs.vector_graphs import VectorGraphs
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.graphs import CRYSTALS_PER_TASK, GraphStore, graph_store
from pipeline.features.neighbours import GraphSettings
from pipeline.features.packed_cells import PackedCells
from pipeline.features.slow_descriptor_store import compute_slow_descriptors, slow_descriptor_cache, stored_slow_descriptors
from pipeline.features.slow_descriptors import without_values
from pipeline.features.vectorstore import vector_store
from pipeline.featurise import describe, repeating
from pipeline.ops.parallel import map_in_order
from pipeline.ops.progress import Reporter
from pipeline.settings import Settings
from pipeline.training.snapshots import no_labels

COLUMNS = ["material_id", "formula", "chemsys", "split", "moment_muB_per_atom"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """All labelled crystals of a snapshot that have a graph; rows of `table` and `examples` correspond."""

    table: pa.Table  # COLUMNS
    examples: Examples


def labelled_examples(
    snapshot: Snapshot, graph: GraphSettings, descriptor_set: DescriptorSet, vectors: bool, where: Settings, reporter: Reporter
) -> Labelled:
    """Read, or build once, everything that training needs.

    Args:
        snapshot: a snapshot with labels.
        graph: settings of the graphs.
        descriptor_set: set of descriptors.
        vectors: whether to include the graphs with directions.
        where: folders and number of cores.
        reporter: receives the progress.

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
        raise no_labels(snapshot)
    graphs = store.graphs.take(known)
    slow = _slow(store.cells, known, where, reporter) if descriptor_set is DescriptorSet.FULL else None
    directed = _vectors(snapshot, store, graph, where, reporter).take(known) if vectors else None
    described, atoms = describe(graphs, _repeating(store, known, where, reporter), graph, slow)
    return Labelled(table.take(pa.array(known)), Examples(graphs, described, moment[known], directed, repeated=atoms))


def check_labels(labels: NDArray[np.float64]) -> None:
    """Raises UserError for moments (training rows,), µB/atom, that nothing can be learned from."""
    n, largest, nothing = len(labels), float(labels.max()), "nothing can be learned from them"
    if np.ptp(labels) == 0:
        raise UserError(f"all {n} training rows have the moment {largest:g} µB/atom: {nothing}")
    if largest <= MAGNETIC_THRESHOLD:  # moments in J/T, say
        raise UserError(
            f"none of the {n} training rows has a moment above {MAGNETIC_THRESHOLD:g} µB/atom (the largest: {largest:.3g}): "
            f"{nothing}. Moments are read in µB per cell"
        )


def _repeating(store: GraphStore, rows: NDArray[np.int64], where: Settings, reporter: Reporter) -> dict[int, SymmetricCell]:
    """What some cells of a store repeat, by their place among the rows."""
    found: dict[int, SymmetricCell] = {}
    parts = np.split(rows, range(CRYSTALS_PER_TASK, len(rows), CRYSTALS_PER_TASK))
    with reporter.bar("Cells that repeat", len(rows)) as tick:
        for k, part in enumerate(map_in_order(partial(_repeating_part, store), parts, where.workers)):
            found |= {k * CRYSTALS_PER_TASK + place: cell for place, cell in part.items()}
            tick(len(parts[k]))
    return found


def _repeating_part(store: GraphStore, rows: NDArray[np.int64]) -> dict[int, SymmetricCell]:
    cells = store.cells
    return repeating([cells[k] for k in rows.tolist()])


def _vectors(snapshot: Snapshot, store: GraphStore, graph: GraphSettings, where: Settings, reporter: Reporter) -> VectorGraphs:
    with reporter.bar("Graphs with directions", len(store.rows)) as tick:
        return vector_store(where.graphs, snapshot, store, graph, where.workers, tick)


def _slow(cells: PackedCells, rows: NDArray[np.int64], where: Settings, reporter: Reporter) -> NDArray[np.float32]:
    """The slow descriptors of some cells; computed where an earlier run has not done so."""
    cache = slow_descriptor_cache(where.descriptors)
    with reporter.bar("Slow descriptors", len(rows)) as tick:
        done = compute_slow_descriptors((cells[k] for k in rows.tolist()), cache, where.workers, tick)
    found = stored_slow_descriptors(done.keys, cache)
    taken, failed = len(rows) - done.computed, int(without_values(found).sum())
    reporter.say(f"Slow descriptors: {done.computed} computed, {taken} from the cache, {failed} crystals without")
    return found
