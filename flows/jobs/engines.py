"""Engines that execute the shards of a screen without a Prefect server: processes or threads of this machine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed

from flows.engines import Runner, need_server
from pipeline.ops.parallel import deaf_to_ctrl_c, follow_parent
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

    def predict(work: Work, todo: list[Numbered], workers: int) -> Iterator[int]:
        with deaf_to_ctrl_c():  # its locks start Python's tracker of semaphores, which is to be silent as well
            engine = _executor(runner, workers)
        try:
            with deaf_to_ctrl_c():  # in which the workers start
                futures = [engine.submit(work.predict, one) for one in todo]
            for future in as_completed(futures):
                yield future.result()
        finally:
            engine.shutdown(wait=False, cancel_futures=True)

    return predict


def _executor(runner: Runner, workers: int) -> Executor:
    if runner is Runner.THREADS:
        return ThreadPoolExecutor(workers)
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=follow_parent)
