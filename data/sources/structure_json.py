"""What pymatgen passes over in a Structure as JSON: cell and positions that contradict themselves, a species named twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data.sources.plain_entry import NoStructure

if TYPE_CHECKING:
    from pymatgen.core import Structure

_HYDROGEN = frozenset(("D", "T"))
_EDGE_A, _ANGLE_DEG, _PLACE_A = 0.05, 0.5, 0.1  # rounding of numbers that agree stays far below
_EDGES, _ANGLES = ("a", "b", "c"), ("alpha", "beta", "gamma")


def with_shares_summed(content: dict[str, Any]) -> dict[str, Any]:
    """The same JSON, in which each site names a species once.

    pymatgen writes deuterium as a second `H` of its site, and of two equal species it reads the share of the last one only.

    Args:
        content: the JSON.
    """
    return {**content, "sites": [_summed(site) for site in content["sites"]]}


def _summed(site: Any) -> Any:
    species = site.get("species") if isinstance(site, dict) else None
    if not isinstance(species, list) or len(species) < 2:
        return site
    found: list[dict[str, Any]] = []
    for given in species:
        one = {**given, "element": "H"} if given["element"] in _HYDROGEN else given
        same = next((other for other in found if {**other, "occu": one["occu"]} == one), None)
        if same is None:
            found.append(dict(one))
        else:
            same["occu"] += one["occu"]
    return {**site, "species": found}


def check_structure(content: dict[str, Any], structure: Structure) -> None:
    """Hold edges, angles and Cartesian coordinates of the JSON against the matrix and the fractional coordinates, which count.

    Args:
        content: the JSON.
        structure: what pymatgen makes of it.

    Raises:
        NoStructure: they describe another cell or other places, or a site holds nothing.
    """
    stated = content["lattice"] if isinstance(content["lattice"], dict) else {}
    for names, found, within in ((_EDGES, structure.lattice.abc, _EDGE_A), (_ANGLES, structure.lattice.angles, _ANGLE_DEG)):
        for name, value in zip(names, found, strict=True):
            if isinstance(stated.get(name), int | float) and abs(stated[name] - value) > within:
                raise NoStructure(f"the lattice has {name} = {stated[name]:.4g}, but its matrix {value:.4g}")
    for k, (site, place) in enumerate(zip(content["sites"], structure.cart_coords, strict=True), start=1):
        if not structure[k - 1].species:
            raise NoStructure(f"site {k} names no element")
        if not isinstance(site, dict) or not isinstance(site.get("xyz"), list) or len(site["xyz"]) != 3:
            continue
        apart = np.array(site["xyz"], dtype=np.float64) - place
        whole = np.rint(structure.lattice.get_fractional_coords(apart)) @ structure.lattice.matrix
        if not np.linalg.norm(apart - whole) <= _PLACE_A and np.isfinite(place).all():
            raise NoStructure(f"site {k} has another place by its `xyz` than by its `abc`")
