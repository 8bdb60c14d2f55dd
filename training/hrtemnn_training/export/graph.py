# SPDX-License-Identifier: GPL-3.0-or-later
"""ONNX graph of a Keras network: NCHW, one node a layer, any height and width.

Each layer is written as the ONNX operator it is, which a trace through TensorFlow does
not give: there a PReLU becomes four nodes, an upsampling a chain of tiles and
transposes, and the graph runs several times slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import layers

from hrtemnn_training.architectures.blocks import Channel, ReflectionPadding
from hrtemnn_training.architectures.folding import Fold, Unfold

from .nodes import ExportError, Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import onnx


def to_onnx(model: keras.Model) -> onnx.ModelProto:
    """Write a functional Keras network as an ONNX graph, layer by layer.

    Parameters
    ----------
    model
        Model from (batch, y, x, channel) to (batch, y, x, class) or (batch, class),
        channels last, each layer used once.

    Returns
    -------
    Graph from ``image``, float32 (batch, channel, height, width), to the output of the
    model, (batch, class, height, width) or (batch, class); batch, height and width are
    symbolic. A batch normalization is part of the convolution before it.

    Raises
    ------
    ExportError
        If a layer, or a setting of it, has no counterpart here.
    """
    graph = Graph()
    names = {id(model.inputs[0]): "image"}
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        writer = _WRITERS.get(type(layer))
        if writer is None:
            raise ExportError(
                f"The layer {layer.name} is a {type(layer).__name__}, which the export "
                f"does not know. It knows {', '.join(t.__name__ for t in _WRITERS)}."
            )
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        names[id(layer.output)] = writer(graph, layer, [names[id(t)] for t in given])
    sides: list[str | int] = ["height", "width"] if len(model.output_shape) == 4 else []
    return graph.proto(
        model.name,
        model.input_shape[-1],
        names[id(model.outputs[0])],
        ["batch", model.output_shape[-1], *sides],
    )


def normalized(
    layer: layers.BatchNormalization, kernel: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of a convolution that does the batch normalization after it.

    Parameters
    ----------
    layer
        The normalization.
    kernel, bias
        Weights of the convolution; the output channels are the kernel's last axis.
    """
    gamma, beta, mean, variance = layer.get_weights()
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return kernel * scale, (bias - mean) * scale + beta


def _convolution(graph: Graph, layer: layers.Conv2D, given: list[str]) -> str:
    if layer.strides != (1, 1) or layer.groups != 1:
        raise ExportError(f"{layer.name}: no strides, no groups.")
    if layer.padding == "same" and any(k % 2 == 0 for k in layer.kernel_size):
        raise ExportError(f"{layer.name}: the side of the kernel must be odd.")
    _must_be_linear(layer)
    pads = [
        d * (k // 2) if layer.padding == "same" else 0
        for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)
    ]
    return graph.node(
        "Conv",
        [*given, *_kernel_and_bias(graph, layer, (3, 2, 0, 1))],
        layer.name,
        kernel_shape=list(layer.kernel_size),
        dilations=list(layer.dilation_rate),
        pads=pads * 2,
    )


def _dense(graph: Graph, layer: layers.Dense, given: list[str]) -> str:
    _must_be_linear(layer)
    if len(layer.input.shape) != 2:
        raise ExportError(f"{layer.name}: only of (batch, channel).")
    return graph.node(
        "Gemm",
        [*given, *_kernel_and_bias(graph, layer, (1, 0))],
        layer.name,
        transB=1,
    )


def _must_be_linear(layer: layers.Conv2D | layers.Dense) -> None:
    if layer.activation.__name__ != "linear":
        raise ExportError(f"{layer.name}: give the activation a layer of its own.")


def _kernel_and_bias(
    graph: Graph, layer: layers.Conv2D | layers.Dense, axes: tuple[int, ...]
) -> list[str]:
    """Add the weights of a layer, together with the normalization that follows it."""
    kernel, bias = (np.asarray(w, np.float32) for w in layer.get_weights())
    followers = [node.operation for node in layer._outbound_nodes]
    if len(followers) == 1 and isinstance(followers[0], layers.BatchNormalization):
        kernel, bias = normalized(followers[0], kernel, bias)
    return [
        graph.weight(f"{layer.name}/kernel", kernel.transpose(axes)),
        graph.weight(f"{layer.name}/bias", bias),
    ]


