"""Numbers of a finished screen for its manifest, from the tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from pipeline.magnetism.experiment import MEASURED
from pipeline.screening.shards import ShardFacts


def counts(ranking: pd.DataFrame, rejected: pd.DataFrame) -> dict[str, Any]:
    """How many crystals a run ranks and rejects, and of how many of them something is known."""
    return {
        "ranked": len(ranking), "rejected": len(rejected), "with_note": int((ranking["note"] != "").sum()),
        "rejected_by_reason": dict(sorted(Counter(rejected["reason"]).items())),
        "excluded": int((ranking["exclusion_reason"] != "").sum()),
        "stability_known": int((ranking["stability"] == "known").sum()),
        "duplicates": int((ranking["duplicate_of"] != "").sum()), "known": int((ranking["known_id"] != "").sum()),
        "out_of_domain": int((ranking["ood_score"] > 1).sum()),
        "orderings": {str(k): int(n) for k, n in ranking["ordering_most_likely"].value_counts().sort_index().items()},
        "measured_orders": int((ranking["order_basis"] == MEASURED).sum()),
        "measured_curie_temperatures": int((ranking["tc_basis"] == MEASURED).sum()),
    }  # fmt: skip


def disorder_facts(ranking: pd.DataFrame, facts: ShardFacts) -> dict[str, Any]:
    """How many ranked crystals are disordered, and the share of the workers' time that their approximants took."""
    number = int(ranking["n_approximants"].notna().sum()) if "n_approximants" in ranking else 0
    return {"disordered": number, "disordered_time": round(facts.seconds_disordered / max(facts.seconds, 1e-9), 3)}
