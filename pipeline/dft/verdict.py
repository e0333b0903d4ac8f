"""The verdict on a candidate's ferromagnet, from its calculations.

The final states of the calculations are compared, not the initial ones. A calculation that started antiparallel and ended
ferromagnetic counts as a ferromagnet; its initial ordering is not even metastable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from data.calculation import SAME_ENERGY_EV, Calculation, Ended, Status


class Word(StrEnum):
    """Whether the ferromagnet is the lowest of the competing orderings."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """The verdict and its reason."""

    word: Word
    why: str


def verdict_of(found: Mapping[str, Calculation | None], less_likely: Sequence[str] = ()) -> Verdict:
    """The verdict on one candidate.

    "confirmed" needs the results of all orderings in `found`, and says which others there are. Where all of them end
    ferromagnetic, nothing was compared, so that none may be left out. "refuted" needs only one ordering that is lower, because a
    further calculation can only lower the ground state.

    Args:
        found: the calculation of each competing ordering by name, the ferromagnet `fm` included; None: not calculated.
        less_likely: names of further competing orderings, which were not asked for.
    """
    done = {name: calculation for name, calculation in found.items() if calculation is not None and calculation.done}
    parallel = {name: c for name, c in done.items() if c.ended is Ended.FERROMAGNET}
    others = {name: c for name, c in done.items() if name not in parallel}
    missing = {name: c for name, c in found.items() if name not in done}
    if not parallel:
        if "fm" in done and not missing:
            return Verdict(Word.REFUTED, "no calculation ends with parallel moments")
        return Verdict(Word.UNDECIDED, _lacking(missing) if missing else "nothing was calculated")
    best = min(c.energy_per_atom for c in parallel.values())
    rivals = {name: c.energy_per_atom - best for name, c in others.items()}
    lowest = min(rivals, key=rivals.__getitem__, default=None)
    if lowest is not None and rivals[lowest] < -SAME_ENERGY_EV:
        left = f"{others[lowest].ended}, {others[lowest].moment_per_atom:.2f} µB/atom"
        return Verdict(Word.REFUTED, f"{lowest} ({left}) is {-1000 * rivals[lowest]:.1f} meV/atom lower")
    if missing:
        so_far = "" if lowest is None else f"; of the others {_comparison(lowest, rivals[lowest], others[lowest])}"
        return Verdict(Word.UNDECIDED, _lacking(missing) + so_far)
    left_out = f"; without {len(less_likely)} less likely orderings: {', '.join(less_likely)}" if less_likely else ""
    if lowest is None:
        return Verdict(Word.UNDECIDED if less_likely else Word.CONFIRMED, f"every ordering ends ferromagnetic{left_out}")
    compared = _comparison(lowest, rivals[lowest], others[lowest])
    if rivals[lowest] <= SAME_ENERGY_EV:
        return Verdict(Word.UNDECIDED, compared)
    return Verdict(Word.CONFIRMED, f"{compared}{left_out}")


def _comparison(name: str, above_eV: float, rival: Calculation) -> str:
    """The ferromagnet and its lowest rival, which is not lower, in words."""
    if above_eV <= SAME_ENERGY_EV:
        return f"{name} is as low as the ferromagnet, within {1000 * SAME_ENERGY_EV:g} meV/atom"
    return f"the ferromagnet is {1000 * above_eV:.1f} meV/atom below the next, {name} ({rival.ended})"


def _lacking(missing: Mapping[str, Calculation | None]) -> str:
    said = [f"{name} ({_state(calculation)})" for name, calculation in missing.items()]
    return f"no result of {', '.join(said)}"


def _state(calculation: Calculation | None) -> str:
    return "not calculated" if calculation is None else str(Status(calculation.outcome.status))
