# SPDX-License-Identifier: GPL-3.0-or-later
"""Object weight of a training, taken out of the predictions of its network.

With objects' pixels weighted w times the loss is smallest where the odds of an object
are w times the true ones (C. Elkan, The foundations of cost-sensitive learning, IJCAI
2001, theorem 2). In the log-odds that is a constant, which the last bias can lose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import helper, numpy_helper

from .nodes import ExportError

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray


def remove_weight(proto: onnx.ModelProto, weight: float, objects: int) -> None:
    """Change a graph so that it gives probabilities, whatever it was trained with.

    Parameters
    ----------
    proto
        Graph from images to probabilities, the last node a sigmoid or a softmax.
    weight
        Weight of an object's pixels in the loss; the background has 1.
    objects
        Number of the first channels that are objects; the next, if there is one, is
        the background.

    Raises
    ------
    ExportError
        If the prediction does not come from a convolution or a matrix through a sigmoid
        or a softmax.
    """
    if weight == 1:
        return
    graph = proto.graph
    (prediction,) = graph.output
    last = _maker(graph, prediction.name)
    if last is None or last.op_type not in {"Sigmoid", "Softmax"}:
        raise ExportError(
            "The weight of objects cannot be taken out: the last node is "
            f"{last.op_type if last else 'missing'}, no Sigmoid and no Softmax."
        )
    if last.op_type == "Sigmoid" and objects > 1:
        _divide(graph, last, weight)
        return
    size = prediction.type.tensor_type.shape.dim[1].dim_value
    shift = np.zeros(size, np.float32)
    shift[:objects] = -np.log(weight)
    node, pixels = _last_sum(graph, last.input[0])
    _add_to_bias(graph, node, np.tile(shift, pixels))


def without_weight(
    prediction: NDArray[np.floating], weight: float, objects: int
) -> NDArray[np.floating]:
    """Return probabilities from those of a network trained with a weight.

    Parameters
    ----------
    prediction
        Shape (..., class); the classes after the objects, if any, are the background.
    weight, objects
        See `remove_weight`.
    """
    if weight == 1:
        return prediction
    shown, rest = prediction[..., :objects], prediction[..., objects:]
    total = shown.sum(axis=-1, keepdims=True)
    nothing = (
        rest.sum(axis=-1, keepdims=True) if rest.shape[-1] else np.maximum(1 - total, 0)
    )
    together = total + weight * nothing
    return np.concatenate([shown / together, weight * rest / together], axis=-1)


def _maker(graph: onnx.GraphProto, output: str) -> onnx.NodeProto | None:
    return next((node for node in graph.node if output in node.output), None)


def _last_sum(graph: onnx.GraphProto, output: str) -> tuple[onnx.NodeProto, int]:
    """Return what the log-odds come from, and of how many pixels its channels are.

    A crop may be between, or an unfolding, whose channels are all classes of the first
    pixel of a square, then all of the next one.
    """
    pixels = 1
    node = _maker(graph, output)
    while node is not None and node.op_type in {"Slice", "DepthToSpace"}:
        if node.op_type == "DepthToSpace":
            pixels *= _pixels_of_a_square(node)
        node = _maker(graph, node.input[0])
    if node is None or node.op_type not in {"Conv", "Gemm"}:
        raise ExportError(
            "The weight of objects cannot be taken out: before the last node is "
            f"{node.op_type if node else 'nothing'}, no Conv and no Gemm."
        )
    return node, pixels


def _pixels_of_a_square(node: onnx.NodeProto) -> int:
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if given.get("mode", b"DCR") != b"DCR":
        raise ExportError(
            "The weight of objects cannot be taken out: DepthToSpace is in the mode "
            f"{given['mode'].decode()}, not DCR."
        )
    return int(given["blocksize"]) ** 2


def _add_to_bias(
    graph: onnx.GraphProto, node: onnx.NodeProto, shift: NDArray[np.float32]
) -> None:
    """Add to the bias of a convolution or a matrix, or give it one."""
    name = f"{node.name or node.output[0]}/bias without weight"
    given = node.input[2] if len(node.input) > 2 else ""
    if given:
        tensor = next((t for t in graph.initializer if t.name == given), None)
        if tensor is None:
            raise ExportError(
                f"The weight of objects cannot be taken out: the bias {given!r} is not "
                "among the weights of the graph."
            )
        bias = numpy_helper.to_array(tensor).astype(np.float64).ravel()
        shift = (bias + shift).astype(np.float32)
        if sum(given in each.input for each in graph.node) == 1:
            tensor.CopyFrom(numpy_helper.from_array(shift, given))
            return
    del node.input[2:]
    node.input.append(name)
    graph.initializer.append(numpy_helper.from_array(shift, name))


def _divide(graph: onnx.GraphProto, last: onnx.NodeProto, weight: float) -> None:
    """Add nodes that divide independent probabilities as `without_weight` does.

    With several objects it is not a shift: what the others say of a pixel counts.
    """
    (prediction,) = last.output
    last.name = last.output[0] = f"{prediction}/weighted"
    constants = {
        "channel": np.array([1], np.int64),
        "one": np.float32(1).reshape(1),
        "weight": np.float32(weight).reshape(1),
    }
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(value, f"{prediction}/{name}"))
    steps = [
        ("ReduceSum", ["weighted", "channel"], "total"),
        ("Sub", ["one", "total"], "left"),
        ("Relu", ["left"], "nothing"),
        ("Mul", ["nothing", "weight"], "more nothing"),
        ("Add", ["total", "more nothing"], "together"),
    ]
    for operator, inputs, output in steps:
        names = [f"{prediction}/{name}" for name in inputs]
        name = f"{prediction}/{output}"
        graph.node.append(helper.make_node(operator, names, [name], name=name))
    names = [f"{prediction}/weighted", f"{prediction}/together"]
    graph.node.append(helper.make_node("Div", names, [prediction], name=prediction))
