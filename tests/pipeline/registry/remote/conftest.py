"""A home with something to copy, an empty one, and a folder to which all was copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.snapshot import publish_snapshot
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet
from pipeline.registry.remote import push
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two snapshots and a model."""
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    publish_snapshot(where.snapshots, StarterSource(equilibrium_only=True))
    train_ensemble(publish_snapshot(where.snapshots, StarterSource()), TrainSettings(members=("forest",)), where, Quiet())
    return where


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "empty", workers=1)


@pytest.fixture
def there(home: Settings, tmp_path: Path) -> Path:
    """A folder to which all of the home was pushed."""
    push(home, str(tmp_path / "there"), Quiet())
    return tmp_path / "there"
