"""calculate: candidates checked with a DFT code."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flows.commands.common import Json, OrderingsOption, Out, QuietOption, facts


def calculate(
    run: Annotated[str | None, typer.Argument(help="Run id, or the folder of its results (default: the newest).")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many candidates, best first, without duplicates.")] = 5,
    ids: Annotated[
        list[str] | None,
        typer.Option("--ids", help="These candidates instead: an id, or several comma-separated; may be repeated."),
    ] = None,
    max_sites: Annotated[
        int, typer.Option("--max-sites", min=1, help="Largest number of sites of a cell; larger cells are left out.")
    ] = 8,
    orderings: OrderingsOption = None,
    max_minutes: Annotated[
        float | None, typer.Option("--max-minutes", min=0, help="Time limit of all calculations together (default: none).")
    ] = None,
    each_minutes: Annotated[float, typer.Option("--each-minutes", min=0, help="Time limit of one calculation.")] = 60.0,
    relax_volume: Annotated[
        bool,
        typer.Option("--relax-volume", help="At the volume of the ferromagnet's lowest energy: 3 to 5 more calculations."),
    ] = False,
    out: Out = None,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Check candidates with GPAW: has the ferromagnet a lower energy than its competing orderings?"""
    from pipeline.dft.gpaw_code import GPAW, need_gpaw

    need_gpaw()
    from pipeline.screening.runs import find_run
    from pipeline.settings import settings

    where = settings()
    found = find_run(where, run)
    from flows.console import reporter, use_console
    from flows.summary import print_json
    from pipeline.dft.check import Selection, check
    from pipeline.dft.plan import Method, Size
    from pipeline.dft.queue import CALCULATED
    from pipeline.dft.settings import DftSettings, Limits
    from pipeline.dft.volume import AsGiven, RelaxedVolume
    from pipeline.magnetism.competing_orderings import MAX_ORDERINGS

    use_console(quiet)
    selection = Selection(top, tuple(ids or ()), Size(max_sites, orderings or MAX_ORDERINGS))
    limits = Limits(60 * each_minutes, None if max_minutes is None else 60 * max_minutes, where.workers)
    folder = out or where.home / CALCULATED
    method, geometry = Method(GPAW, DftSettings()), RelaxedVolume() if relax_volume else AsGiven()
    done = check(found, selection, method, limits, folder, where.home, reporter(), geometry)
    print_json(done) if json else show(done)


def show(done: dict[str, Any]) -> None:
    """The summary of `pipeline.dft.check.check` as tables: orderings, candidates, counts."""
    from flows.summary import print_rows

    orderings = [_ordering(candidate, one) for candidate in done["candidates"] for one in candidate["orderings"]]
    if orderings:
        print_rows("Orderings, energies above the lowest one found", orderings)
    if scanned := [candidate for candidate in done["candidates"] if candidate["volume"]]:
        print_rows("Volumes of the ferromagnets", [_volume(candidate) for candidate in scanned])
    print_rows(f"Candidates of run {done['run']}", [_candidate(candidate) for candidate in done["candidates"]])
    if done.get("disordered"):
        print_rows("Disordered candidates, from their approximants", [_mean(candidate) for candidate in done["disordered"]])
    told = {"calculated now": done["calculated"], "known before": done["known_before"], "results": done["folder"]}
    if done["out_of_time"]:
        told["not finished"] = f"{done['out_of_time']}, the time was up: the same command goes on there"
    facts("Calculations", {**told, "to learn from them": f"ferroscreen refresh --source calculated:{done['folder']}"})


def _ordering(candidate: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    energy = one.get("above_lowest_meV_per_atom")
    return {
        "candidate_id": _name(candidate), "formula": candidate["formula"], "ordering": one["ordering"],
        "sites": one.get("sites"), "meV/atom": None if energy is None else round(energy, 1),
        "µB/atom": one.get("moment_muB_per_atom"), "ended": one.get("ended") or f"{one['status']} {one['detail']}",
    }  # fmt: skip


def _volume(candidate: dict[str, Any]) -> dict[str, Any]:
    scan = candidate["volume"]
    given, relaxed = scan["given_A3"], scan["relaxed_A3"]
    return {
        "candidate_id": _name(candidate), "formula": candidate["formula"], "given Å³/atom": round(given, 3),
        "relaxed Å³/atom": None if relaxed is None else round(relaxed, 3),
        "change": "" if relaxed is None else f"{relaxed / given - 1:+.1%}", "volumes calculated": len(scan["scan"]),
    }  # fmt: skip


def _candidate(candidate: dict[str, Any]) -> dict[str, Any]:
    return {
        "candidate_id": _name(candidate), "formula": candidate["formula"], "predicted µB/atom": _predicted(candidate),
        "ferromagnet": candidate["verdict"], "why": candidate["why"],
    }  # fmt: skip


def _mean(candidate: dict[str, Any]) -> dict[str, Any]:
    """A disordered candidate, of whose approximants not all may be calculated."""
    moment, spread = candidate["moment_muB_per_atom"], candidate["spread_muB_per_atom"]
    told = "" if moment is None else f"{moment:.2f}" if spread is None else f"{moment:.2f} ± {spread:.2f}"
    return {
        "candidate_id": candidate["candidate_id"], "formula": candidate["formula"], "predicted µB/atom": _predicted(candidate),
        "calculated µB/atom": told, "approximants": f"{candidate['decided']} of {candidate['approximants']} decided",
        "ferromagnet": candidate["verdict"], "why": candidate["why"],
    }  # fmt: skip


def _name(candidate: dict[str, Any]) -> str:
    number = candidate.get("approximant")
    return f"{candidate['candidate_id']} (approximant {number})" if number else str(candidate["candidate_id"])


def _predicted(candidate: dict[str, Any]) -> str:
    interval = f"{candidate['predicted_low']:.2f} to {candidate['predicted_high']:.2f}"
    return f"{candidate['predicted_muB_per_atom']:.2f} ({interval})"
