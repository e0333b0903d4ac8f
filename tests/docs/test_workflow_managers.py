"""The recipe for atomate2 in the documents, with the real library where it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp.inputs import Incar, Kpoints

from pipeline.export.export import export
from pipeline.ops.progress import Quiet
from pipeline.screening.screened import Screened
from tests.docs.test_examples import blocks
from tests.pipeline.dft.samples import screened

PAGE = "docs/how-to/workflow-managers.md"
IDS = ["bcc-Fe", "C1b-NiMnSb"]
EXACT_A = 1e-6


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    run = screened(folder / "run", IDS, model="none", profile="high-ms", formula="x")
    table = run.ranking().assign(saturation_T=1.6)
    table.to_parquet(run.folder / "ranking.parquet")
    export(Screened(run.folder, run.manifest), 2, [], ["vasp"], folder / "inputs", Quiet())  # a run reads its ranking once
    return folder


def recipe(folder: Path) -> Path:
    [(code, _)] = blocks(PAGE)
    path = folder / "atomate2_flow.py"
    path.write_text(code, encoding="utf-8")
    return path


def test_an_export_has_what_the_recipe_reads(exported: Path) -> None:
    compile(recipe(exported).read_text(encoding="utf-8"), PAGE, "exec")
    candidates = json.loads((exported / "inputs" / "export.json").read_text())["candidates"]
    assert [one["candidate_id"] for one in candidates] == IDS
    for one in candidates:
        for name, moments in one["orderings"].items():
            folder = exported / "inputs" / one["folder"] / "vasp" / name
            assert sorted(np.abs(Incar.from_file(folder / "INCAR")["MAGMOM"])) == sorted(np.abs(moments))
            assert Kpoints.from_file(folder / "KPOINTS").kpts and (folder / "POTCAR.spec").read_text().split()


@pytest.mark.skipif(find_spec("atomate2") is None, reason="needs atomate2, which the documents name a version of")
def test_the_flow_calculates_what_was_exported(exported: Path) -> None:
    from jobflow import Flow

    file = exported / "flow.json"
    done = subprocess.run(
        [sys.executable, recipe(exported), exported / "inputs", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    flow = Flow.from_dict(json.loads(file.read_text()))
    candidates = json.loads((exported / "inputs" / "export.json").read_text())["candidates"]
    asked = {(one["candidate_id"], name): one for one in candidates for name in one["orderings"]}
    assert {(job.metadata["candidate_id"], job.metadata["ordering"]) for job in flow.jobs} == set(asked)
    for job in flow.jobs:
        [structure] = job.function_args
        key = (job.metadata["candidate_id"], job.metadata["ordering"])
        folder = exported / "inputs" / asked[key]["folder"] / "vasp" / key[1]
        made = job.maker.input_set_generator.get_input_set(structure, potcar_spec=True)
        assert made["INCAR"] == Incar.from_file(folder / "INCAR")
        assert str(made["KPOINTS"]) == str(Kpoints.from_file(folder / "KPOINTS"))
        assert sorted(np.abs(made["INCAR"]["MAGMOM"])) == sorted(np.abs(asked[key]["orderings"][key[1]]))
        assert np.allclose(made["POSCAR"].structure.lattice.matrix, structure.lattice.matrix, atol=EXACT_A)
