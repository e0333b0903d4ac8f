"""Conditions for a moment ensemble to be used, independent of other models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.crystal import Crystal
from data.labels import MAGNETIC_THRESHOLD
from data.sources import Record
from data.sources.starter import StarterSource
from models.contract import Examples
from pipeline.evaluation.metrics import coverage_by_bin
from pipeline.evaluation.shares import wilson
from pipeline.featurise import featurise
from pipeline.registry.ensemble import Ensemble
from pipeline.training.member_selection import VARIES

BAND = (0.87, 0.93)  # coverage of the 90 % interval in each range of predicted moments
MAGNETIC_COVERAGE = 0.85
FEWEST_ROWS = 30  # of a range, to be asked
BATCH = 1e-4  # µB/atom between a crystal alone and among others
ASKED_ALONE = 6  # crystals


def gates(model: Ensemble) -> list[str]:
    """The conditions that a model does not meet, one sentence each."""
    held_out = model.held_out()
    said = held_out[["moment_muB_per_atom", "moment_low", "moment_high", "moment_std", "p_magnetic"]].to_numpy(np.float64)
    if not np.isfinite(said).all():
        return ["predictions of its test rows are not finite"]
    faults = []
    if np.ptp(said[:, 0]) < VARIES:
        faults.append("it says the same of every test row")
    if not model.manifest.get("gate_passed", True):
        faults.append("none of its members is better than a constant with confidence")
    return [*faults, *_coverage_faults(held_out), *_batch_faults(model)]


def _coverage_faults(held_out: pd.DataFrame) -> list[str]:
    """Ranges whose coverage is out of the band beyond what chance explains."""
    truth, moment, low, high = (
        held_out[name].to_numpy(np.float64) for name in ("moment_dft", "moment_muB_per_atom", "moment_low", "moment_high")
    )
    faults = []
    for row in coverage_by_bin(truth, moment, low, high):
        if row["n"] < FEWEST_ROWS:
            continue
        least, most = (float(x[0]) for x in wilson(np.array([row["coverage"]]), np.array([row["n"]])))
        if least > BAND[1] or most < BAND[0]:
            faults.append(
                f"its 90 % interval holds {row['coverage']:.1%} of {row['n']} test rows predicted from {row['low']:g} µB/atom on"
            )
    magnetic = truth > MAGNETIC_THRESHOLD
    if magnetic.sum() >= FEWEST_ROWS:
        share = float(((truth >= low) & (truth <= high))[magnetic].mean())
        if float(wilson(np.array([share]), np.array([magnetic.sum()]))[1][0]) < MAGNETIC_COVERAGE:
            faults.append(f"its 90 % interval holds {share:.1%} of the magnetic test rows only")
    return faults


def _batch_faults(model: Ensemble) -> list[str]:
    """Whether crystals of the starter set get the same predictions alone and in a batch."""
    examples = starter_examples(model)
    together = model.predict(examples).moment
    alone = np.array([model.predict(examples.take(np.array([k]))).moment[0] for k in range(len(examples))])
    worst = float(np.abs(together - alone).max())
    return [] if worst <= BATCH else [f"a crystal alone and among others differ by {worst:.2g} µB/atom"]


def starter_examples(model: Ensemble) -> Examples:
    source = StarterSource()
    records = [item for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)]
    crystals = [record.crystal for record in records if isinstance(record.crystal, Crystal)]  # all of them are ordered
    some = crystals[:: max(len(crystals) // ASKED_ALONE, 1)]
    return featurise(some, model.needs).examples  # without slow descriptors, which are allowed to be absent
