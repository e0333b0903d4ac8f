"""The rows that a screen prints: the score that they are ordered by, and what a ferrimagnet needs to be seen as a magnet."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from pymatgen.core import Lattice

from tests.contract.crystals import of_space_group

Call = Callable[..., subprocess.CompletedProcess[str]]
LAVES = [[0, 0, 0], [0.625, 0.625, 0.625]]


def test_a_ferrimagnet_is_shown_as_a_magnet(ferroscreen: Call, tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    of_space_group("Fd-3m", Lattice.cubic(7.396), ["Gd", "Fe"], LAVES).to(filename=str(tmp_path / "cifs" / "GdFe2.cif"))
    done = ferroscreen("screen", str(tmp_path / "cifs"), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    head, row = (line.split() for line in done.stdout.splitlines()[1:3])
    shown = dict(zip(head, row, strict=True))
    assert shown["formula"] == "GdFe2" and shown["ordering_most_likely"] == "FiM" and shown["tc_K"] == "795"
    assert float(shown["p_fm_or_fim"]) > 0.9 and float(shown["score"]) > 0.1
    assert {"saturation_T", "saturation_300K_T"} < set(shown)
