"""A model that travels without its data still knows its training crystals, by hashes and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.snapshot import open_snapshot
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.dedup.trained import FILE, KEY, NAME, hashes, pack, snapshot_fingerprints, trained_on
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.registry.shipped import ship, shipped_model
from pipeline.screening.profiles import find_profile
from pipeline.screening.screen import screen
from pipeline.settings import Settings
from tests.contract.crystals import hand_built

ONE_MB = 1_000_000


def test_what_is_kept(tmp_path: Path) -> None:
    content, told = pack(["225|8:1|26:1", "229|26:1", "229|26:1"])
    (tmp_path / FILE).write_bytes(content)
    manifest = {"id": "m", KEY: told}
    assert told["fingerprints"] == 2
    found = trained_on(tmp_path, manifest, ["229|26:1", "229|24:1", "225|8:1|26:1"])
    assert found is not None and found.tolist() == [True, False, True]
    assert trained_on(tmp_path, {"id": "m"}, ["229|26:1"]) is None, "a model that does not say"
    assert len(set(hashes(["a", "b", "a"]).tolist())) == 2 and hashes(["a"]).dtype == np.uint64
    assert b"225" not in (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="damaged"):
        trained_on(tmp_path, manifest, ["a"])


def test_the_shipped_model_has_them() -> None:
    shipped = shipped_model()
    assert shipped is not None
    assert shipped.manifest[KEY]["fingerprints"] > 50_000 and (shipped.folder / FILE).stat().st_size < ONE_MB
    found = trained_on(shipped.folder, shipped.manifest, ["229|26:1", "225|3:1|9:1", "no fingerprint"])
    assert found is not None and found.tolist() == [True, True, False], "bcc iron and LiF are in the Materials Project"


def test_explore_sets_training_crystals_aside_without_the_data(trained_home: Path, tmp_path: Path) -> None:
    where = Settings(home=trained_home, workers=1)
    model = open_model(where.models)
    shipped = ship(model, where, tmp_path / "pretrained")
    snapshot = open_snapshot(where.snapshots, model.manifest["snapshot"])
    assert shipped.manifest[KEY]["fingerprints"] == len(set(snapshot_fingerprints(snapshot, 0.01, 1)))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "iron.cif").write_text("""data_iron
_cell_length_a 2.87
_cell_length_b 2.87
_cell_length_c 2.87
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'I m -3 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Fe 0 0 0
""")
    (folder / "other.cif").write_text(hand_built()["MnWO4"].to_pymatgen().to(fmt="cif"))
    home = Settings(home=tmp_path / "home", workers=1)  # without a snapshot
    done = screen(candidate_source([folder], Columns()), shipped, tmp_path / "out", home, Quiet(), find_profile("explore"))
    rows = done.ranking().set_index("candidate_id")
    assert rows["known_id"].to_dict() == {"iron": NAME, "other": ""} and rows["known_moment"].isna().all()
    assert NAME in rows["exclusion_reason"]["iron"] and rows["exclusion_reason"]["other"] == ""
    assert done.manifest["known"] == 1 and done.manifest["known_from"] == "fingerprints"
