"""Do magnetic CIF files of many real candidates read as the orderings that they were made of, and how long do they take?

    python -m benchmarks.mcif_round_trip ../shared/data/icsd_candidates.parquet [--candidates 500] [--smoke]
    python -m benchmarks.mcif_round_trip ../shared/data/cif_quirks.parquet --disordered [--candidates 25] [--smoke]

With `--disordered` the candidates are those with partly occupied sites and a magnetic element, and their ordered approximants are
written. Every ordering of each candidate is written as `export --format mcif` does, read again with pymatgen and gemmi, and
compared (pipeline/export/mcif_check.py). Two more checks that the export does not make: pymatgen's StructureMatcher finds the
crystal of the file equal to the ordering with up and down as two elements, and spglib finds the stated group in it again.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.checks import Unsound
from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import DisorderedCrystal
from data.elements import STRONGLY_MAGNETIC
from data.symmetry import SymmetricCell, symmetrise
from pipeline.disorder.approximants import Approximants
from pipeline.export.mcif import write_mcif
from pipeline.export.mcif_check import read_with_gemmi
from pipeline.magnetism.competing_orderings import Ordering, orderings
from pipeline.magnetism.magnetic_group import BnsCell

CANDIDATES, SMOKE, SEED = 500, 5, 17
MATCH_A = 1e-3  # of StructureMatcher and spglib


def crystals(table: Path, count: int) -> Iterator[tuple[str, SymmetricCell]]:
    """Randomly drawn candidates by their ids."""
    frame = pd.read_parquet(table, columns=["material_id", "cif"]).sample(n=count, random_state=SEED)
    for row in frame.itertuples():
        crystal = next(read_cif(str(row.cif), "", str(row.material_id)))
        if isinstance(crystal, Crystal):
            yield str(row.material_id), symmetrise(crystal)


def approximants(table: Path, count: int) -> Iterator[tuple[str, SymmetricCell]]:
    """The first approximant, and the second where it is another crystal, of randomly drawn disordered candidates."""
    texts = pd.read_parquet(table, columns=["cif"]).sample(frac=1.0, random_state=SEED)["cif"]
    drawn = 0
    for row, text in texts.items():
        crystal = next(read_cif(str(text), "", str(row), Disorder.AVERAGE), None)
        if not isinstance(crystal, DisorderedCrystal) or not set(crystal.composition) & STRONGLY_MAGNETIC:
            continue
        try:
            made = Approximants(crystal)
            cells = [symmetrise(one) for one in made.make(min(2, made.most))]
        except Unsound:  # none of the allowed size, which a screen rejects
            continue
        yield from ((f"row {row}, approximant {k}", cell) for k, cell in enumerate(cells, start=1))
        drawn += 1
        if drawn == count:
            return


def seen_otherwise(ordering: Ordering, cell: BnsCell, path: Path) -> str:
    """What a matcher of crystals and spglib say of the file; empty where they agree with what was meant."""
    import spglib
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Lattice, Structure

    read = read_with_gemmi(path)
    lattice = Lattice.from_parameters(*read.parameters)
    vectors = read.moments @ (lattice.matrix / np.array(lattice.lengths)[:, None])
    strongest = vectors[np.argmax(np.linalg.norm(vectors, axis=1))]
    along = vectors @ strongest / np.linalg.norm(strongest)
    found = spglib.get_magnetic_symmetry_dataset(
        (lattice.matrix, read.frac, read.numbers.tolist(), vectors), symprec=MATCH_A, mag_symprec=MATCH_A
    )
    if found is None or spglib.get_magnetic_spacegroup_type(found.uni_number).bns_number != cell.group.number:
        return "another group"
    matcher = StructureMatcher(ltol=MATCH_A, stol=MATCH_A, angle_tol=0.01, primitive_cell=False, scale=False)
    meant = ordering.structure
    one = Structure(meant.lattice, _spins(meant.atomic_numbers, ordering.moments), meant.frac_coords)
    for sign in (1.0, -1.0):
        other = Structure(lattice, _spins(read.numbers.tolist(), sign * along), read.frac).get_primitive_structure()
        if matcher.fit(one.get_primitive_structure(), other):
            return ""
    return "another crystal"


def _spins(numbers: Sequence[int], moments: NDArray[np.float64]) -> list[str]:
    """Sites that point down as a species of another charge."""
    from pymatgen.core import Element

    return [f"{Element.from_Z(int(z)).symbol}{'2-' if m < -MATCH_A else '2+' if m > MATCH_A else ''}" for z, m in zip(
        numbers, moments, strict=True)]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--disordered", action="store_true", help="approximants of disordered candidates")
    parser.add_argument("--smoke", action="store_true", help=f"{SMOKE} candidates only")
    wanted = parser.parse_args()
    said, groups, seconds, many = Counter[str](), set(), 0.0, 0
    with TemporaryDirectory() as scratch:
        draw = approximants if wanted.disordered else crystals
        for name, cell in draw(wanted.table, SMOKE if wanted.smoke else wanted.candidates):
            many += 1
            for ordering in orderings(cell):
                path = Path(scratch) / "ordering.mcif"
                started = time.perf_counter()
                try:
                    written = write_mcif(ordering, path)
                    seconds += time.perf_counter() - started
                    groups.add(written.group.number)
                    what = seen_otherwise(ordering, written, path) or "as meant"
                except RuntimeError as fault:
                    what = str(fault)
                said[what] += 1
                if what != "as meant":
                    print(f"{name} {ordering.name}: {what}")
    total = sum(said.values())
    print(f"{many} crystals, {total} orderings, {len(groups)} magnetic space groups")
    print(f"{1000 * seconds / total:.0f} ms to write, read twice and compare an ordering")
    for what, count in said.most_common():
        print(f"{count:6} {what}")


if __name__ == "__main__":
    main()
