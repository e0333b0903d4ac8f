"""What a model card says of what the members learned from."""

from __future__ import annotations

from pipeline.registry.card import model_card
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.shipped import shipped_of


def test_what_only_a_member_that_is_left_out_learned_from_is_not_said() -> None:
    shipped = shipped_of(Ensemble)
    assert shipped is not None
    manifest = {**shipped.manifest, "unlabelled_crystals": 3}
    said = ("learned the site moments of snapshot", "learned the structures of 3 crystals without labels")
    card = model_card(manifest)
    assert all(words in card for words in said)
    others = model_card({**manifest, "members": [{**member, "family": "forest"} for member in manifest["members"]]})
    assert not any(words in others for words in said)
