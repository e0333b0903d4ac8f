"""The pages of databases that hold a candidate's entry, as far as its id tells."""

from __future__ import annotations

# A pattern for the whole id, whose group is what the address needs; the database's name; the address before and after the group.
# The page's script (web/links.js) uses the table, so a pattern has to mean the same in Python and in JavaScript.
DOI = "https://doi.org/"
ENTRIES = (
    (r"^((?:mp|mvc)-\d+)$", "Materials Project", "https://next-gen.materialsproject.org/materials/", ""),
    (r"^(?:[Cc][Oo][Dd][-_: ]?)?([1-9]\d{6})$", "Crystallography Open Database", "https://www.crystallography.net/cod/", ".html"),
    (
        r"^[Ii][Cc][Ss][Dd][-_: ]?(?:[Cc]oll[Cc]ode)?[-_: ]?(\d{1,6})$", "ICSD",
        "https://icsd.fiz-karlsruhe.de/linkicsd.xhtml?coll_code=", "",
    ),
    (r"^(\d{1,6})-ICSD$", "ICSD", "https://icsd.fiz-karlsruhe.de/linkicsd.xhtml?coll_code=", ""),
    (r"^[Oo][Qq][Mm][Dd]-(\d+)$", "OQMD", "https://oqmd.org/materials/entry/", ""),
    (r"^(JVASP-\d+)$", "JARVIS-DFT", "https://www.ctcms.nist.gov/~knc6/static/JARVIS-DFT/", ".xml"),
)  # fmt: skip
