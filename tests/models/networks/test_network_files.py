"""What only networks have to refuse: settings and tensors that do not belong together."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.contract import ModelError
from models.families import family, family_names
from models.networks.cgcnn import CGCNN
from models.networks.megnet import MEGNet
from models.networks.network_model import NetworkModel

KINDS = [CGCNN, MEGNet]
# the number of read-out steps shapes no tensor: only the manifest's hashes can guard it
SETTINGS = [(k, f.name) for k in KINDS for f in dataclasses.fields(k.settings_type) if f.name != "set2set_steps"]


def saved(kind: type[NetworkModel], folder: Path) -> dict[str, object]:
    torch.manual_seed(0)
    kind().save(folder)
    header: dict[str, object] = json.loads((folder / "model.json").read_text())
    return header


@pytest.mark.parametrize(("kind", "name"), SETTINGS)
@pytest.mark.parametrize("value", ["x", None, [3]])
def test_settings_of_another_type_are_refused(kind: type[NetworkModel], name: str, value: object, tmp_path: Path) -> None:
    header = saved(kind, tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(header | {"settings": header["settings"] | {name: value}}))
    with pytest.raises(ModelError):
        kind.load(tmp_path)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in SETTINGS if n != "reach_A"])
@pytest.mark.parametrize("value", [0, -1, 7])
def test_settings_of_another_size_are_refused(kind: type[NetworkModel], name: str, value: int, tmp_path: Path) -> None:
    header = saved(kind, tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(header | {"settings": header["settings"] | {name: value}}))
    with pytest.raises(ModelError):
        kind.load(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_missing_added_or_of_another_shape(kind: type[NetworkModel], tmp_path: Path) -> None:
    saved(kind, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    first = next(iter(weights))
    others = [
        {k: v for k, v in weights.items() if k != first},
        weights | {"surprise": torch.zeros(2)},
        weights | {first: torch.zeros(2, 3)},
    ]
    for tensors in others:
        save_file(tensors, tmp_path / "model.safetensors")
        with pytest.raises(ModelError, match="do not fit"):
            kind.load(tmp_path)


def test_loading_into_another_family_names_both(tmp_path: Path) -> None:
    saved(CGCNN, tmp_path)
    with pytest.raises(ModelError, match=r"cgcnn.*megnet"):
        MEGNet.load(tmp_path)


def test_unknown_family_names_the_known_ones() -> None:
    with pytest.raises(ModelError) as fault:
        family("os.system")
    assert "os.system" in str(fault.value)
    assert all(name in str(fault.value) for name in family_names())
