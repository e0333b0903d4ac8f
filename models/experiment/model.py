"""Measured properties of a composition: ferro- or ferrimagnet or antiferromagnet, Curie and Néel temperature, with intervals.

Forests and networks answer alike: the root of a temperature, or a logit. The ensemble is their weighted mean; how far it can be
wrong comes from rows whose chemical systems its members never saw.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.contract import ModelError
from models.experiment.calibration import Calibration
from models.experiment.composition_network import (
    TASKS,
    CompositionInput,
    CompositionNetwork,
    NetworkSettings,
    from_root,
    run_network,
    tokens,
)
from models.experiment.domain import CompositionDomain
from models.experiment.families import Families
from models.experiment.intervals import BinnedResiduals
from models.experiment.packed_trees import pack, unpack
from models.experiment.tree_members import predict_forest
from models.packing import gather
from models.saved import WEIGHTS_FILE, read_saved, set_weights, write_header
from models.trees.decision_trees import Trees

FAMILY, FORMAT = "experiment", 4  # 1 had forests of means, unpacked; 2 had no families; 3 had trees in full precision
FOREST, NETWORK, DOMAIN, FAMILIES = "forest", "network", "domain", "families"
LARGEST_STEP = 6.0  # standard deviations from the mean of a column; networks see nothing farther out
Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Formulas:
    """Compositions as the members look at them, one row each."""

    columns: Rows  # (formulas, columns) descriptors
    numbers: NDArray[np.int64]  # (entries,) atomic number of each element of each formula
    fractions: Floats  # (entries,)
    start: NDArray[np.int64]  # (formulas,) first entry

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, rows: NDArray[np.int64]) -> Formulas:
        """Some formulas, in the order asked for."""
        ptr, entry = gather(np.append(self.start, len(self.numbers)), rows)
        return Formulas(self.columns[rows], self.numbers[entry], self.fractions[entry], ptr[:-1])


@dataclass(frozen=True, eq=False)
class Transition:
    """A transition temperature, (formulas,) each."""

    value_K: Floats
    spread_K: Floats  # between the members
    residuals: BinnedResiduals

    def interval(self) -> tuple[Floats, Floats]:
        """(low, high) of the 90 % interval, K."""
        low, high = self.residuals.interval(self.value_K, self.spread_K)
        return np.minimum(low, self.value_K), np.maximum(high, self.value_K)

    def p_above(self, threshold_K: float) -> Floats:
        return self.residuals.p_above(threshold_K, self.value_K, self.spread_K)


@dataclass(frozen=True, eq=False)
class ExperimentPrediction:
    """One row a formula."""

    p_fm_or_fim: Floats  # given that it is magnetically ordered
    tc: Transition  # if it is a ferro- or ferrimagnet
    tn: Transition  # if it is an antiferromagnet


@dataclass(frozen=True, eq=False)
class Standard:
    """How the networks' columns are standardised."""

    mean: Rows
    deviation: Rows

    @classmethod
    def fit(cls, columns: Rows) -> Self:
        deviation = columns.std(axis=0)
        return cls(columns.mean(axis=0), np.where(deviation > 1e-8, deviation, np.inf).astype(np.float32))

    def network_input(self, given: Formulas) -> CompositionInput:
        step = np.clip((given.columns - self.mean) / self.deviation, -LARGEST_STEP, LARGEST_STEP).astype(np.float32)
        return CompositionInput(*tokens(given.numbers, given.fractions, given.start), torch.from_numpy(step))


@dataclass(frozen=True, eq=False)
class Members:
    """All that is fitted to rows; the rest is calibration."""

    forests: dict[str, Trees]  # by task
    networks: list[CompositionNetwork]
    standard: Standard
    network_settings: NetworkSettings
    families: Families = field(default_factory=Families.none)

    def answers(self, given: Formulas) -> dict[str, Floats]:
        """By task, (2 + networks, formulas): the forest (of the order with the formulas' families), the spread of its trees, and
        the networks."""
        prepared = self.standard.network_input(given)
        said = [run_network(network, prepared) for network in self.networks]
        found = {
            task: np.stack([*predict_forest(self.forests[task], given.columns, task), *(s[:, k] for s in said)])
            for k, task in enumerate(TASKS)
        }
        found["order"][0] += self.families.score(given.numbers, given.fractions, given.start)
        return found


