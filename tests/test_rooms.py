"""The plan of the house holds: which room imports which, and no module that no command reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from pipeline.demos.methods import METHODS

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "data": {"data"},
    "models": {"models"},
    "pipeline": {"pipeline", "models", "data"},
    "flows": {"flows", "pipeline", "models", "data"},
    "ferroscreen": {"ferroscreen", "flows", "pipeline", "models", "data"},
}
ROOMS = {*MAY_IMPORT, "benchmarks", "tests"}
DOORS = ("flows", "ferroscreen")
PUBLISHED, DEMOS = "models.published.", "pipeline.demos."


@lru_cache(maxsize=1)
def modules() -> dict[str, Path]:
    """All modules of the rooms by name; a package stands for its __init__."""
    found = {}
    for room in MAY_IMPORT:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def named(path: Path) -> Iterator[str]:
    """Modules that a file imports, anywhere in it, and those that it names in a string, as registries do."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            yield node.value


@lru_cache(maxsize=1)
def imports() -> dict[str, set[str]]:
    """The modules of the rooms that each of them needs, with the packages around them."""
    known = modules()
    graph = {}
    for name, path in known.items():
        wanted = {n for n in named(path) if n in known}
        if name == "pipeline.demos.methods":  # imports by the name of the method
            wanted |= {m.module for m in METHODS}
        around = {".".join(n.split(".")[:k]) for n in wanted for k in range(1, n.count(".") + 1)}
        graph[name] = (wanted | (around & set(known))) - {name}
    return graph


def reached(starts: set[str]) -> set[str]:
    """Everything that some modules need, directly or not."""
    seen, waiting = set(starts), list(starts)
    while waiting:
        new = imports()[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


@pytest.mark.parametrize("room", [room for room in MAY_IMPORT if (ROOT / room).is_dir()])
def test_a_room_imports_only_from_the_floors_below(room: str) -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules().items()
        for target in named(path)
        if name.split(".")[0] == room
        and target.split(".")[0] in ROOMS - MAY_IMPORT[room]
        and (ROOT / target.split(".")[0]).is_dir()
    ]
    assert not wrong


def test_every_module_is_reached_by_a_command() -> None:
    doors = {name for name in modules() if name.split(".")[0] in DOORS}
    lost = {name for name in set(modules()) - reached(doors) if not name.startswith(PUBLISHED)}
    assert not lost


def test_every_published_module_is_reached_by_a_demonstration() -> None:
    shown = reached({m.module for m in METHODS})
    assert {name for name in modules() if name.startswith(PUBLISHED)} <= shown


def test_only_demonstrations_and_the_families_need_published_methods() -> None:
    users = {name for name, wanted in imports().items() if any(n.startswith(PUBLISHED) for n in wanted)}
    assert {n for n in users if not n.startswith((PUBLISHED, DEMOS))} == {"models.families"}


def test_the_walk_would_find_a_lost_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: without the command that imports it, a module of the demonstrations is lost."""
    without = {name: wanted - {"pipeline.demos.methods"} for name, wanted in imports().items()}
    monkeypatch.setattr("tests.test_rooms.imports", lambda: without)
    assert "pipeline.demos.ecn" not in reached({name for name in modules() if name.startswith("flows")})
