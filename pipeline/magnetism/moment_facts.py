"""What the net moment needs to know of a crystal's structure, as columns that travel with its prediction.

Numbers are per atom, so that the weighted mean of several ordered cells is that of a disordered crystal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.symmetry import SymmetricCell
from models.graphs.crystal_graphs import CrystalGraphs
from models.ordering.order_classifier import ALIGNED
from pipeline.magnetism.ferrimagnet import FOLLOWING, LEADING, SALT_SHARE, compensations, is_anion, typical_sizes
from pipeline.magnetism.four_f import four_f_facts, orbits_4f

Floats = NDArray[np.float64]
LEAST_P = 0.1  # of being magnetic, from which the sublattices are looked for
LEAST_4F = 0.02  # µB/atom; less is no 4f sublattice
LEAST_D = 0.05  # µB/atom of typical d moments; less is no d sublattice


@dataclass(frozen=True, eq=False)
class MomentFacts:
    """(crystals,) each; moments in µB/atom. See `four_f_facts` for those of the 4f shells."""

    light_4f: Floats
    heavy_4f: Floats
    spin_4f: Floats
    label_4f: Floats
    doubt_4f: Floats
    orbits_4f: Floats  # inequivalent places of frozen 4f shells, of crystals without d moments
    ions_4f: NDArray[np.object_]
    typical_d: Floats  # the sum of typical d moments
    salt: Floats  # 1 for a salt, 0 for a metal
    follows: Floats  # 1 where V or Cr follow other d moments in a metal, so that the calculation has their signs
    fim_share: Floats  # what is left of the sum by the sublattice rules, 1 of parallel moments; NaN where no rule says
    fim_words: NDArray[np.object_]  # its sublattices

    @classmethod
    def of(cls, table: pd.DataFrame) -> MomentFacts:
        """From the columns of `moment_facts`."""
        known = with_facts(table)
        return cls(**{f.name: known[f.name].to_numpy(object if f.name in TEXTS else np.float64) for f in fields(cls)})

    @property
    def opposed(self) -> NDArray[np.bool_]:
        """(crystals,) `is_opposed`."""
        found: NDArray[np.bool_] = is_opposed(self.fim_share)
        return found

    def take(self, rows: slice) -> MomentFacts:
        """Some of the crystals."""
        return MomentFacts(**{name: values[rows] for name, values in vars(self).items()})


TEXTS = ("ions_4f", "fim_words")
FACTS = tuple(f.name for f in fields(MomentFacts))


def is_opposed(fim_share: Any) -> Any:
    """Whether the rules oppose sublattices so that a ferrimagnet results; False for shares of a ferromagnet and without a rule.

    Args:
        fim_share: numbers of the fact of this name; NaN where no rule says.
    """
    return fim_share < ALIGNED


def with_facts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns FACTS; where it has none, those of crystals without 4f moments and without known sublattices."""
    missing = {name: "" if name in TEXTS else np.nan if name == "fim_share" else 0.0 for name in FACTS if name not in table}
    return table.assign(**missing)


def moment_facts(graphs: CrystalGraphs, cells: Sequence[SymmetricCell], p_magnetic: Floats) -> dict[str, NDArray[Any]]:
    """The columns FACTS, one row a crystal.

    Args:
        graphs: of the crystals.
        cells: the same crystals.
        p_magnetic: (crystals,) predicted probability of a DFT moment; sublattices of crystals below LEAST_P are not looked for.
    """
    found, of_d = compensations(cells, p_magnetic >= LEAST_P), typical_d(graphs)
    return {
        **four_f_facts(graphs),
        "orbits_4f": orbits_4f(cells, of_d < LEAST_D),  # beside d moments their number does not count
        "typical_d": of_d,
        "salt": _salt(graphs).astype(np.float64),
        "follows": _follows(graphs).astype(np.float64),
        "fim_share": np.array([np.nan if one is None else one.share for one in found]),
        "fim_words": np.array(["" if one is None else one.words for one in found], dtype=object),
    }


def typical_d(graphs: CrystalGraphs) -> Floats:
    """(crystals,) µB/atom: the sum of the sizes of typical d moments."""
    numbers, weight = graphs.numbers.astype(np.int64), graphs.node_weight.astype(np.float64)
    start = graphs.node_ptr[:-1]
    in_salt, in_metal = (np.add.reduceat(weight * typical_sizes(kind)[numbers], start) for kind in (True, False))
    return np.where(_salt(graphs), in_salt, in_metal)


def _follows(graphs: CrystalGraphs) -> NDArray[np.bool_]:
    """(crystals,) whether a metal has elements of FOLLOWING beside some of LEADING."""
    start = graphs.node_ptr[:-1]
    led, leading = (np.logical_or.reduceat(np.isin(graphs.numbers, kinds), start) for kinds in (FOLLOWING, LEADING))
    found: NDArray[np.bool_] = led & leading & ~_salt(graphs)
    return found


def _salt(graphs: CrystalGraphs) -> NDArray[np.bool_]:
    """(crystals,) whether at least SALT_SHARE of the atoms are anions."""
    weight = graphs.node_weight.astype(np.float64)
    shares = np.add.reduceat(weight * is_anion()[graphs.numbers.astype(np.int64)], graphs.node_ptr[:-1])
    found: NDArray[np.bool_] = shares >= SALT_SHARE
    return found
