"""Linear maps between functions on the cells of a 2×2×2 supercell that commute with a group of the cells (arXiv 2211.15420).

The matrix of such a map has one free weight for each orbit of pairs of cells (models/graphs/cell_orbits.py), per pair of
channels; its bias has one for each orbit of cells, which is a single one as the translations reach them all.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.graphs.cell_orbits import N_CELLS
from models.networks.layers import mlp


class CellLinear(nn.Module):
    """(..., cells, channels in) to (..., cells, channels out), commuting with every permutation that keeps the orbits."""

    orbits: Tensor

    def __init__(self, orbits: NDArray[np.int64], channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.register_buffer("orbits", torch.from_numpy(orbits))
        kinds = int(orbits.max()) + 1
        scale = 1.0 / math.sqrt(channels_in * N_CELLS)
        self.weight = nn.Parameter(torch.empty(kinds, channels_in, channels_out).uniform_(-scale, scale))
        self.bias = nn.Parameter(torch.zeros(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = torch.einsum("pqio,...qi->...po", self.weight[self.orbits], x) + self.bias
        return y


class CellNetwork(nn.Module):
    """Functions on the cells to functions on the cells: the paper's stack, for decorated supercells of one-atom crystals.

    break_symmetry appends each cell's own one-hot to its features: then the network may tell cells apart that the lattice does
    not, which a pattern of lower symmetry than the input (an antiferromagnet's) needs, and is no longer equivariant.
    """

    def __init__(
        self, orbits: NDArray[np.int64], channels: int, width: int, layers: int, out: int, break_symmetry: bool = False
    ) -> None:
        super().__init__()
        self.break_symmetry = break_symmetry
        widths = [channels + N_CELLS * break_symmetry, *([width] * layers)]
        self.maps = nn.ModuleList(CellLinear(orbits, a, b) for a, b in itertools.pairwise(widths))
        self.out = mlp(width, width, out)

    def forward(self, x: Tensor) -> Tensor:
        if self.break_symmetry:
            names = torch.eye(N_CELLS, dtype=x.dtype).expand(*x.shape[:-1], N_CELLS)
            x = torch.cat([x, names], dim=-1)
        for linear in self.maps:
            x = functional.silu(linear(x))
        y: Tensor = self.out(x)
        return y
