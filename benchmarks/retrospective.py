r"""A screen with hindsight: would known strong magnets have been found?

    python -m benchmarks.retrospective ../shared/data/mp_magnets.parquet --out .work/retrospective \
        [--epochs 10] [--plot docs/retrospective.svg]

Every crystal of the chemical systems below is hidden: from training, validation and the choice of anything. A small ensemble
(boosted trees and a CGCNN of a few epochs) learns from the other training rows, is calibrated on the other validation rows, and
ranks the table's test rows with the hidden crystals among them, as a screen does: by P(FM) times µ0·Ms at the lower end of the
interval (the profile high-ms), at its upper end (explore), or, which no profile does, as predicted. The trees that say P(FM)
have seen site moments of some of these systems.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.axes import Axes

from benchmarks.learning_curve import find_snapshot
from benchmarks.smoke import arguments
from data.labels import TESLA_PER_MUB_PER_A3
from data.store.artifact import make_folder, write_bytes
from data.symmetry import SymmetricCell, symmetrise
from flows.console import Console
from models.contract import Examples, FitControl, Prediction
from models.families import family
from pipeline.demos.figures import markdown
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names
from pipeline.features.neighbours import GraphSettings
from pipeline.magnetism.moment_facts import LEAST_P
from pipeline.magnetism.order_descriptors import order_descriptors
from pipeline.registry.order_models import order_classifier
from pipeline.report.svg import ROLES, draw
from pipeline.settings import settings
from pipeline.training.dataset import Labelled, labelled_examples
from pipeline.training.member_weights import choose_weights
from pipeline.training.splits import split_rows
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import ErrorModel
from pipeline.uncertainty.integer_moments import IntegerMoments

# a chemical system, and the compound of it that made it known
MAGNETS = {
    "Co-Sm": "SmCo5", "B-Fe-Nd": "Nd2Fe14B", "Fe-Pt": "FePt", "Co-Pt": "CoPt", "Fe-Pd": "FePd", "Co-Fe": "FeCo", "Fe-N": "Fe4N",
    "B-Fe": "Fe2B", "C-Fe": "Fe3C", "Fe-P": "Fe2P", "Fe-Si": "Fe3Si", "Fe-Y": "Y2Fe17", "Co-Y": "YCo5", "Fe-Sm": "Sm2Fe17",
    "Fe-Tb": "Tb2Fe17", "Bi-Mn": "MnBi", "Mn-Sb": "MnSb", "Ge-Mn": "Mn5Ge3", "Co-Mn-Si": "Co2MnSi", "Ga-Mn-Ni": "Ni2MnGa",
    "Co-Fe-Si": "Co2FeSi", "Mn-Ni-Sb": "MnNiSb", "Co-Gd": "GdCo5", "Fe-Zr": "ZrFe2", "Al-Mn": "MnAl",
}  # fmt: skip
MEMBERS = ("boosting", "cgcnn")
STRONG_T = 0.5  # a hidden crystal whose DFT label says less is no strong magnet, whatever its system
SEED, GRAPH = 0, GraphSettings()
PLACES = ("high-ms", "predicted", "explore")  # P(FM) times the lower end, the prediction, the upper end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--plot", type=Path)
    options = arguments(parser, lambda made: [made.magnets(every=2), "--out", made.out(), "--epochs", 1])
    where, console = settings(), Console()
    snapshot = find_snapshot(options.table, where, console)
    data = labelled_examples(snapshot, GRAPH, DescriptorSet.FAST, False, where, console)
    cells = {crystal.id: symmetrise(crystal, GRAPH.symprec_A) for crystal in snapshot.crystals()}
    ranked = retrospective(data, cells, make_folder(options.out), options.epochs, where.workers, console)
    found = best_of_each(ranked)
    print(summary(ranked, found))
    if options.plot:
        write_bytes(options.plot, picture(found, len(ranked)).encode())


def retrospective(
    data: Labelled, cells: dict[str, SymmetricCell], out: Path, epochs: int, workers: int, console: Console
) -> pd.DataFrame:
    """The candidates in the order of the ranking: formula, chemsys, hidden, tesla (of the label), and both places."""
    systems, split = np.array(data.table.column("chemsys").to_pylist()), split_rows(data.table)
    hidden = np.isin(systems, list(MAGNETS))
    train, validation = (data.examples.take(rows[~hidden[rows]]) for rows in (split.train, split.validation))
    rows = np.union1d(split.test, np.flatnonzero(hidden))
    candidates = data.examples.take(rows)
    said = {name: _learned(name, train, validation, candidates, out, epochs, workers, console) for name in MEMBERS}
    of_validation = systems[split.validation[~hidden[split.validation]]].tolist()
    chosen = choose_weights(validation.targets(), np.stack([v.moment for v, _ in said.values()]), of_validation)
    domain = Domain.fit(train, validation, len(descriptor_names()))
    errors = ErrorModel.fit(
        validation.targets(), [v for v, _ in said.values()], chosen.weights, validation, of_validation, domain, rule=chosen.rule,
        integer=IntegerMoments.fit(train),
    )  # fmt: skip
    predicted = errors.predict({name: c for name, (_, c) in said.items()}, chosen.weights, candidates)
    tesla = TESLA_PER_MUB_PER_A3 / candidates.graphs.volume_per_atom
    of_rows = [cells[name] for name in data.table.column("material_id").take(pa.array(rows)).to_pylist()]
    of_order = order_descriptors(of_rows, candidates.descriptors, predicted.p_magnetic >= LEAST_P, GRAPH)
    p_fm = predicted.p_magnetic * order_classifier().predict(of_order)[:, 0]
    table = pd.DataFrame({
        "formula": np.array(data.table.column("formula").to_pylist())[rows], "chemsys": systems[rows], "hidden": hidden[rows],
        "tesla": candidates.targets() * tesla, "said": predicted.moment * tesla,
        "low": predicted.low * tesla, "high": predicted.high * tesla,
    })  # fmt: skip
    for place, column in zip(PLACES, ("low", "said", "high"), strict=True):
        table[place] = (p_fm * table[column]).rank(ascending=False, method="first").astype(int)
    return table.sort_values("predicted", ignore_index=True)


def _learned(
    name: str, train: Examples, validation: Examples, candidates: Examples, out: Path, epochs: int, workers: int, console: Console
) -> tuple[Prediction, Prediction]:
    """What a member says of the validation rows and of the candidates."""
    model = family(name)()
    with console.bar(f"Training {name}", epochs) as tick:
        checkpoint = make_folder(out / name)
        control = FitControl(seed=SEED, epochs=epochs, checkpoint=checkpoint, workers=workers, report=lambda row: tick(1))
        model.fit(train, validation, control)
    return model.predict(validation), model.predict(candidates)


def best_of_each(ranked: pd.DataFrame) -> pd.DataFrame:
    """Of each hidden system the strong crystal that stands highest by the prediction, how many are strong, and the highest
    place of any of them in each order."""
    strong = ranked[ranked["hidden"] & (ranked["tesla"] >= STRONG_T)]
    groups = strong.groupby("chemsys", sort=False)
    best = groups.first().assign(strong=groups.size(), **{place: groups[place].min() for place in PLACES})
    return best.assign(known=[MAGNETS[system] for system in best.index]).reset_index()


def summary(ranked: pd.DataFrame, found: pd.DataFrame) -> str:
    shown = pd.DataFrame({
        "known for": found["known"], "its best": found["formula"], "DFT, T": found["tesla"].map("{:.2f}".format),
        "said, T": found["said"].map("{:.2f}".format),
        "90 % interval": [f"{low:.2f} to {high:.2f}" for low, high in zip(found["low"], found["high"], strict=True)],
        "strong crystals": found["strong"], **{f"place {name}": found[name] for name in PLACES},
    })  # fmt: skip
    strong = int((ranked["hidden"] & (ranked["tesla"] >= STRONG_T)).sum())
    within = []
    for place in PLACES:
        counted = (f"{int((found[place] <= n).sum())} in the first {n}" for n in (50, 100, 250, 500))
        within.append(f"{place}: {', '.join(counted)}")
    return "\n\n".join(
        [
            f"{len(ranked):,} candidates, {int(ranked['hidden'].sum())} of them hidden, {strong} of these strong",
            markdown(list(shown.columns), shown.astype(str).to_numpy().tolist()),
            f"of {len(found)} systems the best strong crystal stands: {'; '.join(within)}",
        ]
    )


def picture(found: pd.DataFrame, candidates: int) -> str:
    """Places of the best crystal of each system, on a logarithmic axis."""
    rows = found.sort_values("predicted", ascending=False, ignore_index=True)

    def paint(axes: Axes) -> None:
        axes.grid(True, axis="x")
        axes.hlines(
            rows.index, rows[list(PLACES)].min(axis=1), rows[list(PLACES)].max(axis=1), color=ROLES["line"], linewidth=1.4
        )
        for place, mark, role in zip(PLACES, ("D", "o", "s"), ("steel", "rust", "muted"), strict=True):
            axes.plot(rows[place], rows.index, mark, color=ROLES[role], fillstyle="none", markersize=4.5, label=place)
        axes.set_xscale("log")
        axes.set(xlim=(0.8, candidates), xlabel=f"place among {candidates:,} candidates", yticks=rows.index)
        axes.set_yticklabels([f"{known} ({formula})" for known, formula in zip(rows["known"], rows["formula"], strict=True)])
        axes.legend(loc="lower right")

    return draw("retrospective", "Places of hidden magnets in a screen with hindsight", paint, (7.2, 5.6))


if __name__ == "__main__":
    main()
