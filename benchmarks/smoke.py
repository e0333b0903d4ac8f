"""`--smoke` of a benchmark: the whole module in seconds, on small tables made of the built-in starter set.

It needs nothing but the checkout. Its numbers mean nothing: a smoke run shows that the module still runs to its end.
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from data.crystal import Crystal

PARTS = ("train", "val", "test", "train", "train")
FEW = 24  # rows of a row group, so that a table has several shards
FERROMAGNETIC = 0.3  # µB/atom
TYPICAL = {"Cr", "Mn", "Fe", "Co", "Ni"}
IRON, COBALT, NICKEL = 26, 27, 28
MOMENT = {24: 2.0, 25: 2.5, IRON: 2.2, COBALT: 1.6, NICKEL: 0.6}  # µB, of the made-up orders


def arguments(
    parser: argparse.ArgumentParser, smoke: Callable[[SmokeData], Sequence[object]], **smaller: object
) -> argparse.Namespace:
    """The arguments of the command line or, with --smoke, those of a smoke run, in a home that is gone afterwards.

    Args:
        parser: of the benchmark, without --smoke.
        smoke: the arguments of its smoke run.
        smaller: values that constants of the benchmark have in a smoke run.
    """
    parser.add_argument("--smoke", action="store_true", help="a run of seconds on built-in data; its numbers mean nothing")
    if "--smoke" not in sys.argv[1:]:
        return parser.parse_args()
    folder, owner = Path(tempfile.mkdtemp(prefix="ferroscreen-smoke-")), os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    os.environ |= {
        "FERROSCREEN_HOME": str(folder / "home"), "PREFECT_HOME": str(folder / "prefect"), "FERROSCREEN_WORKERS": "1",
        "FERROSCREEN_QUALITY": "false",  # no page about each refresh
    }  # fmt: skip
    vars(sys.modules["__main__"]).update(smaller)
    return parser.parse_args(["--smoke", *map(str, smoke(SmokeData(folder)))])


class SmokeData:
    """Small tables in the schemas of the large ones, models and runs, each made when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def magnets(self, every: int = 1) -> Path:
        """Labelled crystals, split by chemical system; every column of mp_magnets that a benchmark reads.

        Args:
            every: one crystal of so many, where training takes long.
        """
        rows: list[dict[str, Any]] = []
        for crystal, moment in _starter()[::every]:
            per_atom = abs(moment) / crystal.n_sites
            rows.append(_facts(crystal) | {
                "total_magnetization_muB": moment, "magnetization_muB_per_atom": per_atom,
                "magnetization_muB_per_A3": abs(moment) / crystal.volume, "label_tier": "AB"[len(rows) % 2],
                "label_source": "starter", "ordering_from_site_moments": "FM" if per_atom > FERROMAGNETIC else "NM",
                "icsd": len(rows) % 3 == 0, "suspect_false_nm": False, "has_frozen_4f": False, "energy_above_hull_eV_atom": 0.0,
            })  # fmt: skip
        return self._table("magnets", _with_split(rows))

    def candidates(self) -> Path:
        """Crystals without labels; FeO and FeRh, whose orders were measured, are among them."""
        rows = [_facts(crystal) for crystal, _ in _starter(equilibrium_only=True)]
        rows += [_facts(crystal) for crystal in _antiferromagnets()]
        return self._table("candidates", pd.DataFrame(rows))

    def site_moments(self) -> Path:
        """Two cells of each ferromagnet of the starter set, with FM, FiM and AFM moments by turns."""
        rows: list[dict[str, Any]] = []
        for crystal, _ in _starter(equilibrium_only=True):
            double = _doubled(crystal)
            moments = np.array([MOMENT.get(int(z), 0.0) for z in double.numbers])
            if not moments.any():
                continue
            half = np.repeat([1.0, 0.0], crystal.n_sites)
            for order, second in (("FM", 1.0), ("FiM", -0.4), ("AFM", -1.0)):
                signed = moments * np.where(half > 0, 1.0, second)
                told = {"material_id": f"{crystal.id}-{order}", "id_match": "exact", "label_vs_sites": "agree"}
                rows.append(_facts(double) | told | {"site_magmoms_muB": signed.tolist(), "ordering": order})
        return self._table("site_moments", _with_split(rows))

    def phonons(self) -> Path:
        """Crystals with a frequency that was made up from their mass."""
        from pymatgen.core import Element

        rows: list[dict[str, Any]] = []
        for k, (crystal, _) in enumerate(_starter(equilibrium_only=True)):
            mass = np.mean([float(Element.from_Z(int(z)).atomic_mass) for z in crystal.numbers])
            rows.append({"mbid": f"mb-phonons-{k:04d}", "index": k, "structure_json": crystal.to_pymatgen().to_json(),
                         "last_phdos_peak_cm1": 2000.0 / mass**0.5, "test_fold": k % 5})  # fmt: skip
        return self._table("phonons", pd.DataFrame(rows))

    def literature(self) -> Path:
        """Orders and temperatures that were made up for the compositions of the starter set and their mixtures."""
        from benchmarks.smoke_literature import write_literature

        return write_literature(self.folder / "literature")

    def measured(self) -> Path:
        """A folder in the schema of the shared data, with measurements that were made up."""
        from benchmarks.smoke_measured import write_measured

        return write_measured(self.folder / "measured", self.magnets(), self.candidates(), self.site_moments())

    def cif_table(self) -> Path:
        """CIF texts with the names of their files."""
        table = pd.read_parquet(self.candidates()).head(FEW)
        return self._table("cif_table", pd.DataFrame({"origin_path": table["material_id"] + ".cif", "cif": table["cif"]}))

    def cif_folder(self) -> Path:
        """A folder of CIF files."""
        folder = self._made("cifs")
        for row in pd.read_parquet(self.candidates()).head(FEW).itertuples():
            (folder / f"{row.material_id}.cif").write_text(str(row.cif))
        return folder

    def model(self, *members: str, **options: Any) -> Path:
        """The folder of an ensemble that learned from `magnets`; forests of two kinds where no families are named."""
        from data.snapshot import list_snapshots, publish_snapshot
        from data.sources.opening import labelled_source
        from data.sources.parquet import Columns
        from pipeline.ops.progress import Quiet
        from pipeline.settings import settings
        from pipeline.training.train import TrainSettings, train_ensemble

        where = settings()
        known = list_snapshots(where.snapshots)
        source = labelled_source(f"parquet:{self.magnets()}", Columns())
        snapshot = known[-1] if known else publish_snapshot(where.snapshots, source)
        wanted = TrainSettings(members=members or ("forest", "extratrees"), epochs=1, **options)
        return train_ensemble(snapshot, wanted, where, Quiet()).folder

    def members(self) -> list[Path]:
        """The folders of the members of `model`."""
        return sorted(path for path in self.model().iterdir() if path.name.startswith(("forest", "extratrees")))

    def posed(self) -> list[str]:
        """Ids of a network that reads coordinates, and of the same one behind a learned pose."""
        plain = self.model("coordinates").name
        return [plain, self.model("canonical", adapt=plain).name]

    def held_out(self) -> tuple[Path, Path]:
        """The labelled table, and what a model's members say of its validation and test rows."""
        from benchmarks import held_out

        folders, table, out = ",".join(map(str, self.members())), self.magnets(), self.folder / "held_out.parquet"
        before, sys.argv = sys.argv, ["held_out", str(table), "--models", folders, "--out", str(out)]
        held_out.main()
        sys.argv = before
        return table, out

    def run(self) -> Path:
        """The folder of a screen of `candidates` by the shipped model, with its report."""
        from data.sources.parquet import Columns
        from pipeline.comparison.second import second_opinion
        from pipeline.ops.progress import Quiet
        from pipeline.registry.shipped import choose_model
        from pipeline.report.screened import report_screen
        from pipeline.screening.opening import open_candidates
        from pipeline.screening.screen import screen
        from pipeline.settings import settings

        where = settings()
        model = choose_model(where, None)
        done = screen(open_candidates([self.candidates()], Columns(), where), model, self.folder / "run", where, Quiet())
        report_screen(done, model, where, None, second_opinion(done))
        return done.folder

    def out(self) -> Path:
        """A place for results."""
        return self.folder / "out"

    def _made(self, name: str) -> Path:
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name

    def _table(self, name: str, table: pd.DataFrame) -> Path:
        path = self.folder / f"{name}.parquet"
        table.to_parquet(path, index=False, row_group_size=FEW)
        return path


