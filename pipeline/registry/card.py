"""A model card: data, errors and limits of a model."""

from __future__ import annotations

from typing import Any

from data.labels import MAGNETIC_THRESHOLD
from models.families import can_pretrain, family
from pipeline.training.member_weights import MEDIAN

WORST = 10  # elements that are named
SHIPPED_WORDS = """## Data and licence

The members learned from density-functional calculations of the Materials Project (materialsproject.org; A. Jain et al.,
APL Materials 1, 011002, 2013), release of the table that is named above, under the Creative Commons Attribution 4.0 licence
(CC-BY 4.0). The structures that they learned without labels are of the Materials Project, too. The weights are derived from
these data and are shared under the same licence; whoever passes them on names the Materials Project. No row of the data is in
this folder: the test rows behind the plots have lost their names and are in the order of the prediction, and of the chemical
systems that were used only hashes are kept.

## Known defects of the labels

- Every calculation starts ferromagnetic, mostly GGA, GGA+U for oxides and fluorides of some transition metals. Antiferromagnets
  often carry the moment of a ferromagnet, or a ferrimagnet's.
- Some labels of zero are wrong (intermetallics rich in Fe or Co that fell into a non-magnetic solution), and so are some
  large ones.
- Many rare earths were calculated with their 4f electrons in the core: their crystals have no 4f moment in the labels.

## Not for

Deciding that a compound is a ferromagnet, Curie temperatures, anisotropy, disordered alloys, surfaces, films, molecules,
anything under pressure, or as a replacement for the calculation that `ferroscreen export` prepares.
"""
NOT_PASSED = "**No member was better than a constant with confidence: this model shows how the pipeline works, no more.**"


def model_card(manifest: dict[str, Any]) -> str:
    """Data, errors and limits of the model, as Markdown."""
    metrics = manifest["metrics"]["ensemble"]
    lines = [f"- {m['name']}: weight {m['weight']:.2f}, test MAE {m['mae']:.4f} µB/atom" for m in manifest["members"]]
    way = manifest.get("weighing", {}).get("way", "")
    combined = ["Their predictions are combined by the median.", ""] if way == MEDIAN else []
    errors = manifest.get("errors", {})
    moved = ["What they left of similar training crystals is added.", ""] if errors.get("training_residuals") else []
    if errors.get("integer_moments"):
        moved += ["Where a gap is likely, they move towards an integer moment of the primitive cell.", ""]
    left_out = [f"- left out: {m['name']}, because {m['reason']}" for m in manifest["left_out"]]
    mended = [_mended(manifest["mended_labels"])] if manifest.get("mended_labels") else []
    kinds, learned = {member["family"] for member in manifest["members"]}, []  # not of what is left out
    if (sites := manifest["settings"].get("site_moments")) and any(family(kind).reads_site_moments for kind in kinds):
        learned.append(f"Some members learned the site moments of snapshot `{sites}`, too (training systems only).")
    if (unlabelled := manifest.get("unlabelled_crystals")) is not None and any(map(can_pretrain, kinds)):
        learned.append(f"Some members learned the structures of {unlabelled} crystals without labels first (no test systems).")
    passed = [] if manifest["gate_passed"] else ["", NOT_PASSED]
    return "\n".join(
        [
            "# Model card",
            "",
            f"Predicts the size of the DFT magnetic moment per atom. Trained on snapshot `{manifest['snapshot']}`",
            f"({manifest['data']}; {manifest['rows']['train']} crystals to learn, {manifest['rows']['val']} to choose,",
            f"{manifest['rows']['test']} to test, no chemical system in two parts), seed {manifest['seed']}.",
            "",
            f"On the test rows: MAE {metrics['mae']:.4f} µB/atom (predicting zero: {metrics['mae_of_zero']:.4f}).",
            f"The 90 % interval holds {metrics['coverage_90']:.1%} of them,",
            f"and {_share(metrics['coverage_90_magnetic'])} of the magnetic ones.",
            *mended,
            *learned,
            *combined,
            *moved,
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


def shipped_card(manifest: dict[str, Any]) -> str:
    """The card of the model that comes with the product: also where its data come from, and what it is not for."""
    lines = [model_card(manifest), "## Where it errs", "", "Test rows; a compound may be of several kinds.", ""]
    lines += ["| compounds | test rows | MAE, µB/atom |", "|---|---|---|"]
    lines += [f"| {name} | {g['n']} | {g['mae']:.3f} |" for name, g in manifest["metrics"]["stratified_errors"]["kinds"].items()]
    worst = sorted(manifest["metrics"]["stratified_errors"]["elements"].items(), key=lambda pair: -pair[1]["mae"])[:WORST]
    lines += ["", "Elements with the largest mean error: " + ", ".join(f"{e} {g['mae']:.2f}" for e, g in worst) + " µB/atom."]
    lines += ["", "| predicted, µB/atom | test rows | the 90 % interval holds |", "|---|---|---|"]
    lines += [
        f"| {b['low']:g} to {'∞' if b['high'] is None else format(b['high'], 'g')} | {b['n']} | {_share(b['coverage'])} |"
        for b in manifest["metrics"]["ensemble"]["coverage_by_bin"]
    ]
    return "\n".join([*lines, "", SHIPPED_WORDS])


def _mended(counts: dict[str, int]) -> str:
    """A sentence on the training labels that other sources contradict."""
    said = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    return f"Training labels that newer calculations or experiments contradict: {said} (mended_labels.csv where it was trained)."


def _share(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
