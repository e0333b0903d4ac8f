"""Does another way of training make MPNN better on crystals of chemical systems that it has not seen?

    python -m benchmarks.ablation_training ../shared/data/mp_magnets.parquet --out .work/ablation
        --site-moments ../shared/data/mp_site_moments.parquet --candidates ../shared/data/icsd_candidates.parquet
        --label-sources ../shared/data/literature ../shared/data [--share 0.25] [--epochs 12] [--seeds 3] [--arms ...]

Arms, each with the settings of `train --members mpnn`, the same rows and seeds:

* shipped: as it is, with an exponential average of the weights. The same runs tell what no average and the plain mean of the last
  quarter of the steps (stochastic weight averaging, arXiv 1803.05407, with the cosine schedule) would give.
* pretrained: as by `train --pretrain-on`, from one pretraining (seed 0), which saw all training crystals, those with site moments
  and the candidates, none of a chemical system with validation or test rows.
* cross-fitted: labels move by MIX towards what a network says that learned from the other two thirds of the chemical systems.
* twins: in a fifth of the crystals of each batch an element becomes another one with which, in crystals of one prototype, labels
  are the same (benchmarks/twins.py).

A share of the training chemical systems is drawn once. All figures are those of the last epoch on all validation rows, so that
no choice is made on them; gains are means over the seeds with the 95 % interval of a paired bootstrap over chemical systems. A
finished run is a line in results.jsonl and is not run again.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from benchmarks.cross_validation import mended_examples
from benchmarks.figures import Journal
from benchmarks.learning_curve import find_snapshot
from benchmarks.pretraining import pretrained
from benchmarks.smoke import arguments
from benchmarks.twins import Twins
from data.labels import MAGNETIC_THRESHOLD
from data.store.artifact import make_folder, write_bytes
from flows.console import Console
from models.contract import Examples, FitControl
from models.graphs.crystal_graphs import CrystalGraphs
from models.networks.mpnn import MPNN
from models.networks.training import moments_task, predict_networks, train_network
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.neighbours import GraphSettings
from pipeline.featurise import Needs
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.label_sources import LabelSources
from pipeline.training.member_weights import system_folds
from pipeline.training.site_moment_rows import site_moment_rows
from pipeline.training.splits import split_rows
from pipeline.training.unlabelled import Unlabelled, chemical_systems, rows_outside

MIX = 0.3  # how far labels move towards cross-fitted predictions
FOLDS = 3
TEACHER_SEED = 1000  # the teachers are other networks than the students
LAST = 0.25  # share of the steps of the plain mean
SHIPPED, PRETRAINED, CROSS_FITTED, TWINS = "shipped", "pretrained", "cross-fitted", "twins"
ARMS = (SHIPPED, PRETRAINED, CROSS_FITTED, TWINS)
AVERAGES = ("no average", "mean of the last quarter")
HEAD = ["training", "seeds", "MAE, µB/atom", "magnetic", "median of the seeds", "gain [95 %]", "by seed", "gain, magnetic [95 %]"]


@dataclass(frozen=True, eq=False)
class Data:
    """Rows to learn from and to measure on."""

    name: str  # of what they are
    train: Examples  # labelled
    systems: list[str]  # of `train`
    sites: Examples | None  # crystals with site moments
    validation: Examples
    validation_systems: list[str]
    unlabelled: Callable[[], CrystalGraphs]


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    console, out = Console(), make_folder(options.out)
    data = _data(options, console)
    journal = Journal(out / "results.jsonl")
    wanted = {
        f"{data.name}-{options.share:g}-{options.epochs}-{arm}-{seed}": (arm, seed)
        for seed in range(options.seeds) for arm in options.arms.split(",")
    }  # fmt: skip
    if unknown := set(options.arms.split(",")) - set(ARMS):
        raise SystemExit(f"no such arm: {', '.join(sorted(unknown))}; there are {', '.join(ARMS)}")
    for key, (arm, seed) in wanted.items():
        if not any(line["key"] == key for line in journal.lines()):
            said = run(arm, seed, data, options, console)
            journal.append({"key": key, "arm": arm, "seed": seed, "said": {k: v.round(5).tolist() for k, v in said.items()}})
    print(f"{len(data.train):,} labelled rows, {0 if data.sites is None else len(data.sites):,} with site moments\n")
    lines = [line for line in journal.lines() if line["key"] in wanted]
    print(table(lines, data.validation.targets(), data.validation_systems))


def run(arm: str, seed: int, data: Data, options: argparse.Namespace, console: Console) -> dict[str, NDArray[np.float64]]:
    """Train one arm; (validation rows,) moments, µB/atom, by the average of the weights."""
    rows, start, twins = data.train, None, None
    if arm == PRETRAINED:
        model = MPNN()
        model.pretraining = replace(model.pretraining, epochs=options.pretraining)
        start = pretrained(model, data.unlabelled, options.out / f"{data.name}-pretrained-{options.pretraining}", console)
    elif arm == CROSS_FITTED:
        path = options.out / f"{data.name}-{options.share:g}-{options.epochs}-teachers.safetensors"
        if not path.is_file():
            write_bytes(path, save({"moment": torch.from_numpy(cross_fitted(data, options.epochs, console))}))
        rows = replace(rows, moment=(1 - MIX) * rows.targets() + MIX * load_file(path)["moment"].numpy())
    elif arm == TWINS:
        twins = Twins.of(rows)
        console.say(str(twins))
    taught = rows if data.sites is None else rows.followed_by(data.sites)
    return fit(taught, data.validation, seed, options.epochs, console, f"{arm} {seed}", start, twins)


class Averages:
    """Another average of a network's weights along one training than that which train_network makes."""

    def __init__(self, network: nn.Module, steps: int) -> None:
        self.network, self.mean = network, AveragedModel(network)
        self.first, self.step = (1 - LAST) * steps, 0
        self.ended: list[nn.Module] = []

    def update(self) -> None:
        """Before each step."""
        self.step += 1
        if self.step > self.first:
            self.mean.update_parameters(self.network)

    def keep(self, shipped: nn.Module) -> None:
        """After each epoch: the networks as they are, in the order of SHIPPED and AVERAGES."""
        self.ended = [copy.deepcopy(shipped), copy.deepcopy(self.network), self.mean.module]