def shipped_model() -> Path:
    """The folder of the ensemble that comes with ferroscreen."""
    from pipeline.registry.shipped import choose_model
    from pipeline.settings import settings

    return choose_model(settings(), None).folder


def chromium() -> str:
    """A browser on the path, or the one that `playwright install chromium` fetched; empty where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    if not found:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            found = driver.chromium.executable_path
    return found if Path(found).is_file() else ""


def _starter(equilibrium_only: bool = False) -> list[tuple[Crystal, float]]:
    """Crystals and their total moments, µB."""
    from data.crystal import Crystal
    from data.sources import Record
    from data.sources.starter import StarterSource

    source = StarterSource(equilibrium_only)
    items = [item for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)]
    return [
        (item.crystal, item.label.moment_muB_per_cell)
        for item in items
        if isinstance(item.crystal, Crystal) and item.label is not None
    ]


def _facts(crystal: Crystal) -> dict[str, Any]:
    from data.crystal import symbol

    return {
        "material_id": crystal.id, "formula": crystal.formula, "n_sites": crystal.n_sites, "volume_A3": crystal.volume,
        "chemsys": "-".join(sorted({symbol(int(z)) for z in crystal.numbers})),
        "cif": crystal.to_pymatgen().to(fmt="cif", symprec=None),
    }  # fmt: skip


def _with_split(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """By chemical system; each part has large and small moments, with and without a typical element."""
    table = pd.DataFrame(rows)
    if "magnetization_muB_per_atom" in table:
        large = table.groupby("chemsys")["magnetization_muB_per_atom"].max() > FERROMAGNETIC
    else:
        large = pd.Series(True, index=sorted(set(table["chemsys"])))
    parts: dict[str, str] = {}
    for typical in (True, False):
        for many in (True, False):
            those = [name for name in large.index if bool(TYPICAL & set(name.split("-"))) is typical and large[name] == many]
            parts |= {name: PARTS[k % len(PARTS)] for k, name in enumerate(those)}
    return table.assign(split=table["chemsys"].map(parts))


def _doubled(crystal: Crystal) -> Crystal:
    from data.crystal import make_crystal

    frac = np.concatenate([crystal.frac * [1, 1, 0.5], crystal.frac * [1, 1, 0.5] + [0, 0, 0.5]])
    lattice = np.asarray(crystal.lattice) * np.array([[1.0], [1.0], [2.0]])
    return make_crystal(crystal.id, lattice.tolist(), frac.tolist(), np.tile(crystal.numbers, 2).tolist())


def _antiferromagnets() -> list[Crystal]:
    """Rock salt FeO (Fe to Fe 3.05 Å) and FeRh in the structure of CsCl, by their primitive cells."""
    from data.crystal import make_crystal

    half = 4.31 / 2
    rock_salt = make_crystal("FeO", [[0, half, half], [half, 0, half], [half, half, 0]], [[0, 0, 0], [0.5, 0.5, 0.5]], [IRON, 8])
    return [rock_salt, make_crystal("FeRh", (np.eye(3) * 2.99).tolist(), [[0, 0, 0], [0.5, 0.5, 0.5]], [IRON, 45])]
