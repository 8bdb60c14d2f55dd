# SPDX-License-Identifier: GPL-3.0-or-later
"""A Keras network as a plain ONNX graph: NCHW, one node a layer, any height and width.

Each layer is written as the ONNX operator it is, which a trace through TensorFlow does
not give: there a PReLU becomes four nodes, an upsampling a chain of tiles and
transposes, and the graph runs several times slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from keras import layers
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

_OPSET = 17


class ExportError(ValueError):
    """A network that cannot be written as ONNX, and why."""


class _Graph:
    """Nodes and weights as they are collected."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(
        self, operator: str, inputs: list[str], name: str, **attributes: Any
    ) -> str:
        self.nodes.append(
            helper.make_node(operator, inputs, [name], name=name, **attributes)
        )
        return name


def to_onnx(model: keras.Model) -> onnx.ModelProto:
    """Write a functional Keras network as an ONNX graph.

    Parameters
    ----------
    model
        From (batch, y, x, channel) to (batch, y, x, class), channels last, each layer
        used once.

    Returns
    -------
    Graph from ``image``, float32 (batch, channel, height, width), to the model's
    output of the same layout; batch, height and width are symbolic.

    Raises
    ------
    ExportError
        If a layer, or a setting of it, has no counterpart here.
    """
    graph = _Graph()
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
    output = names[id(model.outputs[0])]

    def tensor(name: str, channels: int) -> onnx.ValueInfoProto:
        shape = ["batch", channels, "height", "width"]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            model.name,
            [tensor("image", model.input_shape[-1])],
            [tensor(output, model.output_shape[-1])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        producer_name="hyperspy-hrtemnn",
        ir_version=8,
    )
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _convolution(graph: _Graph, layer: layers.Conv2D, given: list[str]) -> str:
    padded = layer.padding == "same" or max(layer.kernel_size) == 1
    if not padded or layer.strides != (1, 1) or layer.groups != 1:
        raise ExportError(f"{layer.name}: only padding 'same', no strides, no groups.")
    if any(k % 2 == 0 for k in layer.kernel_size):
        raise ExportError(f"{layer.name}: the side of the kernel must be odd.")
    if layer.activation.__name__ != "linear":
        raise ExportError(f"{layer.name}: give the activation a layer of its own.")
    kernel, bias = (np.asarray(w, np.float32) for w in layer.get_weights())
    pads = [
        d * (k // 2)
        for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)
    ]
    return graph.node(
        "Conv",
        [
            *given,
            graph.weight(f"{layer.name}/kernel", kernel.transpose(3, 2, 0, 1)),
            graph.weight(f"{layer.name}/bias", bias),
        ],
        layer.name,
        kernel_shape=list(layer.kernel_size),
        dilations=list(layer.dilation_rate),
        pads=pads * 2,
    )


def _prelu(graph: _Graph, layer: layers.PReLU, given: list[str]) -> str:
    slope = np.asarray(layer.get_weights()[0], np.float32)
    if slope.size != 1:
        raise ExportError(f"{layer.name}: only one slope (shared_axes [1, 2, 3]).")
    return graph.node("LeakyRelu", given, layer.name, alpha=float(slope.item()))


def _pooling(graph: _Graph, layer: layers.MaxPooling2D, given: list[str]) -> str:
    size = list(layer.pool_size)
    return graph.node("MaxPool", given, layer.name, kernel_shape=size, strides=size)


def _upsampling(graph: _Graph, layer: layers.UpSampling2D, given: list[str]) -> str:
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


def _sum(graph: _Graph, layer: layers.Add, given: list[str]) -> str:
    return graph.node("Add" if len(given) == 2 else "Sum", given, layer.name)


def _concatenation(graph: _Graph, layer: layers.Concatenate, given: list[str]) -> str:
    if layer.axis not in (-1, 3):
        raise ExportError(f"{layer.name}: only channels are concatenated.")
    return graph.node("Concat", given, layer.name, axis=1)


def _activation(graph: _Graph, layer: layers.Activation, given: list[str]) -> str:
    kind = layer.activation.__name__
    if kind == "sigmoid":
        return graph.node("Sigmoid", given, layer.name)
    if kind == "softmax":
        return graph.node("Softmax", given, layer.name, axis=1)
    if kind == "linear":
        return graph.node("Identity", given, layer.name)
    raise ExportError(f"{layer.name}: no counterpart for the activation {kind}.")


_WRITERS: dict[type, Callable[[_Graph, Any, list[str]], str]] = {
    layers.Conv2D: _convolution,
    layers.PReLU: _prelu,
    layers.MaxPooling2D: _pooling,
    layers.UpSampling2D: _upsampling,
    layers.Add: _sum,
    layers.Concatenate: _concatenation,
    layers.Activation: _activation,
}
