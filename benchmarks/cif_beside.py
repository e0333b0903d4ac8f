"""A folder of CIF files read here, by pymatgen and by ASE: where composition, volume or space group differ.

python -m benchmarks.cif_beside FOLDER [--most N]
python -m benchmarks.cif_beside --smoke
"""

from __future__ import annotations

import argparse
import io
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import moyopy

from data.cif.reader import read_cif
from data.crystal import Crystal, CrystalError, make_crystal
from data.rejection import Rejection
from data.sources.files import decode

VOLUME_TOLERANCE = 1e-3  # relative, per atom
SYMPREC_A = 0.01
SMOKE = """\
data_a
_cell_length_a 4.445
_cell_length_b 4.445
_cell_length_c 4.445
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Mn1 Mn 0 0 0
O1 O 0.5 0.5 0.5
"""
Facts = tuple[str, float, int]  # reduced formula, Å³ per atom, space group


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--most", type=int, help="read only so many files")
    parser.add_argument("--smoke", action="store_true", help="on three small files made here")
    chosen = parser.parse_args()
    if chosen.smoke:
        with tempfile.TemporaryDirectory() as made:
            texts = (SMOKE, SMOKE.replace("O1 O", "O1 ?"), SMOKE.replace("data_a", "data_a\n_chemical_formula_sum 'Mn2 O3'"))
            for k, text in enumerate(texts):
                (Path(made) / f"{k}.cif").write_text(text)
            compare(sorted(Path(made).glob("*.cif")))
    elif chosen.folder is None or not chosen.folder.is_dir():
        parser.error("name a folder of CIF files, or give --smoke")
    else:
        compare(sorted(chosen.folder.rglob("*.cif"))[: chosen.most])


def compare(files: list[Path]) -> None:
    """Print each file on which one of the three differs from ours, and how often each kind of difference occurs."""
    counts: Counter[str] = Counter()
    for file in files:
        text = decode(file.read_bytes())
        ours, words = _ours(text)
        for name, read in (("pymatgen", _by_pymatgen), ("ASE", _by_ase)):
            kind, detail = _difference(ours, _tried(read, text))
            counts[f"{name}: {kind}"] += 1
            if kind != "same" and kind != "both turn it away":
                print(f"{file.name}: {name} {kind}: {detail} ({words or 'no note'})")
    print(f"\n{len(files)} files")
    for kind, count in sorted(counts.items()):
        print(f"{kind:<40} {count:>6}")


def _ours(text: str) -> tuple[Facts | None, str]:
    """The first crystal, and its note or the reason why there is none."""
    found = list(read_cif(text, "file", "file"))
    for item in found:
        if isinstance(item, Crystal):
            return _facts(item), item.note
    return None, "; ".join(f"{item.reason.value}: {item.detail}" for item in found if isinstance(item, Rejection))


def _by_pymatgen(text: str) -> Crystal:
    from pymatgen.io.cif import CifParser

    (structure, *_) = CifParser(io.StringIO(text)).parse_structures(primitive=False)
    return Crystal.from_pymatgen(structure, "file")


def _by_ase(text: str) -> Crystal:
    from ase.io import read

    atoms = read(io.StringIO(text), format="cif", index=0)
    if any(len(shares) > 1 or min(shares.values()) < 1 for shares in atoms.info.get("occupancy", {}).values()):
        raise CrystalError("partial or mixed occupancy")
    return make_crystal("file", atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)


def _tried(read: Callable[[str], Crystal], text: str) -> Facts | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _facts(read(text))
    except Exception:  # whatever the other program raises: then it turns the file away
        return None


def _facts(crystal: Crystal) -> Facts:
    try:
        cell = moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
        group = int(moyopy.MoyoDataset(cell, symprec=SYMPREC_A).number)
    except Exception:  # atoms on one another, which a program may let pass
        group = 0
    return crystal.formula, crystal.volume / crystal.n_sites, group


def _difference(ours: Facts | None, theirs: Facts | None) -> tuple[str, str]:
    """The kind of difference, and the two values."""
    if ours is None or theirs is None:
        if ours is theirs:
            return "both turn it away", ""
        return ("only here", ours[0]) if ours else ("only there", theirs[0] if theirs else "")
    if ours[0] != theirs[0]:
        return "other composition", f"{ours[0]} here, {theirs[0]} there"
    if abs(ours[1] / theirs[1] - 1) > VOLUME_TOLERANCE:
        return "other volume", f"{ours[1]:.3f} Å³/atom here, {theirs[1]:.3f} there"
    if ours[2] != theirs[2]:
        return "other space group", f"{ours[2]} here, {theirs[2]} there"
    return "same", ""


if __name__ == "__main__":
    main()
