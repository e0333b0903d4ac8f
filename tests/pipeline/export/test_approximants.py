"""The approximants of a disordered candidate as magnetic CIF files: each reads as its crystal, with both readers."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.export.export import export
from pipeline.export.mcif_check import READERS
from pipeline.ops.progress import Quiet
from tests.pipeline.dft.samples import screened_alloy

IRON, COBALT = 26, 27


@pytest.mark.parametrize("reader", sorted(READERS))
def test_magnetic_cif_files_of_approximants(reader: str, tmp_path: Path) -> None:
    """A bcc alloy, 70 % iron: files have each approximant's composition, and their mean that of the alloy."""
    run = screened_alloy(tmp_path, "Co", model="none", profile="high-ms", formula="x")
    done = export(run, 1, [], ["mcif"], tmp_path / "out", Quiet())
    assert not done["left_out"] and len(done["candidates"]) > 1
    iron = Fraction(0)
    for approximant in done["candidates"]:
        files = sorted((tmp_path / "out" / approximant["folder"] / "mcif").glob("*.mcif"))
        assert {file.stem for file in files} == set(approximant["orderings"]) and not approximant["gaps"]
        found = {frozenset(shares(READERS[reader](file).numbers.tolist()).items()) for file in files}
        assert len(found) == 1, "one crystal, whatever its moments"
        iron += dict(*found)[IRON] * Fraction(approximant["share"]).limit_denominator(10_000)
    assert float(iron) == pytest.approx(0.7, abs=0.005)


def shares(numbers: list[int]) -> dict[int, Fraction]:
    counts = Counter(numbers)
    assert set(counts) == {IRON, COBALT}
    return {z: Fraction(n, len(numbers)) for z, n in counts.items()}
