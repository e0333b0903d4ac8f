"""Mutation testing: small faults in the code of calibration, profiles, labels, ranking and order, and the tests that notice them.

    python -m benchmarks.mutation [--targets conformal,profiles] [--most 60] [--seed 0] [--out mutation.md]
    python -m benchmarks.mutation --smoke

benchmarks/mutation.toml names the targets: modules, and the tests that must fail. The faults are those of cosmic-ray's operators
(`pip install -e .[dev]`), one for each place and kind of operator, drawn by the seed; operators that only raise a TypeError and
type annotations are left out. Everything happens in a copy of the checkout; each fault in a
forked child that reads the changed module, and what imports it, anew. A fault is killed when a test fails or does not end;
it survives when all tests pass. A target with more than --most faults is sampled by the seed.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import importlib
import itertools
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # children are forked: no threads before
ROOT = Path(__file__).parent.parent
CONFIG = Path(__file__).with_suffix(".toml")
NAMED = "named"
LOADED = "loaded.txt"
SLOWEST = 120  # seconds; a fault that makes the tests run longer than this is noticed
ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
LOGIC = {"BitAnd", "BitOr", "BitXor"}
ORDER = {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"}
PACKAGES = {"benchmarks", "data", "ferroscreen", "flows", "models", "pipeline", "tests"}
SAME = {"Is", "IsNot"}
LIKE = (ARITHMETIC, LOGIC, ORDER, SAME)
# imported once here, so that a child need not; nothing of the checkout
PRELOADED = (
    "pytest", "xdist", "hypothesis", "pandas", "scipy.stats", "sklearn.ensemble", "sklearn.linear_model", "torch", "crepes",
    "torch_geometric.data", "pymatgen.core", "matminer.featurizers.composition", "moyopy", "pyarrow.parquet",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed file: what stood there, and what stands there now."""

    module: str
    line: int
    kind: str
    code: str = field(repr=False)
    before: str
    after: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", help="comma-separated; default: all")
    parser.add_argument("--most", type=int, default=60, help="faults of a target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smoke", action="store_true", help="a few faults of one target")
    options = parser.parse_args()
    targets = tomllib.loads(CONFIG.read_text())["target"]
    if options.smoke:
        options.targets, options.most = "order columns", 1
    if options.targets:
        targets = [target for target in targets if target["name"] in options.targets.split(",")]
    out = options.out.resolve() if options.out else None
    lines = ["| target | faults | killed | score | of no consequence | seconds |", "|---|---|---|---|---|---|"]
    alive: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ferroscreen-mutation-") as folder:
        copy = _copied(Path(folder) / "checkout")
        _enter(copy)
        for target in targets:
            row, survivors = _judged(copy, target, options.most, random.Random(options.seed))
            lines.append(row)
            alive += survivors
            print(row, *survivors, sep="\n", flush=True)
    text = "\n".join([*lines, "", *alive, ""])
    print(text)
    if out:
        out.write_text(text)
    if any(NAMED in line for line in alive):
        raise SystemExit("a fault of the file's own list survived")


def _judged(copy: Path, target: dict[str, Any], most: int, chance: random.Random) -> tuple[str, list[str]]:
    """A row of the table, and a line for each survivor.

    Raises:
        SystemExit: the tests fail without a fault, or a named or excused fault is no longer in the code.
    """
    started = time.monotonic()
    if not _tests_pass(target["tests"], set(), copy / LOADED):
        raise SystemExit(f"{target['name']}: the tests fail without a fault")
    for name in (copy / LOADED).read_text().split():
        importlib.import_module(name)
    mutants = [mutant for module in target["modules"] for mutant in _mutants(module, target.get("functions"), chance)]
    excused = {(one["before"], one["after"]) for one in target.get("equivalent", ())}
    code = " ".join(line.strip() for module in target["modules"] for line in Path(module).read_text().splitlines())
    if gone := sorted({before for before, _ in excused if before not in code}):
        raise SystemExit(f"{target['name']}: excused, but no longer in the code: {'; '.join(gone)}")
    equivalent = [m for m in mutants if (m.before, m.after) in excused]
    mutants = [m for m in mutants if m not in equivalent]
    if len(mutants) > most:
        mutants = sorted(chance.sample(mutants, most), key=lambda m: (m.module, m.line))
    mutants += [_named(named) for named in target.get("named", ())]
    survivors = []
    for mutant in mutants:
        file = Path(mutant.module)
        sound = file.read_text()
        file.write_text(mutant.code)
        if _tests_pass(target["tests"], _dependents(mutant.module)):
            told = f" ({NAMED})" if mutant.kind == NAMED else ""
            survivors.append(f"- {mutant.module}:{mutant.line} `{mutant.before}` -> `{mutant.after}`{told}")
        file.write_text(sound)
    killed = len(mutants) - len(survivors)
    share, seconds = killed / max(len(mutants), 1), time.monotonic() - started
    return f"| {target['name']} | {len(mutants)} | {killed} | {share:.1%} | {len(equivalent)} | {seconds:.0f} |", survivors


