"""The fitted numbers of the net moment's mixture: reductions of 4f moments, what ferrimagnets keep, and how wide it is.

`python -m benchmarks.moment_calibration ../shared/data` fits them on measured moments and solved magnetic structures, tests them
by cross-validation over chemical systems and prints the table FITTED.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MomentConstants:
    """Ends are those of 90 % intervals.

    light_c, heavy_c: a light and a heavy rare-earth ion's moment over g_J·J beside d moments, whose exchange field works against
        the crystal field: lower end, middle, upper end.
    light_alone, heavy_alone: the same without d moments.
    several_alone: the same without d moments, of ions on inequivalent places: their moments lie along different axes.
    spin_c: the same of Gd and Eu 2+, with and without d moments.
    any_r: five r (net moment over parallel sum) of a ferrimagnet for which no rule holds; they count alike.
    rule_weight, rule_right: of the sublattice rule's r against any_r in the value and in the interval.
    ruled: least P(FiM | FM or FiM) where the sublattice rules oppose two sublattices.
    spread_metal, spread_salt: factors of the standard deviation of d moments.
    """

    light_c: tuple[float, float, float]
    heavy_c: tuple[float, float, float]
    light_alone: tuple[float, float, float]
    heavy_alone: tuple[float, float, float]
    several_alone: tuple[float, float, float]
    spin_c: tuple[float, float, float]
    any_r: tuple[float, float, float, float, float]
    rule_weight: float
    rule_right: float
    ruled: float
    spread_metal: float
    spread_salt: float


FITTED = MomentConstants(
    light_c=(0.0, 0.5, 1.0),
    heavy_c=(0.4, 0.9, 1.4),
    light_alone=(0.29, 0.69, 1.09),
    heavy_alone=(0.17, 0.76, 1.12),
    several_alone=(0.15, 0.39, 0.78),
    spin_c=(0.54, 1.0, 1.18),
    any_r=(0.05, 0.13, 0.33, 0.65, 0.93),
    rule_weight=0.85,
    rule_right=0.4,
    ruled=0.97,
    spread_metal=1.5,
    spread_salt=1.75,
)
