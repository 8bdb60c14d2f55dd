# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of an ONNX graph in half precision, for files of half the size."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Smaller ones, biases and slopes among them, are no size worth saving.
_FEWEST = 256


def halve_weights(proto: onnx.ModelProto) -> None:
    """Keep the kernels of a graph as float16; it computes in float32 as before.

    A node `Cast` in front of each gives it back in single precision, once, when the
    network is loaded. Rounding changes a weight by at most 1 part in 2048. Kernels
    with larger values than float16 has stay what they are.

    Parameters
    ----------
    proto
        The graph, which is changed.
    """
    graph = proto.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _FEWEST:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name, half = tensor.name, f"{tensor.name}/half"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(
            helper.make_node("Cast", [half], [name], name=name, to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(proto, full_check=True)
