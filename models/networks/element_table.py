"""Properties of the elements, as a start for embeddings: what is learned of iron then says something about cobalt."""

from __future__ import annotations

from functools import lru_cache

import torch
from pymatgen.core import Element
from torch import Tensor

from models.networks.layers import N_ELEMENTS

N_PROPERTIES = 9


@lru_cache(maxsize=1)
def element_table() -> Tensor:
    """(N_ELEMENTS, N_PROPERTIES) by atomic number, each column with mean 0 and variance 1; row 0 is zero.

    Row and group of the periodic table, electronegativity (Pauling), atomic radius (Å), the outer s, p, d and f electrons of the
    free atom, and the holes in its d shell (electronic structures of pymatgen's periodic table).
    """
    rows = torch.tensor([_properties(Element.from_Z(z)) for z in range(1, N_ELEMENTS)], dtype=torch.float32)
    scaled = (rows - rows.mean(dim=0)) / rows.std(dim=0)
    return torch.cat([torch.zeros(1, N_PROPERTIES), scaled])


def _properties(element: Element) -> list[float]:
    outer = dict.fromkeys("spdf", 0.0)
    for shell, kind, electrons in element.full_electronic_structure:
        open_d = kind == "d" and (shell == element.row - 1) and element.block != "p"
        open_f = kind == "f" and shell == element.row - 2 and element.block != "p"
        if (kind in "sp" and shell == element.row) or open_d or open_f:
            outer[kind] += float(electrons)
    electronegativity = 0.0 if element.is_noble_gas else float(element.X)
    radius = float(element.atomic_radius or 1.5)
    holes = 10.0 - outer["d"] if element.block == "d" else 0.0
    return [float(element.row), float(element.group), electronegativity, radius, *outer.values(), holes]
