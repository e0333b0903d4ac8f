"""compare, export: what follows a ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.common import Force, Json, Out, QuietOption, facts

SHOWN = 10


def compare(
    before: Annotated[str, typer.Argument(help="The earlier run: its id, or the folder of its results.")],
    after: Annotated[str, typer.Argument(help="The later run.")],
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """List what is new, withdrawn or moved between two runs, and what caused it: data, measured values, model or settings."""
    from flows.summary import print_json, print_rows
    from pipeline.comparison.folder import claim_comparison
    from pipeline.screening.runs import find_run
    from pipeline.settings import settings

    where = settings()
    one, other = find_run(where, before), find_run(where, after)
    pair = (str(one.manifest["id"]), str(other.manifest["id"]))
    folder = claim_comparison(out or where.home / "comparisons" / "-".join(pair), pair, force)
    from pipeline.comparison.compare import compare as compare_runs
    from pipeline.comparison.files import HEADINGS, summary, write_comparison

    found = compare_runs(one, other)
    page = write_comparison(found, folder)
    if json:
        print_json({**summary(found), "folder": str(folder.resolve())})
        return
    by_profile = {} if found.profile is None else {"by the profile alone": found.profile.sentence()}
    facts("Compared", {**found.counts, **_causes(found.differences), **by_profile, "page": page.resolve()})
    for change, title in HEADINGS.items():
        rows = found.changes[found.changes["change"] == change].head(SHOWN).to_dict("records")
        if rows:
            names = ("rank_before", "rank_after", "candidate_id", "formula", "why")
            print_rows(f"{title}: {len(rows)} of {found.counts[change]}", [{name: row[name] for name in names} for row in rows])


def export(
    run: Annotated[str | None, typer.Argument(help="Run id, or the folder of its results (default: the newest).")] = None,
    out: Annotated[Path, typer.Option("--out", help="A new folder for the files.")] = Path("export"),
    top: Annotated[int, typer.Option("--top", min=1, help="How many candidates, best first, without duplicates.")] = 15,
    ids: Annotated[
        list[str] | None,
        typer.Option("--ids", help="These candidates instead: an id, or several comma-separated; may be repeated."),
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", help="One or several of cif, poscar, vasp, qe, mcif, csv, bibtex, comma-separated.")
    ] = "vasp,csv",
    force: Force = False,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Write candidates as crystals and as DFT inputs: the ferromagnet and its competing orderings."""
    from flows.console import reporter, use_console
    from flows.summary import print_json, print_rows
    from pipeline.export.formats import parse_formats
    from pipeline.screening.runs import find_run
    from pipeline.settings import settings

    wanted = parse_formats(formats)
    found = find_run(settings(), run)
    use_console(quiet)
    from pipeline.export.export import export as write

    done = write(found, top, ids or [], wanted, out, reporter(), force)
    if json:
        print_json(done)
        return
    shown = ("folder", "candidate_id", "formula", "rank")
    rows = [
        {**{name: one[name] for name in shown}, "orderings": ", ".join(one["orderings"]) or "; ".join(one["gaps"]) or None}
        for one in done["candidates"]
    ]
    print_rows(f"{len(rows)} candidates of run {done['run']}", rows)
    if done["left_out"]:
        print_rows("Left out", done["left_out"])
    facts("Read this first", {"README": Path(done["folder"]) / "README.md"})


def _causes(differences: list[Any]) -> dict[str, str]:
    """Group the differences by cause."""
    found: dict[str, str] = {}
    for difference in differences:
        name = str(difference.cause)
        found[name] = f"{found[name]}; {difference.what}" if name in found else difference.what
    return found
