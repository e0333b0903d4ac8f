"""What the machinery asks of a DFT code, and how it finds one by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from pipeline.dft.settings import DftSettings


class Code(Protocol):
    """A code that speaks through ASE. Its class is named as `module:class`, so that a child process can import it."""

    @property
    def program(self) -> str:
        """Name and version, for the result."""
        ...

    def calculator(self, settings: DftSettings, lattice: Any) -> Any:
        """An ASE calculator with energy and moments for a cell (3, 3), Å. It may write what it does to standard output.

        A calculation that does not converge raises ASE's SCFError, or one of `unconverged`.
        """
        ...

    @property
    def unconverged(self) -> tuple[type[Exception], ...]:
        """What the code raises in place of ASE's SCFError."""
        ...


def find_code(name: str) -> Code:
    """An instance of the class `module:class`. Raises ImportError or AttributeError where there is none."""
    module, _, kind = name.partition(":")
    found: Code = getattr(import_module(module), kind)()
    return found
