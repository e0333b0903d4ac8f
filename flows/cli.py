"""The `ferroscreen` command: what it offers, and how it ends."""

from __future__ import annotations

import errno
import io
import locale
import os
import sys
from itertools import pairwise
from typing import Annotated, NoReturn

import typer

from flows.commands import (
    calculating,
    campaigning,
    check_endpoints,
    data,
    demo,
    exporting,
    fetching,
    history,
    inspecting,
    learning,
    listings,
    predicting,
    promoting,
    remote,
    screening,
    serving,
    shipping,
)

app = typer.Typer(
    help="Find ferromagnets with a large moment: learn from DFT data, rank crystals, know the error.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)
INTERRUPTED = 130
MAY_BE_EMPTY = ("--columns", "--icsd-quality", "--filter", "--format", "--profile", "--disorder")  # never a folder
COMMANDS = (
    screening.run, data.refresh, learning.train, learning.train_order, learning.train_experiment, learning.evaluate,
    fetching.fetch, predicting.predict, inspecting.inspect, screening.screen, screening.report,
    exporting.compare, exporting.export, calculating.calculate, campaigning.campaign, promoting.promote, promoting.rollback,
    remote.push, remote.pull,
    data.diff, data.verify, data.prune, listings.snapshots, listings.models, listings.runs, listings.profiles, listings.jobs,
    listings.metrics, history.history, listings.doctor, check_endpoints.check_endpoints,
    demo.demo, serving.serve, shipping.ship,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"ferroscreen {version('ferroscreen')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Find ferromagnets with a large moment: learn from DFT data, rank crystals, know the error."""


def check_not_empty(arguments: list[str]) -> None:
    """Raises UserError for an empty argument, which is a shell variable that is not set: it would mean the current folder."""
    from data.errors import UserError

    for before, word in pairwise(["", *arguments]):
        option, equals, value = word.partition("=")
        if not word and before not in MAY_BE_EMPTY:
            raise UserError(f"the value of {before} is empty" if before.startswith("--") else "an argument is empty")
        if option.startswith("--") and equals and not value and option not in MAY_BE_EMPTY:
            raise UserError(f"the value of {option} is empty")


def use_utf8() -> None:
    """Start again in Python's UTF-8 mode where the locale says another encoding: names of files, our own files and the terminal
    would be read and written in that one."""
    other = locale.getpreferredencoding(False).lower().replace("-", "") != "utf8"
    if other and os.environ.get("PYTHONUTF8") != "1":  # else `-X utf8=0` forbids it
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):  # PYTHONIOENCODING, say
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Exit codes: 0 done, 2 a user's mistake, 1 an error of ours, 130 interrupted (Ctrl-C, or SIGTERM)."""
    import signal

    use_utf8()

    from data.errors import UserError
    from flows.jobs.outlet import say_process_is_fresh

    say_process_is_fresh()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended in an orderly way: the ledger is told, workers go
    try:
        check_not_empty(sys.argv[1:])
        app()
    except UserError as fault:
        from flows.summary import printable

        print(f"ferroscreen: {printable(str(fault))}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as stop:  # typer turns Ctrl-C into a silent exit 130
        if stop.code == INTERRUPTED:
            _end_interrupted()
        raise
    except Exception as fault:
        if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):  # files of ours say more
            print(f"ferroscreen: cannot write the output: {fault.strerror}", file=sys.stderr)
            sys.exit(2)
        _explain(fault)
        sys.exit(1)


def _end_interrupted() -> NoReturn:
    """End at once: neither worker processes nor threads of libraries may hold up a person who pressed Ctrl-C."""
    parallel = sys.modules.get("pipeline.ops.parallel")
    if parallel is not None:
        parallel.end_workers()
    print("ferroscreen: interrupted; the same command goes on where this one stopped", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(INTERRUPTED)


def _explain(fault: Exception) -> None:
    import traceback

    if os.environ.get("FERROSCREEN_DEBUG"):
        traceback.print_exc()
    from flows.summary import printable

    print(f"ferroscreen: {type(fault).__name__}: {printable(str(fault))}", file=sys.stderr)
    print("This is an error of ours; FERROSCREEN_DEBUG=1 shows where it happened.", file=sys.stderr)
