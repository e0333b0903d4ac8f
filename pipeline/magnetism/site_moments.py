"""Tables of crystals with one signed moment a site, as the model of orderings learns from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.cif.reader import read_cif
from data.crystal import Crystal
from models.contract import ModelError
from models.graphs.site_graphs import SiteGraphs, join_sites
from models.ordering.site_examples import ORDERINGS, OrderingExamples
from pipeline.magnetism.magnetic_cell import place
from pipeline.magnetism.site_graphs import build_site_graphs

COLUMNS = ["material_id", "cif", "site_magmoms_muB", "ordering", "split"]
NOT_MAGNETIC_MUB = 0.005  # per atom; calculations that ended without a moment
MAX_SITES = 60  # as in the table of site moments, so that the size of a cell says nothing about its class
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class OrderedRow:
    """A crystal, the moments of its sites in its own order (µB), and its ordering."""

    crystal: Crystal
    moments: NDArray[np.float64]
    ordering: str
    split: str


@dataclass(frozen=True, eq=False)
class OrderedTable:
    """What came of the rows, in their order; rows that could not be used are left out."""

    examples: OrderingExamples
    split: NDArray[np.str_]  # (crystals,)

    def part(self, *names: str) -> OrderingExamples:
        """The rows of train, val or test, or of several of them."""
        return self.examples.take(np.flatnonzero(np.isin(self.split, names)).astype(np.int64))


def site_moment_rows(path: Path) -> Iterator[OrderedRow]:
    """The rows of a table with signed site moments."""
    for batch in pq.ParquetFile(path).iter_batches(_AT_ONCE, columns=COLUMNS):
        for row in batch.to_pylist():
            crystal = next(read_cif(row["cif"], path.name, row["material_id"] or ""))
            moments = np.array(row["site_magmoms_muB"], dtype=np.float64)
            if isinstance(crystal, Crystal) and len(moments) == crystal.n_sites and row["ordering"] in ORDERINGS:
                yield OrderedRow(crystal, moments, row["ordering"], row["split"])


def non_magnetic_rows(path: Path, share: float, seed: int) -> Iterator[OrderedRow]:
    """A random share of the crystals of mp_magnets.parquet whose calculation ended without a moment.

    Rows that another source calls magnetic, and those that the table itself suspects, are none of them.
    """
    columns = ["material_id", "cif", "n_sites", "magnetization_muB_per_atom", "suspect_false_nm", "split"]
    rng = np.random.default_rng(seed)
    for batch in pq.ParquetFile(path).iter_batches(1024, columns=[*columns, "ordering_from_site_moments"]):
        for row, drawn in zip(batch.to_pylist(), rng.random(len(batch)) < share, strict=True):
            zero = abs(row["magnetization_muB_per_atom"]) < NOT_MAGNETIC_MUB and not row["suspect_false_nm"]
            if drawn and zero and row["ordering_from_site_moments"] is None and row["n_sites"] <= MAX_SITES:
                crystal = next(read_cif(row["cif"], path.name, row["material_id"] or ""))
                if isinstance(crystal, Crystal):
                    yield OrderedRow(crystal, np.zeros(crystal.n_sites), "NM", row["split"])


def build_table(rows: Sequence[OrderedRow], report: Callable[[int], None] = lambda done: None) -> OrderedTable:
    """Graphs and labels of the rows."""
    graphs: list[SiteGraphs] = []
    used: list[OrderedRow] = []
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        built, kept = build_site_graphs([place(row.crystal) for row in part])
        graphs.append(built)
        used += [part[k] for k in kept]
        report(start + len(part))
    if not used:
        raise ModelError("no usable crystal among the rows")
    moment = np.concatenate([row.moments for row in used])
    ordering = np.array([ORDERINGS.index(row.ordering) for row in used], dtype=np.int64)
    examples = OrderingExamples(join_sites(graphs), moment, ordering)
    return OrderedTable(examples, np.array([row.split for row in used]))
