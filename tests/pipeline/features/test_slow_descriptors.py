"""The slow descriptors against matminer itself, on every way to write a crystal, and under their time limit."""

from __future__ import annotations

import signal
import time
import warnings
from functools import lru_cache
from importlib import metadata

import numpy as np
import pytest

from data.symmetry import symmetrise
from pipeline.features.cpulimit import OutOfTime, cpu_limit
from pipeline.features.slow_descriptors import (
    SITE_PRESETS,
    SLOW_DESCRIPTOR_CODE,
    slow_descriptor_key,
    slow_descriptor_names,
    slow_descriptor_row,
    without_values,
)
from tests.contract import crystals as made
from tests.contract.models import TRANSFORMATIONS

MATMINER = 1e-5  # relative to the value, or absolute below one: float32, and sums in another order
SAME_CRYSTAL = 1e-5
LAYER = "CrI3 layer"  # alone in 20 Å of vacuum: pymatgen finds no closed Voronoi cell
SOLID = [name for name in made.hand_built() if name != LAYER]
CHANGES = ["rotation", "site permutation", "all at once"]  # the last one with another basis and a supercell


@lru_cache(maxsize=16)
def row_of(name: str) -> np.ndarray:
    return slow_descriptor_row(symmetrise(made.hand_built()[name]))


@pytest.mark.parametrize("library", ["matminer", "pymatgen", "pymatgen-core"])
def test_another_library_is_another_cache(library: str) -> None:
    assert f"{library} {metadata.version(library)}" in SLOW_DESCRIPTOR_CODE.split(", ")


@pytest.mark.parametrize("name", SOLID)
def test_values_are_matminers_on_the_whole_cell(name: str) -> None:
    from matminer.featurizers.structure import ChemicalOrdering, SiteStatsFingerprint, StructuralHeterogeneity
    from matminer.utils import caching
    from pymatgen.core import Lattice, Structure

    cell = symmetrise(made.hand_built()[name])
    structure = Structure(Lattice(cell.lattice), cell.numbers.tolist(), np.where(cell.frac > 1 - 1e-9, 0.0, cell.frac))
    featurizers = [StructuralHeterogeneity(), ChemicalOrdering(), *map(SiteStatsFingerprint.from_preset, SITE_PRESETS)]
    caching._get_all_nearest_neighbors.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = np.array([value for f in featurizers for value in f.featurize(structure)])
    assert [label for f in featurizers for label in f.feature_labels()] == list(slow_descriptor_names())
    np.testing.assert_allclose(row_of(name), wanted, rtol=MATMINER, atol=MATMINER)


def test_the_crystals_are_told_apart() -> None:
    rows = np.stack([row_of(name) for name in SOLID])
    assert (rows.std(axis=0) > 0.01).sum() > 100, "the comparisons would be hollow"


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_crystal_written_otherwise(change: str) -> None:
    for name in SOLID:
        changed = slow_descriptor_row(symmetrise(TRANSFORMATIONS[change](made.hand_built()[name])))
        np.testing.assert_allclose(changed, row_of(name), rtol=SAME_CRYSTAL, atol=SAME_CRYSTAL, err_msg=name)


def test_a_crystal_that_the_featurizers_refuse_has_no_values_at_all() -> None:
    assert np.isnan(row_of(LAYER)).all()
    assert without_values(np.stack([row_of("Fe"), row_of(LAYER)])).tolist() == [False, True]


def test_a_crystal_that_takes_too_long_has_no_values_at_all() -> None:
    cell = symmetrise(made.hand_built()["MnWO4"])
    started = time.process_time()
    assert np.isfinite(slow_descriptor_row(cell)).all()
    needed = time.process_time() - started
    cut_short = []
    for _ in range(3):  # a collection of garbage may fall into one of them
        started = time.process_time()
        assert np.isnan(slow_descriptor_row(cell, seconds=0.01)).all()
        cut_short.append(time.process_time() - started)
    assert min(cut_short) < 0.5 * needed, "it was computed to its end"
    np.testing.assert_array_equal(slow_descriptor_row(cell), row_of("MnWO4"))  # what was cut short left nothing behind


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_limit_goes_through_code_that_catches_everything() -> None:
    def stubborn() -> None:
        try:
            busy(5.0)
        except Exception:
            busy(5.0)

    started = time.process_time()
    with pytest.raises(OutOfTime), cpu_limit(0.05):
        stubborn()
    assert time.process_time() - started < 1.0


class Swallower:
    """Python prints what a destructor raises, and goes on."""

    def __del__(self) -> None:
        busy(0.1)  # the system's clock may tick every 10 ms, and the alarm come two ticks late


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_alarm_that_a_destructor_swallowed_still_counts() -> None:
    with pytest.raises(OutOfTime), cpu_limit(0.02):
        Swallower()


def test_the_limit_ends_with_its_body() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with cpu_limit(0.1):
        pass
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGPROF) is before
    with cpu_limit(0.05):
        time.sleep(0.2)  # waiting is not computing


def test_the_key_is_the_contents() -> None:
    cells = {name: symmetrise(crystal) for name, crystal in made.hand_built().items()}
    assert len({slow_descriptor_key(cell) for cell in cells.values()}) == len(cells)
    assert slow_descriptor_key(symmetrise(made.hand_built()["Fe"])) == slow_descriptor_key(cells["Fe"])
