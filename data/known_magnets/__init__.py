"""Magnets and antiferromagnets that every textbook names, as a small table that comes with ferroscreen."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

FILE = Path(__file__).with_name("known_magnets.csv")
ORDERS = ("FM", "FiM", "AFM")


@lru_cache(maxsize=1)
def known_magnets() -> pd.DataFrame:
    """One row a compound: formula, structure_type, space_group (only where other polymorphs order otherwise), order, tc_K, tn_K,
    saturation_300K_T (where sure) and reference."""
    return pd.read_csv(FILE, dtype={"space_group": "Int64"})
