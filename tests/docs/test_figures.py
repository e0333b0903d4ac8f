"""What the documents say of the shipped ensemble is what its manifest says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.registry.shipped import shipped_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    shipped = shipped_model()
    assert shipped is not None
    return shipped.manifest


def stated(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Sentences with the figures of the manifest, by document."""
    ensemble, members = manifest["metrics"]["ensemble"], manifest["metrics"]["members"]
    rows, best = manifest["rows"], min(member["mae"] for member in members.values())
    error, magnetic, zero = (f"{ensemble[name]:.3f}" for name in ("mae", "mae_magnetic", "mae_of_zero"))
    held, held_magnetic = ensemble["coverage_90"], ensemble["coverage_90_magnetic"]
    *ranges, last = (one["coverage"] for one in ensemble["coverage_by_bin"])
    learned = f"learned from {rows['train']:,} crystals"
    return {
        "README.md": [
            learned,
            f"On {rows['test']:,} crystals of unseen chemical systems, the shipped model errs by {error} µB/atom "
            f"({magnetic} on magnetic ones; predicting zero: {zero})",
            f"The 90 % interval holds {100 * held:.0f} % of them, and {100 * held_magnetic:.0f} % of the magnetic ones",
        ],
        "docs/quick-start.md": [learned],
        "docs/concepts/ranking.md": [
            f"on {rows['test']:,} Materials Project crystals",
            f"{error} µB/atom (best member {best:.3f}, predicting zero {zero})",
            f"magnetic crystals | {magnetic} µB/atom",
            f"R² | {ensemble['r2']:.2f}",
            f"highest predictions | {ensemble['precision_at_k'] * ensemble['k']:.0f}",
            f"{held:.2f} of all rows, {held_magnetic:.2f} of the magnetic ones, {min(ranges):.2f} to {max(ranges):.2f} in each "
            f"range of predicted moments up to 1.5 µB/atom, {last:.2f} above",
        ],
        "docs/concepts/intervals.md": [
            f"calibrated | {held:.3f} | {held_magnetic:.3f}",
            f"up to 1.5 µB/atom, the calibrated interval holds {100 * min(ranges):.0f} to {100 * max(ranges):.0f} %, "
            f"above {100 * last:.0f} %",
        ],
    }


@pytest.mark.parametrize("name", ["README.md", "docs/quick-start.md", "docs/concepts/ranking.md", "docs/concepts/intervals.md"])
def test_a_document_states_the_figures_of_the_shipped_ensemble(name: str, manifest: dict[str, Any]) -> None:
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    missing = [sentence for sentence in stated(manifest)[name] if sentence not in text]
    assert not missing
