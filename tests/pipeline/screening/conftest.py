"""CIF files made from the starter set."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.sources.starter import StarterSource
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.settings import Settings


@pytest.fixture(scope="session")
def starter_cifs() -> dict[str, str]:
    """CIF text of the equilibrium crystals, by id."""
    source = StarterSource(equilibrium_only=True)
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)]
    return {c.id: c.to_pymatgen().to(fmt="cif") for c in crystals[:24]}


@pytest.fixture
def cif_folder(tmp_path: Path, starter_cifs: dict[str, str]) -> Path:
    folder = tmp_path / "cifs"
    folder.mkdir()
    for name, text in starter_cifs.items():
        (folder / f"{name}.cif").write_text(text)
    return folder


@pytest.fixture
def where(tmp_path: Path, trained_home: Path) -> Settings:
    """A home of the test's own that shares the trained model."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(trained_home / "models")
    return Settings(home=home, workers=1)


@pytest.fixture
def ensemble(trained_home: Path) -> Ensemble:
    return open_model(trained_home / "models")
