# SPDX-License-Identifier: GPL-3.0-or-later
"""Denoising: images without their noise, in their own pixels and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.options import PredictionOptions

from ._inference import (
    at_size,
    predict_at_work,
    resampled,
    standardization_sigma,
    working_shape,
)
from ._standardization import local_scale
from ._validation import as_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.image_data import ImageData

    from ._network import Network

# Each step leaves the square of the error of the resampling: of 10 % 1 % and 0.01 %.
_STEPS = 2


def denoise(
    network: Network,
    image: NDArray[Any] | ImageData,
    sampling: float | None = None,
    *,
    options: PredictionOptions = PredictionOptions(),  # noqa: B008 - frozen
) -> NDArray[np.floating]:
    """Return an image without its noise, in its own pixels and counts.

    The image is resampled to the network's sampling and standardized, as for `predict`;
    what the network makes of it is taken back by the same local mean and deviation and
    resampled to the pixels of the image. Both resamplings weaken fine details by a few
    percent; the result is corrected until the image of it in the network's pixels is
    the answer again. Then one constant is added, so that the sum of the pixels, and
    with it the dose, is that of the image.

    A network that takes out aberrations, too, has a contrast of its own: its answer
    is in local deviations, and there is nothing to be kept.

    Parameters
    ----------
    network
        Network for images without noise, see `check_denoiser`.
    image
        Real numbers of any dtype and gain, shape (y, x), or the result of
        `hyperspy_hrtemnn.image_data` for them.
    sampling
        Pixel size of the image [Å]. It is not needed if resampling is off.
    options
        How the network is run; see `predict`.

    Returns
    -------
    Shape (1, y, x), or (2, y, x) with a network that has a spread: the image, and the
    standard deviation of its error, which is the spread over the eight orientations
    times the factor of the card. Both are in the unit of the image, and NaN where it is
    no data; hot and dead pixels are replaced.

    Raises
    ------
    BadFrameError, ValueError, NetworkError, NetworkMemoryError
        See `predict`.
    """
    check_denoiser(network)
    card = network.card
    data = as_channels(image, card)
    shape = (data.valid.shape[0], data.valid.shape[1])
    size = working_shape(card, shape, sampling, resample=options.resample)
    noisy, valid = at_size(data, size)
    answer = predict_at_work(network, noisy, valid, options)
    known, scale, offset = data.valid, 1.0, 0.0
    if card.task == "denoising":
        sigma = standardization_sigma(card)
        mean, deviation = local_scale(noisy[0], sigma, valid=valid)
        answer *= deviation
        answer[0] += mean
        scale, offset = data.scale, data.offset
    clean = _in_pixels(answer[:1], shape)[0]
    if card.task == "denoising":
        clean += np.mean(data.values[0][known] - clean[known], dtype=float)
    parts = [clean * scale + offset]
    if network.has_spread:
        spread = np.maximum(resampled(answer[1:], shape)[0], 0)
        parts.append(spread * (scale * (card.error_of_spread or 1.0)))
    result: NDArray[np.floating] = np.stack(parts)
    result[:, ~known] = np.nan
    return result


def check_denoiser(network: Network) -> None:
    """Raise a ValueError if a network is not one for images without noise.

    Parameters
    ----------
    network
        The network. Its card has the task "denoising" or "aberration removal", one
        image and one class.
    """
    card = network.card
    single = card.channels == 1 and len(card.classes) == 1
    if card.task not in {"denoising", "aberration removal"} or not single:
        raise ValueError(
            f"The network {card.name!r} is for {card.task} of {card.takes}, not for "
            "denoising single images."
        )


def _in_pixels(
    clean: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the image in other pixels that resampled is `clean`, (channel, y, x)."""
    size = (clean.shape[1], clean.shape[2])
    image = resampled(clean, shape)
    if shape == size:
        return image
    for _ in range(_STEPS):
        image = image + resampled(clean - resampled(image, size), shape)
    return image
