"""Where the shards of a screen are judged: on this machine, or by whatever engine Prefect can hand tasks to.

Dask and Ray start two local workers unless FERROSCREEN_ENGINE_ADDRESS names a cluster; all of its machines must see the home,
the model and the candidates under the same paths, since tasks exchange paths only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from data.errors import UserError
from flows.engines import Runner, need_server
from pipeline.screening.shards import Judge, Numbered, Work, judge_here
from pipeline.settings import settings


@task(name="judge shard", cache_policy=NO_CACHE, persist_result=False)
def judge_shard(work: Work, numbered: Numbered) -> int:
    return work.judge(numbered)


def judge_by(runner: Runner) -> Judge:
    """Raises UserError where the engine's extra is not installed, or its workers would find no Prefect server."""
    if runner is Runner.LOCAL:
        return judge_here
    if runner in (Runner.DASK, Runner.RAY):
        need_server(f"the workers of {runner} need a Prefect server")
    _engine(runner, 1)

    def judge(work: Work, todo: list[Numbered], workers: int) -> Iterator[int]:
        with _engine(runner, workers) as engine:
            futures = [engine.submit(judge_shard, {"work": work, "numbered": one}) for one in todo]
            for future in as_completed(futures):
                yield future.result()

    return judge


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
