# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in half precision: half the file, the same answers."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from hrtemnn_training.export.half_weights import halve_weights
from hrtemnn_training.export.nodes import Graph

IMAGES = np.random.default_rng(2).standard_normal((1, 3, 12, 17)).astype(np.float32)


def convolution(scale: float) -> onnx.ModelProto:
    """Return a graph of one convolution, whose kernel has values of about `scale`."""
    rng = np.random.default_rng(1)
    graph = Graph()
    kernel = graph.weight(
        "kernel", scale * rng.standard_normal((24, 3, 5, 5)).astype(np.float32)
    )
    bias = graph.weight("bias", rng.standard_normal(24).astype(np.float32))
    output = graph.node("Conv", ["image", kernel, bias], "output", pads=[2, 2, 2, 2])
    return graph.proto("one", 3, output, ["batch", 24, "height", "width"])


def answer(proto: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    return np.asarray(session.run(None, {"image": IMAGES})[0])


def kinds(proto: onnx.ModelProto) -> list[int]:
    return [tensor.data_type for tensor in proto.graph.initializer]


def test_large_kernels_are_kept_in_half_and_answers_stay() -> None:
    proto = convolution(0.1)
    before, size = answer(proto), proto.ByteSize()
    halve_weights(proto)
    assert kinds(proto) == [TensorProto.FLOAT16, TensorProto.FLOAT]
    assert proto.ByteSize() < 0.56 * size
    rounded = numpy_helper.to_array(proto.graph.initializer[0])
    assert 0 < np.abs(answer(proto) - before).max() < 2e-3 * np.abs(before).max()
    assert rounded.shape == (24, 3, 5, 5)


def test_halved_weights_are_not_halved_again() -> None:
    proto = convolution(0.1)
    halve_weights(proto)
    once = proto.SerializeToString()
    halve_weights(proto)
    assert proto.SerializeToString() == once


@pytest.mark.filterwarnings("error")
def test_values_that_half_precision_lacks_are_kept() -> None:
    proto = convolution(1e5)
    before = proto.SerializeToString()
    halve_weights(proto)
    assert proto.SerializeToString() == before
