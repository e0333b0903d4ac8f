"""The moments that a calculation starts from.

Sizes are those of pymatgen (``pymatgen/analysis/magnetism/default_magmoms.yaml``: mostly the high-spin values of the Materials
Project, so that a calculation can find its way down); the actinides that it leaves out start from 3 µB (5f³).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol

# What carries an ordering: the local moments of V to Ni, of the lanthanoids with an open shell and of the light actinides. Only
# where a crystal has none of them, metals that are magnetic now and then.
STRONG = frozenset({23, 24, 25, 26, 27, 28, *range(58, 71), 92, 93, 94, 95})
WEAK = frozenset({22, 29, 42, 44, 45, 46, 74, 76, 77})
ACTINIDE_MUB = 3.0
LEAST_MUB = 1.0  # Quantum ESPRESSO takes a smaller number for a share of the valence electrons; also where pymatgen has none


def start_moments(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) size in µB of the moment that each site starts from; 0 on sites that carry none, if there are others."""
    present = set(numbers.tolist())
    carriers = present & STRONG or present & WEAK or present
    return np.array([_size(z) if z in carriers else 0.0 for z in numbers.tolist()])


@lru_cache(maxsize=128)
def _size(z: int) -> float:
    from pymatgen.analysis.magnetism.analyzer import DEFAULT_MAGMOMS

    return max(float(DEFAULT_MAGMOMS.get(symbol(z), ACTINIDE_MUB if z > 88 else LEAST_MUB)), LEAST_MUB)
