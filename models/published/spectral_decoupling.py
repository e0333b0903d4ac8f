"""Spectral decoupling against gradient starvation (Pezeshki et al., arXiv 2011.09468).

With cross-entropy alone, examples that one easy cue already settles stop giving gradients, and harder cues are never learned.
A small penalty on the logits, in place of weight decay, gives every example the same margin in the end, whatever it took:

    two classes      mean BCE(z, y) + c mean (z - b)²
    K classes        mean CE(z, y)  + c mean centred(z - b)²         centred(u) = u - mean over classes of u
    stationary       1 = 2 c m (1 + exp(m))                          m = |z|, balanced and separable classes, b = 0
    K classes        1 = 2 (c / K²) m (K - 1 + exp(m))               m = logit of the true class less that of any other

b is the prior's logit. With unequal classes and b = 0 the penalty draws predictions to one half instead of the base rate.

Two classes written as two logits (z/2, -z/2) have centred squares z²/4: the same c is then four times as weak.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from scipy.optimize import brentq
from torch import Tensor, nn
from torch.nn import functional


def binary_loss(logit: Tensor, positive: Tensor, strength: float, prior: float = 0.0) -> Tensor:
    """Cross-entropy of two classes with spectral decoupling.

    Args:
        logit: (examples,) of P(positive).
        positive: (examples,) 0 or 1, in the logit's dtype.
        strength: c of the module's formula, >= 0; the sum form of the paper has lambda = 2 c.
        prior: b, what `prior_logit` says of the training labels; 0 for balanced classes.
    """
    return functional.binary_cross_entropy_with_logits(logit, positive) + strength * ((logit - prior) ** 2).mean()


def classes_loss(logits: Tensor, label: Tensor, strength: float, prior: Tensor | None = None) -> Tensor:
    """Cross-entropy of several classes with spectral decoupling; adding a number to all logits of an example changes nothing.

    Args:
        logits: (examples, classes).
        label: (examples,) int64.
        strength: c of the module's formula, >= 0.
        prior: (classes,) b, logarithms of the classes' shares; None for balanced classes.
    """
    offset = logits if prior is None else logits - prior
    centred = offset - offset.mean(dim=1, keepdim=True)
    return functional.cross_entropy(logits, label) + strength * (centred**2).mean()


def prior_logit(share: float) -> float:
    """b for two classes, of which `share` (strictly between 0 and 1) is positive."""
    return math.log(share / (1.0 - share))


def fixed_margin(strength: float, prior: float = 0.0) -> float:
    """How far training takes the logit of a separable positive example beyond the prior's: 1 = 2 c m (1 + exp(m + b)).

    For negative examples, hand over -prior. With prior 0 this is |z| of every example.
    """
    return _root(strength, 1.0, prior)


def fixed_class_margin(strength: float, classes: int) -> float:
    """The true class's logit less any other's at the end of training, for separable, balanced classes."""
    return _root(strength / classes**2, classes - 1.0, 0.0)


def decay_all_but(head: nn.Module, network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """An optimiser's parameter groups: weight decay everywhere but on the head, whose size the penalty on
    the logits limits."""
    spared = {id(p) for p in head.parameters()}
    kept: Iterable[nn.Parameter] = (p for p in network.parameters() if id(p) not in spared)
    return [{"params": list(kept), "weight_decay": weight_decay}, {"params": list(head.parameters()), "weight_decay": 0.0}]


def _root(strength: float, others: float, shift: float) -> float:
    """m of 1 = 2 strength m (others + exp(m + shift)); in logarithms, so that no exponential overflows."""
    if not (strength > 0 and math.isfinite(strength)):
        raise ValueError(f"without a penalty margins grow for ever; the strength must be positive, not {strength}")

    def excess(log_m: float) -> float:
        a, b = math.log(others), math.exp(log_m) + shift
        return math.log(2 * strength) + log_m + max(a, b) + math.log1p(math.exp(-abs(a - b)))

    high = -math.log(2 * strength * others)  # there the first term alone is 1
    low = min(high, 0.0) - 1.0
    while excess(low) > 0:
        low *= 2.0
    return math.exp(brentq(excess, low, high, xtol=1e-14, rtol=1e-14))
