"""Boosted classification trees: one set of scikit-learn's settings for all that learn so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class BoostingSettings:
    """Scikit-learn's names."""

    max_iter: int
    learning_rate: float
    min_samples_leaf: int
    l2_regularization: float
    max_leaf_nodes: int = 15
    max_features: float = 0.3

    def classifier(self, seed: int) -> Any:
        """Scikit-learn's histogram boosting, not yet fitted, without early stop."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(**asdict(self), early_stopping=False, random_state=seed)
