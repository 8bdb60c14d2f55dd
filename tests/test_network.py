# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading of networks, and the refusal of what is none."""

from __future__ import annotations

import json
import pickle
import threading

import numpy as np
import onnx
import pytest
import tiny_networks
from dask.base import tokenize
from onnx import TensorProto, helper

from hyperspy_hrtemnn import networks
from hyperspy_hrtemnn.networks import NetworkError, load


def _identity(path, *, text=None, dtype=TensorProto.FLOAT, inputs=None, outputs=None):
    shape = ("N", 1, "y", "x")
    node = helper.make_node("Identity", ["image"], ["answer"])
    made = tiny_networks.model(
        [node],
        {},
        text=text,
        dtype=dtype,
        inputs=inputs or shape,
        outputs=outputs or shape,
    )
    onnx.save(made, path)
    return path


def _card_text(**changes):
    return tiny_networks.card(**changes).model_dump_json()


def test_load(network_path):
    network = load(network_path, "cpu")
    assert network.name == "tiny"
    assert network.card.receptive_field == 7
    assert network.device == "cpu"
    assert network.path == network_path.resolve()
    assert len(network.sha256) == 64
    assert load(str(network_path), "cpu") is network


def test_a_card_of_the_first_version_has_its_blur_converted(tmp_path):
    card = json.loads(_card_text(receptive_field=1))
    card["ranges"]["blur"] = [0, 1.5]  # of exp(-blur² q² / 2), q in cycles per Å
    card["task"] = "regression"
    today = load(_identity(tmp_path / "today.onnx", text=json.dumps(card)))
    assert today.card.ranges.blur == (0, 1.5)
    del card["version"]
    old = load(_identity(tmp_path / "old.onnx", text=json.dumps(card)))
    assert old.card.version == 2
    assert old.card.ranges.blur == pytest.approx((0, 1.5 / (2 * np.pi)), abs=5e-5)
    again = type(old.card).model_validate_json(old.card.model_dump_json())
    assert again == old.card


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranges": {"blur": "wide"}}, r"ranges\.blur"),
        ({"ranges": 3}, "ranges"),
        ({"version": 9}, "of version 9, and this .* to version 2; update hyperspy-hrt"),
        ({"threshold": float("nan")}, "threshold: Input should be a finite number"),
        ({"sampling": float("inf")}, "sampling: Input should be a finite number"),
    ],
)
def test_a_card_that_cannot_be_read_names_its_field(tmp_path, changes, message):
    card = json.loads(_card_text(receptive_field=1))
    del card["version"]
    text = json.dumps(card | changes)
    with pytest.raises(NetworkError, match=message):
        load(_identity(tmp_path / "a.onnx", text=text))


def test_changed_file_is_loaded_again(tmp_path):
    path = tiny_networks.convolution(tmp_path / "a.onnx", seed=1)
    first = load(path)
    tiny_networks.convolution(path, field=9)
    assert load(path).sha256 != first.sha256


@pytest.mark.parametrize("shape", [(3, 1, 13, 17), (1, 1, 1, 2), (2, 1, 20, 9)])
def test_predict_pads_and_crops(tmp_path, rng, shape):
    network = load(tiny_networks.pooling(tmp_path / "pool.onnx"))
    batch = rng.normal(size=shape).astype(np.float32)
    result = network.predict(batch)
    assert result.shape == shape
    assert result.dtype == np.float32


def test_predict_known_answer(tmp_path, rng):
    network = load(tiny_networks.brightness(tmp_path / "b.onnx"))
    batch = rng.normal(size=(2, 1, 5, 6)).astype(np.float32)
    expected = 1 / (1 + np.exp(-8 * (batch - 1)))
    np.testing.assert_allclose(network.predict(batch), expected, atol=1e-6)


