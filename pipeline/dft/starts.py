"""The size of the moments that a calculation starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# µB; what these elements carry in metals, and what the starter set started from. The high-spin moments of an export are made for
# codes that find their way down in long relaxations; from nearer by, fewer steps lead to the same state.
METALLIC = {22: 0.3, 23: 0.8, 24: 2.0, 25: 3.2, 26: 2.5, 27: 1.7, 28: 0.7, 44: 0.4, 45: 0.3, 46: 0.2, 78: 0.2}


def metallic(numbers: NDArray[np.int64], moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the moments (n,) of an ordering with their signs and zeros, in the sizes above where the element is listed."""
    sizes = np.array([METALLIC.get(z, abs(m)) for z, m in zip(numbers.tolist(), moments.tolist(), strict=True)])
    return np.asarray(np.sign(moments) * sizes + 0.0)  # no -0.0, which would be another key
