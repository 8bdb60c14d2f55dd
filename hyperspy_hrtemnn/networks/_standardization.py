# SPDX-License-Identifier: GPL-3.0-or-later
"""Local standardization of images, for every network in training and in use."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Contrast below this share of the local mean is rounding: flat and saturated regions
# become zero, not amplified noise.
_SMALLEST_CONTRAST = 1e-4

# Largest values of which the squares, and those of a small contrast, are numbers of
# single precision. Other images are divided by a power of 2, which changes nothing.
_USUAL = (1e-12, 1e15)

# Share of data below which a window is empty, because running sums are rounded.
_LEAST_SHARE = np.float32(1e-6)


def local_mean(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return the mean of an image under a window of Gaussian shape.

    Three passes of a box filter approximate the Gaussian, with the widths of Kovesi,
    which give the same variance and a center that is 6 % lower along each axis. The
    time does not depend on `sigma`. The window ends at ``3 * sigma``.

    Parameters
    ----------
    image
        Image, shape (y, x). Its edges are continued by reflection.
    sigma
        Standard deviation of the Gaussian [pixels].

    References
    ----------
    P. Kovesi, Fast almost-Gaussian filtering, DICTA 2010.
    """
    ideal = math.sqrt(4 * sigma**2 + 1)
    small = max(int((ideal - 1) // 2) * 2 + 1, 1)
    n_small = round((12 * sigma**2 - 3 * small**2 - 12 * small - 9) / (-4 * small - 4))
    for i in range(3):
        size = small if i < n_small else small + 2
        image = uniform_filter(image, size, mode="mirror")
    return image


def standardize(
    images: NDArray[np.floating],
    sigma: float | None,
    *,
    reference: NDArray[np.floating] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    r"""Shift images to a local mean of 0 and scale them to a local deviation of 1.

    Equation 3.1 of the thesis, with the mean subtracted before the square, as is
    necessary for "a mean of 0 and standard deviation of 1". Mean and deviation are
    averaged over the channels, so that the images of a focal series keep their relative
    contrast. The result does not depend on the gain of the image.

    Parameters
    ----------
    images
        One image, shape (y, x), or the channels of one input, shape (channel, y, x).
    sigma
        Standard deviation of the Gaussian window [pixels]; None for the same mean and
        deviation everywhere, those of the whole image.
    reference
        Images of the same shape whose local mean and deviation are used instead, such
        as the noisy image for the noise-free one.
    valid
        True where the images are data, shape (y, x); by default everywhere. Mean and
        deviation are those of the data under the window.

    Returns
    -------
    Standardized images, float32, of the shape of `images`. Regions without contrast or
    without data are 0.
    """
    images, measured = _in_range(images, images if reference is None else reference)
    if measured.ndim == 2:
        measured = measured[np.newaxis]
    mean, deviation, has_contrast = _local_statistics(measured, sigma, valid)
    shifted = images.reshape(measured.shape) - mean
    if valid is not None:
        shifted[:, ~valid] = 0
    shifted /= deviation
    shifted[:, ~has_contrast] = 0
    return shifted.reshape(np.shape(images))


def local_scale(
    image: NDArray[np.floating],
    sigma: float | None,
    *,
    valid: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean and the deviation by which `standardize` changes an image.

    ``standardized * deviation + mean`` is the image again, and takes what a network
    makes of the standardized image back to its counts.

    Parameters
    ----------
    image
        One image, shape (y, x), of values as `hyperspy_hrtemnn.image_data` has them.
    sigma, valid
        See `standardize`.

    Returns
    -------
    Mean and deviation, shape (y, x) each. The deviation is 0 where there is no
    contrast.
    """
    measured = np.asarray(image, np.float32)[np.newaxis]
    mean, deviation, has_contrast = _local_statistics(measured, sigma, valid)
    return mean, np.where(has_contrast, deviation, np.float32(0))


def _local_statistics(
    measured: NDArray[np.float32],
    sigma: float | None,
    valid: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return local mean and deviation, never 0, and where it is not rounding."""
    average = partial(mean_of_data, sigma=sigma, valid=valid)
    means = [average(channel) for channel in measured]
    mean = np.asarray(np.mean(means, axis=0, dtype=np.float32))
    # Running sums may be rounded to below zero in empty regions.
    variances = [np.maximum(average(square), 0) for square in (measured - mean) ** 2]
    deviations = np.sqrt(variances)
    deviation = np.asarray(np.mean(deviations, axis=0, dtype=np.float32))
    floor = np.maximum(_SMALLEST_CONTRAST * np.abs(mean), np.finfo(np.float32).tiny)
    return mean, np.maximum(deviation, floor), deviation > floor


def _in_range(
    images: NDArray[np.floating], measured: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return images in single precision, divided by a power of 2 if need be."""
    extremes = [(np.min(each), np.max(each)) for each in (images, measured)]
    largest = float(np.abs(extremes).max())
    if largest and math.isfinite(largest) and not _USUAL[0] < largest < _USUAL[1]:
        unit = math.ldexp(1.0, min(math.frexp(largest)[1], 1000))
        images, measured = (
            np.asarray(each, float) / unit for each in (images, measured)
        )
    return np.asarray(images, np.float32), np.asarray(measured, np.float32)


def mean_of_data(
    image: NDArray[np.float32], sigma: float | None, valid: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """Return the local mean of the data: the convolution over the share of data."""
    if sigma is None:
        data = image if valid is None else image[valid]
        # An image without data has no mean, and the value is not used.
        mean = data.mean(dtype=float) if data.size else 0
        return np.full_like(image, mean)
    if valid is None:
        return local_mean(image, sigma)
    share = local_mean(valid.astype(np.float32), sigma)
    total = local_mean(np.where(valid, image, np.float32(0)), sigma)
    # Far from all data there is no mean, and the value is not used.
    return np.where(share > _LEAST_SHARE, total / np.maximum(share, _LEAST_SHARE), 0)
