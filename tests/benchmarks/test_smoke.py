"""Every benchmark runs to its end with --smoke: on built-in data, with nothing but the checkout."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import runpy
import sys
import traceback
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from benchmarks.smoke import chromium
from tests.conftest import SHARED

ROOT = Path(__file__).parents[2]
LONGEST_S = 300  # of one benchmark on a busy machine; alone on one core they take 2 to 15 s
PARTS = {"benchmarks.kills_child"}  # run by others, with arguments of theirs
NEEDS = {  # what a checkout with the extra `test` does not bring
    "benchmarks.fuzz_coverage": ("atheris", "pip install atheris"),
    "benchmarks.starter_set": ("gpaw", "CC=g++ pip install -e '.[dft]'"),
    "benchmarks.mutation": ("cosmic_ray", "pip install -e '.[dev]'"),
}
GIVEN = {  # arguments below ../shared/data of those that have no built-in data
    "benchmarks.chgnet_moments": ("",),
    "benchmarks.disorder_doped": ("literature/measured_moments.parquet", "mp_magnets.parquet"),
    "benchmarks.disorder_files": ("cif_quirks.parquet",),
    "benchmarks.disorder_libraries": ("cif_quirks.parquet",),
    "benchmarks.disorder_speed": ("cif_quirks.parquet", "icsd_candidates.parquet"),
    "benchmarks.label_evidence": ("",),
    "benchmarks.mcif_round_trip": ("icsd_candidates.parquet",),
    "benchmarks.measured_moments": ("",),
    "benchmarks.moment_calibration": ("",),
}
BROWSERS = {"benchmarks.report_browser", "benchmarks.screenshots"}
PRELOADED = [  # once for all children
    "torch", "torch._dynamo", "pandas", "scipy.stats", "sklearn.ensemble", "pymatgen.core", "pymatgen.io.cif",
    "pipeline.featurise", "models.families",
    "pipeline.training.train", "pipeline.screening.screen", "pipeline.report.screened",
]  # fmt: skip


def benchmarks() -> list[str]:
    paths = sorted((ROOT / "benchmarks").rglob("*.py"))
    names = (".".join(p.relative_to(ROOT).with_suffix("").parts) for p in paths if '__name__ == "__main__"' in p.read_text())
    return [name for name in names if name not in PARTS]


@pytest.fixture(scope="session")
def server() -> ForkServerContext:
    """Processes that have the libraries loaded and nothing else in common with this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


@pytest.mark.parametrize("name", benchmarks())
def test_smoke(name: str, server: ForkServerContext, tmp_path: Path) -> None:
    if name in NEEDS and importlib.util.find_spec(NEEDS[name][0]) is None:
        pytest.skip(f"needs {NEEDS[name][0]}: {NEEDS[name][1]}")
    if name in BROWSERS and not chromium():
        pytest.skip("needs a chromium on the path, or `playwright install chromium`")
    given = [SHARED / part for part in GIVEN.get(name, ())]
    if not all(path.exists() for path in given):
        pytest.skip(f"needs {', '.join(map(str, given))}")
    said = tmp_path / "said.txt"
    process = server.Process(target=run, args=(name, [str(path) for path in given], str(said)))
    process.start()
    process.join(LONGEST_S)
    if process.is_alive():
        process.kill()
        process.join()
        pytest.fail(f"{name} --smoke was not done after {LONGEST_S} s:\n{said.read_text()[-2000:]}")
    assert process.exitcode == 0, said.read_text()[-4000:]
    assert said.read_text().strip(), "a benchmark prints what it measured"


def run(name: str, given: list[str], said: str) -> None:
    """`python -m NAME GIVEN --smoke`, its output to a file."""
    out = os.open(said, os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(ROOT)
    sys.argv = [name, *given, "--smoke"]
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        sys.stdout.flush()
        raise SystemExit(end.code or 0) from None
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None
