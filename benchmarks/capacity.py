"""What a screen of 100 million crystals would take: costs measured here, a fleet simulated.

    python -m benchmarks.capacity icsd_candidates.parquet [--crystals 4000]

Measured on one core with the model in use: a worker's time for a crystal, a worker's start, the bytes that it leaves, and the
parent's time and memory for a row of the ranking (reading shards, ranking, writing both tables), at two sizes, so that what
grows faster than the number of rows would show. Times are processor time of one thread. Simulated: shards of one size on W
cores, each core lost every MTBF hours on average, a lost shard done again; a scheduler that hands out at most so many shards a
second. Nothing but arithmetic says how long 100 million would take; docs/capacity.md says what would have to change before
anybody tries.
"""

from __future__ import annotations

import argparse
import heapq
import random
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from benchmarks.smoke import arguments
from data.sources import Source
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from data.store.artifact import write_bytes
from data.symmetry import SymmetricCell
from pipeline.demos.figures import markdown
from pipeline.registry.shipped import choose_model
from pipeline.screening.candidates import predict_shard
from pipeline.screening.csvsafe import csv_bytes, csv_safe
from pipeline.screening.measured import with_measured
from pipeline.screening.profiles import DEFAULT_PROFILE, PROFILES
from pipeline.screening.ranking import rank
from pipeline.screening.screen_models import ScreenModels
from pipeline.screening.shards import Work, write_parquet
from pipeline.settings import settings

SIZES = (50_000, 200_000)  # rows of the parent's test
MTBF_H = 200.0  # of one core's process: a node of 64 cores fails every three hours or so, which is pessimistic
HANDED_PER_S = 30.0  # shards that a Prefect server gives out, measured in neither direction here: an assumption
HOURS, GB = 3600.0, 1e9


@dataclass(frozen=True)
class Costs:
    """Per crystal unless said otherwise."""

    worker_s: float
    start_s: float  # of a worker process, once
    kept_bytes: float
    parent_s: float
    parent_bytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--crystals", type=int, default=4000)
    options = arguments(parser, lambda made: [made.candidates(), "--crystals", 40], SIZES=(500, 2000))
    costs = measure(candidate_source([options.table], Columns()), options.crystals)
    print(f"\nworker {1e3 * costs.worker_s:.2f} ms a crystal ({1 / costs.worker_s:.0f}/s a core), start {costs.start_s:.1f} s")
    print(f"kept {costs.kept_bytes:.0f} bytes a crystal")
    print(f"parent {1e6 * costs.parent_s:.0f} µs and {costs.parent_bytes:.0f} bytes a row\n")
    rows = []
    for crystals in (200_000, 10**6, 10**7, 10**8):
        for cores in (2, 64, 1024):
            size = best_size(costs, crystals, cores)
            hours = makespan(costs, crystals, cores, size) / HOURS
            rows.append([
                f"{crystals:,}", str(cores), f"{size:,}", f"{crystals / size:,.0f}", f"{hours:,.1f}",
                f"{crystals * costs.worker_s / HOURS:,.0f}", f"{crystals * costs.kept_bytes / GB:,.0f}",
                f"{crystals * costs.parent_s / HOURS:,.1f}", f"{crystals * costs.parent_bytes / GB:,.0f}",
            ])  # fmt: skip
    head = ["crystals", "cores", "shard", "shards", "workers, h", "core hours", "kept, GB", "parent, h", "parent, GB of memory"]
    print(markdown(head, rows))


def measure(source: Source, crystals: int) -> Costs:
    where, started = settings(), time.process_time()
    model, shards = choose_model(where), list(source.shards())
    models = ScreenModels.in_use(model, where)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(source, models, where.descriptors, Path(folder))
        predict_shard(source, models, where.descriptors, shards[0])
        start, begun, done, tables, cells = time.process_time() - started, time.process_time(), 0, [], []
        for number, shard in enumerate(shards[1:] or shards):
            predicted = predict_shard(source, models, where.descriptors, shard)
            work.keep(number, predicted)
            tables.append(predicted.table)
            cells += predicted.cells
            done += len(predicted.table)
            if done >= crystals:
                break
        worker = (time.process_time() - begun) / done
        kept = sum(p.stat().st_size for p in Path(folder).iterdir()) / done
    small, large = (_parent(pd.concat(tables, ignore_index=True), cells, rows) for rows in SIZES)
    for rows, (seconds, peak) in zip(SIZES, (small, large), strict=True):
        print(f"parent, {rows:,} rows: {seconds:.1f} s, {peak / GB:.2f} GB at the peak of the process")
    return Costs(worker, start, kept, large[0] / SIZES[1], (large[1] - small[1]) / (SIZES[1] - SIZES[0]))


def _parent(table: pd.DataFrame, cells: list[SymmetricCell], rows: int) -> tuple[float, float]:
    """Seconds and the process's peak bytes to rank and write so many rows (the measured ones again and again, under new ids)."""
    times = -(-rows // len(table))
    many = pd.concat([table.assign(candidate_id=table["candidate_id"] + f"-{k}") for k in range(times)], ignore_index=True)
    many = many.head(rows).assign(duplicate_of="", known_id="", known_moment=float("nan"))
    started = time.process_time()
    with pd.option_context("mode.copy_on_write", True), tempfile.TemporaryDirectory() as folder:  # as a screen does
        measured = with_measured(many, lambda wanted: [cells[k % len(cells)] for k in wanted], None)
        ranking = rank(measured, PROFILES[DEFAULT_PROFILE])
        write_parquet(ranking, Path(folder) / "ranking.parquet")
        write_bytes(Path(folder) / "ranking.csv", csv_bytes(csv_safe(ranking)))
    return time.process_time() - started, 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def best_size(costs: Costs, crystals: int, cores: int) -> int:
    """The shard size, a power of two times 250, with the shortest makespan."""
    return min((250 << k for k in range(9)), key=lambda size: makespan(costs, crystals, cores, size))


def makespan(costs: Costs, crystals: int, cores: int, size: int, seed: int = 1) -> float:
    """Seconds until all shards are predicted, on cores that are lost at random (MTBF_H) and replaced after a start."""
    rng, left = random.Random(seed), -(-crystals // size)
    free = [(costs.start_s, core) for core in range(cores)]
    heapq.heapify(free)
    life = [rng.expovariate(1 / (MTBF_H * HOURS)) for _ in range(cores)]
    handed = end = 0.0
    while left:
        at, core = heapq.heappop(free)
        begin = max(at, handed)
        handed = begin + 1 / HANDED_PER_S
        done = begin + size * costs.worker_s
        if done > life[core]:  # lost on the way: the shard goes back, the core comes again
            done = max(life[core], begin) + costs.start_s
            life[core] = done + rng.expovariate(1 / (MTBF_H * HOURS))
        else:
            left -= 1
            end = max(end, done)
        heapq.heappush(free, (done, core))
    return end


if __name__ == "__main__":
    main()
