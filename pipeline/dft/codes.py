"""The interface of a DFT code, and how a code is found by name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol

from pipeline.dft.settings import DftSettings


class Code(Protocol):
    """A DFT code with an ASE calculator. Its class is named `module:class`, so that a child process can import it."""

    @property
    def program(self) -> str:
        """Name and version, for the result."""
        ...

    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        """ASE calculators that compute energy and moments. They may write their log to standard output.

        A calculation that does not converge raises ASE's SCFError, or one of `unconverged`. Then the next calculator is used.

        Args:
            settings: settings of the calculation.
            lattice: (3, 3) lattice vectors as rows, Å.
        """
        ...

    @property
    def unconverged(self) -> tuple[type[Exception], ...]:
        """The exceptions that the code raises instead of ASE's SCFError."""
        ...


def find_code(name: str) -> Code:
    """An instance of the class `module:class`. Raises ImportError or AttributeError where there is none."""
    module, _, kind = name.partition(":")
    found: Code = getattr(import_module(module), kind)()
    return found
