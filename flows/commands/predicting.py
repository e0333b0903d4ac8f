"""predict: some files to a table on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import ColumnsOption, DisorderOption, Json, ModelId, choice


def predict(
    files: Annotated[
        list[Path], typer.Argument(help="Files of crystals, folders, zips or tables, as for `screen`; `-`: standard input.")
    ],
    model: ModelId = None,
    disorder: DisorderOption = "average",
    columns: ColumnsOption = "",
    json: Json = False,
) -> None:
    """Predict some crystals and print the result. Only standard input is kept. Exit code 2 if no crystal could be read."""
    from data.cif.disorder import Disorder
    from flows.console import use_console
    from flows.jobs.predicting import PredictJob
    from flows.jobs.predicting import predict as run_job
    from flows.summary import print_json, print_rows, printable
    from pipeline.screening.standard_input import keep_standard_input
    from pipeline.settings import settings

    kept = keep_standard_input(files, settings())
    job = PredictJob([str(path) for path in kept], model, choice(Disorder, "--disorder", disorder), columns)
    job.check()
    use_console(quiet=True)
    done = run_job(job)
    rows = [{str(k): v for k, v in row.items()} for row in done.table.to_dict("records")]
    rejected = [
        {"source_file": one.source_file, "candidate_id": one.candidate_id, "reason": str(one.reason), "detail": one.detail}
        for one in done.rejected
    ]
    if json:
        print_json({"model": done.model, "predictions": rows, "rejected": rejected})
    elif rows:
        print_rows(f"Predicted by model {done.model}; moments in µB/atom, magnetisations in T", rows)
    if not json:
        for one in rejected:
            name = one["source_file"] or one["candidate_id"]
            print(printable(f"{name}: rejected ({one['reason']}: {one['detail']})"), file=sys.stderr)
    if not rows:
        raise typer.Exit(2)
