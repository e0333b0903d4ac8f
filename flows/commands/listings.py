"""snapshots, models, runs, doctor: what there is."""

from __future__ import annotations

from flows.commands.common import Json, facts, listing


def snapshots(json: Json = False) -> None:
    """List the published data sets."""
    from data.snapshot import list_snapshots
    from pipeline.settings import settings

    shown = ("id", "source", "crystals", "labelled", "quarantined")
    listing("Snapshots", [{k: s.manifest[k] for k in shown} for s in list_snapshots(settings().snapshots)], json)


def models(json: Json = False) -> None:
    """List the trained models."""
    from pipeline.learning.registry import list_models
    from pipeline.settings import settings

    rows = [
        {
            "id": m.id,
            "snapshot": m.manifest["snapshot"],
            "data": m.manifest["data"],
            "members": ", ".join(x["name"] for x in m.manifest["members"]),
            "test MAE µB/atom": m.manifest["metrics"]["ensemble"]["mae"],
        }
        for m in list_models(settings().models)
    ]
    listing("Models", rows, json)


def runs(json: Json = False) -> None:
    """List the finished screens."""
    from pipeline.screening.previous import list_runs
    from pipeline.settings import settings

    shown = ("id", "source", "model", "ranked", "rejected", "folder")
    listing("Runs", [{k: r[k] for k in shown} for r in list_runs(settings())], json)


def doctor(json: Json = False) -> None:
    """Versions, cores, disk, keys and Prefect: what to look at when something does not work."""
    from flows.doctor import examine
    from flows.summary import print_json

    found = examine()
    if json:
        print_json(found)
        return
    prefect = found.pop("prefect")
    facts(
        "ferroscreen", {**found, **found.pop("libraries"), "prefect server": prefect["server"], "answers": prefect["reachable"]}
    )
