# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of an ONNX graph of images, NCHW, collected one by one, without Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17


class ExportError(ValueError):
    """A network that cannot be written as ONNX, and why."""


class Graph:
    """Nodes and weights as they are collected.

    Attributes
    ----------
    weights
        By name; a later node may still change them.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}

    def weight(self, name: str, values: np.ndarray) -> str:
        """Add a constant, and return its name."""
        self.weights[name] = values
        return name

    def indices(self, name: str, *values: int) -> str:
        """Add a constant of whole numbers, and return its name."""
        return self.weight(name, np.array(values, np.int64))

    def node(
        self, operator: str, inputs: list[str], name: str, **attributes: Any
    ) -> str:
        """Add a node, and return the name of its output, which is its own."""
        self._nodes.append(
            helper.make_node(operator, inputs, [name], name=name, **attributes)
        )
        return name

    def nodes(
        self, operator: str, inputs: list[str], name: str, count: int, **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs, and return their names, with numbers."""
        outputs = [f"{name}-{i}" for i in range(count)]
        node = helper.make_node(operator, inputs, outputs, name=name, **attributes)
        self._nodes.append(node)
        return outputs

    def reflect(self, given: str, pad: int, name: str) -> str:
        """Continue images by reflection, by `pad` pixels on each side."""
        if pad == 0:
            return given
        pads = self.indices(f"{name}/pads", 0, 0, pad, pad, 0, 0, pad, pad)
        return self.node("Pad", [given, pads], name, mode="reflect")

    def prelu(self, given: str, slopes: np.ndarray, name: str) -> str:
        """Activate with one slope, or with one for each channel."""
        slopes = np.asarray(slopes, np.float32).ravel()
        if slopes.size == 1:
            return self.node("LeakyRelu", [given], name, alpha=float(slopes.item()))
        slope = self.weight(f"{name}/slope", slopes[:, np.newaxis, np.newaxis])
        return self.node("PRelu", [given, slope], name)

    def proto(
        self, name: str, channels: int, output: str, shape: list[str | int]
    ) -> onnx.ModelProto:
        """Return the graph from ``image`` to an output, checked.

        Parameters
        ----------
        name
            Name of the graph.
        channels
            Channels of the input (batch, channel, height, width); all else is symbolic.
        output
            The node whose output is the graph's.
        shape
            Shape of the output.
        """
        image = ["batch", channels, "height", "width"]
        proto = helper.make_model(
            helper.make_graph(
                self._nodes,
                name,
                [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
                [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
                [
                    numpy_helper.from_array(np.ascontiguousarray(values), key)
                    for key, values in self.weights.items()
                ],
            ),
            opset_imports=[helper.make_opsetid("", _OPSET)],
            producer_name="hyperspy-hrtemnn",
            ir_version=8,
        )
        onnx.checker.check_model(proto, full_check=True)
        return proto

    def appended_to(
        self, proto: onnx.ModelProto, output: str, shape: list[str | int]
    ) -> onnx.ModelProto:
        """Return a graph with these nodes after its own, and one more output, checked.

        Parameters
        ----------
        proto
            The graph, which stays as it is.
        output
            The node whose output is the graph's last.
        shape
            Shape of the output.
        """
        longer = onnx.ModelProto()
        longer.CopyFrom(proto)
        longer.graph.node.extend(self._nodes)
        longer.graph.initializer.extend(
            numpy_helper.from_array(np.ascontiguousarray(values), key)
            for key, values in self.weights.items()
        )
        longer.graph.output.append(
            helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        )
        onnx.checker.check_model(longer, full_check=True)
        return longer
