"""Workers that are copies of this process: what they have of it, and what happens where they are not allowed."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from pipeline.ops import parallel
from pipeline.ops.parallel import begin, copied_workers, map_in_order

LOADED: list[str] = []  # what a process did since it started; a copy has it, a fresh process has not
LIMIT_S = 60.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")


def loaded(item: int) -> tuple[int, list[str], int]:
    return item, LOADED, os.getpid()


def die(item: int) -> tuple[int, list[str], int]:
    """In the process that it was sent to first; in this one it lives."""
    if os.getpid() != item:
        os.kill(os.getpid(), signal.SIGKILL)
    return loaded(item)


def lost(item: int) -> tuple[int, list[str], int]:
    return item, ["lost"], 0


@pytest.fixture
def something_loaded() -> None:
    LOADED[:] = ["models"]


@linux
def test_several_copies_have_what_this_process_loaded(something_loaded: None) -> None:
    with copied_workers():
        found = list(map_in_order(loaded, range(6), 2, lost, LIMIT_S))
    assert [item for item, _, _ in found] == list(range(6))
    assert all(had == ["models"] for _, had, _ in found)
    assert os.getpid() not in {process for _, _, process in found}


@linux
def test_a_copy_writes_to_streams_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    """A thread may have held the locks of this process's streams when the copy was made."""
    with copied_workers():
        assert list(map_in_order(say, [1], 1, silent, LIMIT_S)) == [True]
    assert "heard" in capfd.readouterr().err


def say(item: int) -> bool:
    sys.stderr.write("heard")
    sys.stderr.flush()
    return sys.stderr is not sys.__stderr__ and sys.stderr.fileno() == 2


def silent(item: int) -> bool:
    return False


@linux
def test_what_a_copy_dies_of_is_tried_again_in_a_fresh_process_and_then_given_up(something_loaded: None) -> None:
    with copied_workers():
        assert list(map_in_order(die, [0], 1, lost, LIMIT_S)) == [(0, ["lost"], 0)]


@linux
def test_work_begins_beside_this_process(something_loaded: None) -> None:
    with copied_workers():
        result = begin(loaded, 7)
        item, had, process = result()
    assert (item, had) == (7, ["models"])
    assert process != os.getpid()


@linux
def test_work_whose_worker_dies_is_done_here(something_loaded: None) -> None:
    here = os.getpid()
    with copied_workers():
        assert begin(die, here)() == (here, ["models"], here)


def test_without_copies_nothing_begins_before_it_is_asked_for() -> None:
    LOADED[:] = []
    result = begin(loaded, 1)
    LOADED[:] = ["later"]
    assert result() == (1, ["later"], os.getpid())


def test_the_permission_ends_with_its_block() -> None:
    with copied_workers():
        assert parallel._copied.get()
    assert not parallel._copied.get()
