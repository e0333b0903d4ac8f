"""Relaxed equivariance by sharing weights over a transversal only (Kaba and Ravanbakhsh, arXiv 2312.09016).

A group G permutes the entries of x; H = G_x are its elements that leave x as it is, T holds one element c of each coset c H. A
layer phi(x) = act(W x + b) commutes with G if rho'(g) W = W rho(g) and rho'(g) b = b for all g. Asked for c in T alone,

    rho'(c) W = W rho(c),    rho'(c) b = b    for c in T,

it is relaxed-equivariant: for g = c h, phi(g x) = phi(c x) = rho'(c) phi(x), and c lies in g H. So its answer is right up to a
symmetry that the input itself has, and it may be less symmetric than x wherever T generates less than G. Both representations
are permutations here, so that any activation commutes with them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Ints = NDArray[np.int64]
_ZERO = 1e-9  # a singular value below it is none


def matrices(permutations: Ints) -> NDArray[np.float64]:
    """(g, n, n) of permutations (g, n): the matrix of p takes e_i to e_p(i)."""
    return np.eye(permutations.shape[1])[permutations].transpose(0, 2, 1)


def stabiliser(permutations: Ints, x: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(g,) which of the permutations leave x (n,) as it is, to the last digit."""
    kept: NDArray[np.bool_] = (x[permutations] == x).all(axis=1)
    return kept


def transversal(permutations: Ints, inside: NDArray[np.bool_]) -> Ints:
    """(G/H,) one element of each coset c H of the subgroup `inside`, chosen so that they generate as little as they can.

    The choice is greedy: the identity, then of each coset the element that makes the generated group grow least.
    """
    subgroup = permutations[inside]
    chosen: list[int] = []
    generated = {tuple(range(permutations.shape[1]))}
    left = {tuple(row): k for k, row in enumerate(permutations.tolist())}
    while left:
        best = min(left, key=lambda p: (len(_closure(generated | {p})), left[p]))
        chosen.append(left[best])
        generated = _closure(generated | {best})
        for h in subgroup:
            left.pop(tuple(np.array(best)[h].tolist()), None)  # c h, h first
    return np.array(chosen)


def _closure(elements: set[tuple[int, ...]]) -> set[tuple[int, ...]]:
    """The group that some permutations generate."""
    found, new = set(elements), set(elements)
    while new:
        new = {tuple(a[k] for k in b) for a in found for b in elements} - found
        found |= new
    return found


def weight_basis(out_matrices: NDArray[np.float64], in_matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(d, m, n) orthonormal basis of all W with rho'(c) W = W rho(c) for every pair of matrices."""
    m, n = out_matrices.shape[1], in_matrices.shape[1]
    # row by row: vec(A W) = (A x 1) vec W, vec(W B) = (1 x B^T) vec W
    equations = [np.kron(a, np.eye(n)) - np.kron(np.eye(m), b.T) for a, b in zip(out_matrices, in_matrices, strict=True)]
    return _null_space(np.concatenate(equations)).reshape(-1, m, n)


def bias_basis(out_matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(d, m) orthonormal basis of all b with rho'(c) b = b."""
    return _null_space(np.concatenate([a - np.eye(len(a)) for a in out_matrices]))


def _null_space(equations: NDArray[np.float64]) -> NDArray[np.float64]:
    _, values, rows = np.linalg.svd(equations)
    rank = int((values > _ZERO).sum())
    return np.asarray(rows[rank:])


class SharedLinear(nn.Module):
    """act(W x + b) on (..., n), W and b from the bases: equivariant for the whole group, relaxed for a transversal."""

    weights: Tensor
    biases: Tensor

    def __init__(self, permutations: Ints) -> None:
        super().__init__()
        rho = matrices(permutations)
        self.register_buffer("weights", torch.from_numpy(weight_basis(rho, rho)))
        self.register_buffer("biases", torch.from_numpy(bias_basis(rho)))
        self.of_weight = nn.Parameter(torch.randn(len(self.weights), dtype=torch.float64))
        self.of_bias = nn.Parameter(torch.randn(len(self.biases), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.einsum("d,dmn->mn", self.of_weight, self.weights)
        return functional.silu(x @ weight.T + torch.einsum("d,dm->m", self.of_bias, self.biases))
