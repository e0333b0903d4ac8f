"""Made-up measured values that anything learns: partners of a metal decide how it orders and at which temperature."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random

METALS = ("Cr", "Mn", "Fe", "Co", "Ni")
FERRO, ANTIFERRO = ("Nb", "Pt", "Ir"), ("Hf", "Re", "Hg")  # the first partner decides the order
SECOND = ("Rb", "Ac", "Cd", "Pa", "I", "Ra")  # and with it the temperature
AMOUNTS = (2, 3)
STEP_K, FIRST_K = 90.0, 60.0
OWN_K = 20.0  # a part of the temperature that nothing but the chemical system itself tells


def write_measured(folder: Path, metals: tuple[str, ...] = METALS) -> Path:
    """A folder with one table; of no chemical system in it has the shipped model learned."""
    lines = ["formula,kind,value_K,ref"]
    partners = (*((f, "Tc") for f in FERRO), *((a, "TN") for a in ANTIFERRO))
    for metal, (first, kind), (k, second), amount in product(metals, partners, enumerate(SECOND), AMOUNTS):
        own = Random(f"{metal}{first}{second}").uniform(-OWN_K, OWN_K)
        value = round(FIRST_K + STEP_K * k + 10.0 * amount + own, 1)
        lines.append(f"{metal}{amount}{first}{second},{kind},{value},doi:10.1/{metal}{first}{second}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "measured.csv").write_text("\n".join(lines) + "\n")
    return folder
