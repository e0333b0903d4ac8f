"""One CIF text read here and by pymatgen, and whether both found the same crystal."""

from __future__ import annotations

import re
import warnings
from collections import Counter

import gemmi
import numpy as np

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.rejection import Rejection

SECONDS_PER_FILE = 60.0
SITE_TOLERANCE_A = 2e-3  # pymatgen moves 0.3333 to 1/3 (1e-4 of a cell edge); gemmi keeps the digits
METRIC_TOLERANCE_A2 = 1e-6  # of the products of lattice vectors
Outcome = tuple[str, Crystal | None]  # "crystal" and the file's first one, or a reason and none
LOST: Outcome = ("died or hung", None)


def our_outcome(text: str) -> Outcome:
    """The fate of the file's first crystal, or the reason of its first rejection."""
    items = list(read_cif(text, "file", "x"))
    crystals = [item for item in items if isinstance(item, Crystal)]
    reasons = [item.reason.value for item in items if isinstance(item, Rejection)]
    return ("crystal", crystals[0]) if crystals else (reasons[0], None)


def pymatgen_outcome(text: str) -> Outcome:
    """The same of pymatgen; what it reads but does not take for ordered has a word of its own."""
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            structure = CifParser.from_str(text).parse_structures(primitive=False)[0]
        except Exception as fault:
            return type(fault).__name__, None
    if not structure.is_ordered:
        return "disordered structure", None
    try:
        return "crystal", Crystal.from_pymatgen(structure, "x")
    except Exception as fault:
        return f"crystal, then {type(fault).__name__}", None


def difference(a: Crystal, b: Crystal, site_A: float = SITE_TOLERANCE_A, metric_A2: float = METRIC_TOLERANCE_A2) -> str:
    """What differs first, in a word: elements, cell or sites; empty for the same crystal."""
    if Counter(a.numbers.tolist()) != Counter(b.numbers.tolist()):
        return "elements"
    if not np.allclose(a.lattice @ a.lattice.T, b.lattice @ b.lattice.T, rtol=0, atol=metric_A2):
        return "cell"
    apart = a.frac[:, None] - b.frac[None]
    apart -= np.rint(apart)
    near = (np.linalg.norm(apart @ a.lattice, axis=2) < site_A) & (a.numbers[:, None] == b.numbers[None])
    return "" if (near.sum(axis=0) == 1).all() and (near.sum(axis=1) == 1).all() else "sites"


def has_stated_formula(text: str, crystal: Crystal) -> bool:
    """Whether the cell holds as many atoms of each element as `_chemical_formula_sum` says (pymatgen writes whole cells)."""
    stated = gemmi.cif.read_string(text).sole_block().find_value("_chemical_formula_sum") or ""
    counts = {gemmi.Element(name).atomic_number: int(n or 1) for name, n in re.findall(r"([A-Z][a-z]?)(\d*)", stated)}
    return counts == Counter(crystal.numbers.tolist())


def foreign_translation(text: str) -> str:
    """A translation in the symmetry operations that no space group has, such as 249/997; empty where there is none."""
    for sum_ in re.findall(r"'([^']*,[^']*,[^']*)'", text):
        for fraction in re.findall(r"\d+/(\d+)", sum_):
            if gemmi.Op.DEN % int(fraction):
                return str(sum_)
    return ""
