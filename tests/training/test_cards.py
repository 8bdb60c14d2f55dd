# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards of older files are brought up to date without touching the network."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import tiny_networks

from hrtemnn_training.export.cards import add_test, bring_card_up_to_date, change_card
from hyperspy_hrtemnn.networks import METADATA_KEY, Card, Network, NetworkError


@pytest.fixture
def old_file(tmp_path):
    """Return a network as exported before cards had a version."""
    path = tiny_networks.convolution(tmp_path / "old.onnx")
    proto = onnx.load(path)
    card = json.loads(proto.metadata_props[0].value)
    del card["version"]
    card["ranges"]["blur"] = [0.1, 0.8]
    card["scores"] = {"images": 7, "rivals": {"threshold": {"f1": 0.4}}, "f1": 0.6}
    onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(card)})
    onnx.save(proto, path)
    return path


def test_a_card_is_brought_up_to_date_once(old_file, rng) -> None:
    before = Network(old_file)
    batch = rng.normal(size=(1, 1, 15, 22)).astype(np.float32)
    for _ in range(2):  # the second time it is of today, and stays
        bring_card_up_to_date(old_file)
        (stored,) = onnx.load(old_file).metadata_props
        card = json.loads(stored.value)
        assert card["version"] == 2
        assert card["ranges"]["blur"] == pytest.approx([0.0159, 0.1273])
        assert list(card["scores"]) == ["images", "baselines", "f1"]
        assert card["scores"]["baselines"] == {"threshold": {"f1": 0.4}}
    after = Network(old_file)
    assert after.card == before.card
    np.testing.assert_array_equal(after.predict(batch), before.predict(batch))


def test_what_changes_a_card_sees_todays(old_file) -> None:
    def score(card: Card) -> Card:
        assert card.ranges.blur == (0.0159, 0.1273)
        return card.model_copy(update={"scores": {"f1": 0.9}})

    change_card(old_file, score)
    card = Network(old_file).card
    assert (card.scores, card.ranges.blur) == ({"f1": 0.9}, (0.0159, 0.1273))


def test_a_test_is_added_and_nothing_else_changes(old_file) -> None:
    before = onnx.load(old_file)
    add_test(old_file)
    after = onnx.load(old_file)
    assert after.graph.SerializeToString() == before.graph.SerializeToString()
    old, new = (json.loads(proto.metadata_props[0].value) for proto in (before, after))
    test = new.pop("test")
    del old["test"]
    assert new == old
    assert len(test["places"]) == len(test["answer"]) >= 60
    network = Network(old_file)
    assert network.card.test == network.card_test()


def test_an_answer_that_differs_from_the_card_is_refused(old_file) -> None:
    add_test(old_file)
    proto = onnx.load(old_file)
    (weight,) = proto.graph.initializer
    weight.raw_data = (
        (1.01 * np.frombuffer(weight.raw_data, "f4")).astype("f4").tobytes()
    )
    onnx.save(proto, old_file)
    with pytest.raises(NetworkError, match="damaged: its answer to the test input"):
        Network(old_file)
