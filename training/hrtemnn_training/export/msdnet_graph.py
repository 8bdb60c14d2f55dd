# SPDX-License-Identifier: GPL-3.0-or-later
"""MSD-net as an ONNX graph that computes the same in another order, faster.

Layer by layer, each convolution takes all earlier outputs and makes three channels of
them: three of the sixteen lanes of a processor's vectors, and a copy of all outputs for
each concatenation and each padding. A convolution is a sum over its inputs, so here the
outputs of a few layers are convolved once into the sums of all later layers of one
dilation, which fills the vectors, and are forgotten; each is padded once, as far as the
largest dilation needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import layers

from .graph import activation, normalized
from .nodes import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    import onnx

# Lanes of a vector of float32; onnxruntime convolves blocks of as many channels, and
# takes fewer input channels without reordering them.
_LANES = 16

# Layers whose outputs are convolved together: with more the sums are read and written
# less often, but more is convolved within the layers, three channels at a time. With 50
# layers of 3 channels 1, 2, 3 and 5 took 2.62, 2.36, 2.55 and 2.68 s.
_TOGETHER = 2


@dataclass(frozen=True)
class _Layer:
    """A convolution with its normalization, and the PReLU after it."""

    kernel: np.ndarray  # (channel out, channel in, y, x)
    bias: np.ndarray
    slopes: np.ndarray
    dilation: int

    @property
    def reach(self) -> int:
        return int(self.dilation * (self.kernel.shape[-1] // 2))


def msdnet_to_onnx(model: keras.Model) -> onnx.ModelProto:
    """Write an MSD-net as an ONNX graph.

    Parameters
    ----------
    model
        Model from `make_network`.

    Returns
    -------
    Graph from ``image`` to the output, as from `to_onnx`.
    """
    *convolutions, last = _of_type(model, layers.Conv2D)
    normalizations = _of_type(model, layers.BatchNormalization)
    prelus = _of_type(model, layers.PReLU)
    hidden = [
        _Layer(
            *_channels_first(*normalized(norm, *convolution.get_weights())),
            prelu.get_weights()[0],
            convolution.dilation_rate[0],
        )
        for convolution, norm, prelu in zip(
            convolutions, normalizations, prelus, strict=True
        )
    ]
    end = _of_type(model, layers.Activation)[0]
    writer = _Writer(hidden, *_channels_first(*last.get_weights()))
    prediction = activation(
        writer.graph, end.activation.__name__, writer.write(), end.name
    )
    return writer.graph.proto(
        model.name,
        model.input_shape[-1],
        prediction,
        ["batch", model.output_shape[-1], "height", "width"],
    )


def _of_type(model: keras.Model, kind: type) -> list[Any]:
    return [layer for layer in model.layers if isinstance(layer, kind)]


def _channels_first(
    kernel: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return kernel.transpose(3, 2, 0, 1), bias


class _Writer:
    """The graph while it is written.

    Every tensor but the image and the layers' sums has a margin of the largest reach,
    less what its convolution took.
    """

    def __init__(
        self, hidden: list[_Layer], kernel: np.ndarray, bias: np.ndarray
    ) -> None:
        self.graph = Graph()
        self._layers = hidden
        self._kernel, self._bias = kernel, bias
        self._width = len(hidden[0].bias)
        self._margin = max(layer.reach for layer in hidden)
        # Layers that are convolved together, and layers that one convolution adds to.
        self._step = max(1, min(_TOGETHER, (_LANES - 1) // self._width))
        self._packs = list(self._packed(max(1, _LANES // self._width)))
        self._sums = [""] * len(self._packs)
        self._answer = ""

    def _packed(self, size: int) -> Iterator[list[int]]:
        """Give the layers after the first step, of one dilation, some at a time."""
        later = range(self._step, len(self._layers))
        for dilation in sorted({layer.dilation for layer in self._layers}):
            same = [j for j in later if self._layers[j].dilation == dilation]
            yield from (same[i : i + size] for i in range(0, len(same), size))

    def write(self) -> str:
        """Write all layers; return the output before its activation."""
        image = self.graph.reflect("image", self._margin, "image/padded")
        for start in range(0, len(self._layers), self._step):
            chunk = range(start, min(start + self._step, len(self._layers)))
            outputs: list[str] = []
            for j in chunk:
                given = self._together(outputs, f"layer{j}") if j else image
                output = self._layer(j, start, given)
                name = f"layer{j}/padded"
                outputs.append(self.graph.reflect(output, self._margin, name))
            together = self._together(outputs, f"layers{start}")
            self._add_to_later(together, chunk)
            self._add_to_answer(together, chunk)
        return self._cropped(self._answer, self._margin, "output/cropped")

    def _layer(self, j: int, start: int, given: str) -> str:
        """Write layer `j` from its sum over earlier chunks and from its own chunk."""
        layer = self._layers[j]
        name = f"layer{j}"
        earlier = self._sum_of(j) if start else ""
        own = ""
        if given:
            kernel = layer.kernel[:, start * self._width :]
            bias = None if start else layer.bias
            own = self._convolution(given, kernel, bias, layer.dilation, name)
        total = self._total([earlier, own])
        total = self._cropped(total, self._margin - layer.reach, f"{name}/cropped")
        return self.graph.prelu(total, layer.slopes, f"{name}/prelu")

    def _sum_of(self, j: int) -> str:
        number = next(n for n, pack in enumerate(self._packs) if j in pack)
        at = self._packs[number].index(j) * self._width
        name = f"layer{j}/earlier"
        bounds = [
            self.graph.indices(f"{name}/{key}", value)
            for key, value in (("from", at), ("to", at + self._width), ("axis", 1))
        ]
        return self.graph.node("Slice", [self._sums[number], *bounds], name)

    def _add_to_later(self, outputs: str, chunk: range) -> None:
        """Convolve the outputs of a chunk into the sums of all layers after it."""
        inputs = slice(chunk.start * self._width, chunk.stop * self._width)
        for number, pack in enumerate(self._packs):
            if pack[-1] < chunk.stop:
                continue
            members = [self._layers[j] for j in pack]
            # Layers that have had their sum are lanes that idle.
            idle = np.zeros_like(members[-1].kernel[:, inputs])
            kernel = np.concatenate(
                [
                    layer.kernel[:, inputs] if j >= chunk.stop else idle
                    for j, layer in zip(pack, members, strict=True)
                ]
            )
            bias = np.concatenate([layer.bias for layer in members])
            term = self._convolution(
                outputs,
                kernel,
                None if chunk.start else bias,
                members[0].dilation,
                f"sums{number}/from{chunk.start}",
            )
            self._sums[number] = self._total([self._sums[number], term])

    def _add_to_answer(self, outputs: str, chunk: range) -> None:
        """Convolve the outputs of a chunk, and what the prediction is so far, into it.

        It goes through the convolution rather than into a sum after it because
        onnxruntime would make the terms of all sums first, sixteen channels each.
        """
        kernel = self._kernel[:, chunk.start * self._width : chunk.stop * self._width]
        name = f"output/from{chunk.start}"
        if not chunk.start:
            self._answer = self._convolution(outputs, kernel, self._bias, 1, name)
            return
        same = np.eye(len(kernel), dtype=kernel.dtype)[..., np.newaxis, np.newaxis]
        self._answer = self._convolution(
            self._together([outputs, self._answer], name),
            np.concatenate([kernel, same], axis=1),
            None,
            1,
            name,
        )

    def _convolution(
        self,
        given: str,
        kernel: np.ndarray,
        bias: np.ndarray | None,
        dilation: int,
        name: str,
    ) -> str:
        inputs = [given, self.graph.weight(f"{name}/kernel", kernel)]
        if bias is not None:
            inputs.append(self.graph.weight(f"{name}/bias", bias))
        return self.graph.node(
            "Conv",
            inputs,
            name,
            kernel_shape=list(kernel.shape[2:]),
            dilations=[dilation] * 2,
        )

    def _total(self, terms: list[str]) -> str:
        """Add what is there of two terms."""
        given = [term for term in terms if term]
        if len(given) == 1:
            return given[0]
        return self.graph.node("Add", given, f"{given[-1]}/sum")

    def _together(self, outputs: list[str], name: str) -> str:
        if len(outputs) < 2:
            return "".join(outputs)
        return self.graph.node("Concat", outputs, f"{name}/inputs", axis=1)

    def _cropped(self, given: str, margin: int, name: str) -> str:
        if margin == 0:
            return given
        bounds = [
            self.graph.indices(f"{name}/{key}", *values)
            for key, values in (
                ("from", (margin, margin)),
                ("to", (-margin, -margin)),
                ("axes", (2, 3)),
            )
        ]
        return self.graph.node("Slice", [given, *bounds], name)
