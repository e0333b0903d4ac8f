"""Job `train`: a snapshot to a published ensemble."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.console import reporter
from flows.jobs.outlet import Outlet
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.old_names import TRAINING_SETTINGS, with_current_keys
from pipeline.settings import settings

if TYPE_CHECKING:
    from pipeline.registry.promotion import Decision
    from pipeline.registry.published import PublishedModel
    from pipeline.training.settings import TrainSettings

SHOWN = ("n", "mae", "r2", "mae_magnetic", "auroc", "precision_at_k", "coverage_90")


@dataclass(frozen=True)
class TrainJob:
    """What to learn, and from what.

    Args:
        snapshot: id or its beginning; None: the newest with total moments, or with `adapt` the one of that model.
        members: families; `cgcnn:3` asks for three members of one. None: the default ones.
        seeds: members of each family without a number of its own.
        first_seed: seed of the first member of each family; the others count on from it.
        epochs: passes over the data; None: each family's own default.
        max_minutes: for all networks together; None: as long as they need.
        descriptor_set: the set of descriptors that families of trees learn from.
        adapt: id of the model whose coordinate network `canonical` adapts.
        selected: number of descriptors that families of trees may see; None: all.
        weigh_label_noise: whether labels that cross-validation contradicts get less weight.
        site_moments: snapshot whose site moments are learned from, too: its id, the id's beginning, or `newest`.
        pretrain_on: files, folders or tables of crystals, whose structures are learned before any moment; None: none.
        label_sources: folders of tables by which wrong labels are replaced or weighed down; None: every label counts as it is.
    """

    snapshot: str | None = None
    members: list[str] | None = None
    seeds: int = 1
    first_seed: int = 0
    epochs: int | None = None
    max_minutes: float | None = None
    descriptor_set: DescriptorSet = DescriptorSet.FAST
    adapt: str | None = None
    selected: int | None = None
    weigh_label_noise: bool = False
    site_moments: str | None = None
    label_sources: list[str] | None = None
    pretrain_on: list[str] | None = None

    def settings(self) -> TrainSettings:
        """The part that decides the trained model."""
        from pipeline.training.label_sources import LabelSources
        from pipeline.training.settings import TrainSettings
        from pipeline.training.unlabelled import Unlabelled

        defaults = TrainSettings()
        return replace(
            defaults, members=tuple(self.members) if self.members else defaults.members, seeds=self.seeds,
            first_seed=self.first_seed, epochs=self.epochs,
            max_minutes=self.max_minutes, descriptor_set=self.descriptor_set, adapt=self.adapt, selected=self.selected,
            weigh_label_noise=self.weigh_label_noise, site_moments=self.site_moments,
            label_sources=LabelSources.of(map(Path, self.label_sources)) if self.label_sources else None,
            pretrain_on=Unlabelled.of(map(Path, self.pretrain_on)) if self.pretrain_on else None,
        )  # fmt: skip

    def resolved(self) -> TrainJob:
        """The same with whole ids.

        Raises:
            UserError: settings that cannot be meant, or no single snapshot or model of that name.
        """
        from pipeline.training.snapshots import newest_with_labels, newest_with_site_moments

        self.settings().check()
        snapshot, adapt = self.snapshot, self.adapt
        if adapt is not None:
            from pipeline.registry.ensemble import open_model

            pretrained = open_model(settings().models, adapt)
            snapshot, adapt = snapshot or str(pretrained.manifest["snapshot"]), pretrained.id
        site_moments = self.site_moments
        if site_moments is not None:
            site_moments = newest_with_site_moments(settings(), None if site_moments == "newest" else site_moments).id
        labelled = newest_with_labels(settings(), snapshot).id
        return replace(self, snapshot=labelled, adapt=adapt, site_moments=site_moments)


def train(job: TrainJob, outlet: Outlet) -> dict[str, Any]:
    """Train an ensemble, and put it to use if it is no worse than the one in use.

    Returns:
        The model's manifest, with the metrics on its test rows, whether it was promoted, and what `known_before` says.
    """
    from pipeline.registry.ensemble import Ensemble
    from pipeline.registry.promotion import promote_trained
    from pipeline.registry.shipped import shipped_rival

    known = ids_of(Ensemble)
    manifest = outlet.step("train ensemble", fit, job)
    decision = promote_trained(settings().models, manifest["id"], shipped_rival(settings(), reporter()))
    tell(decision, known, outlet)
    rows = [{"model": "ensemble", **_scores(manifest["metrics"]["ensemble"])}]
    rows += [{"model": name, **_scores(scores)} for name, scores in manifest["metrics"]["members"].items()]
    outlet.table("test-metrics", rows, f"Model {manifest['id']} on its test rows, µB/atom")
    return {**manifest, "promotion": decision.to_json()}


def fit(job: TrainJob) -> dict[str, Any]:
    """The manifest of the trained ensemble, and what `known_before` says."""
    from data.snapshot import open_snapshot
    from pipeline.training.train import train_ensemble

    where, wanted = settings(), job.settings()  # once: tables and folders may be others when the training ends
    manifest = train_ensemble(open_snapshot(where.snapshots, job.snapshot), wanted, where, reporter()).manifest
    return {**manifest, "known_before": known_before(manifest, wanted)}


def known_before(manifest: dict[str, Any], wanted: TrainSettings) -> str:
    """Which settings of an earlier training led to the very same model, whose manifest this is; empty where none differ.

    A model is named by its content. More epochs than a network can use, or epochs of a forest, give the model that is there
    already, with the manifest that says how it was made first.
    """
    then = with_current_keys(manifest["settings"], TRAINING_SETTINGS)
    now = json.loads(json.dumps(wanted.to_json()))
    names = [name for name in {**then, **now} if name != "graph" and then.get(name) != now.get(name)]
    listed = ", ".join(f"{name} {_said(then.get(name))}, not {_said(now.get(name))}" for name in names)
    return f"made before, by {listed}; these settings change nothing in it" if listed else ""


def _said(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else "default" if value is None else str(value)


def ids_of(kind: type[PublishedModel]) -> set[str]:
    """Ids of the home's own models of a kind."""
    from pipeline.registry.published import published_models

    return {model.id for model in published_models(settings().home / kind.directory, kind)}


def tell(decision: Decision, known: set[str], outlet: Outlet, kind: str = "model") -> None:
    """Say whether a trained model is promoted, and send a notification if it is not.

    Args:
        decision: the outcome.
        known: models that were there before the training; of these it was told when they were new.
        outlet: sends the notification.
        kind: of the model, in words.
    """
    words = promotion_words(decision, kind)
    reporter().say(words)
    if not decision.promoted and decision.candidate not in known:
        outlet.notify(f"a new {kind} is not promoted", words)


def promotion_words(decision: Decision, kind: str = "model") -> str:
    """The outcome in a sentence."""
    if decision.promoted:
        return f"{kind.capitalize()} {decision.candidate} is in use"
    return f"{kind.capitalize()} {decision.candidate} is not promoted: {'; '.join(decision.reasons)}"


def _scores(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: metrics.get(name) for name in SHOWN}
