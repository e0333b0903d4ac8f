"""The moment of a cell is an integer where a gap opens in one channel of spin, and its parity is that of the electrons.

Each band of a channel with a gap holds one electron a cell or none. So insulators and half-metals (de Groot et al., Phys. Rev.
Lett. 50, 2024, 1983; Galanakis et al., Phys. Rev. B 66, 174429, 2002) have whole numbers of electrons of either spin, N↑ and N↓,
and the total spin moment N↑ - N↓ of a primitive cell, in µB, is as even or odd as N↑ + N↓. Seven of ten magnetic labels of the
Materials Project have such a moment. A network does not know it: its prediction lies between two of the allowed values.

The prediction M of a cell becomes the mean of the moments that it may stand for,

    E[M'] = (p Σ_K 2 φ(M - K) K + (1 - p) M) / (p Σ_K 2 φ(M - K) + 1 - p),     K: the integers of the parity, 2 apart

where p is the probability of an integer moment by the composition, and φ the normal distribution of the predictions' errors with
the standard deviation NOISE. E[M'] is a smooth function of M that rises with it by 1 / NOISE² at most, and 0 stays 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from data.elements import ODD_BESIDE_FROZEN_4F
from models.contract import MAGNETIC_THRESHOLD, Examples, ModelError
from models.saved import WEIGHTS_FILE, read_saved, write_header
from pipeline.features.descriptors import composition_names
from pipeline.uncertainty.error_model import logarithms

Floats = NDArray[np.float64]
FAMILY = "integer_moments"
FORMAT = 1
NOISE = 0.5  # µB a cell; 0.4 is as good on validation rows, but predictions would move faster between two integers
NEAR = 0.05  # µB a cell; a label so near counts as an integer
FEWEST = 50  # magnetic training rows of either kind; with fewer nothing is learned
STRENGTH = 0.1  # inverse strength of the logistic regression's penalty
REACH = 3  # integers on either side of a prediction that are taken into account
CLIP = 6.0  # standard deviations, of one descriptor


@dataclass(frozen=True, eq=False)
class IntegerMoments:
    """How probable an integer moment is, by composition: a logistic regression."""

    mean: Floats  # (columns,) of the composition's descriptors
    deviation: Floats  # (columns,) always positive
    weight: Floats  # (columns,)
    offset: Floats  # (1,)

    @classmethod
    def fit(cls, train: Examples) -> Self | None:
        """Fit on the magnetic ones of the training rows; None where they are too few to tell.

        Args:
            train: training rows with moments.
        """
        from sklearn.linear_model import LogisticRegression

        truth = train.targets()
        magnetic = truth > MAGNETIC_THRESHOLD
        cell = truth * train.n_atoms
        integer = (np.abs(cell - _nearest(cell, electron_parity(train))) < NEAR)[magnetic]
        if min(int(integer.sum()), int((~integer).sum())) < FEWEST:
            return None
        rows = _columns(train)[magnetic]
        mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        fitted = LogisticRegression(C=STRENGTH, max_iter=1000).fit((rows - mean) / deviation, integer)
        return cls(mean, deviation, fitted.coef_[0].astype(np.float64), fitted.intercept_.astype(np.float64))

    def probability(self, examples: Examples) -> Floats:
        """(rows,) probabilities that the moment of the primitive cell, if there is one, is an integer of the right parity."""
        scaled = np.clip((_columns(examples) - self.mean) / self.deviation, -CLIP, CLIP)
        logit = (scaled * self.weight).sum(axis=1) + self.offset[0]  # no matrix product: a row's bits are its own
        found: Floats = 1.0 / (1.0 + np.exp(-logit))
        return found

    def expected(self, moment: Floats, examples: Examples) -> Floats:
        """The expected moments, given that some are integers.

        Args:
            moment: (rows,) predicted, µB/atom.
            examples: the same rows.

        Returns:
            (rows,) µB/atom.
        """
        p, atoms = self.probability(examples), examples.n_atoms.astype(np.float64)
        return expected_moment(moment * atoms, electron_parity(examples), p) / atoms

    def unpaired(self, examples: Examples) -> Floats:
        """(rows,) probabilities that the primitive cell has an odd number of electrons and an integer moment, so not zero."""
        return self.probability(examples) * electron_parity(examples)

    def hints(self, moment: Floats, examples: Examples) -> NDArray[np.float32]:
        """What tells how far a prediction may be off: the wrong integer costs the distance of two.

        Args:
            moment: (rows,) predicted by the members, µB/atom.
            examples: the same rows.

        Returns:
            (rows, 3) probability of an integer; logarithms of the distance from the nearest one and of the distance of two
            of them, µB/atom.
        """
        atoms = examples.n_atoms.astype(np.float64)
        away = np.abs(moment * atoms - _nearest(moment * atoms, electron_parity(examples))) / atoms
        columns = [self.probability(examples), logarithms(away), np.log(2.0 / atoms)]
        return np.stack(columns, axis=1).astype(np.float32)

    def save(self, folder: Path) -> None:
        save_file({name: np.ascontiguousarray(values) for name, values in vars(self).items()}, folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ModelError for anything else in the folder."""
        _, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            found = cls(**arrays)
        except TypeError as fault:
            raise ModelError(f"{folder} holds no readable {FAMILY}: {fault}") from fault
        columns = (len(composition_names()),)
        fitting = found.mean.shape == found.deviation.shape == found.weight.shape == columns and found.offset.shape == (1,)
        if not (fitting and all(np.isfinite(values).all() for values in arrays.values()) and (found.deviation > 0).all()):
            raise ModelError(f"{folder} does not describe {FAMILY}")
        return found


