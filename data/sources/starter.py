"""The embedded starter set: spin-polarised PBE calculations made for this project (data/starter/README.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data.crystal import make_crystal
from data.labels import Label
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.store.artifact import file_hash, text_hash

STARTER_FILE = Path(__file__).parent.parent / "starter" / "starter.jsonl"


@dataclass(frozen=True)
class StarterSource:
    """All rows, or with `equilibrium_only` those at the equilibrium volume (the scanned volumes are for training)."""

    equilibrium_only: bool = False

    @property
    def description(self) -> str:
        return "starter (equilibrium)" if self.equilibrium_only else "starter"

    def identity(self) -> str:
        return text_hash("starter", file_hash(STARTER_FILE), str(self.equilibrium_only))

    def shards(self) -> Iterator[Shard]:
        rows = sum(1 for _ in STARTER_FILE.open())
        yield Shard((0, rows), rows)

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        yield shard, Rejection("starter", STARTER_FILE.name, "", Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        from pymatgen.core import Element

        for line in STARTER_FILE.read_text().splitlines():
            row = json.loads(line)
            if self.equilibrium_only and row["kind"] != "equilibrium":
                continue
            numbers = [Element(s).Z for s in row["species"]]
            crystal = make_crystal(row["id"], row["cell_A"], row["frac"], numbers)
            label = Label(
                row["total_magnetization_muB"], provenance=f"GPAW PBE {row['ecut_eV']} eV, {row['kind']}, started ferromagnetic"
            )
            yield Record(crystal, STARTER_FILE.name, label)