def test_channels_and_classes(tmp_path, rng):
    path = tiny_networks.convolution(tmp_path / "c.onnx", channels=3, classes=4)
    batch = rng.normal(size=(2, 3, 11, 10)).astype(np.float32)
    assert load(path).predict(batch).shape == (2, 4, 11, 10)


def test_a_card_from_before_thresholds_is_read_and_means_what_it_did():
    text = tiny_networks.card().model_dump_json(exclude={"threshold", "object_weight"})
    card = networks.Card.model_validate_json(text)
    assert (card.threshold, card.object_weight) == (None, None)
    assert card.unbiased_threshold == 0.9
    # Without the weight 0.5 is where an object is as likely as none.
    assert tiny_networks.card(object_weight=9).unbiased_threshold == 0.5
    known = tiny_networks.card(object_weight=9, threshold=0.43)
    assert known.unbiased_threshold == 0.43


def test_the_shipped_masks_give_probabilities():
    for name in ("au-ceo2-mask", "nanoparticle-membrane-mask"):
        card = load(name).card
        assert card.object_weight == 9
        assert 0.4 < card.threshold < 0.6
        curve = card.scores["reliability"]
        assert curve["expected_calibration_error"] < 0.02


def test_pickle(network_path, rng):
    network = load(network_path)
    again = pickle.loads(pickle.dumps(network))  # noqa: S301
    batch = rng.normal(size=(1, 1, 9, 8)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(batch), network.predict(batch))
    assert tokenize(again) == tokenize(network)


def test_averaged_knows_no_orientation(network_path, rng):
    network = load(network_path)
    batch = rng.normal(size=(2, 1, 13, 18)).astype(np.float32)
    turned = batch.swapaxes(2, 3)
    plain = network.predict(batch)
    assert not np.allclose(network.predict(turned), plain.swapaxes(2, 3), atol=1e-3)
    averaged = network.averaged()
    found = averaged.predict(batch)
    assert found.shape == plain.shape
    assert found.dtype == np.float32
    expected = found.swapaxes(2, 3)
    np.testing.assert_allclose(averaged.predict(turned), expected, atol=1e-6)
    mirrored = averaged.predict(batch[..., ::-1])
    np.testing.assert_allclose(mirrored, found[..., ::-1], atol=1e-6)
    # The plain network stays as it is.
    np.testing.assert_array_equal(network.predict(batch), plain)
    assert tokenize(averaged) != tokenize(network)
    again = pickle.loads(pickle.dumps(averaged))  # noqa: S301
    np.testing.assert_array_equal(again.predict(batch), found)
    assert "averaged" in repr(again)
    assert "averaged" not in repr(network)


def test_pickle_of_a_changed_file_is_refused(tmp_path):
    path = tiny_networks.convolution(tmp_path / "a.onnx", seed=1)
    pickled = pickle.dumps(load(path))
    tiny_networks.convolution(path, field=9)
    with pytest.raises(NetworkError, match=r"a\.onnx.*has changed"):
        pickle.loads(pickled).card  # noqa: B018, S301


