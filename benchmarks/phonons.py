"""Matbench's phonon task: frequency of the last peak of the phonon density of states (cm⁻¹), 1,265 crystals, official folds.

    python -m benchmarks.phonons ../shared/data/matbench_phonons.parquet --out .work/phonons
        [--families cgcnn,megnet,ecn,mcegnn,forest] [--seeds 1]

The networks of the families are taken as they are, with some of their parts exchanged, the same for all:

* elements enter by their properties (mass, radius, electronegativity, ...) beside a learned vector, since most are rare here;
* distances enter in broader bins and as powers, which say something of a bond length never seen (O-H, N-H);
* the highest frequency belongs to some of the atoms, so beside the mean over atoms the read-out has an attention per channel
  (MEGNet has its Set2Set already);
* the head also reads what a model of springs says of the crystal (`stretches`), and says one number, the standardised logarithm;
  the loss is its absolute error plus that of the frequency.

All this was chosen on parts held out of the training rows of fold 0. In the run proper a network learns from all training rows of
its fold for a fixed number of epochs, and says with averaged weights: nothing is chosen there, and test rows are looked at once.
The forest is extremely randomised trees on the project's descriptors and `stretches`, and no part of the networks' mean. A
finished run is a line in results.jsonl and its test predictions in a .npy file; it is not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from pymatgen.core import Structure
from sklearn.ensemble import ExtraTreesRegressor
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel

from benchmarks.figures import Journal
from benchmarks.phonon_network import Regression, element_facts
from benchmarks.smoke import arguments
from data.crystal import Crystal
from data.store.artifact import make_folder, text_hash
from data.symmetry import symmetrise
from flows.console import Console
from models.contract import Examples
from models.families import family
from models.graphs.crystal_graphs import CrystalGraphs
from models.networks.network_model import NetworkModel
from pipeline.demos.figures import Measured, markdown
from pipeline.features.descriptors import descriptors
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.features.vectors import build_vectors
from pipeline.ops.progress import Tick

PUBLISHED = {"MEGNet": 28.8, "ALIGNN": 29.5, "coGN": 29.7, "MODNet": 34.3, "CGCNN": 57.8, "random forest": 67.6}
FOLDS = 5
MOST_LOG = 9.5  # ln cm⁻¹, beyond every phonon; keeps a wild guess early in training finite
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Predict = Callable[[Rows], Floats]  # rows to cm⁻¹


@dataclass(frozen=True)
class Recipe:
    epochs: int = 150
    batch_size: int = 32
    learning_rate: float = 2e-3  # the peak
    weight_decay: float = 0.01
    warm_up: float = 0.05  # share of the run
    averaging: float = 0.99  # decay of the averaged weights, per step
    clip_norm: float = 1.0
    bin_A: float = 0.5  # width of a distance bin


RECIPE = Recipe()


@dataclass(frozen=True, eq=False)
class Task:
    examples: Examples
    springs: Floats  # (crystals, columns) of `stretches`
    peak: Floats  # (crystals,) cm⁻¹
    fold: Rows  # (crystals,) the fold in which a crystal is a test row


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    console, out, families = Console(), make_folder(options.out), options.families.split(",")
    journal, recipe = Journal(out / "results.jsonl"), text_hash(json.dumps(asdict(RECIPE)))[:12]
    task = read_task(options.table, console)
    wanted = [(f, fold, seed) for seed in range(options.seeds) for fold in range(FOLDS) for f in families]
    done = {(line["family"], line["fold"], line["seed"]) for line in journal.lines() if line["recipe"] == recipe}
    todo = [run for run in wanted if run not in done]
    console.say(f"{len(wanted)} runs, {len(todo)} to do")
    for k, (name, fold, seed) in enumerate(todo):
        started = time.monotonic()
        train, test = np.flatnonzero(task.fold != fold), np.flatnonzero(task.fold == fold)
        with console.bar(f"{name}, fold {fold}, seed {seed}", RECIPE.epochs) as tick:
            predict = fit_forest(task, train, seed) if name == "forest" else fit(name, task, train, seed, RECIPE, tick)
        said = predict(test)
        np.save(out / f"{name}-{fold}-{seed}.npy", said)
        error, seconds = float(np.abs(said - task.peak[test]).mean()), round(time.monotonic() - started, 1)
        journal.append({"family": name, "fold": fold, "seed": seed, "recipe": recipe, "mae": error, "seconds": seconds})
        console.say(f"[{k + 1}/{len(todo)}] {name}, fold {fold}, seed {seed}: {error:.2f} cm⁻¹, {seconds:.0f} s")
    print(results(task, out, families, options.seeds))


def read_task(path: Path, console: Console) -> Task:
    table = pq.read_table(path)
    cells = []
    with console.bar("Crystals", table.num_rows) as tick:
        for k, text in enumerate(table.column("structure_json").to_pylist()):
            cells.append(symmetrise(Crystal.from_pymatgen(Structure.from_dict(json.loads(text)), str(k))))
            tick(1)
    graphs, kept = build_graphs(cells, GraphSettings())
    assert len(kept) == len(cells), "every crystal of this task has neighbours"
    examples = Examples(graphs, descriptors(graphs), None, build_vectors(cells, GraphSettings()))
    peak, fold = (table.column(name).to_numpy() for name in ("last_phdos_peak_cm1", "test_fold"))
    return Task(examples, stretches(graphs), peak.astype(np.float64), fold.astype(np.int64))


def stretches(graphs: CrystalGraphs) -> Floats:
    """(crystals, 14) logarithms of what a model of springs calls frequencies, up to units: sqrt(stiffness / mass).

    The stiffness of a bond falls as a power of its length, in Å or in sums of covalent radii; the stiffest bond counts, or the
    atom whose bonds together are the stiffest. Two columns are plain lengths, one is a mass.
    """
    _, mass, radius = element_facts()
    first = np.repeat(graphs.node_ptr[:-1], np.diff(graphs.edge_ptr))
    target = graphs.edge_target + first
    a, b = graphs.numbers[graphs.edge_source + first], graphs.numbers[target]
    reduced = -0.5 * np.log(mass[a] * mass[b] / (mass[a] + mass[b]))
    distance = graphs.edge_distance.astype(np.float64)
    length, relative = np.log(distance), np.log(distance / (radius[a] + radius[b]))
    bonds = [reduced - 0.5 * power * length for power in (0, 2, 3, 4, 6)]
    bonds += [*(reduced - 0.5 * power * relative for power in (2, 4, 6)), -length, -relative]
    own, count = mass[graphs.numbers], graphs.edge_count.astype(np.float64)
    atoms = [0.5 * np.log(np.bincount(target, count * distance**-power, len(own)) / own) for power in (3, 5, 7)]
    atoms += [-0.5 * np.log(own)]
    columns = [np.maximum.reduceat(values, graphs.edge_ptr[:-1]) for values in bonds]
    columns += [np.maximum.reduceat(values, graphs.node_ptr[:-1]) for values in atoms]
    return np.stack(columns, axis=1)


def fit(name: str, task: Task, rows: Rows, seed: int, recipe: Recipe, tick: Tick = lambda n: None) -> Predict:
    """Train a family's network on some rows; everything that is standardised is so by these rows."""
    torch.manual_seed(seed)
    model = cast(NetworkModel, family(name)())
    collate = partial(model.collate, task.examples, dtype=torch.float32)
    spread = np.maximum(task.springs[rows].std(axis=0), 1e-6)
    springs = torch.from_numpy((task.springs - task.springs[rows].mean(axis=0)) / spread).float().clamp(-5, 5)
    network = Regression(model, springs.shape[1], recipe.bin_A)
    centre, scale = float(np.log(task.peak[rows]).mean()), float(np.log(task.peak[rows]).std())
    peak = torch.from_numpy(task.peak).float()
    unit = scale * float(peak[rows].mean())  # cm⁻¹ of a standardised logarithm, on average
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    averaged = AveragedModel(network, avg_fn=lambda mean, new, seen: mean + (1 - recipe.averaging) * (new - mean))
    rng, cuts = np.random.default_rng(seed), range(0, len(rows), recipe.batch_size)
    rate = OneCycleLR(optimiser, recipe.learning_rate, recipe.epochs * len(cuts), pct_start=recipe.warm_up, cycle_momentum=False)
    for _ in range(recipe.epochs):
        order = rng.permutation(rows)
        for start in cuts:
            index = order[start : start + recipe.batch_size]
            said = centre + scale * network(collate(index), springs[index])
            loss = functional.l1_loss(said, peak[index].log()) / scale
            loss = loss + functional.l1_loss(said.clamp(max=MOST_LOG).exp(), peak[index]) / unit
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
            optimiser.step()
            rate.step()
            averaged.update_parameters(network)
        tick(1)
    averaged.eval()

    def predict(wanted: Rows) -> Floats:
        with torch.inference_mode():
            said = [averaged(collate(part), springs[part]) for part in np.array_split(wanted, 1 + len(wanted) // 128)]
        return np.asarray(np.exp(centre + scale * torch.cat(said).double().numpy()))

    return predict


def fit_forest(task: Task, rows: Rows, seed: int) -> Predict:
    columns = np.concatenate([task.examples.descriptors, task.springs], axis=1)
    forest = ExtraTreesRegressor(500, max_features=0.4, random_state=seed).fit(columns[rows], np.log(task.peak[rows]))
    return lambda wanted: np.asarray(np.exp(forest.predict(columns[wanted])))


def results(task: Task, out: Path, families: Sequence[str], seeds: int) -> str:
    """Error by fold of each family (mean of its seeds' predictions), of their means, and what others published."""
    networks = [f for f in families if f != "forest"]
    groups = {name: [name] for name in families} | {
        "**mean of the networks**": networks or [*families],
        "mean of all": [*families],
    }
    rows = []
    for name, members in groups.items():
        files = [[f"{f}-{fold}-{seed}.npy" for f in members for seed in range(seeds)] for fold in range(FOLDS)]
        guesses = [np.mean([np.load(out / file) for file in of_fold], axis=0) for of_fold in files]
        errors = [float(np.abs(guess - task.peak[task.fold == fold]).mean()) for fold, guess in enumerate(guesses)]
        rows.append([name, *(f"{e:.1f}" for e in errors), Measured.of(errors).text(1)])
    rows += [[f"{name}, published", *([""] * FOLDS), f"{error:.1f}"] for name, error in PUBLISHED.items()]
    return markdown(["MAE, cm⁻¹", *(f"fold {k}" for k in range(FOLDS)), "mean ± sd"], rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", default="cgcnn,megnet,ecn,mcegnn,forest")
    parser.add_argument("--seeds", type=int, default=1)
    return arguments(
        parser, lambda made: [made.phonons(), "--out", made.out(), "--families", "cgcnn,forest"], RECIPE=Recipe(epochs=1)
    )


if __name__ == "__main__":
    main()
