"""What the order classifier reads of a crystal: the descriptors of its symmetry to 0.1 Å.

An antiferromagnetic order deforms the cell that it was calculated in by some hundredths of an ångström, and so do a relaxation,
a rounded coordinate or a small strain. The space group and the number of orbits would tell these apart, though nature's crystal
is the same one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.symmetry import NEARLY_A, SymmetricCell, nearly_symmetric
from pipeline.features.descriptors import DESCRIPTOR_CODE
from pipeline.features.neighbours import GraphSettings
from pipeline.featurise import Needs, Rows, featurise_cells

ORDER_DESCRIPTOR_CODE = f"{DESCRIPTOR_CODE} to {NEARLY_A:g} angstrom"  # classifiers of exact symmetry state DESCRIPTOR_CODE


def order_descriptors(
    cells: Sequence[SymmetricCell], descriptors: Rows, wanted: NDArray[np.bool_], graph: GraphSettings
) -> Rows:
    """(crystals, columns) fast descriptors, those of the wanted crystals of their symmetry to NEARLY_A.

    Args:
        cells: symmetrised crystals that have a graph.
        descriptors: (crystals, columns) their fast descriptors.
        wanted: (crystals,) whose order matters.
        graph: settings of the graphs.
    """
    near = {row: nearly_symmetric(cells[row], NEARLY_A) for row in np.flatnonzero(wanted).tolist()}
    changed = [row for row, cell in near.items() if cell is not cells[row]]
    if not changed:
        return descriptors
    found = featurise_cells([near[row] for row in changed], Needs(graph))
    read = descriptors.copy()
    read[np.array(changed)[found.kept]] = found.examples.descriptors
    return read