def _named(named: dict[str, str]) -> Mutant:
    code = Path(named["module"]).read_text()
    if code.count(named["before"]) != 1:
        raise SystemExit(f"{named['module']} does not have one {named['before']!r}")
    line = code[: code.index(named["before"])].count("\n") + 1
    return Mutant(named["module"], line, NAMED, code.replace(named["before"], named["after"]), named["before"], named["after"])


def _mutants(module: str, functions: list[str] | None, chance: random.Random) -> Iterator[Mutant]:
    """One mutant for each place and kind of operator."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    code = Path(module).read_text()
    tree, passed_over = get_ast(code), _passed_over(ast.parse(code), functions)
    places: dict[tuple[Any, str], list[tuple[Any, int]]] = {}
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or not _sensible(name):
            continue
        found = (place for node in ast_nodes(tree) for place in operator().mutation_positions(node))
        for occurrence, (start, stop) in enumerate(found):
            if not any(a <= start and stop <= b for a, b in passed_over):
                places.setdefault((start, _kind(name)), []).append((operator(), occurrence))
    for ((line, _), kind), ways in sorted(places.items(), key=lambda item: item[0]):
        changed = mutate_code(code, *chance.choice(ways))
        if changed and changed != code:
            yield Mutant(module, line, kind, changed, *_difference(code, changed))


def _kind(name: str) -> str:
    return re.sub(r"(Replace\w+Operator_[A-Za-z]+)_\w+", r"\1", name.split("/")[1])


def _sensible(name: str) -> bool:
    """Whether the operator replaces like by like."""
    match = re.fullmatch(r"core/Replace(?:Binary|Comparison)Operator_(\w+)_(\w+)", name)
    return match is None or any({match[1], match[2]} <= group for group in LIKE)


def _passed_over(tree: ast.Module, functions: list[str] | None) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Places of annotations and, with `functions`, of everything outside them."""
    spans, lines = [], [(0, 0)]
    for node in ast.walk(tree):
        notes = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        notes += [node.value] if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Callable[") else []
        spans += [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in notes if n is not None]
        if functions and isinstance(node, ast.FunctionDef) and node.name in functions:
            lines.append((node.lineno, node.end_lineno or node.lineno))
    if functions:
        lines = [*sorted(lines), (10**6, 10**6)]
        spans += [((a[1] + 1, 0), (b[0], 0)) for a, b in itertools.pairwise(lines)]
    return spans


def _difference(code: str, changed: str) -> tuple[str, str]:
    lines = list(difflib.unified_diff(code.splitlines(), changed.splitlines(), n=0, lineterm=""))[3:]
    before, after = (" ".join(x[1:].strip() for x in lines if x.startswith(sign)) for sign in "-+")
    return before, after


def _copied(to: Path) -> Path:
    left_out = shutil.ignore_patterns(".*", "__pycache__", "docs", "site", "*.pyc")
    shutil.copytree(ROOT, to, ignore=left_out, symlinks=True)
    return to


def _enter(copy: Path) -> None:
    """Import from the copy from now on, the libraries first: a child need not do it again."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            __import__(name)
    for name in _of_checkout():
        del sys.modules[name]
    os.chdir(copy)
    sys.dont_write_bytecode = True
    sys.path[:] = [str(copy), *(path for path in sys.path if path and Path(path) != ROOT)]


def _of_checkout() -> list[str]:
    """Names of the loaded modules of the checkout."""
    return [name for name in sys.modules if name.partition(".")[0] in PACKAGES]


def _dependents(module: str) -> set[str]:
    """The module of a file, and every loaded module that imports it, directly or by others."""
    imports = {}
    for name in _of_checkout():
        if file := getattr(sys.modules[name], "__file__", None):
            nodes = list(ast.walk(ast.parse(Path(file).read_text())))
            imports[name] = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
            for node in nodes:
                if isinstance(node, ast.ImportFrom) and node.module:
                    imports[name] |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = {module.removesuffix(".py").replace("/", ".")}
    while more := {name for name, wanted in imports.items() if wanted & found} - found:
        found |= more
    return found


def _tests_pass(tests: list[str], forget: set[str], loaded: Path | None = None) -> bool:
    """Whether the tests pass in a child.

    Args:
        tests: arguments of pytest.
        forget: loaded modules that the child must load again.
        loaded: file for the names of the checkout's modules that the tests need.
    """
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SLOWEST)
        with contextlib.suppress(BaseException):
            os._exit(_run_tests(tests, forget, loaded))
        os._exit(70)
    return os.waitpid(child, 0)[1] == 0


def _run_tests(tests: list[str], forget: set[str], loaded: Path | None) -> int:
    import pytest

    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    for name in forget & set(sys.modules):
        parent, _, last = name.rpartition(".")
        if parent in sys.modules and hasattr(sys.modules[parent], last):
            delattr(sys.modules[parent], last)
        del sys.modules[name]
    status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
    if loaded:
        loaded.write_text("\n".join(name for name in _of_checkout() if not name.startswith("tests")))
    return status


if __name__ == "__main__":
    main()
