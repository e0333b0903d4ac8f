"""Our approximants beside those of icet, sqsgenerator and pymatgen, on real disordered files.

    pip install --target FOLDER icet sqsgenerator
    python -m benchmarks.disorder_libraries cif_quirks.parquet --libraries FOLDER [--files 30] [--smoke]

Each tool decorates the same supercell with the same numbers of atoms, once for each file: the first approximant of ours says
which. Our time includes the search for symmetry, supercell and numbers, which the others are given; a second row leaves it out.
Crystals count in which no places exclude each other, because none of the libraries knows such places; the share of the others
is printed. The time is processor time of one process, and a tool has LIMIT_S seconds. The error is that of pair probabilities
in the first three shells of shared places, root mean square over shells and pairs of species: 0 is the random alloy. A library
that is not installed is skipped with a reason.

pymatgen's own transformation orders a crystal by its electrostatic energy and not at random; its SQSTransformation calls icet
or the program mcsqs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import symbol
from data.disordered import DisorderedCrystal
from pipeline.demos.figures import markdown
from pipeline.disorder.approximants import DEFAULT, Approximants
from pipeline.disorder.averaged_cell import AveragedCell
from pipeline.disorder.composition import Counts, Mixture
from pipeline.disorder.decorations import PairCorrelations, random_decorations
from pipeline.disorder.places import Places, supercell_places
from pipeline.disorder.supercells import compact_supercell

FILES = 30
LIMIT_S = 20
ITERATIONS = 1000  # of the libraries' searches
SHELLS, SHELL_A = 3, 0.1  # shells of pairs; distances that differ by less are of one shell
CUTOFF_A = 5.0  # of icet's pairs
FEWEST_OPEN, MOST_OPEN = 4, 64  # shared places of a supercell
VACANCY = {"sqsgenerator": "0", "icet": "X"}
Floats = NDArray[np.float64]
Decoration = NDArray[np.int64]  # (open places,) atomic number, 0 for a vacancy


@dataclass(frozen=True, eq=False)
class Task:
    """A supercell to be decorated."""

    crystal: DisorderedCrystal
    cell: AveragedCell
    supercell: NDArray[np.int64]
    places: Places
    mixture: Mixture
    counts: Counts

    @classmethod
    def of(cls, made: Approximants) -> Task:
        """The first approximant's."""
        supercell = compact_supercell(made.cell.lattice, made.size)
        return cls(made.crystal, made.cell, supercell, made.places, made.mixture, made.plan.counts[made.sequence[0]])

    def species(self, orbit: int, vacancy: str) -> dict[str, int]:
        """Atoms of an orbit's places by symbol."""
        columns = np.flatnonzero(self.mixture.orbit == orbit)
        found = {symbol(z) if z else vacancy: self.counts[k] for k in columns.tolist() for z in [int(self.mixture.number[k])]}
        return {name: n for name, n in found.items() if n}

    @property
    def open_orbits(self) -> list[int]:
        return sorted({int(k) for k in self.places.orbit[self.places.open]})


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="Parquet table with a column `cif`")
    parser.add_argument("--libraries", type=Path, help="folder in which they are installed")
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--smoke", action="store_true", help="one file")
    chosen = parser.parse_args()
    if chosen.libraries is not None:
        sys.path.append(str(chosen.libraries))
    tasks = _tasks(chosen.table, 1 if chosen.smoke else chosen.files)
    rows, own = [], list[float]()
    for name, tool in TOOLS.items():
        if find_spec(name.split()[0]) is None:
            rows.append((name, "skipped: not installed", "", "", "", ""))
            continue
        told = [_timed(tool, task) for task in tasks]
        own = own or [np.nan if error is None else error for _, error in told]
        done = [(seconds, error, ours) for (seconds, error), ours in zip(told, own, strict=True) if error is not None]
        if not done:
            rows.append((name, "0", "", "", "", ""))
            continue
        seconds, errors, ours = np.array(done, dtype=np.float64).T
        times = (f"{1e3 * np.median(seconds):.1f}", f"{1e3 * np.mean(seconds):.1f}")
        rows.append((name, str(len(done)), *times, f"{np.mean(errors):.4f}", f"{np.mean(ours):.4f}"))
    head = ("tool", f"files of {len(tasks)}", "ms a file, median", "ms a file, mean", "error of the pairs", "ours on these files")
    print(markdown(head, rows))


