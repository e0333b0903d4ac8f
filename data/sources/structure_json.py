"""A pymatgen Structure as JSON says its cell and its positions twice; a file that was edited may contradict itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data.sources.plain_entry import NoStructure

if TYPE_CHECKING:
    from pymatgen.core import Structure

_EDGE_A, _ANGLE_DEG, _PLACE_A = 0.05, 0.5, 0.1  # rounding of numbers that agree stays far below
_EDGES, _ANGLES = ("a", "b", "c"), ("alpha", "beta", "gamma")


def check_structure(content: dict[str, Any], structure: Structure) -> None:
    """Hold edges, angles and Cartesian coordinates of the JSON against the matrix and the fractional coordinates, which count.

    Args:
        content: the JSON.
        structure: what pymatgen makes of it.

    Raises:
        NoStructure: they describe another cell or other places.
    """
    stated = content["lattice"] if isinstance(content["lattice"], dict) else {}
    for names, found, within in ((_EDGES, structure.lattice.abc, _EDGE_A), (_ANGLES, structure.lattice.angles, _ANGLE_DEG)):
        for name, value in zip(names, found, strict=True):
            if isinstance(stated.get(name), int | float) and abs(stated[name] - value) > within:
                raise NoStructure(f"the lattice has {name} = {stated[name]:.4g}, but its matrix {value:.4g}")
    for k, (site, place) in enumerate(zip(content["sites"], structure.cart_coords, strict=True), start=1):
        if not isinstance(site, dict) or not isinstance(site.get("xyz"), list) or len(site["xyz"]) != 3:
            continue
        apart = np.array(site["xyz"], dtype=np.float64) - place
        whole = np.rint(structure.lattice.get_fractional_coords(apart)) @ structure.lattice.matrix
        if not np.linalg.norm(apart - whole) <= _PLACE_A and np.isfinite(place).all():
            raise NoStructure(f"site {k} has another place by its `xyz` than by its `abc`")
