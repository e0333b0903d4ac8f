"""Does a classifier of ferromagnets see more than the elements? Four groups of crystals, with and without spectral decoupling.

    python -m benchmarks.starvation TABLE.parquet --out .work/starvation [--seeds 3] [--epochs 30] [--rows 0] [--only-table]

The easy cue is "contains Cr, Mn, Fe, Co, Ni, Eu or Gd". It and the label, ferromagnetic or not, make four groups; the
counterfactual ones are ferromagnets without such an element and crystals with one that are none. A model is measured by the group
that it knows worst. TABLE has either `ordering` for every crystal, or `ordering_from_site_moments`, where a crystal of unknown
ordering counts as no ferromagnet if its moment vanishes and is left out otherwise. --rows N takes the first N of a fixed shuffle
of the training rows, and a third as many of validation and test.

Every run trains the trunk of CGCNN with one logit, for a fixed number of epochs. The coefficient c is chosen on the validation
rows' worst group, mean over the seeds; the test rows play no part in it. Yes begins at a probability of one half, or, second
table, at the share of ferromagnets among the training rows. A finished run is a line in results.jsonl and is not run again.

On the test rows besides, what the call "ferromagnet" (one half) hangs on:
* swap: of the crystals rightly called so, how many still are when Zn, Sr and La stand in for the typical elements, and how many
  of the others with Zn, but no typical element, are called so when Fe stands in for it;
* shuffle: accuracy on compositions with structures of both kinds, before and after each structure took the next one's place, and
  the share of pairs of one composition, one ferromagnetic and one not, in which the ferromagnet has the larger logit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.figures import Journal
from benchmarks.smoke import arguments
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.store.artifact import make_folder
from data.symmetry import symmetrise
from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch
from models.networks.cgcnn import CGCNNNetwork, CGCNNSettings
from models.networks.layers import N_ELEMENTS, mlp
from models.packing import batches_by_edges
from models.published.spectral_decoupling import binary_loss, decay_all_but, prior_logit
from pipeline.demos.figures import Measured, markdown
from pipeline.features.neighbours import GraphSettings, build_graphs

STRENGTHS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
STAND_IN = {24: 30, 25: 30, 26: 30, 27: 30, 28: 30, 63: 38, 64: 57}  # typical magnetic elements: Zn, Sr, La instead
ZINC, IRON = 30, 26
GROUPS = ("rest, without", "FM, without", "rest, with", "FM, with")  # number: 2 * typical + ferromagnetic
BATCH, RATE, DECAY, CLIP_NORM = 64, 4e-3, 1e-4, 1.0
INFERENCE_EDGES = 16_384
CRYSTALS_AT_ONCE = 1024
VANISHES = 0.01  # µB/atom

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Magnets:
    """Crystals of one part of the split."""

    graphs: CrystalGraphs
    ferromagnetic: NDArray[np.bool_]  # (crystals,)
    formula: NDArray[np.str_]  # (crystals,)

    @property
    def typical(self) -> NDArray[np.bool_]:
        """(crystals,) whether each holds a typical magnetic element."""
        return self.holds(list(STAND_IN))

    @property
    def group(self) -> Index:
        return 2 * self.typical + self.ferromagnetic.astype(np.int64)

    def holds(self, elements: list[int]) -> NDArray[np.bool_]:
        there = np.isin(self.graphs.numbers, elements)
        return np.logical_or.reduceat(there, self.graphs.node_ptr[:-1])


class Classifier(nn.Module):
    """Graphs to the logit of "ferromagnetic", (crystals,)."""

    def __init__(self) -> None:
        super().__init__()
        settings = CGCNNSettings()
        self.trunk = CGCNNNetwork(settings)
        self.trunk.head = nn.Identity()  # type: ignore[assignment]  # what is left ends with the mean over the atoms
        self.head = mlp(settings.width, settings.width, 1)

    def forward(self, batch: GraphBatch) -> Tensor:
        logit: Tensor = self.head(self.trunk(batch))
        return logit[:, 0]


def train(
    graphs: CrystalGraphs, positive: NDArray[np.bool_], strength: float, seed: int, epochs: int
) -> tuple[Classifier, float]:
    """A classifier, and the prior's logit in the training rows."""
    torch.manual_seed(seed)
    network, rng = Classifier(), np.random.default_rng(seed)
    prior, label = prior_logit(float(positive.mean())), torch.from_numpy(positive).float()
    optimiser = torch.optim.AdamW(decay_all_but(network.head, network, DECAY), lr=RATE)
    batches = -(-len(graphs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * batches, pct_start=0.05)
    for _ in range(epochs):
        for index in np.array_split(rng.permutation(len(graphs)), batches):
            loss = binary_loss(network(GraphBatch.collate(graphs, index)), label[index], strength, prior)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
            optimiser.step()
            schedule.step()
    return network, prior


@torch.inference_mode()
def logits(network: Classifier, graphs: CrystalGraphs) -> NDArray[np.float64]:
    """(crystals,)"""
    network.eval()
    said = np.zeros(len(graphs))
    for index in batches_by_edges(graphs.edges_per_crystal, INFERENCE_EDGES):
        said[index] = network(GraphBatch.collate(graphs, index)).double().numpy()
    return said


def accuracies(called: NDArray[np.bool_], true: NDArray[np.bool_], group: Index) -> list[float]:
    """One a group, then over all crystals."""
    right = called == true
    return [*(float(right[group == g].mean()) for g in range(len(GROUPS))), float(right.mean())]


def swaps(network: Classifier, test: Magnets, called: NDArray[np.bool_]) -> dict[str, float | None]:
    """The docstring's shares; None where no crystal is concerned."""
    numbers, away, iron = test.graphs.numbers, np.arange(N_ELEMENTS, dtype=np.int16), np.arange(N_ELEMENTS, dtype=np.int16)
    for element, instead in STAND_IN.items():
        away[element] = instead
    iron[ZINC] = IRON
    found: dict[str, float | None] = {}
    for name, change, rows in (
        ("still called FM", away, called & test.ferromagnetic & test.typical),
        ("called FM with Fe for Zn", iron, ~called & ~test.ferromagnetic & ~test.typical & test.holds([ZINC])),
    ):
        swapped = replace(test.graphs, numbers=change[numbers]).take(np.flatnonzero(rows))
        found[name] = float((logits(network, swapped) > 0).mean()) if rows.any() else None
    return found


def shuffled(test: Magnets, said: NDArray[np.float64]) -> dict[str, float | int | None]:
    """What the logits of structures with one composition are worth where only some are ferromagnetic."""
    places, pairs = [], []
    for rows in pd.Series(np.arange(len(test.formula))).groupby(test.formula).agg(list).map(np.array):
        yes, no = rows[test.ferromagnetic[rows]], rows[~test.ferromagnetic[rows]]
        if len(yes) and len(no):
            places.append(rows)
            pairs.append((said[yes][:, None] > said[no]).ravel())
    if not places:
        return {"polymorphs": 0, "in place": None, "shuffled": None, "pairs ranked": None}
    here, there = np.concatenate(places), np.concatenate([np.roll(rows, 1) for rows in places])
    before, after = (float(((said[rows] > 0) == test.ferromagnetic[here]).mean()) for rows in (here, there))
    ranked = float(np.concatenate(pairs).mean())
    return {"polymorphs": len(here), "in place": before, "shuffled": after, "pairs ranked": ranked}


def measure(parts: dict[str, Magnets], strength: float, seed: int, epochs: int) -> dict[str, Any]:
    """Train and test; the figures of one line of results.jsonl."""
    started = time.monotonic()
    network, prior = train(parts["train"].graphs, parts["train"].ferromagnetic, strength, seed, epochs)
    line: dict[str, Any] = {"seconds": time.monotonic() - started, "prior": prior}
    for name in ("val", "test"):
        part = parts[name]
        said = logits(network, part.graphs)
        for threshold, value in (("half", 0.0), ("share", prior)):
            line[f"{name}_{threshold}"] = accuracies(said > value, part.ferromagnetic, part.group)
        line[f"{name}_margin"] = float(np.abs(said - prior).mean())
    return {**line, **swaps(network, parts["test"], said > 0), **shuffled(parts["test"], said)}


def read(table: Path, rows: int) -> dict[str, Magnets]:
    """The table's three parts as graphs; a crystal that cannot be read or has no neighbours is left out."""
    frame = pd.read_parquet(table)
    if "ordering" not in frame:
        unknown, moment = frame.ordering_from_site_moments.isna(), frame.magnetization_muB_per_atom.abs()
        frame = frame[~unknown | (moment < VANISHES)].assign(ordering=frame.ordering_from_site_moments)
    parts = {}
    for name in ("train", "val", "test"):
        part = frame[frame.split == name].sample(frac=1.0, random_state=0)
        parts[name] = _magnets(part.head((rows if name == "train" else rows // 3) if rows else len(part)))
        if np.bincount(parts[name].group, minlength=len(GROUPS)).min() == 0:
            raise SystemExit(f"a group has no {name} crystal; take more rows")
    return parts


def _magnets(part: pd.DataFrame) -> Magnets:
    graphs: list[CrystalGraphs] = []
    kept: list[int] = []
    for numbers, crystals in _readable(part.cif):
        built, alone_left_out = build_graphs([symmetrise(crystal) for crystal in crystals], GraphSettings())
        graphs.append(built)
        kept += [numbers[k] for k in alone_left_out]
    part = part.iloc[kept]
    return Magnets(CrystalGraphs.join(graphs), (part.ordering == "FM").to_numpy(), part.formula.to_numpy(dtype=str))


def _readable(texts: pd.Series) -> Iterator[tuple[list[int], list[Crystal]]]:
    """Row numbers and crystals, some at a time."""
    for start in range(0, len(texts), CRYSTALS_AT_ONCE):
        found = {start + k: next(read_cif(text, "", "")) for k, text in enumerate(texts.iloc[start : start + CRYSTALS_AT_ONCE])}
        whole = {k: crystal for k, crystal in found.items() if isinstance(crystal, Crystal)}
        yield list(whole), list(whole.values())


def tables(lines: list[dict[str, Any]]) -> str:
    """Test accuracies for every c, the chosen one marked, at both thresholds; then what the calls hang on."""
    of = {c: [line for line in lines if line["strength"] == c] for c in STRENGTHS}
    of = {c: found for c, found in of.items() if found}
    text = []
    for threshold, words in (("half", "one half"), ("share", "the share of ferromagnets")):
        worst = {c: np.mean([min(line[f"val_{threshold}"][:-1]) for line in found]) for c, found in of.items()}
        rows = []
        for c, found in of.items():
            columns = [[line[f"test_{threshold}"][k] for line in found] for k in range(len(GROUPS) + 1)]
            columns.append([min(line[f"test_{threshold}"][:-1]) for line in found])
            mark = " (chosen)" if c == max(worst, key=lambda c: worst[c]) else ""  # of equal ones the weakest
            rows.append([f"{c:g}{mark}", f"{worst[c]:.3f}", *(Measured.of(column).text(3) for column in columns)])
        text.append(f"Test accuracy, yes from {words} on; mean of {max(map(len, of.values()))} seeds\n")
        text.append(markdown(["c", "worst, validation", *GROUPS, "all", "worst group"], rows) + "\n")
    names = {name: name for name in ("still called FM", "called FM with Fe for Zn")}
    names |= {name: f"polymorphs: {name}" for name in ("in place", "shuffled", "pairs ranked")}
    names |= {"test_margin": "mean abs(z - b)"}
    rows = []
    for c, found in of.items():
        known = [[line[name] for line in found if line[name] is not None] for name in names]
        rows.append([f"{c:g}", *(Measured.of(values).text(3) if values else "" for values in known)])
    text.append(markdown(["c", *names.values()], rows))
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rows", type=int, default=0, help="training rows; 0: all")
    parser.add_argument("--only-table", action="store_true", help="train nothing, show what there is")
    options = arguments(parser, lambda made: [made.magnets(), "--out", made.out(), "--seeds", 1, "--epochs", 1])
    torch.set_num_threads(1)
    journal = Journal(make_folder(options.out) / "results.jsonl")
    kind = {"table": options.table.name, "rows": options.rows, "epochs": options.epochs}
    keys = [{**kind, "strength": c, "seed": seed} for seed in range(options.seeds) for c in STRENGTHS]
    done = [line for line in journal.lines() if kind.items() <= line.items()]
    todo = [key for key in keys if not any(key.items() <= line.items() for line in done)]
    if todo and not options.only_table:
        started = time.monotonic()
        parts = read(options.table, options.rows)
        for name, part in parts.items():
            counts = zip(GROUPS, np.bincount(part.group, minlength=len(GROUPS)), strict=True)
            print(f"{name}: " + ", ".join(f"{group} {count:,}" for group, count in counts), flush=True)
        print(f"graphs of {sum(len(p.graphs) for p in parts.values()):,} crystals in {time.monotonic() - started:.0f} s")
        for k, key in enumerate(todo):
            line = {**key, **measure(parts, key["strength"], key["seed"], options.epochs)}
            journal.append(line)
            left = line["seconds"] * (len(todo) - k - 1) / 60
            worst = f"worst group of validation {min(line['val_half'][:-1]):.3f}"
            print(f"[{k + 1}/{len(todo)}] c = {key['strength']:g}, seed {key['seed']}: {line['seconds']:.0f} s, {worst}, "
                  f"some {left:.0f} min to go", flush=True)  # fmt: skip
    found = [line for line in journal.lines() if any(key.items() <= line.items() for key in keys)]
    print("\n" + tables(found) if found else "no run has finished")


if __name__ == "__main__":
    main()
