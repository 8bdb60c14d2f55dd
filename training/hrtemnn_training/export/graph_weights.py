# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of an exported network, given back to Keras: the export the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from keras import layers, ops
from onnx import helper, numpy_helper

from hrtemnn_training.train.new_network import network_of

from .agreement import largest_difference, random_images
from .nodes import ExportError

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

# Largest difference of an answer of Keras from that of the file.
_TOLERANCE = 1e-4

_NODES = {
    layers.Conv2D: ("Conv",),
    layers.Dense: ("Gemm",),
    layers.PReLU: ("LeakyRelu", "PRelu"),
}


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
    proto = onnx.load(network.path)
    if recipe.network.architecture == "msd-net":
        raise ExportError(
            f"{network.path} is an MSD-net, which the export writes in another order "
            "to run faster, so that its weights cannot be given back to Keras. Give "
            "a network of another architecture."
        )
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


def _load_weights(model: keras.Model, proto: onnx.ModelProto, wrong: str) -> None:
    """Give a network the weights of the graph that `to_onnx` writes of it."""
    weights = _constants(proto.graph)
    kinds = {kind for kinds in _NODES.values() for kind in kinds}
    nodes = [node for node in proto.graph.node if node.op_type in kinds]
    trained: list[Any] = [
        layer for layer in model.layers if isinstance(layer, tuple(_NODES))
    ]
    if len(nodes) != len(trained):
        raise ExportError(
            f"{wrong}: there are {len(nodes)} layers with weights in it, and "
            f"{len(trained)} in the recipe."
        )
    for layer, node in zip(trained, nodes, strict=True):
        values = _values_of(node, weights)
        shapes = [tuple(weight.shape) for weight in layer.weights]
        fits = node.op_type in _NODES[type(layer)] and len(values) == len(shapes)
        if not fits or [v.size for v in values] != [int(np.prod(s)) for s in shapes]:
            raise ExportError(
                f"{wrong}: in it {node.name or node.op_type} has weights of the shapes "
                f"{[v.shape for v in values]}, and the recipe {shapes}."
            )
        layer.set_weights([v.reshape(s) for v, s in zip(values, shapes, strict=True)])
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            _switch_off(layer)
    freeze_normalization(model)


def _constants(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    """Return the weights by name, those in half precision in single."""
    found = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]].astype(np.float32)
    return found


def _values_of(
    node: onnx.NodeProto, weights: dict[str, NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """Return the weights of a node as Keras orders them; [] of what has no weights."""
    values = [weights[name] for name in node.input[1:] if name in weights]
    if node.op_type == "LeakyRelu":
        given: dict[str, Any] = {
            a.name: helper.get_attribute_value(a) for a in node.attribute
        }
        return [np.array([given.get("alpha", 0.01)], np.float32)]
    if node.op_type == "Conv" and values:
        values[0] = values[0].transpose(2, 3, 1, 0)
    if node.op_type == "Gemm" and values:
        values[0] = values[0].T
    return values


def _switch_off(layer: layers.BatchNormalization) -> None:
    gamma, beta, mean, variance = layer.weights
    gamma.assign(np.full(gamma.shape, np.sqrt(1 + layer.epsilon), np.float32))
    beta.assign(np.zeros(beta.shape, np.float32))
    mean.assign(np.zeros(mean.shape, np.float32))
    variance.assign(np.ones(variance.shape, np.float32))


def freeze_normalization(model: keras.Model) -> None:
    """Keep batch normalizations as they are while a network is trained.

    Otherwise they would normalize by the batch, which is another network.

    Parameters
    ----------
    model
        The network, before it is compiled.
    """
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
