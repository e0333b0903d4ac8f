"""Worker processes that stay for a thread's next item."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

from pipeline.ops.parallel import in_kept_worker

LIMIT_S = 30.0
SOON_S = 15.0


def own_process(item: int) -> int:
    """The worker's; zero kills it, a negative item makes it sleep for ever."""
    if item == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if item < 0:
        time.sleep(600)
    return os.getpid()


def lost(item: int) -> int:
    return -1


def test_a_worker_stays_and_a_lost_one_is_replaced() -> None:
    ask = partial(in_kept_worker, own_process, lost=lost)
    with ThreadPoolExecutor(1) as thread:
        first, second = (thread.submit(ask, item, timeout_s=LIMIT_S).result() for item in (1, 2))
        assert first == second != os.getpid()
        assert thread.submit(ask, 0, timeout_s=LIMIT_S).result() == -1
        third = thread.submit(ask, 3, timeout_s=LIMIT_S).result()
        assert third not in (-1, first)
        assert thread.submit(ask, -1, timeout_s=0.5).result() == -1
        fourth = thread.submit(ask, 4, timeout_s=LIMIT_S).result()
        assert fourth not in (-1, first, third)
    end = time.monotonic() + SOON_S
    while _lives(fourth):  # with its thread
        assert time.monotonic() < end, "the worker outlives its thread"
        time.sleep(0.1)


def in_a_worker(item: int) -> int:
    return in_kept_worker(own_process, item, lost, LIMIT_S)


def test_a_worker_of_a_worker_does_not_keep_it_from_ending() -> None:
    """As where every shard is a task in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        first, second = (pool.submit(in_a_worker, item).result(LIMIT_S) for item in (1, 2))
        ended = list((pool._processes or {}).values())
    assert first == second
    for process in ended:
        process.join(SOON_S)
        assert process.exitcode == 0


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
