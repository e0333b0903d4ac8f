"""What a reader has to know before acting on a ranking, the most serious first: the page's first screen shows three."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SMALL_TRAINING_SET = 5000
MANY_REJECTED = 0.1


def _licensed(run: Mapping[str, Any]) -> str:
    """What is licensed: how many crystals, or in older runs the source."""
    number = run.get("licensed_crystals")
    if number is None:
        return "The source is licensed"
    return f"{number:,} crystal{' is' if number == 1 else 's are'} licensed"


def _of_order(run: Mapping[str, Any], ordered: bool) -> str:
    """What the order of the moments rests on: experiments, in older runs DFT, in still older ones nothing."""
    if (measured := run.get("measured_orders")) is not None:
        curie = run.get("measured_curie_temperatures")  # of antiferromagnets there is none
        also = "" if curie is None else f", the Curie temperature of {curie:,}"
        return (
            f"The order of {measured:,} of {run['ranked']:,} candidates was measured{also}; of the others, both are predicted "
            "from the composition, or taken with little confidence from another structure of it. The moment of each atom is that "
            "of a calculation which starts ferromagnetic: let DFT compare orders (ferroscreen export)."
        )
    if ordered:
        return (
            "The calculations that the model learned from start ferromagnetic, so many antiferromagnets carry a ferromagnet's "
            "moment in them. P(FM) lowers the score of those that look like known antiferromagnets, but its model names "
            "the right order of a test crystal in about seven of ten cases only: let DFT compare orders (ferroscreen export)."
        )
    return (
        "Nothing here says how the moments are ordered: the calculations that the model learned from start ferromagnetic, "
        "so antiferromagnets (many oxides and fluorides of Mn, Fe, Cr, Gd) are in this list with the moment of a ferromagnet."
    )


def caveats(run: Mapping[str, Any], model: Mapping[str, Any], ordered: bool) -> tuple[str, ...]:
    """Sentences about a screen, from its manifest and its model's; `ordered`: the order of the moments was predicted."""
    found, rows = [], model["rows"]
    if rows["train"] < SMALL_TRAINING_SET:
        found.append(
            f"The model learned from {rows['train']:,} crystals only: it shows how the pipeline works. Train on Materials "
            "Project data before choosing crystals by it."
        )
    if not model.get("gate_passed", True):
        found.append("No member of the model was better than a constant with confidence on the validation rows.")
    found.append(_of_order(run, ordered))
    share = run["rejected"] / max(run["ranked"] + run["rejected"], 1)
    if share > MANY_REJECTED:
        found.append(f"{share:.0%} of the input could not be used; the reasons are listed at the end.")
    if run.get("withheld"):
        found.append(
            f"{_licensed(run)}: of such structures this page and the tables beside it hold ids and formulas only. "
            "ferroscreen screen --licensed-details adds the rest, for your own use."
        )
    if run["with_note"]:
        many = run["with_note"] > 1
        found.append(
            f"{run['with_note']:,} candidate{'s carry' if many else ' carries'} a note (disorder, lengths that may not be in Å, "
            "elements the model never saw): open the candidate to read it."
        )
    if mixed := run.get("disordered", 0):
        found.append(
            f"{mixed:,} crystal{'s are' if mixed > 1 else ' is'} disordered: the prediction is the mean over ordered cells "
            f"({run['disordered_time']:.0%} of the computing time), and their spread widens the interval. The picture of such "
            "a crystal shows the main species of each place."
        )
    if far := run.get("out_of_domain", 0):
        found.append(
            f"{far:,} candidate{'s are' if far > 1 else ' is'} unlike what the model learned from (OOD score above 1), and "
            "the interval is widened. An element that was never seen may carry up to the spin of its free atom."
        )
    if run["known_from"] is None:
        found.append("The snapshot that the model learned from is not here, so candidates with a known moment are not marked.")
    if run["not_compared"]:
        found.append(f"{run['not_compared']} candidates could not be compared with others in time: duplicates may be among them.")
    if 0 < run["stability_known"] < run["ranked"]:
        found.append(
            f"The energy above the hull is known for {run['stability_known']:,} of {run['ranked']:,} candidates only: an unknown "
            "stability is not a good one."
        )
    if run["stability_known"] == 0:
        found.append("The energy above the hull is known for no candidate: nothing here says whether they are stable.")
    if run["without_symmetry"]:
        found.append(f"{run['without_symmetry']} crystals had no usable symmetry and were treated with all their atoms apart.")
    return tuple(found)
