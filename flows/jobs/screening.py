"""Jobs `screen` and `report`: candidates to a ranking and its report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.cif.disorder import Disorder
from data.sources import Source
from data.sources.cif_folder import MAX_FILE_MB
from data.sources.icsd.table import ANY_ENTRY, IcsdFilter
from flows.console import reporter
from flows.engines import Runner
from flows.jobs.outlet import Outlet
from pipeline.screening.profiles import DEFAULT_PROFILE, find_profile
from pipeline.settings import settings

if TYPE_CHECKING:
    from pipeline.screening.screened import Screened

SHOWN = [  # P(FM) alone would show a ferrimagnet as a failure
    "rank", "candidate_id", "formula", "score", "ordering_most_likely", "p_fm_or_fim", "tc_K", "saturation_300K_T",
    "saturation_T",
]  # fmt: skip
SHOWN_ROWS = 25  # of the table on a server
TOP = 10  # rows of the summary


@dataclass(frozen=True)
class ScreenJob:
    """What to rank, by what, and where the results go.

    Args:
        paths: CIF files, folders, zips, ICSD exports, fetched folders, Parquet tables, or `mp`: what ICSD knows of the newest
            snapshot of the Materials Project.
        model: id or its beginning; None: the one in use.
        out: folder of the results; None: below the home.
        columns: of a Parquet table with other names.
        max_file_mb: larger CIF files are rejected.
        disorder: what happens to crystals with shared sites.
        icsd: which entries of ICSD are left out.
        licensed_details: show more than ids and formulas of a licensed source.
        profile: name of the ranking profile.
        working_temperature: K, of the profile magnetocaloric; None: 300 K.
        runner: engine that predicts the shards.
        top: rows of the summary.
        force: write into a folder that holds another run.
    """

    paths: list[str]
    model: str | None = None
    out: str | None = None
    columns: str = ""
    max_file_mb: float = MAX_FILE_MB
    disorder: Disorder = Disorder.AVERAGE
    icsd: IcsdFilter = ANY_ENTRY
    licensed_details: bool = False
    profile: str = DEFAULT_PROFILE
    working_temperature: float | None = None
    runner: Runner = Runner.LOCAL
    top: int = TOP
    force: bool = False

    def source(self) -> Source:
        """The candidates. Raises UserError for a path that is nothing to screen."""
        from data.sources.opening import candidate_columns
        from pipeline.screening.opening import open_candidates

        paths, columns = [Path(p) for p in self.paths], candidate_columns(self.columns)
        return open_candidates(paths, columns, settings(), self.max_file_mb, self.disorder, self.icsd)

    def check(self) -> None:
        """Raises UserError for what cannot be done, before anything large is imported."""
        from flows.jobs.checks import check_above_zero, check_model

        check_above_zero("--max-file-mb", self.max_file_mb)
        check_above_zero("--icsd-max-temperature", self.icsd.max_temperature_K)
        check_above_zero("--icsd-max-pressure", self.icsd.max_pressure_MPa or None)  # 0: none above ambient
        profile = find_profile(self.profile, self.working_temperature)
        if self.runner in (Runner.DASK, Runner.RAY):
            from flows.engines import need_server

            need_server(f"the workers of {self.runner} need a Prefect server")
        check_model(settings(), self.model)
        source = self.source()
        source.identity()
        if self.out is not None:
            from pipeline.screening.run_folder import claim_run

            claim_run(Path(self.out), source.description, profile.name, self.licensed_details, self.force)


@dataclass(frozen=True)
class ReportJob:
    """Which run's report to write again: its id, its folder, or None for the newest."""

    run: str | None = None

    def check(self) -> None:
        """Raises UserError where there is no such run."""
        from pipeline.screening.runs import find_run

        find_run(settings(), self.run)


def screen(job: ScreenJob, outlet: Outlet) -> dict[str, Any]:
    """Rank the candidates with a trained model and write the report.

    Returns:
        The run's manifest with its folder, its report, the first rows, and `fresh`: false where a finished run is taken as it is.
    """
    return screen_source(job.source(), job, outlet)


def report(job: ReportJob, outlet: Outlet) -> str:
    """Write report.html of a finished run again; returns its path."""
    from pipeline.screening.runs import find_run

    return outlet.step("write report", write_report, find_run(settings(), job.run))


def screen_source(source: Source, job: ScreenJob, outlet: Outlet) -> dict[str, Any]:
    """`screen` of candidates that are open already; the paths of the job do not count.

    Args:
        source: the candidates.
        job: what is asked for.
        outlet: runs the steps.
    """
    screened = outlet.step("rank candidates", rank_candidates, source, job, outlet)
    if screened.fresh:  # else it was told when it was finished, and a job that finds nothing new tells it no second time
        _watch(screened, outlet)
    page = outlet.step("write report", write_report, screened)
    top = screened.ranking()[SHOWN]
    rows = [{str(k): v for k, v in row.items()} for row in top.head(SHOWN_ROWS).to_dict("records")]
    outlet.table("ranking", rows, f"First {len(rows)} of {screened.manifest['ranked']}")
    outlet.link("report", Path(page).resolve())
    first = top.head(job.top).to_dict("records")
    return {**screened.manifest, "folder": str(screened.folder), "report": page, "top": first, "fresh": screened.fresh}


def rank_candidates(source: Source, job: ScreenJob, outlet: Outlet) -> Screened:
    """The ranking, in its folder.

    Args:
        source: the candidates.
        job: what is asked for.
        outlet: runs the steps.
    """
    from pipeline.registry.shipped import choose_model
    from pipeline.screening.screen import screen as run_screen

    where, out = settings(), Path(job.out) if job.out else None
    ensemble, profile = choose_model(where, job.model), find_profile(job.profile, job.working_temperature)
    return run_screen(
        source, ensemble, out, where, reporter(), profile, job.licensed_details, outlet.predictor(job.runner), force=job.force
    )


def write_report(screened: Screened) -> str:
    """The path of the report, written beside the ranking."""
    from pipeline.comparison.second import second_opinion
    from pipeline.comparison.section import changes_since
    from pipeline.registry.shipped import choose_model
    from pipeline.report.screened import report_screen

    where = settings()
    ensemble = choose_model(where, screened.manifest["model"])
    return str(report_screen(screened, ensemble, where, changes_since(where, screened), second_opinion(screened)))


def _watch(screened: Screened, outlet: Outlet) -> None:
    """Hold the screen against the one before it, and tell of what needs a look."""
    from pipeline.comparison.drift import drift
    from pipeline.screening.runs import run_before

    before = run_before(settings(), screened)
    if before is None:
        return
    found = drift(before, screened)
    previous = before.manifest["id"]
    outlet.table("watch", [asdict(sign) for sign in found.signs], f"Since run {previous}")
    alarms = [f"{sign.name}: {sign.before:.3g} before, {sign.after:.3g} now" for sign in found.alarms]
    if alarms:
        names = ", ".join(found.gone["formula"].head(SHOWN_ROWS))
        reporter().say(f"Since run {previous}: {'; '.join(alarms)}")
        outlet.notify("a screen needs a look", "\n".join([*alarms, *([f"gone: {names}"] if names else [])]))
