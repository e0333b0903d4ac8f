"""A process that has imported what commands need, and forks itself for each: `python -m tests.servers.nursery` (see commands.py).

A command is the child of a second fork, whose only work is to tell how it ended.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import random
import runpy
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any, NoReturn

PRELOADED = [  # nothing that reads its environment on import, as Prefect does, and nothing that starts a thread
    "torch", "pandas", "gemmi", "moyopy", "pymatgen.core", "pymatgen.io.cif", "rich.progress",
    "mp_api.client.routes.materials.summary",
    "flows.cli", "flows.jobs.screening", "flows.jobs.training", "flows.jobs.refreshing", "flows.jobs.predicting",
    "pipeline.training.train", "pipeline.screening.screen", "pipeline.report.screened", "pipeline.refresh.materials_project",
]  # fmt: skip
LONGEST = 1 << 20  # bytes of an order


def main() -> None:
    """Serve orders from standard input, a socket, until it is closed. One message an order: JSON, and the descriptors of the
    command's three streams and of the pipe that is told its process and its status."""
    import importlib

    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # no copy looks through what all share
    orders = socket.socket(fileno=os.dup(0))
    while True:
        message, streams, _, _ = socket.recv_fds(orders, LONGEST, 4)
        if not message:
            return
        if os.fork() == 0:
            orders.close()
            _watch(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # those that watched a command that has ended
                pass


def _watch(order: dict[str, Any], streams: list[int]) -> NoReturn:
    """Start the command, and tell when it ends."""
    *standard, report = streams
    process = os.fork()
    if process == 0:
        os.close(report)
        _become(order, standard)
    for stream in (0, 1, 2, *standard):
        os.close(stream)
    os.write(report, f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(order: dict[str, Any], standard: list[int]) -> NoReturn:
    """`python -m flows ARGUMENTS`, or `python -c CODE ARGUMENTS`, with the order's environment."""
    if order["new_session"]:
        os.setsid()
    for number, stream in enumerate(standard):
        os.dup2(stream, number)
        os.close(stream)
    for which, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(which, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    import numpy as np

    np.random.seed(random.SystemRandom().getrandbits(32))
    sys.argv = ["flows", *order["arguments"]]
    code = 0
    try:
        if order["code"]:
            exec(compile(order["code"], "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module("flows", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter ends, but for what it does with 5,000 modules
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
