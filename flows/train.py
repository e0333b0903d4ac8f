"""Flow `train`: a snapshot to a published ensemble."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from data.snapshot import open_snapshot
from flows.console import reporter
from flows.notify import failed, tell
from flows.register_run import enter
from pipeline.features.descriptor_sets import Tier
from pipeline.registry.promotion import Decision, promote
from pipeline.registry.shipped import shipped_rival
from pipeline.settings import settings
from pipeline.training.train import TrainSettings, train_ensemble


@task(name="train ensemble", cache_policy=NO_CACHE, persist_result=False)
def fit(snapshot: str | None, wanted: TrainSettings) -> dict[str, Any]:
    where = settings()
    return train_ensemble(open_snapshot(where.snapshots, snapshot), wanted, where, reporter()).manifest


@flow(name="train", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
def train(
    snapshot: str | None = None,
    members: list[str] | None = None,
    seeds: int = 1,
    epochs: int | None = None,
    max_minutes: float | None = None,
    tier: Tier = Tier.FAST,
    adapt: str | None = None,
    selected: int | None = None,
    weigh_doubtful: bool = False,
) -> dict[str, Any]:
    """Train an ensemble on a snapshot (the newest by default), and put it to use if it is no worse than the one in use.

    Returns:
        The model's manifest, with the metrics on its test rows, and whether it was promoted.
    """
    enter()
    families = tuple(members) if members else TrainSettings().members
    wanted = TrainSettings(
        members=families, seeds=seeds, epochs=epochs, max_minutes=max_minutes, tier=tier, adapt=adapt, selected=selected,
        weigh_doubtful=weigh_doubtful,
    )  # fmt: skip
    manifest = fit(snapshot, wanted)
    decision = promote(settings().models, manifest["id"], shipped_rival(settings(), reporter()))
    reporter().say(promotion_words(decision))
    if not decision.promoted:
        tell("a new model is not promoted", promotion_words(decision))
    rows = [{"model": "ensemble", **_scores(manifest["metrics"]["ensemble"])}]
    rows += [{"model": name, **_scores(scores)} for name, scores in manifest["metrics"]["members"].items()]
    create_table_artifact(key="test-metrics", table=rows, description=f"Model {manifest['id']} on its test rows, µB/atom")
    return {**manifest, "promotion": decision.to_json()}


def promotion_words(decision: Decision) -> str:
    """The outcome in a sentence."""
    if decision.promoted:
        return f"Model {decision.candidate} is in use"
    return f"Model {decision.candidate} is not promoted: {'; '.join(decision.reasons)}"


def _scores(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: metrics.get(name) for name in ("n", "mae", "r2", "mae_magnetic", "auroc", "precision_at_k", "coverage_90")}
