"""Crystals to what the models read: in one place, and the same as step by step."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice

from data.crystal import Crystal, make_crystal
from data.sources import Record
from data.sources.starter import StarterSource
from data.symmetry import symmetrise
from models.contract import ModelError
from models.published.canonicalization import Canonical
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names, descriptors
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.features.packed_cells import PackedCells
from pipeline.features.slow_descriptors import slow_descriptor_names
from pipeline.features.vectors import build_vectors
from pipeline.featurise import Needs, featurise
from pipeline.uncertainty.integer_moments import electron_parity
from tests.contract.crystals import of_space_group


@pytest.fixture(scope="module")
def crystals() -> list[Crystal]:
    source = StarterSource()
    found = [item.crystal for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)]
    isolated = make_crystal("far", np.eye(3) * 40.0, [[0, 0, 0]], [26])  # nothing within 16 Å
    return [found[0], isolated, *found[1:12]]


def test_each_part_is_that_of_its_own_step(crystals: list[Crystal]) -> None:
    read = featurise(crystals, Needs(directions=True, frames=True))
    assert read.kept.tolist() == [0, *range(2, 13)] and read.isolated(len(crystals)) == [1]
    cells = [symmetrise(crystals[k]) for k in read.kept]
    graphs, _ = build_graphs(cells, GraphSettings())
    for name, values in graphs.arrays().items():
        np.testing.assert_array_equal(read.examples.graphs.arrays()[name], values, err_msg=name)
    np.testing.assert_array_equal(read.examples.descriptors, descriptors(graphs))
    assert read.examples.vectors is not None
    for name, values in build_vectors(cells, GraphSettings()).arrays().items():
        np.testing.assert_array_equal(read.examples.vectors.arrays()[name], values, err_msg=name)


def test_directions_and_slow_descriptors_only_where_they_are_needed(crystals: list[Crystal]) -> None:
    fast, full = featurise(crystals, Needs()).examples, featurise(crystals, Needs(descriptor_set=DescriptorSet.FULL)).examples
    assert fast.vectors is None
    directed = featurise(crystals, Needs(directions=True)).examples
    assert directed.vectors is not None and len(directed.vectors.edge_vector) and directed.vectors.frame_ptr[-1] == 0
    with pytest.raises(ModelError, match="candidate frames"):
        Canonical().predict(directed)  # and not some number without them
    extra = full.descriptors[:, fast.descriptors.shape[1] :]
    assert extra.shape[1] == len(slow_descriptor_names()) and np.isnan(extra).all()


def test_packed_cells_come_back_as_they_were(crystals: list[Crystal]) -> None:
    cells = [symmetrise(crystal) for crystal in crystals]
    packed = PackedCells.of(cells)
    assert len(packed) == len(cells)
    for k, cell in enumerate(cells):
        back = packed[k]
        assert (back.space_group, back.exact, back.hall) == (cell.space_group, cell.exact, cell.hall)
        for name in ("lattice", "frac", "numbers", "orbit"):
            np.testing.assert_array_equal(getattr(back, name), getattr(cell, name))


@pytest.mark.parametrize("descriptor_set", DescriptorSet)
def test_no_crystal_has_no_rows(descriptor_set: DescriptorSet) -> None:
    """A shard whose every file is rejected is read like any other."""
    some = featurise([make_crystal("iron", np.eye(3) * 2.8, [[0, 0, 0]], [26])], Needs(descriptor_set=descriptor_set)).examples
    none = featurise([], Needs(descriptor_set=descriptor_set, directions=True)).examples
    assert none.descriptors.shape == (0, some.descriptors.shape[1])


@pytest.mark.parametrize("fault", ["none", "vacancy"])
def test_a_supercell_with_moved_atoms_has_the_atoms_and_symmetry_of_its_primitive_cell(fault: str) -> None:
    """Before, each of 64 atoms counted, so that the crystal was out of the domain of training and its interval twice as wide."""
    iron = of_space_group("Im-3m", Lattice.cubic(2.866), ["Fe"], [[0, 0, 0]])
    supercell = iron.get_primitive_structure() * (4, 4, 4)
    supercell.perturb(0.02, seed=1)
    if fault == "vacancy":
        supercell.remove_sites([5])
    read = featurise([Crystal.from_pymatgen(one, "x") for one in (iron, supercell)], Needs()).examples
    assert read.graphs.n_atoms.tolist() == [1, len(supercell)], "the networks read every atom"
    assert read.n_atoms.tolist() == read.take(np.arange(2)).n_atoms.tolist() == [1, 1 if fault == "none" else len(supercell)]
    columns = [descriptor_names().index(name) for name in ("atoms in the primitive cell", "orbits", "space group")]
    assert read.descriptors[0, columns].tolist() == [1, 1, 229]
    assert (read.descriptors[1, columns] == read.descriptors[0, columns]).all() == (fault == "none")
    assert electron_parity(read).tolist() == [0, 0]
