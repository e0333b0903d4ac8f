"""What other calculations and experiments say of labelled crystals: tables in folders of the user, and the embedded handbook.

The tables name compositions, except for site moments, which name crystals. None of them is part of a snapshot, so a training
knows them by the hashes of their content.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from data.crystal import symbol
from data.elements import FROZEN_4F, STRONGLY_MAGNETIC
from data.errors import UserError
from data.known_magnets import known_magnets
from data.labels import MAGNETIC_THRESHOLD, TESLA_PER_MUB_PER_A3
from data.sources.literature.tables import ORDERS, amounts_of, composition_key, hashes
from data.sources.table_cells import identifier_of

CALCULATED_TABLE, MEASURED_TABLE = "dft_magnetisation_by_composition.parquet", "measured_moments.parquet"
SITES_TABLE = "mp_site_moments.parquet"
TABLES = (CALCULATED_TABLE, MEASURED_TABLE, ORDERS, SITES_TABLE)
CALCULATED, MEASURED, HANDBOOK = "calculated", "measured", "handbook"  # kinds of sources that state a moment
FERROMAGNET, ANTIFERROMAGNET = "ferromagnet", "antiferromagnet"  # those that state an order
SAME_CRYSTAL = ("exact", "drift")  # ways in which the table of site moments found an id by its geometry
SURE_TIERS = ("A", "B")  # of orders: a handbook, references that agree, or one reference; C is text-mined
LEAST_TC_K = 50.0  # of a ferromagnet whose order counts; lower ones are often impurities or wrong units
BEYOND_4F_K = 300.0  # 4f moments alone order below: above, d moments order, which a calculation with frozen 4f shells has, too
WARM_TC_K = 600.0  # from which the saturation at 300 K is within 5 % of that at 0 K
MOST = 8.0  # µB, of one atom: gadolinium with what the conduction electrons add
ORDER_KINDS = {"AFM": ANTIFERROMAGNET, "mixed": ANTIFERROMAGNET, "FM_or_FiM": FERROMAGNET}  # mixed: papers report both
EVIDENCE = ["material_id", "kind", "source", "told"]


@dataclass(frozen=True)
class LabelSources:
    """Tables of other sources."""

    tables: tuple[tuple[str, str], ...]  # name and hash of the content
    folders: tuple[str, ...] = field(compare=False)  # where they are kept

    @classmethod
    def of(cls, folders: Iterable[Path]) -> LabelSources:
        """The tables of some folders.

        Raises:
            UserError: a folder holds none of TABLES, or two folders hold the same one.
        """
        paths = []
        for folder in folders:
            here = [folder / name for name in TABLES if (folder / name).is_file()]
            if not here:
                raise UserError(f"{folder} holds none of {', '.join(TABLES)}")
            paths += here
        if len({path.name for path in paths}) < len(paths):
            raise UserError("two folders of label sources hold a table of the same name")
        return cls(tuple(sorted(hashes(paths).items())), tuple(dict.fromkeys(str(path.parent.resolve()) for path in paths)))

    def path(self, name: str) -> Path | None:
        """Where a table is kept; None where there is none of that name."""
        return next((Path(f) / name for f in self.folders if (Path(f) / name).is_file()), None)

    def evidence(self, labels: pd.DataFrame) -> pd.DataFrame:
        """The values of the sources for each crystal: EVIDENCE.

        `told` is a moment in µB/atom; NaN for FERROMAGNET and ANTIFERROMAGNET, which are orders. Experiments do not count for
        crystals with frozen 4f shells, whose moments no label holds, but for orders of d moments (BEYOND_4F_K). A moment of more
        than MOST for each atom that may carry one is wrong itself.

        Args:
            labels: `described_labels`.
        """
        orders = self._orders(labels)
        said = orders.loc[orders["kind"] == ANTIFERROMAGNET, "material_id"]
        measured = self._measured(labels)
        measured = measured[~measured["material_id"].isin(said)]  # an ordered moment, not a net one
        found = pd.concat([self._calculated(labels), self._sites(labels), measured, _handbook(labels), orders], ignore_index=True)
        share = found["material_id"].map(labels.set_index("material_id")["magnetic_share"])
        return found[~(found["told"] > MOST * share + MAGNETIC_THRESHOLD)][EVIDENCE].reset_index(drop=True)

    def _calculated(self, labels: pd.DataFrame) -> pd.DataFrame:
        path = self.path(CALCULATED_TABLE)
        if path is None:
            return _nothing()
        newer = _read(path, ["key", "set", "muB_per_A3"]).dropna().rename(columns={"set": "source"})
        rows = labels.merge(newer.astype({"source": str}), on="key")  # sets may be numbers
        return rows.assign(told=rows["muB_per_A3"] * rows["volume_per_atom"], kind=CALCULATED)[EVIDENCE]

    def _sites(self, labels: pd.DataFrame) -> pd.DataFrame:
        path = self.path(SITES_TABLE)
        if path is None:
            return _nothing()
        table = _read(path, ["material_id", "id_match", "site_magmoms_muB"])
        table["material_id"] = table["material_id"].map(identifier_of)  # ids may be numbers; those of a snapshot are text
        table = table[table["id_match"].isin(SAME_CRYSTAL) & table["material_id"].isin(labels["material_id"])]
        stated = [moments is not None and len(moments) > 0 for moments in table["site_magmoms_muB"]]
        table = table[np.array(stated, dtype=bool)]
        told = [abs(sum(moments)) / len(moments) for moments in table["site_magmoms_muB"]]
        return table.assign(told=np.array(told, np.float64), kind=CALCULATED, source="site moments of this crystal")[EVIDENCE]

    def _measured(self, labels: pd.DataFrame) -> pd.DataFrame:
        path = self.path(MEASURED_TABLE)
        if path is None:
            return _nothing()
        moments = _read(path, ["key", "muB_per_atom"]).groupby("key")["muB_per_atom"].median()
        rows = labels[~labels["frozen_4f"]]
        return rows.assign(told=rows["key"].map(moments), kind=MEASURED, source="measured").dropna(subset=["told"])[EVIDENCE]

    def _orders(self, labels: pd.DataFrame) -> pd.DataFrame:
        path = self.path(ORDERS)
        if path is None:
            return _nothing()
        table = _read(path, ["key", "exp_order", "tier", "Tc_K"]).drop_duplicates("key")
        table = table.assign(kind=table["exp_order"].map(ORDER_KINDS))
        sure = (table["kind"] == ANTIFERROMAGNET) | (table["tier"].isin(SURE_TIERS) & (table["Tc_K"] >= LEAST_TC_K))
        rows = labels.merge(table[sure].dropna(subset=["kind"]), on="key")
        of_label = ~rows["frozen_4f"] | (rows["Tc_K"] >= BEYOND_4F_K)
        rows = rows[of_label | (rows["kind"] == ANTIFERROMAGNET)]
        temperature = rows["Tc_K"].map("measured Tc {:.0f} K".format)
        source = temperature.where(rows["kind"] == FERROMAGNET, "a measured antiferromagnet")
        return rows.assign(told=np.nan, source=source)[EVIDENCE]


def described_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Labels with what sources are looked up by.

    Args:
        table: material_id, formula, moment_muB_per_atom, volume_A3 and n_sites, as a snapshot has them.

    Returns:
        The same with key (of the composition), volume_per_atom (Å³), magnetic_share (of atoms that may carry a moment) and
        frozen_4f (whether).
    """
    amounts = {formula: amounts_of(formula) or {} for formula in table["formula"].unique()}
    magnetic, frozen = ({symbol(z) for z in numbers} for numbers in (STRONGLY_MAGNETIC, FROZEN_4F))
    share = {f: sum(mix.get(name, 0.0) for name in magnetic) / max(sum(mix.values()), 1e-9) for f, mix in amounts.items()}
    return table.assign(
        key=table["formula"].map({f: composition_key(mix) if mix else "" for f, mix in amounts.items()}),
        volume_per_atom=table["volume_A3"] / table["n_sites"], magnetic_share=table["formula"].map(share),
        frozen_4f=table["formula"].map({f: not frozen.isdisjoint(mix) for f, mix in amounts.items()}),
    )  # fmt: skip


def _handbook(labels: pd.DataFrame) -> pd.DataFrame:
    """Saturation of the embedded handbook's ferromagnets, at 300 K and the volume of the calculation."""
    table = known_magnets()
    table = table[(table["order"] == "FM") & (table["tc_K"] >= WARM_TC_K)].dropna(subset=["saturation_300K_T"])
    keys = [composition_key(amounts_of(formula) or {"": 1.0}) for formula in table["formula"]]
    saturation = table.assign(key=keys)[["key", "saturation_300K_T"]].drop_duplicates("key")
    rows = labels[~labels["frozen_4f"]].merge(saturation, on="key")
    told = rows["saturation_300K_T"] / TESLA_PER_MUB_PER_A3 * rows["volume_per_atom"]
    return rows.assign(told=told, kind=HANDBOOK, source="handbook at 300 K")[EVIDENCE]


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=columns)
    except (OSError, ValueError, KeyError) as fault:  # pyarrow's errors are among them
        raise UserError(f"{path} cannot be read, or has none of the columns {', '.join(columns)}: {fault}") from fault


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=float if name == "told" else object) for name in EVIDENCE})
