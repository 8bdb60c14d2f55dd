# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss of the lens: how unlikely it is by the values and errors that a network gives.

The power spectrum of a weak object is the same for a lens and its negative, of defocus
and of astigmatism. A network that must give one value of the two would give their mean,
which is wrong for both; here it gives one of them, and how probable its sign is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

from hyperspy_hrtemnn.networks import OPTICS

if TYPE_CHECKING:
    from keras import KerasTensor

# Beyond, an error is under a thousandth of its unit, or absurd.
_LOG_VARIANCES = (-12.0, 12.0)

_SIGNED = len(OPTICS) - 1  # all but the blur


class OpticsLoss(keras.losses.Loss):
    """Negative logarithm of the likelihood: Gaussians, and both signs of the lens."""

    def __init__(self) -> None:
        super().__init__(name="optics")

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """Return the loss of each image, shape (image,).

        Parameters
        ----------
        y_true
            Values `OPTICS`, shape (image, value).
        y_pred
            Channels `OPTICS_ANSWER`, shape (image, channel).
        """
        count = len(OPTICS)
        y_pred = ops.cast(y_pred, "float32")
        y_true = ops.cast(y_true, "float32")
        values = y_pred[:, :count]
        log_variance = ops.clip(y_pred[:, count : 2 * count], *_LOG_VARIANCES)
        odds = y_pred[:, 2 * count]
        # The constant of the Gaussian changes nothing.
        of_both = [
            -0.5
            * ((sign * y_true - values) ** 2 * ops.exp(-log_variance) + log_variance)
            for sign in (1.0, -1.0)
        ]
        same, other = (ops.sum(each[:, :_SIGNED], axis=1) for each in of_both)
        signed = ops.logaddexp(same - ops.softplus(-odds), other - ops.softplus(odds))
        return -(signed + of_both[0][:, _SIGNED])
