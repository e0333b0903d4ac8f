"""Work in several processes: results in order, a bounded queue; a process that ends early or hangs loses one item only."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from multiprocessing import forkserver, resource_tracker
from multiprocessing.util import Finalize
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
WORKER_BYTES = 8 * 2**30  # address space; a file that needs more ends its reader, not the machine
LONGEST_END_S = 5.0  # of a pool whose workers are dead; it takes milliseconds
QUEUED_PER_WORKER = 3  # enough that nobody waits, few enough that results do not pile up
_ending = threading.Event()
# Python's tracker of semaphores removes what a killed command leaves, and warns on the terminal of what it did; it inherits this
_NO_LEAK_WARNING = "ignore:resource_tracker"
_LOSSES = (BrokenProcessPool, TimeoutError, MemoryError)
_copied: ContextVar[bool] = ContextVar("copied workers", default=False)


def default_workers() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def copied_workers() -> Iterator[None]:
    """Within this block `map_in_order` starts its workers as copies of this process, with all that it has imported and loaded.

    A fresh worker imports everything anew, which takes seconds. Right only where no network has run in this process: a copy lacks
    the threads of torch's pool.
    """
    before = _copied.set(True)
    try:
        yield
    finally:
        _copied.reset(before)


class WorkerLost(RuntimeError):
    """A worker process died or exceeded its time, and the caller gave no function for this case."""


def map_in_order(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    lost: Callable[[T], R] | None = None,
    timeout_s: float | None = None,
) -> Iterator[R]:
    """Apply `function` to `items` in worker processes; the results come in the order of the items.

    Within `copied_workers` the first workers are copies of this process. An item that is lost is tried again in a fresh one.

    Args:
        function: is pickled, so it must be importable by name.
        items: the arguments; they are read as the workers need them.
        workers: number of processes; one, with neither `lost` nor `timeout_s`, means this process itself.
        lost: called here, in the parent, for an item whose worker died or took longer than timeout_s.
        timeout_s: seconds for one item.

    Raises:
        WorkerLost: an item was lost and `lost` is None. Whatever `function` itself raises comes through.
    """
    if workers <= 1 and lost is None and timeout_s is None:
        yield from map(function, items)
        return
    pool = _pool(max(workers, 1), _copied.get())
    flying: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            flying.append((item, _submitted(pool, function, item)))
            if len(flying) >= QUEUED_PER_WORKER * workers:
                done, pool = _next(pool, flying, function, workers, lost, timeout_s)
                yield from done
        while flying:
            done, pool = _next(pool, flying, function, workers, lost, timeout_s)
            yield from done
    finally:
        end_pool(pool)


class _KeptWorker:
    """A thread's own worker process. It ends with this object, which ends with the thread."""

    def __init__(self) -> None:
        self.pool = _pool(1)
        # a process that is itself a worker waits for its children before it ends its pools: it would wait for ever. And a pool
        # that is collected as its thread ends closes its pipes by itself, at a moment that may be that of Python's end
        Finalize(self, end_pool, args=(self.pool,), exitpriority=10)


class _Kept(threading.local):
    worker: _KeptWorker | None = None


_kept = _Kept()


def in_kept_worker(function: Callable[[T], R], item: T, lost: Callable[[T], R], timeout_s: float) -> R:
    """Apply `function` to one item in a worker process that is kept for the next item of the calling thread.

    Args:
        function: is pickled, so it must be importable by name.
        item: its argument.
        lost: called in this process if the worker died or exceeded its time twice; a new worker makes the second attempt.
        timeout_s: seconds for one attempt.

    Returns:
        The result of `function`, or that of `lost`.
    """
    if _kept.worker is None:
        _kept.worker = _KeptWorker()
    try:
        return _kept.worker.pool.submit(function, item).result(timeout_s)
    except _LOSSES:
        end_pool(_kept.worker.pool)
        _kept.worker = None
        return _alone(function, item, lost, timeout_s)


def begin(function: Callable[[T], R], item: T) -> Callable[[], R]:
    """Begin to apply `function` to one item beside this process; what is returned waits for the result.

    Where workers are no copies of this process (`copied_workers`), nothing begins before the result is asked for.

    Args:
        function: is pickled, so it must be importable by name; it is called again here if its worker died.
        item: its argument.
    """
    if not _copied.get() or sys.platform != "linux":
        return partial(function, item)
    pool = _pool(1, copied=True)
    future = pool.submit(function, item)

    def result() -> R:
        try:
            return future.result()
        except BrokenProcessPool:
            return function(item)
        finally:
            end_pool(pool)

    return result


