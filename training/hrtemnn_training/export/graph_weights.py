# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of an exported network, given back to Keras: the export the other way.

The export puts each weight into one or several places of the graph. A network whose
weights are numbers, each its own, is exported to see where that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from keras import layers, ops
from onnx import helper, numpy_helper

from hrtemnn_training.train.new_network import network_of

from .agreement import largest_difference, random_images
from .guard_graph import without_guard
from .nodes import ExportError
from .onnx_file import graph_of

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

# Largest difference of an answer of Keras from that of the file.
_TOLERANCE = 1e-4

_WITH_WEIGHTS = {"Conv", "Gemm", "LeakyRelu", "PRelu"}

# 0 and 1 are in graphs as what they are.
_FIRST = 2

# Beyond, not every whole number has one in single precision, times one or nearly one.
_MOST = 2**22


def keras_network(network: Network, recipe: Recipe) -> keras.Model:
    """Return a network in Keras that answers as its ONNX file does.

    A batch normalization is part of the convolution before it in the file. Here it
    stays what it is and does nothing, neither in training nor after it.

    Parameters
    ----------
    network
        Network that was exported by this package.
    recipe
        Recipe of its layers.

    Raises
    ------
    ExportError
        If the graph is not that of the recipe's network, or the answers differ by more
        than 1e-4.
    """
    model = network_of(recipe)
    proto = without_guard(onnx.load(network.path))
    _load_weights(model, proto, f"{network.path} is not a network of {recipe.name!r}")
    images = random_images(model, recipe)
    answer = ops.convert_to_numpy(model(images, training=False))
    difference = largest_difference(np.asarray(answer), network, images)
    if not difference < _TOLERANCE:
        raise ExportError(
            f"Keras with the weights of {network.path} and the layers of the recipe "
            f"{recipe.name!r} differs from the file by {difference:.1g}. Give the "
            "recipe that the network was trained with."
        )
    return model


def freeze_normalization(model: keras.Model) -> None:
    """Keep batch normalizations as they are while a network is trained.

    Otherwise they would normalize by the batch, which is another network.

    Parameters
    ----------
    model
        The network, before it is compiled.
    """
    for layer in _normalizations(model):
        layer.trainable = False


def _normalizations(model: keras.Model) -> list[layers.BatchNormalization]:
    return [
        layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)
    ]


def _load_weights(model: keras.Model, proto: onnx.ModelProto, wrong: str) -> None:
    """Give a network the weights of a graph that `graph_of` made of such a network."""
    for layer in _normalizations(model):
        _switch_off(layer)
    freeze_normalization(model)
    of_normalization = {
        id(weight) for layer in _normalizations(model) for weight in layer.weights
    }
    weights = [w for w in model.weights if id(w) not in of_normalization]
    sizes = [int(np.prod(weight.shape)) for weight in weights]
    if sum(sizes) > _MOST:
        raise ExportError(
            f"The network has {sum(sizes)} weights, and {_MOST} are the most that can "
            "be given back to Keras."
        )
    ends = _FIRST + np.cumsum(sizes)
    for weight, end, size in zip(weights, ends, sizes, strict=True):
        numbers = np.arange(end - size, end, dtype=np.float32)
        weight.assign(numbers.reshape(weight.shape))
    found = np.full(_FIRST + sum(sizes), np.nan, np.float32)
    more = _find(found, graph_of(model).graph, proto.graph, wrong)
    if np.isnan(found[_FIRST:]).any():
        raise ExportError(f"{wrong}: it lacks weights.")
    for weight, end, size in zip(weights, ends, sizes, strict=True):
        weight.assign(found[end - size : end].reshape(weight.shape))
    for shift in more:
        bias = model.get_layer("head").bias
        bias.assign(ops.convert_to_numpy(bias) + shift)


def _switch_off(layer: layers.BatchNormalization) -> None:
    gamma, beta, mean, variance = layer.weights
    gamma.assign(np.full(gamma.shape, np.sqrt(1 + layer.epsilon), np.float32))
    beta.assign(np.zeros(beta.shape, np.float32))
    mean.assign(np.zeros(mean.shape, np.float32))
    variance.assign(np.ones(variance.shape, np.float32))


def _find(
    found: NDArray[np.float32],
    numbered: onnx.GraphProto,
    graph: onnx.GraphProto,
    wrong: str,
) -> list[NDArray[np.float32]]:
    """Put the weights of a graph where the numbers of another one say.

    Parameters
    ----------
    found
        Gets them.
    numbered
        The same graph with numbers for weights.
    graph
        The graph.
    wrong
        How the error begins.

    Returns
    -------
    Biases that the other one does not have: without the weight of objects the last
    convolution may have got one.
    """
    nodes, others = _nodes(numbered), _nodes(graph)
    kinds, of_others = ([n.op_type for n in each] for each in (nodes, others))
    if kinds != of_others:
        raise ExportError(
            f"{wrong}: its graph has {len(of_others)} nodes, that of the recipe "
            f"{len(kinds)}, or they are others."
        )
    known, values = _constants(numbered), _constants(graph)
    more = []
    for node, other in zip(nodes, others, strict=True):
        if node.op_type not in _WITH_WEIGHTS:
            continue
        ours, theirs = _weights_of(node, known), _weights_of(other, values)
        more += theirs[len(ours) :]
        for numbers, weights in zip(ours, theirs, strict=False):
            if numbers.shape != weights.shape:
                raise ExportError(
                    f"{wrong}: {other.name} has weights of the shape {weights.shape}, "
                    f"and in the recipe {numbers.shape}."
                )
            places = np.rint(numbers).astype(int)
            is_weight = places >= _FIRST
            found[places[is_weight]] = weights[is_weight]
    return more


def _nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes of a graph but those that only change a precision."""
    return [node for node in graph.node if node.op_type != "Cast"]


def _constants(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    """Return the weights by name, those in half precision in single."""
    found = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]].astype(np.float32)
    return found


def _weights_of(
    node: onnx.NodeProto, constants: dict[str, NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    if node.op_type == "LeakyRelu":
        (alpha,) = (a for a in node.attribute if a.name == "alpha")
        return [np.array([helper.get_attribute_value(alpha)], np.float32)]
    return [constants[name] for name in node.input[1:] if name in constants]
