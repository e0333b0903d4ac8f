"""What a home holds, and what harms a file."""

from __future__ import annotations

from pathlib import Path

from data.snapshot import list_snapshots
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.published import artefact_files, published_models
from pipeline.settings import Settings

FILES = ("crystals.parquet", "quarantine.parquet", "manifest.json")


def contents(where: Settings) -> dict[str, dict[str, str]]:
    """Hashes of all files, by artefact."""
    artefacts = [*list_snapshots(where.snapshots), *published_models(where.models, Ensemble)]
    return {one.id: artefact_files(one.folder) for one in artefacts}


def leftovers(where: Settings) -> list[str]:
    return [path.name for path in where.home.rglob(".building-*")]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