@dataclass(frozen=True, eq=False)
class ExperimentModel:
    """The ensemble."""

    members: Members
    forest_weight: dict[str, float]  # by task; the networks share the rest
    order: Calibration
    residuals: dict[str, BinnedResiduals]  # of "tc" and "tn"
    domain: CompositionDomain
    facts: dict[str, Any]  # what it learned from, and how well it does

    def predict(self, given: Formulas) -> ExperimentPrediction:
        """Raises ModelError for another number of columns."""
        if given.columns.shape[1] != len(self.members.standard.mean):
            raise ModelError(f"the model was trained on {len(self.members.standard.mean)} columns, not {given.columns.shape[1]}")
        return self.combined(self.members.answers(given))

    def ood_score(self, given: Formulas) -> Floats:
        """(formulas,) out-of-domain scores; above 1 a composition is unlike those that the members learned from."""
        return self.domain.score(given.columns, given.numbers, given.start)

    def combined(self, answers: dict[str, Floats]) -> ExperimentPrediction:
        """The prediction from `Members.answers`, of members that learned from other rows, say."""
        said = {task: combine(answers[task], self.forest_weight[task]) for task in TASKS}
        tc, tn = (Transition(*temperatures(*said[task]), self.residuals[task]) for task in ("tc", "tn"))
        return ExperimentPrediction(self.order.predict(said["order"][0]), tc, tn)

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json` into an existing folder."""
        arrays = {
            f"{FOREST}.{t}.{n}": torch.from_numpy(v) for t, trees in self.members.forests.items() for n, v in pack(trees).items()
        }
        for k, network in enumerate(self.members.networks):
            arrays |= {f"{NETWORK}.{k}.{n}": v.contiguous() for n, v in network.state_dict().items()}
        arrays |= {f"standard.{n}": torch.from_numpy(v) for n, v in vars(self.members.standard).items()}
        for name, part in ((DOMAIN, self.domain), (FAMILIES, self.members.families)):
            arrays |= {f"{name}.{n}": torch.from_numpy(np.ascontiguousarray(v)) for n, v in part.arrays().items()}
        save_file(arrays, folder / WEIGHTS_FILE)
        write_header(
            folder, FAMILY, FORMAT,
            {
                "tasks": list(TASKS), "networks": len(self.members.networks),
                "network_settings": asdict(self.members.network_settings), "forest_weight": self.forest_weight,
                "order": self.order.to_json(), "domain_unit": self.domain.unit,
                "residuals": {task: r.to_json() for task, r in self.residuals.items()}, "facts": self.facts,
            },
        )  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The saved model, predicting the same numbers. Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            settings = NetworkSettings(**header["network_settings"])
            standard = Standard(arrays["standard.mean"].numpy(), arrays["standard.deviation"].numpy())
            columns = len(standard.mean)
            forests = {task: unpack({n: v.numpy() for n, v in _part(arrays, f"{FOREST}.{task}.").items()}) for task in TASKS}
            networks = []
            for k in range(int(header["networks"])):
                state = _part(arrays, f"{NETWORK}.{k}.")
                with torch.random.fork_rng(devices=[]):  # its first weights are drawn, and replaced
                    network = CompositionNetwork(state["properties"], columns, settings)
                set_weights(network, state, folder)
                networks.append(network)
            weight = {task: float(header["forest_weight"][task]) for task in TASKS}
            residuals = {task: BinnedResiduals.from_json(header["residuals"][task]) for task in ("tc", "tn")}
            domain = CompositionDomain.from_arrays(
                {n: v.numpy() for n, v in _part(arrays, f"{DOMAIN}.").items()}, header["domain_unit"]
            )
            families = Families.from_arrays({n: v.numpy() for n, v in _part(arrays, f"{FAMILIES}.").items()})
            order, facts = Calibration.from_json(header["order"]), dict(header["facts"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError) as fault:
            raise ModelError(f"{folder} holds no readable model of experiments: {fault}") from fault
        for trees in forests.values():
            trees.check(columns, 1)
        shaped = domain.mean.shape == standard.mean.shape == standard.deviation.shape == (columns,)
        sound = shaped and np.isfinite(standard.mean).all()
        if not networks or not sound or not (standard.deviation > 0).all() or any(not 0 <= w <= 1 for w in weight.values()):
            raise ModelError(f"{folder} holds a model of experiments whose numbers cannot be")
        return cls(Members(forests, networks, standard, settings, families), weight, order, residuals, domain, facts)


def combine(answers: Floats, forest_weight: float) -> tuple[Floats, Floats]:
    """(mean, standard deviation over trees and networks) of one task of `Members.answers`, in their own unit."""
    forest, spread, networks = answers[0], answers[1], answers[2:]
    mean = forest_weight * forest + (1.0 - forest_weight) * networks.mean(axis=0)
    variance = forest_weight * ((forest - mean) ** 2 + spread**2) + (1.0 - forest_weight) * ((networks - mean) ** 2).mean(axis=0)
    return mean, np.sqrt(variance)


def temperatures(root: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """(K, K) of a root of a temperature and its deviation."""
    value = from_root(root)
    return value, (from_root(root + deviation) - from_root(np.maximum(root - deviation, 0.0))) / 2.0


def _part(arrays: dict[str, torch.Tensor], start: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}
