"""Labelled rows: described as `screen` and `predict` describe the same crystals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.labels import Label
from data.snapshot import publish_snapshot
from data.sources import Record
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.featurise import Needs, featurise
from pipeline.ops.progress import Quiet
from pipeline.settings import Settings
from pipeline.training import dataset
from pipeline.training.dataset import labelled_examples
from tests.contract.crystals import of_space_group
from tests.data.memory_source import MemorySource


def moved(structure: Structure) -> Structure:
    supercell = structure.get_primitive_structure() * (2, 2, 2)
    supercell.perturb(0.02, seed=1)
    return supercell


@pytest.mark.parametrize("at_once", [1, 2, 1024])
def test_a_supercell_with_moved_atoms_is_described_as_when_it_is_predicted(
    tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, labelled rows had the atoms and orbits of the supercell, and predicted crystals those of the small cell."""
    monkeypatch.setattr(dataset, "CRYSTALS_PER_TASK", at_once)
    iron = of_space_group("Im-3m", Lattice.cubic(2.866), ["Fe"], [[0, 0, 0]])
    nickel = of_space_group("Fm-3m", Lattice.cubic(3.52), ["Ni"], [[0, 0, 0]])
    kept = {"iron": iron, "moved": moved(iron), "nickel": nickel, "moved nickel": moved(nickel)}
    crystals = [Crystal.from_pymatgen(structure, name) for name, structure in kept.items()]
    labels = [Label(1.0 * crystal.n_sites, provenance="made up") for crystal in crystals]
    records = [Record(crystal, "memory", label) for crystal, label in zip(crystals, labels, strict=True)]
    # without a label there is no row: those that follow keep their places
    records.insert(1, Record(Crystal.from_pymatgen(moved(iron), "unlabelled"), "memory"))
    where, needs = Settings(home=tmp_path, workers=1), Needs()
    snapshot = publish_snapshot(where.snapshots, MemorySource(tuple(records)))
    found = labelled_examples(snapshot, needs.graph, DescriptorSet.FAST, False, where, Quiet())
    assert found.table["material_id"].to_pylist() == list(kept)
    said = featurise(crystals, needs).examples
    np.testing.assert_array_equal(found.examples.descriptors, said.descriptors)
    assert found.examples.n_atoms.tolist() == said.n_atoms.tolist() == [1, 1, 1, 1]
    assert found.examples.graphs.n_atoms.tolist() == [1, 8, 1, 8], "the networks read every atom"
