"""Magnets, antiferromagnets and metals without magnetic order that every textbook names, as a small table that comes with
ferroscreen."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from data.store.artifact import text_hash

FILE = Path(__file__).with_name("known_magnets.csv")
STRUCTURE_TYPES = Path(__file__).with_name("structure_types.csv")
NO_ORDER = "NM"  # measured, and none was found: Pauli and exchange-enhanced paramagnets, ions without a moment
ORDERS = ("FM", "FiM", "AFM", NO_ORDER)
NAMED = "known-magnets-"  # in the `code` of a run's manifest, with a hash of the table


@lru_cache(maxsize=1)
def known_magnets() -> pd.DataFrame:
    """One row a compound and structure: formula, structure_type, space_group (only where it is one of several of the type),
    order, tc_K, tn_K, saturation_300K_T (where sure) and reference."""
    return pd.read_csv(FILE, dtype={"space_group": "Int64"})


@lru_cache(maxsize=1)
def known_magnets_code() -> str:
    """Names the content of the table and of its structure types: with another one, the same crystals have other known orders."""
    return f"{NAMED}{text_hash(FILE.read_text(encoding='utf-8'), STRUCTURE_TYPES.read_text(encoding='utf-8'))[:8]}"


@lru_cache(maxsize=1)
def measured_in() -> list[frozenset[int]]:
    """For each row of `known_magnets` the numbers of the space groups in which the compound was measured: of its structure type
    and of the usual distortions of the same atoms. Other polymorphs may order otherwise."""
    types = pd.read_csv(STRUCTURE_TYPES).set_index("structure_type")["space_groups"]
    groups = {name: frozenset(int(n) for n in str(text).split()) for name, text in types.items()}
    table = known_magnets()
    rows = zip(table["structure_type"], table["space_group"], strict=True)
    return [groups[kind] if pd.isna(own) else frozenset((int(own),)) for kind, own in rows]
