"""Settings of a training; the module imports nothing large, so that mistakes are reported at once."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from models.families import can_pretrain, family, family_names, reads_descriptors
from pipeline.features.descriptor_sets import DescriptorSet

if TYPE_CHECKING:
    from pipeline.features.neighbours import GraphSettings
    from pipeline.training.label_sources import LabelSources
    from pipeline.training.unlabelled import Unlabelled


def _default_graph() -> GraphSettings:
    from pipeline.features.neighbours import GraphSettings

    return GraphSettings()


@dataclass(frozen=True)
class TrainSettings:
    """What decides the trained model; its hash names the unfinished work that a later run takes up."""

    members: tuple[str, ...] = ("forest", "cgcnn", "megnet")  # families; `cgcnn:3` asks for three members, whatever `seeds` says
    seeds: int = 1  # of each other family, counted from first_seed
    first_seed: int = 0
    epochs: int | None = None  # None: each family's own default
    max_minutes: float | None = None  # for all networks together; None: as long as they need
    graph: GraphSettings = field(default_factory=_default_graph)
    descriptor_set: DescriptorSet = DescriptorSet.FAST  # of the descriptors that the forest learns from
    selected: int | None = None  # so many descriptors, chosen stochastically, for the families that read them; None: all
    weigh_label_noise: bool = False  # whether labels that cross-validation contradicts count less
    site_moments: str | None = None  # id of a snapshot whose site moments the members that can do so learn, too
    label_sources: LabelSources | None = None  # tables that find wrong labels; None: every label counts as it is
    pretrain_on: Unlabelled | None = None  # crystals whose structures the members that can do so learn before any moment
    adapt: str | None = None  # id of a model whose pretrained member the members that can do so start from

    def to_json(self) -> dict[str, Any]:
        """What decides the trained model: tables count by their content, wherever they are kept, and crystals as in a screen."""
        found = asdict(replace(self, label_sources=None, pretrain_on=None))
        # a training that does without has the identity that it had before there were any
        del found["label_sources"], found["pretrain_on"]
        if self.label_sources is not None:
            found["label_sources"] = dict(self.label_sources.tables)
        return found if self.pretrain_on is None else {**found, "pretrain_on": self.pretrain_on.identity}

    @property
    def families(self) -> dict[str, int]:
        """Members of each family. Raises UserError where that is no number or a family is named twice."""
        found: dict[str, int] = {}
        for word in self.members:
            name, _, number = word.partition(":")
            if name in found:
                raise UserError(f"the family {name} is named twice; `{name}:2` asks for two members")
            if number and not (number.isascii() and number.isdigit() and int(number)):
                raise UserError(f"{word!r} asks for no number of members; `{name}:2` asks for two")
            found[name] = int(number) if number else self.seeds
        return found

    def names(self) -> list[tuple[str, str, int]]:
        """(member, family, seed), in the order of training."""
        return [(f"{f}-{s}", f, s) for f, n in self.families.items() for s in range(self.first_seed, self.first_seed + n)]

    def check(self) -> None:
        """Raises UserError for settings that cannot be meant."""
        families = self.families
        strange = [name for name in families if name not in family_names()]
        if strange or not families:
            raise UserError(f"unknown model family {', '.join(strange) or '(none given)'}; there are {', '.join(family_names())}")
        wants_descriptors = self.descriptor_set is not DescriptorSet.FAST or self.selected is not None
        if wants_descriptors and not any(map(reads_descriptors, families)):
            raise UserError("only forests learn from descriptors, and none is among the members")
        if self.selected is not None and self.selected < 1:
            raise UserError("at least one descriptor must be selected")
        if self.site_moments is not None and not any(family(name).reads_site_moments for name in families):
            raise UserError("none of the members learns from site moments; `mpnn` does")
        if self.pretrain_on is not None and not any(map(can_pretrain, families)):
            raise UserError("none of the members learns from crystals without labels; `mpnn` does")
        if self.adapt is not None and not any(family(name).adapts for name in families):
            raise UserError("none of the members adapts a pretrained model; `canonical` does")
        if self.seeds < 1 or (self.epochs is not None and self.epochs < 1):
            raise UserError("seeds and epochs must be above zero")
        if self.max_minutes is not None and not 0 < self.max_minutes < math.inf:  # not-a-number is not
            raise UserError(f"the time limit must be a number of minutes above zero, not {self.max_minutes:g}")
