"""A finished screen and its model, as the report's content."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.learning.registry import Ensemble
from pipeline.report.content import ReportContent
from pipeline.report.page import write_report
from pipeline.screening.screen import Screened

SMALL_TRAINING_SET = 5000
MANY_REJECTED = 0.1
_KIND = re.compile(r"^(parquet|cif|icsd|optimade):")


def report_screen(screened: Screened, ensemble: Ensemble) -> Path:
    """Write report.html beside the ranking; returns its path."""
    path = screened.folder / "report.html"
    write_report(screen_content(screened, ensemble), path)
    return path


def screen_content(screened: Screened, ensemble: Ensemble) -> ReportContent:
    """Everything that the page shows."""
    run, model = screened.manifest, ensemble.manifest
    scores = model["metrics"]["ensemble"]
    facts = (
        ("Screened", run["source"]),
        ("Model", f"{model['id']}: {', '.join(m['name'] for m in model['members'] if m['weight'] > 0)}"),
        ("Trained on", f"{model['rows']['train']:,} crystals of {model['data']} (snapshot {model['snapshot']})"),
        ("Tested on", f"{model['rows']['test']:,} crystals of other chemical systems, mean error {scores['mae']:.3f} µB/atom"),
        ("Profile", f"{run['profile']}: {run['formula']}"),
        ("Run", run["id"]),
    )
    return ReportContent(
        title=f"Ferromagnet candidates: {_KIND.sub('', run['source'])}",
        facts=facts,
        ranking=screened.ranking(),
        rejected=screened.rejected(),
        evaluation=ensemble.held_out(),
        metrics={**model["metrics"], "coverage_by_bin": scores["coverage_by_bin"], "selection": model.get("selection") or {}},
        warnings=tuple(_warnings(screened, ensemble)),
        order=f"the score of the profile {run['profile']}",
    )


def _warnings(screened: Screened, ensemble: Ensemble) -> list[str]:
    run, rows = screened.manifest, ensemble.manifest["rows"]
    found = []
    if rows["train"] < SMALL_TRAINING_SET:
        found.append(
            f"The model learned from {rows['train']} crystals only: it shows how the pipeline works. Train on Materials Project "
            "data before choosing crystals by it."
        )
    if not ensemble.manifest.get("gate_passed", True):
        found.append("No member of the model was better than a constant with confidence on the validation rows.")
    if run.get("withheld"):
        found.append(
            "The source is licensed: of its structures this page and the tables beside it hold ids and formulas only. "
            "`screen --licensed-details` adds the rest, for your own use."
        )
    share = run["rejected"] / max(run["ranked"] + run["rejected"], 1)
    if share > MANY_REJECTED:
        found.append(f"{share:.0%} of the input could not be used; the reasons are listed at the end.")
    if run["with_note"]:
        found.append(
            f"{run['with_note']} candidates carry a note (disorder resolved, or elements the model never saw): see `note`."
        )
    if far := run.get("unfamiliar", 0):
        found.append(
            f"{far} candidates are unlike what the model learned from: `unfamiliar` is above 1, and their interval is widened."
        )
    if run["known_from"] is None:
        found.append("The snapshot that the model learned from is not here, so candidates with a known moment are not marked.")
    if run["not_compared"]:
        found.append(f"{run['not_compared']} candidates could not be compared with others in time: duplicates may be among them.")
    if 0 < run["stability_known"] < run["ranked"]:
        found.append(
            f"The energy above the hull is known for {run['stability_known']:,} of {run['ranked']:,} candidates only: an unknown "
            "stability is not a good one."
        )
    if run["without_symmetry"]:
        found.append(f"{run['without_symmetry']} crystals had no usable symmetry and were treated with all their atoms apart.")
    return found
