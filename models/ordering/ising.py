"""Signs on the sites of a cell as spins with learned couplings: their probabilities, and probes that settle into a pattern.

    E(s) = -1/2 sum_ij J_ij s_i s_j,    s_i = +-1,    J symmetric, without a diagonal,    P(s) = exp(-E(s)) / Z

With couplings that are equal for equivalent pairs E is invariant under the space group, and as it is even, under time reversal. A
probe u (n,) starts the sign field, which then follows the mean field of its neighbours while the gain rises:

    x <- u,    x <- g_t K tanh(x),    sigma = tanh(x),    K = (J + c 1) / (c + largest eigenvalue of J),  -c its lowest one

The diagonal c adds the same to all energies, but without it sites that are updated all at once would overshoot, and two patterns
alternate for ever; as K has no negative eigenvalue, at a constant gain they settle. Odd in u and without a bias:
sigma(-u) = -sigma(u). It commutes with every permutation that keeps J; only the probe breaks a symmetry.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

EXACT = 12  # spins; up to so many, all 2^(n-1) patterns are looked at


@lru_cache(maxsize=EXACT + 8)
def patterns(n: int) -> Tensor:
    """(2^(n-1), n) int8, every pattern of n signs once up to time reversal: the first sign is +; the first row is all +."""
    code = torch.arange(2 ** (n - 1))[:, None]
    bits = (code >> torch.arange(n - 1)) & 1
    return torch.cat([torch.ones(len(code), 1, dtype=torch.int8), (1 - 2 * bits).to(torch.int8)], dim=1)


def energy(coupling: Tensor, signs: Tensor) -> Tensor:
    """(..., m) of (..., n, n) couplings and (..., m, n) signs."""
    return -0.5 * ((signs @ coupling) * signs).sum(dim=-1)


def compensated(signs: Tensor, size: Tensor, tolerance: float) -> Tensor:
    """(b, m) whether the moments of patterns (b or 1, m, n) with sizes (b, n) add up to nothing, as in an antiferromagnet."""
    return (signs @ size[:, :, None])[:, :, 0].abs() <= tolerance * size.sum(dim=1, keepdim=True)


def log_likelihood(coupling: Tensor, signs: Tensor, size: Tensor, tolerance: float) -> Tensor:
    """(b,) log P of the signs (b, n) up to time reversal, among the patterns that are compensated if it is, or are not if not.

    Beyond EXACT spins the pseudo-likelihood (Besag 1975) stands in: sum_i log P(s_i | all others), with
    P(s_i | others) = sigmoid(2 s_i sum_j J_ij s_j).
    """
    n = signs.shape[1]
    if n > EXACT:
        return functional.logsigmoid(2.0 * signs * torch.einsum("bij,bj->bi", coupling, signs)).sum(dim=1)
    every = patterns(n).to(coupling.dtype)
    same = compensated(every[None], size, tolerance) == compensated(signs[:, None], size, tolerance)
    weights = (-energy(coupling, every)).masked_fill(~same, -torch.inf)
    return -energy(coupling, signs[:, None])[:, 0] - torch.logsumexp(weights, dim=1)


class SignField(nn.Module):
    """The settling of probes (the module's second formula); the gains are learned."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.log_gain = nn.Parameter(torch.linspace(math.log(1.2), math.log(5.0), steps))

    def forward(self, coupling: Tensor, probe: Tensor) -> Tensor:
        """(b, k, n) signs in [-1, 1] from (b, n, n) couplings and (b, k, n) probes."""
        values = torch.linalg.eigvalsh(coupling.detach().double()).to(coupling.dtype)
        shift = -values[:, 0]  # the trace is zero, so the lowest one is not positive
        scale = (values[:, -1] + shift).clamp(min=1e-6)
        pull = (coupling + torch.diag_embed(shift[:, None].expand_as(values))) / scale[:, None, None]
        x = probe
        for gain in self.log_gain.exp():
            x = gain * (torch.tanh(x) @ pull)
        return torch.tanh(x)
