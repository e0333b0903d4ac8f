"""Which published models a screen asks; a manifest names them all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_models import experiment_model, order_classifier
from pipeline.settings import Settings


@dataclass(frozen=True)
class ScreenModels:
    """Folders of published models; small, so that it travels to any process that sees the same files."""

    moment: Path
    order: Path
    experiment: Path
    kept: Path | None = None  # the folder of what was said before (pipeline/screening/predicted_cells.py); None: ask anew

    @classmethod
    def in_use(cls, ensemble: Ensemble, where: Settings | None = None) -> ScreenModels:
        """An ensemble with the other models that the home has in use. Raises UserError where one is missing."""
        return cls(ensemble.folder, order_classifier(where).folder, experiment_model(where).folder)

    def to_json(self) -> dict[str, str]:
        """The id of each, for the identity and the manifest of a screen."""
        return {"model": self.moment.name, "order_classifier": self.order.name, "experiment_model": self.experiment.name}
