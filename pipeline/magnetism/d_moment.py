"""The d moment of a crystal: what its atoms carry beside their 4f shells, read from the forecast of a calculation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.magnetism.moment_facts import LEAST_4F, LEAST_D, MomentFacts

Floats = NDArray[np.float64]
SMALL_P = 0.5  # below, the calculation has more probably lost a moment than not; at 0 it says nothing of the size
REDUCED = 0.8  # of typical moments, where the calculation has lost a moment that the Curie temperature demands
INDUCED = 0.1  # of a 4f moment of Gd or Eu: what the conduction electrons add at most
TYPICAL_WEIGHT = 0.5  # of typical d moments in the reading of a label that contains 4f moments
NO_MOMENT, CREDIBLE = 0.15, 0.3  # of typical d moments


def d_moment(facts: MomentFacts, moment: Floats, p_magnetic: Floats, p_d_order: Floats, p_beyond_4f: Floats) -> Floats:
    """(crystals,) µB/atom that the atoms carry beside their 4f shells if they are magnetic.

    The label of a crystal with Gd or Eu contains 4f moments, parallel or (where the calculation turned them) antiparallel to the
    others: of both readings the one nearer to typical d moments holds. Where both were learned of similar crystals, their mean is
    read as 4f moments alone; a Curie temperature that 4f moments do not reach contradicts that (GdFe3, GdCo2).

    Args:
        facts: of the crystals.
        moment: predicted DFT moments, µB/atom, which are P(magnetic) times a size.
        p_magnetic: predicted P(magnetic) of the calculation.
        p_d_order: probability that d moments order, by the Curie temperature and a measured order.
        p_beyond_4f: probability of an order with a net moment at a temperature that 4f moments alone do not reach.
    """
    size = moment / np.maximum(p_magnetic, 0.05)
    readings = np.stack([size - facts.label_4f, facts.label_4f - size, size + facts.label_4f])
    off = np.where(readings >= -1e-9, np.abs(readings - facts.typical_d), np.inf)
    chosen = np.take_along_axis(readings, off.argmin(axis=0)[None], axis=0)[0]
    # a small rest is a d sublattice without moments (the iron of EuFe2P2), not a wrong reading
    part = chosen / np.maximum(facts.typical_d, 1e-9)
    credible = np.clip((part - NO_MOMENT) / (CREDIBLE - NO_MOMENT), 0.0, 1.0)
    weight = TYPICAL_WEIGHT * credible
    chosen = (1.0 - weight) * chosen + weight * facts.typical_d
    gone = (1.0 - credible) * p_beyond_4f
    chosen = (1.0 - gone) * chosen + gone * REDUCED * facts.typical_d
    read = np.where(facts.label_4f > LEAST_4F, chosen, size)
    induced = np.clip(size - facts.label_4f, 0.0, INDUCED * facts.label_4f)
    read = np.where((facts.label_4f > LEAST_4F) & (facts.typical_d < LEAST_D), induced, read)
    lost = np.clip(1.0 - p_magnetic / SMALL_P, 0.0, 1.0) * p_d_order * (facts.typical_d >= LEAST_D)
    found: Floats = np.maximum((1.0 - lost) * read + lost * REDUCED * facts.typical_d, 0.0)
    return found
