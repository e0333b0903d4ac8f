"""Five-fold cross-validation by chemical system over every labelled row, so that a figure does not hang on one split.

    python -m benchmarks.cross_validation ../shared/data/mp_magnets.parquet --out .work/cross_validation
        [--members mpnn] [--site-moments ../shared/data/mp_site_moments.parquet]
        [--label-sources ../shared/data/literature ../shared/data] [--pretrain-on ../shared/data/icsd_candidates.parquet]
        [--epochs 20]

The table's own split plays no part. Every row is tested once, by members that saw no crystal of its chemical system. Of the four
other folds a tenth of the chemical systems decides when to stop and calibrates the errors; the rest is learned from, with the
site moments of crystals of other chemical systems and with mended labels where these are given. Tested are the labels as they
are. With `--pretrain-on` a member learns structures first, as in `train`: those of its training rows and of the crystals
given, again without the systems that validate and are tested. A finished fold is a file in the folder and is not run again; an
unfinished one goes on from its last epoch.
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.calibrated import calibrated, equal_weights
from benchmarks.learning_curve import find_snapshot
from benchmarks.pretraining import pretrained, read_structures
from benchmarks.shipped import FIGURES, figures
from benchmarks.smoke import arguments
from data.labels import MAGNETIC_THRESHOLD
from data.snapshot import Snapshot
from data.store.artifact import make_folder
from flows.console import Console
from models.contract import Examples, FitControl, Model
from models.families import family
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.neighbours import GraphSettings
from pipeline.featurise import Needs
from pipeline.settings import settings
from pipeline.training.dataset import Labelled, labelled_examples
from pipeline.training.label_sources import LabelSources
from pipeline.training.member_weights import system_folds
from pipeline.training.mended_labels import mend_labels
from pipeline.training.site_moment_rows import site_moment_rows
from pipeline.training.train import MENDED_FROM
from pipeline.training.unlabelled import rows_outside

FOLDS = 5
VALIDATION = 0.1  # share of the chemical systems of the other folds
Rows = NDArray[np.int64]


def main() -> None:
    options = _options()
    where, console, out = settings(), Console(), make_folder(options.out)
    snapshot = find_snapshot(options.table, where, console)
    sites = find_snapshot(options.site_moments, where, console) if options.site_moments else None
    sources = LabelSources.of(options.label_sources) if options.label_sources else None
    data = labelled_examples(snapshot, GraphSettings(), DescriptorSet.FAST, False, where, console)
    systems: list[str] = data.table["chemsys"].to_pylist()
    learned = data.examples if sources is None else mended_examples(snapshot, data, sources)
    pool = read_structures(options.pretrain_on, where, console)
    done = {}
    for fold, (others, tested) in enumerate(system_folds(systems, FOLDS)):
        path = out / f"fold-{fold}.parquet"
        if not path.is_file():
            train, validation = _validation(others, systems)
            closed = {systems[k] for k in np.concatenate([validation, tested]).tolist()}
            further = None if sites is None else site_moment_rows(sites, closed, Needs(), console)
            rows, known = learned.take(train), data.examples.take(validation)
            unlabelled = None if pool is None else pool.take(rows_outside(pool, closed))
            members = {
                kind: _member(kind, rows, further, known, unlabelled, options.epochs, out / f"{fold}-{kind}")
                for kind in options.members.split(",")
            }
            said = _answers(members, rows, known, data.examples.take(tested), [systems[k] for k in validation.tolist()])
            said.assign(material_id=data.table["material_id"].take(tested).to_pylist()).to_parquet(path)
        done[str(fold)] = pd.read_parquet(path)
        console.say(" | ".join(figures(f"fold {fold}", done[str(fold)])))
    done["all"] = pd.concat(done.values())
    print(markdown(["fold", *FIGURES], [figures(name, rows) for name, rows in done.items()]))
    print("\n" + against_members(done["all"].merge(data.table.select(["material_id", "chemsys"]).to_pandas(), on="material_id")))


def against_members(rows: pd.DataFrame) -> str:
    """What the members say alone, and what integer moments and training residuals gain (paired bootstrap, chemical systems)."""
    truth, said, members = (rows[c].to_numpy(np.float64) for c in ("moment_dft", "moment_muB_per_atom", "members"))
    error, before, body = np.abs(said - truth), np.abs(members - truth), []
    for name, part in (("all", np.ones(len(rows), dtype=bool)), ("magnetic", truth > MAGNETIC_THRESHOLD)):
        gain = cluster_bootstrap((before - error)[part], rows["chemsys"][part].to_list())
        body.append([name, f"{part.sum():,}", f"{before[part].mean():.4f}", f"{error[part].mean():.4f}", gain.text()])
    return markdown(["rows", "n", "MAE of the members, µB/atom", "with integers and residuals", "gain [95 %]"], body)


def mended_examples(snapshot: Snapshot, data: Labelled, sources: LabelSources) -> Examples:
    """The rows with the labels that other sources contradict replaced or weighed down."""
    ids = [str(name) for name in data.table["material_id"].to_pylist()]
    found = mend_labels(snapshot.table(MENDED_FROM).to_pandas(), sources).only(ids)
    return replace(data.examples, moment=found.moment(ids, data.examples.targets()), weight=found.weight(ids))


def _validation(others: Rows, systems: list[str]) -> tuple[Rows, Rows]:
    """Rows to learn from, and those of a tenth of the chemical systems."""
    apart = np.array([zlib.crc32(systems[k].encode()) % 1000 < 1000 * VALIDATION for k in others.tolist()])
    return others[~apart], others[apart]


def _member(
    kind: str, train: Examples, further: Examples | None, validation: Examples, unlabelled: CrystalGraphs | None,
    epochs: int | None, folder: Path,
) -> Model:  # fmt: skip
    made = family(kind)()
    rows = train.followed_by(further) if further is not None and made.reads_site_moments else train
    start = None
    if unlabelled is not None:
        structures = [rows.graphs, unlabelled]
        start = pretrained(family(kind)(), partial(CrystalGraphs.join, structures), folder / "pretrained", Console())
    total = epochs or made.training.epochs if hasattr(made, "training") else 1
    with Console().bar(folder.name, total) as tick:
        control = FitControl(epochs=epochs, checkpoint=make_folder(folder), pretrained=start, report=lambda row: tick(1))
        made.fit(rows, validation, control)
    return made


def _answers(
    members: dict[str, Model], learned: Examples, known: Examples, asked: Examples, systems: list[str]
) -> pd.DataFrame:  # fmt: skip
    """Prediction and interval of each tested row; the errors are calibrated on the rows `known`, of these chemical systems."""
    errors = calibrated(members, learned, known, systems)
    found = errors.predict({name: model.predict(asked) for name, model in members.items()}, equal_weights(members), asked)
    return pd.DataFrame({
        "moment_dft": asked.targets(), "moment_muB_per_atom": found.moment, "moment_low": found.low, "moment_high": found.high,
        "moment_std": found.std, "p_magnetic": found.p_magnetic, "ood_score": found.ood_score,
        "members": np.mean(list(found.members.values()), axis=0),
    })  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--members", default="mpnn", help="families; one member of each, with equal weights")
    parser.add_argument("--site-moments", type=Path, help="table with signed site moments")
    parser.add_argument("--label-sources", type=Path, nargs="*", help="folders of tables that find wrong labels")
    parser.add_argument("--pretrain-on", type=Path, nargs="*", help="crystals without labels, whose structures are learned first")
    parser.add_argument("--epochs", type=int, help="of each network; the family's own if not given")
    return arguments(parser, lambda made: [
        made.magnets(), "--out", made.out(), "--site-moments", made.site_moments(), "--pretrain-on", made.candidates(),
        "--members", "mpnn", "--epochs", 1,
    ])  # fmt: skip


if __name__ == "__main__":
    main()
