"""Order, Curie temperature and the first hundred of a ranking against experiments, on chemical systems that no model saw.

    python -m benchmarks.experiment ../shared/data/literature --tables ../shared/data/mp_magnets.parquet \
        ../shared/data/icsd_candidates.parquet [--work FOLDER] [--smoke]

The members of five folds are learned anew (half an hour; what FOLDER holds is not learned again). Of the tables, crystals with
a known experimental order count, of mp_magnets those of val and test; they are ranked by the default profile without a look-up,
their order and Curie temperature coming from members that never saw their chemical systems.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.smoke import arguments
from data.labels import TESLA_PER_MUB_PER_A3
from data.sources.literature.tables import ORDERS, STRUCTURES, amounts_of, composition_key
from data.sources.parquet import Columns, ParquetSource
from flows.console import Console
from models.experiment.composition_network import NetworkSettings
from models.experiment.domain import FAR
from models.experiment.intervals import BinnedResiduals
from models.experiment.model import temperatures
from models.experiment.tree_members import ForestSettings
from pipeline.demos.figures import markdown
from pipeline.evaluation.experiment_metrics import HIGH_K, crossed_order, order_metrics
from pipeline.magnetism.experiment import prediction_columns, with_experiment
from pipeline.magnetism.known_orders import known_from_experiment, nothing_known
from pipeline.registry.shipped import choose_model
from pipeline.screening.candidates import predict_safely
from pipeline.screening.profiles import PROFILES
from pipeline.screening.ranking import in_order, with_tesla
from pipeline.screening.screen_models import ScreenModels
from pipeline.settings import Settings
from pipeline.training.experiment import CrossFitted, ExperimentSettings, held_out_distances, train_experiment
from pipeline.training.experiment_evaluation import evaluation_facts
from pipeline.training.experiment_rows import AFM, FM_OR_FIM, ExperimentRows, read_rows

FIRST = 100
ORDER_FIGURES = ("auroc", "macro_f1", "brier", "calibration_error")
OOD_EDGES = (0.0, 0.4, 0.6, 0.8, 1.0, 1.5, np.inf)
DRAWS = 2000
FEW = ForestSettings(n_estimators=5)
SMOKE = ExperimentSettings(1, FEW, FEW, NetworkSettings(width=16, hidden=32, epochs=1))
SMOKE_ROWS = 1500
ROOM_K = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("literature", type=Path)
    parser.add_argument("--tables", type=Path, nargs="*", default=[])
    parser.add_argument("--work", type=Path)
    options = arguments(parser, lambda made: [made.literature(), "--tables", made.magnets(), made.candidates()])
    rows = read_rows(options.literature)
    if options.smoke:
        rows = rows.take(np.sort(np.random.default_rng(0).permutation(len(rows.fold))[:SMOKE_ROWS]))
    with tempfile.TemporaryDirectory() as aside:
        work = options.work or Path(aside)
        model, crossed = train_experiment(rows, SMOKE if options.smoke else ExperimentSettings(), work, Console().say)
    facts = evaluation_facts(rows, crossed, model.forest_weight)
    print(f"## Chemical systems that no member saw ({len(rows.fold):,} compositions, five folds)\n")
    _print_metrics(facts, model.forest_weight)
    said = crossed.combined(model.forest_weight)
    known = rows.table["order"].notna().to_numpy()
    probability = np.full(len(rows.fold), np.nan)
    probability[known] = crossed_order(said["order"][0][known], rows.table["order"].to_numpy()[known], rows.fold[known])
    print(f"\n## Members\n\n{_members(rows, crossed)}")
    print(f"\n{_hot(rows, said)}")
    print(f"\n## By the references behind an order\n\n{_by_references(options.literature, rows, probability)}")
    print(f"\n## By distance from what was learned\n\n{_by_distance(rows, said, probability)}")
    if (options.literature / STRUCTURES).is_file() and not options.smoke:
        print(f"\n## Solved magnetic structures\n\n{_solved(options.literature, rows, probability)}")
    if options.tables:
        print(f"\n## Crystals with a known order\n\n{_first(options, rows, model, crossed)}")
        print(f"\n{_on_crystals(options.tables, rows, probability)}")


def _print_metrics(facts: dict[str, Any], weight: dict[str, float]) -> None:
    lines = [
        [
            "FM or FiM against AFM",
            f"{facts['order']['rows']:,}",
            *(f"{facts['order'][n]:.4g}" for n in ("auroc", "macro_f1", "brier", "calibration_error")),
        ]
    ]
    print(markdown(["order", "rows", "AUROC", "macro-F1", "Brier", "calibration error"], lines))
    names = ("mae_K", "median_error_K", "r2", "precision_above_600", "recall_above_600")
    parts = {
        "Tc": "tc",
        "Tc, without rare earths": "tc_without_rare_earths",
        "Tc, with rare earths": "tc_with_rare_earths",
        "TN": "tn",
    }
    lines = [[title, f"{facts[key]['rows']:,}", *(f"{facts[key][n]:.4g}" for n in names)] for title, key in parts.items()]
    print("\n" + markdown(["temperature", "rows", "MAE, K", "median, K", "R²", "precision > 600 K", "recall > 600 K"], lines))
    print(f"\nTc by what it rests on: {facts['tc_by_tier']}; weight of the forests: {weight}\n")
    lines = [
        [task, name, f"{row['rows']:,}", f"{row['coverage']:.1%}", f"{row['width_K']:.0f}"]
        for task in ("tc", "tn") for name, row in facts[f"{task}_coverage"]["bins"].items()
    ]  # fmt: skip
    print(markdown(["interval of", "predicted", "rows", "coverage", "mean width, K"], lines))


def _members(rows: ExperimentRows, crossed: CrossFitted) -> str:
    """The same figures of each member by itself."""
    from sklearn.metrics import roc_auc_score

    lines = []
    members = {"forest": 0} | {f"network {k + 1}": k + 2 for k in range(len(crossed.answers["tc"]) - 2)}
    for name, k in members.items():
        cells = []
        for task in ("tc", "tn"):
            known, truth, _ = rows.target(task)
            value = temperatures(crossed.answers[task][k][known], np.zeros(len(known)))[0]
            cells.append(f"{np.abs(value - truth).mean():.1f}")
        known, truth, _ = rows.target("order")
        lines.append([name, *cells, f"{roc_auc_score(truth, crossed.answers['order'][k][known]):.4f}"])
    return markdown(["member", "MAE of Tc, K", "MAE of TN, K", "AUROC of the order"], lines)


def _hot(rows: ExperimentRows, said: dict[str, Any]) -> str:
    """Precision and recall of P(Tc > 600 K), from intervals that the other folds calibrated."""
    known, truth, _ = rows.target("tc")
    value, spread = temperatures(said["tc"][0][known], said["tc"][1][known])
    fold, probability = rows.fold[known], np.zeros(len(known))
    for k in np.unique(fold):
        here = fold == k
        residuals = BinnedResiduals.fit(truth[~here], value[~here], spread[~here])
        probability[here] = residuals.p_above(HIGH_K, value[here], spread[here])
    hot, lines = truth > HIGH_K, []
    for least in (0.5, 0.7, 0.8, 0.9):
        said_so = probability >= least
        lines.append([f"{least:g}", f"{said_so.sum():,}", f"{hot[said_so].mean():.3f}", f"{said_so[hot].mean():.3f}"])
    return markdown([f"P(Tc > {HIGH_K:g} K) at least", "rows", "precision", "recall"], lines)


def _by_references(folder: Path, rows: ExperimentRows, probability: np.ndarray) -> str:
    """The order's figures by the number of references: what the labels are worth."""
    table = pd.read_parquet(folder / ORDERS, columns=["key", "Tc_n_refs", "TN_n_refs"]).set_index("key")
    count = table.max(axis=1).reindex(rows.table["key"]).to_numpy()
    truth, lines = rows.table["order"].to_numpy(), []
    for title, part in (("one", count <= 1), ("two", count == 2), ("three or more", count >= 3)):
        here = part & np.isfinite(probability)
        found = order_metrics(truth[here], probability[here])
        lines.append([title, f"{here.sum():,}", f"{truth[here].mean():.2f}", *(f"{found[n]:.3f}" for n in ORDER_FIGURES)])
    head = ["references", "compositions", "share of FM or FiM", "AUROC", "macro-F1", "Brier", "calibration error"]
    return markdown(head, lines)


