"""A file that kills, hangs or bloats its reader costs that file and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.rejection import Reason
from pipeline.registry.ensemble import Ensemble
from pipeline.screening import candidates
from pipeline.screening.screen_models import ScreenModels
from tests.pipeline.screening.hostile_source import Hostile

NEIGHBOURS = 8


@pytest.mark.parametrize("name", ["kills", "hangs", "swells"])
def test_the_neighbours_survive(
    cif_folder: Path, ensemble: Ensemble, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(candidates, "SECONDS_PER_SHARD", 1.0)  # the limits themselves, shortened
    monkeypatch.setattr(candidates, "SECONDS_PER_FILE", 6.0)  # a fresh worker loads the models, 1 to 2 s on a busy machine
    good = sorted(p.stem for p in cif_folder.glob("*.cif"))
    for more in good[NEIGHBOURS:]:
        (cif_folder / f"{more}.cif").unlink()
    del good[NEIGHBOURS:]
    (cif_folder / f"{name}.cif").write_text("data_x\n")
    source = Hostile(cif_folder)
    found = list(candidates.predict_safely(source, ScreenModels.in_use(ensemble), tmp_path, list(source.shards()), workers=2))
    assert sorted(i for part in found for i in part.table["candidate_id"]) == good
    assert [(r.candidate_id, r.reason) for part in found for r in part.rejected] == [(name, Reason.READER_LOST)]
