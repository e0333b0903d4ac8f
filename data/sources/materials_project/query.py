"""What is asked of the Materials Project: which materials, and which of their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Criteria:
    """One query in mp-api's two spellings: keywords of `search`, and the parameters that it sends for them."""

    python: dict[str, Any]
    wire: dict[str, Any]


# At least one criterion must be there: without any, mp-api leaves the endpoint and reads a copy of the database on S3.
# The GNoME structures are not free for every use (CC-BY-NC).
CRITERIA = Criteria(
    {"deprecated": False, "include_gnome": False}, {"deprecated": False, "batch_id_not_eq": "gnome_r2scan_statics"}
)

REQUIRED = ("material_id", "structure", "total_magnetization")
FIELDS = (
    *REQUIRED,
    "total_magnetization_normalized_formula_units",
    "total_magnetization_normalized_vol",
    "ordering",
    "is_magnetic",
    "num_magnetic_sites",
    "types_of_magnetic_species",
    "energy_above_hull",
    "theoretical",
    "database_IDs",
    "last_updated",
    "deprecated",
    "nsites",
    "builder_meta",
)
# Enough to see that a document moved, a fiftieth of its size. `last_updated` is the time of the calculation: a label that
# was only evaluated anew keeps it, so the label itself is listed, too.
LISTED = ("material_id", "last_updated", "total_magnetization")
