"""What members of published models say of the validation and test rows of their snapshot, as a table for other benchmarks.

    python -m benchmarks.held_out ../shared/data/mp_magnets.parquet --models HOME/models/ID/MEMBER,... --out held_out.parquet

Columns: material_id, chemsys, split (val or test), icsd, moment_dft (µB/atom), and for each member moment_<family>-<seed>
(µB/atom) and p_<family>-<seed> (probability of being magnetic). A member that this version of the code cannot load is named
and left out. `baseline_boosting` (µB/atom) is scikit-learn's gradient boosting on the Magpie descriptors, volume and size of the
cell (METHODS: 600 iterations, 63 leaves, rate 0.06), trained on the training rows.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.learning_curve import find_snapshot
from benchmarks.smoke import arguments
from flows.console import Console
from models.contract import Examples, Model, ModelError
from models.families import family
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names
from pipeline.features.neighbours import GraphSettings
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.splits import split_rows

ROWS_AT_A_TIME = 1024
SIZE = "atoms in the primitive cell"


def main() -> None:
    options = _options()
    where, console = settings(), Console()
    members = load(options.models.split(","), console)
    data = labelled_examples(
        find_snapshot(options.table, where, console), GraphSettings(), DescriptorSet.FAST,
        any(m.reads_vectors for m in members.values()), where, console,
    )  # fmt: skip
    split = split_rows(data.table)
    rows = np.concatenate([split.validation, split.test])
    table = data.table.select(["material_id", "chemsys"]).take(rows).to_pandas()
    extra = pq.read_table(options.table, columns=["material_id", "icsd"]).to_pandas().drop_duplicates("material_id")
    table = table.merge(extra, on="material_id", how="left", validate="many_to_one")
    examples = data.examples.take(rows)
    columns = {"split": np.repeat(["val", "test"], [len(split.validation), len(split.test)]), "moment_dft": examples.targets()}
    for name, model in members.items():
        started, said = time.monotonic(), []
        for k in range(0, len(rows), ROWS_AT_A_TIME):
            said.append(model.predict(examples.take(np.arange(k, min(k + ROWS_AT_A_TIME, len(rows))))))
        columns[f"moment_{name}"] = np.concatenate([part.moment for part in said])
        columns[f"p_{name}"] = np.concatenate([part.p_magnetic for part in said])
        console.say(f"{name}: {len(rows)} rows in {time.monotonic() - started:.0f} s")
    columns["baseline_boosting"] = boosting(data.examples, split.train, rows)
    table.assign(**columns).to_parquet(options.out, index=False)


def boosting(examples: Examples, train: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The baseline's word on some rows."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    names = descriptor_names()
    seen = [k for k, name in enumerate(names) if name.startswith("MagpieData") or name in ("volume per atom", SIZE)]
    known = examples.descriptors[:, seen]
    model = HistGradientBoostingRegressor(max_iter=600, learning_rate=0.06, max_leaf_nodes=63, random_state=0)
    said: NDArray[np.float64] = model.fit(known[train], examples.targets()[train]).predict(known[rows])
    return np.maximum(said, 0.0)


def load(folders: list[str], console: Console) -> dict[str, Model]:
    """The members by name, each from the folder it was saved in; a later one of the same name replaces an earlier one."""
    found: dict[str, Model] = {}
    for folder in map(Path, folders):
        try:
            found[folder.name] = family(folder.name.rsplit("-", 1)[0]).load(folder)
        except ModelError as fault:
            console.say(f"left out: {fault}")
    return found


def read(path: Path, part: str) -> tuple[pd.DataFrame, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(table, moments by member, probabilities by member) of one part."""
    table = pd.read_parquet(path)
    table = table[table["split"] == part].reset_index(drop=True)
    names = [c.removeprefix("moment_") for c in table.columns if c.startswith("moment_") and c != "moment_dft"]
    return (
        table,
        {n: table[f"moment_{n}"].to_numpy(np.float64) for n in names},
        {n: table[f"p_{n}"].to_numpy(np.float64) for n in names},
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--models", required=True, help="folders of saved members, comma-separated")
    parser.add_argument("--out", type=Path, required=True)
    return arguments(parser, lambda made: [made.magnets(), "--models", ",".join(map(str, made.members())), "--out", made.out()])


if __name__ == "__main__":
    main()
