"""Engines that execute the shards of a screen without a Prefect server: processes or threads of this machine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager

from flows.engines import Runner, need_server
from pipeline.ops.parallel import deaf_to_ctrl_c, end_pool, follow_parent
from pipeline.screening.shards import Numbered, ShardPredictor, Work, predict_in_processes


def predict_by(runner: Runner) -> ShardPredictor:
    """The engine of that name.

    Args:
        runner: name of the engine.

    Raises:
        UserError: it is Dask or Ray, whose workers report to a Prefect server, and none is named.
    """
    if runner is Runner.LOCAL:
        return predict_in_processes
    if runner in (Runner.DASK, Runner.RAY):
        need_server(f"the workers of {runner} need a Prefect server")
    started = _threads if runner is Runner.THREADS else _processes

    def predict(work: Work, todo: list[Numbered], workers: int) -> Iterator[int]:
        with started(workers) as engine:
            with deaf_to_ctrl_c():  # in which the workers start
                futures = [engine.submit(work.predict, one) for one in todo]
            for future in as_completed(futures):
                yield future.result()

    return predict


@contextmanager
def _threads(workers: int) -> Iterator[Executor]:
    engine = ThreadPoolExecutor(workers)
    try:
        yield engine
    finally:
        engine.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    with deaf_to_ctrl_c():  # its locks start Python's tracker of semaphores, which is to be silent as well
        engine = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=follow_parent)
    try:
        yield engine
    finally:
        end_pool(engine)  # after a failed shard, others may run for minutes
