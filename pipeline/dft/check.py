"""The check of a run's candidates, from the ranking to a verdict on each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.calculation import Calculation
from data.errors import UserError
from data.store.artifact import make_folder, text_hash
from pipeline.dft.averaged_verdict import disordered_rows
from pipeline.dft.calculations import Calculations
from pipeline.dft.plan import Method, Plan, Size, plan, plan_one
from pipeline.dft.queue import known
from pipeline.dft.settings import Limits
from pipeline.dft.verdict import Verdict, Word, verdict_of
from pipeline.dft.volume import AsGiven, Geometry, Placed
from pipeline.export.chosen import Chosen, choose, read_again
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Reporter
from pipeline.screening.screened import Screened

GIVEN_VOLUME = AsGiven()


@dataclass(frozen=True)
class Selection:
    """Which candidates: these ids, else the first `top` that compete; and how much of each."""

    top: int
    ids: tuple[str, ...]
    size: Size


def check(
    run: Screened, selection: Selection, method: Method, limits: Limits, out: Path, home: Path, reporter: Reporter,
    geometry: Geometry = GIVEN_VOLUME,
) -> dict[str, Any]:  # fmt: skip
    """Calculate what `out` lacks, and derive a verdict for each candidate from all results in `out`.

    Args:
        run: the finished screen.
        selection: which candidates, and how much of each.
        method: DFT code and its settings.
        limits: time limits and the number of calculations at a time.
        out: folder of the results, created if absent.
        home: folder of the ledger.
        reporter: gets progress and messages.
        geometry: at which volume.

    Returns:
        The summary: folder, counts, and of each candidate its prediction, verdict and orderings; energies in meV/atom above the
        lowest ordering that was found, moments in µB/atom. Each approximant of a disordered candidate has a row of its own, and
        `disordered` holds the verdict on their mean.

    Raises:
        UserError: the run withholds its structures, an id is unknown, the crystals cannot be read again, nothing is small enough.
        Busy: another process calculates into `out`.
    """
    manifest = run.manifest
    chosen, left_out = read_again(run, choose(run.ranking(), selection.top, list(selection.ids)))
    for one in left_out:
        reporter.say(f"Left out: {one.row['candidate_id']}: {one.why}")
    if not chosen:
        raise UserError("; ".join(dict.fromkeys(one.why for one in left_out)))
    plans = plan(chosen, manifest["graph_settings"]["symprec_A"], method, selection.size, _any_licensed(manifest))
    jobs = [job for one in plans for job in one.jobs]
    if not jobs:
        raise UserError(_nothing_to_do(plans, selection.size.max_sites))
    make_folder(out)

    def replan(candidate: Chosen, how: str) -> Plan:
        symprec, licensed = manifest["graph_settings"]["symprec_A"], _any_licensed(manifest)
        return plan_one(candidate, symprec, method, selection.size, licensed, how)

    inputs = {"run": manifest["id"], "folder": str(out), **asdict(method.settings)}
    with Ledger(home).run("calculate", f"calculate-{text_hash(str(out.resolve()))[:16]}", inputs) as entered:
        calculations = Calculations(limits, entered, reporter)
        placed = geometry.place(plans, replan, calculations, out)
        calculations.work([job for one in placed for job in one.plan.jobs], out)
    rows = [_row_of(one, out) for one in placed]
    return {
        "run": manifest["id"], "folder": str(out.resolve()), "calculated": calculations.calculated,
        "known_before": calculations.known_before, "out_of_time": calculations.out_of_time,
        "candidates": rows, "disordered": disordered_rows([one.chosen for one in plans], rows),
        "left_out": [one.facts() for one in left_out],
    }  # fmt: skip


def _nothing_to_do(plans: list[Plan], max_sites: int) -> str:
    """Why there is no calculation to make."""
    refused = [f"{one.chosen.row['candidate_id']} is {one.refused}" for one in plans if one.refused]
    sizes = [str(one.n_sites) for one in plans if not one.refused]
    if sizes:
        refused.insert(0, (
            f"no candidate has two orderings in cells of up to {max_sites} sites (their primitive cells have "
            f"{', '.join(sizes)}): raise --max-sites, or name smaller ones with --ids"
        ))  # fmt: skip
    return "; ".join(refused)


def _any_licensed(manifest: dict[str, Any]) -> bool:
    """Whether an older run, which does not mark each candidate as licensed or not, was of a licensed source."""
    return bool(manifest.get("licensed")) and "licensed_crystals" not in manifest


def _row_of(placed: Placed, out: Path) -> dict[str, Any]:
    one = placed.plan
    found: dict[str, Calculation | None] = {job.ordering: known(out, job) for job in one.jobs}
    everything = {**found, **dict.fromkeys(one.too_large)}
    row, verdict = one.chosen.row, verdict_of(everything, one.less_likely)
    if doubt := placed.doubt(found.get("fm")):
        verdict = Verdict(Word.UNDECIDED, doubt)
    done = [c for c in found.values() if c is not None and c.done]
    lowest = min((c.energy_per_atom for c in done), default=0.0)
    too_small_a_limit = f"its primitive cell has {one.n_sites} sites: raise --max-sites"
    why = one.refused or placed.lacking or (verdict.why if one.jobs else too_small_a_limit)
    return {
        "candidate_id": row["candidate_id"], "formula": row["formula"], "rank": int(row["rank"]), "n_sites": one.n_sites,
        "approximant": one.chosen.approximant,
        "predicted_muB_per_atom": float(row["moment_muB_per_atom"]), "predicted_low": float(row["moment_low"]),
        "predicted_high": float(row["moment_high"]), "verdict": str(verdict.word), "why": why, "too_large": list(one.too_large),
        "volume": placed.volume,
        "orderings": [_line(name, calculation, lowest) for name, calculation in found.items()],
    }  # fmt: skip


def _line(name: str, calculation: Calculation | None, lowest: float) -> dict[str, Any]:
    if calculation is None:
        return {"ordering": name, "status": "not calculated", "detail": ""}
    told = {"ordering": name, "status": str(calculation.outcome.status), "detail": calculation.outcome.detail}
    if not calculation.done:
        return told
    return told | {
        "sites": calculation.job.cell.n_sites, "above_lowest_meV_per_atom": 1000 * (calculation.energy_per_atom - lowest),
        "moment_muB_per_atom": calculation.moment_per_atom, "ended": str(calculation.ended),
        "program": calculation.outcome.program, "seconds": calculation.outcome.seconds,
    }  # fmt: skip
