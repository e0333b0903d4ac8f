"""`python -m tests.servers [TABLE]`: the Materials Project on this machine, from the starter set or a Parquet table.

It prints how to refresh from it, serves until Ctrl-C, and with each line on standard input becomes another release, in
which one material in a hundred has moved.
"""

from __future__ import annotations

import sys
from pathlib import Path

from data.sources import Source
from data.sources.materials_project.identity import can_be_asked
from data.sources.parquet import ParquetSource
from data.sources.starter import StarterSource
from tests.servers.documents import document, records
from tests.servers.materials_project import Database, MaterialsProjectServer

CHANGED_EVERY = 100
SHIFT = 1.02  # of a label that moves


def database(source: Source) -> Database:
    """Documents of a source's crystals, under ids of the Materials Project's kind."""
    told = (
        document(record, record.crystal.id if can_be_asked(record.crystal.id) else f"mp-{10 + 7 * k}")
        for k, record in enumerate(records(source))
    )
    return Database(told)


def next_release(data: Database, number: int) -> int:
    """Move every hundredth material; returns how many."""
    moved = data.ids()[number % CHANGED_EVERY :: CHANGED_EVERY]
    for identifier in moved:
        told = data.get(identifier)
        scaled = {name: SHIFT * told[name] for name in told if name.startswith("total_magnetization")}
        data.put({**told, **scaled, "last_updated": f"2026-10-{10 + number % 18:02d}T00:00:00Z"})
    data.version = f"2026.11.{number}"
    return len(moved)


def main() -> None:
    """Serve until standard input ends or Ctrl-C."""
    source: Source = ParquetSource(Path(sys.argv[1]), labelled=True) if len(sys.argv) > 1 else StarterSource(True)
    data = database(source)
    server = MaterialsProjectServer(data)
    with server.running():
        print(f"{len(data)} materials at {server.endpoint}", flush=True)
        print(f"MP_API_KEY={server.key} FERROSCREEN_MP_ENDPOINT={server.endpoint} ferroscreen refresh --source mp", flush=True)
        try:
            for number, _ in enumerate(sys.stdin, start=1):
                print(f"release {number}: {next_release(data, number)} materials moved", flush=True)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
