# SPDX-License-Identifier: GPL-3.0-or-later
"""ONNX networks of a few kilobytes whose answers are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hyperspy_hrtemnn.networks import (
    METADATA_KEY,
    NOVELTY_OUTPUT,
    Card,
    Novelty,
    TrainedRanges,
)

if TYPE_CHECKING:
    from pathlib import Path

SAMPLING = 0.1
"""Å per pixel, of all tiny networks."""

RANGES = TrainedRanges(
    sampling=(0.07, 0.2),
    energy=300,
    dose=(10, 1e6),
    defocus=(-100, 100),
    Cs=(-1e5, 1e5),
    focal_spread=(5, 20),
    blur=(0, 1),
    mtf_c0=(0.1, 0.5),
    mtf_c3=(2, 4),
    readout=(0, 1),
)


def card(**changes: Any) -> Card:
    fields: dict[str, Any] = {
        "name": "tiny",
        "description": "for tests",
        "task": "segmentation",
        "material": "Au",
        "channels": 1,
        "classes": ("particle",),
        "sampling": SAMPLING,
        "standardization_width": 0.6,
        "receptive_field": 7,
        "stride": 1,
        "ranges": RANGES,
        "recipe": "none",
        "recipe_sha256": "0" * 64,
        "versions": {"hyperspy-hrtemnn": "0.1.0"},
        "license": "GPL-3.0-or-later",
    }
    return Card(**{**fields, **changes})


def model(
    nodes: list[Any],
    weights: dict[str, np.ndarray],
    *,
    inputs: tuple[Any, ...] = ("N", 1, "y", "x"),
    outputs: tuple[Any, ...] = ("N", 1, "y", "x"),
    dtype: int = TensorProto.FLOAT,
    text: str | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", dtype, inputs)],
        [helper.make_tensor_value_info("answer", dtype, outputs)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    if text is not None:
        helper.set_model_props(made, {METADATA_KEY: text})
    return made


def convolution(
    path: Path,
    *,
    field: int = 7,
    channels: int = 1,
    classes: int = 1,
    seed: int = 0,
    gain: float = 1.0,
    **changes: Any,
) -> Path:
    """Write a convolution of `field` x `field` random weights and a sigmoid.

    Each output pixel sees exactly `field` x `field` pixels; its padding is zeros, so
    that a tile's border shows unless it is given no weight.
    """
    rng = np.random.default_rng(seed)
    weight = gain * rng.normal(size=(classes, channels, field, field)) / field
    nodes = [
        helper.make_node(
            "Conv",
            ["image", "weight"],
            ["sum"],
            pads=[field // 2] * 4,
            kernel_shape=[field] * 2,
        ),
        helper.make_node("Sigmoid", ["sum"], ["answer"]),
    ]
    names = (
        tuple(f"class {i}" for i in range(classes)) if classes > 1 else ("particle",)
    )
    text = card(
        **{
            "channels": channels,
            "classes": names,
            "receptive_field": field,
            **changes,
        }
    ).model_dump_json()
    made = model(
        nodes,
        {"weight": weight.astype(np.float32)},
        inputs=("N", channels, "y", "x"),
        outputs=("N", classes, "y", "x"),
        text=text,
    )
    onnx.save(made, path)
    return path


def pooling(path: Path, *, field: int = 5, **changes: Any) -> Path:
    """Write pooling to a quarter, a convolution there, and enlarging: stride 4."""
    rng = np.random.default_rng(4)
    weight = rng.normal(size=(1, 1, field, field)).astype(np.float32)
    nodes = [
        helper.make_node(
            "MaxPool", ["image"], ["small"], kernel_shape=[4, 4], strides=[4, 4]
        ),
        helper.make_node("Conv", ["small", "weight"], ["sum"], pads=[field // 2] * 4),
        helper.make_node("Sigmoid", ["sum"], ["answer4"]),
        helper.make_node(
            "Resize", ["answer4", "", "scales"], ["answer"], mode="nearest"
        ),
    ]
    weights = {"weight": weight, "scales": np.array([1, 1, 4, 4], np.float32)}
    # The block of a pixel and field // 2 blocks on each side, whichever its phase.
    fields = {"stride": 4, "receptive_field": 2 * 4 * (field // 2 + 1)}
    text = card(**fields, **changes).model_dump_json()
    onnx.save(model(nodes, weights, text=text), path)
    return path


def brightness(path: Path, *, level: float = 1.0, **changes: Any) -> Path:
    """Write a network that sees one pixel: sigmoid(8 * (value - level))."""
    nodes = [
        helper.make_node("Sub", ["image", "one"], ["less"]),
        helper.make_node("Mul", ["less", "eight"], ["more"]),
        helper.make_node("Sigmoid", ["more"], ["answer"]),
    ]
    weights = {"one": np.float32(level).reshape(1), "eight": np.float32(8).reshape(1)}
    text = card(**{"receptive_field": 1, **changes}).model_dump_json()
    onnx.save(model(nodes, weights, text=text), path)
    return path


def linear(path: Path, **changes: Any) -> Path:
    """Write a network that answers with its input."""
    nodes = [helper.make_node("Identity", ["image"], ["answer"])]
    text = card(**{"receptive_field": 1, **changes}).model_dump_json()
    onnx.save(model(nodes, {}, text=text), path)
    return path


def smoothing(path: Path, *, width: float = 1.5, **changes: Any) -> Path:
    """Write a Gaussian filter as a network for denoising."""
    reach = round(3 * width)
    axis = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * width**2))
    kernel = np.outer(axis, axis)[np.newaxis, np.newaxis]
    weight = (kernel / kernel.sum()).astype(np.float32)
    nodes = [
        helper.make_node("Pad", ["image", "pads"], ["padded"], mode="reflect"),
        helper.make_node("Conv", ["padded", "weight"], ["answer"]),
    ]
    pads = np.array([0, 0, reach, reach] * 2, np.int64)
    fields = {
        "task": "denoising",
        "classes": ("noiseless image",),
        "receptive_field": 2 * reach + 1,
        "smallest_side": reach + 1,
    }
    text = card(**{**fields, **changes}).model_dump_json()
    onnx.save(model(nodes, {"weight": weight, "pads": pads}, text=text), path)
    return path


def brightest(path: Path, **changes: Any) -> Path:
    """Write a network of spectra: sigmoid(8 * (largest value - 1))."""
    nodes = [
        helper.make_node("ReduceMax", ["image"], ["largest"], axes=[2, 3], keepdims=0),
        helper.make_node("Sub", ["largest", "one"], ["less"]),
        helper.make_node("Mul", ["less", "eight"], ["more"]),
        helper.make_node("Sigmoid", ["more"], ["answer"]),
    ]
    weights = {"one": np.float32(1).reshape(1), "eight": np.float32(8).reshape(1)}
    of_spectra = {
        "task": "zone axis",
        "sampling": 0.5,
        "standardization_width": None,
        "spectrum_side": 33,
    }
    text = card(**{**of_spectra, **changes}).model_dump_json()
    onnx.save(model(nodes, weights, outputs=("N", 1), text=text), path)
    return path


def orders(path: Path, **changes: Any) -> Path:
    """Write a network of particles: softmax of m - 6, 6 - m and 0, m the largest."""
    nodes = [
        helper.make_node("ReduceMax", ["image"], ["largest"], axes=[2, 3], keepdims=0),
        helper.make_node("Sub", ["largest", "six"], ["less"]),
        helper.make_node("MatMul", ["less", "signs"], ["more"]),
        helper.make_node("Softmax", ["more"], ["answer"], axis=1),
    ]
    weights = {
        "six": np.float32(6).reshape(1),
        "signs": np.array([[1, -1, 0]], np.float32),
    }
    of_particles = {
        "task": "chemical order",
        "classes": ("core-shell", "Janus", "disordered"),
        "sampling": 0.5,
        "standardization_width": None,
        "certainty": 0.9,
        "ranges": RANGES.model_copy(update={"sampling": (0.1, 0.5)}),
    }
    text = card(**{**of_particles, **changes}).model_dump_json()
    onnx.save(model(nodes, weights, outputs=("N", 3), text=text), path)
    return path


def exit_wave(path: Path, **changes: Any) -> Path:
    """Write a network of three images whose real part is the first, minus the last.

    The imaginary part is the middle image.
    """
    weight = np.zeros((2, 3, 1, 1), np.float32)
    weight[0, :, 0, 0] = 1, 0, -1
    weight[1, 1] = 1
    text = card(
        **{
            "task": "exit wave",
            "channels": 3,
            "classes": ("real", "imaginary"),
            "defocus_step": 50,
            "receptive_field": 1,
            **changes,
        }
    ).model_dump_json()
    made = model(
        [helper.make_node("Conv", ["image", "weight"], ["answer"])],
        {"weight": weight},
        inputs=("N", 3, "y", "x"),
        outputs=("N", 2, "y", "x"),
        text=text,
    )
    onnx.save(made, path)
    return path


def guarded(path: Path, *, classes: int = 1, gain: float = 1.1, **changes: Any) -> Path:
    """Write a network with a guard: the mean of the absolute value, times a gain.

    Regions have a side of 8 pixels and a step of 4. Of standardized noise, the mean is
    0.8, of two values that alternate 1.
    """
    weight = np.arange(1, classes * 9 + 1, dtype=np.float32).reshape(classes, 1, 3, 3)
    nodes = [
        helper.make_node(
            "Conv", ["image", "weight"], ["sum"], pads=[1] * 4, kernel_shape=[3, 3]
        ),
        helper.make_node("Sigmoid", ["sum"], ["answer"]),
        helper.make_node("Abs", ["image"], ["absolute"]),
        helper.make_node(
            "AveragePool",
            ["absolute"],
            ["mean"],
            kernel_shape=[8, 8],
            strides=[4, 4],
        ),
        helper.make_node("Mul", ["mean", "gain"], [NOVELTY_OUTPUT]),
    ]
    names = tuple(f"class {i}" for i in range(classes))
    fields: dict[str, Any] = {
        "classes": names if classes > 1 else ("particle",),
        "receptive_field": 3,
        "stride": 4,
        "smallest_side": 8,
        "novelty": Novelty(cell=4, cells=2, margin=0, images=7, false_alarms=0.01),
    }
    made = model(
        nodes,
        {"weight": weight / weight.sum(), "gain": np.float32(gain).reshape(1)},
        outputs=("N", classes, "y", "x"),
        text=card(**{**fields, **changes}).model_dump_json(),
    )
    made.graph.output.append(
        helper.make_tensor_value_info(
            NOVELTY_OUTPUT, TensorProto.FLOAT, ("N", 1, "row", "column")
        )
    )
    onnx.save(made, path)
    return path


def levels(path: Path, *, channels: int = 1, **changes: Any) -> Path:
    """Write a U-net of two levels on images that are folded by 2, with random weights.

    The first level has 3 channels, whose pixels are 2 of the image, the second 5, whose
    pixels are 4.
    """
    rng = np.random.default_rng(5)
    weights = {
        name: rng.normal(size=shape).astype(np.float32)
        for name, shape in {
            "top": (3, 4 * channels, 3, 3),
            "bottom": (5, 3, 3, 3),
            "last": (4, 8, 1, 1),
        }.items()
    }
    weights["scales"] = np.array([1, 1, 2, 2], np.float32)

    def convolution(given: str, name: str, side: int) -> Any:
        return helper.make_node(
            "Conv",
            [given, name],
            [f"{name} sum"],
            kernel_shape=[side] * 2,
            pads=[side // 2] * 4,
        )

    nodes = [
        helper.make_node("SpaceToDepth", ["image"], ["folded"], blocksize=2),
        convolution("folded", "top", 3),
        helper.make_node("Relu", ["top sum"], ["first"]),
        helper.make_node(
            "MaxPool", ["first"], ["small"], kernel_shape=[2, 2], strides=[2, 2]
        ),
        convolution("small", "bottom", 3),
        helper.make_node("Relu", ["bottom sum"], ["second"]),
        helper.make_node("Resize", ["second", "", "scales"], ["large"], mode="linear"),
        helper.make_node("Concat", ["first", "large"], ["both"], axis=1),
        convolution("both", "last", 1),
        helper.make_node(
            "DepthToSpace", ["last sum"], ["unfolded"], blocksize=2, mode="DCR"
        ),
        helper.make_node("Sigmoid", ["unfolded"], ["answer"]),
    ]
    fields: dict[str, Any] = {"channels": channels, "stride": 4, "receptive_field": 20}
    text = card(**{**fields, **changes}).model_dump_json()
    made = model(nodes, weights, inputs=("N", channels, "y", "x"), text=text)
    onnx.save(made, path)
    return path
