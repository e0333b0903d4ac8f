"""Crystals to what the models read: the only place where symmetry, graphs, directions and descriptors follow one another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal
from data.symmetry import NEARLY_A, SymmetricCell, nearly_primitive, symmetrise
from models.contract import Examples
from models.families import family
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptors
from pipeline.features.neighbours import GraphSettings, find_neighbours, pack_graphs
from pipeline.features.rowcache import RowCache
from pipeline.features.slow_descriptor_store import stored_slow_descriptors
from pipeline.features.slow_descriptors import slow_descriptor_key, slow_descriptor_names
from pipeline.features.vectors import pack_vectors

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Needs:
    """What a model reads of each crystal."""

    graph: GraphSettings = field(default_factory=GraphSettings)
    descriptor_set: DescriptorSet = DescriptorSet.FAST  # the set of descriptors
    directions: bool = False  # whether a member reads graphs with directions
    frames: bool = False  # whether one reads their candidate frames, which cost more than all the rest of them

    @classmethod
    def of_families(cls, names: Collection[str], graph: GraphSettings, descriptor_set: DescriptorSet) -> Needs:
        """What members of some families read.

        Args:
            names: of the families (models.families).
            graph: settings of the graphs.
            descriptor_set: the set of descriptors that families of trees read.
        """
        directions, frames = (any(getattr(family(name), reads) for name in names) for reads in ("reads_vectors", "reads_frames"))
        return cls(graph, descriptor_set, directions, frames)


@dataclass(frozen=True, eq=False)
class Featurised:
    """The crystals that have a graph; rows of `examples`, `cells` and `kept` correspond."""

    examples: Examples
    cells: list[SymmetricCell]
    kept: NDArray[np.int64]  # places among the crystals that were handed over, ascending

    def isolated(self, n_crystals: int) -> list[int]:
        """The places of the crystals that have an atom without a neighbour."""
        return np.setdiff1d(np.arange(n_crystals), self.kept).tolist()  # type: ignore[no-any-return]


def featurise(crystals: Sequence[Crystal], needs: Needs) -> Featurised:
    """Symmetrise crystals and compute what a model needs of each.

    Each step runs for all crystals before the next one starts, since going to and fro between the libraries takes half as
    long again. The result for a crystal does not depend on the others.

    Args:
        crystals: as their source describes them, in any cell.
        needs: what the model reads. Slow descriptors among it are NaN.
    """
    return featurise_cells([symmetrise(crystal, needs.graph.symprec_A) for crystal in crystals], needs)


def featurise_cells(cells: Sequence[SymmetricCell], needs: Needs, slow: RowCache | None = None) -> Featurised:
    """The same for crystals that are symmetrised already.

    Args:
        cells: symmetrised crystals.
        needs: what the model reads.
        slow: where slow descriptors were stored; without it, or where it has none, they are NaN.
    """
    near = find_neighbours(cells, needs.graph)
    graphs = pack_graphs(near)
    kept_cells = [cells[k] for k in near.kept.tolist()]
    vectors = pack_vectors(near, needs.frames) if needs.directions and kept_cells else None
    rows = slow_rows(kept_cells, slow) if needs.descriptor_set is DescriptorSet.FULL else None
    described, atoms = describe(graphs, repeating(kept_cells), needs.graph, rows)
    return Featurised(Examples(graphs, described, vectors=vectors, repeated=atoms), kept_cells, near.kept)


def repeating(cells: Sequence[SymmetricCell]) -> dict[int, SymmetricCell]:
    """What cells repeat, small shifts of the atoms left aside, by the place of the cell; only of those that repeat something.

    A supercell whose atoms have moved a little is the same crystal, but the exact symmetry knows no translation of it. Numbers of
    atoms and orbits would be those of the supercell then.
    """
    small = ((place, nearly_primitive(cell, NEARLY_A)) for place, cell in enumerate(cells))
    return {place: found for place, found in small if found is not cells[place]}


def describe(
    graphs: CrystalGraphs, repeated: Mapping[int, SymmetricCell], settings: GraphSettings, slow: Rows | None = None
) -> tuple[Rows, NDArray[np.int64]]:
    """Descriptors (crystals, columns) and numbers of atoms (crystals,); a cell that repeats a smaller one has those of that one.

    Args:
        graphs: of the crystals.
        repeated: what `repeating` found among their cells.
        settings: of the graphs.
        slow: (crystals, slow columns) slow descriptors, to follow the fast ones; None: there are none.
    """
    fast, atoms = descriptors(graphs), graphs.n_atoms.astype(np.int64)
    if repeated:
        places, smaller = np.array(list(repeated)), list(repeated.values())
        atoms[places] = [len(cell.numbers) for cell in smaller]
        near = find_neighbours(smaller, settings)
        fast[places[near.kept]] = descriptors(pack_graphs(near))
    return fast if slow is None else np.concatenate([fast, slow], axis=1), atoms


def slow_rows(cells: Sequence[SymmetricCell], slow: RowCache | None) -> Rows:
    """(cells, columns) the stored slow descriptors; NaN where there are none."""
    if slow is None:
        return np.full((len(cells), len(slow_descriptor_names())), np.nan, dtype=np.float32)
    return stored_slow_descriptors([slow_descriptor_key(cell) for cell in cells], slow)
