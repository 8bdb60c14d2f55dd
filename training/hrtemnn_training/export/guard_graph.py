# SPDX-License-Identifier: GPL-3.0-or-later
"""Guard in an ONNX graph: a second output that says how unlike the training images are.

It takes the statistics of what the network computes anyway, the mean and the standard
deviation of each channel at the end of each level of its encoder, and the power
spectrum of the image, over regions as large as the images of the training. What it does
with them is in `hrtemnn_training.evaluation.guard`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, shape_inference

from hyperspy_hrtemnn.networks import NOVELTY_OUTPUT

from .nodes import ExportError, Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.evaluation.guard.model import GuardModel

CELL = 16
"""Side of the squares of which regions are made [pixels of the network]."""

MARGIN = 3
"""Cells at each border of an image that are left out.

Networks see zeros beyond the border. With so many cells left out, the features of the
rest of an image of au-ceo2-mask are by 0.16 of their standard deviations those of the
same place within a larger image; with none left out, by 2.4.
"""

_WINDOW = 2 * CELL  # of the spectrum; its Hann windows overlap by half
_FREQUENCIES = _WINDOW // 2 + 1
_LEAST = 1e-6  # variance or power, of images with a deviation of 1
_FEATURES = f"{NOVELTY_OUTPUT}/features"
_OLDEST_OPSET = 13  # whose operators are as they are used here


class Level(NamedTuple):
    """End of a level of an encoder: a tensor, and what one of its pixels is."""

    tensor: str
    channels: int
    scale: int
    """Pixels of the input along the side of one of its pixels."""


def encoder_levels(proto: onnx.ModelProto) -> list[Level]:
    """Return the ends of the levels of a U-net, found by the structure of its graph.

    They are what each max pooling takes, and what the first upsampling takes.

    Raises
    ------
    ExportError
        If the graph has no levels.
    """
    graph = shape_inference.infer_shapes(proto).graph
    channels = {
        value.name: value.type.tensor_type.shape.dim[1].dim_value
        for value in graph.value_info
        if len(value.type.tensor_type.shape.dim) == 4
    }
    scales = {graph.input[0].name: 1}
    ends: list[str] = []
    for node in graph.node:
        known = [scales[name] for name in node.input if name in scales]
        if not known:
            continue
        scale = known[0]
        if node.op_type in {"MaxPool", "Resize"}:
            ends.append(node.input[0])
        if node.op_type == "Resize":
            break
        scales[node.output[0]] = scale * _factor(node)
    else:
        raise ExportError(
            "The network has no guard: its graph has no levels, which a max pooling "
            "ends, and no upsampling."
        )
    return [Level(name, channels[name], scales[name]) for name in ends]


def _factor(node: onnx.NodeProto) -> int:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "MaxPool":
        return int(attributes["strides"][0])
    if node.op_type == "SpaceToDepth":
        return int(attributes["blocksize"])
    return 1


def without_guard(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph without its guard, if it has one."""
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    for kept in (bare.graph.node, bare.graph.initializer, bare.graph.output):
        others = [item for item in kept if not item.name.startswith(NOVELTY_OUTPUT)]
        del kept[:]
        kept.extend(others)
    return bare


def with_features(proto: onnx.ModelProto, cells: int) -> onnx.ModelProto:
    """Return a graph with the features of regions as its second output.

    Parameters
    ----------
    proto
        Graph of a network, without a guard.
    cells
        Cells along each side of a region.

    Returns
    -------
    The second output has the shape (N, feature, region).
    """
    graph = Graph()
    features, _ = _features(graph, proto, cells)
    return graph.appended_to(proto, features, ["batch", "features", "regions"])


def with_guard(
    proto: onnx.ModelProto, cells: int, model: GuardModel
) -> onnx.ModelProto:
    """Return a graph with the novelty of regions as its second output.

    Parameters
    ----------
    proto
        Graph of a network, without a guard.
    cells
        Cells along each side of a region.
    model
        What was found for the features of `with_features`.

    Returns
    -------
    The second output has the shape (N, 1, row, column). Its largest matrix is in half
    precision.
    """
    graph = Graph()
    features, sizes = _features(graph, proto, cells)
    novelty = _novelty(graph, features, model)
    one = graph.indices(f"{NOVELTY_OUTPUT}/one", 1)
    start = graph.indices(f"{NOVELTY_OUTPUT}/batch", 0)
    shape = graph.node(
        "Concat", [start, one, *sizes], f"{NOVELTY_OUTPUT}/shape", axis=0
    )
    # In a shape, 0 is the size that there is: the number of images.
    output = graph.node("Reshape", [novelty, shape], NOVELTY_OUTPUT)
    return graph.appended_to(proto, output, ["batch", 1, "rows", "columns"])


