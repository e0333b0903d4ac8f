"""The trees of orders: what comes with ferroscreen, and learning them from a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.symmetry import symmetrise
from models.ordering.order_ranker import OrderTrees
from pipeline.magnetism.magnetic_cell import enlarge
from pipeline.magnetism.site_moments import OrderedRow
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import CARD_FILE
from pipeline.registry.order_ranker import ANTIPARALLEL, FOLDER, WITHIN, order_trees, put_trees_on_shelf, train_order_trees
from tests.pipeline.training.magnets import rutile, type_one


def in_turn(split: str, size_muB: float) -> OrderedRow:
    """Rutile as a ferrimagnet: the two metals differ in size, not by symmetry."""
    placed = enlarge(symmetrise(rutile()), np.eye(3, dtype=np.int64))
    moments = np.where(placed.cell.numbers == 25, np.where(np.arange(len(placed.site)) == 0, size_muB, -4.0), 0.0)
    assert (moments != 0).sum() == 2
    return OrderedRow(rutile(), moments, "FiM", split)


def table(path: Path, rows: list[OrderedRow]) -> Path:
    """As the Materials Project's table of site moments is laid out."""
    cifs = [row.crystal.to_pymatgen().to(fmt="cif") for row in rows]
    columns = {
        "material_id": [f"m{k}" for k in range(len(rows))], "cif": cifs,
        "site_magmoms_muB": [row.moments.tolist() for row in rows],
        "ordering": [row.ordering for row in rows], "split": [row.split for row in rows],
    }  # fmt: skip
    pq.write_table(pa.table(columns), path)
    return path


def test_what_is_shipped_has_its_card_and_says_how_good_it_is() -> None:
    facts = order_trees().facts
    card = (FOLDER / CARD_FILE).read_text()
    assert "CC-BY 4.0" in card and "Materials Project" in card and "no probability" in card
    for kind in ANTIPARALLEL:
        shares = [facts[kind]["within"][str(k)] for k in WITHIN]
        assert shares == sorted(shares) and shares[0] > 0 and shares[-1] < 1
        assert all(f"{share:.3f}" in card for share in shares)


def test_learned_from_a_table_and_put_on_the_shelf(tmp_path: Path) -> None:
    rows = [type_one(edge, metal) for edge in (4.3, 4.4, 4.5) for metal in (25, 26, 27)]
    rows += [type_one(4.45, 25, "val"), in_turn("train", 3.0), in_turn("val", 3.5)]
    learned = train_order_trees(table(tmp_path / "moments.parquet", rows), Quiet())
    assert learned.facts["rows"] == {"train": 10, "val": 2} and learned.facts["data"] == "moments.parquet"
    assert learned.facts["AFM"]["rows"] == learned.facts["FiM"]["rows"] == 1
    put_trees_on_shelf(learned, tmp_path / "orders")
    again = OrderTrees.load(tmp_path / "orders")
    assert again.facts == learned.facts
    assert np.array_equal(again.trees.value, learned.trees.value)
    assert "10 antiferromagnets and ferrimagnets (moments.parquet)" in (tmp_path / "orders" / CARD_FILE).read_text()


def test_a_table_without_the_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no antiferromagnets and ferrimagnets for train and val"):
        train_order_trees(table(tmp_path / "half.parquet", [type_one(4.4, 25)]), Quiet())
