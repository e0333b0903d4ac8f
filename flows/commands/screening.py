"""run, screen, report: from a model to a ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import ColumnsOption, Json, ModelId, Out, QuietOption, facts, start


def run(out: Out = None, quiet: QuietOption = False, json: Json = False) -> None:
    """The whole job on the embedded starter set: data, training, ranking, report."""
    out = out or Path("report")
    start(quiet, out)
    from flows.run import run as flow
    from flows.summary import print_json, print_rows, training_facts

    result = flow(str(out))
    if json:
        print_json(result)
        return
    facts("Trained on the starter set", training_facts(result["model"]))
    print_rows("Ranked compounds of chemical systems that the model never saw", result["screen"]["top"])
    facts("Open this page", {"report": Path(result["screen"]["report"]).resolve()})


def screen(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="CIF files, folders, zips, ICSD exports, fetched folders, Parquet tables; "
            "`mp`: what ICSD knows of the newest Materials Project snapshot."
        ),
    ],
    model: ModelId = None,
    out: Out = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processor cores (default: all).")] = None,
    max_file_mb: Annotated[float, typer.Option("--max-file-mb", help="Larger CIF files are rejected.")] = 20.0,
    disorder: Annotated[
        str, typer.Option("--disorder", help="Shared sites: `reject`, or `majority` takes the main species.")
    ] = "reject",
    icsd_max_temperature: Annotated[
        float | None, typer.Option("--icsd-max-temperature", help="K; ICSD entries measured at higher ones are left out.")
    ] = None,
    icsd_max_pressure: Annotated[
        float | None, typer.Option("--icsd-max-pressure", help="MPa; ICSD entries measured at higher ones are left out.")
    ] = None,
    icsd_quality: Annotated[
        str, typer.Option("--icsd-quality", help="Words of the export's column Quality, comma-separated; others are left out.")
    ] = "",
    icsd_theoretical: Annotated[bool, typer.Option("--icsd-theoretical", help="Rank computed ICSD entries, too.")] = False,
    licensed_details: Annotated[
        bool, typer.Option("--licensed-details", help="Show more than ids and formulas of a licensed source (ICSD).")
    ] = False,
    profile: Annotated[
        str, typer.Option("--profile", help="What to rank by: high-ms, as-calculated, rare-earth-free, low-cost or explore.")
    ] = "high-ms",
    runner: Annotated[
        str, typer.Option("--runner", help="Who judges the shards: local, threads, processes, dask or ray.")
    ] = "local",
    columns: ColumnsOption = "",
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Rank crystals by their predicted magnetisation."""
    import os

    if workers is not None:
        os.environ["FERROSCREEN_WORKERS"] = str(workers)
    from data.cif.disorder import Disorder
    from data.errors import UserError
    from data.sources.icsd.table import IcsdFilter
    from data.sources.parquet import Columns
    from flows.engines import Runner
    from pipeline.registry.shipped import choose_model
    from pipeline.screening.opening import open_candidates
    from pipeline.screening.profiles import find_profile
    from pipeline.settings import settings

    if disorder not in list(Disorder):
        raise UserError(f"--disorder is {' or '.join(Disorder)}, not {disorder!r}")
    find_profile(profile)
    qualities = tuple(word.strip() for word in icsd_quality.split(",") if word.strip())
    icsd = IcsdFilter(icsd_max_temperature, icsd_max_pressure, qualities, icsd_theoretical)
    open_candidates(paths, Columns.parse(columns), settings(), max_file_mb, Disorder(disorder), icsd).identity()
    identifier = choose_model(settings(), model).id
    if runner not in list(Runner):
        raise UserError(f"--runner is {', '.join(Runner)}, not {runner!r}")
    start(quiet, out)
    from flows.screen import screen as flow
    from flows.summary import print_json, print_rows

    folder, files = None if out is None else str(out), [str(p) for p in paths]
    result = flow(
        files, identifier, folder, columns, max_file_mb, Disorder(disorder), icsd, licensed_details, profile, Runner(runner)
    )
    if json:
        print_json(result)
        return
    print_rows(f"The first of {result['ranked']} ranked", result["top"])
    shown = {name: result[name] for name in ("profile", "formula", "ranked", "set_aside", "duplicates", "known", "rejected")}
    shown["by reason"] = result["rejected_by_reason"]
    facts("Screened", {**shown, "seconds": result["seconds"], "report": Path(result["report"]).resolve()})


def report(
    run: Annotated[str | None, typer.Argument(help="Run id, or the folder of its results (default: the newest).")] = None,
    quiet: QuietOption = False,
) -> None:
    """Write a finished screen's report again."""
    from pipeline.screening.runs import find_run
    from pipeline.settings import settings

    find_run(settings(), run)
    start(quiet)
    from flows.report import report as flow

    print(Path(flow(run)).resolve())
