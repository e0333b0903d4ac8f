"""The calibrated predictions of a screen, without duplicates, comparison, report or files."""

from __future__ import annotations

import pandas as pd

from data.rejection import Rejection
from data.sources import Source
from data.sources.literature.snapshot import newest_literature
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.registry.ensemble import Ensemble
from pipeline.screening.candidates import PredictedShard, load_models, predict_safely, predict_shard
from pipeline.screening.measured import with_measured
from pipeline.screening.profiles import DEFAULT_PROFILE, find_profile
from pipeline.screening.ranking import rank
from pipeline.screening.screen_models import ScreenModels
from pipeline.settings import Settings


def predict_source(source: Source, ensemble: Ensemble, where: Settings) -> tuple[pd.DataFrame, list[Rejection]]:
    """(the columns of a ranking, best first; the crystals that could not be read). The table is empty where none could.

    Args:
        source: the crystals.
        ensemble: predicts the moments.
        where: the home, whose other models are asked, too.

    Raises:
        UserError: nothing to read in the source, or a damaged model.
    """
    shards = list(source.shards())
    if ensemble.descriptor_set is DescriptorSet.FULL:
        from pipeline.screening.slow_descriptors import prepare

        prepare(source, ensemble.graph_settings.symprec_A, where.descriptors, shards, where.workers, lambda n: None)
    whole, workers = PredictedShard(), max(1, min(where.workers, len(shards)))
    models = ScreenModels.in_use(ensemble, where)
    load_models(models)
    for predicted in predict_safely(source, models, where.descriptors, shards, workers):
        whole.add(predicted)
    return _ranked(whole, where)


def predict_here(source: Source, ensemble: Ensemble, where: Settings) -> tuple[pd.DataFrame, list[Rejection]]:
    """The same in this process, for a program that has its crystals in memory. A reader that hangs is not ended.

    Args:
        source: crystals that need no reading of files.
        ensemble: predicts the moments.
        where: the home, whose other models are asked, too.
    """
    models, whole = ScreenModels.in_use(ensemble, where), PredictedShard()
    for shard in source.shards():
        whole.add(predict_shard(source, models, where.descriptors, shard))
    return _ranked(whole, where)


def _ranked(whole: PredictedShard, where: Settings) -> tuple[pd.DataFrame, list[Rejection]]:
    if whole.table.empty:
        return whole.table, whole.rejected
    table = whole.table.assign(duplicate_of="", known_id="", known_moment=float("nan"))
    table = with_measured(table, lambda rows: [whole.cells[k] for k in rows], newest_literature(where.literature))
    return rank(table, find_profile(DEFAULT_PROFILE)), whole.rejected