def _features(
    graph: Graph, proto: onnx.ModelProto, cells: int
) -> tuple[str, list[str]]:
    """Add the features of regions, (N, feature, region), and the numbers of regions."""
    opset = next(o.version for o in proto.opset_import if o.domain in {"", "ai.onnx"})
    if opset < _OLDEST_OPSET:
        raise ExportError(
            f"The network is of the ONNX opset {opset}, and a guard needs "
            f"{_OLDEST_OPSET} or later: export it again."
        )
    levels = encoder_levels(proto)
    if any(CELL % level.scale for level in levels):
        raise ExportError(
            f"The levels of the network divide images by {levels[-1].scale}, of which "
            f"{CELL} is not a multiple; there is no guard for it."
        )
    image = proto.graph.input[0]
    channels = image.type.tensor_type.shape.dim[1].dim_value
    means = [_cells(graph, level) for level in levels]
    power = _power(graph, image.name, channels)
    name = f"{NOVELTY_OUTPUT}/cells"
    every = graph.node("Concat", [*means, power], name, axis=1)
    regions, sizes = _regions(graph, every, cells)
    counts = [size for level in levels for size in (level.channels,) * 2]
    split = graph.indices(
        f"{NOVELTY_OUTPUT}/counts", *counts, channels * _FREQUENCIES * 2 * _WINDOW
    )
    *parts, spectrum = graph.nodes(
        "Split", [regions, split], f"{NOVELTY_OUTPUT}/part", len(counts) + 1, axis=1
    )
    found = []
    for level, mean, square in zip(levels, parts[::2], parts[1::2], strict=True):
        found += [mean, _deviation(graph, mean, square, level.tensor)]
    found += _rings(graph, spectrum, channels)
    return graph.node("Concat", found, _FEATURES, axis=1), sizes


def _cells(graph: Graph, level: Level) -> str:
    """Add the mean and the mean square of a level's channels in each cell."""
    name = f"{NOVELTY_OUTPUT}/{level.tensor}"
    side = CELL // level.scale
    square = graph.node("Mul", [level.tensor] * 2, f"{name}/squared")
    pooled = [
        graph.node(
            "AveragePool",
            [given],
            f"{name}/{of}",
            kernel_shape=[side, side],
            strides=[side, side],
        )
        for given, of in ((level.tensor, "mean"), (square, "mean-square"))
    ]
    return graph.node("Concat", pooled, f"{name}/cells", axis=1)


