"""The whole calibrated answer beside CHGNet: the same CIF files to a table, each with all cores, in one run.

    pip install chgnet==0.4.2          # the peer; without it its line is left out
    python -m benchmarks.whole_answer FOLDER [--files 2000] [--peer-files 60]

FOLDER holds CIF files, of which some are taken evenly. Ours: moments of the shipped ensemble with intervals, probabilities of the
orders, Curie temperatures, net moments, the out-of-domain score and the ranking, worker processes included. CHGNet 0.4.2 (Deng
et al. 2023): pymatgen reads the files, the network predicts energies and site moments in batches of 16. Loading the networks
counts on our side only. A crystal takes CHGNet so long that it gets a part of the files, taken evenly.

Two rates are printed: by the clock, and by processor time of all processes, which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.smoke import arguments
from data.sources.cif_folder import CifFolder
from pipeline.ops.parallel import copied_workers, default_workers
from pipeline.registry.shipped import choose_model
from pipeline.screening.predict import predict_source
from pipeline.settings import settings

PEER_BATCH = 16  # CHGNet's own default
MISSING = "chgnet is not installed (pip install chgnet==0.4.2): no peer"


@dataclass(frozen=True)
class Rate:
    """Files per second of the clock and of processor time."""

    files: int
    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.files:>6} files {self.clock:>9,.1f}/s of the clock {self.processor:>9,.1f}/s of processor time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--peer-files", type=int, default=60)
    options = arguments(parser, lambda made: [made.cif_folder(), "--files", 8, "--peer-files", 2])
    every = sorted(options.folder.rglob("*.cif"))
    places = np.unique(np.linspace(0, len(every) - 1, min(options.files, len(every))).astype(int))
    show([every[k] for k in places], options.peer_files)


def show(files: list[Path], peer_files: int) -> None:
    """Print both rates and their ratio. No network may have run in this process before.

    Args:
        files: CIF files.
        peer_files: how many of them CHGNet gets.
    """
    print(f"{default_workers()} cores, CIF files to a table")
    ours = measured(our_answer, files)
    print(f"the whole calibrated answer  {ours}", flush=True)
    if importlib.util.find_spec("chgnet") is None:
        print(MISSING)
        return
    step = max(1, len(files) // peer_files)
    theirs = measured(Chgnet().answer, files[::step][:peer_files])
    print(f"CHGNet 0.4.2, site moments   {theirs}")
    print(f"ratio {ours.clock / theirs.clock:.1f} by the clock, {ours.processor / theirs.processor:.1f} by processor time")


def measured(answer: Callable[[list[Path]], pd.DataFrame], files: list[Path]) -> Rate:
    """How fast a way of answering is."""
    began, spent = time.perf_counter(), _processor_s()
    table = answer(files)
    seconds, used = time.perf_counter() - began, _processor_s() - spent
    if len(table) < 0.9 * len(files):
        raise RuntimeError(f"only {len(table)} of {len(files)} files got an answer")
    return Rate(len(files), len(files) / seconds, len(files) / used)


def our_answer(files: list[Path]) -> pd.DataFrame:
    """One row a crystal, as `ferroscreen predict` makes it."""
    with tempfile.TemporaryDirectory() as folder:
        for k, file in enumerate(files):
            shutil.copyfile(file, Path(folder) / f"{k:06d}.cif")
        with copied_workers():
            where = settings()
            return predict_source(CifFolder(Path(folder)), choose_model(where), where)[0]


class Chgnet:
    """The peer, loaded."""

    def __init__(self) -> None:
        from chgnet.model.model import CHGNet

        torch.set_num_threads(default_workers())
        self.model = CHGNet.load(use_device="cpu", verbose=False)

    def answer(self, files: list[Path]) -> pd.DataFrame:
        """The sum of the site moments (µB/atom) of each file."""
        from pymatgen.core import Structure

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structures = [Structure.from_file(file) for file in files]
            said = self.model.predict_structure(structures, task="em", batch_size=PEER_BATCH)
        said = said if isinstance(said, list) else [said]  # of a single structure it is no list
        moments = [float(np.sum(one["m"])) / len(structure) for one, structure in zip(said, structures, strict=True)]
        return pd.DataFrame({"file": [file.name for file in files], "moment_muB_per_atom": moments})


def _processor_s() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    for child in multiprocessing.active_children():
        child.join()
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
