"""From invariants to a distribution over magnetic orderings.

    P(pattern) ~ its weight (models/ordering/pattern_trees.py), then antiferromagnetic ones and the others are scaled so that
    their shares are what the classes say (models/ordering/site_forest.py); P(no moment) is the classes' alone

The network (models/ordering/site_network.py) says, with the forest, how large the moments are; its couplings lead probes to the
patterns of cells that have too many of them. Its own classes, and its signs of atoms that are no carriers, only help it to
learn. A cell that allows no antiferromagnet (one spin, say) keeps the others: enlarge the cell to ask for more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.graphs.site_graphs import SiteBatch, SiteGraphs
from models.networks.training import PREDICTION_EDGES
from models.ordering.configuration_features import spin_cell
from models.ordering.ising import SignField
from models.ordering.pattern_trees import PatternTrees, balanced
from models.ordering.site_examples import COMPENSATED, ORDERINGS, SITE_THRESHOLD, OrderingPrediction, Pattern
from models.ordering.site_forest import OrderingForest
from models.ordering.site_loss import spins
from models.ordering.site_network import OrderingNetwork
from models.ordering.site_patterns import Orbits, PatternSettings, find_orbits
from models.packing import batches_by_edges, gather

Floats = NDArray[np.float64]
NM, AFM = ORDERINGS.index("NM"), ORDERINGS.index("AFM")
_BALANCED = 1e-3  # µB; an atom pulled less than this way or that stays without a moment


def predict_orderings(
    network: OrderingNetwork,
    forest: OrderingForest,
    trees: PatternTrees,
    graphs: SiteGraphs,
    settings: PatternSettings,
    p_ordering: Floats | None = None,
) -> list[OrderingPrediction]:
    """One prediction a crystal, in their order; none depends on the others.

    Args:
        forest: the classes are its own, sizes of carriers the means of what it and the network say.
        trees: the judge of patterns.
        p_ordering: (crystals, 4) stands in for the classes where they are known.
    """
    network.eval()
    if not len(graphs):
        return []
    of_crystals, of_nodes, parallel = forest.predict(graphs)
    out: dict[int, OrderingPrediction] = {}
    with torch.inference_mode():
        for index in batches_by_edges(graphs.trunk.edges_per_crystal, PREDICTION_EDGES):
            batch = SiteBatch.collate(graphs, index, next(network.parameters()).dtype)
            said = network(batch)
            size = said.size.double().numpy()
            nodes = gather(graphs.trunk.node_ptr, index)[1]
            of_orbits = of_nodes[nodes]
            size = np.where(np.isnan(of_orbits), size, (size + of_orbits) / 2)
            classes = of_crystals[index] if p_ordering is None else p_ordering[index]
            site_node = batch.site_node.numpy()
            part = _Part(batch, graphs.take(index), said.coupling.double(), size[site_node], parallel[nodes][site_node])
            found = _predict_part(part, network.field, trees, classes, settings)
            out |= dict(zip(index.tolist(), found, strict=True))
    return [out[k] for k in range(len(graphs))]


def ordering_of(moments: Floats) -> str:
    """The class of signed moments (sites,) in µB."""
    large = moments[np.abs(moments) > SITE_THRESHOLD]
    if not len(large):
        return "NM"
    if (large > 0).all() or (large < 0).all():
        return "FM"
    return "AFM" if abs(moments.sum()) <= COMPENSATED * np.abs(moments).sum() else "FiM"


@dataclass(frozen=True, eq=False)
class _Part:
    """Crystals that are looked at together."""

    batch: SiteBatch
    graphs: SiteGraphs  # the same crystals
    coupling: Tensor  # (pairs,)
    size: Floats  # (sites,) µB
    parallel: Floats  # (sites,) +1 or -1, of an atom that is no carrier, to the carriers around it


def _predict_part(
    part: _Part, field: SignField, trees: PatternTrees, classes: Floats, settings: PatternSettings
) -> list[OrderingPrediction]:
    """From class probabilities (crystals, 4)."""
    batch = part.batch
    found: dict[int, Orbits] = {}
    for group in spins(batch, part.coupling, (part.size > SITE_THRESHOLD) & batch.site_carrier):
        for k, own, matrix in zip(group.crystal.tolist(), group.site, group.coupling, strict=True):
            sites = own - batch.site_ptr[k]
            cell = spin_cell(part.graphs, k, sites)
            found[k] = find_orbits(field, matrix, trees, cell, sites, part.size[own], settings)
    out = []
    for k, probabilities in enumerate(classes):
        sizes = part.size[batch.site_ptr[k] : batch.site_ptr[k + 1]]
        none = Pattern(np.zeros(len(sizes)), 1.0, "NM")
        if k in found:
            orbits, weight = _weighed(probabilities, sizes[found[k].sites], found[k], settings)
            moments = _signs(part, k, orbits) * sizes
            none = replace(none, probability=float(probabilities[NM]))
            rest = (1.0 - none.probability) * weight
            listed = [Pattern(m, float(p), ordering_of(m)) for m, p in zip(moments, rest, strict=True)]
            out.append(OrderingPrediction(probabilities, sizes, sorted([*listed, none], key=lambda p: -p.probability)))
        else:
            out.append(OrderingPrediction(probabilities, sizes, [none]))
    return out


def _weighed(p_ordering: Floats, size: Floats, orbits: Orbits, settings: PatternSettings) -> tuple[Orbits, Floats]:
    """The likeliest patterns of a crystal that has a moment, and their probabilities, which sum to 1.

    Args:
        size: (n,) of the spins, µB.
    """
    antiferro = balanced(orbits.signs, size)
    log_weight = orbits.log_weight.copy()
    for kind, share in ((antiferro, p_ordering[AFM]), (~antiferro, 1.0 - p_ordering[AFM] - p_ordering[NM])):
        if kind.any():
            log_weight[kind] += np.log(max(float(share), 1e-9)) - np.logaddexp.reduce(log_weight[kind])
    order = np.argsort(-log_weight, kind="stable")[: settings.kept]
    weight = np.exp(log_weight[order] - log_weight[order[0]])
    return Orbits(orbits.sites, orbits.signs[order], log_weight[order]), weight / weight.sum()


def _signs(part: _Part, k: int, orbits: Orbits) -> Floats:
    """(m, sites) the patterns on all atoms of crystal k: those that are no spins follow the moments around, or have sign 0."""
    batch = part.batch
    sites = slice(int(batch.site_ptr[k]), int(batch.site_ptr[k + 1]))
    first, last = np.searchsorted(batch.link_crystal, [k, k + 1])
    target, source = (ends[first:last] - sites.start for ends in (batch.link_target, batch.link_source))
    full = np.zeros((len(orbits.signs), sites.stop - sites.start))
    full[:, orbits.sites] = orbits.signs
    around = np.zeros_like(full)
    weight = batch.link_count[first:last].numpy() * part.size[sites][source]
    np.add.at(around.T, target, (full[:, source] * weight).T)
    followed = np.where(np.abs(around) > _BALANCED, np.sign(around) * part.parallel[sites], 0.0)
    return np.where(full != 0, full, followed)
