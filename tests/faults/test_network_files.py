# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of networks that are damaged, foreign or hostile: loaded right, or refused."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_networks
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from hyperspy_hrtemnn import cli, networks
from hyperspy_hrtemnn.networks import NetworkError, _apart, _file, _shipped, load

_IS_REMEMBERED = _apart._is_remembered

MODELS = _shipped.MODELS


@pytest.fixture
def tried_apart(monkeypatch, tmp_path):
    """Try each network in a process of its own, and forget what passed."""
    monkeypatch.setattr(_apart, "_is_remembered", _IS_REMEMBERED)
    monkeypatch.setattr(_apart, "_remembered", lambda: tmp_path / "remembered")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Return a function that writes a copy of a network with a flipped bit."""
    folder = tmp_path_factory.mktemp("damaged")

    def copy(name, weight, bit):
        content = bytearray((MODELS / f"{name}.onnx").read_bytes())
        proto = onnx.load_from_string(bytes(content))
        tensors = [t for t in proto.graph.initializer if len(t.raw_data) >= 64]
        tensor = tensors[weight % len(tensors)]
        start = content.find(tensor.raw_data)
        at = start + 4 * (weight % (len(tensor.raw_data) // 4))
        content[at + bit // 8] ^= 1 << bit % 8
        path = folder / f"{name}-{weight}-{bit}.onnx"
        path.write_bytes(content)
        return path

    return copy


def save(path, nodes, weights=(), *, text=None, **shapes):
    text = (
        tiny_networks.card(receptive_field=1).model_dump_json()
        if text is None
        else text
    )
    made = tiny_networks.model(nodes, dict(weights), text=text, **shapes)
    onnx.save(made, path)
    return path


def node(kind, given, *, answer="answer", **attributes):
    return helper.make_node(kind, given, [answer], **attributes)


def card_text(**changes):
    fields = json.loads(tiny_networks.card(receptive_field=1).model_dump_json())
    return json.dumps(fields | changes)


def one_line_of(excinfo):
    text = str(excinfo.value)
    assert text.isprintable()
    return text


def test_the_hashes_are_those_of_the_shipped_files():
    known = _shipped.shipped_hashes()
    assert set(known) == {f"{name}.onnx" for name in networks.available()}
    for name, sha256 in known.items():
        assert hashlib.sha256((MODELS / name).read_bytes()).hexdigest() == sha256


def test_a_damaged_shipped_network_is_refused_by_name(damaged, tmp_path, monkeypatch):
    # The last bit of a weight changes no answer by more than rounding.
    shutil.copy(damaged("au-zone-axis", 3, 0), tmp_path / "au-zone-axis.onnx")
    shutil.copy(MODELS / "SHA256SUMS", tmp_path)
    monkeypatch.setattr(_shipped, "MODELS", tmp_path)
    for given_ in ("au-zone-axis", tmp_path / "au-zone-axis.onnx"):
        with pytest.raises(NetworkError, match=r"'au-zone-axis' is damaged.*again"):
            load(given_)


def test_hashes_are_written_as_sha256sum_writes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(_shipped, "MODELS", tmp_path)
    path = tiny_networks.convolution(tmp_path / "tiny.onnx")
    _shipped.write_hashes()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (tmp_path / "SHA256SUMS").read_text() == f"{sha256}  tiny.onnx\n"
    assert _shipped.is_shipped(path, sha256)


def test_every_shipped_card_has_a_test():
    for name in networks.available():
        test = load(name).card.test
        assert len(test.answer) == len(test.places) >= 24
        assert np.ptp(test.answer) > 0.3


@pytest.mark.parametrize("weight", range(0, 40, 5))
def test_a_copy_with_a_flipped_bit_of_the_exponent_is_refused(damaged, weight):
    with pytest.raises(NetworkError, match=r"damaged|not finite"):
        load(damaged("au-zone-axis", weight, 30))


def test_a_copy_with_a_flipped_last_bit_answers_the_same(damaged):
    """It is loaded: the tolerance is for other processors, and hides rounding only."""
    network, copy = load("au-zone-axis"), load(damaged("au-zone-axis", 7, 0))
    batch = np.random.default_rng(0).normal(size=(2, 1, 33, 33)).astype(np.float32)
    np.testing.assert_allclose(copy.predict(batch), network.predict(batch), atol=1e-4)


@pytest.mark.parametrize("place", ["weight", "constant", "subgraph"])
def test_external_weights_are_refused_by_name(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(np.ones(1, np.float32).tobytes())
    outside = TensorProto(data_type=TensorProto.FLOAT, dims=[1], name="outside")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="secret.bin")
    nodes = [node("Mul", ["image", "outside"])]
    if place == "constant":
        nodes.insert(0, node("Constant", [], answer="outside", value=outside))
    elif place == "subgraph":
        output = helper.make_tensor_value_info("outside", TensorProto.FLOAT, [1])
        graph = helper.make_graph([], "inner", [], [output], [outside])
        condition = numpy_helper.from_array(np.array(True), "yes")
        nodes = [
            node("Constant", [], answer="yes", value=condition),
            node("If", ["yes"], answer="x", then_branch=graph, else_branch=graph),
            node("Mul", ["image", "x"]),
        ]
    made = tiny_networks.model(nodes, {}, text=card_text(task="regression"))
    if place == "weight":
        made.graph.initializer.append(outside)
    path = tmp_path / "outside.onnx"
    path.write_bytes(made.SerializeToString())
    with pytest.raises(NetworkError, match=r"in another file, 'secret\.bin'") as error:
        _apart.refuse_external_weights(path.read_bytes(), path)
    one_line_of(error)


def test_loading_refuses_external_weights(tmp_path, monkeypatch, tried_apart):
    monkeypatch.chdir(tmp_path)
    path = tiny_networks.convolution(tmp_path / "a.onnx")
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        size_threshold=0,
        location="w",
    )
    with pytest.raises(NetworkError, match="keeps weights in another file, 'w'"):
        load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "\x1b[31mred"},
        {"description": "two\nlines"},
        {"classes": ["\u202eelcitrap"]},
        {"versions": {"\x1b]0;title\x07": "1"}},
        {"scores": {"f1": {"camera": ["\x9b2J"]}}},
        {"\x1b[2J": 1},
        {"\ud7fc": None},
        {"license": "\ud800"},
    ],
)
def test_control_characters_do_not_reach_the_terminal(tmp_path, changes):
    path = save(
        tmp_path / "a.onnx", [node("Sigmoid", ["image"])], text=card_text(**changes)
    )
    with pytest.raises(NetworkError, match=r"card of .*a\.onnx") as error:
        load(path)
    one_line_of(error)
    result = CliRunner().invoke(cli.main, ["card", str(path)])
    assert result.exit_code == 1
    assert all(line.isprintable() for line in result.output.splitlines())
    assert len(result.output.splitlines()) == 1


def test_control_characters_of_a_path_do_not_reach_the_terminal(tmp_path):
    with pytest.raises(NetworkError, match=r"There is no file .*\\x1b\[2J") as error:
        load(tmp_path / "\x1b[2J.onnx")
    one_line_of(error)


def endless(path):
    """Write a network that loops for ever, without asking for memory."""
    same = helper.make_tensor_value_info("go_on", TensorProto.BOOL, [])
    body = helper.make_graph(
        [
            node("Identity", ["condition"], answer="go_on"),
            node("Identity", ["state"], answer="next"),
        ],
        "body",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("condition", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [same, helper.make_tensor_value_info("next", TensorProto.FLOAT, None)],
    )
    nodes = [
        node("Sigmoid", ["image"], answer="start"),
        node("Loop", ["", "true", "start"], body=body),
    ]
    return save(path, nodes, {"true": np.array(True)})


def explosive(path):
    """Write a network that expands 2^40 times on the way."""
    nodes = [
        node("Expand", ["one", "shape"], answer="huge"),
        node("ReduceMean", ["huge"], answer="mean", keepdims=0),
        node("Mul", ["image", "mean"], answer="more"),
        node("Sigmoid", ["more"]),
    ]
    shape = np.array([2**20, 2**20], np.int64)
    return save(path, nodes, {"one": np.ones((1, 1), np.float32), "shape": shape})


def test_an_endless_network_is_refused_with_its_limit(
    tmp_path, monkeypatch, tried_apart
):
    monkeypatch.setattr(_apart, "LIMITS", _apart.Limits(seconds=1))
    monkeypatch.setattr(_apart, "_PATIENCE", 20)
    with pytest.raises(NetworkError, match=r"endless.*limit of time, 1 s") as error:
        load(endless(tmp_path / "endless.onnx"))
    one_line_of(error)


def test_a_network_that_needs_terabytes_is_refused(tmp_path, tried_apart):
    with pytest.raises(NetworkError, match=r"explosive.*memory") as error:
        load(explosive(tmp_path / "explosive.onnx"))
    one_line_of(error)


def test_a_network_is_tried_once(tmp_path, monkeypatch, tried_apart):
    path = tiny_networks.convolution(tmp_path / "a.onnx")
    load(path)
    monkeypatch.setattr(subprocess, "Popen", None)
    # The same file in another place.
    load(shutil.copy(path, tmp_path / "b.onnx"))


def test_what_is_refused_is_not_remembered(tmp_path, tried_apart):
    path = save(tmp_path / "a.onnx", [node("Identity", ["image"])])
    for _ in range(2):
        with pytest.raises(NetworkError, match="gives probabilities, 0 to 1"):
            load(path)


def test_another_program_is_not_started_again(tmp_path, monkeypatch, tried_apart):
    program = tmp_path / "Dragonfly.exe"
    program.touch()
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(sys, "_base_executable", str(program), raising=False)
    _apart._python.cache_clear()
    found = _apart._python()
    assert found is None or Path(found).name.startswith("python")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    _apart._python.cache_clear()
    try:
        with pytest.warns(UserWarning, match="without limits of time and memory"):
            assert load(tiny_networks.convolution(tmp_path / "a.onnx")).name == "tiny"
        with pytest.raises(NetworkError, match="not an ONNX file"):
            load(Path(shutil.copy(__file__, tmp_path / "text.onnx")))
    finally:
        _apart._python.cache_clear()


def _load_in_daemon(path, folder, queue):
    _apart._remembered = lambda: folder
    queue.put(load(path).name)


def test_a_daemonic_worker_can_load_a_foreign_network(tmp_path):
    path = tiny_networks.convolution(tmp_path / "a.onnx")
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    arguments = (path, tmp_path / "remembered", queue)
    worker = context.Process(target=_load_in_daemon, args=arguments, daemon=True)
    worker.start()
    assert queue.get(timeout=60) == "tiny"
    worker.join()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_pipes_devices_and_folders_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path / "pipe.onnx", Path("/dev/zero"), tmp_path):
        with pytest.raises(NetworkError, match=r"a pipe or a device|a folder") as error:
            load(path)
        one_line_of(error)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(_file.LARGEST_FILE + 1)
    with pytest.raises(NetworkError, match="larger than the limit of 1024 MiB"):
        load(path)


@pytest.mark.parametrize(
    "changes", [{"smallest_side": 12000}, {"stride": 10**9}, {"channels": 10**12}]
)
def test_a_card_that_asks_for_much_memory_is_refused_with_the_limit(tmp_path, changes):
    path = save(
        tmp_path / "a.onnx", [node("Sigmoid", ["image"])], text=card_text(**changes)
    )
    (name,) = changes
    with pytest.raises(NetworkError, match=f"{name}: .*less than or equal to") as error:
        load(path)
    one_line_of(error)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Identity", ["image"])], "task 'segmentation' gives probabilities"),
        (
            [node("Mul", ["image", "zero"], answer="x"), node("Sigmoid", ["x"])],
            "the same to different inputs",
        ),
        ([node("Sqrt", ["image"])], "not finite"),
    ],
)
def test_answers_that_cannot_be_right_are_refused(tmp_path, nodes, message):
    weights = {"zero": np.zeros(1, np.float32)}
    with pytest.raises(NetworkError, match=f"does not fit its card.*{message}"):
        load(save(tmp_path / "a.onnx", nodes, weights))


def test_a_network_that_is_sure_of_all_test_images_is_not_refused(tmp_path):
    assert load(tiny_networks.brightest(tmp_path / "a.onnx")).name == "tiny"


def test_a_test_that_does_not_fit_the_answer_is_refused(tmp_path):
    for test, message in (
        ({"input": 1, "places": [10**9], "answer": [0]}, "more values than it answers"),
        ({"input": 99, "places": [0], "answer": [0]}, "test.input"),
        ({"input": 1, "places": [0, 1], "answer": [0]}, "different lengths"),
        ({"input": 1, "places": [0], "answer": [0.9]}, "is damaged"),
    ):
        text = card_text(test=test)
        path = save(tmp_path / "a.onnx", [node("Sigmoid", ["image"])], text=text)
        with pytest.raises(NetworkError, match=message):
            load(path)


_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**320)
    | st.floats()
    | st.text()
    | st.sampled_from(["segmentation", "\x1b[2J", "0.1", "NaN"])
)
_json = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["blur", "version", "a"]) | st.text(), inner, max_size=3
        )
    ),
    max_leaves=8,
)
_FIELDS = sorted(json.loads(card_text()))


@settings(max_examples=40, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(_FIELDS), _json, max_size=2),
    ranges=st.dictionaries(st.sampled_from(["blur", "dose"]), _json, max_size=1),
    left_out=st.sets(st.sampled_from(_FIELDS), max_size=1),
    whole=st.none() | _json | st.text(),
)
def test_whatever_the_card_says_there_is_a_network_or_one_line(
    tmp_path_factory, changes, ranges, left_out, whole
):
    fields = json.loads(card_text())
    fields |= {"ranges": fields["ranges"] | ranges} | changes
    for name in left_out:
        del fields[name]
    text = json.dumps(fields) if whole is None else json.dumps(whole)
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    save(path, [node("Sigmoid", ["image"])], text=text)
    text = _name_or_error(path)
    assert text.isprintable()
    assert len(text) < 1000


def _name_or_error(path):
    try:
        return networks.Network(path).name
    except NetworkError as error:
        return str(error)


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param(
            [
                node("RandomNormalLike", ["image"], answer="noise", seed=1.0),
                node("Add", ["image", "noise"], answer="sum"),
                node("Sigmoid", ["sum"]),
            ],
            id="random",
        ),
        pytest.param(
            [
                node("ReduceMean", ["image"], answer="mean", keepdims=1),
                node("Sub", ["image", "mean"], answer="difference"),
                node("Sigmoid", ["difference"]),
            ],
            id="mixed",
        ),
    ],
)
def test_a_network_whose_answer_depends_on_more_than_the_image_is_refused(
    tmp_path, nodes
):
    with pytest.raises(NetworkError, match="draws random numbers, or mixes") as error:
        load(save(tmp_path / "a.onnx", nodes))
    one_line_of(error)
