"""Fingerprints of the labelled crystals that a model was made with, for a model that travels without its data.

Eight bytes of a hash a fingerprint (pipeline/dedup/fingerprint.py), sorted: no structure, no id, no label. A candidate whose
fingerprint is among them is probably one of these crystals. It may be another one, since a fingerprint knows space group,
elements and multiplicities, but neither lengths nor coordinates; only the data themselves decide that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from data.errors import UserError
from data.snapshot import Snapshot
from data.store.artifact import file_hash
from pipeline.dedup.known import known_crystals

FILE = "fingerprints.safetensors"
KEY = "fingerprints"  # of the manifest: {"file": hash of FILE, "fingerprints": how many}
NAME = "in the training data"  # where an id would stand, of training, validation and test rows
_TENSOR = "sha256_first_8_bytes"


def hashes(fingerprints: Iterable[str]) -> NDArray[np.uint64]:
    """(n,) the hash of each fingerprint, in its order."""
    return np.array([int.from_bytes(hashlib.sha256(one.encode()).digest()[:8], "big") for one in fingerprints], dtype=np.uint64)


def pack(fingerprints: Iterable[str]) -> tuple[bytes, dict[str, Any]]:
    """The content of FILE, and what a model's manifest says of it below KEY."""
    found = np.unique(hashes(fingerprints))
    content = save({_TENSOR: found})
    return content, {"file": hashlib.sha256(content).hexdigest(), "fingerprints": len(found)}


def snapshot_fingerprints(snapshot: Snapshot, symprec_A: float, workers: int) -> list[str]:
    """Of all crystals of a snapshot: those that a model learned from, was calibrated on and was tested on."""
    formulas = sorted(set(snapshot.table(["formula"]).column("formula").to_pylist()))
    return known_crystals(snapshot, formulas, symprec_A, workers).fingerprints


def stated_file(manifest: dict[str, Any]) -> str:
    """The hash of FILE that a model's manifest states; empty for a model without fingerprints."""
    return str(manifest[KEY]["file"]) if KEY in manifest else ""


def trained_on(folder: Path, manifest: dict[str, Any], fingerprints: Iterable[str]) -> NDArray[np.bool_] | None:
    """(n,) which of these fingerprints the training, validation or test rows of a model have; None where the model does not say.

    Raises:
        UserError: the file is damaged or missing.
    """
    stated = manifest.get(KEY)
    if stated is None:
        return None
    path = folder / FILE
    if not path.is_file() or file_hash(path) != stated["file"]:
        raise UserError(f"model {manifest['id']}: {FILE} is damaged or missing; restore it from the repository")
    return np.isin(hashes(fingerprints), load(path.read_bytes())[_TENSOR])
