"""How good forecasts of magnetic orderings are; everything about signs is judged up to the crystal's group and time reversal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.ordering.ising import EXACT, patterns
from models.ordering.orbits import equal_up_to_group
from models.ordering.pattern_trees import PatternTrees, Rivals, all_rivals, balanced
from models.ordering.site_examples import ORDERINGS, SITE_THRESHOLD, OrderingExamples, OrderingPrediction, Pattern

_TIE = 1e-4  # more than ties are drawn apart by

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def likeliest(said: OrderingPrediction) -> Pattern:
    """The most likely pattern with moments, or the only one there is."""
    magnetic = [p for p in said.patterns if p.ordering != "NM"]
    return max(magnetic, key=lambda p: p.probability) if magnetic else said.patterns[0]


def pattern_hits(examples: OrderingExamples, said: Sequence[OrderingPrediction], carriers_only: bool = False) -> Flags:
    """(crystals,) whether the likeliest pattern has the right sign on every site with a moment above SITE_THRESHOLD."""
    return np.array([_hit(examples, k, likeliest(s).moments, carriers_only) for k, s in enumerate(said)], dtype=bool)


def _hit(examples: OrderingExamples, k: int, moments: Floats, carriers_only: bool) -> bool:
    truth, graphs = examples.moments(k), examples.graphs
    where = np.abs(truth) > SITE_THRESHOLD
    if carriers_only:
        where = where & (graphs.site_carrier[graphs.site_ptr[k] : graphs.site_ptr[k + 1]] > 0)
    return equal_up_to_group(moments, truth, graphs.permutations(k), where)


def known_spin_hits(examples: OrderingExamples, trees: PatternTrees) -> Floats:
    """(crystals,) whether the trees choose the right signs of the carriers, these and their sizes being known, and whether they
    compensate: what `chance_of_pattern` knows. More than EXACT spins count as wrong; patterns that tie share the credit."""
    out = np.zeros(len(examples))
    for rivals in all_rivals(examples):
        out[rivals.crystal] = rivals.own[_chosen(rivals, trees)].mean()
    return out


def equivariant_ceiling(examples: OrderingExamples) -> Flags:
    """(crystals,) whether a strictly equivariant network could say the signs at all.

    Its answer is the same on sites that the crystal's permutations exchange, so it is wrong wherever two such sites have
    opposite moments above SITE_THRESHOLD. (A bound from above: that it could does not say that it would.)
    """
    possible = []
    for k in range(len(examples)):
        truth, rows = examples.moments(k), examples.graphs.permutations(k)
        signs = np.where(np.abs(truth) > SITE_THRESHOLD, np.sign(truth), 0.0)
        possible.append(not ((signs[rows] * signs) < 0).any())
    return np.array(possible)


def f1_scores(truth: NDArray[np.int64], said: NDArray[np.int64], classes: Sequence[int]) -> dict[str, float]:
    """F1 of each class, 2 TP / (2 TP + FP + FN), by name."""
    return {ORDERINGS[c]: _f1(truth == c, said == c) for c in classes}


def class_scores(truth: NDArray[np.int64], said: NDArray[np.int64], names: Sequence[str]) -> dict[str, float]:
    """F1 of each class by its name, and their mean, "macro"."""
    found = {name: _f1(truth == c, said == c) for c, name in enumerate(names)}
    return {**found, "macro": float(np.mean(list(found.values())))}


def _f1(truth: Flags, said: Flags) -> float:
    hits, wrong = int((truth & said).sum()), int((truth ^ said).sum())
    return 2 * hits / max(2 * hits + wrong, 1)


def size_error(examples: OrderingExamples, said: Sequence[OrderingPrediction], where: Flags) -> float:
    """Mean over the sites `where` of | |m| - a | in µB."""
    size = np.concatenate([s.size for s in said])
    return float(np.abs(np.abs(examples.moment) - size)[where].mean())


def totals(examples: OrderingExamples, said: Sequence[OrderingPrediction]) -> dict[str, Floats]:
    """(crystals,) |M| per atom in µB: the truth, the sum of sizes, that of the likeliest pattern, and the expected one."""
    return {
        "truth": np.array([abs(examples.moments(k).mean()) for k in range(len(examples))]),
        "sizes": np.array([s.size.mean() for s in said]),
        "pattern": np.array([abs(likeliest(s).moments.mean()) for s in said]),
        "expected": np.array([s.moment_per_atom for s in said]),
    }


def chance_of_pattern(examples: OrderingExamples) -> Floats:
    """(crystals,) share of the patterns of the right class that are right, the carriers with a moment being known.

    What a guess among the compensated patterns of an antiferromagnet, or among the others, would score; more than EXACT spins: 0.
    """
    out = np.zeros(len(examples))
    for k in range(len(examples)):
        truth, where = _carriers(examples, k)
        n = int(where.sum())
        if not 0 < n <= EXACT:
            continue
        signs, size = patterns(n).numpy().astype(np.float64), np.abs(truth[where])
        compensated = balanced(signs, size)
        wanted = truth[where] * np.sign(truth[where][0])
        own = (signs == np.sign(wanted)).all(axis=1)
        rivals = compensated == compensated[own.argmax()]
        images = np.where(where, np.sign(truth), 0.0)[examples.graphs.permutations(k)]
        inside = images[(images[:, ~where] == 0).all(axis=1)][:, where]
        out[k] = len(np.unique(inside * inside[:, :1], axis=0)) / rivals.sum()
    return out


def site_shares(examples: OrderingExamples, said: Sequence[OrderingPrediction]) -> Floats:
    """(crystals,) share of the carriers with a moment above SITE_THRESHOLD that have the right sign in the likeliest pattern's
    best image; a site without a sign counts half. NaN for a crystal without such carriers."""
    out = np.full(len(examples), np.nan)
    for k, one in enumerate(said):
        truth, where = _carriers(examples, k)
        if where.any():
            images = np.sign(likeliest(one).moments)[examples.graphs.permutations(k)][:, where]
            out[k] = _share(images, np.sign(truth[where])[None])[0]
    return out


def known_spin_shares(examples: OrderingExamples, trees: PatternTrees) -> Floats:
    """(crystals,) the same for the trees' choice as in `known_spin_hits`; NaN beyond EXACT spins."""
    out = np.full(len(examples), np.nan)
    for rivals in all_rivals(examples):
        out[rivals.crystal] = _share(rivals.images, rivals.signs[_chosen(rivals, trees)]).mean()
    return out


