"""Each stage of a screen, and the whole, beside the peers: same crystals, same cores, one run.

    python -m benchmarks.engine TABLE.parquet [--crystals 2000] [--max-sites 60]

TABLE has `material_id` and `cif`. The crystals are rewritten as symmetrised CIF texts first (not timed). Peers: pymatgen's
CIF reader, matminer's Magpie featurizer with two processes, CGCNN as its first implementation runs it
(benchmarks/reference_cgcnn.py), matgl's MEGNet where matgl is installed, and CHGNet for the whole answer where that is installed
(benchmarks/whole_answer.py).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

from benchmarks.matgl_megnet import MatglMEGNet, available
from benchmarks.reference_cgcnn import ReferenceCGCNN, graph_from_cif
from benchmarks.smoke import arguments
from benchmarks.whole_answer import show as show_whole_answer
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.sources.cif_folder import FILES_PER_SHARD, CifFolder
from data.symmetry import symmetrise
from models.contract import Examples
from models.graphs.crystal_graphs import GraphBatch
from models.networks.cgcnn import CGCNN
from models.networks.heads import two_part_loss
from models.networks.megnet import MEGNet
from pipeline.features.descriptors import compositions, descriptors, magpie
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.ops.parallel import default_workers, map_in_order
from pipeline.registry.shipped import choose_model
from pipeline.screening.candidates import predict_shard
from pipeline.screening.screen_models import ScreenModels
from pipeline.settings import settings

PEER_CRYSTALS = 200  # the slow peers see the first so many of the same crystals
CHGNET_CRYSTALS = 60  # and CHGNet this many
REPEATS = 3
WHOLE = 60_000  # files of the whole way, so that the start of the processes weighs little


def main() -> None:
    options = _options()
    texts = symmetrised(options.table, options.crystals, options.max_sites)
    workers = default_workers()
    crystals = [c for text in texts for c in read_cif(text, "bench", "x") if isinstance(c, Crystal)]
    sites = np.mean([c.n_sites for c in crystals])
    print(f"{len(texts)} crystals, {sites:.1f} sites on average, {workers} cores, medians of {REPEATS} runs\n")
    with TemporaryDirectory() as folder:  # first: its workers are copies of this process, in which no network has run
        files = [Path(folder) / f"{k:06d}.cif" for k in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        show_whole_answer(files, CHGNET_CRYSTALS)
    torch.set_num_threads(1)
    cells = [symmetrise(c) for c in crystals]
    graphs, _ = build_graphs(cells, GraphSettings())
    few = texts[:PEER_CRYSTALS]

    ours = rate(lambda: [list(read_cif(t, "bench", "x")) for t in texts], len(texts))
    show("CIF text to crystal, 1 core", ours, rate(lambda: [read_pymatgen(t) for t in few], len(few), 1), "pymatgen")
    show("symmetry (moyopy), 1 core", rate(lambda: [symmetrise(c) for c in crystals], len(crystals)))
    show("graph, 1 core", rate(lambda: build_graphs(cells, GraphSettings()), len(cells)))
    mix = compositions(graphs)
    matminer = rate(partial(magpie_matminer, crystals[:PEER_CRYSTALS]), PEER_CRYSTALS, 1)
    show("Magpie descriptors, 1 core", rate(lambda: magpie(mix), len(graphs)), matminer, "matminer, 2 jobs")
    show("all 162 descriptors, 1 core", rate(lambda: descriptors(graphs), len(graphs)))

    torch.set_num_threads(workers)
    examples = Examples(graphs, np.zeros((len(graphs), 1), np.float32), np.full(len(graphs), 0.5))
    reference = [graph_from_cif(t) for t in few]
    peer = ReferenceCGCNN()
    show("CGCNN training", rate(partial(train, CGCNN(), examples), len(graphs)),
         rate(partial(train_reference, peer, reference), len(few)), "reference CGCNN")  # fmt: skip
    show("CGCNN inference", rate(partial(CGCNN().predict, examples), len(graphs)),
         rate(partial(infer_reference, peer.eval(), reference), len(few)), "reference CGCNN")  # fmt: skip
    matgl = MatglMEGNet(crystals[:PEER_CRYSTALS]) if available() else None
    show("MEGNet training", rate(partial(train, MEGNet(), examples), len(graphs)),
         rate(matgl.train, PEER_CRYSTALS) if matgl else None, "matgl")  # fmt: skip
    show("MEGNet inference", rate(partial(MEGNet().predict, examples), len(graphs)),
         rate(matgl.infer, PEER_CRYSTALS) if matgl else None, "matgl")  # fmt: skip
    whole = rate(lambda: infer_reference(peer, [graph_from_cif(t) for t in few]), len(few), 1)
    many = texts * (WHOLE // len(texts))
    with TemporaryDirectory() as folder:
        CGCNN().save(Path(folder))
        ours = rate(lambda: screen(many, Path(folder), workers), len(many), 1)
    show("CIF to prediction, one CGCNN", ours, whole, "reference method")
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        for k, text in enumerate(texts):
            (Path(folder) / f"{k}.cif").write_text(text)
        source, models = CifFolder(Path(folder)), ScreenModels.in_use(choose_model(settings()))
        again = replace(models, kept=Path(folder) / "kept")
        answer, seen = (rate(partial(predict_shards, source, asked), len(texts)) for asked in (models, again))
    show("CIF to calibrated row, 1 core", answer, whole, "reference method")
    show("the same, seen before, 1 core", seen)


def predict_shards(source: CifFolder, models: ScreenModels) -> None:
    for shard in source.shards():
        predict_shard(source, models, Path("unused"), shard)


def rate(work: Callable[[], Any], count: int, repeats: int = REPEATS) -> float:
    """Crystals per second, median."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return count / float(np.median(seconds))