def test_one_inference_at_a_time(network_path, monkeypatch):
    network = networks.Network(network_path)
    running = []
    most = []

    class Session:
        def __init__(self, session):
            self.session = session

        def get_inputs(self):
            return self.session.get_inputs()

        def run(self, *arguments):
            running.append(1)
            most.append(len(running))
            result = self.session.run(*arguments)
            running.pop()
            return result

    engine = network._engine
    monkeypatch.setattr(engine, "session", Session(engine.session))
    batch = np.zeros((1, 1, 64, 65), np.float32)
    threads = [
        threading.Thread(target=network.predict, args=(batch,)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 8


def test_available(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspy_hrtemnn.networks._shipped.MODELS", tmp_path)
    assert networks.available() == ()
    with pytest.raises(NetworkError, match=r"no network 'b'.*Shipped networks: none"):
        load("b")
    tiny_networks.convolution(tmp_path / "b.onnx")
    tiny_networks.convolution(tmp_path / "a.onnx")
    assert networks.available() == ("a", "b")
    assert load("b").card.name == "tiny"
    with pytest.raises(NetworkError, match=r"no network 'ab'.*a, b"):
        load("ab")


def test_missing_file(tmp_path):
    with pytest.raises(NetworkError, match=r"no file .*absent\.onnx"):
        load(tmp_path / "absent.onnx")
    with pytest.raises(NetworkError, match=r"no file .*absent\.onnx"):
        load("absent.onnx")


def test_folder(tmp_path):
    with pytest.raises(NetworkError, match="cannot be read"):
        load(tmp_path)


def test_no_onnx_file(tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("not a network")
    with pytest.raises(NetworkError, match=r"text\.onnx.* not an ONNX file"):
        load(path)
    path.write_bytes(b"")
    with pytest.raises(NetworkError, match=r"text\.onnx"):
        load(path)


def test_truncated(network_path, tmp_path):
    path = tmp_path / "half.onnx"
    content = network_path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(NetworkError, match=r"half\.onnx"):
        load(path)


def test_no_card(tmp_path):
    with pytest.raises(NetworkError, match=r"bare\.onnx has no card"):
        load(_identity(tmp_path / "bare.onnx"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "card"),
        ("{}", "name"),
        (_card_text().replace('"stride":1', '"stride":0'), "stride"),
        (_card_text().replace('"task"', '"tusk"'), "tusk"),
        (_card_text().replace("[0.07,0.2]", "[0.2,0.07]"), "ranges.sampling.*reversed"),
    ],
)
def test_invalid_card(tmp_path, text, message):
    with pytest.raises(NetworkError, match=rf"card of .*bad\.onnx.*{message}"):
        load(_identity(tmp_path / "bad.onnx", text=text))


@pytest.mark.parametrize(
    ("graph", "changes", "message"),
    [
        ({}, {"channels": 3}, "input has 1 channels, the card says 3"),
        ({}, {"classes": ("a", "b")}, "output has 1 channels, the card says 2"),
        ({"dtype": TensorProto.DOUBLE}, {}, "not float32; export it in this"),
        (
            {"inputs": ("N", "y", "x", 1), "outputs": ("N", "y", "x", 1)},
            {},
            "channels seem to be last; export it with",
        ),
        (
            {"inputs": ("N", 1, 64, 64), "outputs": ("N", 1, 64, 64)},
            {},
            "must be symbolic",
        ),
        ({"inputs": ("N", "y", "x"), "outputs": ("N", "y", "x")}, {}, "3 dimensions"),
        # Only a trial shows what a graph with symbolic channels makes.
        (
            {"inputs": ("N", "C", "y", "x"), "outputs": ("N", "K", "y", "x")},
            {"classes": ("a", "b")},
            "2 classes",
        ),
    ],
)
def test_graph_that_does_not_fit(tmp_path, graph, changes, message):
    path = _identity(tmp_path / "odd.onnx", text=_card_text(**changes), **graph)
    with pytest.raises(
        NetworkError, match=rf"odd\.onnx does not fit its card.*{message}"
    ):
        load(path)


def test_two_inputs(tmp_path):
    value = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ("N", 1, "y", "x"))
        for n in "abc"
    ]
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])], "g", value[:2], value[2:]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    helper.set_model_props(made, {networks.METADATA_KEY: _card_text()})
    onnx.save(made, tmp_path / "two.onnx")
    with pytest.raises(NetworkError, match=r"two\.onnx does not fit.*2 inputs"):
        load(tmp_path / "two.onnx")


def test_stride_larger_than_the_card_says(tmp_path):
    path = tiny_networks.pooling(tmp_path / "pool.onnx")
    made = onnx.load(path)
    helper.set_model_props(made, {networks.METADATA_KEY: _card_text(stride=1)})
    onnx.save(made, path)
    with pytest.raises(NetworkError, match=r"pool\.onnx does not fit"):
        load(path)