def site_share_of_chance(examples: OrderingExamples) -> Floats:
    """(crystals,) what `site_shares` comes to for a pattern drawn like `chance_of_pattern`'s; NaN as there, and beyond EXACT."""
    out = np.full(len(examples), np.nan)
    for rivals in all_rivals(examples):
        out[rivals.crystal] = _share(rivals.images, rivals.signs).mean()
    return out


def equivariant_site_share(examples: OrderingExamples) -> Floats:
    """(crystals,) what `site_shares` comes to at most if equivalent sites must have one sign; NaN as there."""
    out = np.full(len(examples), np.nan)
    for k in range(len(examples)):
        truth, where = _carriers(examples, k)
        if where.any():
            orbit = examples.graphs.permutations(k).min(axis=0)[where]
            most = [np.abs(np.sign(truth[where])[orbit == o].sum()) for o in np.unique(orbit)]
            out[k] = (1.0 + sum(most) / where.sum()) / 2.0
    return out


def _carriers(examples: OrderingExamples, k: int) -> tuple[Floats, Flags]:
    """The moments of crystal k, and which are above SITE_THRESHOLD on a carrier."""
    truth, graphs = examples.moments(k), examples.graphs
    carrier = graphs.site_carrier[graphs.site_ptr[k] : graphs.site_ptr[k + 1]] > 0
    return truth, (np.abs(truth) > SITE_THRESHOLD) & carrier


def _chosen(rivals: Rivals, trees: PatternTrees) -> Flags:
    """(m,) the trees' choice among the rivals; several where they tie."""
    said = trees.log_weight(rivals.cells[0], rivals.signs, rivals.size)
    return np.asarray(said >= said.max() - _TIE)


def _share(images: Floats, signs: Floats) -> Floats:
    """(m,) of equal signs between patterns (m, n) and the nearest of the images (g, n), up to time reversal."""
    return np.asarray((1.0 + np.abs(signs @ images.T).max(axis=1) / signs.shape[1]) / 2.0)


def file_order_hits(examples: OrderingExamples) -> Flags:
    """(crystals,) whether "the first half of the carriers in the file is up, the second half down" is right.

    No model: it shows how much the order of sites in a file gives away, which a candidate's order does not.
    """
    out = []
    for k in range(len(examples)):
        truth, where = _carriers(examples, k)
        order = np.flatnonzero(where)
        guess = np.zeros(len(truth))
        guess[order] = np.where(np.arange(len(order)) < len(order) / 2, 1.0, -1.0)
        out.append(equal_up_to_group(guess, truth, examples.graphs.permutations(k), where))
    return np.array(out)
