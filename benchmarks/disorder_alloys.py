"""Slater-Pauling curves of five binary alloys, as means over approximants, beside measured moments.

    python -m benchmarks.disorder_alloys [--plot docs/slater_pauling.svg] [--smoke]

Each alloy is a disordered bcc or fcc crystal with a lattice parameter between those of the elements (Vegard's rule). The measured
mean moments (saturation at low temperature) are transcribed from the published curves and good to about 0.05 µB/atom:
    Fe-Co: Bardos, J. Appl. Phys. 40, 1371 (1969). Fe-Ni: Crangle and Hallam, Proc. R. Soc. A 272, 119 (1963).
    Co-Ni: Bozorth, Ferromagnetism (1951). Fe-V: Nevitt and Aldred, J. Appl. Phys. 34, 463 (1963).
    Fe-Cr: Aldred, Phys. Rev. B 14, 219 (1976).
Only compositions are compared at which the measured alloy is a single phase of this lattice. Predictions are of the spin moment
in DFT, measurements hold the orbital moment as well (0.05 to 0.15 µB of iron and cobalt).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from data.disordered import DisorderedCrystal, Species
from data.sources.given import GivenCrystals
from data.store.artifact import write_bytes
from pipeline.demos.figures import LOOKS, markdown
from pipeline.registry.shipped import choose_model
from pipeline.report.svg import ROLES, draw
from pipeline.screening.predict import predict_here
from pipeline.settings import settings

FE, CO, NI, V, CR = 26, 27, 28, 23, 24
LATTICE = {  # sites of the cubic cell; its edge for each element, Å (fcc Fe: extrapolated from Fe-Ni; bcc Co: from Fe-Co)
    "bcc": ([[0, 0, 0], [0.5, 0.5, 0.5]], {FE: 2.8665, CO: 2.825, V: 3.024, CR: 2.885}),
    "fcc": ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], {FE: 3.647, CO: 3.545, NI: 3.524}),
}
STEP = 0.05


@dataclass(frozen=True)
class Alloy:
    """A system from the first element to `last` of the second, and its measured moments (µB/atom) by the second's share."""

    name: str
    elements: tuple[int, int]
    lattice: str
    last: float
    measured: dict[float, float]


ALLOYS = (
    Alloy(
        "Fe-Co", (FE, CO), "bcc", 0.7, {0.0: 2.22, 0.1: 2.32, 0.2: 2.41, 0.3: 2.45, 0.4: 2.42, 0.5: 2.36, 0.6: 2.27, 0.7: 2.15}
    ),
    Alloy("Ni-Fe", (NI, FE), "fcc", 0.6, {0.0: 0.62, 0.1: 0.83, 0.2: 1.05, 0.3: 1.27, 0.4: 1.48, 0.5: 1.68}),
    Alloy("Ni-Co", (NI, CO), "fcc", 1.0, {0.0: 0.62, 0.2: 0.84, 0.4: 1.07, 0.6: 1.29, 0.8: 1.52, 1.0: 1.75}),
    Alloy("Fe-V", (FE, V), "bcc", 0.3, {0.0: 2.22, 0.05: 2.05, 0.1: 1.88, 0.2: 1.54, 0.3: 1.17}),
    Alloy("Fe-Cr", (FE, CR), "bcc", 0.5, {0.0: 2.22, 0.05: 2.10, 0.1: 1.98, 0.2: 1.75, 0.3: 1.51, 0.5: 1.02}),
)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--smoke", action="store_true", help="only Fe-Co at measured compositions")
    chosen = parser.parse_args()
    alloys = ALLOYS[:1] if chosen.smoke else ALLOYS
    curves = {alloy.name: _predicted(alloy, chosen.smoke) for alloy in alloys}
    rows, errors = [], []
    for alloy in alloys:
        curve = curves[alloy.name].set_index("share")["moment"]
        away = [abs(curve[share] - moment) for share, moment in alloy.measured.items()]
        errors += away
        rows.append(
            (alloy.name, alloy.lattice, str(len(away)), f"{np.mean(away):.3f}", f"{curve.idxmax():.2f}", f"{curve.max():.2f}")
        )
    head = (
        "system",
        "lattice",
        "compositions",
        "mean absolute error, µB/atom",
        "share of the second at the maximum",
        "maximum, µB/atom",
    )
    print(markdown(head, rows))
    print(f"\nmean absolute error of all: {np.mean(errors):.3f} µB/atom\n")
    for alloy in alloys:
        table = curves[alloy.name].set_index("share").loc[list(alloy.measured)]
        lines = [
            (f"{x:.2f}", f"{alloy.measured[x]:.2f}", f"{row.moment:.2f}", f"{row.low:.2f} to {row.high:.2f}", f"{row.spread:.3f}")
            for x, row in table.iterrows()
        ]
        print(f"{alloy.name}\n\n{markdown(('share', 'measured', 'predicted', '90 % interval', 'spread'), lines)}\n")
    if chosen.plot:
        write_bytes(chosen.plot, _picture(curves).encode())


def _predicted(alloy: Alloy, few: bool) -> pd.DataFrame:
    shares = sorted(alloy.measured) if few else sorted({*np.arange(0, alloy.last + STEP / 2, STEP).round(2), *alloy.measured})
    crystals = [_crystal(alloy, float(share)) for share in shares]
    table, _ = predict_here(GivenCrystals(crystals), choose_model(settings(), None), settings())
    columns = {"moment_muB_per_atom": "moment", "moment_low": "low", "moment_high": "high", "approximant_spread": "spread"}
    return table.assign(share=table["candidate_id"].astype(float)).rename(columns=columns).sort_values("share")


def _crystal(alloy: Alloy, share: float) -> DisorderedCrystal:
    places, edges = LATTICE[alloy.lattice]
    first, second = alloy.elements
    edge = (1 - share) * edges[first] + share * edges[second]
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
