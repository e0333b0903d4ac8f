"""What each runner costs over the plain function: one screen, run in every way, each in a process of its own.

    python -m benchmarks.runners CANDIDATES.parquet [--repeats 2] [--runners local,threads,processes,dask,ray]

`plain` calls pipeline.screening.screen and the report as functions, without Prefect. The others are `ferroscreen screen
--runner ...` against a Prefect server on this machine that is started beforehand and not timed; its database is warm. All use the
shipped model and one home; every ranking must have the same bytes. Wall time of the whole process, the fastest of the repeats.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.smoke import arguments
from data.store.artifact import file_hash
from pipeline.demos.figures import markdown
from tests.servers.prefect import ROOT, prefect_server

PLAIN = """
import sys
from pathlib import Path
from data.sources.parquet import Columns
from pipeline.comparison.second import second_opinion
from pipeline.registry.shipped import choose_model
from pipeline.ops.progress import Quiet
from pipeline.report.screened import report_screen
from pipeline.screening.opening import open_candidates
from pipeline.screening.screen import screen
from pipeline.settings import settings
where = settings()
model = choose_model(where, None)
done = screen(open_candidates([Path(sys.argv[1])], Columns(), where), model, Path(sys.argv[2]), where, Quiet())
report_screen(done, model, where, None, second_opinion(done))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("candidates", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--runners", default="local,threads,processes,dask,ray")
    options = arguments(parser, lambda made: [made.candidates(), "--repeats", 1, "--runners", "threads"])
    ways = ["plain", *options.runners.split(",")]
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    rankings = set()
    with tempfile.TemporaryDirectory(prefix="ferroscreen-runners-") as folder, prefect_server(Path(folder), None) as server:
        environment = server.environment | {"FERROSCREEN_HOME": f"{folder}/home"}
        for repeat in range(options.repeats):
            for way in ways:
                out = Path(folder) / f"{way}-{repeat}"
                took = _timed(way, options.candidates.resolve(), out, environment)
                seconds[way].append(took)
                rankings.add(file_hash(out / "ranking.csv"))
                print(f"{way}: {took:.1f} s", file=sys.stderr, flush=True)
    assert len(rankings) == 1, "the runners do not agree"
    plain = min(seconds["plain"])
    lines = [[way, *(f"{s:.1f}" for s in taken), f"{100 * (min(taken) / plain - 1):+.0f} %"] for way, taken in seconds.items()]
    print(markdown(["way", *(f"{k + 1}, s" for k in range(options.repeats)), "over plain"], lines))


def _timed(way: str, candidates: Path, out: Path, environment: dict[str, str]) -> float:
    command = [sys.executable, "-m", "flows", "screen", str(candidates), "--out", str(out), "--runner", way]
    if way == "plain":
        command = [sys.executable, "-c", PLAIN, str(candidates), str(out)]
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
