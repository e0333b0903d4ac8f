"""Speed, memory and resumption of a screen of which half the files are disordered.

    python -m benchmarks.disorder_speed cif_quirks.parquet icsd_candidates.parquet [--files 5000] [--smoke]

The disordered files are those of the first table whose first crystal has places for an average, repeated until there are
enough; the others are the first ones of the second table. One screen runs through. Another one is killed (SIGKILL) when a
third of the time is over, and started again; its files must have the same bytes. Rates are of wall time and of processor
time, which tells more on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.disordered import DisorderedCrystal
from data.sources.cif_folder import CifFolder
from pipeline.registry.shipped import choose_model
from pipeline.screening.candidates import predict_shard
from pipeline.screening.screen import FILES
from pipeline.screening.screen_models import ScreenModels
from pipeline.settings import Settings

WORKERS = 2
EVERY_S = 0.2  # between two readings of processor times: the most that is missed of each process


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("disordered", type=Path)
    parser.add_argument("ordered", type=Path)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--smoke", action="store_true", help="12 files")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        _write(chosen.disordered, chosen.ordered, place / "cifs", 12 if chosen.smoke else chosen.files)
        core = _core_seconds(place / "cifs", place / "home")
        screen = _Screen(place, "whole")
        wall = screen.wait_for()
        spent = sum(screen.seconds.values())
        told = json.loads((place / "whole" / "manifest.json").read_text())
        number = told["ranked"] + told["rejected"]
        share = f"{told['disordered']} disordered ({told['disordered_time']:.0%} of the time)"
        print(f"{number} crystals, {told['ranked']} ranked, {share}")
        print(f"reading and predicting: {number / core:.0f} crystals/s of one core's time")
        idle = f"{WORKERS * number / spent:.0f} crystals/s on {WORKERS} cores that do nothing else"
        print(f"the whole screen: {spent / number * 1e3:.1f} ms of processor time each, {idle}")
        print(f"the whole screen: {number / wall:.0f} crystals/s of wall time; load of the machine {os.getloadavg()[0]:.1f}")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"largest process: {peak:.0f} MiB")
        killed = _Screen(place, "killed")
        time.sleep(wall / 3)
        killed.kill()
        _Screen(place, "killed").wait_for()
        same = all((place / "whole" / name).read_bytes() == (place / "killed" / name).read_bytes() for name in FILES)
        print(f"after SIGKILL and another start: {'the same bytes' if same else 'OTHER BYTES'}")


def _write(disordered: Path, ordered: Path, folder: Path, files: int) -> None:
    folder.mkdir()
    mixed = []
    for text in pd.read_parquet(disordered, columns=["cif"])["cif"]:
        if isinstance(next(read_cif(text, "", "", Disorder.AVERAGE), None), DisorderedCrystal):
            mixed.append(text)
        if len(mixed) >= files // 2:
            break
    plain = pd.read_parquet(ordered, columns=["cif"])["cif"].head(files - files // 2).tolist()
    for k, text in enumerate(plain):
        (folder / f"ordered{k:05d}.cif").write_text(text)
    for k in range(files // 2):
        (folder / f"disordered{k:05d}.cif").write_text(mixed[k % len(mixed)])


def _core_seconds(folder: Path, home: Path) -> float:
    """Processor time of reading and predicting all files in this process, on one core."""
    where, source = Settings(home=home), CifFolder(folder, disorder=Disorder.AVERAGE)
    ensemble = choose_model(where, None)
    models, shards = ScreenModels.in_use(ensemble, where), list(source.shards())
    predict_shard(source, models, where.descriptors, next(source.singles(shards[0]))[0])  # loads the models
    started = time.process_time()
    for shard in shards:
        predict_shard(source, models, where.descriptors, shard)
    return time.process_time() - started


def _read_seconds(session: int, seconds: dict[int, float]) -> None:
    """Note the processor time of every process of a session so far (Linux); those of workers reach no parent that could tell."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = path.read_text().rpartition(")")[2].split()  # from the state on, the third field of proc_pid_stat(5)
        except OSError:  # it has ended
            continue
        if int(told[3]) == session:
            seconds[int(path.parent.name)] = (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


class _Screen:
    """A screen in a process group of its own."""

    def __init__(self, place: Path, name: str) -> None:
        self.started = time.monotonic()
        home = {"FERROSCREEN_HOME": str(place / f"home-{name}"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "flows", "screen", str(place / "cifs"), "--out", str(place / name), "-q"]
        self.process = subprocess.Popen(
            [*command, "--workers", str(WORKERS)], env=os.environ | home, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self.seconds: dict[int, float] = {}  # of processor time, by process

    def wait_for(self) -> float:
        """Seconds of wall time."""
        while self.process.poll() is None:
            _read_seconds(self.process.pid, self.seconds)
            time.sleep(EVERY_S)
        assert self.process.returncode == 0
        return time.monotonic() - self.started

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


if __name__ == "__main__":
    main()
