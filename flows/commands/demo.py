"""demo: the seven published methods, each shown in minutes."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import Json, Out


def demo(
    method: Annotated[str | None, typer.Argument(help="Which method (default: list them).")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Run in seconds; most checks are not evaluated at this size.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")] = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Show a published method: train or test it in minutes, print its checks, draw a figure."""
    from dataclasses import asdict

    from pipeline.demos.methods import METHODS
    from pipeline.demos.methods import method as named

    if method is None:
        from flows.commands.common import listing

        listing("Methods", [{"method": m.name, "paper": f"arXiv {m.paper}", "what it does": m.summary} for m in METHODS], json)
        return
    from data.store.artifact import make_folder
    from pipeline.settings import settings

    chosen = named(method)
    folder = make_folder(out or settings().home / "demo")
    shown = chosen.demonstrate(smoke, seed)
    path = folder / f"{chosen.name}.svg"
    shown.save_figure(path)
    if json:
        from flows.summary import print_json

        print_json({**{k: v for k, v in asdict(shown).items() if k != "figure"}, "figure": str(path)})
    else:
        from pipeline.demos.figures import markdown

        print(f"{shown.title}\n\n{markdown(shown.head, shown.rows)}\n")
        print(markdown(("check", "measured", "verdict"), [(c.statement, c.measured, c.verdict) for c in shown.checks]))
        print(f"\nFigure: {path}")
    if shown.failed:
        raise typer.Exit(1)
