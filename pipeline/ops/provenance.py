"""Versions of the software, for manifests."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

_LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "torch",
    "torch-geometric",
    "scikit-learn",
    "mp-api",
    "pymatgen",
    "pymatgen-core",
    "matminer",
    "ase",
    "gemmi",
    "moyopy",
    "spglib",
    "pyarrow",
    "prefect",
)


def provenance() -> dict[str, Any]:
    """Versions of ferroscreen, Python and every library that can change a number."""
    return {
        "ferroscreen": version("ferroscreen"),
        "python": platform.python_version(),
        "libraries": {n: version(n) for n in _LIBRARIES},
    }


def version(distribution: str) -> str:
    """An installed distribution's version, or "not installed"."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
