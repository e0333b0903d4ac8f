"""The formats of an export by name."""

from __future__ import annotations

from data.errors import UserError

TABLES = ("csv", "bibtex")  # of all candidates; the others are files of each
FORMATS = ("cif", "poscar", "vasp", "qe", "mcif", *TABLES)


def parse_formats(text: str) -> list[str]:
    """From `vasp,csv`.

    Raises:
        UserError: an unknown format, or none.
    """
    formats = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise UserError(
            f"--format is one or several of {', '.join(FORMATS)}, comma-separated, not {', '.join(unknown) or 'empty'}"
        )
    return formats
