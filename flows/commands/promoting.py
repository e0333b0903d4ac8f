"""promote, rollback: which model of a kind is in use."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import Json, facts

Kind = Annotated[str, typer.Option("--kind", help="Kind of model: model, order-classifier, order-ranker or experiment-model.")]


def promote(
    model: Annotated[str, typer.Argument(help="Model id or its beginning.")],
    kind: Kind = "model",
    json: Json = False,
) -> None:
    """Put a model to use if it is sound and no worse than the one in use. Otherwise print why, with exit code 1."""
    from flows.console import reporter, use_console
    from flows.summary import print_json
    from pipeline.registry.artifact_types import model_kind
    from pipeline.registry.promotion import promote as decide
    from pipeline.settings import settings
    from pipeline.training.rivals import shipped_rival_of

    use_console(quiet=False)
    chosen = model_kind(kind)
    decision = decide(settings().home / chosen.directory, model, shipped_rival_of(chosen, settings(), reporter()), chosen)
    if json:
        print_json(decision.to_json())
    else:
        gain = None if decision.gain is None else f"{decision.gain.text()} {chosen.loss}"
        shown = {chosen.kind: decision.candidate, "in use before": decision.against, "gain": gain}
        shown |= {f"why not ({k})": reason for k, reason in enumerate(decision.reasons, start=1)}
        facts("Promoted" if decision.promoted else "Not promoted", shown)
    if not decision.promoted:
        raise typer.Exit(1)


def rollback(kind: Kind = "model", json: Json = False) -> None:
    """Go back to the model that was in use before."""
    from flows.summary import print_json
    from pipeline.registry.artifact_types import model_kind
    from pipeline.registry.promotion import rollback as go_back
    from pipeline.registry.shipped import shipped_of
    from pipeline.settings import settings

    chosen = model_kind(kind)
    given_up, taken_up = go_back(settings().home / chosen.directory, shipped_of(chosen), chosen)
    done = {"given up": given_up, "in use": taken_up}
    print_json(done) if json else facts("Rolled back", done)
