"""Job `predict`: some files to a table of predictions; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.cif.disorder import Disorder
from flows.jobs.outlet import process_is_fresh
from flows.jobs.screening import ScreenJob
from pipeline.settings import settings

if TYPE_CHECKING:
    import pandas as pd

    from data.rejection import Rejection
    from data.sources import Shard, Source
    from pipeline.registry.ensemble import Ensemble

SHOWN = [
    "rank", "candidate_id", "formula", "moment_muB_per_atom", "moment_low", "moment_high", "saturation_T", "saturation_T_low",
    "p_ferromagnetic", "ordering_most_likely", "unfamiliar", "note",
]  # fmt: skip


@dataclass(frozen=True)
class PredictJob:
    """What to predict: files as for `ScreenJob`, a model (None: the one in use), and how shared sites are read."""

    paths: list[str]
    model: str | None = None
    disorder: Disorder = Disorder.REJECT

    def check(self) -> None:
        """Raises UserError for a path that is nothing to read, or an unknown model."""
        self._as_screen().check()

    def source(self) -> Source:
        """The crystals. Raises UserError for a path that is nothing to read."""
        return self._as_screen().source()

    def _as_screen(self) -> ScreenJob:
        return ScreenJob(self.paths, self.model, disorder=self.disorder)


@dataclass(frozen=True)
class Predicted:
    """The columns SHOWN of a ranking, best first, and the crystals that could not be read."""

    model: str
    table: pd.DataFrame
    rejected: list[Rejection]


def predict(job: PredictJob) -> Predicted:
    """The calibrated predictions of a screen, without duplicates, comparison, report or files.

    Raises:
        UserError: what `ScreenJob.check` raises, or a damaged model.
    """
    from pipeline.registry.shipped import choose_model
    from pipeline.screening.candidates import JudgedShard, judge_safely
    from pipeline.screening.profiles import DEFAULT_PROFILE, find_profile
    from pipeline.screening.ranking import rank

    where, source = settings(), job.source()
    ensemble, shards = choose_model(where, job.model), list(source.shards())
    _prepare(ensemble, source, shards)
    whole, workers = JudgedShard(), max(1, min(where.workers, len(shards)))
    forked = process_is_fresh() and len(shards) == 1
    for judged in judge_safely(source, ensemble.folder, where.descriptors, shards, workers, forked):
        whole.add(judged)
    if whole.table.empty:
        return Predicted(ensemble.id, whole.table, whole.rejected)
    table = whole.table.assign(duplicate_of="", known_id="", known_moment=float("nan"))
    ranked = rank(table, find_profile(DEFAULT_PROFILE))[SHOWN]
    return Predicted(ensemble.id, ranked, whole.rejected)


def _prepare(ensemble: Ensemble, source: Source, shards: list[Shard]) -> None:
    """The slow descriptors, where the model reads them."""
    from pipeline.features.descriptor_sets import Tier

    if ensemble.tier is not Tier.FULL:
        return
    from pipeline.screening.slow_descriptors import prepare

    where = settings()
    prepare(source, ensemble.graph_settings.symprec_A, where.descriptors, shards, where.workers, lambda n: None)
