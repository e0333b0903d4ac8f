"""How many real disordered files are ranked, and how fast the mean over approximants settles.

    python -m benchmarks.disorder_files cif_quirks.parquet [--smoke]

A file counts whose first crystal is rejected by the policy `reject` for its partly occupied sites, and which pymatgen reads as a
disordered structure. It is ranked where `average` gives it a prediction; the composition of its approximants is held against that
of its sites. The convergence is measured on magnetic ones (a predicted moment above 0.05 µB/atom): the mean over few and small
approximants is compared with the mean over the largest set.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from data.checks import Unsound
from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import AnyCrystal, DisorderedCrystal
from data.rejection import Reason, Rejection
from data.sources.given import GivenCrystals
from models.contract import MAGNETIC_THRESHOLD
from pipeline.demos.figures import markdown
from pipeline.disorder.approximants import DEFAULT, Approximants, ApproximantSettings
from pipeline.featurise import featurise
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.shipped import choose_model
from pipeline.screening.predict import predict_here
from pipeline.settings import settings

LARGEST = ApproximantSettings(most=8, fewest=8, sites=64, most_sites=64, in_all=1024)
NUMBERS, SIZES = (1, 2, 4, 8), (8, 16, 32, 64)
STUDIED = 100


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="Parquet table with a column `cif`")
    parser.add_argument("--smoke", action="store_true", help="on every twentieth file")
    chosen = parser.parse_args()
    texts = pd.read_parquet(chosen.table, columns=["cif"])["cif"].tolist()
    where, model = settings(), choose_model(settings(), None)
    read = [_average(text) for text in texts[:: 20 if chosen.smoke else 1] if _is_disordered(text)]
    numbered = [_named(item, str(k)) for k, item in enumerate(read)]
    started = time.process_time()
    table, rejected = predict_here(GivenCrystals(numbered), model, where)
    seconds = time.process_time() - started
    share = len(table) / len(read)
    print(f"{len(read)} files, {len(table)} ranked ({share:.1%}), {seconds / len(read) * 1e3:.0f} ms of one core each\n")
    print(markdown(("reason", "files"), [(str(r), str(n)) for r, n in Counter(one.reason for one in rejected).most_common()]))
    for one in rejected:
        print(f"- {one.reason}: {one.detail}")
    ranked = set(table["candidate_id"])
    kept = {item.id: item for item in numbered if isinstance(item, DisorderedCrystal) and item.id in ranked}
    print(f"\nlargest error of a composition: {max(map(_composition_error, kept.values())):.2%}\n")
    magnetic = table[table["moment_muB_per_atom"] > MAGNETIC_THRESHOLD]["candidate_id"]
    studied = [kept[k] for k in magnetic if k in kept and kept[k].n_sites <= 64][: 3 if chosen.smoke else STUDIED]
    print(_convergence(studied, model))


def _is_disordered(text: str) -> bool:
    found = next(read_cif(text, "", ""), None)
    if not isinstance(found, Rejection) or found.reason is not Reason.PARTIAL_OCCUPANCY:
        return False
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return not CifParser(StringIO(text)).parse_structures(primitive=False, on_error="ignore")[0].is_ordered
        except Exception:  # whatever pymatgen raises
            return False


def _average(text: str) -> AnyCrystal | Rejection:
    return next(read_cif(text, "", "", Disorder.AVERAGE))


def _named(item: AnyCrystal | Rejection, name: str) -> AnyCrystal | Rejection:
    return replace(item, candidate_id=name) if isinstance(item, Rejection) else replace(item, id=name)


def _composition_error(crystal: DisorderedCrystal) -> float:
    """Sum of the differences of atomic fractions between the mean over the approximants and the crystal."""
    made = Approximants(crystal)
    total: dict[int, float] = {}
    for one, weight in zip(made.make(made.fewest), made.weights(made.fewest).tolist(), strict=True):
        for z in one.numbers.tolist():
            total[z] = total.get(z, 0.0) + weight / one.n_sites
    return sum(abs(total.get(z, 0.0) - n / crystal.n_atoms) for z, n in crystal.composition.items())


def _convergence(crystals: list[DisorderedCrystal], model: Ensemble) -> str:
    """Mean absolute difference to the largest set, µB/atom, by number and size."""
    largest = np.array([_means(crystal, LARGEST, model)[8] for crystal in crystals])
    rows = []
    for sites in SIZES:
        means = [_means(crystal, replace(DEFAULT, fewest=8, sites=sites, in_all=1024), model) for crystal in crystals]
        away = [np.mean([abs(found[n] - true) for found, true in zip(means, largest, strict=True)]) for n in NUMBERS]
        rows.append((str(sites), *(f"{x:.4f}" for x in away)))
    head = f"{len(crystals)} magnetic crystals, mean moment {largest.mean():.3f} µB/atom\n\n"
    return head + markdown(("sites aimed at", *(f"{n} approximants" for n in NUMBERS)), rows)


def _means(crystal: DisorderedCrystal, how: ApproximantSettings, model: Ensemble) -> dict[int, float]:
    """The mean moment over the first approximants, by their number; of fewer than a crystal needs, over as many as it needs."""
    made = Approximants(crystal, how)
    least = len(made.plan.counts)
    try:
        crystals: list[Crystal] = made.make(made.most)
    except Unsound:  # not in this size
        return dict.fromkeys(NUMBERS, float("nan"))
    moments = model.predict(featurise(crystals, model.needs).examples).moment
    used = {n: min(max(n, least), made.most) for n in NUMBERS}
    return {n: float(made.weights(k) @ moments[:k]) for n, k in used.items()}


if __name__ == "__main__":
    main()
