# SPDX-License-Identifier: GPL-3.0-or-later
"""Folding: squares of pixels that become channels of one pixel, and back.

A network that folds its images by two runs on a quarter of the pixels, and loses none
of what they say: "space to depth", and "depth to space" at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers, ops

if TYPE_CHECKING:
    from keras import KerasTensor

    Shape = tuple[int | None, ...]


class _Folding(layers.Layer):
    """What folding and unfolding share.

    Parameters
    ----------
    factor
        Side of the squares [pixels].
    """

    def __init__(self, factor: int, **settings: object) -> None:
        super().__init__(**settings)
        self.factor = factor

    def get_config(self) -> dict[str, object]:
        """Return what the layer is saved with."""
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("hrtemnn")
class Fold(_Folding):
    """Make the pixels of each square the channels of one pixel.

    Height and width must be multiples of the factor. The channels of a square's first
    pixel come first, then those of the pixel beside it, as in ONNX' SpaceToDepth.
    """

    def call(self, x: KerasTensor) -> KerasTensor:
        """Return the images with fewer pixels and more channels."""
        n = self.factor
        parts = [x[:, i::n, j::n, :] for i in range(n) for j in range(n)]
        return ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the shape with fewer pixels and more channels."""
        batch, *sides, channels = shape
        smaller = (None if side is None else side // self.factor for side in sides)
        return (
            batch,
            *smaller,
            None if channels is None else channels * self.factor**2,
        )


@keras.saving.register_keras_serializable("hrtemnn")
class Unfold(_Folding):
    """Make the channels of each pixel the pixels of a square, as they were folded."""

    def call(self, x: KerasTensor) -> KerasTensor:
        """Return the images with more pixels and fewer channels."""
        n = self.factor
        batch, height, width, _ = ops.shape(x)
        channels = x.shape[-1] // n**2
        x = ops.reshape(x, (batch, height, width, n, n, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch, height * n, width * n, channels))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the shape with more pixels and fewer channels."""
        batch, *sides, channels = shape
        larger = (None if side is None else side * self.factor for side in sides)
        return (
            batch,
            *larger,
            None if channels is None else channels // self.factor**2,
        )
