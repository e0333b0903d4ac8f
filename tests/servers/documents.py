"""Summary documents in the words of the Materials Project, made from crystals with a moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.crystal import symbol
from data.sources import Record, Source

CREATED = "2026-01-15T00:00:00Z"


def document(record: Record, material_id: str, last_updated: str = CREATED) -> dict[str, Any]:
    """What `/materials/summary/` would say of a record; pymatgen's structure dictionary, whole."""
    crystal, label = record.crystal, record.label
    total = 0.0 if label is None else abs(label.moment_muB_per_cell)
    units = crystal.to_pymatgen().composition.get_reduced_composition_and_factor()[1]
    per_atom = total / crystal.n_sites
    return {
        "material_id": material_id,
        "last_updated": last_updated,
        "deprecated": False,
        "formula_pretty": crystal.formula,
        "nsites": crystal.n_sites,
        "structure": structure(record),
        "total_magnetization": total,
        "total_magnetization_normalized_formula_units": total / units,
        "total_magnetization_normalized_vol": total / crystal.volume,
        "ordering": "FM" if per_atom > 0.05 else "NM",
        "is_magnetic": per_atom > 0.05,
        "num_magnetic_sites": crystal.n_sites if per_atom > 0.05 else 0,
        "types_of_magnetic_species": [],
        "energy_above_hull": 0.0,
        "theoretical": False,
        "database_IDs": {"icsd": [f"icsd-{len(material_id)}"]},
        "builder_meta": {"emmet_version": "0.87.3", "license": "BY-C"},
    }


def structure(record: Record) -> dict[str, Any]:
    """`Structure.as_dict()` of pymatgen, written out: that method takes ten times as long."""
    crystal = record.crystal
    cartesian = crystal.frac @ crystal.lattice
    sites = [
        {
            "species": [{"element": symbol(z), "occu": 1}],
            "abc": abc,
            "properties": {},
            "label": symbol(z),
            "xyz": xyz,
        }
        for z, abc, xyz in zip(crystal.numbers.tolist(), crystal.frac.tolist(), cartesian.tolist(), strict=True)
    ]
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0,
        "lattice": {"matrix": crystal.lattice.tolist(), "pbc": [True, True, True], "volume": crystal.volume},
        "properties": {},
        "sites": sites,
    }


def records(source: Source) -> Iterator[Record]:
    """The readable crystals of a source."""
    for shard in source.shards():
        yield from (item for item in source.read(shard) if isinstance(item, Record))
