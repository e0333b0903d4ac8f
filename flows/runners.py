"""Engines that execute the shards of a screen: this machine, or any engine that Prefect can pass tasks to.

Dask and Ray start two local workers unless FERROSCREEN_ENGINE_ADDRESS names a cluster; all of its machines must see the home,
the model and the candidates under the same paths, since tasks exchange paths only.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from data.errors import UserError
from flows.engines import Runner, need_server
from pipeline.screening.shards import Numbered, ShardPredictor, Work, predict_in_processes
from pipeline.settings import settings

TASK_S = 60.0  # no task is meant to take longer: the bar moves with each, and a lost one costs no more
SHARES = 2  # of what is left, a worker gets one part in SHARES


@task(name="predict shards", cache_policy=NO_CACHE, persist_result=False)
def predict_shards(work: Work, part: list[Numbered]) -> tuple[list[int], float]:
    """(their numbers, seconds that it took)."""
    began = time.monotonic()
    return [work.predict(one) for one in part], time.monotonic() - began


def batches(todo: list[Numbered], workers: int, seconds_per_crystal: float) -> Iterator[list[Numbered]]:
    """Shards for one task after the other: large ones first, since handing out a task costs a second or so of the server's time,
    then ever smaller ones, so that all workers end together (guided self-scheduling, Polychronopoulos and Kuck 1987)."""
    left = seconds_per_crystal * sum(shard.size for _, shard in todo)
    part: list[Numbered] = []
    filled = 0.0
    for one in todo:
        part.append(one)
        filled += seconds_per_crystal * one[1].size
        if filled >= (1 - 1e-9) * min(TASK_S, left / (SHARES * workers)):
            yield part
            left -= filled
            part, filled = [], 0.0
    if part:
        yield part


def predict_by(runner: Runner) -> ShardPredictor:
    """Raises UserError where the engine's extra is not installed, or its workers would find no Prefect server."""
    if runner is Runner.LOCAL:
        return predict_in_processes
    if runner in (Runner.DASK, Runner.RAY):
        need_server(f"the workers of {runner} need a Prefect server")
    _engine(runner, 1)

    def predict(work: Work, todo: list[Numbered], workers: int) -> Iterator[int]:
        with _engine(runner, workers) as engine:

            def predicted(parts: Iterable[list[Numbered]]) -> Iterator[tuple[list[int], float]]:
                futures = [engine.submit(predict_shards, {"work": work, "part": part}) for part in parts]
                return (future.result() for future in as_completed(futures))

            costs, sizes = [], {number: shard.size for number, shard in todo}
            # what a crystal costs is measured on the first ones
            for numbers, seconds in predicted([one] for one in todo[:workers]):
                yield from numbers
                costs.append(seconds / max(sizes[numbers[0]], 1))
            for numbers, _ in predicted(batches(todo[workers:], workers, min(costs, default=0.0))):
                yield from numbers

    return predict


def _engine(runner: Runner, workers: int) -> Any:
    address = settings().engine_address or None
    try:
        if runner is Runner.DASK:
            from dask import config
            from prefect_dask.task_runners import DaskTaskRunner

            config.set({"distributed.worker.daemon": False})  # our readers are processes of the worker's own
            local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
            return DaskTaskRunner(address=address) if address else DaskTaskRunner(cluster_kwargs=local)
        if runner is Runner.RAY:
            from prefect_ray.task_runners import RayTaskRunner

            local = {"num_cpus": workers, "include_dashboard": False}
            return RayTaskRunner(address=address) if address else RayTaskRunner(init_kwargs=local)
    except ImportError as fault:
        raise UserError(f"the {runner} runner is an extra: `pip install -e .[{runner}]`") from fault
    return ThreadPoolTaskRunner(workers) if runner is Runner.THREADS else ProcessPoolTaskRunner(workers)
