"""Frames turn with their input, and say so where there is none (METHODS: learned canonicalization)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.graphs.frames import SIGNED_PERMUTATIONS, DegenerateFrame, VectorFrame, VectorLinear, gram_schmidt, triads

EXACT = 1e-10  # float64


def orthogonal(seed: int, handedness: int) -> Tensor:
    q = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))[0]
    return q * torch.tensor([1.0, 1.0, handedness * float(torch.sign(torch.linalg.det(q)))])


def cloud(seed: int) -> Tensor:
    """(sets, points, 3, channels)"""
    return torch.randn(6, 5, 3, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def turned(x: Tensor, q: Tensor) -> Tensor:
    return torch.einsum("ij,...jc->...ic", q, x)


@pytest.mark.parametrize("handedness", [1, -1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_frame_turns_and_what_it_shows_stays(seed: int, handedness: int) -> None:
    torch.manual_seed(seed)
    network, x, q = VectorFrame(channels=2).double(), cloud(seed), orthogonal(seed + 10, handedness)
    frame, other = network(x), network(turned(x, q))
    assert (other - frame @ q.T).abs().max() < EXACT
    seen = torch.einsum("sij,spjc->spic", frame, x)
    assert (torch.einsum("sij,spjc->spic", other, turned(x, q)) - seen).abs().max() < EXACT
    assert (frame @ frame.transpose(1, 2) - torch.eye(3)).abs().max() < EXACT


def test_the_frame_does_not_ask_for_the_order_of_points() -> None:
    torch.manual_seed(0)
    network, x = VectorFrame(channels=2).double(), cloud(0)
    assert (network(x[:, [3, 1, 4, 0, 2]]) - network(x)).abs().max() < EXACT


class Biased(nn.Module):
    """The mistake: a linear layer on the components of vectors that adds a constant to each."""

    def __init__(self, layer: VectorLinear) -> None:
        super().__init__()
        self.layer = layer
        self.bias = nn.Parameter(torch.randn(layer.own.out_features, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x) + self.bias
        return y


def test_a_bias_on_vectors_breaks_it() -> None:
    torch.manual_seed(0)
    network, x, q = VectorFrame(channels=2).double(), cloud(0), orthogonal(3, 1)
    for name, layer in list(network.layers.named_children()):
        if isinstance(layer, VectorLinear):
            network.layers[int(name)] = Biased(layer)
    assert (network(turned(x, q)) - network(x) @ q.T).abs().max() > 0.1


@pytest.mark.parametrize("case", ["zero", "parallel", "in a plane"])
def test_vectors_without_a_frame_are_refused(case: str) -> None:
    vectors = {
        "zero": torch.zeros(3, 3),
        "parallel": torch.tensor([[1.0, 2, 3], [2, 4, 6], [0, 1, 0]]),
        "in a plane": torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]]),
    }[case]
    with pytest.raises(DegenerateFrame):
        gram_schmidt(torch.stack([torch.eye(3), vectors]))


def test_points_with_inversion_have_no_pooled_frame() -> None:
    torch.manual_seed(0)
    half = cloud(1)
    with pytest.raises(DegenerateFrame):
        VectorFrame(channels=2).double()(torch.cat([half, -half], dim=1))


def test_triads_are_right_handed_and_along_their_vectors() -> None:
    first, second = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    frame = triads(first, second)
    assert (torch.linalg.det(frame) - 1).abs().max() < EXACT
    assert (frame[:, 0] - first / first.norm(dim=1, keepdim=True)).abs().max() < EXACT
    assert ((frame[:, 2] * second).sum(dim=1)).abs().max() < EXACT


def test_signed_permutations_are_the_group_of_the_cube() -> None:
    group = torch.from_numpy(SIGNED_PERMUTATIONS)
    assert len({tuple(g.flatten().tolist()) for g in group}) == 48
    products = (group[:, None] @ group[None]).reshape(-1, 9)
    assert {tuple(p.tolist()) for p in products} == {tuple(g.flatten().tolist()) for g in group}
