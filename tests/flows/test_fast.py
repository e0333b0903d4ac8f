"""`--fast`: the shipped ensemble of one network, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.jobs.predicting import PredictJob, predict
from pipeline.registry.shipped import fast_model
from pipeline.registry.shipped_folders import FAST

ALIKE = 0.3  # µB/atom, between one network and the ensemble that holds it

IRON = """data_Fe
_cell_length_a 2.866
_cell_length_b 2.866
_cell_length_c 2.866
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Fe1 Fe 0 0 0
Fe2 Fe 0.5 0.5 0.5
"""


def test_one_network_predicts_and_names_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path / "home"))
    (tmp_path / "iron.cif").write_text(IRON)
    done = {model: predict(PredictJob([str(tmp_path / "iron.cif")], model)) for model in (FAST, None)}
    fast = fast_model()
    assert fast is not None
    assert done[FAST].model == fast.id != done[None].model
    moments = [float(found.table["moment_muB_per_atom"].iloc[0]) for found in done.values()]
    assert 0 < abs(moments[0] - moments[1]) < ALIKE