def show(stage: str, ours: float, peer: float | None = None, name: str = "") -> None:
    beside = "" if peer is None else f"   {peer:>9,.0f}/s {name:<18} ratio {ours / peer:,.1f}"
    print(f"{stage:<32} {ours:>9,.0f}/s{beside}", flush=True)


def symmetrised(table: Path, count: int, max_sites: int) -> list[str]:
    """CIF texts with symmetry operations, by pymatgen's writer."""
    from pymatgen.io.cif import CifWriter

    rows = pq.read_table(table, columns=["material_id", "cif", "n_sites"]).to_pandas()
    rows = rows[rows["n_sites"] <= max_sites].sample(min(count, len(rows)), random_state=0)
    texts = []
    for text in rows["cif"]:
        crystal = next(read_cif(text, "bench", "x"))
        if isinstance(crystal, Crystal):
            texts.append(str(CifWriter(crystal.to_pymatgen(), symprec=0.01)))
    return texts


def read_pymatgen(text: str) -> Any:
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CifParser.from_str(text).parse_structures(primitive=False)[0]


def magpie_matminer(crystals: list[Crystal]) -> Any:
    from matminer.featurizers.composition import ElementProperty

    featurizer = ElementProperty.from_preset("magpie", impute_nan=True)
    featurizer.set_n_jobs(2)
    return featurizer.featurize_many([c.to_pymatgen().composition for c in crystals], pbar=False)


def train(model: CGCNN | MEGNet, examples: Examples) -> None:
    """One epoch in batches of 64."""
    optimiser = torch.optim.AdamW(model.network.parameters(), lr=1e-3)
    target = torch.from_numpy(examples.targets()).float()
    model.network.train()
    order = np.random.default_rng(0).permutation(len(examples)).astype(np.int64)
    for k in range(0, len(order), 64):
        index = order[k : k + 64]
        loss = two_part_loss(model.network(GraphBatch.collate(examples.graphs, index)), target[index])
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()


def train_reference(model: ReferenceCGCNN, graphs: list[Any]) -> None:
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    model.train()
    for batch in chunks(graphs, 64):
        loss = ((model(batch) - 0.5) ** 2).mean()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()


def infer_reference(model: ReferenceCGCNN, graphs: list[Any]) -> None:
    model.eval()
    with torch.inference_mode():
        for batch in chunks(graphs, 64):
            model(batch)


def screen(texts: list[str], model: Path, workers: int) -> None:
    """What a screen does between the disk and the ranking, its worker processes' start included."""
    for _ in map_in_order(partial(_predict, model), chunks(texts, FILES_PER_SHARD), workers):
        pass


def _predict(model: Path, texts: list[str]) -> Any:
    crystals = [c for text in texts for c in read_cif(text, "bench", "x") if isinstance(c, Crystal)]
    graphs, _ = build_graphs([symmetrise(c) for c in crystals], GraphSettings())
    return _model(model).predict(Examples(graphs, np.zeros((len(graphs), 1), np.float32)))


@lru_cache(maxsize=1)
def _model(folder: Path) -> CGCNN:
    torch.set_num_threads(1)
    return CGCNN.load(folder)


def chunks(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[k : k + size] for k in range(0, len(items), size))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--crystals", type=int, default=2000)
    parser.add_argument("--max-sites", type=int, default=60)
    return arguments(parser, lambda made: [made.candidates(), "--crystals", 20],
                     WHOLE=40, REPEATS=1, PEER_CRYSTALS=10, CHGNET_CRYSTALS=2)  # fmt: skip


if __name__ == "__main__":
    main()
