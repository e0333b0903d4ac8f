"""The parameters of a flow are the fields of its job's settings object, named once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

J = TypeVar("J")
R = TypeVar("R")


def takes(job: type[J]) -> Callable[[Callable[[J], R]], Callable[..., R]]:
    """Decorator: a function of a settings object becomes one whose parameters are the object's fields.

    Prefect reads the signature: deployments, schedules and the API name the fields (`parameters: {source: mp}`), and Prefect
    validates their types.

    Args:
        job: a dataclass.
    """
    hints = get_type_hints(job)
    parameters = [
        inspect.Parameter(f.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=_default(f), annotation=hints[f.name])
        for f in fields(job)  # type: ignore[arg-type]
    ]

    def decorate(function: Callable[[J], R]) -> Callable[..., R]:
        @wraps(function)
        def with_fields(*values: Any, **named: Any) -> R:
            return function(job(*values, **named))

        returned = get_type_hints(function).get("return", inspect.Signature.empty)
        with_fields.__signature__ = inspect.Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
        with_fields.__annotations__ = {p.name: p.annotation for p in parameters}
        with_fields.__doc__ = f"{function.__doc__}\n\n{inspect.getdoc(job) or ''}".strip()
        del with_fields.__wrapped__  # type: ignore[attr-defined]
        return with_fields

    return decorate


def _default(field: Field[Any]) -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default