def _submitted(pool: ProcessPoolExecutor, function: Callable[[T], R], item: T) -> Future[R]:
    """The item's result to come; a lost one where a worker has died before, which ends the whole pool."""
    try:
        return pool.submit(function, item)
    except (BrokenProcessPool, OSError) as fault:  # OSError: it ended as a further worker was starting
        future: Future[R] = Future()
        future.set_exception(BrokenProcessPool(str(fault)))
        return future


def _next(
    pool: ProcessPoolExecutor, flying: deque[tuple[T, Future[R]]], function: Callable[[T], R], workers: int,
    lost: Callable[[T], R] | None, timeout_s: float | None,
) -> tuple[list[R], ProcessPoolExecutor]:  # fmt: skip
    """The next result; after a loss, the results of all that was in flight, and a new pool."""
    _, future = flying[0]
    try:
        result = future.result(None if timeout_s is None else timeout_s * QUEUED_PER_WORKER)
    except _LOSSES:
        end_pool(pool)  # which of the items in flight did it is not known: each is tried again by itself
        suspects = [item for item, _ in flying]
        flying.clear()
        return [_alone(function, suspect, lost, timeout_s) for suspect in suspects], _pool(max(workers, 1))
    flying.popleft()
    return [result], pool


def _alone(function: Callable[[T], R], item: T, lost: Callable[[T], R] | None, timeout_s: float | None) -> R:
    pool = _pool(1)
    try:
        return pool.submit(function, item).result(timeout_s)
    except _LOSSES as fault:
        if lost is None:
            raise WorkerLost(f"a worker process died or hung ({type(fault).__name__})") from fault
    finally:
        end_pool(pool)
    return lost(item)


def _pool(workers: int, copied: bool = False) -> ProcessPoolExecutor:
    if _ending.is_set():
        raise WorkerLost("this process is about to end")
    with deaf_to_ctrl_c():
        resource_tracker.ensure_running()
    if copied and sys.platform == "linux":
        gc.freeze()  # what is loaded by now stays: the collector need not look through it again, here and in each copy
        context: multiprocessing.context.BaseContext = multiprocessing.get_context("fork")
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_copy)
    # "forkserver": a plain fork would copy the locks of torch's and Prefect's threads in whatever state they are
    context = multiprocessing.get_context("forkserver")
    multiprocessing.set_forkserver_preload(["pipeline.screening.candidates"])  # imported once, not by each new process
    with deaf_to_ctrl_c():
        forkserver.ensure_running()
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes started here ignore Ctrl-C, which a terminal sends to all processes: only the command handles it."""
    if _NO_LEAK_WARNING not in sys.warnoptions:
        sys.warnoptions.append(_NO_LEAK_WARNING)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_workers() -> None:
    """End all worker processes of this process at once; no further one is started."""
    _ending.set()
    for child in multiprocessing.active_children():
        child.kill()
    server = getattr(forkserver._forkserver, "_forkserver_pid", None)  # type: ignore[attr-defined]  # it may be importing still
    if server is not None:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)


def end_pool(pool: ProcessPoolExecutor) -> None:
    """End a pool at once, hanging workers included."""
    processes = list((pool._processes or {}).values())
    manager: Any = pool._executor_manager_thread
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    if manager is None:
        return
    # it may be reading what a killed worker has written only in part; with our own end open it would wait for the rest for ever
    manager.result_queue._writer.close()
    # as Python ends, it writes to the pipes of pools that are still ending, which may just close them. Not join: called as a
    # thread ends, that enters a further thread into Python's list, for good
    until = time.monotonic() + LONGEST_END_S
    while manager.is_alive() and time.monotonic() < until:
        time.sleep(0.001)


def _start_worker() -> None:
    """One core and a bounded memory each; libraries with their own thread pools would fight over the cores."""
    import resource

    from threadpoolctl import threadpool_limits

    follow_parent()
    resource.setrlimit(resource.RLIMIT_AS, (WORKER_BYTES, WORKER_BYTES))
    threadpool_limits(1)


def _start_copy() -> None:
    """The same in a copy of the parent, in which a thread that draws a bar may have held the locks of the terminal's streams."""
    if sys.stdout is not None:  # as it is where the command was started without one
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is not None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
    _start_worker()


def follow_parent() -> None:
    """In a worker process: leave Ctrl-C and SIGTERM to the parent, and end when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
