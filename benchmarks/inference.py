# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped network in onnxruntime against Keras and a naive conversion.

    python benchmarks/inference.py

Needs the extra `benchmark`. All three run the same weights on the same images in turn.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from hrtemnn_training.unet import make_unet
from hrtemnn_training.unet_settings import UNetSettings

from hyperspy_hrtemnn.networks import load

SIDE = 512
ROUNDS = 7


def keras_model(path: str) -> keras.Model:
    """Return the Keras network with the weights of an exported U-net."""
    graph = onnx.load(path).graph
    weights = {w.name: onnx.numpy_helper.to_array(w) for w in graph.initializer}
    kernels = [w for name, w in weights.items() if name.endswith("/kernel")]
    levels = 1 + sum(node.op_type == "Resize" for node in graph.node)
    settings = UNetSettings(
        width=kernels[0].shape[0], levels=levels, kernel=kernels[0].shape[-1]
    )
    model = make_unet(settings)
    given = []
    for node in graph.node:
        if node.op_type == "Conv":
            _, kernel, bias = node.input
            given += [weights[kernel].transpose(2, 3, 1, 0), weights[bias]]
        elif node.op_type == "LeakyRelu":
            (slope,) = node.attribute
            given.append(np.full((1, 1, 1), slope.f, np.float32))
    model.set_weights(given)
    return model


def naive(model: keras.Model, side: int) -> onnxruntime.InferenceSession:
    """Convert as the documentation of tf2onnx says, at a fixed size."""
    fixed = keras.Model(
        inputs := keras.Input((side, side, 1), batch_size=1), model(inputs)
    )
    signature = [tf.TensorSpec((1, side, side, 1), tf.float32, name="image")]
    function = tf.function(fixed, input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, signature, opset=17)
    return onnxruntime.InferenceSession(proto.SerializeToString())


def main() -> None:
    """Print times and ratios."""
    network = load("au-ceo2-mask")
    model = keras_model(str(network.path))
    converted = naive(model, SIDE)
    image = np.random.default_rng(0).standard_normal((1, SIDE, SIDE, 1), np.float32)
    channels_first = image.transpose(0, 3, 1, 2).copy()
    name = converted.get_inputs()[0].name
    ways = {
        "onnxruntime, shipped graph": lambda: network.predict(channels_first),
        "Keras predict": lambda: model.predict(image, verbose=0),
        "onnxruntime, naive tf2onnx": lambda: converted.run(None, {name: image}),
    }
    expected = ways["Keras predict"]()[0, ..., 0]
    np.testing.assert_allclose(
        network.predict(channels_first)[0, 0], expected, atol=1e-4
    )
    np.testing.assert_allclose(
        ways["onnxruntime, naive tf2onnx"]()[0][0, ..., 0], expected, atol=1e-4
    )
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            start = time.perf_counter()
            run()
            times[way].append(time.perf_counter() - start)
    best = {way: float(np.median(t)) for way, t in times.items()}
    reference = best["onnxruntime, shipped graph"]
    print(f"{SIDE} x {SIDE} pixels, median of {ROUNDS} rounds, {os.cpu_count()} cores")
    for way, seconds in best.items():
        print(
            f"{way:28} {seconds:7.3f} s   {seconds / reference:5.2f} times the shipped"
        )


if __name__ == "__main__":
    main()
