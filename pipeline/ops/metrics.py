"""Metrics of a home for a monitoring system, as Prometheus text (exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from data.snapshot import list_snapshots
from pipeline.ops.ledger import DONE, FAILED, INTERRUPTED, LOST, RUNNING, Entry, Ledger
from pipeline.registry.shipped import choose_model
from pipeline.screening.previous import list_runs
from pipeline.settings import Settings

STATES = (RUNNING, DONE, FAILED, INTERRUPTED, LOST)


@dataclass(frozen=True)
class Gauge:
    """One number with its labels."""

    name: str  # without the prefix
    meaning: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def metrics_text(where: Settings) -> str:
    """All metrics of a home, one per line. The same home gives the same text."""
    gauges = [*_jobs(Ledger(where.home).entries()), *_data(where), *_model(where), *_screen(where)]
    lines, told = [], set()
    for gauge in gauges:
        name = f"ferroscreen_{gauge.name}"
        if name not in told:
            lines += [f"# HELP {name} {gauge.meaning}", f"# TYPE {name} gauge"]
            told.add(name)
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in gauge.labels)
        lines.append(f"{name}{{{labels}}} {gauge.value:.10g}" if labels else f"{name} {gauge.value:.10g}")
    return "\n".join(lines) + "\n"


def _jobs(entries: list[Entry]) -> Iterable[Gauge]:
    """For each job: runs in each state, end and duration of the last successful run, grouped by metric name."""
    jobs = sorted({entry.job for entry in entries})
    for job in jobs:
        for state in STATES:
            count = sum(entry.job == job and entry.state == state for entry in entries)
            yield Gauge("runs", "Runs in the ledger", count, (("job", job), ("state", state)))
    good = {entry.job: entry for entry in entries if entry.state == DONE and entry.ended}
    for job, entry in sorted(good.items()):
        yield Gauge("last_success_timestamp_seconds", "End of the last good run", _time(entry.ended), (("job", job),))
    for job, entry in sorted(good.items()):
        yield Gauge("last_duration_seconds", "Length of it", _time(entry.ended) - _time(entry.started), (("job", job),))


def _data(where: Settings) -> Iterable[Gauge]:
    snapshots = list_snapshots(where.snapshots)
    if snapshots:
        newest = snapshots[-1].manifest
        yield Gauge("snapshot_crystals", "Crystals in the newest snapshot", newest["crystals"])
        yield Gauge("snapshot_quarantined", "Records it could not use", newest["quarantined"])


def _model(where: Settings) -> Iterable[Gauge]:
    model = choose_model(where)
    scores = model.manifest["metrics"]["ensemble"]
    labels = (("model", model.id),)
    yield Gauge("model_mae_mub_per_atom", "Mean error of the model in use on its test rows", scores["mae"], labels)
    yield Gauge("model_coverage_90", "Share of them in the 90 % interval", scores["coverage_90"], labels)


def _screen(where: Settings) -> Iterable[Gauge]:
    runs = list_runs(where)
    if runs:
        last = runs[-1]
        for name, meaning in (("ranked", "Candidates of the newest screen"), ("rejected", "Crystals that it rejected")):
            yield Gauge(f"screen_{name}", meaning, last[name])
        if "out_of_domain" in last:
            yield Gauge("screen_out_of_domain", "Candidates unlike what the model learned from", last["out_of_domain"])


def _time(iso: str | None) -> float:
    return datetime.fromisoformat(iso).timestamp() if iso else float("nan")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
