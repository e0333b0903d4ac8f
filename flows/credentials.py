"""Keys: from the environment, else from a Secret block of a Prefect server; never a flow's parameter, never in a log."""

from __future__ import annotations

import os
import sys

from pydantic import SecretStr

from data.errors import UserError

MP_VARIABLE = "MP_API_KEY"
MP_BLOCK = "mp-api-key"


def materials_project_key() -> SecretStr:
    """The Materials Project key; the block is looked for only where a Prefect server is set, since none is started for it.

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
        f"then `export {MP_VARIABLE}=...`, or save it in your Prefect server as a Secret block named {MP_BLOCK!r}"
    )


def _block(name: str) -> str | None:
    if "prefect" not in sys.modules and not os.environ.get("PREFECT_API_URL"):
        return None
    from prefect.blocks.system import Secret
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        return None
    try:
        block = Secret.load(name)
    except ValueError:  # Prefect's word for "no such block"
        return None
    return str(block.get()).strip()  # type: ignore[union-attr]
