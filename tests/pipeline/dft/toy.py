"""Codes for the machinery: real ASE calculators of a toy magnet, some that hang, die, refuse or do not converge."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from ase.calculators.calculator import Calculator, SCFError, all_changes

from pipeline.dft.settings import DftSettings

COUPLING_EV = 0.02  # of two nearest neighbours
FERROMAGNETIC = {"Fe", "Co"}  # nearest neighbours of all others want to be antiparallel
QUENCHED = {"V"}  # loses its moment


class Ising(Calculator):  # type: ignore[misc]
    """Sites keep the signs that they start with; parallel neighbours cost or gain energy by their elements."""

    implemented_properties: ClassVar[list[str]] = ["energy", "magmom", "magmoms"]

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        from ase.neighborlist import neighbor_list

        symbols = np.array(self.atoms.get_chemical_symbols())
        start = self.atoms.get_initial_magnetic_moments()
        moments = np.where(np.isin(symbols, list(QUENCHED)), 0.0, start)
        first, second, distance = neighbor_list("ijd", self.atoms, 3.0)
        near = distance < 1.05 * distance.min()
        first, second = first[near], second[near]
        sign = np.where(np.isin(symbols[first], list(FERROMAGNETIC)), -1.0, 1.0)
        energy = COUPLING_EV / 2 * float((sign * np.sign(moments[first]) * np.sign(moments[second])).sum())
        self.results = {"energy": energy, "magmom": float(moments.sum()), "magmoms": moments}


class Toy:
    """Deterministic and quick."""

    program = "toy 1"
    unconverged = ()

    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        return [Ising()]


class Elastic(Toy):
    """With a volume of lowest energy."""

    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        return [_Elastic()]


class Endless(Toy):
    """Says which process it is, and sleeps."""

    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        sys.stdout.write(f"process {os.getpid()}\n")
        time.sleep(3600.0)
        return [Ising()]


class HangsOnPairs(Toy):
    """Never ends for two sites or more, not even when asked to."""

    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        return [_Hanging()]


class DiesOnPairs(Toy):
    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        return [_Dying()]


class Refuses(Toy):
    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        raise FileNotFoundError("no data set for this element")


class NeverConverges(Toy):
    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        raise SCFError("150 steps were not enough")


class ConvergesSlowly(Toy):
    """With its second calculator only."""

    def calculators(self, settings: DftSettings, lattice: Any) -> Iterable[Any]:
        return [_Unconverged(), Ising()]


class _Unconverged(Ising):
    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        raise SCFError("60 steps were not enough")


EQUILIBRIUM_A3 = {"Fe": 11.4, "Co": 12.6, "Ni": 30.0}  # per atom
STIFFNESS = 2000.0  # eV Å⁴ per atom


class _Elastic(Ising):
    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        name, volume = str(atoms.symbols[0]), atoms.get_volume() / len(atoms)
        energy = STIFFNESS * (volume ** (-2 / 3) - EQUILIBRIUM_A3[name] ** (-2 / 3)) ** 2
        self.results["energy"] += len(atoms) * energy


class _Hanging(Ising):
    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while len(atoms) > 1:
            time.sleep(1.0)
        super().calculate(atoms, properties, system_changes)


class _Dying(Ising):
    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        if len(atoms) > 1:
            sys.stdout.write("about to run out of memory\n")
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(atoms, properties, system_changes)