def _by_distance(rows: ExperimentRows, said: dict[str, Any], probability: np.ndarray) -> str:
    """Errors by the out-of-domain score, from domains that never saw a row's chemical system."""
    distance = held_out_distances(rows, ExperimentSettings().seed)
    score = distance / np.quantile(distance, FAR)
    order, tc = rows.table["order"].to_numpy(), rows.table["tc"].to_numpy()
    value = temperatures(*said["tc"])[0]
    brier, error = (probability - order) ** 2, np.abs(value - tc)
    lines = []
    for low, high in pairwise(OOD_EDGES):
        here = (score >= low) & (score < high)
        cells = [np.nanmean(brier[here]), np.nanmean(error[here]), np.nansum(error[here]) / np.nansum(tc[here])]
        lines.append([f"{low:g} to {high:g}", f"{here.sum():,}", *(f"{c:.3g}" for c in cells)])
    return markdown(["score", "compositions", "Brier of the order", "MAE of Tc, K", "MAE over mean Tc"], lines)


def _on_crystals(tables: list[Path], rows: ExperimentRows, probability: np.ndarray) -> str:
    """The order's figures on the compositions of crystals in the tables, all splits."""
    formulas = {f for path in tables for f in pd.read_parquet(path, columns=["formula"])["formula"].unique()}
    keys = {composition_key(amounts_of(f) or {"H": 1.0}) for f in formulas}
    here = np.isfinite(probability) & rows.table["key"].isin(keys).to_numpy()
    found = order_metrics(rows.table["order"].to_numpy()[here], probability[here])
    return f"Order on the {here.sum():,} compositions that have a crystal: AUROC {found['auroc']:.4f}, Brier {found['brier']:.3f}"


