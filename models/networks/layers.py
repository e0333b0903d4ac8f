"""Building blocks shared by the graph networks."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

MEAN_NEIGHBOURS = 16.0  # of a crystal graph; keeps sums over neighbours near one
N_ELEMENTS = 104  # rows of an element embedding, by atomic number; row 0 stays unused


class GaussianBasis(nn.Module):
    """Distances (edges,) in Å to smooth bins: exp(-((d - d_c) / width)²), centres evenly over [low, high]."""

    centres: Tensor

    def __init__(self, low: float, high: float, count: int, width: float) -> None:
        super().__init__()
        self.register_buffer("centres", torch.linspace(low, high, count))
        self.width = width

    def forward(self, distance: Tensor) -> Tensor:
        steps = (distance[:, None] - self.centres) / self.width
        return torch.exp(-(steps * steps).clamp(max=30.0))  # far tails as subnormal numbers would slow a CPU tenfold

    def shared(self, distance: Tensor, known: list[tuple[Tensor, float, Tensor]]) -> Tensor:
        """`forward`, once for all the networks that read one batch.

        Args:
            distance: (edges,) Å, of the batch.
            known: (centres, width, features) of the bases that were asked of this batch; a new one is added.
        """
        for centres, width, features in known:
            if width == self.width and torch.equal(centres, self.centres):
                return features
        known.append((self.centres, self.width, self(distance)))
        return known[-1][2]


class SiLU(nn.Module):
    """SiLU of what nothing else reads; see `silu`."""

    def forward(self, x: Tensor) -> Tensor:
        return silu(x)


def silu(x: Tensor) -> Tensor:
    """SiLU of a tensor that nothing else reads: in its place where no gradient is wanted."""
    return functional.silu(x, inplace=not torch.is_grad_enabled())


def times(x: Tensor, factor: Tensor) -> Tensor:
    """x times a factor, for an x that nothing else reads: in its place where no gradient is wanted."""
    return x * factor if torch.is_grad_enabled() else x.mul_(factor)


def squares(vectors: Tensor) -> Tensor:
    """(n, 3, ...) vectors to (n, ...) squared lengths; forty times as fast as a norm over so short a dimension."""
    x, y, z = vectors.unbind(dim=1)
    return x * x + y * y + z * z


def pick(rows: Tensor, index: Tensor) -> Tensor:
    """rows[index]; the embedding look-up has the fastest backward pass on a CPU (4.5 times indexing, measured)."""
    return functional.embedding(index, rows)


def weighted_sum(values: Tensor, weight: Tensor, index: Tensor, size: int) -> Tensor:
    """(size, width) sum over the rows of each index, each row times its weight.

    Torch's own operation, which torch_geometric's `scatter` calls: importing that package takes two seconds of each command.
    Without gradients, and where the index ascends as it does in a batch, the weighted sums of an embedding look-up are the same
    in a third of the time.
    """
    if not torch.is_grad_enabled() and len(index) and bool((index[1:] >= index[:-1]).all()):
        first = torch.searchsorted(index, torch.arange(size, device=index.device))
        every = torch.arange(len(values), device=index.device)
        return functional.embedding_bag(every, values, first, mode="sum", per_sample_weights=weight)
    weighted = values * weight[:, None]
    return weighted.new_zeros(size, values.shape[1]).scatter_add_(0, index[:, None].expand_as(weighted), weighted)


def softmax_within(score: Tensor, index: Tensor, size: int) -> Tensor:
    """(items,) softmax of the scores among the items of each index, by torch_geometric's formula; `size` indices."""
    highest = score.new_zeros(size).scatter_reduce_(0, index, score.detach(), reduce="amax", include_self=False)
    share = (score - highest.index_select(0, index)).exp()
    total = score.new_zeros(size).scatter_add_(0, index, share) + 1e-16
    return share / total.index_select(0, index)


def mlp(*widths: int, activation: type[nn.Module] = SiLU) -> nn.Sequential:
    """Linear layers with the activation between them, not after the last one."""
    layers: list[nn.Module] = []
    for k, (a, b) in enumerate(itertools.pairwise(widths)):
        layers += [activation()] if k else []
        layers.append(nn.Linear(a, b))
    return nn.Sequential(*layers)
