"""What a person needs to know when something does not work."""

from __future__ import annotations

import os
import shutil
from typing import Any

from flows.credentials import MP_VARIABLE
from pipeline.ops.provenance import provenance
from pipeline.settings import settings


def examine() -> dict[str, Any]:
    """Versions, cores, disk, keys (present or not, never their value), Prefect."""
    where = settings()
    existing = next(p for p in (where.home, *where.home.parents) if p.exists())
    return {
        **provenance(),
        "home": str(where.home),
        "home_writable": existing.is_dir() and os.access(existing, os.W_OK | os.X_OK),
        "free_disk_GB": round(shutil.disk_usage(existing).free / 1e9, 1),
        "workers": where.workers,
        "mp_api_key": _said(MP_VARIABLE),
        "icsd_account": _said("ICSD_LOGIN_ID", "ICSD_LOGIN_PASSWORD"),
        "prefect": _prefect(),
    }


def _said(*variables: str) -> str:
    """Whether all of these variables are set; to blanks only counts as not."""
    return "present" if all(os.environ.get(name, "").strip() for name in variables) else "absent"


def _prefect() -> dict[str, Any]:
    """Which server the jobs would run on, and whether it answers."""
    from flows.server import unreachable

    url = os.environ.get("PREFECT_API_URL", "").strip()
    if not url:
        return {"server": "none named by PREFECT_API_URL: commands do their work themselves", "reachable": None}
    why = unreachable(url)
    return {"server": url, "reachable": not why, **({"why": why} if why else {})}
