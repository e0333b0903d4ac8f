"""Which sublattices of a crystal are up and which are down: the signs of the lowest energy Σ J s s, whatever the order of sites.

A crystal of few orbits has a sign for each. More of them mostly mean that small shifts took the symmetry of a cell: then orbits
that nothing distinguishes have one sign, as sites of one orbit have, and the cell has the sublattices of the symmetric one.
Classes of such orbits are numbered by what distinguishes them, and couplings are integers (twentieths of the largest one). So
sums are exact, ties are ties, and whatever follows is the same for every order of the sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEW_ORBITS = 10  # up to these each orbit has its own sign
MOST_EXACT = 18  # signs; up to these all are compared (below 2 ms), beyond them they are improved from several starts
SAME_NET = 1e-6  # of the sum
KICKS = 3  # searches from the neighbours of the best signs
DIGITS = 6  # of what distinguishes orbits; sums over neighbours differ in the last bits with the order of the sites


@dataclass(frozen=True, eq=False)
class Sublattices:
    """The lowest state; of several the one with the largest net moment."""

    signs: Floats  # (orbits,) ±1; those of the larger sum are up
    net: float  # |Σ s m| over Σ m, 0 to 1
    energy: float  # Σ J s s over ordered pairs of sites; below zero the moments gain by the arrangement


def lowest(kind: Floats, sites: Ints, coupling: Floats) -> Sublattices:
    """The signs of the lowest energy.

    Args:
        kind: (orbits, k) what distinguishes orbits; the first column is the size of a site's moment.
        sites: (orbits,) how many sites each has.
        coupling: (orbits, orbits) integers: sums of J over the pairs of sites of two orbits; symmetric.
    """
    group = _classes(kind, coupling / sites[:, None])
    unit = group if len(group) > FEW_ORBITS else np.argsort(np.argsort(group, kind="stable"))  # the orbits of one sign
    size = np.zeros(int(group.max()) + 1)
    size[group] = np.round(kind[:, 0], DIGITS)
    member = (unit[:, None] == np.arange(int(unit.max()) + 1)).astype(np.float64)
    between = member.T @ coupling @ member
    counts = member.T @ (sites[:, None] * (group[:, None] == np.arange(len(size))))  # (signs, classes) sites
    states = _compared(between, counts @ size) if len(between) <= MOST_EXACT else _improved(between)
    signs, net = _largest(states, counts, size)
    return Sublattices(signs[unit], net, float(signs @ between @ signs))


def _largest(states: Floats, counts: Floats, size: Floats) -> tuple[Floats, float]:
    """The state with the largest net moment, and that as a share of the sum. Of several the one with most sites up in the first
    class, then in the second, and so on: where that is the same, so is what may be said of them."""
    up = states @ counts  # (states, classes) sites up less sites down: integers
    net = up @ size
    most = SAME_NET * float(counts.sum(axis=0) @ size)
    best = np.abs(net) >= np.abs(net).max() - most
    states, up, net = states[best], up[best], net[best]
    leading = np.take_along_axis(up, (up != 0).argmax(axis=1)[:, None], axis=1)[:, 0]
    turn = np.where(np.where(np.abs(net) > most, net, leading) < 0, -1.0, 1.0)
    k = int(np.lexsort((turn[:, None] * up).T[::-1])[-1]) if len(states) > 1 else 0
    return turn[k] * states[k], float(abs(up[k] @ size) / (counts.sum(axis=0) @ size))


def _classes(kind: Floats, per_site: Floats) -> Ints:
    """(orbits,) the class of each: those of one kind whose couplings to each class are the same (colour refinement).

    A class's number is its rank among the rows that distinguish classes, so it does not depend on the numbering of orbits.
    """
    group = _ranks(np.round(kind, DIGITS))
    while (number := int(group.max()) + 1) < len(group):
        profile = np.round(per_site @ (group[:, None] == np.arange(number)), DIGITS)
        finer = _ranks(np.column_stack([group, profile]))
        if finer.max() + 1 == number:
            break
        group = finer
    return group


def _ranks(rows: Floats) -> Ints:
    """(n,) the rank of each row among the different ones."""
    order = np.lexsort(rows.T[::-1])
    ascending = rows[order]
    ranks = np.empty(len(rows), dtype=np.int64)
    ranks[order] = np.concatenate([[0], np.cumsum((ascending[1:] != ascending[:-1]).any(axis=1))])
    return ranks


def _compared(between: Floats, total: Floats) -> Floats:
    """(states, signs) those of the lowest energy and the largest net moment, of all with the first sign up.

    Energies of both halves of the signs are added in one table.
    """
    half = (len(total) + 1) // 2
    left = np.concatenate([np.ones((2 ** (half - 1), 1)), _all_signs(half - 1)], axis=1)
    right = _all_signs(len(total) - half)
    energy = _energies(left, between[:half, :half])[:, None] + _energies(right, between[half:, half:])
    energy += 2.0 * (left @ between[:half, half:]) @ right.T
    i, j = np.nonzero(energy == energy.min())
    if len(i) > 1:  # without couplings these are all
        net = np.abs(left[i] @ total[:half] + right[j] @ total[half:])
        best = net >= net.max() - SAME_NET * total.sum()
        i, j = i[best], j[best]
    return np.concatenate([left[i], right[j]], axis=1)


@lru_cache(maxsize=MOST_EXACT)
def _all_signs(number: int) -> Floats:
    """(2 ** number, number) ±1."""
    down = (np.arange(2**number)[:, None] >> np.arange(number)) & 1
    return np.where(down == 1, -1.0, 1.0)


def _energies(states: Floats, between: Floats) -> Floats:
    """(states,)."""
    found: Floats = ((states @ between) * states).sum(axis=1)
    return found


def _improved(between: Floats) -> Floats:
    """(states, signs) of a low energy: all parallel and the signs along the strongest couplings, each also with one sign turned,
    are improved one sign at a time; then the best with each coupled pair turned, while that helps, KICKS times at most."""
    flips = np.concatenate([np.ones((1, len(between))), 1.0 - 2.0 * np.eye(len(between))])
    states = _descended(np.concatenate([flips, flips * _along_strongest(between)]), between)
    energies = _energies(states, between)
    for _ in range(KICKS):
        kicked = _descended(_turned_pairs(states[energies.argmin()], between), between)
        found = _energies(kicked, between)
        better = found.min() < energies.min()
        states, energies = np.concatenate([states, kicked]), np.concatenate([energies, found])
        if not better:
            break
    found_lowest: Floats = states[energies == energies.min()]
    return found_lowest


def _turned_pairs(signs: Floats, between: Floats) -> Floats:
    """(1 + pairs, signs) the signs, and with each coupled pair turned: one of them alone would turn back."""
    i, j = np.nonzero(np.triu(between, 1))
    turned = np.repeat(signs[None], len(i), axis=0)
    turned[np.arange(len(i)), i] *= -1.0
    turned[np.arange(len(i)), j] *= -1.0
    return np.concatenate([signs[None], turned])


def _descended(states: Floats, between: Floats) -> Floats:
    """The states after the sign that gains most was turned, again and again, until none gains."""
    outside = between - np.diag(np.diag(between))
    states = states.copy()
    rows = np.arange(len(states))
    while len(rows):  # each round lowers an integer energy
        gain = states[rows] * (states[rows] @ outside)
        worst = gain.argmax(axis=1)
        gains = gain[np.arange(len(rows)), worst] > 0
        rows, worst = rows[gains], worst[gains]
        states[rows, worst] *= -1.0
    return states


def _along_strongest(between: Floats) -> Floats:
    """(signs,) that satisfy the strongest couplings: from the signs reached, along the strongest one to a further sign."""
    size = np.abs(between) - np.diag(np.diag(np.abs(between)))
    signs = np.zeros(len(between))
    signs[0] = 1.0
    for _ in range(len(between) - 1):
        reach = np.where((signs != 0)[:, None] & (signs == 0)[None, :], size, -1.0)
        a, b = np.unravel_index(int(reach.argmax()), reach.shape)
        signs[b] = signs[a] if between[a, b] <= 0 else -signs[a]
    return signs
