"""Antiferromagnets on known lattices: only networks that break the symmetry can say them."""

import numpy as np
import pytest
import torch

from models.published.spin_lattices import Field, experiment, ring
from pipeline.demos.spin_crystals import lattices

EQUAL, RIGHT, NEAR_GROUND = 1e-5, 0.9, 0.9


@pytest.mark.parametrize("name", list(lattices()))
def test_an_equivariant_network_gives_all_sites_of_a_lattice_the_same_sign(name: str) -> None:
    torch.manual_seed(0)
    lattice = lattices()[name]
    coupling, _ = lattice.draw(8, np.random.default_rng(0))
    with torch.no_grad():
        said = Field("equivariant", lattice)(coupling, torch.Generator().manual_seed(0))
    assert float((said.amax(dim=2) - said.amin(dim=2)).max()) < EQUAL


@pytest.mark.parametrize("kind", ["positional", "noise"])
def test_a_symmetry_breaking_network_learns_the_antiferromagnets_of_a_ring(kind: str) -> None:
    found = experiment(kind, ring(), seed=0, steps=150)
    assert found.right >= RIGHT > found.chance
    assert found.energy >= NEAR_GROUND


def test_an_equivariant_network_learns_none() -> None:
    found = experiment("equivariant", ring(), seed=0, steps=150)
    assert found.right <= found.chance
