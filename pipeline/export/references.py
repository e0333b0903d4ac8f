"""What to cite, as BibTeX: each candidate, the methods and data behind its prediction, the programs that wrote its files."""

from __future__ import annotations

import re
from typing import Any

from pybtex.database import BibliographyData, Entry

from pipeline.export.measured import measured

_WORKS: dict[str, tuple[str, dict[str, str]]] = {
    "kaba2023": ("article", {
        "author": "Kaba, S{\\'e}kou-Oumar and others", "year": "2023", "journal": "Physical Review Materials", "volume": "7",
        "pages": "044407", "title": "Prediction of large magnetic moment materials with graph neural networks and random forests",
    }),
    "xie2018": ("article", {
        "author": "Xie, Tian and Grossman, Jeffrey C.", "year": "2018", "journal": "Physical Review Letters", "volume": "120",
        "pages": "145301",
        "title": "Crystal graph convolutional neural networks for an accurate and interpretable prediction of material "
        "properties",
    }),
    "chen2019": ("article", {
        "author": "Chen, Chi and others", "year": "2019", "journal": "Chemistry of Materials", "volume": "31", "pages": "3564",
        "title": "Graph networks as a universal machine learning framework for molecules and crystals",
    }),
    "jain2013": ("article", {
        "author": "Jain, Anubhav and others", "year": "2013", "journal": "APL Materials", "volume": "1", "pages": "011002",
        "title": "Commentary: The Materials Project: A materials genome approach to accelerating materials innovation",
    }),
    "ong2013": ("article", {
        "author": "Ong, Shyue Ping and others", "year": "2013", "journal": "Computational Materials Science", "volume": "68",
        "pages": "314--319",
        "title": "Python Materials Genomics (pymatgen): A robust, open-source Python library for materials analysis",
    }),
    "larsen2017": ("article", {
        "author": "Larsen, Ask Hjorth and others", "year": "2017", "journal": "Journal of Physics: Condensed Matter",
        "volume": "29", "pages": "273002", "title": "The atomic simulation environment---a Python library for working with atoms",
    }),
}  # fmt: skip


def bibtex(manifest: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """One entry a candidate, then the works. Text of a source loses every sign that BibTeX or TeX would interpret."""
    entries = {
        f"candidate{row['rank']}": Entry("misc", {
            "title": f"{{{_plain(row['formula'])}}}, {_plain(row['candidate_id'])}",
            "howpublished": f"{_plain(manifest['source'])}, {_plain(row['source_file'])}",
            "note": f"rank {row['rank']} of {manifest['ranked']} in ferroscreen run {manifest['id']}, model {manifest['model']}",
        })
        for row in rows
    }  # fmt: skip
    sources = {source: None for row in rows if (known := measured(row)) for source in known.sources}
    entries |= {
        f"measured{k}": Entry("misc", {
            "doi" if source.startswith("10.") else "howpublished": _plain(source),
            "note": "measured order or transition temperature",
        })
        for k, source in enumerate(sources, start=1)
    }  # fmt: skip
    entries |= {key: Entry(kind, fields) for key, (kind, fields) in _WORKS.items()}
    return str(BibliographyData(entries=entries).to_string("bibtex"))


def _plain(text: object) -> str:
    return re.sub(r"[^\w .,:/()+-]", "?", str(text), flags=re.ASCII)
