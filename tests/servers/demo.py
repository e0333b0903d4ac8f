"""`make demo-refresh`: the nightly refresh, three nights in a row, against a Materials Project on this machine. No key needed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from data.sources.starter import StarterSource
from tests.servers.__main__ import database, next_release
from tests.servers.materials_project import MaterialsProjectServer


def main() -> None:
    """Each night's command as a person would type it, with its output."""
    data = database(StarterSource(equilibrium_only=True))
    server = MaterialsProjectServer(data)
    with tempfile.TemporaryDirectory() as home, server.running():
        told = {"FERROSCREEN_HOME": home, "MP_API_KEY": server.key, "FERROSCREEN_MP_ENDPOINT": server.endpoint}
        environment = {**os.environ, **told}
        print(f"{len(data)} materials at {server.endpoint}")
        night("The first night: everything comes", environment, "refresh", "--source", "mp")
        night("The second night: nothing is new", environment, "refresh", "--source", "mp")
        next_release(data, 1)
        data.remove(data.ids()[5])
        old = next(path.parent.name for path in Path(home, "snapshots").glob("*/manifest.json"))
        night("The third night: a new release, one material moved, one is gone", environment, "refresh", "--source", "mp")
        night("What changed", environment, "diff", old)
        night("Are all files as they were written?", environment, "verify")
    print(f"\nThe server was asked {len(server.log)} times and sent {server.bytes_sent / 1e6:.1f} MB.")


def night(title: str, environment: dict[str, str], *arguments: str) -> None:
    print(f"\n# {title}\n$ ferroscreen {' '.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "flows", *arguments], env=environment)
    if done.returncode:
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
