"""Every registered family against the contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.contract import Model
from models.families import family, family_names
from models.networks.network_model import NetworkModel
from tests.contract import crystals as made
from tests.contract.models import INVARIANCE, ModelContract, trained
from tests.contract.networks import NetworkContract

POSE_DEPENDENT = ["coordinates"]  # what learned canonicalization is there to cure
INVARIANT = [name for name in family_names() if name not in POSE_DEPENDENT]


class TestEveryFamily(ModelContract):
    @pytest.fixture(params=INVARIANT)
    def kind(self, request: pytest.FixtureRequest) -> type[Model]:
        return family(request.param)


class TestEveryNetwork(NetworkContract):
    @pytest.fixture(params=[name for name in INVARIANT if issubclass(family(name), NetworkModel)])
    def kind(self, request: pytest.FixtureRequest) -> type[Any]:
        return family(request.param)


class TestPoseDependentFamilies(ModelContract, NetworkContract):
    """All of the contract but the pose: that a turned crystal gets the same prediction must fail here."""

    @pytest.fixture(params=POSE_DEPENDENT)
    def kind(self, request: pytest.FixtureRequest) -> type[Any]:
        return family(request.param)

    @pytest.mark.parametrize("name", ["rotation"])
    def test_same_crystal_same_prediction(self, model: Model, name: str) -> None:
        examples = made.starter_examples()
        turned = made.turned(examples, seed=1)
        assert np.abs(model.predict(turned).moment - model.predict(examples).moment).max() > 20 * INVARIANCE, name

    @pytest.mark.parametrize("name", ["rotation"])
    def test_invariances_hold_to_rounding_in_float64(self, kind: type[Any], name: str) -> None:
        self.test_same_crystal_same_prediction(trained(kind)[0], name)
