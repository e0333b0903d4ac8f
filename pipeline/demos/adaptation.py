"""Prior-regularised adaptation of a pretrained network (arXiv 2310.01647): digits in quarter turns, and frames of crystals."""

from __future__ import annotations

import numpy as np
import torch

from models.published.adaptation import distance_to_standard
from models.published.quarter_turns import EPOCHS, experiment
from pipeline.demos.crystals import exact_examples, well_known
from pipeline.demos.demonstration import Check, Demonstration
from pipeline.demos.figures import dots

LOSS, DROP, ZERO, UPRIGHT = 0.03, 0.2, 1e-10, 0.9


def demonstrate(smoke: bool, seed: int) -> Demonstration:
    """Pretrain on upright digits, adapt with and without the prior, and test on turned digits."""
    torch.set_num_threads(1)
    found = experiment(seed, 1 if smoke else EPOCHS)
    upright, turned, adapted = found["upright"], found["turned"], found["prior: turned"]
    identity, free = found["prior: identity"], found["no prior: identity"]
    agreement, prior = min(found["prior: agreement"], found["no prior: agreement"]), prior_of_equivalent_frames()
    checks = [
        Check(
            "turned digits cost the pretrained network > 0.2", f"{upright - turned:.3f}", _unless(smoke, turned <= upright - DROP)
        ),
        Check("adapted with the prior, they cost < 0.03", f"{upright - adapted:.3f}", _unless(smoke, adapted >= upright - LOSS)),
        Check("all four turns of an image get one prediction: 100 %", f"{agreement:.1%}", agreement == 1.0),
        Check("upright images left upright, with the prior: > 0.9", f"{identity:.3f}", _unless(smoke, identity > UPRIGHT)),
        Check("without the prior: fewer", f"{free:.3f}", _unless(smoke, free < identity)),
        Check("prior is 0 for every frame equivalent under the point group, < 1e-10", f"{prior:.0e}", prior < ZERO),
    ]
    rows = [[name, f"{value:.3f}"] for name, value in found.items()]
    shown = {name.replace(": ", ",\n"): [value] for name, value in found.items() if "turned" in name or name == "upright"}
    figure = dots("Test accuracy on digits, upright and in quarter turns", "accuracy", shown)
    return Demonstration("Adaptation of a pretrained network to turned digits", ("quantity", "test"), rows, checks, figure)


def prior_of_equivalent_frames() -> float:
    """The largest prior loss of a frame that shows a crystal as its standard frame does, over well-known crystals."""
    vectors = exact_examples(list(well_known().values())).vectors
    assert vectors is not None
    standard = torch.from_numpy(np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0])
    worst = 0.0
    for first, last in zip(vectors.rotation_ptr[:-1], vectors.rotation_ptr[1:], strict=True):
        group = torch.from_numpy(vectors.rotation[first:last]).double()
        worst = max(worst, float(distance_to_standard(standard @ group, standard, group).max()))
    return worst


def _unless(smoke: bool, passed: bool) -> bool | None:
    return None if smoke else passed
