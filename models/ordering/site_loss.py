"""What the model of orderings makes small, and the spins of a batch, grouped by how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.graphs.site_graphs import SiteBatch
from models.networks.layers import pick
from models.ordering.ising import SignField, log_likelihood
from models.ordering.orbits import orbit_minimum
from models.ordering.site_examples import COMPENSATED, SITE_THRESHOLD
from models.ordering.site_network import Invariants


@dataclass(frozen=True)
class LossWeights:
    """Of the terms; each is a mean over crystals of order one."""

    size: float = 2.0  # mean over sites of | |m| - a |, in µB
    others: float = 0.3  # of that: what an atom counts that is no carrier and has no moment
    order: float = 1.0  # cross-entropy of the class
    pattern: float = 1.0  # -log P of the signs, per spin
    orbit: float = 0.3  # orbit minimum of a sigma, over the mean square moment; the best probe
    probes_mean: float = 0.1  # of the orbit term: weight of the mean over the probes
    induced: float = 0.3  # signs of small moments on atoms that are no carriers
    probes: int = 4


@dataclass(frozen=True, eq=False)
class Spins:
    """The crystals of a batch with n spins each."""

    crystal: NDArray[np.int64]  # (b,)
    site: NDArray[np.int64]  # (b, n) sites of the batch
    coupling: Tensor  # (b, n, n)


def spins(batch: SiteBatch, coupling: Tensor, active: NDArray[np.bool_]) -> Iterator[Spins]:
    """The active sites of each crystal as spins, crystals of equal number together; crystals without one are left out.

    Args:
        coupling: (pairs,).
        active: (sites,).
    """
    crystals = len(batch.site_ptr) - 1
    sites = np.flatnonzero(active)
    owner = np.repeat(np.arange(crystals), np.diff(batch.site_ptr))[sites]
    counts = np.bincount(owner, minlength=crystals)
    first = np.cumsum(counts) - counts
    rank = np.full(len(active), -1, dtype=np.int64)
    rank[sites] = np.arange(len(sites)) - first[owner]
    offset = np.concatenate([[0], np.cumsum(counts**2)])
    kept = active[batch.link_target] & active[batch.link_source]
    k = batch.link_crystal[kept]
    place = offset[k] + rank[batch.link_target[kept]] * counts[k] + rank[batch.link_source[kept]]
    chosen = torch.from_numpy(kept)
    values = coupling[batch.link_pair[chosen]] * batch.link_count[chosen]
    flat = torch.zeros(int(offset[-1]), dtype=coupling.dtype).index_add(0, torch.from_numpy(place), values)
    for n in sorted(set(counts.tolist()) - {0}):
        those = np.flatnonzero(counts == n)
        places = torch.from_numpy(offset[those][:, None] + np.arange(n * n))
        yield Spins(those, sites[first[those][:, None] + np.arange(n)], flat[places].view(len(those), n, n))


def local_fields(batch: SiteBatch, coupling: Tensor, signs: Tensor) -> Tensor:
    """(sites,) sum_j J_ij s_j over the links of each site; `signs` (sites,) is 0 where there is no spin."""
    pull = coupling[batch.link_pair] * batch.link_count * signs[torch.from_numpy(batch.link_source)]
    return torch.zeros_like(signs).index_add(0, torch.from_numpy(batch.link_target), pull)


def ordering_loss(
    said: Invariants, batch: SiteBatch, field: SignField, moment: Tensor, ordering: Tensor, weights: LossWeights
) -> Tensor:
    """One number; moment (sites,) µB signed, ordering (crystals,) places in ORDERINGS."""
    crystals = len(batch.site_ptr) - 1
    site_crystal = torch.from_numpy(np.repeat(np.arange(crystals), np.diff(batch.site_ptr)))
    share = 1.0 / torch.from_numpy(np.diff(batch.site_ptr)).to(moment.dtype)[site_crystal] / crystals
    large = (moment.abs() > SITE_THRESHOLD).numpy()
    size = pick(said.size[:, None], batch.site_node)[:, 0]
    ion = torch.from_numpy(large | batch.site_carrier).to(moment.dtype)
    error = (size - moment.abs()).abs() * (ion + weights.others * (1.0 - ion))
    total = weights.size * (error * share).sum()
    total = total + weights.order * functional.cross_entropy(said.logits, ordering)
    spin = large & batch.site_carrier
    signs = torch.sign(moment) * torch.from_numpy(spin).to(moment.dtype)
    for group in spins(batch, said.coupling, spin):
        n = group.site.shape[1]
        if n > 1:
            site = torch.from_numpy(group.site)
            likely = log_likelihood(group.coupling, signs[site], moment[site].abs(), COMPENSATED)
            total = total - weights.pattern * likely.sum() / ((n - 1) * crystals)
    total = total + weights.orbit * _orbit_term(said, batch, field, moment, size.detach(), weights) / crystals
    induced = torch.from_numpy(large & ~batch.site_carrier).to(moment.dtype)
    misfit = functional.softplus(-2.0 * torch.sign(moment) * local_fields(batch, said.coupling, signs))
    return total + weights.induced * (misfit * induced * share).sum()


def _orbit_term(
    said: Invariants, batch: SiteBatch, field: SignField, moment: Tensor, size: Tensor, weights: LossWeights
) -> Tensor:
    """Sum over crystals: the settled probes against the nearest image of the moments, relative to their mean square."""
    nodes = torch.zeros(len(said.size), dtype=torch.bool)
    nodes[batch.site_node[moment.abs() > SITE_THRESHOLD]] = True  # whole orbits: permutations must not leave the spins
    active = nodes[batch.site_node].numpy() & batch.site_carrier
    total = moment.new_zeros(())
    for group in spins(batch, said.coupling, active):
        b, n = group.site.shape
        if n == 1:
            continue
        site = torch.from_numpy(group.site)
        probe = torch.randn(b, weights.probes, n, dtype=moment.dtype)
        sigma = field(group.coupling, probe)
        truth = moment[site]
        error = orbit_minimum(size[site][:, None] * sigma, truth, torch.from_numpy(_rows(batch, group)))
        relative = error / truth.square().mean(dim=1, keepdim=True)
        relative = relative.clamp(max=4.0)  # a moment forecast where hardly one is would drown the rest
        total = total + (relative.amin(dim=1) + weights.probes_mean * relative.mean(dim=1)).sum()
    return total


def _rows(batch: SiteBatch, group: Spins) -> NDArray[np.int64]:
    """(b, g, n) the permutations as they act on the spins, filled up with the identity."""
    found = [
        restricted(batch.permutations[k], sites - batch.site_ptr[k]) for k, sites in zip(group.crystal, group.site, strict=True)
    ]
    n = group.site.shape[1]
    out = np.tile(np.arange(n), (len(found), max(len(rows) for rows in found), 1))
    for filled, rows in zip(out, found, strict=True):
        filled[: len(rows)] = rows
    return out


def restricted(permutations: NDArray[np.int64], sites: NDArray[np.int64]) -> NDArray[np.int64]:
    """(g', m) distinct permutations of some sites (m,) ascending, which the group must map onto themselves."""
    rows = np.searchsorted(sites, permutations[:, sites])
    return np.unique(rows, axis=0) if len(rows) > 1 else rows
