"""Several vectors a node: equivariance for any number of them, on point sets as on crystals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.graphs.vector_graphs import VectorBatch
from models.networks.mcegnn import MCEGNN, ChannelConvolution, MCEGNNSettings
from models.published.nbody_channels import ChannelNBody
from tests.contract import crystals as made

RELATIVE = 1e-11  # of the outputs' own scale, float64, with weights far from their small start
NO_LENGTHS = float("inf")  # a unit of squared lengths in which the scalars see none


def perturbed(network: torch.nn.Module) -> torch.nn.Module:
    """In float64, with the vector updates as large as the rest."""
    network.double().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, ChannelConvolution):
            torch.nn.init.xavier_uniform_(module.mix[2].weight)
    return network


@pytest.mark.parametrize("handedness", [1, -1])
@pytest.mark.parametrize("channels", [1, 4, 8])
def test_point_sets_turn_shift_and_renumber(channels: int, handedness: int) -> None:
    torch.manual_seed(0)
    network = perturbed(ChannelNBody(channels))
    charge = torch.randint(0, 2, (6, 5, 1)).double() * 2 - 1
    x, v = torch.randn(2, 6, 5, 3, dtype=torch.float64)
    plain = network(charge, x, v)
    scale = plain.abs().max()
    assert (plain - x).abs().max() > 0.1, "nothing moves"
    turn = torch.from_numpy(made.random_rotation(channels, handedness))
    assert (network(charge, x @ turn.T + 7.0, v @ turn.T) - (plain @ turn.T + 7.0)).abs().max() < RELATIVE * (scale + 7)
    order = torch.tensor([3, 0, 4, 1, 2])
    assert (network(charge[:, order], x[:, order], v[:, order]) - plain[:, order]).abs().max() < RELATIVE * scale


def test_channels_carry_different_vectors() -> None:
    """Mixing across channels and never across x, y, z; but the channels are not copies of one another."""
    torch.manual_seed(0)
    network = perturbed(MCEGNN(MCEGNNSettings(channels=4)).network)
    examples = made.examples_of([made.hand_built()["MnSi"]])
    with torch.no_grad():
        said = network.vectors(VectorBatch.collate(examples.vectors, np.array([0]), torch.float64))
    assert torch.linalg.matrix_rank(said[0], rtol=1e-3) >= 1
    assert (said[:, :, 0] - said[:, :, 1]).abs().max() > 0.1 * said.abs().max()


def test_sites_of_inversion_symmetry_have_no_vector() -> None:
    torch.manual_seed(0)
    network = perturbed(MCEGNN().network)
    examples = made.examples_of([made.hand_built()[name] for name in ("Fe", "MnO")])
    with torch.no_grad():
        said = network.vectors(VectorBatch.collate(examples.vectors, np.arange(2), torch.float64))
    assert said.abs().max() < 1e-5  # float32 vectors of the neighbours


def test_norm_diff_bounds_the_update() -> None:
    """A near collision of eight channels moves a particle no farther than the messages say."""
    torch.manual_seed(0)
    layer = ChannelConvolution(8, (8, 8), 2).double().requires_grad_(False)
    bare = ChannelConvolution(8, (8, 8), 2, norm_diff=False).double().requires_grad_(False)
    bare.load_state_dict(layer.state_dict())
    h, edge = torch.randn(2, 8, dtype=torch.float64), torch.randn(2, 2, dtype=torch.float64)
    far = torch.full((2, 3, 8), 1e4, dtype=torch.float64)
    ends, mean = (torch.tensor([1, 0]), torch.tensor([0, 1])), torch.ones(2, dtype=torch.float64)
    bounded, free = (m(h, far, NO_LENGTHS, edge, *ends, mean, 1.0)[1].abs().max() for m in (layer, bare))
    assert bounded < 1e-3 * free
