"""Slater-Pauling curves of five binary alloys, as means over approximants, beside measured moments.

    python -m benchmarks.disorder_alloys [--plot docs/slater_pauling.svg] [--smoke]

Each alloy is a disordered bcc or fcc crystal with a lattice parameter between those of the elements (Vegard's rule). What was
measured, and how sure it is, stands in `benchmarks/measured_alloys.py`. Measured moments hold the orbital moment, predicted
ones are spin moments of DFT; errors are given against both the whole and its spin part.

A second table tells the layer's errors from the model's: the same alloys with other lattice parameters, seeds, numbers and
sizes of approximants, and with the moment that the model expects if there is one at all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.measured_alloys import ALLOYS, CO, CR, FE, NI, Alloy, V
from data.disordered import DisorderedCrystal, Species
from data.sources.given import GivenCrystals
from data.store.artifact import write_bytes
from pipeline.demos.figures import LOOKS, markdown
from pipeline.disorder.approximants import DEFAULT, Approximants, ApproximantSettings
from pipeline.featurise import featurise
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.shipped import choose_model
from pipeline.report.svg import ROLES, draw
from pipeline.screening.predict import predict_here
from pipeline.settings import settings

LATTICE = {  # sites of the cubic cell; its edge for each element, Å (fcc Fe: extrapolated from Fe-Ni; bcc Co: from Fe-Co)
    "bcc": ([[0, 0, 0], [0.5, 0.5, 0.5]], {FE: 2.8665, CO: 2.825, V: 3.024, CR: 2.885}),
    "fcc": ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], {FE: 3.647, CO: 3.545, NI: 3.524}),
}
STEP = 0.05
STRAIN = 0.01  # of the lattice parameter; measured ones are within 0.5 % of Vegard's rule
SEEDS = (1, 2, 3)
MANY = replace(DEFAULT, fewest=8, in_all=1024)
LARGE = replace(MANY, sites=64)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--smoke", action="store_true", help="only Fe-Co at measured compositions, without the second table")
    chosen = parser.parse_args()
    alloys = ALLOYS[:1] if chosen.smoke else ALLOYS
    curves = {alloy.name: _predicted(alloy, chosen.smoke) for alloy in alloys}
    print(_errors(alloys, curves))
    for alloy in alloys:
        if alloy.assessment is not None:
            away = np.mean([alloy.assessment.at(x) - moment for x, moment in alloy.measured.items()])
            print(f"{alloy.name}: the thermodynamic assessment lies {away:+.3f} µB/atom from the measured moments")
    for alloy in alloys:
        table = curves[alloy.name].set_index("share").loc[list(alloy.measured)]
        lines = [
            (f"{x:.2f}", f"{measured:.2f}", f"{row.moment:.2f}", f"{row.low:.2f} to {row.high:.2f}", f"{row.spread:.3f}")
            for (x, measured), (_, row) in zip(alloy.measured.items(), table.iterrows(), strict=True)
        ]
        checked = alloy.check or "nothing, unsure"
        print(f"\n{alloy.name}, after {alloy.reference}; held against: {checked}\n")
        print(markdown(("share", "measured", "predicted", "90 % interval", "spread"), lines))
    if not chosen.smoke:
        print(f"\n{_sensitivity(choose_model(settings(), None))}")
    if chosen.plot:
        write_bytes(chosen.plot, _picture(curves).encode())


def _errors(alloys: tuple[Alloy, ...], curves: dict[str, pd.DataFrame]) -> str:
    head = (
        "system", "lattice", "compositions", "mean absolute error, µB/atom", "against the spin part",
        "share of the second at the maximum", "maximum, µB/atom",
    )  # fmt: skip
    rows, errors = [], []
    for alloy in alloys:
        curve = curves[alloy.name].set_index("share")["moment"]
        away = np.array([(abs(curve[x] - m), abs(curve[x] - alloy.spin_part(x))) for x, m in alloy.measured.items()])
        errors.append(away)
        whole, spin = (f"{error:.3f}" for error in away.mean(axis=0))
        rows.append((alloy.name, alloy.lattice, str(len(away)), whole, spin, f"{curve.idxmax():.2f}", f"{curve.max():.2f}"))
    whole, spin = np.concatenate(errors).mean(axis=0)
    return f"{markdown(head, rows)}\n\nmean absolute error of all: {whole:.3f} µB/atom; against the spin part {spin:.3f}\n"


def _sensitivity(model: Ensemble) -> str:
    """What the mean over approximants owes to the layer: mean absolute change of the prediction, and the error."""
    measured = np.array([moment for alloy in ALLOYS for moment in alloy.measured.values()])
    usual = _moments(model, DEFAULT)
    rows = [("as a screen begins", "", f"{np.abs(usual - measured).mean():.3f}")]
    for name, moments in _variants(model):
        rows.append((name, f"{np.abs(moments - usual).mean():.3f}", f"{np.abs(moments - measured).mean():.3f}"))
    return markdown(("what is varied", "mean absolute change, µB/atom", "mean absolute error, µB/atom"), rows)


def _variants(model: Ensemble) -> Iterator[tuple[str, np.ndarray]]:
    for strain in (-STRAIN, STRAIN):
        yield f"lattice parameter {strain:+.0%}", _moments(model, DEFAULT, strain)
    for seed in SEEDS:
        yield f"seed {seed}", _moments(model, replace(DEFAULT, seed=seed))
    yield "eight approximants", _moments(model, MANY)
    yield "eight approximants of 64 sites", _moments(model, LARGE)
    yield "moment divided by the probability of one", _moments(model, DEFAULT, whole=True)


def _moments(model: Ensemble, how: ApproximantSettings, strain: float = 0.0, whole: bool = False) -> np.ndarray:
    """Means over the fewest approximants, of all alloys at all measured compositions; µB/atom."""
    found = []
    for alloy in ALLOYS:
        for share in alloy.measured:
            made = Approximants(_crystal(alloy, share, strain), how)
            said = model.predict(featurise(made.make(made.fewest), model.needs).examples)
            moments = said.moment / said.p_magnetic if whole else said.moment
            found.append(float(made.weights(made.fewest) @ moments))
    return np.array(found)


def _predicted(alloy: Alloy, few: bool) -> pd.DataFrame:
    shares = sorted(alloy.measured) if few else sorted({*np.arange(0, alloy.last + STEP / 2, STEP).round(2), *alloy.measured})
    crystals = [_crystal(alloy, float(share)) for share in shares]
    table, _ = predict_here(GivenCrystals(crystals), choose_model(settings(), None), settings())
    columns = {"moment_muB_per_atom": "moment", "moment_low": "low", "moment_high": "high", "approximant_spread": "spread"}
    return table.assign(share=table["candidate_id"].astype(float)).rename(columns=columns).sort_values("share")


def _crystal(alloy: Alloy, share: float, strain: float = 0.0) -> DisorderedCrystal:
    places, edges = LATTICE[alloy.lattice]
    first, second = alloy.elements
    edge = (1 + strain) * ((1 - share) * edges[first] + share * edges[second])
    occupants = tuple(Species(z, x, None) for z, x in sorted(((first, 1 - share), (second, share))) if x > 0)
    frac = np.array(places, dtype=np.float64)
    return DisorderedCrystal(f"{share:.4f}", edge * np.eye(3), frac, np.zeros(len(frac), dtype=np.int64), (occupants,))


def _picture(curves: dict[str, pd.DataFrame]) -> str:
    """Moments over the mean number of electrons: lines are predicted, marks measured."""

    def paint(axes: Axes) -> None:
        for alloy, (colour, mark, line) in zip(ALLOYS, LOOKS, strict=False):
            first, second = alloy.elements
            curve = curves[alloy.name]
            axes.plot(first + (second - first) * curve["share"], curve["moment"], line, color=ROLES[colour], label=alloy.name)
            shares = np.array(list(alloy.measured))
            axes.plot(first + (second - first) * shares, list(alloy.measured.values()), mark, color=ROLES[colour], markersize=4)
        axes.set_xlabel("mean atomic number (lines: predicted, marks: measured)")
        axes.set_ylabel("moment, µB/atom")
        axes.legend(frameon=False)

    return draw("slater-pauling", "Slater-Pauling curves of five alloys, predicted and measured", paint)


if __name__ == "__main__":
    main()
