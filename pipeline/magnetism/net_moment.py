"""The net moment that experiments find: a mixture over magnetic orders of the predicted (DFT) moment and the 4f moments.

A crystal's d moment (all but the 4f shells) M has the size that the ensemble predicts, given that it is magnetic. The orders

====================  =========================================================================================================
d moments             net moment
====================  =========================================================================================================
none                  c·|L - H| where the 4f moments are parallel to each other, 0 where they alternate
ferromagnetic         |M + c·(L - H)|: light rare earths L parallel, heavy ones H antiparallel (pipeline.magnetism.four_f)
ferrimagnetic         |r·M + c·(L - H)|: r of the sublattices (pipeline.magnetism.ferrimagnet), and any other r with less weight
antiferromagnetic     0 to a small canted moment
====================  =========================================================================================================

have the probabilities of the ranking's order columns. `c` is the reduction of a 4f moment by the crystal field. The value is the
mean over all orders, except that 4f moments without d moments count as aligned unless antiferromagnetism was measured: a field of
some tesla aligns them, and most papers report that moment. The interval contains the central 90 % of every possible order. The
error of M is bounded in proportion to M, except far from what the ensemble learned (`Far`): there, a moment near zero says
little, and the interval of the predicted moment counts in µB/atom.

A second value is conditional: the same mixture over those orders alone that have a net moment (FM, FiM, aligned 4f moments). This
one may be multiplied with P(FM or FiM).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from pipeline.magnetism.moment_constants import FITTED, MomentConstants
from pipeline.magnetism.moment_facts import LEAST_4F, LEAST_D, MomentFacts
from pipeline.magnetism.weighted_values import POSSIBLE, even, hull, quantiles

Floats = NDArray[np.float64]
Reduction = tuple[float, float, float]
ENDS_WEIGHT = 0.06  # of each end of a reduction: a little more than the LEVELS leave outside
CANTED: tuple[float, ...] = (0.0, 0.0, 0.03)  # of an antiferromagnet's sum
SPREAD_STEPS = 7
STEPS: Floats = ndtri((np.arange(SPREAD_STEPS) + 0.5) / SPREAD_STEPS)  # standard deviations from the mean
LEAST_SPREAD, LARGEST_SPREAD = 0.10, 0.60  # of M: standard deviation
UNDECIDED = 0.08  # least probability of either alignment in the interval, unless the order was measured
_AT_ONCE = 4096  # rows; bounds the memory


@dataclass(frozen=True, eq=False)
class Orders:
    """Probabilities, (crystals,) each."""

    d_magnetic: Floats  # of d moments
    aligned: Floats  # of FM or FiM, given that there are moments
    ferro: Floats  # of ferromagnetic d moments, given FM or FiM
    measured: NDArray[np.bool_]  # whether experiments decide between FM or FiM and AFM

    def take(self, rows: slice) -> Orders:
        """Those of some of the crystals."""
        return Orders(**{name: values[rows] for name, values in vars(self).items()})

    def weights(self, aligned: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Of ferro-, ferri- and antiferromagnetic d moments, and of aligned and alternating 4f moments without d moments."""
        both = self.d_magnetic * aligned
        return (
            both * self.ferro, both * (1.0 - self.ferro), self.d_magnetic * (1.0 - aligned),
            (1.0 - self.d_magnetic) * aligned, (1.0 - self.d_magnetic) * (1.0 - aligned),
        )  # fmt: skip

    def given_net(self, has_4f: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
        """Of ferro- and ferrimagnetic d moments and of aligned 4f moments alone, given that the order has a net moment; they sum
        to 1. Without 4f moments only d moments can have one."""
        d = np.where(has_4f, self.d_magnetic, 1.0)
        return d * self.ferro, d * (1.0 - self.ferro), 1.0 - d


@dataclass(frozen=True, eq=False)
class Far:
    """What being unlike the learned crystals does to intervals, (crystals,) each. It moves no mean: not knowing is no moment."""

    weight: Floats  # 0 (like them) to 1 (all of `above` counts)
    above: Floats  # µB/atom from the predicted moment to the upper end of its interval

    def take(self, rows: slice) -> Far:
        """Those of some of the crystals."""
        return Far(self.weight[rows], self.above[rows])

    def widened(self, std: Floats) -> Floats:
        """The standard deviation with which the highest step from the mean reaches `above`, as far as `weight` says."""
        found: Floats = std + self.weight * np.maximum(self.above / STEPS[-1] - std, 0.0)
        return found

    def possible(self, p: Floats, measured: NDArray[np.bool_]) -> Floats:
        """The probability of an order for the interval: at least POSSIBLE for a crystal that is nothing like the learned ones,
        whose P(magnetic) says nothing, unless its order was measured."""
        return np.maximum(p, np.where(measured, 0.0, POSSIBLE * self.weight))


@dataclass(frozen=True, eq=False)
class NetMoments:
    """(crystals,) µB/atom each.

    `d` and `f` belong to the likeliest order with a net moment; `f` is below zero where the 4f moments are antiparallel.
    """

    d: Floats
    d_low: Floats
    d_high: Floats
    f: Floats
    f_low: Floats
    f_high: Floats
    net: Floats
    net_low: Floats
    net_high: Floats
    given: Floats  # given that the crystal is a ferro- or ferrimagnet
    given_low: Floats
    given_high: Floats
    sure: Floats  # the lower end of each order's interval, weighted with the order's probability
    ferri: NDArray[np.bool_]  # whether `d` is a compensated sum
    share: Floats  # r of that sum


def net_moments(
    facts: MomentFacts, d: Floats, d_std: Floats, far: Far, orders: Orders, constants: MomentConstants = FITTED
) -> NetMoments:  # fmt: skip
    """The mixture of each crystal.

    Args:
        facts: of the crystals.
        d: `d_moment`, µB/atom.
        d_std: its standard deviation, µB/atom.
        far: how it grows far from the learned crystals.
        orders: the probabilities.
        constants: the fitted numbers.
    """
    rows = [slice(k, k + _AT_ONCE) for k in range(0, len(d), _AT_ONCE)] or [slice(0, 0)]
    parts = [
        vars(_mixture(facts.take(part), d[part], d_std[part], far.take(part), orders.take(part), constants)) for part in rows
    ]  # fmt: skip
    return NetMoments(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


@dataclass(frozen=True, eq=False)
class _PossibleMoments:
    """The possible moments of each crystal, µB/atom, of which its orders are made, and weights: (crystals, values) each."""

    narrow: Floats  # d moments, as far as the error of a crystal like the learned ones reaches
    wide: Floats  # the same with the error far from the learned ones
    f: Floats  # 4f moments beside d moments, signed
    of_f: Floats
    alone: Floats  # 4f moments without d moments
    alone_ordered: Floats  # the same, given that they have an order
    r: Floats  # shares of the sum that the sublattices of a ferrimagnet leave
    of_r: Floats
    mean_of_r: Floats  # their weights in the mean, where the sublattice rules count otherwise than in the interval


def _possible_moments(
    facts: MomentFacts, d: Floats, d_std: Floats, far: Far, orders: Orders, constants: MomentConstants
) -> _PossibleMoments:  # fmt: skip
    scale = np.where(facts.salt >= 0.5, constants.spread_salt, constants.spread_metal)
    std = scale * np.clip(d_std, LEAST_SPREAD * d, LARGEST_SPREAD * d)
    narrow, grid = (np.maximum(d[:, None] + s[:, None] * STEPS, 0.0) for s in (std, far.widened(std)))  # (n, steps)
    f = _four_f(facts, constants.light_c, constants.heavy_c, constants.spin_c)  # (n, 3) signed
    of_f = np.broadcast_to(np.array([ENDS_WEIGHT, 1.0 - 2.0 * ENDS_WEIGHT, ENDS_WEIGHT]), f.shape)
    alone = _alone(facts, constants)
    alone_ordered = alone / p_4f_moment(facts.light_4f + facts.heavy_4f + facts.spin_4f, facts.doubt_4f)[:, None]
    alone = np.where(orders.measured[:, None], alone_ordered, alone)
    r, of_r = _shares(facts, constants, constants.rule_right)
    mean_of_r = _shares(facts, constants, constants.rule_weight)[1]
    return _PossibleMoments(narrow, grid, f, of_f, alone, alone_ordered, r, of_r, mean_of_r)


def _mixture(
    facts: MomentFacts, d: Floats, d_std: Floats, far: Far, orders: Orders, constants: MomentConstants
) -> NetMoments:  # fmt: skip
    n = len(d)
    possible = _possible_moments(facts, d, d_std, far, orders, constants)
    f, r, of_f = possible.f, possible.r, possible.of_f
    of_sum = _even_steps(of_f)
    within, expected = (_even_steps(_pairs(weights, of_f)) for weights in (possible.of_r, possible.mean_of_r))
    canted = d[:, None] * np.array(CANTED)
    values = [*_sums(possible.wide, f, r), canted, possible.alone, np.zeros((n, 1))]
    inside = [of_sum, within, even(canted), of_f, np.ones((n, 1))]

    undecided = np.where(orders.measured, orders.aligned, np.clip(orders.aligned, UNDECIDED, 1.0 - UNDECIDED))
    chances = orders.weights(orders.aligned)
    saturated = np.where(orders.measured, chances[3], 1.0 - orders.d_magnetic)  # 4f moments alone: a field aligns them
    ferro, ferri, antiferro, of_alone, alternating = orders.weights(undecided)
    probabilities = (far.possible(ferro, orders.measured), ferri, antiferro, np.maximum(of_alone, saturated), alternating)
    low, high = hull(values, inside, probabilities)
    sure = sum(p * quantiles(v, w)[0] for v, w, p in zip(values, inside, chances, strict=True))
    narrow_values = [*_sums(possible.narrow, f, r), *values[2:]] if far.weight.any() else values
    means = [(v * w).sum(axis=1) for v, w in zip(narrow_values, [of_sum, expected, *inside[2:]], strict=True)]
    net = np.asarray(sum(p * mean for p, mean in zip((*chances[:3], saturated), means[:4], strict=True)), dtype=np.float64)

    has_f = facts.light_4f + facts.heavy_4f + facts.spin_4f >= LEAST_4F
    if_net, with_net, inside_net = orders.given_net(has_f), [*values[:2], possible.alone_ordered], [*inside[:2], of_f]
    if_alone = (possible.alone_ordered * of_f).sum(axis=1)
    given = np.asarray(sum(p * mean for p, mean in zip(if_net, [*means[:2], if_alone], strict=True)), dtype=np.float64)
    given_low, given_high = hull(with_net, inside_net, (far.possible(if_net[0], orders.measured), *if_net[1:]))
    d_low, d_high = _d_interval(possible, (*probabilities[:2], probabilities[2] + 1.0 - orders.d_magnetic))
    here = _likeliest(facts, d, possible, orders, has_f, constants)
    return NetMoments(
        here.d, np.minimum(d_low, here.d), np.maximum(d_high, here.d), here.f, here.f_low, here.f_high, net,
        np.minimum(low, net), np.maximum(high, net), given, np.minimum(given_low, given), np.maximum(given_high, given),
        np.asarray(sure, dtype=np.float64), here.ferri, here.share,
    )  # fmt: skip


def _d_interval(possible: _PossibleMoments, probabilities: Sequence[Floats]) -> tuple[Floats, Floats]:
    """(n,) ends of the d moment's interval, from the probabilities of a sum, of a compensated sum and of no net d moment."""
    n, steps = possible.wide.shape
    compensated = (possible.wide[:, :, None] * possible.r[:, None, :]).reshape(n, steps * possible.r.shape[1])
    values = [possible.wide, compensated, np.zeros((n, 1))]
    return hull(values, [even(possible.wide), _even_steps(possible.of_r), np.ones((n, 1))], probabilities)


@dataclass(frozen=True, eq=False)
class _Likeliest:
    """The moments of the likeliest order with a net moment; the fields of `NetMoments` of the same names."""

    d: Floats
    f: Floats
    f_low: Floats
    f_high: Floats
    ferri: NDArray[np.bool_]
    share: Floats


def _likeliest(
    facts: MomentFacts, d: Floats, possible: _PossibleMoments, orders: Orders, has_f: NDArray[np.bool_],
    constants: MomentConstants,
) -> _Likeliest:  # fmt: skip
    share = np.where(facts.opposed, facts.fim_share, float(np.mean(constants.any_r)))
    share = np.where(orders.ferro < 0.5, share, 1.0)
    ordered = (orders.d_magnetic >= 0.5) | ~has_f
    f_here = np.where(ordered[:, None], possible.f, possible.alone)
    f_ends = f_here + np.array([-1.0, 0.0, 1.0]) * np.sign(f_here) * facts.doubt_4f[:, None]
    f_ends = np.where(np.sign(f_ends) == np.sign(f_here), f_ends, 0.0)  # the other valence has no moment
    held = np.where(orders.measured & (orders.aligned < 0.5), 0.0, 1.0)  # a measured antiferromagnet
    d_here, f_here, f_ends = held * np.where(ordered, d * share, 0.0), held[:, None] * f_here, held[:, None] * f_ends
    return _Likeliest(d_here, f_here[:, 1], f_ends.min(axis=1), f_ends.max(axis=1), (orders.ferro < 0.5) & ordered, share)


def _sums(d: Floats, f: Floats, r: Floats) -> tuple[Floats, Floats]:
    """(n, steps * reductions) |d + f| and (n, steps * shares * reductions) |r d + f|: ferro- and ferrimagnetic d moments."""
    n = len(d)
    summed = np.abs(d[:, :, None] + f[:, None, :]).reshape(n, d.shape[1] * f.shape[1])
    compensated = np.abs(d[:, :, None, None] * r[:, None, :, None] + f[:, None, None, :])
    return summed, compensated.reshape(n, d.shape[1] * r.shape[1] * f.shape[1])


def _pairs(first: Floats, second: Floats) -> Floats:
    """(n, k * m) products of the weights (n, k) and (n, m)."""
    return np.asarray((first[:, :, None] * second[:, None, :]).reshape(len(first), first.shape[1] * second.shape[1]))


def _even_steps(weights: Floats) -> Floats:
    """(n, steps * k) weights (n, k), the same at each step of d."""
    return np.tile(weights / SPREAD_STEPS, (1, SPREAD_STEPS))


def p_4f_moment(moment: Floats, doubt: Floats) -> Floats:
    """(n,) probability that the 4f shells have moments at all, from the mean and the standard deviation (µB/atom) due to the
    valence: p·S and S·sqrt(p(1 - p)) of ions with a moment S of which it is uncertain. What orders has one, so S is its moment.
    """
    square = moment**2
    return np.divide(square, square + doubt**2, out=np.ones_like(square), where=square > 0)


def _four_f(facts: MomentFacts, light_c: Reduction, heavy_c: Reduction, spin_c: Reduction) -> Floats:
    """(n, 3) µB/atom: L - H at three reductions by the crystal field; below zero: antiparallel to the d moments."""
    light, heavy = facts.light_4f[:, None] * np.array(light_c), facts.heavy_4f[:, None] * np.array(heavy_c)
    found: Floats = light - heavy - facts.spin_4f[:, None] * np.array(spin_c)
    return found


def _alone(facts: MomentFacts, constants: MomentConstants) -> Floats:
    """(n, 3) µB/atom: |L - H| without d moments at three reductions, of ions on one or on several inequivalent places."""
    one = np.abs(_four_f(facts, constants.light_alone, constants.heavy_alone, constants.spin_c))
    several = np.abs(_four_f(facts, constants.several_alone, constants.several_alone, constants.spin_c))
    part = np.clip(facts.orbits_4f - 1.0, 0.0, 1.0) * (facts.typical_d < LEAST_D)  # part of a disordered crystal's cells
    found: Floats = (1.0 - part[:, None]) * one + part[:, None] * several
    return found


def _shares(facts: MomentFacts, constants: MomentConstants, rule_weight: float) -> tuple[Floats, Floats]:
    """(n, k) the r of a ferrimagnet and their weights."""
    known, any_r = facts.opposed, constants.any_r  # if the rules' ferromagnet is a ferrimagnet nevertheless, they say nothing
    first = np.where(known, facts.fim_share, 0.5)
    r = np.concatenate([first[:, None], np.broadcast_to(np.array(any_r), (len(first), len(any_r)))], axis=1)
    rule = np.where(known, rule_weight, 0.0)[:, None]
    rest = np.broadcast_to((1.0 - rule) / len(any_r), (len(first), len(any_r)))
    return r, np.concatenate([rule, rest], axis=1)
