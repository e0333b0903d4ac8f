"""Where known antiferromagnets and known ferromagnets stand, with and without the risk of antiferromagnetism in the score.

    python -m benchmarks.antiferromagnets RUN     # the folder of a finished screen of icsd_candidates.parquet

Both rankings have the same predictions: `as-calculated` scores by µ0·Ms at the lower end of the interval, `high-ms` by that times
P(FM). A compound is looked for by its formula and space group; of several crystals the one that stands highest counts.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.smoke import arguments
from pipeline.demos.figures import markdown
from pipeline.screening.profiles import PROFILES
from pipeline.screening.ranking import in_order
from pipeline.screening.runs import find_run
from pipeline.settings import settings

HIGH = 250  # places


@dataclass(frozen=True)
class Known:
    """A compound whose order has been measured."""

    formula: str  # reduced, as the ranking writes it
    temperature_K: float  # of ordering, rounded
    space_group: int | None = None  # of the ordered compound above that temperature; None: any


# Néel temperatures from neutron diffraction and susceptibility, as collected in the standard tables (Landolt-Börnstein III/27;
# Coey, Magnetism and Magnetic Materials, 2010; Goodenough, Magnetism and the Chemical Bond, 1963).
ANTIFERROMAGNETS = (
    Known("MnO", 118),
    Known("FeO", 198),
    Known("CoO", 291),
    Known("CuO", 230),
    Known("MnF2", 67, 136),
    Known("NiF2", 73, 136),
    Known("Cr2O3", 308, 167),
    Known("Fe2O3", 950, 167),
    Known("MnS", 152, 225),
    Known("MnSe", 135, 225),
    Known("MnTe", 307, 194),
    Known("MnO2", 92, 136),
    Known("LaFeO3", 740, 62),
    Known("LaCrO3", 290, 62),
    Known("LaMnO3", 140, 62),
    Known("YFeO3", 645, 62),
    Known("KMnF3", 88),
    Known("MnCO3", 32, 167),
    Known("FeF3", 363, 167),
    Known("CoF3", 460, 167),
    Known("LiFePO4", 52, 62),
    Known("CrN", 286, 225),
    Known("Mn2As", 573, 129),
    Known("FeSn", 368, 191),
    Known("MnNi", 1070, 123),
    Known("MnPt", 975, 123),
    Known("CrSb2", 273, 58),
    Known("EuTe", 10, 225),
    Known("UO2", 31, 225),
    Known("Ca2Fe2O5", 720, 62),
    Known("FeCl2", 24, 166),
    Known("BaMnO3", 220),
    Known("Fe2SiO4", 65, 62),
    Known("CrCl3", 14),
)
# Curie temperatures, from the same tables
FERROMAGNETS = (
    Known("Fe", 1044, 229),
    Known("Co", 1388),
    Known("Ni", 628, 225),
    Known("FeCo", 1250, 221),
    Known("Fe3C", 483, 62),
    Known("Fe2B", 1015, 140),
    Known("FeB", 598, 62),
    Known("Fe3Si", 803, 225),
    Known("MnCo2Si", 985, 225),
    Known("MnNiSb", 730, 216),
    Known("MnGaNi2", 376, 225),
    Known("MnSb", 587, 194),
    Known("MnBi", 630, 194),
    Known("MnAl", 650, 123),
    Known("Mn5Ge3", 304, 193),
    Known("YCo5", 987, 191),
    Known("Y2Fe17", 324),
    Known("Y2Co17", 1167),
    Known("EuS", 17, 225),
    Known("CrO2", 396, 136),
    Known("YFe2", 545, 227),
    Known("ZrFe2", 588, 227),
    Known("FeNi", 840),
    Known("CoS2", 122, 205),
    Known("SrRuO3", 160, 62),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = str(arguments(parser, lambda made: [made.run()]).run)  # before settings(): a smoke run has a home of its own
    screened = find_run(settings(), run)
    orders = {name: in_order(screened.ranking(), PROFILES[name]) for name in ("as-calculated", "high-ms")}
    for title, known in (("antiferromagnets", ANTIFERROMAGNETS), ("ferromagnets", FERROMAGNETS)):
        found = places(known, orders)
        print(f"\n{len(found)} known {title}\n")
        print(table(found))
        lower, best = (found["high-ms"] > found["as-calculated"]).sum(), (found[list(orders)] <= HIGH).sum()
        places_ = " → ".join(f"{found[name].median():.0f}" for name in orders)
        print(f"\n{lower} of {len(found)} stand lower with P(FM); median place {places_}")
        print(f"in the first {HIGH}: {' → '.join(str(best[name]) for name in orders)}")


def places(known: tuple[Known, ...], orders: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Formula, temperature, candidate, P(FM), AFM risk and both places of those that are among the candidates."""
    rows, named = [], list(orders.items())
    first = orders["as-calculated"]
    for compound in known:
        here = (first["formula"] == compound.formula) & (
            True if compound.space_group is None else first["space_group"] == compound.space_group
        )
        if not here.any():
            continue
        best = first[here].iloc[0]
        rows.append({
            "formula": compound.formula, "T, K": compound.temperature_K, "candidate": best["candidate_id"],
            "moment, µB/atom": best["moment_muB_per_atom"], "P(FM)": best["p_ferromagnetic"], "AFM risk": best["afm_risk"],
            **{name: int(order.loc[order["candidate_id"] == best["candidate_id"], "rank"].iloc[0]) for name, order in named},
        })  # fmt: skip
    return pd.DataFrame(rows)


def table(found: pd.DataFrame) -> str:
    digits = {"moment, µB/atom": 2, "P(FM)": 2, "AFM risk": 2, "T, K": 0}
    shown = found.assign(**{name: found[name].map(f"{{:.{n}f}}".format) for name, n in digits.items()})
    return markdown(list(shown.columns), shown.astype(str).to_numpy().tolist())


if __name__ == "__main__":
    main()
