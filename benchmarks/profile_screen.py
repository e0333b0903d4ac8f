"""Where the time of a screen goes, stage by stage, on one core.

    python -m benchmarks.profile_screen FOLDER MODEL_FOLDER [--shards 20]

FOLDER holds CIF files, MODEL_FOLDER is one of `$FERROSCREEN_HOME/models/`. The shards are drawn evenly from the folder; the
stages are those that a worker process runs, in its order.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.smoke import arguments, shipped_model
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.sources import Record
from data.sources.cif_folder import CifFolder
from data.symmetry import symmetrise
from pipeline.featurise import featurise_cells
from pipeline.registry.ensemble import Ensemble
from pipeline.screening.candidates import predict_shard
from pipeline.screening.screen_models import ScreenModels

spent: defaultdict[str, float] = defaultdict(float)  # s


@contextmanager
def stage(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    spent[name] += time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--shards", type=int, default=20)
    options = arguments(parser, lambda made: [made.cif_folder(), shipped_model(), "--shards", 1])
    torch.set_num_threads(1)
    source, ensemble = CifFolder(options.folder), Ensemble(options.model)
    models = ScreenModels.in_use(ensemble)
    _ = ensemble.members
    with stage("list the folder"):
        shards = list(source.shards())
    listed = sum(shard.size for shard in shards)
    with stage("names, sizes, times"):
        source.identity()
    chosen = shards[:: max(1, len(shards) // options.shards)][: options.shards]
    predict_shard(source, models, Path("unused"), chosen[0])  # loads what is loaded once
    crystals = 0
    for shard in chosen:
        with stage("read the files"):
            texts = [Path(entry.path).read_text() for entry in shard.part]
        with stage("CIF to crystal, without the disk"):
            for text in texts:
                list(read_cif(text, "file", "x"))
        with stage("CIF to crystal, all of it"):
            records = [item for item in source.read(shard) if isinstance(item, Record)]
        with stage("symmetry"):
            cells = [symmetrise(record.crystal) for record in records if isinstance(record.crystal, Crystal)]
        with stage("graphs, directions and descriptors"):
            read = featurise_cells(cells, ensemble.needs)
        with stage("ensemble"):
            ensemble.predict(read.examples)
        crystals += len(cells)
    for shard in chosen:
        with stage("a worker's whole task"):
            predicted = predict_shard(source, models, Path("unused"), shard)
        with stage("result to the parent"):
            pickle.loads(pickle.dumps(predicted))
    print(f"{crystals} crystals, {sum(len(c.numbers) for c in cells) / len(cells):.1f} sites in the last shard's primitive cells")
    for name, seconds in spent.items():
        count = listed if name in ("list the folder", "names, sizes, times") else crystals
        print(f"{name:<34} {seconds / count * 1e6:8.1f} µs a crystal")


if __name__ == "__main__":
    main()