def _power(graph: Graph, image: str, channels: int) -> str:
    """Add the power spectrum under a window around each cell, real and imaginary apart.

    The Fourier transform along x is a convolution with a step of a cell, and that along
    y another one. Channels: image, frequency along x, part, frequency along y.
    """
    name = f"{NOVELTY_OUTPUT}/spectrum"
    window = np.sin(np.pi * (np.arange(_WINDOW) + 0.5) / _WINDOW) ** 2
    window /= np.sqrt((window**2).sum())
    phase = 2 * np.pi * np.outer(np.arange(_WINDOW), np.arange(_WINDOW)) / _WINDOW
    cosine, sine = window * np.cos(phase), window * np.sin(phase)
    along_x = np.stack([cosine, -sine], axis=1)[:_FREQUENCIES].reshape(-1, _WINDOW)
    # (real, imaginary) of the result from (real, imaginary) of what there is.
    along_y = np.concatenate(
        [np.stack([cosine, sine], axis=1), np.stack([-sine, cosine], axis=1)]
    )
    # All frequencies along x have the same kernels, and all images, too.
    given = image
    for axis, kernel, repeats in (
        ("x", along_x[:, np.newaxis, np.newaxis], channels),
        ("y", along_y[..., np.newaxis], channels * _FREQUENCIES),
    ):
        weight = graph.weight(f"{name}/{axis}/kernel", kernel.astype(np.float32))
        times = graph.indices(f"{name}/{axis}/repeats", repeats, 1, 1, 1)
        tiled = graph.node("Tile", [weight, times], f"{name}/{axis}/kernels")
        step = [1, CELL] if axis == "x" else [CELL, 1]
        before = [0, CELL // 2] if axis == "x" else [CELL // 2, 0]
        given = graph.node(
            "Conv",
            [given, tiled],
            f"{name}/{axis}",
            kernel_shape=list(kernel.shape[2:]),
            strides=step,
            pads=before * 2,
            group=repeats,
        )
    return graph.node("Mul", [given, given], f"{name}/power")


def _regions(graph: Graph, given: str, cells: int) -> tuple[str, list[str]]:
    """Add the means over regions, (N, channel, region), and the numbers of regions.

    Regions are spread evenly over the image without its margin, overlap by half or
    more, and are all of it where that is smaller.
    """
    name = f"{NOVELTY_OUTPUT}/regions"
    shape = graph.node("Shape", [given], f"{name}/image")
    of_rows, rows = _averages(graph, shape, 2, cells, f"{name}/y")
    of_columns, columns = _averages(graph, shape, 3, cells, f"{name}/x")
    turned = graph.node("Transpose", [of_columns], f"{name}/turned", perm=[1, 0])
    along_x = graph.node("MatMul", [given, turned], f"{name}/along-x")
    both = graph.node("MatMul", [of_rows, along_x], f"{name}/along-y")
    flat = graph.indices(f"{name}/flat", 0, 0, -1)
    return graph.node("Reshape", [both, flat], name), [rows, columns]


def _averages(
    graph: Graph, shape: str, axis: int, cells: int, name: str
) -> tuple[str, str]:
    """Add the matrix (region, cell) of means along an axis, and the number of regions.

    All numbers are tensors of shape (1,).
    """

    def number(operator: str, a: str, b: str, what: str) -> str:
        return graph.node(operator, [a, b], f"{name}/{what}")

    one, two = (graph.indices(f"{name}/{i}", i) for i in (1, 2))
    most = graph.indices(f"{name}/most", cells)
    step = graph.indices(f"{name}/step", cells // 2)
    there = graph.node(
        "Gather", [shape, graph.indices(f"{name}/axis", axis)], f"{name}/there"
    )
    # At least one cell is left of what is smaller.
    half = number("Div", number("Sub", there, one, "but-one"), two, "half")
    border = graph.indices(f"{name}/border", MARGIN)
    margin = number("Min", half, border, "margin")
    margins = number("Mul", margin, two, "margins")
    inner = number("Sub", there, margins, "inner")
    side = number("Min", inner, most, "side")
    beyond = number("Sub", inner, side, "beyond")
    # Rounded up.
    rounded = number("Add", beyond, graph.indices(f"{name}/up", cells // 2 - 1), "sum")
    gaps = number("Div", rounded, step, "gaps")
    count = number("Add", gaps, one, "count")
    # With one region there is no gap, and nothing beyond.
    steps = number("Max", gaps, one, "steps")
    of_region = _range(graph, count, f"{name}/region", column=True)
    of_cell = _range(graph, there, f"{name}/cell", column=False)
    gone = number("Div", number("Mul", of_region, beyond, "far"), steps, "gone")
    starts = number("Add", gone, margin, "starts")
    ends = number("Add", starts, side, "ends")
    after = number("GreaterOrEqual", of_cell, starts, "after")
    before = number("Less", of_cell, ends, "before")
    inside = number("And", after, before, "inside")
    ones = graph.node("Cast", [inside], f"{name}/ones", to=TensorProto.FLOAT)
    length = graph.node("Cast", [side], f"{name}/length", to=TensorProto.FLOAT)
    return number("Div", ones, length, "averages"), count


def _range(graph: Graph, count: str, name: str, *, column: bool) -> str:
    """Add the whole numbers below a count, as a column or a row."""
    axis = graph.indices(f"{name}/axis", 1 if column else 0)
    first, step = (graph.weight(f"{name}/{i}", np.array(i, np.int64)) for i in (0, 1))
    none = graph.indices(f"{name}/none", 0)
    scalar = graph.node("Squeeze", [count, none], f"{name}/count")
    numbers = graph.node("Range", [first, scalar, step], f"{name}/numbers")
    return graph.node("Unsqueeze", [numbers, axis], name)


def _deviation(graph: Graph, mean: str, square: str, tensor: str) -> str:
    """Add the logarithm of the standard deviation."""
    name = f"{NOVELTY_OUTPUT}/{tensor}/deviation"
    squared = graph.node("Mul", [mean, mean], f"{name}/squared")
    variance = graph.node("Sub", [square, squared], f"{name}/variance")
    half = graph.weight(f"{name}/half", np.array([0.5], np.float32))
    return graph.node("Mul", [_logarithm(graph, variance, name), half], name)


def _logarithm(graph: Graph, given: str, name: str) -> str:
    least = graph.weight(f"{name}/least", np.array([_LEAST], np.float32))
    # Rounding may make a variance negative.
    bounded = graph.node("Max", [given, least], f"{name}/bounded")
    return graph.node("Log", [bounded], f"{name}/log")


def _rings(graph: Graph, power: str, channels: int) -> list[str]:
    """Add the logarithm of the mean on each ring of the spectrum, and of its largest.

    The largest is told as a ratio to the mean: reflections of a crystal.
    """
    name = f"{NOVELTY_OUTPUT}/rings"
    parts = graph.indices(f"{name}/parts", 0, channels, _FREQUENCIES, 2, _WINDOW, -1)
    apart = graph.node("Reshape", [power, parts], f"{name}/apart")
    # Real and imaginary, and the images of a series.
    summed = graph.indices(f"{name}/summed", 1, 3)
    total = graph.node("ReduceSum", [apart, summed], f"{name}/total", keepdims=0)
    flat = graph.indices(f"{name}/flat", 0, _FREQUENCIES * _WINDOW, -1)
    total = graph.node("Reshape", [total, flat], f"{name}/power")
    members = _members()
    longest = max(map(len, members))
    averages = np.zeros((len(members), _FREQUENCIES * _WINDOW), np.float32)
    for row, member in zip(averages, members, strict=True):
        row[member] = 1 / (len(member) * channels)
    matrix = graph.weight(f"{name}/averages", averages)
    mean = graph.node("MatMul", [matrix, total], f"{name}/mean")
    # Shorter rings are repeated, which does not change what is largest.
    repeated = np.stack([np.resize(member, longest) for member in members])
    index = graph.weight(f"{name}/members", repeated.astype(np.int64))
    gathered = graph.node("Gather", [total, index], f"{name}/gathered", axis=1)
    pooled = graph.node(
        "MaxPool", [gathered], f"{name}/largest", kernel_shape=[longest, 1]
    )
    one = graph.indices(f"{name}/one", 2)
    largest = graph.node("Squeeze", [pooled, one], f"{name}/largest/flat")
    logarithm = _logarithm(graph, mean, f"{name}/mean")
    peak = _logarithm(graph, largest, f"{name}/largest")
    return [logarithm, graph.node("Sub", [peak, logarithm], f"{name}/peaks")]


def _members() -> list[NDArray[np.intp]]:
    """Return the frequencies on each ring, as places in (frequency x, frequency y)."""
    x, y = np.indices((_FREQUENCIES, _WINDOW))
    ring = np.rint(np.hypot(x, np.minimum(y, _WINDOW - y))).ravel()
    return [np.flatnonzero(ring == radius) for radius in range(_FREQUENCIES)]


def _novelty(graph: Graph, features: str, model: GuardModel) -> str:
    """Add the novelty of features, (N, 1, region); see `GuardModel`."""
    name = f"{NOVELTY_OUTPUT}/distance"

    def affine(
        given: str, matrix: NDArray[np.float64], offset: NDArray[np.float64], what: str
    ) -> str:
        weight = graph.weight(f"{name}/{what}/matrix", matrix.astype(np.float32))
        shift = graph.weight(
            f"{name}/{what}/offset", offset[:, np.newaxis].astype(np.float32)
        )
        product = graph.node("MatMul", [weight, given], f"{name}/{what}/product")
        return graph.node("Add", [product, shift], f"{name}/{what}")

    place = affine(features, model.places, model.places_offset, "place")
    bounds = [
        graph.weight(f"{name}/{what}", np.array(value, np.float32))
        for what, value in (("lowest", -model.farthest), ("highest", model.farthest))
    ]
    place = graph.node("Clip", [place, *bounds], f"{name}/clipped")
    factors = [
        graph.node(
            "Gather",
            [place, graph.indices(f"{name}/factor-{i}", *indices)],
            f"{name}/factors-{i}",
            axis=1,
        )
        for i, indices in enumerate(model.pairs)
    ]
    products = graph.node("Mul", factors, f"{name}/products")
    terms = graph.node("Concat", [place, products], f"{name}/terms", axis=1)
    mean = affine(terms, model.mean, model.mean_offset, "mean")
    scale = affine(terms, model.scale, model.scale_offset, "scale")
    expected = affine(terms, model.expected, model.expected_offset, "expected")
    off = graph.node("Sub", [features, mean], f"{name}/off")
    factor = graph.node("Exp", [scale], f"{name}/factor")
    scaled = graph.node("Mul", [off, factor], f"{name}/scaled")
    half = graph.weight(f"{name}/whitening/half", model.whitening.astype(np.float16))
    whitening = graph.node("Cast", [half], f"{name}/whitening", to=TensorProto.FLOAT)
    turned = graph.node("MatMul", [whitening, scaled], f"{name}/turned")
    center = model.middle[:, np.newaxis].astype(np.float32)
    middle = graph.weight(f"{name}/middle", center)
    white = graph.node("Sub", [turned, middle], f"{name}/white")
    squares = graph.node("Mul", [white, white], f"{name}/squares")
    channel = graph.indices(f"{name}/channel", 1)
    total = graph.node("ReduceSum", [squares, channel], f"{name}/total", keepdims=1)
    logarithm = _logarithm(graph, total, name)
    more = graph.node("Sub", [logarithm, expected], f"{name}/more")
    square_root = graph.weight(f"{name}/root", np.array([0.5], np.float32))
    exponent = graph.node("Mul", [more, square_root], f"{name}/exponent")
    return graph.node("Exp", [exponent], name)
