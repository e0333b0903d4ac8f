"""CGCNN as its first implementation runs it, re-enacted from the paper's equations: the peer of benchmarks/engine.py.

pymatgen reads the CIF, `get_all_neighbors` finds the neighbours of every atom of the cell, the twelve nearest are kept and
padded with atom 0, edges are expanded in 41 Gaussians, and each convolution concatenates [v_i, v_j, u_ij] for every edge
(Xie and Grossman, Phys. Rev. Lett. 120, 145301, 2018).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

RADIUS_A, NEIGHBOURS, STEP_A = 8.0, 12, 0.2


@dataclass(frozen=True)
class FullCellGraph:
    """numbers (n,), neighbour index (n, 12), edge features (n, 12, 41)."""

    numbers: Tensor
    index: Tensor
    edge: Tensor


def graph_from_cif(text: str) -> FullCellGraph:
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structure = CifParser.from_str(text).parse_structures(primitive=False)[0]
        around = structure.get_all_neighbors(RADIUS_A, include_index=True)
    index = np.zeros((len(structure), NEIGHBOURS), dtype=np.int64)
    distance = np.full((len(structure), NEIGHBOURS), RADIUS_A + 1.0)
    for i, neighbours in enumerate(around):
        nearest = sorted(neighbours, key=lambda n: n[1])[:NEIGHBOURS]
        index[i, : len(nearest)] = [n[2] for n in nearest]
        distance[i, : len(nearest)] = [n[1] for n in nearest]
    centres = np.arange(0.0, RADIUS_A + STEP_A, STEP_A)
    edge = np.exp(-((distance[..., None] - centres) ** 2) / STEP_A**2)
    numbers = torch.tensor([site.specie.Z for site in structure])
    return FullCellGraph(numbers, torch.from_numpy(index), torch.from_numpy(edge).float())


class Convolution(nn.Module):
    def __init__(self, width: int, edge_width: int) -> None:
        super().__init__()
        self.full = nn.Linear(2 * width + edge_width, 2 * width)
        self.bn1, self.bn2 = nn.BatchNorm1d(2 * width), nn.BatchNorm1d(width)

    def forward(self, node: Tensor, edge: Tensor, index: Tensor) -> Tensor:
        n, m = index.shape
        z = self.full(torch.cat([node.unsqueeze(1).expand(n, m, -1), node[index], edge], dim=2))
        gate, core = self.bn1(z.view(n * m, -1)).view(n, m, -1).chunk(2, dim=2)
        summed = (torch.sigmoid(gate) * nn.functional.softplus(core)).sum(dim=1)
        return nn.functional.softplus(node + self.bn2(summed))


class ReferenceCGCNN(nn.Module):
    def __init__(self, width: int = 64, hidden: int = 128, layers: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Linear(92, width)
        self.convolutions = nn.ModuleList(Convolution(width, 41) for _ in range(layers))
        self.hidden = nn.Linear(width, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, graphs: list[FullCellGraph]) -> Tensor:
        sizes = [len(g.numbers) for g in graphs]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        index = torch.cat([g.index + int(s) for g, s in zip(graphs, starts, strict=True)])
        edge = torch.cat([g.edge for g in graphs])
        numbers = torch.cat([g.numbers for g in graphs]).clamp(max=92)
        node = self.embedding(nn.functional.one_hot(numbers - 1, 92).float())
        for convolution in self.convolutions:
            node = convolution(node, edge, index)
        pooled = torch.stack([part.mean(dim=0) for part in node.split(sizes)])
        said: Tensor = self.out(nn.functional.softplus(self.hidden(nn.functional.softplus(pooled)))).squeeze(1)
        return said
