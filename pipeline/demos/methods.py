"""The seven published methods by name, in the order of the published papers list (models/published/README.md)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from data.errors import UserError
from pipeline.demos.demonstration import Demonstration


@dataclass(frozen=True)
class Method:
    """A published method and its demonstration."""

    name: str
    paper: str  # arXiv number
    summary: str

    @property
    def module(self) -> str:
        return f"pipeline.demos.{self.name.replace('-', '_')}"

    def demonstrate(self, smoke: bool, seed: int = 0) -> Demonstration:
        """Run the demonstration; `smoke` runs it in a size of seconds, in which most figures mean nothing."""
        found = import_module(self.module).demonstrate(smoke, seed)
        assert isinstance(found, Demonstration)
        return found


METHODS = (
    Method("magnet-scan", "2111.14712", "forest, CGCNN and MEGNet predict moments; their spread is the error bar"),
    Method("ecn", "2211.15420", "weights shared among pairs of lattice cells that the lattice symmetry maps onto each other"),
    Method("mcegnn", "2309.03139", "an equivariant network with several vectors a node"),
    Method("canonicalization", "2211.06489", "a learned frame makes any network equivariant"),
    Method("adaptation", "2310.01647", "a prior leads a canonicalizer to the poses that a pretrained network knows"),
    Method("symmetry-breaking", "2312.09016", "answers that are less symmetric than the input, such as antiferromagnets"),
    Method("spectral-decoupling", "2011.09468", "a penalty on logits against gradient starvation"),
)


def method(name: str) -> Method:
    """The method of that name. Raises UserError for an unknown name."""
    found = next((m for m in METHODS if m.name == name), None)
    if found is None:
        raise UserError(f"there is no method {name!r} to demonstrate; there are {', '.join(m.name for m in METHODS)}")
    return found
