# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss of exit waves: what is left when the label has been shifted onto the prediction.

It knows two channels and pixels, not recipes or labels.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from .cosine_series import cosines_and_sines, frequencies, slopes

# Mean square of the slopes of a label that shows nothing to register [1/pixel²]; those
# of a flake of MoS2 are 1e-3.
_FLAT = 1e-7

# A shift of half an atom is found to 3 % in one step, to 0.1 % in two.
_STEPS = 2


@keras.saving.register_keras_serializable("hrtemnn")
class RegisteredWaveLoss(keras.losses.Loss):
    """Weighted mean square error of a wave whose place is not the network's to know.

    A shift of all columns alike and coma make nearly the same images, so a network that
    does not know the lenses cannot know the shift. For each wave the label is moved
    by the shift that makes the error least, and the loss is of what is left. The shift
    is that of least squares, to first order in the shift, twice; it is a constant for
    the gradient, because at the least error a small change of it changes nothing.

    An error of amplitude a and spatial frequency f adds a² / 2 (1 + (f / twice_at)²).

    Parameters
    ----------
    shape
        Shape of the waves, (y, x).
    pixel
        Size of their pixels [Å].
    largest_shift
        Longest shift of the label [Å].
    twice_at
        Spatial frequency whose errors count twice [1/Å]; None if all count alike.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        pixel: float,
        largest_shift: float,
        twice_at: float | None,
        *,
        name: str = "registered_wave",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self._config = {
            "shape": list(shape),
            "pixel": pixel,
            "largest_shift": largest_shift,
            "twice_at": twice_at,
        }
        self._largest_shift = largest_shift / pixel
        self._bases = [cosines_and_sines(n) for n in shape]
        self._slopes = [slopes(n) for n in shape]
        self._phases = [2 * np.pi * frequencies(n).astype(np.float32) for n in shape]
        f_y, f_x = (frequencies(n, pixel) for n in shape)
        square = f_y[:, np.newaxis] ** 2 + f_x**2
        weights = 1 + (0 if twice_at is None else square / twice_at**2)
        self._weights = np.broadcast_to(weights, square.shape).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras keeps them in a file."""
        return {**super().get_config(), **self._config}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each wave, shape (batch,).

        Parameters
        ----------
        y_true, y_pred
            Labels and predictions, shape (batch, y, x, 2).
        """
        label, predicted = (ops.moveaxis(wave, -1, 1) for wave in (y_true, y_pred))
        coefficients = self._coefficients(label)
        shift = self._shift(coefficients, label, ops.stop_gradient(predicted))
        left = predicted - self._moved(coefficients, shift)
        if self._config["twice_at"] is not None:  # if not, it is the same in pixels
            left = self._coefficients(left)
        return _mean(ops.multiply(self._weights, left**2))

    def _shift(self, coefficients: Any, label: Any, predicted: Any) -> Any:
        """Return the shift of each label onto the prediction, (batch, 2) [pixels]."""
        (cos_y, _), (cos_x, _) = self._bases
        slope_y, slope_x = self._slopes
        along_y = _product(slope_y, coefficients, cos_x.T)
        along_x = _product(cos_y, coefficients, slope_x.T)
        yy, xx = _mean(along_y**2) + _FLAT, _mean(along_x**2) + _FLAT
        yx = _mean(along_y * along_x)
        determinant = (yy * xx - yx**2)[:, np.newaxis]
        shift: Any = 0.0
        for _ in range(_STEPS):
            error = label - predicted
            y, x = _mean(along_y * error), _mean(along_x * error)
            step = ops.stack([xx * y - yx * x, yy * x - yx * y], axis=-1)
            shift = self._limited(shift + step / determinant)
            label = self._moved(coefficients, shift)
        return shift

    def _limited(self, shift: Any) -> Any:
        """Return shifts of at most the largest, in the same direction."""
        length = ops.sqrt(ops.sum(shift**2, axis=-1, keepdims=True))
        return shift * ops.minimum(1.0, self._largest_shift / (length + 1e-9))

    def _coefficients(self, waves: Any) -> Any:
        """Return the coefficients of the cosine series along both axes."""
        (cos_y, _), (cos_x, _) = self._bases
        return _product(cos_y.T, waves, cos_x)

    def _moved(self, coefficients: Any, shift: Any) -> Any:
        """Return the waves of coefficients, moved by shifts [pixels]."""
        along = []
        for axis, (cosines, sines) in enumerate(self._bases):
            # cos(a - b) = cos a cos b + sin a sin b, for each term.
            phase = ops.multiply(shift[:, axis, np.newaxis], self._phases[axis])
            phase = phase[:, np.newaxis, np.newaxis]
            parts = (cosines, ops.cos(phase)), (sines, ops.sin(phase))
            along.append(sum(ops.multiply(*part) for part in parts))
        return _product(along[0], coefficients, ops.swapaxes(along[1], -1, -2))


def _product(left: Any, waves: Any, right: Any) -> Any:
    return ops.matmul(ops.matmul(left, waves), right)


def _mean(values: Any) -> Any:
    return ops.mean(values, axis=(1, 2, 3))
