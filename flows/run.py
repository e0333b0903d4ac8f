"""Flow `run`: the whole job on the embedded starter set, with candidates whose moments are known but were never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from data.snapshot import open_snapshot
from data.sources.selected import Selected
from data.sources.starter import StarterSource
from data.store.artifact import make_folder
from flows.engines import Runner
from flows.refresh import refresh
from flows.screen import rank_candidates, screen_source
from flows.train import train
from pipeline.comparison.second import SECOND_FOLDER
from pipeline.registry.shipped import shipped_model
from pipeline.screening.profiles import DEFAULT_PROFILE
from pipeline.settings import settings
from pipeline.training.splits import split_rows

EPOCHS = 60  # two hundred crystals are seen in a second; more passes cost nothing


@flow(name="run", persist_result=False, validate_parameters=True)
def run(out: str | None = None, epochs: int = EPOCHS) -> dict[str, Any]:
    """Refresh from the starter set, train, and rank the compounds of its held-out chemical systems, also with the shipped model:
    our own calculations check it, since it has learned from others."""
    snapshot = refresh("starter")
    model = train(snapshot["id"], epochs=epochs)
    table = open_snapshot(settings().snapshots, snapshot["id"]).table(["material_id", "chemsys", "split"])
    held_out = table.take(split_rows(table).test).column("material_id").to_pylist()
    equilibrium = {line.crystal.id for line in _records(StarterSource(equilibrium_only=True))}
    candidates = Selected(StarterSource(equilibrium_only=True), frozenset(held_out) & equilibrium)
    folder = make_folder(Path(out) if out else settings().runs / f"run-{model['id']}")
    if (shipped := shipped_model()) is not None:
        rank_candidates(candidates, shipped.id, str(folder / SECOND_FOLDER), False, DEFAULT_PROFILE, Runner.LOCAL)
    screened = screen_source(candidates, model["id"], str(folder))
    return {"snapshot": snapshot, "model": model, "screen": screened}


def _records(source: StarterSource) -> list[Any]:
    return [record for shard in source.shards() for record in source.read(shard)]
