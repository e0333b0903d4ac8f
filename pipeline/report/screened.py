"""A finished screen and its model, as the report's content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.snapshot import open_snapshot
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_models import experiment_model
from pipeline.report.caveats import caveats
from pipeline.report.content import Changes, ReportContent, SecondOpinion
from pipeline.report.neighbours import Learned, learned
from pipeline.report.page import write_report
from pipeline.report.structures import packed_cells
from pipeline.screening.kept_rows import open_store
from pipeline.screening.profiles import profile_of
from pipeline.screening.screened import Screened
from pipeline.settings import Settings

_KIND = re.compile(r"(?:^|(?<=, ))(parquet|csv|cif|icsd|optimade):")  # of each source, where there are several


def report_screen(
    screened: Screened, ensemble: Ensemble, where: Settings | None = None, changes: Changes | None = None,
    second: SecondOpinion | None = None,
) -> Path:  # fmt: skip
    """Write report.html beside the ranking; returns its path.

    Args:
        where: the home that holds the snapshot which the model learned from; without it no neighbours are shown.
        changes: since the run before (pipeline.comparison.section).
        second: the shipped model's word on the same candidates (pipeline.comparison.second).
    """
    path = screened.folder / "report.html"
    store = open_store(where.predictions) if where is not None and where.kept_predictions_mb else None
    write_report(screen_content(screened, ensemble, where, changes, second), path, store)
    return path


def screen_content(
    screened: Screened, ensemble: Ensemble, where: Settings | None = None, changes: Changes | None = None,
    second: SecondOpinion | None = None,
) -> ReportContent:  # fmt: skip
    """Everything that the page shows."""
    run, model = screened.manifest, ensemble.manifest
    scores = model["metrics"]["ensemble"]
    ranking, profile = screened.ranking(), profile_of(run)
    facts = (
        ("Screened", run["source"]),
        ("Model", f"{model['id']}: {', '.join(m['name'] for m in model['members'] if m['weight'] > 0)}"),
        ("Trained on", f"{model['rows']['train']:,} crystals of {_KIND.sub('', model['data'])} (snapshot {model['snapshot']})"),
        ("Tested on", f"{model['rows']['test']:,} crystals of other chemical systems, mean error {scores['mae']:.3f} µB/atom"),
        ("Ranked by", f"{run['profile']}: {profile.purpose}" if profile is not None else run["profile"]),
        ("Run", run["id"]),
    )
    withheld = bool(run.get("withheld"))
    return ReportContent(
        title=f"Ferromagnet candidates: {_KIND.sub('', run['source'])}",
        facts=facts,
        ranking=ranking,
        rejected=screened.rejected(),
        evaluation=ensemble.held_out(),
        metrics={**model["metrics"], "coverage_by_bin": scores["coverage_by_bin"], "selection": model.get("selection") or {}},
        warnings=caveats(run, model, ordered="p_ferromagnetic" in ranking),
        order=f"the score of the profile {run['profile']}",
        run=run["id"],
        formula=run["formula"],
        working=profile.working if profile is not None else "",
        cells=packed_cells(screened.folder),  # without those that are withheld
        withheld=withheld,
        licensed=bool(run.get("licensed")),
        known=_learned(where, model["snapshot"]),
        changes=changes,
        second=second,
        experiment=_experiment_scores(run, where),
    )


def _experiment_scores(run: Mapping[str, Any], where: Settings | None) -> Mapping[str, Any]:
    """Of the models of experiments that the run used; nothing where others are in use by now, or none."""
    try:
        model = experiment_model(where)
    except UserError:
        return {}
    found: Mapping[str, Any] = model.manifest["scores"] if model.id == run.get("experiment_model") else {}
    return found


def _learned(where: Settings | None, snapshot: str) -> Learned:
    if where is None:
        return Learned()
    try:
        return learned(open_snapshot(where.snapshots, snapshot))
    except UserError:  # a model may travel without its data; the warnings say so
        return Learned()
