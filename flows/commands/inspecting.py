"""inspect: what was read of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.common import ColumnsOption, DisorderOption, Json, choice


def inspect(
    paths: Annotated[list[Path], typer.Argument(help="What `screen` takes: files of crystals, folders, zips, tables; `-`.")],
    disorder: DisorderOption = "average",
    columns: ColumnsOption = "",
    json: Json = False,
) -> None:
    """Print what is read of each crystal (cell, symmetry, sites, formula, notes), or why it is rejected."""
    from data.cif.disorder import Disorder
    from data.sources.opening import candidate_columns, ignored_files
    from flows.summary import print_json
    from pipeline.screening.inspection import inspect as read
    from pipeline.screening.opening import open_candidates
    from pipeline.screening.standard_input import keep_standard_input
    from pipeline.settings import settings

    policy, where = choice(Disorder, "--disorder", disorder), settings()
    files = keep_standard_input(paths, where)
    named = candidate_columns(columns)
    sources = [open_candidates([path], named, where, disorder=policy) for path in files]
    if json:
        print_json([told for source in sources for told in read(source)])
        return
    for source in sources:
        for told in read(source):
            _show(told)
        if ignored := ignored_files(source):
            print(f"{ignored} files of other kinds are ignored.")


def _show(told: dict[str, Any]) -> None:
    from flows.summary import printable

    for line in _lines(told):
        print(printable(line))
    print()


def _lines(told: dict[str, Any]) -> list[str]:
    block = f", block {told['block']}" if told.get("block") else ""
    lines = [f"{told['id']}  ({told['file']}{block})"]
    if "rejected" in told:
        lines.append(f"  rejected   {told['rejected']}: {told['why']}")
        return [*lines, *_said(told["stated"])]
    cell, found = told["cell"], told["symmetry_found"]
    lengths, angles = (" ".join(f"{x:g}" for x in cell[name]) for name in ("lengths_A", "angles_deg"))
    counted = "places" if "occupancies" in told else "atoms"
    lines.append(f"  formula    {told['formula']}, {told['n_sites']} {counted} in the cell, {told['density_g_cm3']:.3f} g/cm³")
    lines.append(f"  cell       {lengths} Å, {angles}°, {cell['volume_A3']:g} Å³")
    lines += _said(told["stated"])
    lines.append(
        "  symmetry   none could be found in the sites" if found is None
        else f"  symmetry   {found['symbol']} (number {found['number']}, Hall number {found['hall_number']}), "
        f"found in the sites within {found['tolerance_A']:g} Å"
    )  # fmt: skip
    lines += [f"  site       {one['element']:<3} {one['wyckoff']:<5} {_place(one['xyz'])}" for one in told["sites"]]
    if "occupancies" in told:
        made = told["approximants"]
        lines.append(f"  disorder   {told['occupancies']}")
        lines.append(
            f"  means      over {made['fewest']} to {made['most']} ordered approximants, "
            f"the first of {', '.join(map(str, made['sites']))} sites"
        )
    if told["note"]:
        lines.append(f"  note       {told['note']}")
    if told["licensed"]:
        lines.append("  licensed   a screen shows its id and formula only, unless --licensed-details")
    return lines


def _said(stated: dict[str, Any]) -> list[str]:
    said = ", ".join(f"{name} {value}" for name, value in stated.items() if name not in ("block", "formula"))
    formula = [f"  stated     formula {stated['formula']}"] if "formula" in stated else []
    return [*formula, *([f"  stated     {said}"] if said else [])]


def _place(xyz: list[float]) -> str:
    return " ".join(f"{x:10.6f}" for x in xyz)
