"""ship, ship-orderings: what comes with ferroscreen, for those who release it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import facts


def ship(
    model: Annotated[str | None, typer.Argument(help="Model id or its beginning (default: the one published last).")] = None,
) -> None:
    """Put a model in the place of the shipped one, models/pretrained (for those who release ferroscreen)."""
    from pipeline.registry.ensemble import list_models, open_model
    from pipeline.registry.shipped import ship as copy
    from pipeline.settings import settings

    root = settings().models
    newest = [m.id for m in list_models(root)][-1:]
    shipped = copy(open_model(root, model or (newest[0] if newest else None)), settings())
    facts("Shipped", {"model": shipped.id, "from": shipped.manifest["shipped_from"], "folder": shipped.folder})


def ship_orderings(
    table: Annotated[Path, typer.Argument(help="Parquet table with signed site moments.")],
) -> None:
    """Learn the classes and orders of magnets anew, in the place of the shipped ones (for those who release ferroscreen)."""
    from flows.console import reporter, use_console
    from pipeline.registry.order_classifier import FOLDER, classes_card, put_on_shelf, train_classes
    from pipeline.registry.order_ranker import put_trees_on_shelf, train_order_trees

    use_console(quiet=False)
    classes = train_classes(table, reporter())
    orders = train_order_trees(table, reporter())
    put_on_shelf(classes, classes_card(classes.facts), FOLDER)
    put_trees_on_shelf(orders)
    facts(
        "Shipped",
        {
            "rows": classes.facts["rows"]["train"],
            "macro-F1 of classes, test": classes.facts["test"]["f1"]["macro"],
            "own order of an antiferromagnet among the first five, val": orders.facts["AFM"]["within"]["5"],
            "folder": FOLDER.parent,
        },
    )
