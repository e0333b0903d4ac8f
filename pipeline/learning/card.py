"""A model card: what a person should know before trusting a model."""

from __future__ import annotations

from typing import Any

from data.labels import MAGNETIC_THRESHOLD

NOT_PASSED = "**No member was better than a constant with confidence: this model shows how the pipeline works, no more.**"


def model_card(manifest: dict[str, Any]) -> str:
    """What a person should know before trusting the model, in Markdown."""
    metrics = manifest["metrics"]["ensemble"]
    lines = [f"- {m['name']}: weight {m['weight']:.2f}, test MAE {m['mae']:.4f} µB/atom" for m in manifest["members"]]
    left_out = [f"- left out: {m['name']}, because {m['reason']}" for m in manifest["left_out"]]
    passed = [] if manifest["gate_passed"] else ["", NOT_PASSED]
    return "\n".join(
        [
            "# Model card",
            "",
            f"Predicts the size of the DFT magnetic moment per atom. Trained on snapshot `{manifest['snapshot']}`",
            f"({manifest['data']}; {manifest['rows']['train']} crystals to learn, {manifest['rows']['val']} to choose,",
            f"{manifest['rows']['test']} to judge, no chemical system in two parts), seed {manifest['seed']}.",
            "",
            f"On the test rows: MAE {metrics['mae']:.4f} µB/atom (predicting zero: {metrics['mae_of_zero']:.4f}).",
            f"The 90 % interval holds {metrics['coverage_90']:.1%} of them,",
            f"and {_share(metrics['coverage_90_magnetic'])} of the magnetic ones.",
            *lines,
            *left_out,
            *passed,
            "",
            "A prediction is a forecast of DFT, not of an experiment: the calculations behind the labels start ferromagnetic,",
            "so a large moment does not say that the ground state is a ferromagnet.",
            f"Magnetic means above {MAGNETIC_THRESHOLD} µB/atom.",
            "",
        ]
    )


def _share(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
