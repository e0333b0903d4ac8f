"""snapshots, models, runs, profiles, jobs, doctor, metrics: lists of what the home holds."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import Json, facts, listing

_RUN = ("id", "profile", "source", "model", "ranked", "rejected", "folder")


def snapshots(json: Json = False) -> None:
    """List the published data sets, of crystals and of measured values."""
    from data.snapshot import list_snapshots
    from data.sources.literature.snapshot import list_literature
    from flows.summary import print_json
    from pipeline.settings import settings

    shown = ("id", "source", "crystals", "labelled", "quarantined")
    rows = [{k: s.manifest[k] for k in shown} for s in list_snapshots(settings().snapshots)]
    counted = ("id", "source", "values", "compositions", "quarantined")
    measured = [{k: s.manifest[k] for k in counted} for s in list_literature(settings().literature)]
    if json:
        print_json([*rows, *measured])
        return
    if rows or not measured:
        listing("Snapshots", rows, json)
    if measured:
        listing("Literature snapshots", measured, json)


def models(json: Json = False) -> None:
    """List the trained models of every kind."""
    from pipeline.registry.artifact_types import MODEL_KINDS
    from pipeline.registry.published import current_models, published_models
    from pipeline.registry.shipped import shipped_of
    from pipeline.settings import settings

    rows = []
    for kind in MODEL_KINDS:
        root = settings().home / kind.directory
        promoted, shipped, own = current_models(root), shipped_of(kind), published_models(root, kind)
        used = (promoted or ([shipped.id] if shipped else [m.id for m in own]))[-1:]
        rows += [
            {
                "id": m.id,
                "kind": kind.kind,
                "in use": "yes" if used == [m.id] else "",
                "snapshot": m.manifest["snapshot"],
                "data": m.manifest["data"],
                "quality": m.quality(),
            }
            for m in [*([shipped] if shipped else []), *own]
        ]
    listing("Models", rows, json)


def runs(json: Json = False) -> None:
    """List the finished screens, oldest first."""
    from pathlib import Path

    from pipeline.screening.previous import list_runs, written_at
    from pipeline.screening.run_folder import holds
    from pipeline.settings import settings

    where = settings()
    found = list_runs(where)
    if json:
        from flows.summary import print_json

        print_json([{**{k: r[k] for k in _RUN}, "date": written_at(where, r).isoformat()} for r in found])
        return
    rows = []
    for run in found:
        there = holds(Path(run["folder"]), run["id"])
        rows.append(
            {
                "id": run["id"],
                "date": written_at(where, run).strftime("%Y-%m-%d %H:%M"),
                "profile": run["profile"],
                "input": run["source"],
                "ranked": run["ranked"],
                "rejected": run["rejected"],
                "model": run["model"],
                "folder": run["folder"] if there else f"{run['folder']} (gone, or another run's by now)",
            }
        )
    listing("Runs", rows, json)


def profiles(json: Json = False) -> None:
    """List the ranking profiles with their formulas."""
    from flows.summary import print_json
    from pipeline.screening.profile_texts import DEFAULT_PROFILE, TEXTS

    rows = [{"profile": name, "purpose": purpose, "formula": formula} for name, (purpose, formula) in TEXTS.items()]
    if json:
        print_json(rows)
        return
    for row in rows:
        name = row.pop("profile")
        facts(f"{name} (default)" if name == DEFAULT_PROFILE else name, row)


def jobs(
    last: Annotated[int, typer.Option("--last", min=1, help="Number of jobs, newest first.")] = 20, json: Json = False
) -> None:
    """List the refreshes, trainings and screens of this home: running, finished and lost ones."""
    from dataclasses import asdict

    from pipeline.ops.ledger import Ledger
    from pipeline.settings import settings

    entries = [asdict(entry) for entry in Ledger(settings().home).entries(last)]
    shown = ("id", "job", "state", "started", "ended", "parts", "takes_over", "why")
    listing("Jobs", entries if json else [{name: entry[name] for name in shown} for entry in entries], json)


def doctor(json: Json = False) -> None:
    """Print versions, cores, disk space, which keys are set, and whether a Prefect server answers."""
    from flows.doctor import examine
    from flows.summary import print_json

    found = examine()
    if json:
        print_json(found)
        return
    prefect, libraries = found.pop("prefect"), found.pop("libraries")
    facts("ferroscreen", {**found, **libraries, "prefect server": prefect["server"], "answers": prefect["reachable"]})


def metrics() -> None:
    """Print metrics for a monitoring system as Prometheus text (for example for a node exporter's textfile collector)."""
    from pipeline.ops.metrics import metrics_text
    from pipeline.settings import settings

    print(metrics_text(settings()), end="")
