"""A campaign: many candidates of a run calculated in the order of what they decide per core-hour, within a budget."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.calculation import Calculation
from data.errors import UserError
from data.store.artifact import make_folder, text_hash, write_json
from pipeline.dft.before_after import write_report
from pipeline.dft.budget import CUT_OFF, Budget
from pipeline.dft.calculations import note_finished
from pipeline.dft.cost import Pace, core_seconds, pace
from pipeline.dft.decisive import expected_change, tesla_per_moment
from pipeline.dft.plan import Method, Plan, Size, plan
from pipeline.dft.queue import CALCULATED, to_do, work_off
from pipeline.dft.settings import Limits
from pipeline.export.chosen import choose, read_again
from pipeline.magnetism.competing_orderings import MAX_ORDERINGS
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Reporter
from pipeline.screening.profiles import Profile, profile_of
from pipeline.screening.screened import Screened

CAMPAIGN_FILE = "queue.json"
FORMAT = 1
HOUR_S = 3600.0


@dataclass(frozen=True)
class Scope:
    """The first `top` candidates that compete, in cells of up to `max_sites` sites; of their queue every `parts`-th one."""

    top: int
    max_sites: int
    part: int = 1  # of the queue the candidates part, part + parts, part + 2 parts ...
    parts: int = 1
    orderings: int = MAX_ORDERINGS  # at most so many of each candidate, the likeliest


@dataclass(frozen=True)
class Queued:
    """A candidate of the queue."""

    plan: Plan
    change: float  # expected, of the ranking; see `expected_change`
    core_seconds: float  # estimated

    def facts(self, here: Pace) -> dict[str, Any]:
        """For the list of the queue, with the time that it takes at this pace."""
        return _named(self.plan) | {
            "n_sites": self.plan.n_sites, "calculations": len(self.plan.jobs), "expected_change": round(self.change, 4),
            "core_hours": round(here.factor * self.core_seconds / HOUR_S, 3),
        }  # fmt: skip


def campaign(
    run: Screened, scope: Scope, method: Method, each_s: float, at_once: int, core_hours: float, out: Path, home: Path,
    reporter: Reporter,
) -> dict[str, Any]:
    """Calculate what `out` lacks until all is done or the budget is used, and write what changed in the ranking.

    Each result is on disk as soon as it exists, and the order of the queue depends on the run, the scope and the method alone: a
    campaign that was stopped or killed goes on in the same order.

    Args:
        run: the finished screen.
        scope: which candidates.
        method: DFT code and its settings.
        each_s: time limit of one calculation, s.
        at_once: calculations at a time, of one core each.
        core_hours: budget of this folder, over all starts.
        out: folder of the results, created if absent.
        home: folder of the ledger.
        reporter: gets progress and messages.

    Returns:
        The summary: folder, counts, core-hours spent and an estimate of those that are left to do, the queue, and the candidates
        that were calculated with their ranks before and after. Estimates are at the pace of the finished calculations in `out`
        and in the home's folder of `calculate`.

    Raises:
        UserError: the folder holds another campaign, the run withholds its structures, its profile is unknown, nothing is small
            enough.
        Busy: another process calculates into `out`.
    """
    profile = profile_of(run.manifest)
    if profile is None:
        raise UserError(f"this version has no profile {run.manifest.get('profile')!r} with the run's score: screen again")
    ranking = run.ranking()
    queue, left_out = _queue(run, ranking, profile, scope, method, reporter)
    make_folder(out)
    _claim(out, run, scope, method, queue)
    budget = Budget(core_hours * HOUR_S, out)
    jobs = [job for one in queue for job in one.plan.jobs]
    inputs = {"run": run.manifest["id"], "folder": str(out), **asdict(scope), **asdict(method.settings)}
    with Ledger(home).run("campaign", f"calculate-{text_hash(str(out.resolve()))[:16]}", inputs) as entered:
        todo = to_do(out, jobs, Limits(each_s, None))
        left, ended = budget.left(), 0.0
        with reporter.bar("Calculating", len(todo)) as tick:

            def finished(calculation: Calculation) -> None:
                nonlocal ended
                budget.take(calculation.job.key, calculation.outcome.seconds)
                ended += calculation.outcome.seconds
                note_finished(calculation, entered, reporter)
                tick(1)

            unfinished, began = todo, time.monotonic()
            if left > 0 and todo:
                side_by_side = min(at_once, len(todo))
                try:
                    unfinished = work_off(todo, out, Limits(each_s, left / side_by_side, at_once), finished)
                finally:  # what was running took its time as well; Ctrl-C comes here, too
                    lost = side_by_side * (time.monotonic() - began) - ended
                    if unfinished and lost > 0:
                        budget.take(CUT_OFF, lost)
    moved = write_report(run, ranking, profile, [one.plan for one in queue], out)
    here = pace((out, home / CALCULATED), method.code)
    return {
        "run": run.manifest["id"], "folder": str(out.resolve()), "profile": profile.name, "core_hours": core_hours,
        "pace": round(here.factor, 3), "pace_measured_on": here.measured,
        "core_hours_to_do": round(here.core_seconds(unfinished) / HOUR_S, 3),
        "core_hours_spent": round(budget.spent() / HOUR_S, 3), "calculated": len(todo) - len(unfinished),
        "known_before": len({job.key for job in jobs}) - len(todo), "not_finished": len(unfinished),
        "queue": [one.facts(here) for one in queue], "moved": moved, "left_out": left_out,
    }  # fmt: skip


def _queue(
    run: Screened, ranking: pd.DataFrame, profile: Profile, scope: Scope, method: Method, reporter: Reporter
) -> tuple[list[Queued], list[dict[str, Any]]]:
    """The candidates that can be calculated, the most decisive per core-second first, and the others with the reason."""
    manifest = run.manifest
    chosen, missing = read_again(run, choose(ranking, scope.top, []))
    licensed = bool(manifest.get("licensed")) and "licensed_crystals" not in manifest
    plans = plan(chosen, manifest["graph_settings"]["symprec_A"], method, Size(scope.max_sites, scope.orderings), licensed)
    left_out = [one.facts() for one in missing]
    left_out += [{**_named(one), "why": why} for one in plans if (why := _why_not(one, scope.max_sites))]
    possible = [one for one in plans if not _why_not(one, scope.max_sites)]
    if not possible:
        raise UserError("; ".join(dict.fromkeys(f"{one['candidate_id']}: {one['why']}" for one in left_out)))
    for one in left_out:
        reporter.say(f"Left out: {one['candidate_id']}: {one['why']}")
    place = {rank: k for k, rank in enumerate(ranking["rank"])}
    positions = [place[one.chosen.row["rank"]] for one in possible]
    changes = expected_change(ranking, profile, positions, tesla_per_moment([one.chosen for one in possible]))
    queued = [
        Queued(one, float(change), sum(core_seconds(job) for job in one.jobs))
        for one, change in zip(possible, changes, strict=True)
    ]
    queued.sort(key=lambda one: (-one.change / one.core_seconds, one.plan.chosen.row["rank"]))
    return queued[scope.part - 1 :: scope.parts], left_out


def _named(one: Plan) -> dict[str, Any]:
    row = one.chosen.row
    return {"candidate_id": row["candidate_id"], "formula": row["formula"], "rank": int(row["rank"])}


def _why_not(one: Plan, max_sites: int) -> str:
    """Why a candidate is not in the queue; empty where it is."""
    if one.chosen.approximant:
        return "disordered: `calculate --ids` calculates its approximants"
    if one.refused:
        return one.refused
    return "" if one.jobs else f"fewer than two orderings in cells of up to {max_sites} sites (its primitive cell: {one.n_sites})"


def _claim(out: Path, run: Screened, scope: Scope, method: Method, queue: list[Queued]) -> None:
    """Write what the folder's campaign is, or compare with what is written there."""
    of_method = {"code": method.code, "settings": asdict(method.settings)}
    asked = {"format": FORMAT, "run": run.manifest["id"], **of_method, **asdict(scope)}
    path = out / CAMPAIGN_FILE
    try:
        there = {"orderings": MAX_ORDERINGS, **json.loads(path.read_text(encoding="utf-8"))}  # older ones had no choice
    except FileNotFoundError:
        write_json(path, {**asked, "queue": [one.facts(Pace()) for one in queue]})
        return
    except (OSError, ValueError) as fault:
        raise UserError(f"{path} cannot be read ({fault!s:.120}): choose another --out") from fault
    other = [name for name, value in asked.items() if there.get(name) != value]
    if other:
        raise UserError(f"{out} holds a campaign with another {', '.join(other)}: choose another --out")
