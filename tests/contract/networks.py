"""What every family with a torch module must pass beside the contract of all families (models.py)."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from models.contract import Examples, Prediction
from tests.contract import crystals as made
from tests.contract.models import (
    FLOAT64,
    SAME_GRAPH,
    TRANSFORMATIONS,
    assert_same,
    changed_examples,
    exact_examples,
    folded_and_unfolded,
    hand_built_examples,
    trained,
)


class NetworkContract:
    """For families whose `network` is a torch module on what `collate` makes; `kind` as above."""

    @pytest.mark.parametrize("name", TRANSFORMATIONS)
    def test_invariances_hold_to_rounding_in_float64(self, kind: type[Any], name: str) -> None:
        model = in_float64(kind)
        other = model.predict(changed_examples(name, exact=True))
        assert_same(other, model.predict(exact_examples()), FLOAT64, name)

    @pytest.mark.parametrize("precision", ["float32", "float64"])
    def test_asymmetric_unit_equals_full_cell(self, kind: type[Any], precision: str) -> None:
        exact = precision == "float64"
        model = in_float64(kind) if exact else trained(kind)[0]
        folded, unfolded = folded_and_unfolded(exact)
        assert len(unfolded.graphs.numbers) > 1.5 * len(folded.graphs.numbers)
        assert_same(model.predict(unfolded), model.predict(folded), FLOAT64 if exact else SAME_GRAPH)

    def test_no_row_depends_on_its_batch_in_float64(self, kind: type[Any]) -> None:
        model, examples = in_float64(kind), hand_built_examples()
        together = model.predict(examples)
        for k in range(len(examples)):
            one = model.predict(examples.take(np.array([k])))
            assert_same(one, Prediction(together.moment[k : k + 1], together.p_magnetic[k : k + 1]), FLOAT64, f"row {k}")

    def test_every_parameter_gets_a_finite_gradient(self, kind: type[Any]) -> None:
        model, examples = trained(kind)[0], with_site_moments(made.starter_examples())
        network = copy.deepcopy(model.network).train()
        batch = kind.collate(examples, np.arange(0, len(examples), 4), torch.float32)
        model.loss(network, batch, torch.from_numpy(examples.targets()[::4]).float()).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, f"{name} takes no part"
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0, f"{name} never learns"

    def test_a_fresh_network_has_finite_gradients(self, kind: type[Any]) -> None:
        torch.manual_seed(0)
        model, examples = kind(), with_site_moments(hand_built_examples())
        batch = kind.collate(examples, np.arange(len(examples)), torch.float32)
        model.loss(model.network, batch, torch.ones(len(examples))).backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.network.parameters())


def with_site_moments(examples: Examples) -> Examples:
    """As a training with site moments sees them; families that do not learn them pass them over."""
    return dataclasses.replace(examples, site_moment=np.ones(len(examples.graphs.numbers)))


def in_float64(kind: type[Any]) -> Any:
    """The trained model with its network in double precision."""
    model = copy.copy(trained(kind)[0])
    model.network = copy.deepcopy(model.network).double()
    return model
