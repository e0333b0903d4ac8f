"""run, screen, report: from a model to a ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.common import (
    ColumnsOption,
    DisorderOption,
    Force,
    Json,
    ModelId,
    Out,
    QuietOption,
    choice,
    facts,
    listed,
    perform,
    prepare,
)
from pipeline.screening.profile_texts import DEFAULT_PROFILE, MAGNETOCALORIC, TEXTS, WINDOW_HALF_K, WORKING_TEMPERATURE_K


def run(out: Out = None, force: Force = False, quiet: QuietOption = False, json: Json = False) -> None:
    """Run the whole job on the embedded starter set: data, training, ranking, report."""
    from flows.jobs.starter import RunJob
    from flows.summary import print_json, print_rows, training_facts

    job = RunJob(str(out or Path("report")), force=force)
    job.check()
    prepare(quiet)
    result = perform("run", job)
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
            help="Files (CIF, POSCAR, pymatgen JSON, extended XYZ; also .gz), folders and zips of them, ICSD exports, fetched "
            "folders, Parquet and CSV tables; `-`: standard input; "
            "`mp`: the crystals of the newest Materials Project snapshot that ICSD knows."
        ),
    ],
    model: ModelId = None,
    out: Out = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processor cores (default: all).")] = None,
    max_file_mb: Annotated[float, typer.Option("--max-file-mb", help="Larger CIF files are rejected.")] = 20.0,
    disorder: DisorderOption = "average",
    icsd_max_temperature: Annotated[
        float | None,
        typer.Option("--icsd-max-temperature", help="K. ICSD entries measured at a higher temperature are left out."),
    ] = None,
    icsd_max_pressure: Annotated[
        float | None, typer.Option("--icsd-max-pressure", help="MPa. ICSD entries measured at a higher pressure are left out.")
    ] = None,
    icsd_quality: Annotated[
        str,
        typer.Option("--icsd-quality", help="Words of the export's column Quality, comma-separated. Other entries are left out."),
    ] = "",
    icsd_theoretical: Annotated[bool, typer.Option("--icsd-theoretical", help="Also rank computed ICSD entries.")] = False,
    licensed_details: Annotated[
        bool, typer.Option("--licensed-details", help="Show more than ids and formulas of licensed crystals (ICSD).")
    ] = False,
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            help=f"What to rank by: {' or '.join(TEXTS)}. `ferroscreen profiles` prints their formulas.",
        ),
    ] = DEFAULT_PROFILE,
    working_temperature: Annotated[
        float | None,
        typer.Option(
            "--working-temperature",
            help=f"K, of the profile {MAGNETOCALORIC}, which wants a Curie temperature within {WINDOW_HALF_K:g} K of it "
            f"(default: {WORKING_TEMPERATURE_K:g}).",
        ),
    ] = None,
    runner: Annotated[
        str, typer.Option("--runner", help="What executes the shards: local, threads, processes, dask or ray.")
    ] = "local",
    top: Annotated[int, typer.Option("--top", min=1, help="Number of rows of the summary.")] = 10,
    force: Force = False,
    columns: ColumnsOption = "",
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Rank crystals by predicted magnetisation, magnetic order and Curie temperature; the profile defines the score."""
    import os

    if workers is not None:
        os.environ["FERROSCREEN_WORKERS"] = str(workers)
    from data.cif.disorder import Disorder
    from data.sources.icsd.table import IcsdFilter
    from flows.engines import Runner
    from flows.jobs.screening import ScreenJob
    from flows.summary import print_json
    from pipeline.screening.standard_input import keep_standard_input
    from pipeline.settings import settings

    job = ScreenJob(
        paths=[str(p) for p in keep_standard_input(paths, settings())],
        model=model,
        out=None if out is None else str(out),
        columns=columns,
        max_file_mb=max_file_mb,
        disorder=choice(Disorder, "--disorder", disorder),
        icsd=IcsdFilter(icsd_max_temperature, icsd_max_pressure, tuple(listed(icsd_quality)), icsd_theoretical),
        licensed_details=licensed_details,
        profile=profile,
        working_temperature=working_temperature,
        runner=choice(Runner, "--runner", runner),
        top=top,
        force=force,
    )
    job.check()
    prepare(quiet)
    result = perform("screen", job)
    print_json(result) if json else _show(result)


def report(
    run: Annotated[str | None, typer.Argument(help="Run id, or the folder of its results (default: the newest).")] = None,
    quiet: QuietOption = False,
) -> None:
    """Write the report of a finished screen again."""
    from flows.jobs.screening import ReportJob

    job = ReportJob(run)
    job.check()
    prepare(quiet)
    print(Path(perform("report", job)).resolve())


def _show(result: dict[str, Any]) -> None:
    """Print the first rows of a screen, its counts and where its report lies."""
    from flows.summary import print_rows

    print_rows(f"The first of {result['ranked']} ranked", result["top"])
    shown = {name: result[name] for name in ("id", "profile", "formula", "ranked", "excluded", "duplicates", "known", "rejected")}
    shown["by reason"] = _reasons(result["rejected_by_reason"])
    if result["disordered"]:
        shown["disordered"] = f"{result['disordered']:,}, with {result['disordered_time']:.0%} of the computing time"
    if result["ignored_files"]:
        shown["ignored"] = f"{result['ignored_files']} files of other kinds"
    if result["withheld"]:
        shown["withheld"] = f"details of {result['licensed_crystals']} licensed crystals; --licensed-details shows them"
    facts("Screened", {**shown, "seconds": result["seconds"], "report": Path(result["report"]).resolve()})


def _reasons(counts: dict[str, int]) -> str:
    """`2 × disorder, 1 × unreadable`."""
    return ", ".join(f"{n} × {reason}" for reason, n in counts.items()) or "–"
