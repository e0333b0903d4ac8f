"""Predictions of disordered crystals: rounds of approximants through the models until each crystal's mean has settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from data.checks import Unsound
from data.crystal import Crystal
from data.disordered import DisorderedCrystal
from data.rejection import Reason, Rejection
from data.sources import Record
from pipeline.disorder.approximants import Approximants
from pipeline.disorder.averaging import ApproximantRows, average, is_settled, is_without_moment
from pipeline.magnetism.ferrimagnet import compensation_of_salt

PER_ROUND = 2  # approximants that are added at once
# Crystals to (rows, places among the crystals that have a row): the others have an atom without a neighbour.
Predictor = Callable[[list[Crystal]], tuple[ApproximantRows, NDArray[np.int64]]]


@dataclass(eq=False)
class Averaged:
    """One disordered crystal on its way through the rounds."""

    record: Record
    crystal: DisorderedCrystal
    approximants: Approximants
    wanted: int  # approximants after the next round
    rows: list[ApproximantRows] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Approximants with a prediction."""
        return sum(map(len, self.rows))

    def mean(self) -> tuple[ApproximantRows, float]:
        """The prediction of the crystal, and the spread over its approximants."""
        weights, strata = self.approximants.weights(self.number), self.approximants.strata(self.number)
        return average(_with_sublattices(ApproximantRows.joined(self.rows), self.approximants), weights, strata)

    def is_finished(self) -> bool:
        """Whether no more approximants are needed, or allowed. Two are needed at least, but of crystals without a moment."""
        rows, number = ApproximantRows.joined(self.rows), self.number
        if number >= self.approximants.most or is_without_moment(rows):
            return True
        weights, strata = self.approximants.weights(number), self.approximants.strata(number)
        return number >= self.approximants.fewest and is_settled(rows.predicted.moment, weights, strata)


def _with_sublattices(rows: ApproximantRows, approximants: Approximants) -> ApproximantRows:
    """The rows of salts in which rules oppose sublattices, with those of the average in place of an approximant's own."""
    if "fim_words" not in rows.facts:
        return rows
    share, words = rows.facts["fim_share"].copy(), rows.facts["fim_words"].copy()
    for k in np.flatnonzero((words != "") & (rows.facts["salt"] > 0)).tolist():
        found = compensation_of_salt(approximants.as_salt(k))
        share[k], words[k] = (np.nan, "") if found is None else (found.share, found.words)
    return replace(rows, facts=rows.facts | {"fim_share": share, "fim_words": words})


def predict_averages(
    records: list[Record], symprec_A: float, predict: Predictor, why_isolated: str
) -> tuple[list[Averaged], list[Rejection]]:
    """Predict the approximants of each crystal, first as many as its composition needs, then PER_ROUND more at a time.

    The result for a crystal does not depend on the others, though each round asks the models once for all of them.

    Args:
        records: of disordered crystals.
        symprec_A: tolerance of the symmetry search, Å.
        predict: the models.
        why_isolated: what a rejection says of an atom without a neighbour.
    """
    everyone, rejected, done = list[Averaged](), list[Rejection](), list[Averaged]()
    for record in records:
        assert isinstance(record.crystal, DisorderedCrystal)
        try:
            made = Approximants(record.crystal, symprec_A=symprec_A)
        except Exception as fault:  # one crystal must not stop the others, whatever it holds
            rejected.append(_failed(record, fault))
        else:
            everyone.append(Averaged(record, record.crystal, made, made.first))
    waiting = everyone
    while waiting:
        new = _next_round(waiting, done, rejected)
        if not new:
            break
        rows, kept = predict([crystal for _, crystals in new for crystal in crystals])
        ends = np.cumsum([len(crystals) for _, crystals in new])
        waiting = []
        for (one, crystals), end in zip(new, ends.tolist(), strict=True):
            first, last = np.searchsorted(kept, [end - len(crystals), end])
            if last - first < len(crystals):
                rejected.append(_rejection(one.record, Reason.NO_NEIGHBOURS, why_isolated))
                continue
            one.rows.append(rows.take(slice(int(first), int(last))))
            if one.is_finished():
                done.append(one)
            else:
                more = max(one.number + PER_ROUND, one.approximants.fewest)
                one.wanted = min(more // PER_ROUND * PER_ROUND, one.approximants.most)
                waiting.append(one)
    place = {id(one): k for k, one in enumerate(everyone)}
    return sorted(done, key=lambda one: place[id(one)]), rejected


def _next_round(waiting: list[Averaged], done: list[Averaged], rejected: list[Rejection]) -> list[tuple[Averaged, list[Crystal]]]:
    """Each crystal with its new approximants. One of which no more can be made is done with those it has."""
    new = []
    for one in waiting:
        try:
            crystals = one.approximants.make(one.wanted)[one.number :]
        except Exception as fault:
            rejected.append(_failed(one.record, fault))
            continue
        if crystals:
            new.append((one, crystals))
        else:
            done.append(one)
    return new


def _failed(record: Record, fault: Exception) -> Rejection:
    if isinstance(fault, Unsound):
        return _rejection(record, fault.reason, fault.detail)
    return _rejection(record, Reason.FAILED, f"{type(fault).__name__}: {fault}"[:400])


def _rejection(record: Record, reason: Reason, detail: str) -> Rejection:
    return Rejection(record.crystal.id, record.source_file, "", reason, detail, record.licensed)
