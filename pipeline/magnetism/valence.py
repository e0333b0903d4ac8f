"""The valence of cerium, samarium, europium and ytterbium sites, from distances (salts) or from the volume (metals).

These four have two common valences, and one of them carries no 4f moment (`data.elements.OTHER_VALENCE`). In a salt the radius of
the ion is the mean distance to its nearest anions minus the anion's radius; it is compared with Shannon's radii of both ions for
this coordination number (Shannon, Acta Cryst. A 32, 751, 1976). In a metal the volume that the other elements leave is compared
with the atomic volumes of both valences. The probability is a logistic function of the difference from the midpoint, so that a
value in the middle gives 0.5: it states how sure the decision is, and is not calibrated.

Oxides and halides are neutral. Where every other element has one charge in them (CHARGE), the charge that is left decides:
distances err where other ions stretch or compress the bonds (CsEuCl3), where the nearest anions are few (Eu4Cl6O), and where a
calculation froze the 4f shell of the other valence (YbBr2 of the Materials Project).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.elements import HUND_VALENCE, OTHER_VALENCE
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.features.descriptors import magpie_table

Floats = NDArray[np.float64]
FIRST_SHELL = 1.25  # times the nearest distance
# Å; oxide and halide ions: Shannon 1976; others: from the lattice constants of trivalent REX in the rock salt structure, and of
# hydrogen from those of trivalent REH2 in the fluorite structure
HYDROGEN = 1
ANION_RADIUS = {
    1: 1.25, 7: 1.50, 8: 1.40, 9: 1.33, 15: 1.91, 16: 1.84, 17: 1.81, 33: 1.98, 34: 1.98, 35: 1.96, 51: 2.09, 52: 2.21, 53: 2.20,
}  # fmt: skip
# (radius in Å of the larger and the smaller ion for six neighbours, growth of each a further neighbour)
ION_RADII = {
    58: (1.010, 0.870, 0.056, 0.046), 62: (1.170, 0.958, 0.050, 0.047), 63: (1.170, 0.947, 0.045, 0.047),
    70: (1.020, 0.868, 0.060, 0.047),
}  # fmt: skip
# Å³ per atom, between the volumes of both valences (the metals: Ce 34 and 28, Sm 47 and 33, Eu 48 and 33, Yb 41 and 29; compounds
# contract both, most of all those with transition metals, in which samarium is trivalent)
METAL_MIDPOINT_A3 = {58: 24.0, 62: 60.0, 63: 32.0, 70: 31.5}
WIDTH_A = 0.025  # of the logistic function for an ion's radius
WIDTH_A3, WIDTH_OF_OTHERS_A3 = 2.0, 0.5  # for a volume; the second for each other atom, whose own volume is not known better
# Å³ of elements whose own structure is open, in intermetallic compounds (silicon has 20 as an element)
IN_METALS_A3 = {5: 6.5, 6: 6.0, 14: 13.0, 15: 12.0, 31: 15.5, 32: 15.5, 33: 16.0, 50: 23.0, 51: 24.0, 83: 28.0}
# in oxides and halides without metallic bonds; others, such as S (polysulfides), Ti or H, have several
CHARGE = {
    **dict.fromkeys((9, 17, 35, 53), -1), 8: -2, **dict.fromkeys((3, 11, 19, 37, 55), 1), **dict.fromkeys((4, 12, 20, 38, 56), 2),
    **dict.fromkeys((30, 48), 2), **dict.fromkeys((5, 13, 21, 31, 39, 57, 64, 71), 3), **dict.fromkeys((6, 14, 32, 40, 72), 4),
    **dict.fromkeys((15, 73), 5),
}  # fmt: skip
SURE = 0.98  # of a valence that is left by the other charges
EXACT = 0.01  # of a charge
SALT = 0.5  # share of anions among the nearest neighbours from which a site counts as that of a salt


def p_larger_ion(graphs: CrystalGraphs) -> Floats:
    """(nodes,) probability of the larger ion: Ce 3+, Sm 2+, Eu 2+, Yb 2+; 1 for every other element."""
    numbers = graphs.numbers.astype(np.int64)
    two_valences = np.isin(numbers, list(ION_RADII))
    found = np.ones(len(numbers))
    if not two_valences.any():
        return found
    target, source = graphs.edge_ends()
    wanted = np.flatnonzero(two_valences[target])
    target, source = target[wanted], source[wanted]
    distance, count = graphs.edge_distance[wanted].astype(np.float64), graphs.edge_count[wanted].astype(np.float64)
    nearest = np.full(len(numbers), np.inf)
    np.minimum.at(nearest, target, distance)
    near = count * (distance < FIRST_SHELL * nearest[target])
    radius = np.zeros(104)
    radius[list(ANION_RADIUS)] = list(ANION_RADIUS.values())
    anion = near * (radius[numbers[source]] > 0)
    hydrogen = numbers[source] == HYDROGEN  # beside other anions it belongs to these (water)
    own = ~hydrogen | (np.bincount(target, anion * ~hydrogen, len(numbers))[target] == 0)
    near, anion = near * own, anion * own
    anions, neighbours, shell = (
        np.bincount(target, values, len(numbers)) for values in (anion, near, anion * (distance - radius[numbers[source]]))
    )
    ion = shell / np.maximum(anions, 1e-9)
    charge = _charge_left(graphs, numbers, two_valences)
    left, others = _volume_left(graphs, numbers, two_valences)
    width = WIDTH_A3 + WIDTH_OF_OTHERS_A3 * others
    for z, (large, small, more_large, more_small) in ION_RADII.items():
        here = np.flatnonzero(numbers == z)
        more = np.clip(anions[here], 6.0, 12.0) - 6.0
        middle = 0.5 * (large + small + (more_large + more_small) * more)
        salt = anions[here] >= SALT * neighbours[here]
        steps = np.where(salt, (ion[here] - middle) / WIDTH_A, (left[here] - METAL_MIDPOINT_A3[z]) / width[here])
        p = 1.0 / (1.0 + np.exp(-np.clip(steps, -30.0, 30.0)))
        low, high = sorted((HUND_VALENCE[z], OTHER_VALENCE[z]))
        p = np.where(np.abs(charge[here] - low) < EXACT, np.maximum(p, SURE), p)
        found[here] = np.where(np.abs(charge[here] - high) < EXACT, np.minimum(p, 1.0 - SURE), p)
    return found


def _charge_left(graphs: CrystalGraphs, numbers: NDArray[np.int64], wanted: NDArray[np.bool_]) -> Floats:
    """(nodes,) the mean charge of the wanted ions of a node's crystal that makes it neutral; NaN where these are of several
    elements, or where another element has no charge of its own."""
    charges = np.full(104, np.nan)
    charges[list(CHARGE)] = list(CHARGE.values())
    weight, start = graphs.node_weight.astype(np.float64), graphs.node_ptr[:-1]
    of_others = np.add.reduceat(weight * np.where(wanted, 0.0, charges[numbers]), start)
    share = np.maximum(np.add.reduceat(weight * wanted, start), 1e-9)
    one = np.minimum.reduceat(np.where(wanted, numbers, 104), start) == np.maximum.reduceat(np.where(wanted, numbers, 0), start)
    return np.repeat(np.where(one, -of_others / share, np.nan), np.diff(graphs.node_ptr))


def _volume_left(graphs: CrystalGraphs, numbers: NDArray[np.int64], wanted: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(nodes,) Å³ that an atom of the wanted nodes has if every other atom takes its element's volume, and (nodes,) how many
    others there are for each of them."""
    names, table = magpie_table()
    volume = table[:, names.index("GSvolume_pa")].copy()
    volume[list(IN_METALS_A3)] = list(IN_METALS_A3.values())
    weight, start = graphs.node_weight.astype(np.float64), graphs.node_ptr[:-1]
    of_others = np.add.reduceat(weight * volume[numbers] * ~wanted, start)
    share = np.maximum(np.add.reduceat(weight * wanted, start), 1e-9)
    left = (graphs.volume_per_atom.astype(np.float64) - of_others) / share
    each = np.diff(graphs.node_ptr)
    return np.repeat(left, each), np.repeat(1.0 / share - 1.0, each)
