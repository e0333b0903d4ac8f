"""Compositions to what the models of experiments look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from models.experiment.composition_network import LARGEST_Z
from models.experiment.model import Formulas
from pipeline.features.descriptors import magpie_table
from pipeline.features.elements import Compositions, element_table
from pipeline.features.magnetic_composition import composition_descriptors, formula_mix, rare_earth_table


def described_formulas(amounts: Sequence[dict[int, float]]) -> Formulas:
    """One row a formula; `amounts` are dictionaries of atomic number to amount, in any unit."""
    return described_mix(formula_mix(amounts))


def described_mix(mix: Compositions) -> Formulas:
    """The same of packed compositions, of graphs (`pipeline.features.descriptors.compositions`) say."""
    return Formulas(composition_descriptors(mix), mix.number, mix.fraction, mix.start)


def element_properties() -> torch.Tensor:
    """(104, properties) by atomic number, standardised over the elements; zero in row 0, which stands for no element."""
    table = np.concatenate([magpie_table()[1], element_table(), rare_earth_table()], axis=1)[: LARGEST_Z + 1]
    table = (table - table[1:].mean(axis=0)) / (table[1:].std(axis=0) + 1e-9)
    table[0] = 0.0
    return torch.from_numpy(table.astype(np.float32))
