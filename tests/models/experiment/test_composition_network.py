"""The network on compositions learns in any number of epochs."""

from __future__ import annotations

import pytest
import torch

from models.experiment.composition_network import (
    ELEMENTS,
    LARGEST_Z,
    TASKS,
    CompositionInput,
    CompositionNetwork,
    NetworkSettings,
    averaged_from,
    fit_network,
)

FORMULAS, COLUMNS = 12, 5
SMALL = NetworkSettings(width=8, heads=2, hidden=8, batch=4)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_a_few_epochs_change_the_weights(epochs: int) -> None:
    torch.manual_seed(0)
    network = CompositionNetwork(torch.randn(LARGEST_Z + 1, 3), COLUMNS, SMALL)
    numbers = torch.randint(1, LARGEST_Z, (FORMULAS, ELEMENTS))
    given = CompositionInput(numbers, torch.full((FORMULAS, ELEMENTS), 1 / ELEMENTS), torch.randn(FORMULAS, COLUMNS))
    before = {name: value.clone() for name, value in network.named_parameters()}
    targets, weights = torch.rand(FORMULAS, len(TASKS)), torch.ones(FORMULAS, len(TASKS))
    fit_network(network, given, targets, weights, torch.arange(FORMULAS), epochs, SMALL, seed=0)
    assert any(not torch.equal(before[name], value) for name, value in network.named_parameters())


def test_the_mean_begins_after_70_percent_of_many_epochs() -> None:
    assert [averaged_from(epochs) for epochs in (10, 20, NetworkSettings().epochs)] == [7.0, 14.0, 21.0]
    assert [averaged_from(epochs) for epochs in (1, 2, 3)] == [0, 1, 2]
