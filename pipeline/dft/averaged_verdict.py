"""The verdict on a disordered candidate, from those on its approximants.

Each approximant is calculated like a crystal of its own. The mean over them is weighted as the prediction is, by the share of
each in the atoms of the mean. The ferromagnet is confirmed, or refuted, where the approximants of that verdict hold more than
half of the atoms: whatever the others give, they cannot outweigh these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.dft.verdict import Verdict, Word
from pipeline.disorder.averaging import spread
from pipeline.export.chosen import Chosen

MAJORITY = 0.5  # of the atoms; at exactly a half, both verdicts are possible
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CalculatedApproximant:
    """What the calculations say of one approximant."""

    share: float  # of the atoms of the mean
    word: Word
    moment: float | None  # µB/atom of the lowest ordering; None where nothing is decided


def averaged_verdict(parts: list[CalculatedApproximant]) -> Verdict:
    """The verdict on the disordered crystal.

    Args:
        parts: all its approximants, also those without a calculation; shares sum to 1.
    """
    held = {word: sum(part.share for part in parts if part.word is word) for word in Word}
    number = {word: sum(part.word is word for part in parts) for word in Word}
    told = "; ".join(
        f"{word} in {number[word]} of {len(parts)} approximants ({held[word]:.0%} of the atoms)" for word in Word if number[word]
    )
    decided = [word for word in (Word.CONFIRMED, Word.REFUTED) if held[word] > MAJORITY + _ROUNDING]
    return Verdict(decided[0] if decided else Word.UNDECIDED, told)


def disordered_rows(chosen: Iterable[Chosen], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each disordered candidate, best rank first.

    Args:
        chosen: the crystals that were planned, in the order of `rows`.
        rows: what was calculated of each, as `pipeline.dft.check` states it.

    Returns:
        Ids, prediction, verdict, number of approximants and of those that are decided, and of the latter the weighted mean of the
        moment and its standard deviation (µB/atom; None where fewer than one, or two, are decided).
    """
    groups: dict[str, list[tuple[Chosen, dict[str, Any]]]] = {}
    for one, row in zip(chosen, rows, strict=True):
        if one.approximant:
            groups.setdefault(row["candidate_id"], []).append((one, row))
    found = [_row([_part(one, row) for one, row in group], group[0][1]) for group in groups.values()]
    return sorted(found, key=lambda row: int(row["rank"]))


def _part(one: Chosen, row: dict[str, Any]) -> CalculatedApproximant:
    word = Word(row["verdict"])
    done = [ordering for ordering in row["orderings"] if "above_lowest_meV_per_atom" in ordering]
    if word is Word.UNDECIDED or not done:
        return CalculatedApproximant(one.share, word, None)
    lowest = min(done, key=lambda ordering: float(ordering["above_lowest_meV_per_atom"]))
    return CalculatedApproximant(one.share, word, float(lowest["moment_muB_per_atom"]))


def _row(parts: list[CalculatedApproximant], first: dict[str, Any]) -> dict[str, Any]:
    verdict = averaged_verdict(parts)
    decided = [(part.share, part.moment) for part in parts if part.moment is not None]
    mean = deviation = None
    if decided:
        shares, moments = (np.array(column) for column in zip(*decided, strict=True))
        weights = shares / shares.sum()
        mean, away = float(weights @ moments), spread(moments, weights, np.zeros(len(moments), dtype=np.int64))
        deviation = None if np.isnan(away) else away
    told = ("candidate_id", "formula", "rank", "predicted_muB_per_atom", "predicted_low", "predicted_high")
    return {name: first[name] for name in told} | {
        "verdict": str(verdict.word), "why": verdict.why, "approximants": len(parts), "decided": len(decided),
        "share_decided": sum(share for share, _ in decided), "moment_muB_per_atom": mean, "spread_muB_per_atom": deviation,
    }  # fmt: skip
