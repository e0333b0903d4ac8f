"""Predicted net moments against measured ones: papers, structures solved by neutrons, twenty named magnets.

    python -m benchmarks.measured_moments ../shared/data [--smoke]

Nothing is looked up, except for the named magnets, whose table has both. The measured rows are for testing: "new" ones have a
chemical system that neither the ensemble (training and validation rows of mp_magnets) nor the model of experiments (training
rows of the literature) has learned from. The reductions of the 4f moment were chosen on the papers' rows; `crystal_field` repeats
that choice by cross-validation over chemical systems. Files: mp_magnets, icsd_candidates, mp_site_moments and literature/.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from benchmarks.named_magnets import NAMED
from benchmarks.smoke import arguments
from benchmarks.solved_structures import sensible
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.elements import FROZEN_4F, LANTHANOIDS
from data.labels import TESLA_PER_MUB_PER_A3
from data.sources.literature.tables import amounts_of, composition_key
from pipeline.demos.figures import markdown
from pipeline.features.descriptors import compositions, descriptor_names
from pipeline.featurise import featurise
from pipeline.magnetism.experiment import predicted_columns, with_experiment
from pipeline.magnetism.known_orders import known_from_experiment, nothing_known
from pipeline.magnetism.moment_constants import FITTED, MomentConstants
from pipeline.magnetism.moment_facts import LEAST_P, moment_facts
from pipeline.magnetism.order_descriptors import order_descriptors
from pipeline.registry.order_models import experiment_model, order_classifier
from pipeline.registry.shipped import shipped_model
from pipeline.screening.answer_columns import ordering_columns
from pipeline.training.member_weights import system_folds

AT_ONCE = 256
FOLDS = 5
MIN_4F = 0.05  # µB/atom
ACTINIDES = range(89, 104)
ANIONS = (7, 8, 9, 16, 17, 34, 35)
SHARES = {"p_ferromagnetic": "FM", "p_ferrimagnetic": "FiM"}
REDUCTIONS = np.arange(0.5, 1.101, 0.05)
CLASSES = ("rare earth with 3d", "rare earth without 3d", "5f", "oxides and halides", "3d metals", "other")


def predicted(crystals: list[Crystal]) -> pd.DataFrame:
    """What the models say, one row a crystal that has a graph; the index is its place."""
    ensemble, classifier, experiment = shipped_model(), order_classifier(), experiment_model().model
    assert ensemble is not None
    parts = []
    for start in range(0, len(crystals), AT_ONCE):
        part = crystals[start : start + AT_ONCE]
        read = featurise(part, ensemble.needs)
        graphs, said = read.examples.graphs, ensemble.predict(read.examples)
        fast = read.examples.descriptors[:, : len(descriptor_names())]
        of_order = order_descriptors(read.cells, fast, said.p_magnetic >= LEAST_P, ensemble.graph_settings)
        table = pd.DataFrame(
            {
                "formula": [part[k].formula for k in read.kept.tolist()], "space_group": [c.space_group for c in read.cells],
                "atoms": [frozenset(c.numbers.tolist()) for c in read.cells], "moment_muB_per_atom": said.moment,
                "moment_low": said.low, "moment_high": said.high, "p_magnetic": said.p_magnetic, "ood_score": said.ood_score,
                "anions": [float(np.isin(c.numbers, ANIONS).mean()) for c in read.cells],
                "volume_per_atom": graphs.volume_per_atom.astype(np.float64),
                **ordering_columns(said.p_magnetic, classifier.predict(of_order)),
                **predicted_columns(experiment, compositions(graphs)), **moment_facts(graphs, read.cells, said.p_magnetic),
            },
            index=start + read.kept,
        )  # fmt: skip
        parts.append(table)
    return pd.concat(parts)


def with_orders(table: pd.DataFrame, look_up: bool = False, constants: MomentConstants = FITTED) -> pd.DataFrame:
    """The columns of a ranking, from `predicted`."""
    known = known_from_experiment(table["formula"], table["space_group"], None) if look_up else nothing_known(table.index)
    return with_experiment(table, known, TESLA_PER_MUB_PER_A3 / table["volume_per_atom"], constants)


def kind_of(row: pd.Series) -> str:
    """The first of CLASSES that fits."""
    three_d = row["typical_d"] >= MIN_4F
    magnetic_4f = bool(row["atoms"] & (LANTHANOIDS - {57, 71}))
    fits = (
        magnetic_4f and three_d, magnetic_4f, bool(row["atoms"] & set(ACTINIDES)), row["anions"] >= 0.4, three_d, True,
    )  # fmt: skip
    return CLASSES[fits.index(True)]


def read(cifs: Iterable[str]) -> tuple[list[Crystal], list[int]]:
    """(crystals, the places of those that could be read)."""
    found = [next(iter(read_cif(str(text), "", str(k)))) for k, text in enumerate(cifs)]
    kept = [k for k, item in enumerate(found) if isinstance(item, Crystal)]
    return [item for item in found if isinstance(item, Crystal)], kept


def joined(rows: pd.DataFrame, keep_cif: bool = False) -> pd.DataFrame:
    """Rows of a table with a column `cif`, with what is predicted of them; `truth` and others stay."""
    crystals, kept = read(rows["cif"])
    said = predicted(crystals)
    said = said.drop(columns=[name for name in said if name in rows])
    left = rows.iloc[kept].reset_index(drop=True).drop(columns=[] if keep_cif else "cif").loc[said.index]
    return pd.concat([left, said], axis=1).reset_index(drop=True)


def papers(data: Path, keep_cif: bool = False) -> pd.DataFrame:
    """Compositions with a measured moment and a crystal; of several crystals of one composition the first."""
    measured = pd.read_parquet(data / "literature/measured_moments.parquet")
    truth = measured.groupby("key").agg(truth=("muB_per_atom", "median"), literature=("split", "first"))
    wanted = ["material_id", "formula", "cif"]
    labelled = pd.read_parquet(data / "mp_magnets.parquet", columns=[*wanted, "magnetization_muB_per_atom"])
    others = pd.read_parquet(data / "icsd_candidates.parquet", columns=wanted)
    table = pd.concat([labelled, others], ignore_index=True)
    table = table.assign(key=table["formula"].map({f: _key(f) for f in table["formula"].unique()}))
    table = table[table["key"].isin(truth.index)].drop_duplicates("key")
    table = table.join(truth, on="key").rename(columns={"magnetization_muB_per_atom": "label"}).sort_values("material_id")
    return joined(table, keep_cif)


def solved(data: Path, keep_cif: bool = False) -> pd.DataFrame:
    """Magnetic structures; of several of one formula and order the one measured at the lowest temperature."""
    table = pd.read_parquet(data / "literature/magnetic_structures.parquet")
    table = table.sort_values(["experiment_K", "magndata_id"]).drop_duplicates(["formula", "order"])
    table = table.rename(columns={"net_moment_muB_per_atom": "truth", "split": "literature"})
    return joined(table.assign(sensible=sensible(table)), keep_cif)


def calculated(data: Path) -> pd.DataFrame:
    """Test rows of the site moments; `sizes` is the sum of the sizes of the site moments, the parallel sum."""
    table = pd.read_parquet(data / "mp_site_moments.parquet")
    table = table[(table["split"] == "test") & (table["n_sites"] <= 100)]
    moments = [np.asarray(row, dtype=np.float64) for row in table["site_magmoms_muB"]]
    table = table.assign(
        truth=[abs(m.sum()) / len(m) for m in moments], sizes=[np.abs(m).sum() / len(m) for m in moments], literature="val"
    )
    return joined(table.drop(columns="site_magmoms_muB"))


def scores(rows: pd.DataFrame, column: str) -> list[str]:
    """Number, mean and median error (µB/atom), rank correlation."""
    known = rows[rows[column].notna()]
    if len(known) < 3:
        return [str(len(known)), "-", "-", "-"]
    error = (known[column] - known["truth"]).abs()
    rank = spearmanr(known[column], known["truth"])[0]
    return [str(len(known)), f"{error.mean():.3f}", f"{error.median():.3f}", f"{rank:.2f}"]


def compare(rows: pd.DataFrame, groups: dict[str, pd.Series], columns: dict[str, str]) -> str:
    """A table: one line a group and column, with the share of truths that the net moment's interval holds."""
    lines = []
    for name, here in groups.items():
        part = rows[here]
        for column, title in columns.items():
            low, high = f"{column}_low", f"{column}_high"
            known = low in part and high in part and len(part)
            share = f"{part['truth'].between(part[low] - 1e-3, part[high] + 1e-3).mean():.2f}" if known else ""
            lines.append([name, title, *scores(part, column), share])
    return markdown(["rows", "value", "n", "mean error", "median", "rank correlation", "interval holds"], lines)


