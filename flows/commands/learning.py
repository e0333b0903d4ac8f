"""train, train-order, train-experiment, evaluate: from data to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import Json, ModelId, QuietOption, SnapshotId, choice, facts, listed, perform, prepare


def train(
    snapshot: SnapshotId = None,
    members: Annotated[
        str, typer.Option("--members", help="Model families, comma-separated. `cgcnn:3` means three members of the family cgcnn.")
    ] = "forest,cgcnn,megnet",
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Number of members of each family without a number of its own.")
    ] = 1,
    first_seed: Annotated[
        int, typer.Option("--first-seed", min=0, help="Seed of the first member of each family; the others count on from it.")
    ] = 0,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over the data (default: each family's own).")
    ] = None,
    max_minutes: Annotated[float | None, typer.Option("--max-minutes", help="Time limit of all networks together.")] = None,
    descriptors: Annotated[
        str,
        typer.Option("--descriptors", help="Descriptors of the tree families: `fast`, or `full` (one more second per crystal)."),
    ] = "fast",
    select_descriptors: Annotated[
        int | None,
        typer.Option(
            "--select-descriptors", min=1, help="Number of descriptors, selected with a stochastic search (default: all)."
        ),
    ] = None,
    weigh_label_noise: Annotated[
        bool,
        typer.Option(
            "--weigh-label-noise", help="Give less weight to labels that cross-validation contradicts."
        ),
    ] = False,
    site_moments: Annotated[
        str | None,
        typer.Option(
            "--site-moments", help="Snapshot whose site moments `mpnn` learns, too: its id, the id's beginning, or `newest`."
        ),
    ] = None,
    label_sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--label-sources",
            help="Folder with tables of newer calculations, measured moments, orders or site moments (repeat for several): "
            "labels that they contradict are replaced, or get less weight.",
        ),
    ] = None,
    pretrain_on: Annotated[
        list[Path] | None,
        typer.Option(
            "--pretrain-on",
            help="File, folder or table of crystals without labels (repeat for several): `mpnn` learns their structures, and "
            "those of the training rows, before any moment.",
        ),
    ] = None,
    adapt: Annotated[
        str | None, typer.Option("--adapt", help="Model whose coordinate network `canonical` makes independent of orientation.")
    ] = None,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Train an ensemble. An interrupted training continues where it stopped."""
    from flows.jobs.training import TrainJob
    from flows.summary import print_json, training_facts
    from pipeline.features.descriptor_sets import DescriptorSet

    job = TrainJob(
        snapshot=snapshot,
        members=listed(members),
        seeds=seeds,
        first_seed=first_seed,
        epochs=epochs,
        max_minutes=max_minutes,
        descriptor_set=choice(DescriptorSet, "--descriptors", descriptors),
        adapt=adapt,
        selected=select_descriptors,
        weigh_label_noise=weigh_label_noise,
        site_moments=site_moments,
        label_sources=[str(folder) for folder in label_sources or ()] or None,
        pretrain_on=[str(path) for path in pretrain_on or ()] or None,
    ).resolved()
    prepare(quiet)
    manifest = perform("train", job)
    print_json(manifest) if json else facts("Model published", training_facts(manifest))


def train_order(
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", help="Snapshot id or its beginning (default: the newest that has site moments).")
    ] = None,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Train the order classifier and the order ranker. Each is put to use if it is no worse than the one in use."""
    from flows.jobs.training_order import TrainOrderJob
    from flows.summary import print_json

    job = TrainOrderJob(snapshot).resolved()
    prepare(quiet)
    done = perform("train_order", job)
    if json:
        print_json(done)
        return
    for kind, found in done.items():
        why = "; ".join(found["promotion"]["why_not"])
        facts(kind.capitalize(), {"id": found["id"], "in use": "yes" if not why else f"no: {why}"})


def train_experiment(
    literature: Annotated[
        str | None, typer.Option("--literature", help="Id of a literature snapshot or its beginning (default: the newest).")
    ] = None,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Train the models of experimental order and transition temperatures on a literature snapshot.

    The new model is put to use if it is no worse than the one in use. An interrupted training continues where it stopped.
    """
    from flows.jobs.training_experiment import TrainExperimentJob
    from flows.summary import print_json

    job = TrainExperimentJob(literature).resolved()
    prepare(quiet)
    done = perform("train_experiment", job)
    if json:
        print_json(done)
        return
    order, tc, tn, why = (*(done["scores"][task] for task in ("order", "tc", "tn")), "; ".join(done["promotion"]["why_not"]))
    shown = {
        "id": done["id"], "literature snapshot": done["snapshot"], "AUROC of the order": order["auroc"],
        "mean error of Tc, K": tc["mae_K"], "mean error of TN, K": tn["mae_K"], "in use": "yes" if not why else f"no: {why}",
    }  # fmt: skip
    facts("Experiment model", shown)


def evaluate(
    model: ModelId = None,
    snapshot: SnapshotId = None,
    split: Annotated[str, typer.Option("--split", help="train, val, test or all.")] = "test",
    quiet: QuietOption = False,
) -> None:
    """Print the metrics of a model on labelled rows, as JSON."""
    from flows.console import reporter, use_console
    from flows.summary import print_json
    from pipeline.evaluation.evaluate import evaluate as metrics_of
    from pipeline.registry.shipped import choose_model
    from pipeline.settings import settings
    from pipeline.training.snapshots import newest_with_labels

    use_console(quiet)
    where = settings()
    print_json(metrics_of(choose_model(where, model), newest_with_labels(where, snapshot), split, where, reporter()))
