"""Jobs and a finished screen for the checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.calculation import Calculation, write_calculation
from data.cif.disorder import Disorder
from data.crystal import Crystal, make_crystal
from data.rejection import Rejection
from data.sources import Record
from data.sources.cif_folder import CifFolder
from data.sources.recipe import recipe
from data.sources.starter import STARTER_FILE, StarterSource
from data.store.artifact import write_json
from data.symmetry import SYMPREC_A
from pipeline.dft.child import calculate
from pipeline.dft.plan import Method, Plan, Size, plan
from pipeline.dft.settings import DftSettings
from pipeline.disorder.approximants import APPROXIMANT_CODE
from pipeline.export.chosen import Chosen
from pipeline.magnetism.competing_orderings import MAX_ORDERINGS
from tests.data.cif_texts import cell_text, cif_text

if TYPE_CHECKING:
    from pipeline.screening.screen import Screened

TOY = "tests.pipeline.dft.toy:"
SETTINGS = DftSettings()


def bcc(z: int, a: float = 2.85) -> Crystal:
    """One site in a body-centred cell; `a` in Å."""
    return make_crystal(f"bcc-{z}", a / 2 * (np.ones((3, 3)) - 2 * np.eye(3)), [[0, 0, 0]], [z])


def starter() -> dict[str, Crystal]:
    source = StarterSource(equilibrium_only=True)
    found = [item.crystal for shard in source.shards() for item in source.read(shard) if not isinstance(item, Rejection)]
    return {crystal.id: crystal for crystal in found}


def planned(
    code: str, *crystals: Crystal, max_sites: int = 8, orderings: int = MAX_ORDERINGS, licensed: bool = False,
    settings: DftSettings = SETTINGS,
) -> list[Plan]:  # fmt: skip
    """The plans for these crystals, ranked as they come."""
    chosen = [Chosen({"rank": k, "candidate_id": c.id, "formula": c.formula}, c) for k, c in enumerate(crystals, start=1)]
    return plan(chosen, SYMPREC_A, Method(code if ":" in code else TOY + code, settings), Size(max_sites, orderings), licensed)


def calculated(folder: Path, *crystals: Crystal, code: str = "Toy", orderings: int = 9, licensed: bool = False) -> Path:
    """A folder with the results for these crystals, of the first few orderings; calculated in this process."""
    folder.mkdir(exist_ok=True)
    for one in planned(code, *crystals, licensed=licensed):
        for job in one.jobs[:orderings]:
            write_calculation(folder, Calculation(job, calculate(job)))
    return folder


def screened(folder: Path, ids: list[str], **more: Any) -> Screened:
    """A finished screen of the starter set with these candidates, best first, as a screen writes it."""
    from pipeline.screening.screen import Screened  # with torch, for which the tests of the queue need not wait

    crystals = starter()
    source = StarterSource(equilibrium_only=True)
    manifest = {
        "id": "run-1", "input": source.identity(), "source": source.description, "reading": recipe(source),
        "graph_settings": {"symprec_A": SYMPREC_A}, "withheld": False, "licensed": False,
        "orderings": {}, **more,
    }  # fmt: skip
    rows = [
        {"rank": k, "candidate_id": name, "source_file": STARTER_FILE.name, "formula": crystals[name].formula,
         "n_sites": crystals[name].n_sites, "exclusion_reason": "", "duplicate_of": "", "moment_muB_per_atom": 1.5,
         "moment_low": 1.0, "moment_high": 2.0}
        for k, name in enumerate(ids, start=1)
    ]  # fmt: skip
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(folder / "ranking.parquet")
    write_json(folder / "manifest.json", manifest)
    return Screened(folder, manifest)


def screened_alloy(folder: Path, second: str, **more: Any) -> Screened:
    """A finished screen of one bcc alloy, 70 % iron, as a screen writes it."""
    from pipeline.screening.screen import Screened  # see above

    cifs = folder / "cifs"
    cifs.mkdir()
    places = (("0 0 0", 1), ("0.5 0.5 0.5", 2))
    sites = "".join(f"Fe{k} Fe {place} 0.7\n{second}{k} {second} {place} 0.3\n" for place, k in places)
    (cifs / "alloy.cif").write_text(cif_text("alloy", cell=cell_text(2.87, 2.87, 2.87), sites=sites))
    source = CifFolder(cifs, disorder=Disorder.AVERAGE)
    [read] = [item for shard in source.shards() for item in source.read(shard)]
    assert isinstance(read, Record)
    manifest = {
        "id": "run-1", "input": source.identity(), "source": source.description, "reading": recipe(source),
        "graph_settings": {"symprec_A": SYMPREC_A}, "withheld": False, "licensed": False, "orderings": {},
        "code": [APPROXIMANT_CODE], **more,
    }  # fmt: skip
    row = {
        "rank": 1, "candidate_id": "alloy", "source_file": "alloy.cif", "formula": read.crystal.formula, "n_sites": 2,
        "exclusion_reason": "", "duplicate_of": "", "moment_muB_per_atom": 1.5, "moment_low": 1.0, "moment_high": 2.0,
        "saturation_T": 1.6, "n_approximants": 2.0,
    }  # fmt: skip
    out = folder / "run"
    out.mkdir()
    pd.DataFrame([row]).to_parquet(out / "ranking.parquet")
    write_json(out / "manifest.json", manifest)
    return Screened(out, manifest)
