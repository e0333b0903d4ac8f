"""Keys: from the environment, else from a Prefect Secret block; never a parameter of a flow, never in a log or a manifest."""

from __future__ import annotations

import os

from pydantic import SecretStr

from data.errors import UserError

MP_VARIABLE = "MP_API_KEY"
MP_BLOCK = "mp-api-key"


def materials_project_key() -> SecretStr:
    """The Materials Project key.

    Raises:
        UserError: there is none, with what to do about it.
    """
    given = os.environ.get(MP_VARIABLE, "").strip()
    if given:
        return SecretStr(given)
    kept = _block(MP_BLOCK)
    if kept:
        return SecretStr(kept)
    raise UserError(
        f"there is no Materials Project key: get one at https://next-gen.materialsproject.org/api (free, after a log-in), "
        f"then `export {MP_VARIABLE}=...`, or save it as a Prefect Secret block named {MP_BLOCK!r}"
    )


def _block(name: str) -> str | None:
    from prefect.blocks.system import Secret

    try:
        block = Secret.load(name)
    except ValueError:  # Prefect's word for "no such block"
        return None
    return str(block.get()).strip()  # type: ignore[union-attr]
