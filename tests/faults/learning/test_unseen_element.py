"""A candidate with an element that no training row holds: it is ranked, and its row says that it is a guess."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymatgen.core import Element, Lattice, Structure

from data.sources.cif_folder import CifFolder
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.screening.screen import screen
from pipeline.settings import Settings


@pytest.mark.parametrize("symbol", ["Pu", "Tm"])
def test_an_element_never_seen_is_named_and_counts_as_far(trained_home: Path, tmp_path: Path, symbol: str) -> None:
    where = Settings(home=tmp_path / "home", workers=1)
    where.home.mkdir()
    (where.home / "models").symlink_to(trained_home / "models")
    model = open_model(where.models)
    assert Element(symbol).Z not in model.manifest["elements"]
    assert Element("Fe").Z in model.manifest["elements"]
    folder = tmp_path / "cifs"
    folder.mkdir()
    for name in (symbol, "Fe"):
        Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.6), [name, "N"], [[0, 0, 0], [0.5, 0.5, 0.5]]).to(
            str(folder / f"{name}.cif"), fmt="cif"
        )
    ranking = screen(CifFolder(folder), model, None, where, Quiet()).ranking().set_index("candidate_id")
    assert f"never seen in training: {symbol}" in ranking.loc[symbol, "note"]
    assert "never seen" not in ranking.loc["Fe", "note"]
    assert ranking.loc[symbol, "ood_score"] >= 2
