"""The sentence that says how a net moment comes about: a ferrimagnet whose sublattices leave nothing is one nevertheless."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.known_orders import nothing_known
from tests.pipeline.magnetism.test_net_moment import KEPT, laves, net

WORDS = "Fe on 4-fold sites against Fe on 6-fold sites"


@pytest.mark.parametrize(
    ("order", "p_magnetic", "beginning"),
    [
        ("", 0.95, f"d 0.00 µB/atom ferrimagnetic ({WORDS}: 0.00 of the sum) = 0.00; "),
        ("AFM", 0.95, "no net moment; "),
        ("", 0.05, "no net moment; "),
    ],
)
def test_sublattices_that_leave_nothing(order: str, p_magnetic: float, beginning: str) -> None:
    """They are named where the crystal probably orders as a ferrimagnet."""
    row = net([laves("Y")])
    row = row.drop(columns=[name for name in row if name.startswith("moment_") and name not in KEPT])
    row = row.assign(fim_share=0.0, fim_words=WORDS, p_ferromagnetic=0.1, p_ferrimagnetic=0.8, p_magnetic=p_magnetic)
    known = nothing_known(row.index).assign(known_order=order)
    said = with_experiment(row, known, pd.Series(1.0, index=row.index)).iloc[0]
    assert said.moment_explained.startswith(beginning)
    assert said.moment_3d == 0.0
