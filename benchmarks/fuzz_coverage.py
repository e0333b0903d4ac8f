"""The reader under a fuzzer that is guided by coverage (atheris, which is no dependency: `pip install atheris`).

    python -m benchmarks.fuzz_coverage MINUTES [--corpus FOLDER] [--keep FOLDER]

It sees which lines of data/ an input reaches and goes on from inputs that reach new ones; fuzz_cif spoils files in the ways that
real programs do, this one finds the rest. What must never be (benchmarks/cif_invariants.py), an exception, an input that takes
ten seconds or 6 GB ends it with exit code 77 or the like, and the input is saved.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.smoke import arguments

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "data" / "cif" / "corpus"
LIMIT_S, LIMIT_MB, LONGEST = 10, 6 * 1024, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options = arguments(parser, lambda made: [0.05, "--keep", made.out()])
    import atheris

    with atheris.instrument_imports(include=["data"]):
        from benchmarks.cif_invariants import examine

    options.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as grown:  # the fuzzer writes its own inputs there, never into the committed corpus
        shutil.copytree(options.corpus, grown, dirs_exist_ok=True)
        wanted = [
            f"-max_total_time={round(60 * options.minutes)}", f"-timeout={LIMIT_S}", f"-rss_limit_mb={LIMIT_MB}",
            f"-max_len={LONGEST}", f"-artifact_prefix={options.keep}/", "-print_final_stats=1",
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *wanted, grown], lambda raw: examine(raw) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