def _tasks(table: Path, number: int) -> list[Task]:
    """The first files of which no places exclude each other; prints the share of the others among those looked at."""
    found, several, excluding, looked_at = list[Task](), 0, 0, 0
    for text in pd.read_parquet(table, columns=["cif"])["cif"]:
        if len(found) == number:
            break
        crystal = next(read_cif(text, "", "", Disorder.AVERAGE), None)
        if not isinstance(crystal, DisorderedCrystal):
            continue
        try:
            made = Approximants(crystal)
            made.make(1)
        except Exception:  # rejected
            continue
        looked_at += 1
        several += len(made.plan.counts) > 1
        if (made.places.excludes > 0).any():
            excluding += 1
        elif FEWEST_OPEN <= len(made.places.open) <= MOST_OPEN:
            found.append(Task.of(made))
    print(f"{looked_at} disordered crystals looked at: {excluding / looked_at:.0%} have places that exclude each other,")
    print(f"{several / looked_at:.0%} need several compositions for their mean\n")
    return found


def _own(task: Task) -> Decoration:
    made = Approximants(task.crystal)
    [first] = made.make(1)
    return _at_places(task, np.asarray(first.frac), np.asarray(first.numbers))


def _own_decoration(task: Task) -> Decoration:
    """The same without symmetry, supercell and numbers, which are given: what the libraries do."""
    places = supercell_places(task.cell, task.supercell)
    drawn = random_decorations(places, task.mixture, task.counts, np.random.default_rng(DEFAULT.seed))
    best = drawn[PairCorrelations(places, task.mixture).ranked(drawn)[0]]
    return np.asarray(task.mixture.number[best], dtype=np.int64)


def _sqsgenerator(task: Task) -> Decoration:
    import sqsgenerator

    places = task.places
    index = {int(place): k for k, place in enumerate(places.open)}
    sublattices = []
    for orbit in task.open_orbits:
        sites = [k for place, k in index.items() if places.orbit[place] == orbit]
        sublattices.append({"sites": sites, **task.species(orbit, VACANCY["sqsgenerator"])})
    config = {
        "structure": {
            "lattice": places.lattice.tolist(), "coords": places.frac[places.open].tolist(), "species": ["Fe"] * len(places.open),
        },
        "composition": sublattices, "iterations": ITERATIONS, "shell_weights": {1: 1.0, 2: 0.5, 3: 0.33},
        "sublattice_mode": "interact", "thread_config": 1, "seed": 1,
    }  # fmt: skip
    best = sqsgenerator.optimize(sqsgenerator.parse_config(config)).best()
    return np.array(best.species, dtype=np.int64)


def _icet(task: Task) -> Decoration:
    from ase import Atoms
    from ase.build import make_supercell
    from icet import ClusterSpace
    from icet.tools.structure_generation import generate_sqs_from_supercells

    cell, vacancy = task.cell, VACANCY["icet"]
    allowed = [
        sorted({symbol(s.number) for s in o} | ({vacancy} if sum(s.occupancy for s in o) < 1 else set())) for o in cell.occupants
    ]
    chosen = [allowed[k] for k in cell.orbit.tolist()]
    primitive = Atoms([names[0] for names in chosen], scaled_positions=cell.frac, cell=cell.lattice, pbc=True)
    space = ClusterSpace(primitive, [CUTOFF_A], chosen)
    large = make_supercell(primitive, task.supercell)
    concentrations: dict[str, dict[str, float]] = {}
    for sublattice in space.get_sublattices(large).active_sublattices:
        total: dict[str, int] = dict.fromkeys(sublattice.chemical_symbols, 0)
        for orbit in task.open_orbits:
            if set(allowed[orbit]) == set(sublattice.chemical_symbols):
                for name, n in task.species(orbit, vacancy).items():
                    total[name] += n
        concentrations[sublattice.symbol] = {name: n / sum(total.values()) for name, n in total.items()}
    found = generate_sqs_from_supercells(space, [large], concentrations, n_steps=ITERATIONS, random_seed=1)
    kept = np.array(found.get_chemical_symbols()) != vacancy
    return _at_places(task, found.get_scaled_positions()[kept], found.numbers[kept])


