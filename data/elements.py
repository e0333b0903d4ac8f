"""Facts of the elements, by atomic number, in one place: which are magnetic, and what moment a calculation starts them from."""

from __future__ import annotations

# Sets of elements
RARE_EARTHS = frozenset({21, 39, *range(57, 72)})  # IUPAC: Sc, Y, La to Lu
LANTHANOIDS = frozenset(range(57, 72))
TRANSITION_MAGNETIC = frozenset({24, 25, 26, 27, 28})  # Cr to Ni, which carry nearly all moments of 3d compounds
OPEN_4F = frozenset({58, 59, 60, *range(62, 71)})  # Ce to Yb, without Pm, of which next to no crystals are known
# Two sets of frozen 4f shells. The first: labels lack the moment of the shell (Pr, Nd, Sm, Tb to Yb; of Pm next to no crystals
# are known, and Lu has none). The second: such an atom is 3+ and has an odd number of other electrons (with Pm and Lu; Yb is 2+).
FROZEN_4F = frozenset({59, 60, 62, *range(65, 71)})
ODD_BESIDE_FROZEN_4F = (59, 60, 61, 62, 65, 66, 67, 68, 69, 71)
ACTINIDES_SEEN = frozenset(range(89, 96))  # Ac to Am, those in the training data
ANIONS = frozenset({7, 8, 9, 15, 16, 17, 34, 35, 52, 53})  # of salts, and of most insulators

# What carries an ordering: the local moments of V to Ni, of the lanthanoids with an open shell and of the actinides from U to Md.
# Only where a crystal has none of them, metals that are magnetic now and then.
STRONGLY_MAGNETIC = frozenset({23, 24, 25, 26, 27, 28, *range(58, 71), *range(92, 102)})
WEAKLY_MAGNETIC = frozenset({22, 29, 42, 44, 45, 46, 74, 76, 77})

# What measurements of transition temperatures are held against. Elements that a compound with a measured transition may owe it to
# (ZrZn2 and Sc3In among them), those that give nearly all moments, and those whose superconductors are no cuprates.
OPEN_F = frozenset({*range(58, 71), *range(92, 99)})  # Ce to Yb, U to Cf
MOMENT_CARRIERS = frozenset({23, 24, 25, 26, 27, 28, 44, 76}) | OPEN_F
ORDER_SEEN = MOMENT_CARRIERS | {21, 22, 29, 40, 41, 42, 45, 46, 74, 75, 77, 78, 91}
CUPRATE_HOSTS = frozenset({20, 38, 39, 56, 57, 59, 60, 62, 63, 64, 80, 81, 83})
NOT_IN_CUPRATES = frozenset({23, 24, 25, 26, 27, 28, 44, 76, 77})

# µB. V to W, the lanthanoids, Ru and Os: pymatgen/analysis/magnetism/default_magmoms.yaml, mostly the high-spin values of the
# Materials Project, so that a calculation can find its way down. From Cm on, where that table and the Materials Project's
# sets say nothing, the spin of the 5f shell by Hund's rule; the light actinides start from 5f³.
_LEAST = 1.0  # Quantum ESPRESSO takes a smaller number for a share of the valence electrons
_LIGHT_ACTINIDE = 3.0
_START = {
    23: 5.0, 24: 5.0, 25: 5.0, 26: 5.0, 27: 5.0, 28: 5.0, 29: 1.73, 42: 5.0, 44: 2.2, 58: 5.0, 59: 3.58, 60: 3.62, 61: 2.68,
    63: 10.0, 64: 7.94, 65: 9.72, 66: 10.65, 67: 10.6, 68: 9.58, 69: 7.56, 70: 4.54, 74: 5.0, 76: 2.2,
    96: 7.0, 97: 6.0, 98: 5.0, 99: 4.0, 100: 3.0, 101: 2.0,
}  # fmt: skip


def starting_moment(z: int) -> float:
    """The size in µB of the moment that a site of this element starts from, where it carries one."""
    return _START.get(z, _LIGHT_ACTINIDE if z > 88 else _LEAST)


# The 4f shell. S, L and J of the ground state of the free ion (Hund's rules; Jensen and Mackintosh, Rare Earth Magnetism, 1991,
# table 1.1): trivalent ions, europium divalent.
HUND: dict[int, tuple[float, float, float]] = {
    58: (0.5, 3, 2.5), 59: (1, 5, 4), 60: (1.5, 6, 4.5), 61: (2, 6, 4), 62: (2.5, 5, 2.5), 63: (3.5, 0, 3.5), 64: (3.5, 0, 3.5),
    65: (3, 3, 6), 66: (2.5, 5, 7.5), 67: (2, 6, 8), 68: (1.5, 6, 7.5), 69: (1, 5, 6), 70: (0.5, 3, 3.5),
}  # fmt: skip
HUND_VALENCE = {z: 2 if z == 63 else 3 for z in HUND}
OTHER_VALENCE = {58: 4, 62: 2, 63: 3, 70: 2}  # whose 4f shell has no moment: empty (Ce), full (Yb), J = 0 (Sm, Eu)
LIGHT_4F = frozenset(range(58, 63))  # J = L - S: the 4f moment is parallel to that of a 3d metal; of the others antiparallel


def lande_factor(z: int) -> float:
    """g_J of the ion of HUND, which must have the element: 3/2 + (S(S+1) - L(L+1)) / 2J(J+1)."""
    s, orbital, j = HUND[z]
    return 1.5 + (s * (s + 1) - orbital * (orbital + 1)) / (2 * j * (j + 1))


def four_f_moment(z: int) -> float:
    """g_J·J in µB of the ion of HUND; 0 for an element without one."""
    return lande_factor(z) * HUND[z][2] if z in HUND else 0.0
