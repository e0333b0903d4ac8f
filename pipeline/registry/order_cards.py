"""Model cards of the order classifier and the order ranker."""

from __future__ import annotations

from typing import Any

WITHIN = (1, 2, 3, 5)  # places that are reported
SOURCE = """Data: Materials Project (materialsproject.org), CC-BY 4.0. The trees are shared under the same licence. No row is
among them."""


def classifier_card(manifest: dict[str, Any]) -> str:
    """The card of an order classifier, from its manifest."""
    test, rows = manifest["scores"]["test"], manifest["rows"]
    scores = ", ".join(f"{name} {value:.3f}" for name, value in test["f1"].items())
    return f"""# Model card: order classifier

Probabilities that a magnetic crystal is a ferromagnet (FM), ferrimagnet (FiM) or antiferromagnet (AFM), from its descriptors.
Learned from the signed DFT site moments of {rows["train"]:,} crystals ({manifest["data"]}). A crystal whose site moments add up
to 80 % of the sum of their sizes counts as FM, to 10 % or less as AFM.

F1 on {rows["test"]:,} test rows of other chemical systems: {scores}; log loss {test["log_loss"]:.3f}.

The calculations start ferromagnetic, and for most crystals of the class FM nobody has looked for another order: P(FM) is too
large rather than too small. How frequent the classes are is the choice of the data, not of nature.

{SOURCE}
"""


def ranker_card(manifest: dict[str, Any]) -> str:
    """The card of an order ranker, from its manifest."""
    reached = "\n".join(
        f"| {kind} | {found['rows']} | " + " | ".join(f"{found['within'][str(k)]:.3f}" for k in WITHIN) + " |"
        for kind, found in manifest["scores"].items()
    )
    return f"""# Model card: order ranker

Which of the collinear orders that a crystal's small cells allow a calculation of the Materials Project ends with. Learned from
the signed DFT site moments of {manifest["rows"]["train"]:,} antiferromagnets and ferrimagnets ({manifest["data"]}). On
{manifest["scored_on"]} rows of other chemical systems the order is among the likeliest

| calculation | rows | {" | ".join(f"{k}" for k in WITHIN)} |
|---|---|{"---|" * len(WITHIN)}
{reached}

of the orders in cells of up to four primitive ones. The output is an order of preference, no probability, and only among orders
that are antiparallel somewhere: the order classifier says whether the crystal is a ferromagnet. Those who made the calculations
tried few orders of each crystal, mostly simple ones, and the trees have learned that, too. The structures were relaxed in
their order, then symmetrised within 0.1 Å; a measured structure bears no such mark.

{SOURCE}
"""