def crystal_field(rows: pd.DataFrame) -> str:
    """Reductions of light and heavy 4f moments, chosen on four fifths of the chemical systems and tested on the others."""
    rows = rows[(rows["light_4f"] + rows["heavy_4f"] >= MIN_4F) & (rows["spin_4f"] < MIN_4F)].reset_index(drop=True)
    d = rows["moment_3d"].to_numpy(np.float64)
    light, heavy, truth = (rows[name].to_numpy(np.float64) for name in ("light_4f", "heavy_4f", "truth"))
    systems = chemical_systems(rows).tolist()

    def errors(c_light: float, c_heavy: float) -> np.ndarray:
        away: np.ndarray = np.abs(np.abs(d + c_light * light - c_heavy * heavy) - truth)
        return away

    if len(set(systems)) < FOLDS:
        return "too few rare-earth compounds to choose reductions"
    grid = [(a, b) for a in REDUCTIONS for b in REDUCTIONS]
    every = np.stack([errors(a, b) for a, b in grid])
    found, chosen = np.zeros(len(rows)), []
    for others, left_out in system_folds(systems, FOLDS):
        best = int(every[:, others].mean(axis=1).argmin())
        found[left_out] = every[best, left_out]
        chosen.append("({:.2f}, {:.2f})".format(*grid[best]))
    return (
        f"{len(rows)} rows: mean error {errors(1.0, 1.0).mean():.3f} µB/atom with g_J·J, {found.mean():.3f} with reductions "
        f"(light, heavy) chosen in cross-validation: {' '.join(chosen)}"
    )


