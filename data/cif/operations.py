"""Whether the symmetry operations of a CIF are a group that gemmi applies in full."""

from __future__ import annotations

from functools import lru_cache

import gemmi
import numpy as np

_LARGEST = 16  # entry of a rotation matrix; beyond it the codes below would not fit into 64 bits
_IDENTITY = gemmi.Op("x,y,z")


def symmetry_fault(small: gemmi.SmallStructure) -> str | None:
    """What is wrong with the operations or the space group, in words; None where the cell can be filled.

    Gemmi keeps only the listed sites, without a word, where it cannot use the operations: a wrong structure.
    """
    listed = tuple(text for text in small.symops if text.strip(" ?."))
    if listed:
        return _fault(listed, small.spacegroup.hall if small.spacegroup else None, len(small.cell.images) + 1)
    return None if small.spacegroup else f"no symmetry operations, and no space group called {small.spacegroup_hm!r}"


@lru_cache(maxsize=4096)  # the same lists come again and again
def _fault(listed: tuple[str, ...], hall: str | None, applied: int) -> str | None:
    try:
        operations = {gemmi.Op(text).wrap() for text in listed}
    except (ValueError, RuntimeError) as fault:
        return f"a symmetry operation cannot be read: {str(fault)[:200]}"
    if hall is not None:
        usable = operations <= set(gemmi.symops_from_hall(hall))
    else:  # a group in an unusual setting: gemmi applies it as it is
        usable = applied == len(operations) and is_group(operations)
    return None if usable else "the symmetry operations are incomplete, repeated, no group or not that of the space group"


def is_group(operations: set[gemmi.Op]) -> bool:
    """Whether they hold the identity and all products, modulo lattice translations."""
    if _IDENTITY not in operations:
        return False
    rotations = np.array([op.rot for op in operations])
    if (rotations % gemmi.Op.DEN).any():
        return False
    rotations //= gemmi.Op.DEN
    largest = int(np.abs(rotations).max())  # 1 in standard settings, more in skewed cells
    if largest > _LARGEST:
        return False
    translations = np.array([op.tran for op in operations])
    products = rotations[:, None] @ rotations[None]
    shifts = (np.einsum("aij,bj->abi", rotations, translations) + translations[:, None]) % gemmi.Op.DEN
    whole = (np.abs(np.linalg.det(rotations)) > 0.5).all() and (np.abs(products) <= largest).all()
    return bool(whole and np.isin(_codes(products, shifts, largest), _codes(rotations, translations, largest)).all())


def _codes(rotations: np.ndarray, translations: np.ndarray, largest: int) -> np.ndarray:
    """One number for each operation."""
    digits = (rotations.reshape(*rotations.shape[:-2], 9) + largest) @ (2 * largest + 1) ** np.arange(9)
    codes: np.ndarray = digits * gemmi.Op.DEN**3 + translations @ gemmi.Op.DEN ** np.arange(3)
    return codes
