"""refresh, diff, verify, prune: the data sets."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flows.commands.common import Json, LabelColumnsOption, QuietOption, facts, perform, prepare

SHOWN_CHANGES = 15


def refresh(
    source: Annotated[
        str,
        typer.Option(
            "--source",
            help="`mp` (Materials Project), `starter`, `parquet:PATH`, `csv:PATH`, `calculated:FOLDER` or `literature:FOLDER`.",
        ),
    ] = "starter",
    columns: LabelColumnsOption = "",
    full: Annotated[bool, typer.Option("--full", help="For `mp`: pull every document, not only what changed.")] = False,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Publish a data set as a snapshot. For the Materials Project, only changes are transferred."""
    from flows.jobs.refreshing import MATERIALS_PROJECT, RefreshJob
    from flows.summary import print_json

    job = RefreshJob(source, columns, full)
    if source == MATERIALS_PROJECT and not full and _has_snapshots():
        from pipeline.refresh.materials_project import up_to_date
        from pipeline.settings import settings

        current = up_to_date(settings())
        if current is not None:  # known before mp-api is loaded
            manifest: dict[str, Any] = {**current.manifest, "news": False}
            print_json(manifest) if json else _show_snapshot(manifest)
            return
    job.check()
    prepare(quiet)
    manifest = perform("refresh", job)
    print_json(manifest) if json else _show_snapshot(manifest)


def _has_snapshots() -> bool:
    """Whether there can be one of the Materials Project that is up to date; else a missing key is told at once."""
    from pipeline.settings import settings

    return any(settings().snapshots.glob("*/manifest.json"))


def _show_snapshot(manifest: dict[str, Any]) -> None:
    from pipeline.settings import settings

    where = settings()
    measured = manifest["kind"] == "literature"
    counted = ("values", "compositions", "orders") if measured else ("crystals", "labelled")
    shown = ("id", "source", *counted, "quarantined", "quarantined_by_reason")
    rows = {name: manifest[name] for name in shown}
    page = (where.literature if measured else where.snapshots) / manifest["id"] / "quality.html"
    if page.exists():
        rows["quality"] = page
    if "left_alone" in manifest:
        rows["without the columns"] = ", ".join(manifest["left_alone"])
    if "pull" in manifest and manifest.get("news"):
        rows |= {name: manifest["pull"][name] for name in ("kind", "fetched", "tombstones")}
    facts("Nothing new: this snapshot is up to date" if manifest.get("news") is False else "Snapshot published", rows)


def diff(
    old: Annotated[str, typer.Argument(help="Snapshot id or its beginning.")],
    new: Annotated[str | None, typer.Argument(help="Snapshot id or its beginning (default: the newest).")] = None,
    json: Json = False,
) -> None:
    """List what changed between two snapshots: new, withdrawn, relabelled, other structure."""
    from flows.summary import print_json, print_rows

    one, two, found = _compared(old, new)
    if json:
        print_json({"before": one.id, "after": two.id, "counts": found.counts(), **found.lists()})
        return
    facts(f"From {one.id} ({one.manifest['source']}) to {two.id} ({two.manifest['source']})", found.counts())
    for name, rows in found.lists().items():
        if rows:
            first = f", the first {SHOWN_CHANGES}" if len(rows) > SHOWN_CHANGES else ""
            print_rows(f"{name}{first} (moments in µB/atom, temperatures in K)", rows[:SHOWN_CHANGES])


def _compared(old: str, new: str | None) -> tuple[Any, Any, Any]:
    """Both snapshots, of crystals or of literature, whichever `old` is, and what changed between them."""
    from data.diff import difference
    from data.snapshot import open_snapshot
    from data.sources.literature.diff import literature_difference
    from data.sources.literature.snapshot import list_literature, open_literature
    from pipeline.settings import settings

    where = settings()
    if any(snapshot.id.startswith(old) for snapshot in list_literature(where.literature)):
        read, ours = open_literature(where.literature, old), open_literature(where.literature, new)
        return read, ours, literature_difference(read, ours)
    first, last = open_snapshot(where.snapshots, old), open_snapshot(where.snapshots, new)
    return first, last, difference(first, last)


def verify(
    snapshot: Annotated[str | None, typer.Argument(help="Snapshot id or its beginning (default: all).")] = None,
) -> None:
    """Check every file of a snapshot, of crystals or of measured values, against the hash in its manifest."""
    from data.errors import UserError
    from data.snapshot import list_snapshots, open_snapshot
    from data.sources.literature.snapshot import list_literature
    from data.store.tables import PublishedTables
    from pipeline.settings import settings

    root, measured = settings().snapshots, list_literature(settings().literature)
    chosen: list[PublishedTables] = [*list_snapshots(root), *measured]
    if snapshot:
        named = [one for one in measured if one.id.startswith(snapshot)]
        chosen = [*named] if len(named) == 1 else [open_snapshot(root, snapshot)]
    faults = []
    for one in chosen:
        try:
            one.verify()
            print(f"{one.id} is sound")
        except UserError as fault:
            faults.append(str(fault))
    if faults:
        raise UserError("; ".join(faults))
    if not chosen:
        print("No snapshots yet.")


def prune(
    keep: Annotated[int, typer.Option("--keep", min=1, help="Number of newest snapshots of each source to keep.")] = 5,
    runs: Annotated[
        int | None,
        typer.Option("--runs", min=2, help="Number of newest rankings of each source and profile to keep (default: all)."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")] = False,
    json: Json = False,
) -> None:
    """Remove old snapshots that no model, ranking or unfinished work refers to, and what stopped commands left more than 30 days
    ago. With --runs, also remove old rankings."""
    from dataclasses import asdict

    from flows.summary import print_json
    from pipeline.refresh.prune import prune as remove
    from pipeline.settings import settings

    done = remove(settings(), keep, dry_run, runs)
    if json:
        print_json(asdict(done))
        return
    title = "Would be removed" if dry_run else "Removed"
    removed = {"runs": done.runs, "snapshots": done.removed, "leftovers": done.leftovers}
    gone = {kind: ", ".join(names) or "none" for kind, names in removed.items()}
    facts(title, {**gone, "MB": round(done.bytes / 1e6, 1), "stay": len(done.kept)})