def named(data: Path) -> str:
    """The twenty named magnets, with the embedded handbook's orders as any user has them."""
    ids = [one.material_id for one in NAMED if one.material_id]
    table = pd.read_parquet(data / "mp_magnets.parquet", columns=["material_id", "cif"], filters=[("material_id", "in", ids)])
    texts = dict(zip(table["material_id"], table["cif"], strict=True))
    there = [one for one in NAMED if not one.material_id or one.material_id in texts]
    crystals = [
        read([texts[one.material_id]])[0][0] if one.material_id else Crystal.from_pymatgen(one.structure(), one.formula)
        for one in there
    ]
    said = with_orders(predicted(crystals), look_up=True)
    lines, errors = [], []
    for one, row in zip(there, said.to_dict("records"), strict=True):
        errors.append(abs(row["moment_net"] - one.measured_muB_per_atom))
        interval = f"{row['moment_net_low']:.2f} to {row['moment_net_high']:.2f}"
        lines.append(
            [one.formula, f"{one.measured_muB_per_atom:.2f}", f"{row['moment_net']:.2f}", interval,
             f"{row['moment_muB_per_atom']:.2f}", row["moment_explained"].split("; ")[0]]
        )  # fmt: skip
    head = ["compound", "measured", "net moment", "interval", "DFT forecast", "explanation"]
    return f"{markdown(head, lines)}\n\nMean error {np.mean(errors):.3f} µB/atom, median {np.median(errors):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = arguments(parser, lambda made: [made.measured()])
    both = {"moment_net": "net moment", "moment_if_fm_or_fim": "given FM or FiM", "moment_muB_per_atom": "DFT forecast"}
    seen = pd.read_parquet(options.data / "mp_magnets.parquet", columns=["chemsys", "split"])
    seen_systems = frozenset(seen["chemsys"][seen["split"] != "test"])
    print(named(options.data))
    of_papers = with_orders(papers(options.data))
    kinds = of_papers.apply(kind_of, axis=1)
    groups = {kind: kinds == kind for kind in CLASSES}
    earths = kinds.isin(CLASSES[:2])
    groups |= {"rare earths": earths, "rare earths, new": earths & _new(of_papers, seen_systems)}
    print("\n## Papers\n\n" + compare(of_papers, groups, {**both, "label": "label"}))
    print("\n" + crystal_field(of_papers))
    asked = solved(options.data)
    structures = with_orders(asked).assign(given_order=given_order(asked, asked["order"]))
    wrong = structures[~structures["sensible"]]
    print(f"\nSet aside, a moment on an ion with closed shells or atoms missing: {', '.join(wrong['formula']) or 'none'}")
    structures = structures[structures["sensible"]].reset_index(drop=True)
    frozen = structures["atoms"].map(lambda atoms: not atoms.isdisjoint(FROZEN_4F))
    fresh = _new(structures, seen_systems)
    fm, fim = structures["order"].eq("FM"), structures["order"].eq("FiM/canted")
    groups = {
        "FM, frozen 4f": fm & frozen, "FM, frozen 4f, new": fm & frozen & fresh, "FM, others": fm & ~frozen,
        "FM, others, new": fm & ~frozen & fresh, "FiM, canted": fim, "FiM, canted, new": fim & fresh,
        "FiM, canted, without 4f": fim & ~frozen, "FM, FiM, canted": fm | fim, "AFM": structures["order"].eq("AFM"),
        "all": fm | True,
    }  # fmt: skip
    others = {"given_order": "given its order", "sum_abs_moment_muB_per_atom": "sum of sizes"}
    print("\n## Solved structures\n\n" + compare(structures, groups, {**both, **others}))
    asked = calculated(options.data)
    parallel = asked["moment_muB_per_atom"] / asked["p_magnetic"].clip(lower=0.05)
    sites = with_orders(asked).assign(given_order=given_order(asked, asked["ordering"]), all_parallel=parallel)
    groups = {name: sites["ordering"].eq(name) for name in ("FM", "FiM", "AFM")} | {"all": sites["truth"].notna()}
    others = {"given_order": "given its order", "all_parallel": "predicted sum of sizes", "sizes": "sum of sizes"}
    print("\n## Site moments of calculations, test rows\n\n" + compare(sites, groups, {**both, **others}))


def given_order(asked: pd.DataFrame, order: pd.Series) -> pd.Series:
    """The net moment that would be predicted if it were known that the d moments are FM or FiM; 0 for antiferromagnets."""
    known = {name: order.str.startswith(kind).astype(float) for name, kind in SHARES.items()}
    said = with_orders(asked.assign(**known))["moment_if_fm_or_fim"]
    return said.mask(order.eq("AFM"), 0.0)


def _new(rows: pd.DataFrame, seen: frozenset[str]) -> pd.Series:
    return ~chemical_systems(rows).isin(seen) & rows["literature"].eq("val")


def chemical_systems(rows: pd.DataFrame) -> pd.Series:
    """Of each row's formula."""
    return rows["formula"].map(lambda f: "-".join(sorted(amounts_of(f) or {})))


def _key(formula: str) -> str:
    amounts = amounts_of(formula)
    return "" if amounts is None else composition_key(amounts)


if __name__ == "__main__":
    main()
