"""Disks that are small, and that may be made larger or read-only under what uses them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Mount = Callable[[str], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Mount]]:
    """A mounted file system of 100 MB, and what gives it other options; skipped where mounting is not permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> int:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        return subprocess.run(command, capture_output=True, check=False).returncode

    def again(options: str) -> None:
        assert mount(f"remount,{options}") == 0

    try:
        refused = mount("size=100m")
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if refused:
        pytest.skip("mounting a disk is not permitted")
    yield folder, again
    subprocess.run(["umount", folder], check=True)
