"""Flow `screen`: candidates to a ranking and its report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from data.cif.disorder import Disorder
from data.sources import Source
from data.sources.cif_folder import MAX_FILE_MB
from data.sources.icsd.table import ANY_ENTRY, IcsdFilter
from data.sources.parquet import Columns
from flows.console import reporter
from flows.engines import Runner
from flows.notify import failed, tell
from flows.register_run import enter
from flows.runners import judge_by
from pipeline.comparison.drift import drift
from pipeline.comparison.second import second_opinion
from pipeline.comparison.section import changes_since
from pipeline.registry.shipped import choose_model
from pipeline.report.screened import report_screen
from pipeline.screening.opening import open_candidates
from pipeline.screening.profiles import DEFAULT_PROFILE, find_profile
from pipeline.screening.runs import run_before
from pipeline.screening.screen import Screened
from pipeline.screening.screen import screen as run_screen
from pipeline.settings import settings

SHOWN = ["rank", "candidate_id", "formula", "saturation_T", "saturation_T_low", "moment_muB_per_atom", "p_ferromagnetic"]
SHOWN_ROWS = 25


@task(name="rank candidates", cache_policy=NO_CACHE, persist_result=False)
def rank_candidates(
    source: Source, model: str | None, out: str | None, licensed_details: bool, profile: str, runner: Runner
) -> Screened:
    where = settings()
    ensemble, chosen = choose_model(where, model), find_profile(profile)
    return run_screen(source, ensemble, Path(out) if out else None, where, reporter(), chosen, licensed_details, judge_by(runner))


@task(name="write report", cache_policy=NO_CACHE, persist_result=False)
def write_report(screened: Screened) -> str:
    where = settings()
    ensemble = choose_model(where, screened.manifest["model"])
    return str(report_screen(screened, ensemble, where, changes_since(where, screened), second_opinion(screened)))


def screen_source(
    source: Source,
    model: str | None,
    out: str | None,
    licensed_details: bool = False,
    profile: str = DEFAULT_PROFILE,
    runner: Runner = Runner.LOCAL,
) -> dict[str, Any]:
    """Rank, report and publish artifacts; called inside a flow. Returns the run's manifest with its folder and report."""
    screened = rank_candidates(source, model, out, licensed_details, profile, runner)
    report = write_report(screened)
    _watch(screened)
    top = screened.ranking()[SHOWN].head(SHOWN_ROWS)
    create_table_artifact(
        key="ranking",
        table=[{str(k): v for k, v in row.items()} for row in top.to_dict("records")],
        description=f"First {len(top)} of {screened.manifest['ranked']}",
    )
    create_link_artifact(key="report", link=Path(report).resolve().as_uri(), link_text="report.html")
    return {**screened.manifest, "folder": str(screened.folder), "report": report, "top": top.head(10).to_dict("records")}


def _watch(screened: Screened) -> None:
    """Hold the screen against the one before it, and tell of what needs a look."""
    before = run_before(settings(), screened)
    if before is None:
        return
    found = drift(before, screened)
    previous = before.manifest["id"]
    create_table_artifact(key="watch", table=[asdict(sign) for sign in found.signs], description=f"Since run {previous}")
    alarms = [f"{sign.name}: {sign.before:.3g} before, {sign.after:.3g} now" for sign in found.alarms]
    if alarms:
        names = ", ".join(found.gone["formula"].head(SHOWN_ROWS))
        reporter().say(f"Since run {previous}: {'; '.join(alarms)}")
        tell("a screen needs a look", "\n".join([*alarms, *([f"gone: {names}"] if names else [])]))


@flow(name="screen", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
def screen(
    paths: list[str],
    model: str | None = None,
    out: str | None = None,
    columns: str = "",
    max_file_mb: float = MAX_FILE_MB,
    disorder: Disorder = Disorder.REJECT,
    icsd: IcsdFilter = ANY_ENTRY,
    licensed_details: bool = False,
    profile: str = DEFAULT_PROFILE,
    runner: Runner = Runner.LOCAL,
) -> dict[str, Any]:
    """Rank the crystals in CIF files, folders, zips, ICSD exports, fetched folders or Parquet tables, or `mp` (what ICSD knows of
    the newest Materials Project snapshot), with a trained model (the newest by default)."""
    enter()
    source = open_candidates([Path(p) for p in paths], Columns.parse(columns), settings(), max_file_mb, disorder, icsd)
    return screen_source(source, model, out, licensed_details, profile, runner)
