"""Every registered family against the contract."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract import Model
from models.families import family, family_names
from models.network import NetworkModel
from tests.contract.models import ModelContract, NetworkContract


class TestEveryFamily(ModelContract):
    @pytest.fixture(params=family_names())
    def kind(self, request: pytest.FixtureRequest) -> type[Model]:
        return family(request.param)


class TestEveryNetwork(NetworkContract):
    @pytest.fixture(params=[name for name in family_names() if issubclass(family(name), NetworkModel)])
    def kind(self, request: pytest.FixtureRequest) -> type[Any]:
        return family(request.param)
