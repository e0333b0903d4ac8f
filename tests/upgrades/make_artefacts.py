"""Makes one small artefact of each kind, as the checkout that runs it writes them, from the embedded starter set.

    python tests/upgrades/make_artefacts.py FOLDER SUFFIX

writes FOLDER/snapshot-SUFFIX and so on. Those in artefacts/ were made with PYTHONPATH at a checkout of the release in question,
so nothing here may need more of ferroscreen than those releases had. Run it once for each new number; what is there stays:
`unnumbered` comes from 4cc7c9d, `screen4` from 98e099f, `domain1` from 1c604b7, `1` from the commit that began to number,
`graphs-2` from the one that put the symmetrised cells into graph stores. `literature-2` is what `refresh` of ec482ae made of a
table of six values.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from data.snapshot import publish_snapshot
from data.sources.starter import StarterSource
from models.contract import FitControl
from models.trees.forest import Forest, ForestSettings
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.neighbours import GraphSettings
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.screening.screen import screen
from pipeline.settings import Settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.publish import Trained, publish_ensemble
from pipeline.training.splits import split_rows

SOURCE = StarterSource(equilibrium_only=True)
SMALL = ForestSettings(n_estimators=3, max_leaf_nodes=6)


def make(folder: Path, suffix: str) -> None:
    """All kinds, in a home of their own that is gone afterwards."""
    with tempfile.TemporaryDirectory() as home:
        where = Settings(home=Path(home), workers=1)
        snapshot = publish_snapshot(where.snapshots, SOURCE)
        ensemble = _train(where)
        (graphs,) = (path for path in where.graphs.iterdir() if path.is_dir())
        run = screen(SOURCE, ensemble, None, where, Quiet())
        for kind, made in (("snapshot", snapshot.folder), ("model", ensemble.folder), ("graphs", graphs), ("run", run.folder)):
            shutil.copytree(made, folder / f"{kind}-{suffix}" / made.name)
    for kind in ("ledger", "current"):
        (folder / f"{kind}-{suffix}").mkdir()
    (folder / f"current-{suffix}" / "current.json").write_text(json.dumps({"promoted": [ensemble.id]}) + "\n")
    _keep_books(folder / f"ledger-{suffix}")


def _train(where: Settings) -> Ensemble:
    snapshot, graph = publish_snapshot(where.snapshots, SOURCE), GraphSettings()
    data = labelled_examples(snapshot, graph, DescriptorSet.FAST, False, where, Quiet())
    split = split_rows(data.table)
    forest = Forest(SMALL)
    history = forest.fit(data.examples.take(split.train), data.examples.take(split.validation), FitControl(seed=0, workers=1))
    facts = {
        "snapshot": snapshot.id, "code": ["upgrades"], "data": SOURCE.description, "seed": 0,
        "settings": {"tier": DescriptorSet.FAST}, "graph_settings": asdict(graph), "selection": None,
    }  # fmt: skip
    learned, trained = data.examples.take(split.train), Trained("forest-0", "forest", 0, forest, history)
    return publish_ensemble(where.models, [trained], data, split, learned, facts, Quiet())


def _keep_books(home: Path) -> None:
    """A ledger of one finished training, that names no machine."""
    with Ledger(home).run("train", "train-0", {"snapshot": "s"}) as run:
        run.finished("member", "forest-0")
    with closing(sqlite3.connect(home / "ledger.sqlite")) as connection, connection:
        connection.execute("update run set host = 'somewhere', process = 1")
    shutil.rmtree(home / "leases")


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