def _solved(folder: Path, rows: ExperimentRows, probability: np.ndarray) -> str:
    table = pd.read_parquet(folder / STRUCTURES, columns=["formula", "order"])
    table = table[table["order"].isin(["FM", "AFM"])]
    keys = [composition_key(amounts_of(f) or {}) for f in table["formula"]]
    p = pd.Series(probability, index=rows.table["key"]).reindex(keys).to_numpy()
    here = np.isfinite(p)
    found = order_metrics((table["order"] == "FM").to_numpy(float)[here], p[here])
    return f"FM against AFM: {here.sum()} structures, AUROC {found['auroc']:.3f}"


def _first(options: argparse.Namespace, rows: ExperimentRows, model: Any, crossed: CrossFitted) -> str:
    """The top-100 figure, from members that never saw a crystal's chemical system."""
    truth = pd.read_parquet(options.literature / ORDERS).set_index("key")
    truth = truth[truth["exp_order"].isin([FM_OR_FIM, AFM])]
    predictions = pd.concat([_predicted(path, truth.index, options.smoke) for path in options.tables], ignore_index=True)
    table = _unseen(predictions, rows, model, crossed)
    lines = []
    for title, profile, look_up in (
        ("as calculated", "as-calculated", False), ("look-up off", "permanent-magnet", False),
        ("look-up off, no preference of lattices", "soft-magnet", False),
        ("look-up on, embedded table only", "permanent-magnet", True),
    ):  # fmt: skip
        ranked = in_order(_with(table, look_up), PROFILES[profile])
        answer = truth.loc[ranked["key"]]
        up = (answer["exp_order"] == FM_OR_FIM).to_numpy()
        hot = up & (answer["Tc_K"] > ROOM_K).to_numpy()
        lines.append([title, f"{len(ranked):,}", _share(hot), _share(up)])
    head = ["ranking", "crystals", f"FM or FiM with Tc > 300 K in the first {FIRST}", f"FM or FiM in the first {FIRST}"]
    return markdown(head, lines)


def _predicted(path: Path, keys: pd.Index, smoke: bool) -> pd.DataFrame:
    """DFT's predictions for the crystals of a table whose composition is among the keys, of mp_magnets without its train rows."""
    table = pd.read_parquet(path)
    if "split" in table:
        table = table[table["split"] != "train"]
    named = {f: composition_key(amounts_of(f) or {"H": 1.0}) for f in table["formula"].unique()}
    table = table.assign(key=table["formula"].map(named))
    table = table[table["key"].isin(keys)]
    table = table.head(60) if smoke else table
    where = Settings()
    with tempfile.TemporaryDirectory() as aside:
        part = Path(aside) / "part.parquet"
        table[["material_id", "cif"]].to_parquet(part)
        source = ParquetSource(part, labelled=False, columns=Columns())
        models = ScreenModels.in_use(choose_model(where), where)
        parts = [s.table for s in predict_safely(source, models, where.descriptors, list(source.shards()), 1)]
    found = pd.concat(parts, ignore_index=True)
    return found.assign(key=found["candidate_id"].map(table.set_index("material_id")["key"]))


def _unseen(predictions: pd.DataFrame, rows: ExperimentRows, model: Any, crossed: CrossFitted) -> pd.DataFrame:
    """With the experiment's columns from members that did not see the crystal's chemical system."""
    place = pd.Series(np.arange(len(rows.fold)), index=rows.table["key"]).reindex(predictions["key"])
    predictions = predictions[place.notna().to_numpy()].reset_index(drop=True)
    here = place.dropna().astype(int).to_numpy()
    columns = prediction_columns(model.combined({task: answers[:, here] for task, answers in crossed.answers.items()}))
    return predictions.assign(**columns, duplicate_of="", known_id="")


def _with(table: pd.DataFrame, look_up: bool) -> pd.DataFrame:
    known = known_from_experiment(table["formula"], table["space_group"], None) if look_up else nothing_known(table.index)
    tesla = TESLA_PER_MUB_PER_A3 / table["volume_per_atom"]
    return with_tesla(with_experiment(table, known, tesla), tesla)


def _share(hit: np.ndarray) -> str:
    """Of the first hundred, with the 95 % interval of a bootstrap over them."""
    first = hit[:FIRST]
    drawn = np.random.default_rng(0).choice(first, size=(DRAWS, len(first))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{first.mean():.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
