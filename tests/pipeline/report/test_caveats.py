"""What a report says before its ranking: the numbers are those of the tables, and the title names every source."""

from __future__ import annotations

from pathlib import Path

from data.sources.literature.snapshot import publish_literature
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.ops.progress import Quiet
from pipeline.registry.shipped import choose_model
from pipeline.report.screened import screen_content
from pipeline.screening.screen import screen
from pipeline.settings import Settings
from tests.data.cif_texts import cif_text

MEASURED = "formula,kind,value_K,ref\nMnO,TN,118,doi:10.1/a\n"


def test_an_antiferromagnet_has_no_measured_curie_temperature(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(MEASURED)
    (tmp_path / "oxide.cif").write_text(cif_text())
    (tmp_path / "table.csv").write_text(f'material_id,cif\nx,"{cif_text().replace("Mn", "Co")}"\n')
    where = Settings(home=tmp_path / "home", workers=1)
    publish_literature(where.literature, tmp_path)
    source = candidate_source([tmp_path / "oxide.cif", tmp_path / "table.csv"], Columns())
    done = screen(source, choose_model(where), None, where, Quiet())
    content = screen_content(done, choose_model(where), where)
    ranking = done.ranking()
    orders, curie = ((ranking[name] == "measured").sum() for name in ("order_basis", "tc_basis"))
    assert orders > curie
    (said,) = (words for words in content.warnings if "was measured" in words)
    assert said.startswith(f"The order of {orders} of 2 candidates was measured, the Curie temperature of {curie};")
    assert content.title == "Ferromagnet candidates: oxide.cif, table.csv"
