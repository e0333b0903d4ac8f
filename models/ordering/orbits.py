"""Right up to symmetry: what "the same ordering" means, and the loss that knows it (arXiv 2312.09016).

Without spin-orbit coupling the operations of a crystal only permute its collinear moments, and time reversal turns them all
round. So the group is {permutations} x {1, theta} with theta s = -s, and all patterns of one orbit under it are one answer.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]


def orbit_minimum(said: Tensor, truth: Tensor, permutations: Tensor) -> Tensor:
    """(..., k) mean squared error of k answers to the nearest image of the truth.

        min over g and the sign of  mean_i (said_i -+ truth_{g(i)})² = <said²> + <truth²> - 2 max_g |<said truth_g>|

    Args:
        said: (..., k, n) answers.
        truth: (..., n), in the same unit.
        permutations: (..., g, n) int64, a group; rows may occur more than once.
    """
    images = torch.gather(truth[..., None, :].expand(*permutations.shape), -1, permutations)
    overlap = (said @ images.transpose(-1, -2)).abs().amax(dim=-1) / truth.shape[-1]
    return (said * said).mean(dim=-1) + (truth * truth).mean(dim=-1)[..., None] - 2.0 * overlap


def equal_up_to_group(one: NDArray[np.float64], other: NDArray[np.float64], permutations: Ints, where: NDArray[np.bool_]) -> bool:
    """Whether some image of `one` has the signs of `other` on the sites `where`.

    Args:
        one, other: (n,) numbers of which only the signs count.
        permutations: (g, n).
    """
    images = np.sign(one)[permutations][:, where]
    wanted = np.sign(other)[where]
    return bool(((images == wanted).all(axis=1) | (images == -wanted).all(axis=1)).any())


def orbit_names(signs: NDArray[np.int8], permutations: Ints) -> Ints:
    """(m,) equal numbers for patterns (m, n) of +-1 that are images of each other; the number is the orbit's first pattern.

    A pattern is named by the smallest of its images, read as a binary number, so the names do not depend on the patterns' order.
    """
    m, n = signs.shape
    smallest = np.full(m, np.iinfo(np.uint64).max, dtype=np.uint64)
    if n > 64:
        return _slow_names(signs, permutations)
    bits = (signs > 0).astype(np.uint64)
    place = np.uint64(1) << np.arange(n, dtype=np.uint64)
    every = place.sum(dtype=np.uint64)
    for row in permutations:
        value = bits[:, row] @ place
        smallest = np.minimum(smallest, np.minimum(value, every - value))
    _, first, inverse = np.unique(smallest, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _slow_names(signs: NDArray[np.int8], permutations: Ints) -> Ints:
    """The same for patterns too long for a machine word."""
    seen: dict[bytes, int] = {}
    out = np.empty(len(signs), dtype=np.int64)
    for k, row in enumerate((signs > 0).astype(np.uint8)):
        images = row[permutations]
        name = min(r.tobytes() for r in np.concatenate([images, 1 - images]))
        out[k] = seen.setdefault(name, k)
    return out
