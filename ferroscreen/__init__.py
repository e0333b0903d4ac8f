"""Find ferromagnets with a large moment, from Python.

    import ferroscreen

    table = ferroscreen.predict([structure, "crystal.cif"])      # a pandas.DataFrame, a row a crystal
    model = ferroscreen.Model.load()                             # the model in use, loaded once
    orders = ferroscreen.competing_orderings(structure)          # structures with a moment on each site
    result = ferroscreen.screen(["folder"], out="results")       # what `ferroscreen screen folder --out results` does

Importing this package takes a fraction of a second; the networks are imported by the first prediction.
"""

from __future__ import annotations

from ferroscreen.api import competing_orderings, screen
from ferroscreen.model import Model, predict

__all__ = ["Model", "competing_orderings", "predict", "screen"]
