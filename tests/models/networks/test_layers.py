"""The sums over neighbours, beside torch_geometric's: the same bits, gradients included."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import scatter, softmax

from models.networks.layers import softmax_within, weighted_sum

ITEMS, SIZE, WIDTH = 500, 40, 7


def drawn() -> tuple[Tensor, Tensor, Tensor]:
    """values, weights, and an index that leaves some places empty."""
    torch.manual_seed(0)
    return torch.randn(ITEMS, WIDTH), 5 * torch.randn(ITEMS), torch.randint(0, SIZE - 3, (ITEMS,))


def gradients(result: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad((result * torch.linspace(0, 1, result.numel()).view_as(result)).sum(), inputs))


def test_weighted_sum() -> None:
    values, weight, index = (one.requires_grad_() if one.is_floating_point() else one for one in drawn())
    ours = weighted_sum(values, weight, index, SIZE)
    theirs = scatter(values * weight[:, None], index, dim=0, dim_size=SIZE, reduce="sum")
    assert torch.equal(ours, theirs)
    for mine, other in zip(gradients(ours, values, weight), gradients(theirs, values, weight), strict=True):
        assert torch.equal(mine, other)


def test_softmax_within() -> None:
    _, score, index = drawn()
    score.requires_grad_()
    ours, theirs = softmax_within(score, index, SIZE), softmax(score, index, num_nodes=SIZE)
    assert torch.equal(ours, theirs)
    assert torch.equal(gradients(ours, score)[0], gradients(theirs, score)[0])
