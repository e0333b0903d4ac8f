"""Job `predict`: some files to a table of predictions; nothing is written."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.cif.disorder import Disorder
from flows.jobs.outlet import process_is_fresh
from flows.jobs.screening import ScreenJob
from pipeline.settings import settings

if TYPE_CHECKING:
    import pandas as pd

    from data.rejection import Rejection
    from data.sources import Source

SHOWN = [
    "rank", "candidate_id", "formula", "score", "exclusion_reason", "moment_muB_per_atom", "moment_low", "moment_high",
    "moment_3d", "moment_4f", "moment_net", "moment_net_low", "moment_net_high", "saturation_T", "saturation_T_low",
    "saturation_300K_T", "p_ferromagnetic", "p_fm_or_fim", "ordering_most_likely", "order_basis", "tc_K", "tc_low_K",
    "tc_high_K", "tc_basis", "moment_explained", "ood_score", "note",
]  # fmt: skip
DISORDER_SHOWN = ("n_approximants", "approximant_spread", "occupancies")  # where a crystal is disordered


@dataclass(frozen=True)
class PredictJob:
    """What to predict: files as for `ScreenJob`, a model (None: the one in use), how shared sites are read, columns of tables."""

    paths: list[str]
    model: str | None = None
    disorder: Disorder = Disorder.AVERAGE
    columns: str = ""

    def check(self) -> None:
        """Raises UserError for a path that is nothing to read, or an unknown model."""
        self._as_screen().check()

    def source(self) -> Source:
        """The crystals. Raises UserError for a path that is nothing to read."""
        return self._as_screen().source()

    def _as_screen(self) -> ScreenJob:
        return ScreenJob(self.paths, self.model, columns=self.columns, disorder=self.disorder)


@dataclass(frozen=True)
class Predicted:
    """The columns SHOWN (and DISORDER_SHOWN) of a ranking, best first, and the crystals that could not be read."""

    model: str
    table: pd.DataFrame
    rejected: list[Rejection]


def predict(job: PredictJob) -> Predicted:
    """The calibrated predictions of a screen, without duplicates, comparison, report or files.

    Raises:
        UserError: what `ScreenJob.check` raises, or a damaged model.
    """
    from pipeline.ops.parallel import copied_workers
    from pipeline.registry.shipped import choose_model
    from pipeline.screening.predict import predict_source

    where, source = settings(), job.source()
    ensemble = choose_model(where, job.model)
    with copied_workers() if process_is_fresh() else nullcontext():
        table, rejected = predict_source(source, ensemble, where)
    disorder = [name for name in DISORDER_SHOWN if name in table]
    return Predicted(ensemble.id, table if table.empty else table[[*SHOWN, *disorder]], rejected)