def _normalization(
    graph: Graph,  # noqa: ARG001 - there is nothing left to write
    layer: layers.BatchNormalization,
    given: list[str],
) -> str:
    before = layer.input._keras_history.operation
    alone = len(before._outbound_nodes) == 1
    if not (alone and isinstance(before, layers.Conv2D | layers.Dense)):
        raise ExportError(f"{layer.name}: only after a convolution that is used once.")
    return given[0]


def _prelu(graph: Graph, layer: layers.PReLU, given: list[str]) -> str:
    slopes = layer.get_weights()[0]
    if slopes.size not in (1, layer.input.shape[-1]):
        raise ExportError(f"{layer.name}: only one slope, or one for each channel.")
    return graph.prelu(given[0], slopes, layer.name)


def _reflection(graph: Graph, layer: ReflectionPadding, given: list[str]) -> str:
    return graph.reflect(given[0], layer.pad, layer.name)


def _fold(graph: Graph, layer: Fold, given: list[str]) -> str:
    return graph.node("SpaceToDepth", given, layer.name, blocksize=layer.factor)


def _unfold(graph: Graph, layer: Unfold, given: list[str]) -> str:
    # In the mode DCR the channels of one pixel stay together.
    return graph.node(
        "DepthToSpace", given, layer.name, blocksize=layer.factor, mode="DCR"
    )


def _pooling(graph: Graph, layer: layers.MaxPooling2D, given: list[str]) -> str:
    size = list(layer.pool_size)
    return graph.node("MaxPool", given, layer.name, kernel_shape=size, strides=size)


def _mean(graph: Graph, layer: layers.GlobalAveragePooling2D, given: list[str]) -> str:
    return graph.node("ReduceMean", given, layer.name, axes=[2, 3], keepdims=0)


def _upsampling(graph: Graph, layer: layers.UpSampling2D, given: list[str]) -> str:
    if layer.interpolation != "bilinear":
        raise ExportError(f"{layer.name}: only bilinear interpolation.")
    factors = np.array([1, 1, *layer.size], np.float32)
    scales = graph.weight(f"{layer.name}/scales", factors)
    return graph.node(
        "Resize",
        [*given, "", scales],
        layer.name,
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )


def _sum(graph: Graph, layer: layers.Add, given: list[str]) -> str:
    return graph.node("Add" if len(given) == 2 else "Sum", given, layer.name)


def _channel(graph: Graph, layer: Channel, given: list[str]) -> str:
    name, first = layer.name, layer.number
    bounds = [
        graph.indices(f"{name}/start", first),
        graph.indices(f"{name}/end", first + 1),
        graph.indices(f"{name}/axis", 1),
    ]
    return graph.node("Slice", [*given, *bounds], name)


def _product(graph: Graph, layer: layers.Multiply, given: list[str]) -> str:
    if len(given) != 2:
        raise ExportError(f"{layer.name}: only of two.")
    return graph.node("Mul", given, layer.name)


def _concatenation(graph: Graph, layer: layers.Concatenate, given: list[str]) -> str:
    if layer.axis not in (-1, 3):
        raise ExportError(f"{layer.name}: only channels are concatenated.")
    return graph.node("Concat", given, layer.name, axis=1)


def _activation(graph: Graph, layer: layers.Activation, given: list[str]) -> str:
    return activation(graph, layer.activation.__name__, given[0], layer.name)


def activation(graph: Graph, kind: str, given: str, name: str) -> str:
    """Add the activation of an output: sigmoid, softmax or linear.

    Raises
    ------
    ExportError
        If it is another one.
    """
    if kind == "sigmoid":
        return graph.node("Sigmoid", [given], name)
    if kind == "softmax":
        return graph.node("Softmax", [given], name, axis=1)
    if kind == "linear":
        return graph.node("Identity", [given], name)
    raise ExportError(f"{name}: no counterpart for the activation {kind}.")


_WRITERS: dict[type, Callable[[Graph, Any, list[str]], str]] = {
    layers.Conv2D: _convolution,
    layers.BatchNormalization: _normalization,
    layers.PReLU: _prelu,
    ReflectionPadding: _reflection,
    Fold: _fold,
    Unfold: _unfold,
    layers.MaxPooling2D: _pooling,
    layers.UpSampling2D: _upsampling,
    layers.Add: _sum,
    layers.Multiply: _product,
    Channel: _channel,
    layers.Concatenate: _concatenation,
    layers.GlobalAveragePooling2D: _mean,
    layers.Dense: _dense,
    layers.Activation: _activation,
}
