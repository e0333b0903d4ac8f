"""The `ferroscreen` command. Heavy packages are imported inside the commands, so that --help answers at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Find ferromagnets with a large moment: learn from DFT data, rank crystals, know the error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
INTERRUPTED = 130
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results (default: below $FERROSCREEN_HOME).")]
ModelId = Annotated[str | None, typer.Option("--model", help="Model id or its beginning (default: the newest).")]
SnapshotId = Annotated[str | None, typer.Option("--snapshot", help="Snapshot id or its beginning (default: the newest).")]
ColumnsOption = Annotated[
    str, typer.Option("--columns", help="Columns of a Parquet table, e.g. id=my_id,cif=my_cif,moment=my_moment.")
]


@app.command()
def run(out: Out = None, quiet: QuietOption = False, json: Json = False) -> None:
    """The whole job on the embedded starter set: data, training, ranking, report."""
    out = out or Path("report")
    _start(quiet, out)
    from flows.run import run as flow
    from flows.summary import print_json, print_rows, training_facts

    result = flow(str(out))
    if json:
        print_json(result)
        return
    _facts("Trained on the starter set", training_facts(result["model"]))
    print_rows("Ranked compounds of chemical systems that the model never saw", result["screen"]["top"])
    _facts("Open this page", {"report": Path(result["screen"]["report"]).resolve()})


@app.command()
def refresh(
    source: Annotated[str, typer.Option("--source", help="`starter` or `parquet:PATH`.")] = "starter",
    columns: ColumnsOption = "",
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Publish a data set as a snapshot."""
    from data.sources.opening import labelled_source
    from data.sources.parquet import Columns

    labelled_source(source, Columns.parse(columns)).identity()  # a mistake is found before the server starts
    _start(quiet)
    from flows.refresh import refresh as flow
    from flows.summary import print_json

    manifest = flow(source, columns)
    if json:
        print_json(manifest)
        return
    shown = ("id", "source", "crystals", "labelled", "quarantined", "quarantined_by_reason")
    _facts("Snapshot published", {name: manifest[name] for name in shown})


@app.command()
def train(
    snapshot: SnapshotId = None,
    members: Annotated[str, typer.Option("--members", help="Model families, comma-separated.")] = "forest,cgcnn,megnet",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Members of each family.")] = 1,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over the data (default: each family's own).")
    ] = None,
    max_minutes: Annotated[float | None, typer.Option("--max-minutes", help="Time for all networks together.")] = None,
    descriptors: Annotated[
        str, typer.Option("--descriptors", help="What the forest sees: `fast`, or `full` (about a second a crystal more).")
    ] = "fast",
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Train an ensemble; a run that was interrupted goes on where it stopped."""
    from data.errors import UserError
    from data.snapshot import open_snapshot
    from pipeline.features.tiers import Tier
    from pipeline.learning.train import TrainSettings
    from pipeline.settings import settings

    if descriptors not in list(Tier):
        raise UserError(f"--descriptors is {' or '.join(Tier)}, not {descriptors!r}")
    tier, families = Tier(descriptors), [name.strip() for name in members.split(",") if name.strip()]
    TrainSettings(members=tuple(families), seeds=seeds, epochs=epochs, max_minutes=max_minutes, tier=tier).check()
    identifier = open_snapshot(settings().snapshots, snapshot).id
    _start(quiet)
    from flows.summary import print_json, training_facts
    from flows.train import train as flow

    manifest = flow(identifier, families, seeds, epochs, max_minutes, tier)
    print_json(manifest) if json else _facts("Model published", training_facts(manifest))


@app.command()
def evaluate(
    model: ModelId = None,
    snapshot: SnapshotId = None,
    split: Annotated[str, typer.Option("--split", help="train, val, test or all.")] = "test",
    quiet: QuietOption = False,
) -> None:
    """A model's metrics on labelled rows, as JSON."""
    from data.snapshot import open_snapshot
    from flows.console import reporter, use_console
    from flows.summary import print_json
    from pipeline.learning.evaluate import evaluate as judge
    from pipeline.learning.registry import open_model
    from pipeline.settings import settings

    use_console(quiet)
    where = settings()
    print_json(judge(open_model(where.models, model), open_snapshot(where.snapshots, snapshot), split, where, reporter()))


