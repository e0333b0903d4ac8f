"""Cells of the starter set's cubic prototypes, with the site order of its first rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element

from data.crystal import Crystal, make_crystal

CUBE = np.eye(3)
FACE = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
BODY = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2
ORIGIN, CENTRE, QUARTER, THREE_QUARTERS = ((x,) * 3 for x in (0.0, 0.5, 0.25, 0.75))
FACES = ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))


@dataclass(frozen=True)
class Prototype:
    """Lattice vectors for a cube edge of 1, and for each site its fractional coordinates and which named element sits there."""

    lattice: NDArray[np.float64]
    sites: tuple[tuple[float, float, float], ...]
    elements: tuple[int, ...]


PROTOTYPES = {
    "bcc": Prototype(BODY, (ORIGIN,), (0,)),
    "fcc": Prototype(FACE, (ORIGIN,), (0,)),
    "B1": Prototype(FACE, (ORIGIN, CENTRE), (0, 1)),
    "B2": Prototype(CUBE, (ORIGIN, CENTRE), (0, 1)),
    "B3": Prototype(FACE, (ORIGIN, QUARTER), (0, 1)),
    "L12": Prototype(CUBE, (ORIGIN, *FACES), (1, 0, 0, 0)),
    "L21": Prototype(FACE, (ORIGIN, CENTRE, QUARTER, THREE_QUARTERS), (2, 1, 0, 0)),
    "XA": Prototype(FACE, (ORIGIN, QUARTER, CENTRE, THREE_QUARTERS), (0, 0, 1, 2)),
    "C1b": Prototype(FACE, (ORIGIN, CENTRE, QUARTER), (2, 1, 0)),
    "antiperovskite": Prototype(CUBE, (ORIGIN, *FACES, CENTRE), (1, 0, 0, 0, 2)),
}


def cell(prototype: str, elements: Sequence[str], edge_A: float) -> Crystal:
    """The primitive cell.

    Args:
        prototype: a key of PROTOTYPES.
        elements: symbols in the order of the compound's name: Co, Mn, Si for Co2MnSi.
        edge_A: edge of the cube, Å.
    """
    form = PROTOTYPES[prototype]
    numbers = [Element(elements[which]).Z for which in form.elements]
    return make_crystal(f"{prototype}-{''.join(elements)}", form.lattice * edge_A, np.array(form.sites), numbers)
