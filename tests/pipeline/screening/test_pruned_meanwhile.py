"""What a screen reads stays where it is while others refresh and prune the home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from data.snapshot import publish_snapshot
from data.sources.literature.snapshot import list_literature, publish_literature
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet
from pipeline.refresh.prune import prune
from pipeline.registry.ensemble import Ensemble
from pipeline.screening.looked_up import literature_of
from pipeline.screening.screen import screen
from pipeline.screening.shards import Numbered, Work, predict_in_processes
from pipeline.settings import Settings


def test_the_measured_values_that_a_running_screen_looks_up(
    cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    """They are read at its end; a night's refresh of the literature and pruning come before that."""
    tables = tmp_path / "tables"
    tables.mkdir()

    def measure(kelvin: int) -> str:
        (tables / "mine.csv").write_text(f"formula,kind,value_K,ref\nFe,Tc,{kelvin},a\n")
        return publish_literature(where.literature, tables).id

    publish_snapshot(where.snapshots, StarterSource())
    first = measure(1040)

    def while_others_work(work: Work, todo: list[Numbered], workers: int) -> Iterator[int]:
        yield from predict_in_processes(work, todo, workers)
        measure(1050)
        assert prune(where, keep=1).removed == []

    done = screen(candidate_source([cif_folder], Columns()), ensemble, None, where, Quiet(), predictor=while_others_work)
    assert literature_of(done.manifest) == first and done.manifest["measured_orders"] > 0
    assert prune(where, keep=1).removed == [] and len(list_literature(where.literature)) == 2, "now the ranking keeps it"
