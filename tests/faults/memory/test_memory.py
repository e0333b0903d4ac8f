"""Memory does not grow with the data: rows go to the disk a group at a time, and tasks pass paths, not tables."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from data.sources.cif_folder import CifFolder
from pipeline.screening.shards import Work

ROOT = Path(__file__).resolve().parents[3]
FEW, MANY = 5_000, 20_000  # crystals; the fewer fill a group of rows, too
GROWTH_MB = 40  # the ids of all rows are kept; the rows themselves would take 150 MB and more
PASSED_BYTES = 2_000
PUBLISH = """
import resource, sys
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from data.crystal import make_crystal
from data.labels import Label
from data.snapshot import publish_snapshot
from data.sources import Record, Shard

SITES = 200
PLACES = np.random.default_rng(0).random((SITES, 3))

@dataclass(frozen=True)
class Many:
    crystals: int
    description: str = "many"

    def shards(self):
        yield from (Shard(start, 500) for start in range(0, self.crystals, 500))

    def read(self, shard):
        for k in range(shard.part, shard.part + shard.size):
            yield Record(make_crystal(f"m-{k}", (20 + 1e-4 * k) * np.eye(3), PLACES, [26] * SITES), "many", Label(2.0))

snapshot = publish_snapshot(Path(sys.argv[1]), Many(int(sys.argv[2])))
assert snapshot.manifest["crystals"] == int(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(folder: Path, crystals: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH, folder, str(crystals)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kB on Linux only")
def test_a_snapshot_four_times_as_large_needs_no_more_memory(tmp_path: Path) -> None:
    few, many = peak_mb(tmp_path / "few", FEW), peak_mb(tmp_path / "many", MANY)
    assert many - few < GROWTH_MB, f"{few} MB for {FEW} crystals, {many} MB for {MANY}"


def test_what_a_worker_is_sent_does_not_grow_with_the_folder(tmp_path: Path) -> None:
    for number in range(2_000):
        (tmp_path / f"{number}.cif").write_text("data_a")
    work = Work(CifFolder(tmp_path), tmp_path / "model", tmp_path / "descriptors", tmp_path / "work")
    assert len(pickle.dumps(work)) < PASSED_BYTES
