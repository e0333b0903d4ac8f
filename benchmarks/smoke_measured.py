"""The folder that measured_moments and label_evidence read, made of the built-in starter set; its numbers mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from data.sources.literature.tables import amounts_of, composition_key

EVERY = 3  # of the compositions have a label that the sources contradict
SOURCE_MUB_PER_A3 = 0.1


def write_measured(folder: Path, magnets: Path, candidates: Path, site_moments: Path) -> Path:
    """mp_magnets, icsd_candidates, mp_site_moments and literature/ with made-up measurements.

    Args:
        folder: where to.
        magnets: labelled crystals.
        candidates: crystals without labels.
        site_moments: crystals with signed site moments.
    """
    (folder / "literature").mkdir(parents=True)
    labelled, signed = pd.read_parquet(magnets), pd.read_parquet(site_moments)
    keys = labelled["formula"].map(lambda formula: composition_key(amounts_of(formula) or {"Fe": 1.0}))
    first = labelled.assign(key=keys).drop_duplicates("key").reset_index(drop=True)
    wrong = keys.isin(first["key"][::EVERY])
    labels = labelled["magnetization_muB_per_atom"].mask(wrong, 0.0)
    labelled.assign(magnetization_muB_per_atom=labels, label_tier="A").to_parquet(folder / "mp_magnets.parquet")
    pd.read_parquet(candidates).to_parquet(folder / "icsd_candidates.parquet")
    signed.to_parquet(folder / "mp_site_moments.parquet")
    measured = pd.DataFrame({"key": first["key"], "muB_per_atom": 1.0 + 0.1 * np.arange(len(first)) % 1.0, "split": "train"})
    measured.to_parquet(folder / "literature/measured_moments.parquet")
    newer = pd.DataFrame({"key": first["key"], "set": "made up", "muB_per_A3": SOURCE_MUB_PER_A3})
    newer.to_parquet(folder / "literature/dft_magnetisation_by_composition.parquet")
    net = [abs(float(np.sum(m))) / len(m) for m in signed["site_magmoms_muB"]]
    sizes = [float(np.abs(m).sum()) / len(m) for m in signed["site_magmoms_muB"]]
    solved = signed[["formula", "cif", "split"]].assign(
        magndata_id=signed["material_id"], order=signed["ordering"].replace("FiM", "FiM/canted"), experiment_K=5.0,
        net_moment_muB_per_atom=net, sum_abs_moment_muB_per_atom=sizes,
        site_moments_muB=[json.dumps([[0.0, 0.0, float(z)] for z in m]) for m in signed["site_magmoms_muB"]],
    )  # fmt: skip
    solved.to_parquet(folder / "literature/magnetic_structures.parquet")
    return folder
