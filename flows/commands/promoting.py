"""promote, rollback: which model is in use."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import Json, facts


def promote(
    model: Annotated[str, typer.Argument(help="Model id or its beginning.")],
    json: Json = False,
) -> None:
    """Put a model to use if it is sound and no worse than the one in use; otherwise say why, with exit code 1."""
    from flows.console import reporter, use_console
    from flows.summary import print_json
    from pipeline.registry.promotion import promote as judge
    from pipeline.registry.shipped import shipped_rival
    from pipeline.settings import settings

    use_console(quiet=False)
    decision = judge(settings().models, model, shipped_rival(settings(), reporter()))
    if json:
        print_json(decision.to_json())
    else:
        gain = None if decision.gain is None else f"{decision.gain.text()} µB/atom"
        shown = {"model": decision.candidate, "in use before": decision.against, "gain": gain}
        shown |= {f"why not ({k})": reason for k, reason in enumerate(decision.reasons, start=1)}
        facts("Promoted" if decision.promoted else "Not promoted", shown)
    if not decision.promoted:
        raise typer.Exit(1)


def rollback(json: Json = False) -> None:
    """Go back to the model that was in use before."""
    from flows.summary import print_json
    from pipeline.registry.promotion import rollback as go_back
    from pipeline.registry.shipped import shipped_model
    from pipeline.settings import settings

    given_up, taken_up = go_back(settings().models, shipped_model())
    done = {"given up": given_up, "in use": taken_up}
    print_json(done) if json else facts("Rolled back", done)
