"""Where a checkout keeps the models that come with it. It imports nothing that takes long: commands read it before they start."""

from __future__ import annotations

from pathlib import Path

import models

PRETRAINED = Path(models.__file__).parent / "pretrained"
FAST = "fast"  # names the ensemble of one network that comes beside the accurate one, and its folder in PRETRAINED
