"""Job `run`: the whole job on the embedded starter set, with candidates whose moments are known but were never shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.jobs.outlet import Outlet
from flows.jobs.refreshing import RefreshJob, refresh
from flows.jobs.screening import ScreenJob, rank_candidates, screen_source
from flows.jobs.training import TrainJob, train
from pipeline.settings import settings

if TYPE_CHECKING:
    from data.sources.selected import Selected

EPOCHS = 60  # two hundred crystals are seen in a second; more passes cost nothing


@dataclass(frozen=True)
class RunJob:
    """Where the results go (None: below the home), the passes over the data, and whether to write over another run's folder."""

    out: str | None = None
    epochs: int = EPOCHS
    force: bool = False

    def check(self) -> None:
        """Raises UserError where `out` holds something else, or cannot be written."""
        from pipeline.screening.run_folder import check_folder

        if self.out is not None:
            check_folder(Path(self.out), self.force)


def run(job: RunJob, outlet: Outlet) -> dict[str, Any]:
    """Refresh from the starter set, train, and rank the compounds of its held-out chemical systems, also with the shipped model:
    our own calculations check it, since it has learned from others.

    Returns:
        The snapshot's manifest, the model's, and the screen's with its folder, report and first rows.
    """
    from data.store.artifact import make_folder
    from pipeline.comparison.second import SECOND_FOLDER
    from pipeline.registry.shipped import shipped_model
    from pipeline.screening.run_folder import begin

    snapshot = refresh(RefreshJob("starter"), outlet)
    model = train(TrainJob(snapshot["id"], epochs=job.epochs), outlet)
    candidates = held_out(snapshot["id"])
    folder = make_folder(Path(job.out) if job.out else settings().runs / f"run-{model['id']}")
    screening = ScreenJob([], model["id"], str(folder), force=job.force)
    if (shipped := shipped_model()) is not None:
        begin(folder, f"model {model['id']}")
        second = replace(screening, model=shipped.id, out=str(folder / SECOND_FOLDER), force=True)
        outlet.step("rank candidates", rank_candidates, candidates, second, outlet)
    screened = screen_source(candidates, screening, outlet)
    return {"snapshot": snapshot, "model": model, "screen": screened}


def held_out(snapshot: str) -> Selected:
    """The starter set's equilibrium cells that are test rows of the snapshot."""
    from data.rejection import Rejection
    from data.snapshot import open_snapshot
    from data.sources.selected import Selected
    from data.sources.starter import StarterSource
    from pipeline.training.splits import split_rows

    table = open_snapshot(settings().snapshots, snapshot).table(["material_id", "chemsys", "split"])
    ids = table.take(split_rows(table).test).column("material_id").to_pylist()
    source = StarterSource(equilibrium_only=True)
    items = [item for shard in source.shards() for item in source.read(shard)]
    equilibrium = {item.crystal.id for item in items if not isinstance(item, Rejection)}
    return Selected(source, frozenset(ids) & equilibrium)
