"""`python -m ferroscreen` is the command, for those whose shell does not find it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_package_is_the_command() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-m", "ferroscreen", "--version"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("ferroscreen"), done.stderr
