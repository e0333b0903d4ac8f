"""Test error in the standard setting and in random poses: a coordinate network before and after it was adapted.

    ferroscreen train --members coordinates
    ferroscreen train --members canonical --adapt MODEL
    python -m benchmarks.poses COORDINATES_MODEL CANONICAL_MODEL [--seed 0]

The test rows are those of the models' snapshot. Every crystal is turned by its own random rotation or roto-reflection after its
symmetry was found, so nothing but the network can put it upright again; its primitive cell is what the product always works with,
so a file with another cell or origin changes nothing (tests/contract).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from benchmarks.smoke import arguments
from data.snapshot import open_snapshot
from models.contract import Examples
from models.graphs.vector_graphs import VectorBatch
from models.published.adaptation import share_in_standard_pose
from models.published.canonicalization import CanonicalNetwork
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.splits import split_rows
from tests.contract.crystals import turned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    options = arguments(parser, lambda made: made.posed())
    where = settings()
    ensembles = [open_model(where.models, name) for name in options.models]
    snapshot = open_snapshot(where.snapshots, ensembles[0].manifest["snapshot"])
    data = labelled_examples(snapshot, ensembles[0].graph_settings, DescriptorSet.FAST, True, where, Quiet())
    test = data.examples.take(split_rows(data.table).test)
    posed = turned(test, options.seed, handedness=1), turned(test, options.seed, handedness=-1)
    print("| member | standard setting | rotated | roto-reflected | largest change |\n|---|---|---|---|---|")
    for ensemble in ensembles:
        for name, member in ensemble.members.items():
            if not member.reads_vectors:
                continue
            said = [member.predict(examples).moment for examples in (test, *posed)]
            errors = " | ".join(f"{np.abs(moment - test.targets()).mean():.4f}" for moment in said)
            change = max(float(np.abs(moment - said[0]).max()) for moment in said[1:])
            print(f"| {name} | {errors} | {change:.2g} |")
            if isinstance(network := getattr(member, "network", None), CanonicalNetwork):
                print(f"\n{name} puts {in_standard_pose(network, test):.1%} of the test crystals into the standard setting.")


@torch.no_grad()
def in_standard_pose(network: CanonicalNetwork, examples: Examples) -> float:
    """The identity metric over the crystals that have the standard setting among their frames."""
    assert examples.vectors is not None
    hits = known = 0
    for index in np.array_split(np.arange(len(examples)), max(1, len(examples) // 200)):
        batch = VectorBatch.collate(examples.vectors, index)
        hit, of = share_in_standard_pose(batch, network.frame_score(batch))
        hits, known = hits + hit, known + of
    return hits / known


if __name__ == "__main__":
    main()