def _pymatgen(task: Task) -> Decoration:
    from pymatgen.core import Structure
    from pymatgen.transformations.standard_transformations import OrderDisorderedStructureTransformation

    places = task.places
    species = []
    for orbit in places.orbit.tolist():
        n = int((places.orbit == orbit).sum())
        if orbit in task.open_orbits:
            species.append({name: count / n for name, count in task.species(orbit, "").items() if name})
        else:
            species.append({symbol(task.cell.occupants[orbit][0].number): 1.0})
    structure = Structure(places.lattice, species, places.frac)
    found = OrderDisorderedStructureTransformation(no_oxi_states=True).apply_transformation(structure)
    assert isinstance(found, Structure)  # no list, as no ranking was asked for
    return _at_places(task, found.frac_coords, np.array(found.atomic_numbers))


TOOLS: dict[str, Callable[[Task], Decoration]] = {
    "pipeline (ours)": _own, "pipeline (ours), numbers given": _own_decoration, "sqsgenerator": _sqsgenerator, "icet": _icet,
    "pymatgen": _pymatgen,
}  # fmt: skip


def _timed(tool: Callable[[Task], Decoration], task: Task) -> tuple[float, float | None]:
    """Seconds, and the error of the pairs; None where the tool fails, takes too long or has other numbers of atoms."""
    started = time.process_time()
    previous = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)  # of processor time
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            decoration = tool(task)
    except Exception as fault:  # whatever a library raises
        print(f"{tool.__name__} {task.crystal.formula}: {type(fault).__name__} {str(fault)[:120]}", file=sys.stderr)
        return time.process_time() - started, None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
    return time.process_time() - started, _pair_error(task, decoration)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {LIMIT_S} s")


def _at_places(task: Task, frac: Floats, numbers: NDArray[np.int64]) -> Decoration:
    """Which atom is at each open place; 0 where there is none."""
    own = task.places.frac[task.places.open]
    apart = own[:, None] - frac[None]
    distance = np.linalg.norm((apart - np.rint(apart)) @ task.places.lattice, axis=-1)
    found = np.where(distance.min(axis=1) < SHELL_A, numbers[distance.argmin(axis=1)], 0)
    return np.asarray(found, dtype=np.int64)


def _pair_error(task: Task, decoration: Decoration) -> float | None:
    """How far pair probabilities are from those of a random alloy with the same numbers on each orbit."""
    orbit = task.places.orbit[task.places.open]
    elements = np.unique(task.mixture.number)
    one_hot = (decoration[:, None] == elements).astype(np.float64)
    random = np.zeros_like(one_hot)
    for k in task.open_orbits:
        columns = np.flatnonzero(task.mixture.orbit == k)
        here = np.flatnonzero(orbit == k)
        for column in columns.tolist():
            random[here, np.searchsorted(elements, task.mixture.number[column])] += task.counts[column] / len(here)
        if not np.allclose(one_hot[here].sum(axis=0), random[here].sum(axis=0)):
            return None
    deviations = [(one_hot.T @ shell @ one_hot - random.T @ shell @ random) / shell.sum() for shell in _shells(task.places)]
    return float(np.sqrt(np.mean(np.square(deviations))))


def _shells(places: Places) -> list[Floats]:
    """(open places, open places) each: pairs at the shortest distances, with the images of the neighbouring cells."""
    frac = places.frac[places.open]
    images = np.array(np.meshgrid(*[np.arange(-2, 3)] * 3)).reshape(3, -1).T
    vectors = (frac[:, None, None] - frac[None, :, None] + images) @ places.lattice
    distance = np.linalg.norm(vectors, axis=-1)
    distance[distance < SHELL_A] = np.inf
    found = []
    for _ in range(SHELLS):
        near = distance < distance.min() + SHELL_A
        found.append(near.sum(axis=2).astype(np.float64))
        distance[near] = np.inf
    return found


if __name__ == "__main__":
    main()
