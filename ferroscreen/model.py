"""Predictions from Python: a loaded model, and the one-line call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from ferroscreen.inputs import StructureLike, crystals_of

if TYPE_CHECKING:
    import pandas as pd

    from data.disordered import AnyCrystal
    from data.rejection import Rejection
    from pipeline.registry.ensemble import Ensemble


def predict(structures: StructureLike | Sequence[StructureLike], model: str | None = None) -> pd.DataFrame:
    """Predict moments, magnetisation and magnetic order of crystals.

    Args:
        structures: pymatgen Structures, ASE Atoms, paths of CIF files, or one of these.
        model: id of a model or its beginning; None: the one in use, which is the shipped one until another was promoted.

    Returns:
        A row for each crystal, in the order given, with the columns of the ranking (moments in µB/atom with their 90 %
        interval, saturation in T, probabilities of order; see the column reference). The index is the place among
        `structures`. A crystal that could not be used has only its id, and `rejected` and `detail` say why; the columns and
        their types are the same if all are such, or none is given. Whole numbers are `Int64` and yes or no is `boolean`, which
        can lack a value.

    Raises:
        TypeError: something that is none of these.
        data.errors.UserError: an unknown or damaged model, or a path that does not exist.
    """
    return Model.load(model).predict(structures)


@dataclass(frozen=True)
class Model:
    """A published moment ensemble with the other models that the home has in use."""

    ensemble: Ensemble

    @classmethod
    def load(cls, identifier: str | None = None) -> Self:
        """A model by its id (or the start of it), or the one in use.

        Raises:
            TypeError: the id is no text.
            data.errors.UserError: there is none, or no single one of that name.
        """
        if not isinstance(identifier, (str, type(None))):
            raise TypeError(f"a model is named by its id, not by a {type(identifier).__name__}")
        from pipeline.registry.shipped import choose_model
        from pipeline.settings import settings

        return cls(choose_model(settings(), identifier))

    @property
    def id(self) -> str:
        """Hash of the model's content."""
        return self.ensemble.id

    def predict(self, structures: StructureLike | Sequence[StructureLike]) -> pd.DataFrame:
        """Predict crystals; see `ferroscreen.predict`."""
        import pandas as pd

        from data.rejection import Rejection
        from data.sources.given import GivenCrystals
        from pipeline.screening.predict import predict_here
        from pipeline.settings import settings

        read = crystals_of(structures)
        unique = [_renamed(item, str(k)) for k, (_, item) in enumerate(read)]
        table, rejected = predict_here(GivenCrystals(unique), self.ensemble, settings())
        rows = _with_missing((table if len(table) else self._without_rows()).assign(rejected="", detail=""))
        if rejected:
            why = [(one.candidate_id, str(one.reason), one.detail) for one in rejected]
            lost = pd.DataFrame(why, columns=["candidate_id", "rejected", "detail"])
            rows = pd.concat([rows, lost.reindex(columns=rows.columns).astype(rows.dtypes)], ignore_index=True)
        rows = rows.set_index(rows["candidate_id"].astype(int)).sort_index()
        rows = rows.drop(columns=["rank", "source_file"], errors="ignore")
        names = [item.candidate_id if isinstance(item, Rejection) else item.id for _, item in read]
        rows["candidate_id"] = pd.Series([names[k] for k in rows.index], rows.index, dtype=object)
        rows.index = pd.Index([read[k][0] for k in rows.index], name="structure")
        return rows

    def _without_rows(self) -> pd.DataFrame:
        """The columns of a prediction, which depend on the models of the home: those that some crystal gets."""
        import numpy as np

        from data.crystal import make_crystal
        from data.sources.given import GivenCrystals
        from pipeline.screening.predict import predict_here
        from pipeline.settings import settings

        iron = make_crystal("0", np.eye(3) * 2.87, np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]), np.array([26, 26]))
        return predict_here(GivenCrystals([iron]), self.ensemble, settings())[0].head(0)


def _with_missing(table: pd.DataFrame) -> pd.DataFrame:
    """The same in types that can lack a value, so that a column has one type whether or not a crystal is rejected."""
    import pandas as pd

    nullable = {"i": pd.Int64Dtype(), "b": pd.BooleanDtype()}
    few = {name: table[name] for name, kind in table.dtypes.items() if kind.kind in nullable}
    return table.assign(**{str(name): column.astype(nullable[column.dtype.kind]) for name, column in few.items()})


def _renamed(item: AnyCrystal | Rejection, name: str) -> AnyCrystal | Rejection:
    """The same under a name that is unique in this call."""
    from data.rejection import Rejection

    return replace(item, candidate_id=name) if isinstance(item, Rejection) else replace(item, id=name)
