"""Measured mean moments of five binary alloys, with their sources and with what they were checked against.

The ends are values from tables: iron 2.217 and nickel 0.616 µB (Crangle and Goodman, Proc. R. Soc. A 321, 477, 1971). Everything
between was written from memory of the published curves, because no table of the papers could be opened: take it as +-UNSURE_MUB.
`reference` names the paper whose curve is meant, `check` what the numbers were held against; an alloy without a check is unsure.

Thermodynamic assessments state mean moments too, as polynomials fitted to measurements of magnetisation and heat capacity:
    Fe-Cr: Andersson and Sundman, Calphad 11, 83 (1987). Fe-Ni: Xing et al. (1985) in the database of Cr-Fe-Ni.
They were read in two public databases. Orbital parts follow Reck and Fry, Phys. Rev. 184, 492 (1969): about 4 % of the moment of
iron, 8 % of that of cobalt and nickel (from memory).
"""

from __future__ import annotations

from dataclasses import dataclass

FE, CO, NI, V, CR = 26, 27, 28, 23, 24
UNSURE_MUB = 0.05  # of a moment between the ends, as remembered from a curve
ORBITAL = {FE: 0.04, CO: 0.08, NI: 0.08}  # share of an element's measured moment; none of V and Cr


@dataclass(frozen=True)
class Assessment:
    """µB/atom of both elements, and coefficients of x1 x2 (x1 - x2)^k."""

    ends: tuple[float, float]
    mixed: tuple[float, ...]

    def at(self, share: float) -> float:
        """µB/atom at a share of the second element."""
        first, apart = 1.0 - share, 1.0 - 2.0 * share
        ideal = first * self.ends[0] + share * self.ends[1]
        return ideal + first * share * sum(c * apart**k for k, c in enumerate(self.mixed))


@dataclass(frozen=True)
class Alloy:
    """A system from the first element to `last` of the second, and its measured moments (µB/atom) by the second's share.

    Only compositions are listed at which the measured alloy is a single phase of this lattice, or was quenched as one.
    """

    name: str
    elements: tuple[int, int]
    lattice: str
    last: float
    measured: dict[float, float]
    reference: str
    check: str = ""
    assessment: Assessment | None = None

    def spin_part(self, share: float) -> float:
        """The measured moment without its orbital part, which a spin moment of DFT does not hold; µB/atom."""
        first, second = (ORBITAL.get(z, ORBITAL[FE]) for z in self.elements)
        return self.measured[share] * (1.0 - (1.0 - share) * first - share * second)


ALLOYS = (
    Alloy(
        "Fe-Co", (FE, CO), "bcc", 0.7,
        {0.0: 2.22, 0.1: 2.32, 0.2: 2.41, 0.3: 2.45, 0.4: 2.42, 0.5: 2.36, 0.6: 2.27, 0.7: 2.15},
        "Bardos, J. Appl. Phys. 40, 1371 (1969)",
        "a saturation of 1,950 kA/m (two public tables) is 2.47 µB/atom at 35 % Co",
    ),
    Alloy(
        "Ni-Fe", (NI, FE), "fcc", 0.6, {0.0: 0.62, 0.1: 0.83, 0.2: 1.05, 0.3: 1.27, 0.4: 1.48, 0.5: 1.68},
        "Crangle and Hallam, Proc. R. Soc. A 272, 119 (1963)", "assessment", Assessment((0.52, -2.1), (9.55, -7.23, 5.93, -6.18)),
    ),
    Alloy(
        "Ni-Co", (NI, CO), "fcc", 1.0, {0.0: 0.62, 0.2: 0.84, 0.4: 1.07, 0.6: 1.29, 0.8: 1.52, 1.0: 1.75},
        "Bozorth, Ferromagnetism (1951), chapter on cobalt-nickel",
    ),
    Alloy(
        "Fe-V", (FE, V), "bcc", 0.3, {0.0: 2.22, 0.05: 2.05, 0.1: 1.88, 0.2: 1.54, 0.3: 1.17},
        "Nevitt and Aldred, J. Appl. Phys. 34, 463 (1963)",
    ),
    Alloy(
        "Fe-Cr", (FE, CR), "bcc", 0.5, {0.0: 2.22, 0.05: 2.10, 0.1: 1.98, 0.2: 1.75, 0.3: 1.51, 0.5: 1.02},
        "Aldred, Phys. Rev. B 14, 219 (1976)", "assessment", Assessment((2.22, -0.008), (-0.85,)),
    ),
)  # fmt: skip