def electron_parity(examples: Examples) -> NDArray[np.int64]:
    """(crystals,) 1 where the primitive cell has an odd number of electrons outside frozen 4f shells, else 0."""
    graphs = examples.graphs
    if not len(graphs):
        return np.zeros(0, dtype=np.int64)
    nodes = np.diff(graphs.node_ptr)
    atoms = graphs.node_weight.astype(np.float64) * np.repeat(examples.n_atoms, nodes)  # 1/8, of what an orbit nearly repeats
    odd = np.where(np.isin(graphs.numbers, ODD_BESIDE_FROZEN_4F), 1, graphs.numbers.astype(np.int64) % 2)
    return np.rint(np.add.reduceat(atoms * odd, graphs.node_ptr[:-1])).astype(np.int64) % 2


def expected_moment(moment: Floats, parity: NDArray[np.int64], p: Floats) -> Floats:
    """The expected moment of cells that have an integer one of this parity with the probability p.

    Args:
        moment: (cells,) predicted, µB a cell.
        parity: (cells,) 0 or 1.
        p: (cells,) probabilities of an integer moment.

    Returns:
        (cells,) µB a cell.
    """
    nearest = _nearest(moment, parity)
    summed, total = (1.0 - p) * moment, 1.0 - p
    for step in range(-REACH, REACH + 1):
        integer = nearest + 2.0 * step
        density = 2.0 * p * np.exp(-0.5 * ((moment - integer) / NOISE) ** 2) / (NOISE * np.sqrt(2.0 * np.pi))
        summed, total = summed + density * integer, total + density
    return np.maximum(summed / total, 0.0)  # below 0 by rounding only


def _nearest(moment: Floats, parity: NDArray[np.int64]) -> Floats:
    """(cells,) the nearest integers of the parity."""
    return np.asarray(parity + 2.0 * np.rint((moment - parity) / 2.0))


def _columns(examples: Examples) -> Floats:
    """(rows, columns) descriptors of the composition alone, which no change of the structure moves."""
    return examples.descriptors[:, : len(composition_names())].astype(np.float64)
