"""A state file is whole or absent, and a stop waits until it is written."""

from __future__ import annotations

import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from models.networks.state_file import write_state


class StopsWhileSaved:
    """Sends this process a signal in the middle of the writing: pickle asks each object for its state."""

    def __init__(self, which: signal.Signals) -> None:
        self.which = which

    def __reduce__(self) -> tuple[type[OrderedDict[str, int]], tuple[()]]:
        os.kill(os.getpid(), self.which)
        return OrderedDict, ()


@pytest.fixture
def sigterm_as_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command does
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("sigterm_as_ctrl_c")
def test_a_stop_waits_until_the_file_is_whole(tmp_path: Path, which: signal.Signals) -> None:
    before = signal.getsignal(which)
    with pytest.raises(KeyboardInterrupt):
        write_state({"a": torch.arange(3), "stop": StopsWhileSaved(which), "b": torch.arange(9)}, tmp_path / "state.pt")
    assert signal.getsignal(which) is before
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]
    assert torch.load(tmp_path / "state.pt", weights_only=True)["b"].tolist() == list(range(9))


def test_a_default_handler_stays(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    write_state({"a": torch.arange(3)}, tmp_path / "state.pt")
    assert signal.signal(signal.SIGTERM, before) is signal.SIG_DFL


def test_a_thread_writes_too(tmp_path: Path) -> None:
    thread = threading.Thread(target=write_state, args=({"a": torch.arange(3)}, tmp_path / "state.pt"))
    thread.start()
    thread.join()
    assert torch.load(tmp_path / "state.pt", weights_only=True)["a"].tolist() == [0, 1, 2]
