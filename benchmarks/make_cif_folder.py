"""A large folder of symmetrised CIF files from Parquet tables of crystals: the input of the 200,000-file screen.

    python -m benchmarks.make_cif_folder OUT TABLE.parquet [TABLE.parquet ...] [--files 200000] [--strained]

Every crystal is written once in its standard setting with symmetry operations; then copies follow in other settings: the
origin moved and the sites renamed and reordered (still symmetrised), or a 2×1×1 cell without symmetry, until there are enough.
With `--strained` the copies are other crystals instead: the same setting with all lengths larger by STRAIN a copy.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import gemmi
import moyopy
import numpy as np
from rich.progress import track

from benchmarks.smoke import arguments
from data.crystal import Crystal, symbol
from data.sources import Record, Shard
from data.sources.parquet import ParquetSource
from pipeline.ops.parallel import default_workers, map_in_order

FILES_PER_FOLDER = 2000
SYMPREC_A = 0.01
STRAIN = 0.004  # of the lengths of each further copy
_LENGTH = re.compile(r"^(_cell_length_[abc] )(\S+)$", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--strained", action="store_true")
    options = arguments(parser, lambda made: [made.out(), made.candidates(), "--files", 100])
    parts = [
        (ParquetSource(t, labelled=False), shard) for t in options.tables for shard in ParquetSource(t, labelled=False).shards()
    ]
    written = 0
    for copy in range(1 + options.files // max(sum(s.size for _, s in parts), 1)):
        texts = map_in_order(partial(_strained if options.strained else _texts, copy), parts, default_workers())
        for batch in track(texts, total=len(parts), description=f"copy {copy}"):
            for name, text in batch[: options.files - written]:
                folder = options.out / f"{written // FILES_PER_FOLDER:04d}"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{name}.cif").write_text(text)
                written += 1
    print(f"{written} files in {options.out}")


def _texts(copy: int, part: tuple[ParquetSource, Shard]) -> list[tuple[str, str]]:
    source, shard = part
    records = [item for item in source.read(shard) if isinstance(item, Record)]
    crystals = [record.crystal for record in records if isinstance(record.crystal, Crystal)]
    return [(f"{c.id}-{copy}", cif_text(c, copy)) for c in crystals]


def _strained(copy: int, part: tuple[ParquetSource, Shard]) -> list[tuple[str, str]]:
    factor = 1.0 + STRAIN * copy
    return [
        (f"{name[:-1]}{copy}", _LENGTH.sub(lambda found: f"{found[1]}{factor * float(found[2]):.6f}", text))
        for name, text in _texts(0, part)
    ]


def cif_text(crystal: Crystal, copy: int) -> str:
    """The crystal in its standard setting (copy 0), with a moved origin (1), or as a 2×1×1 cell without symmetry (2 and on)."""
    if copy >= 2:
        doubled = np.concatenate([crystal.frac * [0.5, 1, 1], crystal.frac * [0.5, 1, 1] + [0.5, 0, 0]])
        cell = crystal.lattice * np.array([[2.0], [1], [1]])
        return _write(crystal.id, cell, doubled, np.tile(crystal.numbers, 2), ["x,y,z"])
    found = moyopy.MoyoDataset(
        moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist()), symprec=SYMPREC_A
    )
    standard = found.std_cell
    dataset = moyopy.MoyoDataset(standard, symprec=SYMPREC_A)
    frac, numbers = np.array(standard.positions), np.array(standard.numbers)
    shift = np.zeros(3) if copy == 0 else np.array([0.25, 0.125, 0.5])
    first = np.unique(dataset.orbits)
    if copy == 1:
        first = first[::-1]
    operations = list(_operations(dataset, shift))
    return _write(crystal.id, np.array(standard.basis), frac[first] + shift, numbers[first], operations)


def _operations(dataset: moyopy.MoyoDataset, shift: np.ndarray) -> Iterator[str]:
    """The group's operations as `x,y,z` triplets, about an origin moved by -shift."""
    for rotation, translation in zip(dataset.operations.rotations, dataset.operations.translations, strict=True):
        turned = np.array(rotation)
        moved = np.array(translation) + shift - turned @ shift
        op = gemmi.Op()
        op.rot = (turned * op.DEN).tolist()
        op.tran = np.rint(moved * op.DEN).astype(int).tolist()
        yield op.wrap().triplet()


def _write(name: str, lattice: np.ndarray, frac: np.ndarray, numbers: np.ndarray, operations: list[str]) -> str:
    lengths = np.linalg.norm(lattice, axis=1)
    angles = [
        np.degrees(np.arccos(np.clip(lattice[i] @ lattice[j] / lengths[i] / lengths[j], -1, 1)))
        for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    lines = [f"data_{name}"]
    lines += [f"_cell_length_{k} {v:.6f}" for k, v in zip("abc", lengths, strict=True)]
    lines += [f"_cell_angle_{k} {v:.6f}" for k, v in zip(("alpha", "beta", "gamma"), angles, strict=True)]
    lines += ["loop_", "_space_group_symop_operation_xyz", *(f"'{op}'" for op in operations)]
    lines += [
        "loop_",
        "_atom_site_label",
        "_atom_site_type_symbol",
        *(f"_atom_site_fract_{k}" for k in "xyz"),
        "_atom_site_occupancy",
    ]
    for k, (z, (x, y, w)) in enumerate(zip(numbers, frac, strict=True)):
        lines.append(f"{symbol(int(z))}{k} {symbol(int(z))} {x:.6f} {y:.6f} {w:.6f} 1.0")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
