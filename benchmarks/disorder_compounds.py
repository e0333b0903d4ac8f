"""Trends of solid solutions between iron and cobalt compounds, predicted and measured.

    python -m benchmarks.disorder_compounds [--literature FOLDER] [--smoke]

Each solid solution is a CIF file with iron and cobalt on the same sites, and a lattice between those of its ends. Moments are
compared by their shape: where the maximum lies, and how much the moment of each composition differs from that of the first.
With a folder of measured values (`measured_moments.parquet`, `transition_temperatures.parquet`), every measured composition
of a series is listed beside its prediction; its references are in these tables.

Measured shapes that are not in the tables are written from memory, and unsure where nothing is said of a check:
    (Fe,Co)2B: Cadeville and Daniel, J. Phys. (Paris) 27, 449 (1966). Fe2B has 173 A m2/kg, 1.90 µB per Fe, after the
        introduction of Magnetochemistry 9, 109 (2023), read there; the moment falls all the way to Co2B, 0.76 µB per Co.
    Y(Co,Fe)5: 8.3 µB per formula of YCo5 is in the table; iron raises it as far as the phase exists, to about x = 0.2.
    Sm2(Co,Fe)17: Ray and Strnat, IEEE Trans. Magn. 8, 516 (1972): the saturation has its maximum at 60 to 70 % iron.
    Y2(Fe,Co)14B: the table has three compositions, after Andreev and Bartashevich (1990).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import symbol
from data.disordered import AnyCrystal, DisorderedCrystal
from data.rejection import Rejection
from data.sources.given import GivenCrystals
from pipeline.demos.figures import markdown
from pipeline.registry.shipped import choose_model
from pipeline.screening.predict import predict_here
from pipeline.settings import settings

SHARES = tuple(k / 10 for k in range(11))
SAME = 0.012  # sum of the differences of atomic fractions, within which a measured composition is that of a series
MOMENTS, TEMPERATURES = "measured_moments.parquet", "transition_temperatures.parquet"


@dataclass(frozen=True)
class Series:
    """A solid solution: its first end has no iron or no cobalt, as `elements` begins; edges in Å of both ends."""

    name: str
    elements: tuple[str, str]
    group: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    others: str  # sites of other elements: label, symbol, coordinates
    shared: tuple[str, ...]  # coordinates of the shared sites
    last: float  # share of the second element up to which the phase exists
    measured: str  # the shape

    def cif(self, share: float) -> str:
        """A file of one composition."""
        edges = [a + share * (b - a) for a, b in zip(*self.ends, strict=True)]
        gamma = 90 if self.group.startswith(("I", "P 42")) else 120
        mixed = [(name, x) for name, x in zip(self.elements, (1.0 - share, share), strict=True) if x > 0]
        sites = [f"{name}{k} {name} {place} {x:.4f}" for k, place in enumerate(self.shared) for name, x in mixed]
        others = [f"{line} 1" for line in self.others.splitlines()]
        loop = "\n".join((
            "loop_", "_atom_site_label", "_atom_site_type_symbol", "_atom_site_fract_x", "_atom_site_fract_y",
            "_atom_site_fract_z", "_atom_site_occupancy", *others, *sites,
        ))  # fmt: skip
        cell = f"_cell_length_a {edges[0]:.4f}\n_cell_length_b {edges[0]:.4f}\n_cell_length_c {edges[1]:.4f}"
        angles = f"_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma {gamma}"
        return f"data_{share:.4f}\n{cell}\n{angles}\n_space_group_name_H-M_alt '{self.group}'\n{loop}\n"


SERIES = (
    Series(
        "(Fe,Co)2B", ("Fe", "Co"), "I 4/m c m", ((5.110, 4.249), (5.016, 4.220)), "B1 B 0 0 0.25", ("0.1661 0.6661 0",), 1.0,
        "falls all the way, by 60 % to Co2B",
    ),
    Series(
        "Y(Co,Fe)5", ("Co", "Fe"), "P 6/m m m", ((4.937, 3.978), (5.07, 4.03)), "Y1 Y 0 0 0",
        ("0.333333 0.666667 0", "0.5 0 0.5"), 0.3, "rises with iron",
    ),
    Series(
        "Sm2(Co,Fe)17", ("Co", "Fe"), "R -3 m :H", ((8.402, 12.172), (8.557, 12.448)), "Sm1 Sm 0 0 0.3435",
        ("0 0 0.0965", "0.5 0 0.5", "0.2900 0 0", "0.5015 0.4985 0.1550"), 1.0, "maximum at 60 to 70 % iron",
    ),
    Series(
        "Y2(Fe,Co)14B", ("Fe", "Co"), "P 42/m n m", ((8.757, 12.026), (8.60, 11.71)),
        "Y1 Y 0.268 0.268 0\nY2 Y 0.140 -0.140 0\nB1 B 0.371 -0.371 0",
        (
            "0.223 0.567 0.127", "0.037 0.360 0.176", "0.098 0.098 0.204", "0.317 0.317 0.246", "0.5 0.5 0.114",
            "0 0.5 0",
        ), 1.0, "falls (tables: by 5 % to 30 % cobalt)",
    ),
)  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--literature", type=Path, help="folder of the tables of measured values")
    parser.add_argument("--smoke", action="store_true", help="three compositions of the first series")
    chosen = parser.parse_args()
    rows = []
    for series in SERIES[:1] if chosen.smoke else SERIES:
        measured = [] if chosen.literature is None else list(_measured(series, chosen.literature))
        shares = SHARES[::5] if chosen.smoke else sorted({*(x for x in SHARES if x <= series.last), *(m[0] for m in measured)})
        curve = _predicted(series, shares)
        moment, net, warm = (curve[name] for name in ("moment_muB_per_atom", "moment_net", "saturation_300K_T"))
        change = moment / moment.iloc[0] - 1.0
        rows.append((
            series.name, series.measured, f"{moment.idxmax():.2f}", f"{change.max():+.0%}", f"{change.iloc[-1]:+.0%}",
            f"{moment.iloc[0]:.2f} to {moment.iloc[-1]:.2f}", f"{net.iloc[0]:.2f} to {net.iloc[-1]:.2f}",
            f"{warm.idxmax():.2f} ({warm.max():.2f} T)",
        ))  # fmt: skip
        print(f"{series.name}, by the share of {series.elements[1]}\n\n{_table(curve, measured)}\n")
    head = (
        "solid solution", "measured", "share at the predicted maximum", "change to the maximum", "change to the end",
        "moment, µB/atom", "net moment, µB/atom", "share at the maximum of µ0·Ms at 300 K",
    )  # fmt: skip
    print(markdown(head, rows))


def _predicted(series: Series, shares: list[float] | tuple[float, ...]) -> pd.DataFrame:
    """Predictions by share."""
    crystals = [replace(_crystal(series, share), id=f"{share:.4f}") for share in shares]
    table, rejected = predict_here(GivenCrystals(crystals), choose_model(settings(), None), settings())
    assert not rejected, rejected[0].detail
    return table.assign(share=table["candidate_id"].astype(float)).set_index("share").sort_index()


def _crystal(series: Series, share: float) -> AnyCrystal:
    read = next(read_cif(series.cif(share), "", "", Disorder.AVERAGE))
    assert not isinstance(read, Rejection), read.detail
    return read


def _measured(series: Series, folder: Path) -> Iterator[tuple[float, str, float, float]]:
    """(share, what, mean of the values, their number) of each composition of the series in the tables."""
    tables = ((MOMENTS, "muB_per_atom", "moment"), (TEMPERATURES, "T_K", "Tc"))
    for name, column, what in tables:
        table = pd.read_parquet(folder / name)
        table = table[table["kind"] == "Tc"] if "kind" in table else table
        values: dict[float, list[float]] = {}
        for composition, value in zip(table["composition"], table[column], strict=True):
            share = _share(series, json.loads(composition))
            if share is not None:
                values.setdefault(share, []).append(float(value))
        for share, several in sorted(values.items()):
            yield share, what, float(pd.Series(several).median()), len(several)


def _share(series: Series, fractions: dict[str, float]) -> float | None:
    """The share of the second element, where a composition is of the series."""
    shared = [fractions.get(name, 0.0) for name in series.elements]
    if sum(shared) == 0 or not {"Fe", "Co"} & set(fractions):
        return None
    share = round(shared[1] / sum(shared), 2)
    own = _fractions(series)
    merged = {name: x for name, x in fractions.items() if name not in series.elements} | {"T": sum(shared)}
    apart = sum(abs(own.get(name, 0.0) - merged.get(name, 0.0)) for name in own.keys() | merged.keys())
    return share if apart < SAME and share <= series.last else None


def _fractions(series: Series) -> dict[str, float]:
    """Atomic fractions, of the shared sites together under the name T."""
    crystal = _crystal(series, 0.5)
    assert isinstance(crystal, DisorderedCrystal)
    found: dict[str, float] = {}
    for z, n in crystal.composition.items():
        name = "T" if symbol(z) in series.elements else symbol(z)
        found[name] = found.get(name, 0.0) + n / crystal.n_atoms
    return found


def _table(curve: pd.DataFrame, measured: list[tuple[float, str, float, float]]) -> str:
    told: dict[tuple[Hashable, str], str] = {
        (share, what): f"{value:.2f} ({n})" if what == "moment" else f"{value:.0f} ({n})" for share, what, value, n in measured
    }
    lines = [
        (
            f"{share:.2f}", f"{row.moment_muB_per_atom:.3f}", f"{row.moment_net:.3f}", told.get((share, "moment"), ""),
            f"{row.saturation_300K_T:.2f}",
            f"{row.tc_K:.0f}", told.get((share, "Tc"), ""), f"{row.n_approximants if pd.notna(row.n_approximants) else 1:.0f}",
        )
        for share, row in curve.iterrows()
    ]  # fmt: skip
    head = (
        "share", "moment, µB/atom", "net moment", "measured (values)", "µ0·Ms at 300 K, T", "Tc, K", "measured (values)",
        "approximants",
    )  # fmt: skip
    return markdown(head, lines)


if __name__ == "__main__":
    main()