@app.command()
def screen(
    paths: Annotated[list[Path], typer.Argument(help="CIF files, folders, zips, or Parquet tables with material_id and cif.")],
    model: ModelId = None,
    out: Out = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processor cores (default: all).")] = None,
    max_file_mb: Annotated[float, typer.Option("--max-file-mb", help="Larger CIF files are rejected.")] = 20.0,
    disorder: Annotated[
        str, typer.Option("--disorder", help="Shared sites: `reject`, or `majority` takes the main species.")
    ] = "reject",
    columns: ColumnsOption = "",
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Rank crystals by their predicted magnetisation."""
    import os

    if workers is not None:
        os.environ["FERROSCREEN_WORKERS"] = str(workers)
    from data.disorder import Disorder
    from data.errors import UserError
    from data.sources.opening import candidate_source
    from data.sources.parquet import Columns
    from pipeline.learning.registry import open_model
    from pipeline.settings import settings

    if disorder not in list(Disorder):
        raise UserError(f"--disorder is {' or '.join(Disorder)}, not {disorder!r}")
    candidate_source(paths, Columns.parse(columns), max_file_mb).identity()
    identifier = open_model(settings().models, model).id
    _start(quiet, out)
    from flows.screen import screen as flow
    from flows.summary import print_json, print_rows

    result = flow(
        [str(p) for p in paths], identifier, None if out is None else str(out), columns, max_file_mb, Disorder(disorder)
    )
    if json:
        print_json(result)
        return
    print_rows(f"The first of {result['ranked']} ranked", result["top"])
    shown = {"ranked": result["ranked"], "rejected": result["rejected"], "by reason": result["rejected_by_reason"]}
    _facts("Screened", {**shown, "seconds": result["seconds"], "report": Path(result["report"]).resolve()})


@app.command()
def report(
    run: Annotated[str | None, typer.Argument(help="Run id, or the folder of its results (default: the newest).")] = None,
    quiet: QuietOption = False,
) -> None:
    """Write a finished screen's report again."""
    from flows.report import find_run

    find_run(run)
    _start(quiet)
    from flows.report import report as flow

    print(Path(flow(run)).resolve())


@app.command()
def snapshots(json: Json = False) -> None:
    """List the published data sets."""
    from data.snapshot import list_snapshots
    from pipeline.settings import settings

    shown = ("id", "source", "crystals", "labelled", "quarantined")
    _list("Snapshots", [{k: s.manifest[k] for k in shown} for s in list_snapshots(settings().snapshots)], json)


@app.command()
def models(json: Json = False) -> None:
    """List the trained models."""
    from pipeline.learning.registry import list_models
    from pipeline.settings import settings

    rows = [
        {
            "id": m.id,
            "snapshot": m.manifest["snapshot"],
            "data": m.manifest["data"],
            "members": ", ".join(x["name"] for x in m.manifest["members"]),
            "test MAE µB/atom": m.manifest["metrics"]["ensemble"]["mae"],
        }
        for m in list_models(settings().models)
    ]
    _list("Models", rows, json)


@app.command()
def runs(json: Json = False) -> None:
    """List the finished screens."""
    from pipeline.screening.screen import list_runs
    from pipeline.settings import settings

    shown = ("id", "source", "model", "ranked", "rejected", "folder")
    _list("Runs", [{k: r[k] for k in shown} for r in list_runs(settings())], json)


@app.command()
def doctor(json: Json = False) -> None:
    """Versions, cores, disk, keys and Prefect: what to look at when something does not work."""
    from flows.doctor import examine
    from flows.summary import print_json

    found = examine()
    if json:
        print_json(found)
        return
    prefect = found.pop("prefect")
    _facts(
        "ferroscreen", {**found, **found.pop("libraries"), "prefect server": prefect["server"], "answers": prefect["reachable"]}
    )


def main() -> None:
    """Exit codes: 0 done, 2 a user's mistake, 1 an error of ours, 130 interrupted."""
    from data.errors import UserError

    try:
        app()
    except UserError as fault:
        from flows.summary import printable

        print(f"ferroscreen: {printable(str(fault))}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as stop:  # typer turns Ctrl-C into a silent exit 130
        if stop.code == INTERRUPTED:
            print("ferroscreen: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        raise
    except Exception as fault:
        _explain(fault)
        sys.exit(1)


def _explain(fault: Exception) -> None:
    import os
    import traceback

    if os.environ.get("FERROSCREEN_DEBUG"):
        traceback.print_exc()
    from flows.summary import printable

    print(f"ferroscreen: {type(fault).__name__}: {printable(str(fault))}", file=sys.stderr)
    print("This is an error of ours; FERROSCREEN_DEBUG=1 shows where it happened.", file=sys.stderr)


def _start(quiet: bool, out: Path | None = None) -> None:
    """Check the output folder, then say that Prefect starts, which takes some seconds."""
    if out is not None:
        from data.artifact import make_folder

        make_folder(out)
    import flows.console

    flows.console.use_console(quiet)
    flows.console.reporter().say("Starting Prefect ...")


def _facts(title: str, facts: dict[str, Any]) -> None:
    from flows.summary import print_facts

    print_facts(title, facts)


def _list(title: str, rows: list[dict[str, Any]], json: bool) -> None:
    from flows.summary import print_json, print_rows

    if json:
        print_json(rows)
    elif rows:
        print_rows(title, rows)
    else:
        print(f"No {title.lower()} yet.")
