"""Worker processes that stay for a thread's next item."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import pytest

from pipeline.ops.parallel import begin, copied_workers, in_kept_worker, map_in_order

LIMIT_S = 120.0  # the first worker imports all libraries, on a machine that may be busy
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


@pytest.mark.parametrize("item", [1, 0, -1])
def test_a_pool_has_ended_when_its_results_are_in(item: int) -> None:
    """As Python ends, it writes to the pipes of the pools that are still ending, and fails if they close at that moment."""
    before = set(threading.enumerate())
    assert list(map_in_order(own_process, [item], 1, lost=lost, timeout_s=1.0 if item < 0 else LIMIT_S))
    with copied_workers():
        assert begin(own_process, 1)()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("first", [[0], [1, 0], [1, 2, 0]])
def test_a_worker_that_dies_while_the_next_item_is_read_costs_its_own_item_only(first: list[int]) -> None:
    def items() -> Iterator[int]:
        others = set(multiprocessing.active_children())
        yield from first
        while set(multiprocessing.active_children()) - others:  # a pool that has lost a worker ends the others
            time.sleep(0.05)
        yield from (4, 5)

    found = list(map_in_order(own_process, items(), 2, lost, LIMIT_S))
    assert [said > 0 for said in found] == [item > 0 for item in (*first, 4, 5)]


def test_a_kept_worker_has_ended_when_its_thread_has() -> None:
    before = set(threading.enumerate())
    for _ in range(3):
        thread = threading.Thread(target=in_kept_worker, args=(own_process, 1, lost, LIMIT_S))
        thread.start()
        thread.join()
        assert set(threading.enumerate()) <= before


def large(item: int) -> bytes:
    return bytes(item)


def test_a_pool_ends_while_its_workers_send_large_results() -> None:
    """As where the disk is full: the process that read half a result waited for the other half for ever."""
    before = set(threading.enumerate())
    results = map_in_order(large, [100_000_000] * 4, 2)
    assert len(next(results)) == 100_000_000
    results.close()  # type: ignore[attr-defined]
    assert set(threading.enumerate()) <= before


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
