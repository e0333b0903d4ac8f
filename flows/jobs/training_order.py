"""Job `train_order`: a snapshot with site moments to an order classifier and an order ranker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flows.console import reporter
from flows.jobs.outlet import Outlet
from flows.jobs.training import ids_of, tell
from pipeline.settings import settings


@dataclass(frozen=True)
class TrainOrderJob:
    """What to learn magnetic order from.

    Args:
        snapshot: id or its beginning; None: the newest that has site moments.
    """

    snapshot: str | None = None

    def resolved(self) -> TrainOrderJob:
        """The same with a whole id. Raises UserError where there is no such snapshot."""
        from pipeline.training.snapshots import newest_with_site_moments

        return replace(self, snapshot=newest_with_site_moments(settings(), self.snapshot).id)


def train_order(job: TrainOrderJob, outlet: Outlet) -> dict[str, Any]:
    """Train both models, and put each to use if it is no worse than the one in use.

    Returns:
        For each kind the id, the scores on test rows, and whether it was promoted.
    """
    from pipeline.registry.order_classifier import OrderClassifier
    from pipeline.registry.order_ranker import OrderRanker
    from pipeline.registry.promotion import promote_trained
    from pipeline.training.rivals import shipped_rival_of

    where = settings()
    known = ids_of(OrderClassifier) | ids_of(OrderRanker)
    models = outlet.step("train order models", fit, job)
    done: dict[str, Any] = {}
    for model in models:
        rival = shipped_rival_of(type(model), where, reporter())
        decision = promote_trained(where.home / model.directory, model.id, rival, type(model))
        tell(decision, known, outlet, model.kind)
        done[model.kind] = {"id": model.id, "scores": model.manifest["scores"], "promotion": decision.to_json()}
    return done


def fit(job: TrainOrderJob) -> Any:
    """(order classifier, order ranker), published."""
    from data.snapshot import open_snapshot
    from pipeline.training.train_order import train_order as train

    where = settings()
    return train(open_snapshot(where.snapshots, job.snapshot), where, reporter())
