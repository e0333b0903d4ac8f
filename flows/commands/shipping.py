"""ship: what comes with ferroscreen, for those who release it."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import facts


def ship(
    model: Annotated[str | None, typer.Argument(help="Model id or its beginning (default: the one published last).")] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--kind", help="model, order-classifier, order-ranker or experiment-model; the default of MODEL is one of this kind."
        ),
    ] = "model",
) -> None:
    """Put a model in the place of the shipped one of its kind, models/pretrained (for those who release ferroscreen)."""
    from pipeline.registry.artifact_types import model_kind
    from pipeline.registry.published import open_published, published_models
    from pipeline.registry.shipped import ship as copy
    from pipeline.settings import settings

    chosen = model_kind(kind)
    root = settings().home / chosen.directory
    newest = [m.id for m in published_models(root, chosen)][-1:]
    shipped = copy(open_published(root, chosen, model or (newest[0] if newest else None)), settings())
    facts("Shipped", {chosen.kind: shipped.id, "from": shipped.manifest["shipped_from"], "folder": shipped.folder})
