"""The magnetic sublattices of a disordered salt are those of its average.

An approximant has lost the symmetry of the average: where oxygen is missing at random, a perovskite has cobalt on fivefold and on
sixfold places, which are no sublattices. What is on equivalent places of the average is not opposed to itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.disordered import Occupants
from data.symmetry import NEARLY_A, SymmetricCell, alike
from pipeline.disorder.averaged_cell import AveragedCell
from pipeline.magnetism.ferrimagnet import is_anion, typical_sizes

_DIGITS = 2  # of the occupancies of magnetic ions


def salt_sublattices(cell: AveragedCell) -> NDArray[np.int64]:
    """(orbits of the average,) equal numbers for those that are equivalent to 0.1 Å where all cations without a moment count as
    one element, and vacant anions as occupied, as in `pipeline.magnetism.ferrimagnet`."""
    keys = [_magnetic(occupants) for occupants in cell.occupants]
    kinds = np.array([sorted(set(keys)).index(key) for key in keys], dtype=np.int64)[cell.orbit]
    average = SymmetricCell(cell.lattice, cell.frac, kinds, cell.orbit, 1, False)
    joined = alike(average, kinds + 1, NEARLY_A)
    return joined[average.representatives]


def _magnetic(occupants: Occupants) -> tuple[tuple[int, float], ...]:
    """What decides on the exchange: magnetic ions with their occupancies, and anions."""
    sizes, anion = typical_sizes(True), is_anion()
    ions = [(s.number, round(s.occupancy, _DIGITS)) for s in occupants if sizes[s.number] > 0]
    return (*ions, *((s.number, 1.0) for s in occupants if anion[s.number]))
