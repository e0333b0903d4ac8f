"""What a person needs to know when something does not work."""

from __future__ import annotations

import os
import shutil
from typing import Any

from pipeline.ops.provenance import provenance
from pipeline.settings import settings


def examine() -> dict[str, Any]:
    """Versions, cores, disk, keys (present or not, never their value), Prefect."""
    where = settings()
    existing = next(p for p in (where.home, *where.home.parents) if p.exists())
    return {
        **provenance(),
        "home": str(where.home),
        "home_writable": os.access(existing, os.W_OK),
        "free_disk_GB": round(shutil.disk_usage(existing).free / 1e9, 1),
        "workers": where.workers,
        "mp_api_key": "present" if os.environ.get("MP_API_KEY") else "absent",
        "icsd_account": "present" if os.environ.get("ICSD_LOGIN_ID") and os.environ.get("ICSD_LOGIN_PASSWORD") else "absent",
        "prefect": _prefect(),
    }


def _prefect() -> dict[str, Any]:
    """Which server the flows would talk to, and whether it answers."""
    import httpx

    url = os.environ.get("PREFECT_API_URL") or _profile_url()
    if not url:
        return {"server": "embedded, started with each command", "reachable": True}
    try:
        answer = httpx.get(f"{url.rstrip('/')}/health", timeout=3.0)
        return {"server": url, "reachable": answer.status_code == 200}
    except httpx.HTTPError as fault:
        return {"server": url, "reachable": False, "why": f"{type(fault).__name__}: {fault}"}


def _profile_url() -> str | None:
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    return str(url) if url else None
