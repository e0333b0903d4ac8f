"""Signs on the sites of a cell as spins with learned couplings: their probabilities, and probes that settle into a pattern.

    E(s) = -1/2 sum_ij J_ij s_i s_j,    s_i = +-1,    J symmetric, without a diagonal,    P(s) = exp(-E(s)) / Z

With couplings that are equal for equivalent pairs E is invariant under the space group, and as it is even, under time reversal. A
probe u (n,) starts the sign field, which then follows the mean field of its neighbours while the gain rises:

    x <- u,    x <- (1 - d) x + d g_t K tanh(x),    sigma = tanh(x),    K = J / scale

Odd in u and without a bias: sigma(-u) = -sigma(u). It commutes with every permutation that keeps J; only the probe breaks a
symmetry.
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


def log_likelihood(coupling: Tensor, signs: Tensor) -> Tensor:
    """(b,) log P of the signs (b, n) up to time reversal; beyond EXACT spins the pseudo-likelihood (Besag 1975) stands in.

    pseudo: sum_i log P(s_i | all others) = sum_i log sigmoid(2 s_i sum_j J_ij s_j)
    """
    n = signs.shape[1]
    if n > EXACT:
        return functional.logsigmoid(2.0 * signs * torch.einsum("bij,bj->bi", coupling, signs)).sum(dim=1)
    every = energy(coupling, patterns(n).to(coupling.dtype))
    return -energy(coupling, signs[:, None])[:, 0] - torch.logsumexp(-every, dim=1)


class SignField(nn.Module):
    """The settling of probes (the module's second formula); the gains are learned."""

    def __init__(self, steps: int, damping: float = 0.5) -> None:
        super().__init__()
        self.damping = damping
        self.log_gain = nn.Parameter(torch.linspace(math.log(1.5), math.log(8.0), steps))

    def forward(self, coupling: Tensor, probe: Tensor) -> Tensor:
        """(b, k, n) signs in [-1, 1] from (b, n, n) couplings and (b, k, n) probes."""
        scale = coupling.square().sum(dim=2).mean(dim=1).add(1e-12).sqrt()  # so that the gain means the same for every crystal
        pull = coupling / scale[:, None, None]
        x = probe
        for gain in self.log_gain.exp():
            x = (1.0 - self.damping) * x + self.damping * gain * (torch.tanh(x) @ pull)
        return torch.tanh(x)
