"""All collinear configurations of a few spins."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

EXACT = 12  # spins; up to so many, all 2^(n-1) configurations are looked at


@lru_cache(maxsize=EXACT + 8)
def spin_configurations(n: int) -> Tensor:
    """(2^(n-1), n) int8, every configuration of n signs once up to time reversal: the first sign is +; the first row is all +."""
    code = torch.arange(2 ** (n - 1))[:, None]
    bits = (code >> torch.arange(n - 1)) & 1
    return torch.cat([torch.ones(len(code), 1, dtype=torch.int8), (1 - 2 * bits).to(torch.int8)], dim=1)
