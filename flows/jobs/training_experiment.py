"""Job `train_experiment`: a literature snapshot to the models of experiments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flows.console import reporter
from flows.jobs.outlet import Outlet
from flows.jobs.training import ids_of, tell
from pipeline.settings import settings


@dataclass(frozen=True)
class TrainExperimentJob:
    """What to learn experimental order and transition temperatures from.

    Args:
        literature: id of a literature snapshot, or its beginning; None: the newest.
    """

    literature: str | None = None

    def resolved(self) -> TrainExperimentJob:
        """The same with a whole id. Raises UserError where there is no such snapshot."""
        from data.sources.literature.snapshot import open_literature

        return replace(self, literature=open_literature(settings().literature, self.literature).id)


def train_experiment(job: TrainExperimentJob, outlet: Outlet) -> dict[str, Any]:
    """Train the models of experiments, and put them to use if they are no worse than those in use.

    Returns:
        The id, the scores on chemical systems that members had not seen, and whether the model was promoted.
    """
    from pipeline.registry.experiment_model import PublishedExperimentModel
    from pipeline.registry.promotion import promote_trained
    from pipeline.training.rivals import shipped_rival_of

    where = settings()
    kind = PublishedExperimentModel
    known = ids_of(kind)
    model = outlet.step("train models of experiments", fit, job)
    decision = promote_trained(where.home / kind.directory, model.id, shipped_rival_of(kind, where, reporter()), kind)
    tell(decision, known, outlet, kind.kind)
    scores = model.manifest["scores"]
    rows = [{"answer": task, **scores[task]} for task in ("order", "tc", "tn")]
    outlet.table("experiment-metrics", rows, f"Experiment model {model.id} on chemical systems not seen")
    return {"id": model.id, "snapshot": model.manifest["snapshot"], "scores": scores, "promotion": decision.to_json()}


def fit(job: TrainExperimentJob) -> Any:
    """The published model."""
    from data.sources.literature.snapshot import open_literature
    from pipeline.training.train_experiment import train_experiment_model

    where = settings()
    return train_experiment_model(open_literature(where.literature, job.literature), where, reporter())
