"""What a VASP calculation does with the 4f electrons of each lanthanoid, and which potentials there are to choose from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.elements import HUND
from pipeline.export.potentials import lanthanoid_core

HALF_FILLED = 63  # Eu, divalent: from here on the total moment is parallel to the spin, before it antiparallel


@dataclass(frozen=True)
class FourF:
    """One lanthanoid with an open 4f shell, and its states in a calculation."""

    element: str
    chosen: str  # the potential of the written input
    frozen: str  # the potential with 4f electrons in the core
    valence: str  # the potential with all 4f electrons as valence electrons; VASP has one of each under the bare symbol
    ion_moment_muB: float  # g J of the free ion (trivalent; Eu divalent)

    @property
    def in_core(self) -> bool:
        """Whether the written input freezes the 4f electrons."""
        return self.chosen == self.frozen

    @property
    def hidden_moment_muB(self) -> float:
        """What the potential with 4f electrons in the core hides: g J, or 0 where its ion, divalent Yb, has a full shell."""
        return 0.0 if self.frozen == "Yb_2" else self.ion_moment_muB

    @property
    def beside_3d(self) -> str:
        """How the total 4f moment stands to the moment of a 3d metal: the spins couple antiparallel."""
        return "parallel" if LANTHANOID_NUMBER[self.element] < HALF_FILLED else "antiparallel"

    def facts(self) -> dict[str, object]:
        """For a summary in JSON."""
        return {
            "element": self.element, "potential": self.chosen, "frozen_potential": self.frozen,
            "valence_potential": self.valence, "frozen": self.in_core, "free_ion_moment_muB": self.ion_moment_muB,
            "hidden_by_frozen_muB": self.hidden_moment_muB,
        }  # fmt: skip


LANTHANOID_NUMBER = {symbol(z): z for z in HUND}


def four_f_states(numbers: NDArray[np.int64]) -> tuple[FourF, ...]:
    """The lanthanoids among these elements that have an open 4f shell as a free ion (Ce to Yb), lightest first."""
    from pymatgen.io.vasp.sets import MPStaticSet

    chosen = MPStaticSet.CONFIG["POTCAR"]
    present = [z for z in sorted(set(numbers.tolist())) if z in HUND]
    return tuple(
        FourF(symbol(z), str(chosen[symbol(z)]), lanthanoid_core(symbol(z)), symbol(z), _free_ion(z))
        for z in present
    )


def _free_ion(z: int) -> float:
    """g J in µB of Hund's ground state (trivalent; Eu divalent, as in `HUND`)."""
    s, l, j = HUND[z]  # noqa: E741
    lande = 1.0 + (j * (j + 1) + s * (s + 1) - l * (l + 1)) / (2 * j * (j + 1))
    return round(lande * j, 2)
