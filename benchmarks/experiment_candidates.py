"""Where measured magnets stand among the candidates, and what the models of experiments cost in a screen.

    python -m benchmarks.experiment_candidates RUN ../shared/data/literature [--before RUN]    # folders of finished screens
    python -m benchmarks.experiment_candidates --cost ../shared/data/icsd_candidates.parquet [--crystals 3000]

RUN is a screen of icsd_candidates.parquet by the default profile. Antiferromagnets and ferromagnets are those of
`benchmarks.antiferromagnets`. Their places before are those by the profile `high-ms` in RUN, or in a screen of an earlier release
whose P(FM) did not yet know experiments. A compound of Gd or Eu counts where the tables have its Curie temperature. The second
form predicts some crystals in this process and says which share of the time their order and temperatures take.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.antiferromagnets import ANTIFERROMAGNETS, FERROMAGNETS, HIGH, Known
from benchmarks.smoke import arguments
from data.crystal import Crystal
from data.sources import Record
from data.sources.literature.tables import TEMPERATURES, amounts_of, composition_key
from data.sources.parquet import Columns, ParquetSource
from pipeline.demos.figures import markdown
from pipeline.features.descriptors import compositions
from pipeline.featurise import featurise
from pipeline.magnetism.experiment import predicted_columns
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.shipped import choose_model
from pipeline.screening.candidates import predict_shard
from pipeline.screening.profiles import PROFILES
from pipeline.screening.ranking import in_order
from pipeline.screening.runs import find_run
from pipeline.screening.screen_models import ScreenModels
from pipeline.settings import Settings, settings

NOW, BEFORE = "permanent-magnet", "high-ms"
COLD_K = 100.0
COLD_ELEMENTS = ("Gd", "Eu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("literature", type=Path, nargs="?")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--cost", type=Path)
    parser.add_argument("--crystals", type=int, default=3000)
    options = arguments(parser, lambda made: [made.run(), made.literature()])
    if options.cost is not None:
        print(cost(options.cost, options.crystals))
    elif options.run is None or options.literature is None:
        parser.error("name a run and the folder of literature tables, or --cost")
    else:
        runs = {BEFORE: options.before or options.run, NOW: options.run}
        print(report({name: _ordered(run, name) for name, run in runs.items()}, options.literature))


def _ordered(run: Path, profile: str) -> pd.DataFrame:
    """The ranking of a run by a profile; one that was ranked by it stays as it is, whatever columns its release had."""
    found = find_run(settings(), str(run))
    ranking = found.ranking()
    return ranking if found.manifest["profile"] == profile else in_order(ranking, PROFILES[profile])


def report(orders: dict[str, pd.DataFrame], literature: Path) -> str:
    """The three checks, with the compounds that fail them."""
    down, up, cold = places(ANTIFERROMAGNETS, orders), places(FERROMAGNETS, orders), cold_compounds(literature, orders[NOW])
    risen = up[up[NOW] < up[BEFORE]]
    lines = [
        [f"measured antiferromagnets in the first {HIGH}", f"{(down[BEFORE] <= HIGH).sum()}", f"{(down[NOW] <= HIGH).sum()}"],
        [f"compounds of Gd and Eu with a measured Tc below {COLD_K:g} K in the first {HIGH}", "", f"{len(cold)}"],
        [f"ferromagnets that stand higher, of {len(up)}", "", f"{len(risen)}"],
        [f"ferromagnets in the first {HIGH}", f"{(up[BEFORE] <= HIGH).sum()}", f"{(up[NOW] <= HIGH).sum()}"],
    ]
    high = ", ".join(down.loc[down[NOW] <= HIGH, "formula"]) or "none"
    fallen = ", ".join(f"{r['formula']} {r[BEFORE]} → {r[NOW]}" for _, r in up[up[NOW] >= up[BEFORE]].iterrows()) or "none"
    named = f"Antiferromagnets: {high}\n\nGd and Eu: {', '.join(cold) or 'none'}\n\nFerromagnets no higher: {fallen}"
    return f"{markdown(['', BEFORE, NOW], lines)}\n\n{named}"


def places(known: tuple[Known, ...], orders: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """formula, and the best place of its crystals in each order, of the compounds that are among the candidates."""
    rows = []
    for compound in known:
        found: dict[str, Any] = {"formula": compound.formula}
        for name, table in orders.items():
            here = table["formula"] == compound.formula
            if compound.space_group is not None:
                here &= table["space_group"] == compound.space_group
            found[name] = table.loc[here, "rank"].min()
        rows.append(found)
    return pd.DataFrame(rows).dropna().astype(dict.fromkeys(orders, int))


def cold_compounds(literature: Path, ranked: pd.DataFrame) -> list[str]:
    """Formulas with Gd or Eu in the first HIGH places whose measured Curie temperature is below COLD_K."""
    table = pd.read_parquet(literature / TEMPERATURES, columns=["key", "kind", "T_K", "recommended"])
    measured = table[table["recommended"] & (table["kind"] == "Tc")].set_index("key")["T_K"]
    found = []
    for formula in ranked.head(HIGH)["formula"].unique():
        amounts = amounts_of(formula) or {}
        if any(e in amounts for e in COLD_ELEMENTS) and measured.get(composition_key(amounts), COLD_K) < COLD_K:
            found.append(str(formula))
    return found


def cost(path: Path, rows: int) -> str:
    """The share of a shard's time that order and temperatures take, in one process whose models are loaded."""
    where = Settings()
    models = ScreenModels.in_use(choose_model(where), where)
    ensemble, model = Ensemble(models.moment), PublishedExperimentModel(models.experiment).model
    with tempfile.TemporaryDirectory() as aside:
        part = Path(aside) / "part.parquet"
        pd.read_parquet(path, columns=["material_id", "cif"]).head(rows).to_parquet(part)
        source = ParquetSource(part, labelled=False, columns=Columns())
        whole = ours = 0.0
        for k, shard in enumerate([next(iter(source.shards())), *source.shards()]):
            records = [item for item in source.read(shard) if isinstance(item, Record)]
            crystals = [record.crystal for record in records if isinstance(record.crystal, Crystal)]
            mix = compositions(featurise(crystals, ensemble.needs).examples.graphs)
            start = time.perf_counter()
            predicted_columns(model, mix)
            middle = time.perf_counter()
            predict_shard(source, models, where.descriptors, shard)
            if k:  # the first one loads models and compiles trees
                ours, whole = ours + middle - start, whole + time.perf_counter() - middle
    return f"{rows:,} crystals: {whole:.1f} s, of which order and temperatures {ours:.2f} s ({ours / whole:.1%})"


if __name__ == "__main__":
    main()
