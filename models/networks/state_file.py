"""Tensors of an unfinished training in a file, which is whole or absent whenever the training is stopped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

STOPS = (signal.SIGINT, signal.SIGTERM)


def write_state(state: dict[str, Any], path: Path) -> None:
    """Write `state` durably to a file beside `path` and rename it.

    Args:
        state: what `torch.load(path, weights_only=True)` is to return.
        path: the file; its folder exists.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with _stops_wait(), temporary.open("wb") as handle:
        torch.save(state, handle)
        handle.flush()
        os.fsync(handle.fileno())
        os.replace(temporary, path)


@contextmanager
def _stops_wait() -> Iterator[None]:
    """Holds Ctrl-C and SIGTERM back: inside torch's writer they would come out as a RuntimeError about file positions."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    caught: list[int] = []
    handlers = {number: handler for number in STOPS if callable(handler := signal.getsignal(number))}
    for number in handlers:
        signal.signal(number, lambda which, frame: caught.append(which))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])