def fit(
    train: Examples, asked: Examples, seed: int, epochs: int, console: Console, title: str,
    start: Path | None = None, twins: Twins | None = None,
) -> dict[str, NDArray[np.float64]]:  # fmt: skip
    """Train MPNN as `train` does; what it says of `asked` after the last epoch, µB/atom, by the average of its weights."""
    torch.manual_seed(seed)
    model = MPNN()
    network = model.network = model.build()
    if start is not None:
        model.start_from(start)
    task = moments_task(train, asked, torch.float32, model.collate, model.loss)
    learned = task if twins is None else moments_task(train, asked, torch.float32, twins.collate, model.loss)
    averages = Averages(network, epochs * -(-len(train) // model.training.batch_size))

    def loss(module: nn.Module, index: NDArray[np.int64]) -> Tensor:
        averages.update()
        return learned.loss(module, index)

    def validate(shipped: nn.Module) -> float:
        averages.keep(shipped)
        return task.validate(shipped)

    with console.bar(title, epochs) as tick:
        control = FitControl(seed=seed, epochs=epochs, report=lambda row: tick(1))
        to_the_end = replace(model.training, patience=epochs)
        train_network(network, replace(task, loss=loss, validate=validate), to_the_end, control, title)
    said = predict_networks(averages.ended, asked, model.collate)
    return {kind: one.moment for kind, one in zip((SHIPPED, *AVERAGES), said, strict=True)}


def cross_fitted(data: Data, epochs: int, console: Console) -> NDArray[np.float64]:
    """(training rows,) moments, µB/atom, each by a network that saw no crystal of the row's chemical system."""
    found = np.zeros(len(data.train))
    for fold, (others, left_out) in enumerate(system_folds(data.systems, FOLDS)):
        rows = data.train.take(others)
        if data.sites is not None:
            closed = {data.systems[k] for k in left_out.tolist()}
            rows = rows.followed_by(data.sites.take(rows_outside(data.sites.graphs, closed)))
        said = fit(rows, data.train.take(left_out), TEACHER_SEED + fold, epochs, console, f"teacher {fold}")
        found[left_out] = said[SHIPPED]
    return found


def _data(options: argparse.Namespace, console: Console) -> Data:
    where = settings()
    snapshot = find_snapshot(options.table, where, console)
    sites = find_snapshot(options.site_moments, where, console) if options.site_moments else None
    found = labelled_examples(snapshot, GraphSettings(), DescriptorSet.FAST, False, where, console)
    mended = mended_examples(snapshot, found, LabelSources.of(options.label_sources)) if options.label_sources else found.examples
    split, system = split_rows(found.table), np.array(found.table["chemsys"].to_pylist())
    closed = set(system[np.concatenate([split.validation, split.test])].tolist())
    with_sites = None if sites is None else site_moment_rows(sites, closed, Needs(), console)
    every = sorted({*system[split.train].tolist(), *(() if with_sites is None else chemical_systems(with_sites.graphs))})
    left_out = set(np.random.default_rng(0).permutation(every)[round(options.share * len(every)) :].tolist())
    train = split.train[[name not in left_out for name in system[split.train].tolist()]]

    def unlabelled() -> CrystalGraphs:
        parts = [found.examples.graphs.take(split.train)] + ([] if with_sites is None else [with_sites.graphs])
        if options.candidates:
            parts.append(Unlabelled.of([options.candidates]).graphs(closed, GraphSettings(), 1, console))
        return CrystalGraphs.join(parts)

    name = [snapshot.id, "none" if sites is None else sites.id, "mended" if options.label_sources else "as-is"]
    return Data(
        "-".join(name), mended.take(train), system[train].tolist(),
        None if with_sites is None else with_sites.take(rows_outside(with_sites.graphs, left_out)),
        found.examples.take(split.validation), system[split.validation].tolist(), unlabelled,
    )  # fmt: skip


def table(lines: list[dict[str, Any]], truth: NDArray[np.float64], systems: list[str]) -> str:
    """Errors by arm, and the gain over the shipped training on the seeds that both have."""
    runs = {(name, line["seed"]): np.array(moment) for line in lines for name, moment in _named(line)}
    magnetic, of_system, body = truth > MAGNETIC_THRESHOLD, np.array(systems, dtype=object), []
    for arm in dict.fromkeys(name for name, _ in runs):
        seeds = [seed for name, seed in runs if name == arm and (SHIPPED, seed) in runs]
        if not seeds:
            continue
        said, before = (np.stack([runs[name, seed] for seed in seeds]) for name in (arm, SHIPPED))
        error, gain = np.abs(said - truth), np.abs(before - truth) - np.abs(said - truth)
        median = np.abs(np.median(said, axis=0) - truth).mean()
        row = [arm, str(len(seeds)), f"{error.mean():.4f}", f"{error[:, magnetic].mean():.4f}", f"{median:.4f}"]
        if arm == SHIPPED:
            body.append([*row, "", "", ""])
            continue
        each = " ".join(f"{g:.4f}" for g in gain.mean(axis=1))
        mean = gain.mean(axis=0)
        strong = cluster_bootstrap(mean[magnetic], of_system[magnetic])
        body.append([*row, cluster_bootstrap(mean, of_system).text(), each, strong.text()])
    return markdown(HEAD, body)


def _named(line: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """The moments of a run by name: of the shipped training all averages, of another one that which is shipped."""
    return list(line["said"].items()) if line["arm"] == SHIPPED else [(line["arm"], line["said"][SHIPPED])]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--site-moments", type=Path, help="table with signed site moments")
    parser.add_argument("--candidates", type=Path, help="table of crystals without labels, for pretraining")
    parser.add_argument("--label-sources", type=Path, nargs="*", help="folders of tables that find wrong labels")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--share", type=float, default=0.25, help="of the training chemical systems")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--pretraining", type=int, default=MPNN.pretraining.epochs, help="epochs of it")
    parser.add_argument("--seeds", type=int, default=3)
    given = ("--share", 1, "--epochs", 1, "--pretraining", 1, "--seeds", 1)
    return arguments(parser, lambda made: [
        made.magnets(), "--out", made.out(), "--site-moments", made.site_moments(), "--candidates", made.candidates(), *given
    ])  # fmt: skip


if __name__ == "__main__":
    main()
