"""campaign: many candidates checked with a DFT code, within a budget of core time."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from flows.commands.common import Json, OrderingsOption, Out, QuietOption, facts

SHOWN = 15  # rows on the terminal


def campaign(
    run: Annotated[str | None, typer.Argument(help="Run id, or the folder of its results (default: the newest).")] = None,
    core_hours: Annotated[
        float, typer.Option("--core-hours", min=0, help="Budget of core time of this campaign, over all its starts.")
    ] = 10.0,
    top: Annotated[int, typer.Option("--top", min=1, help="How many candidates, best first, without duplicates.")] = 50,
    max_sites: Annotated[
        int, typer.Option("--max-sites", min=1, help="Largest number of sites of a cell; larger cells are left out.")
    ] = 8,
    orderings: OrderingsOption = None,
    each_minutes: Annotated[float, typer.Option("--each-minutes", min=0, help="Time limit of one calculation.")] = 120.0,
    part: Annotated[
        str, typer.Option("--part", help="K/N: of the queue every N-th candidate, from the K-th. For N machines.")
    ] = "1/1",
    out: Out = None,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Check many candidates with GPAW, those first that change the ranking most per core-hour, and rank again."""
    from pipeline.dft.gpaw_code import GPAW, need_gpaw

    number, of = _part(part)
    need_gpaw()
    from pipeline.screening.runs import find_run
    from pipeline.settings import settings

    where = settings()
    found = find_run(where, run)
    from flows.console import reporter, use_console
    from flows.summary import print_json
    from pipeline.dft.campaign import Scope
    from pipeline.dft.campaign import campaign as calculate
    from pipeline.dft.plan import Method
    from pipeline.dft.settings import DftSettings
    from pipeline.magnetism.competing_orderings import MAX_ORDERINGS

    use_console(quiet)
    folder = out or where.home / "campaigns" / str(found.manifest["id"])
    scope, method = Scope(top, max_sites, number, of, orderings or MAX_ORDERINGS), Method(GPAW, DftSettings())
    done = calculate(found, scope, method, 60 * each_minutes, where.workers, core_hours, folder, where.home, reporter())
    print_json(done) if json else show(done)


def show(done: dict[str, Any]) -> None:
    """The summary of `pipeline.dft.campaign.campaign` as tables: the queue, the ranks that moved, counts."""
    from flows.summary import print_rows

    print_rows("The queue, most decisive per core-hour first", done["queue"][:SHOWN])
    if done["moved"]:
        shown = ("rank_before", "rank_after", "candidate_id", "formula", "lowest_muB_per_atom", "verdict", "why")
        print_rows("Before and after DFT", [{name: row[name] for name in shown} for row in done["moved"][:SHOWN]])
    told = {
        "calculated now": done["calculated"], "known before": done["known_before"],
        "core-hours": f"{done['core_hours_spent']:g} of {done['core_hours']:g}", "results": done["folder"],
    }  # fmt: skip
    if done["not_finished"]:
        measured = f"at the pace of the {done['pace_measured_on']} that are done" if done["pace_measured_on"] else "by the model"
        told["not finished"] = (
            f"{done['not_finished']}, about {done['core_hours_to_do']:.2g} core-hours {measured}: "
            f"the same command goes on there; with more --core-hours if they are used"
        )
    told["before and after"] = f"{done['folder']}/before_after.html"
    told["to learn from them"] = f"ferroscreen refresh --source calculated:{done['folder']}"
    facts("Campaign", told)


def _part(text: str) -> tuple[int, int]:
    from data.errors import UserError

    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--part is K/N with K from 1 to N, such as 2/3, not {text!r}")
    return int(found[1]), int(found[2])
