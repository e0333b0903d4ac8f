"""Spectral decoupling (arXiv 2011.09468): margins and gradients on two moons, and digits whose colour misleads."""

from __future__ import annotations

import torch

from models.published import coloured_digits
from models.published.spectral_decoupling import fixed_margin
from models.published.two_moons import EPOCHS, RUNS, measure
from pipeline.demos.demonstration import Check, Demonstration
from pipeline.demos.figures import dots

NEAR, GAIN, DECAYED, COLOUR = 0.03, 5.0, 0.25, 0.15
STRENGTH, STEPS = 0.3, 200


def demonstrate(smoke: bool, seed: int) -> Demonstration:
    """Train two moons with cross-entropy, decoupling and weight decay; then coloured digits with and without decoupling."""
    torch.set_num_threads(1)
    found = {run: measure(run, seed + 1, 20 if smoke else EPOCHS) for run in RUNS}
    rows = []
    for run, measured in found.items():
        end = f"{fixed_margin(run.strength):.3f}" if run.strength else ""
        rows.append([run.name, *(f"{measured[key]:.3f}" for key in ("R", "accuracy", "margin")), end])
    steps = 5 if smoke else STEPS
    accuracy = {c: coloured_digits.experiment(c, seed + 1, (steps,))[steps][1] for c in (0.0, STRENGTH)}
    rows += [[f"coloured digits, c = {c:g}, {steps} steps", "", f"{share:.3f}", "", ""] for c, share in accuracy.items()]
    _, starved, decoupled, _, decayed = (found[run]["R"] for run in RUNS)
    checks = [
        *(
            Check(f"mean abs(f) within 3 % of m*({run.strength:g})", f"{off:+.1%}", _unless(smoke, abs(off) < NEAR))
            for run in RUNS
            if run.strength
            for off in [found[run]["margin"] / fixed_margin(run.strength) - 1]
        ),
        Check(
            "gradient ratio R, decoupled over cross-entropy, > 5",
            f"{decoupled / starved:.1f}",
            _unless(smoke, decoupled > GAIN * starved),
        ),
        Check("R with weight decay (control) < 0.25", f"{decayed:.3f}", _unless(smoke, decayed < DECAYED)),
        Check(
            "coloured digits: decoupling adds > 0.15 of test accuracy",
            f"{accuracy[STRENGTH] - accuracy[0.0]:.3f}",
            _unless(smoke, accuracy[STRENGTH] - accuracy[0.0] > COLOUR),
        ),
    ]
    ratios = {run.name.replace(", ", ",\n"): [measured["R"]] for run, measured in found.items()}
    figure = dots(
        "Gradient along the hard coordinate over that along the easy one",
        "R",
        ratios,
    )
    return Demonstration(
        "Gradient starvation and spectral decoupling", ("run", "R", "test accuracy", "mean abs(f)", "m*(c)"), rows, checks, figure
    )


def _unless(smoke: bool, passed: bool) -> bool | None:
    return None if smoke else passed
