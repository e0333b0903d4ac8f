"""The nightly refresh at full size, by mp-api against the loopback server: `python -m benchmarks.refresh_mp TABLE`.

Three times the real command in a process of its own: everything, nothing new, one material in a hundred moved. Says for each
the time, the peak memory and the bytes over the wire.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.smoke import arguments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    options = arguments(parser, lambda made: [made.magnets()])
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.servers", str(options.table)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None and server.stdout is not None
    try:
        print(server.stdout.readline().strip())
        told = dict(word.split("=", 1) for word in server.stdout.readline().split() if "=" in word)
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, **told, "FERROSCREEN_HOME": home, "PREFECT_HOME": f"{home}/prefect"}
            first = refresh("everything", environment)
            refresh("nothing new", environment)
            server.stdin.write("\n")
            server.stdin.flush()
            print(server.stdout.readline().strip())
            second = refresh("1 % moved", environment)
            print(f"bytes of the third over the first: {second['pull']['bytes'] / first['pull']['bytes']:.2%}")
            for command in (["diff", first["id"], second["id"], "--json"], ["verify"]):
                timed(" ".join(command[:1]), command, environment)
    finally:
        server.kill()


def refresh(name: str, environment: dict[str, str]) -> dict[str, Any]:
    """One refresh; its manifest."""
    manifest: dict[str, Any] = json.loads(timed(name, ["refresh", "--source", "mp", "--json", "--quiet"], environment))
    kept = {key: manifest[key] for key in ("id", "crystals", "quarantined_by_reason", "news")}
    print(f"  {kept | (manifest['pull'] if manifest['news'] else {})}")
    return manifest


def timed(name: str, arguments: list[str], environment: dict[str, str]) -> str:
    """Standard output of a command; prints its time and the peak memory of its largest process."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "flows", *arguments], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name}: exit status {os.waitstatus_to_exitcode(status)}")
    seconds, processor = time.monotonic() - started, usage.ru_utime + usage.ru_stime
    print(f"{name}: {seconds:.1f} s, {processor:.1f} s of processor, peak {usage.ru_maxrss / 2**20:.2f} GiB", flush=True)
    return out


if __name__ == "__main__":
    main()
