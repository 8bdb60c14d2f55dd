# SPDX-License-Identifier: GPL-3.0-or-later
"""From an image to a network's answer for its pixels, or for all; knows no signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.bad_frames import BadFrameError

from ._resampling import resample as resample_image
from ._resampling import resampled_shape
from ._standardization import mean_of_data, standardize
from ._tiling import predict_tiled
from ._validation import as_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.image_data import ImageData
    from hyperspy_hrtemnn.ranges import Range

    from ._card import Card
    from ._network import Network
    from ._tiling import Window

# Enlarging an image further than this adds no information; the calibration is wrong.
_LARGEST_ENLARGEMENT = 8

# Share of data in a pixel after resampling, but for the kernel's rounding.
_ALL_DATA = 0.99


def predict(
    network: Network,
    images: NDArray[Any] | ImageData,
    sampling: float | None = None,
    *,
    resample: bool = True,
    tile: int | None = None,
    overlap: int | None = None,
    window: Window = "hamming",
) -> NDArray[np.float32]:
    """Run a network on one image, or on one focal series.

    The image is resampled to the network's sampling, standardized as a whole, divided
    into tiles, and the result is resampled to the shape of the image. It does not
    depend on how the image is tiled. A crop gives what the whole image gives wherever
    its edges are farther away than the network and the standardization see: half the
    receptive field, and at most six standardization widths, most of it within two. A
    network that answers for the whole image is given it in one piece.

    Parameters
    ----------
    network
        The network.
    images
        Real numbers of any dtype, shape (y, x) or (channel, y, x), where the channels
        are the images of a focal series; or what `hyperspy_hrtemnn.image_data` makes of
        them.
    sampling
        Pixel size of the images in Å. Not needed if `resample` is False.
    resample
        If False, the pixels of the image are taken for the network's.
    tile
        Largest height and width of a tile, in pixels of the network's sampling. By
        default the image is divided into the fewest equal tiles of at most 2048
        pixels and the overlap.
    overlap
        Pixels, of the network's sampling, that neighboring tiles share. By default the
        receptive field and 32 pixels in which neighbors are blended. With less than
        the receptive field, seams are possible.
    window
        Form of the blending: any window of `scipy.signal.get_window`. The weights add
        up to one everywhere, so that it does not alter values.

    Returns
    -------
    Shape (class, y, x), or (class,) if the answer is for the whole image. In 0..1 if
    the task is segmentation. NaN where the image is no data.

    Raises
    ------
    BadFrameError
        If the image shows nothing: no contrast, or no data.
    ValueError
        If the image cannot be used: complex values, the wrong number of channels, a
        field of view smaller than the standardization width, or a sampling that is
        missing or cannot be right; or if `tile`, `overlap` or `window` is invalid.
    """
    card = network.card
    data = as_channels(images, card)
    shape = (data.valid.shape[0], data.valid.shape[1])
    size = working_shape(card, shape, sampling, resample=resample)
    channels, valid = _at_size(data, size)
    channels = standardize(channels, _sigma(card), valid=valid)
    if not channels.any():
        raise BadFrameError(
            "The image has no contrast beyond rounding: it is blank, constant or "
            "saturated. Leave such frames out.",
            "no contrast",
        )
    if valid is not None:
        channels[:, ~valid] = _noise_beside(channels, valid, _sigma(card))
    if card.per_image:
        answer: NDArray[np.float32] = network.predict(channels[np.newaxis])[0]
        return answer
    result = predict_tiled(
        network.predict,
        channels,
        receptive_field=card.receptive_field,
        stride=card.stride,
        tile=tile,
        overlap=overlap,
        window=window,
    )
    result = _resample(result, shape)
    if card.task == "segmentation":
        # The cubic kernel overshoots at edges, the sum of weights by rounding.
        np.clip(result, 0, 1, out=result)
    if data.no_data:
        result[:, ~data.valid] = np.nan
    return result


def out_of_range(
    card: Card,
    *,
    sampling: float | None = None,
    energy: float | None = None,
    defocus: float | None = None,
) -> list[str]:
    """Return what is outside the conditions the network was trained for, one text each.

    Parameters
    ----------
    card
        The network's card.
    sampling
        Pixel size of the image in Å; None where it is not known.
    energy
        Beam energy in keV.
    defocus
        Defocus in Å, positive = underfocus.
    """
    ranges = card.ranges
    # One energy was trained; a nominal 300 keV may be written 299.9.
    energies = (0.99 * ranges.energy, 1.01 * ranges.energy)
    conditions: list[tuple[str, float | None, Range, str, str]] = [
        ("sampling", sampling, ranges.sampling, "Å/pixel", _span_text(ranges.sampling)),
        ("beam energy", energy, energies, "keV", f"{ranges.energy:g}"),
        ("defocus", defocus, ranges.defocus, "Å", _span_text(ranges.defocus)),
    ]
    return [
        f"the {name} is {value:.4g} {unit}, trained was {trained} {unit}"
        for name, value, bounds, unit, trained in conditions
        if value is not None and not _is_within(value, bounds)
    ]


def _is_within(value: float, bounds: Range) -> bool:
    # Calibrations come through changes of unit.
    rounding = 1e-6 * max(map(abs, bounds))
    return bounds[0] - rounding <= value <= bounds[1] + rounding


def _span_text(bounds: Range) -> str:
    return f"{bounds[0]:g} to {bounds[1]:g}"


def working_shape(
    card: Card,
    shape: tuple[int, int],
    sampling: float | None = None,
    *,
    resample: bool = True,
) -> tuple[int, int]:
    """Return the (y, x) in which a network sees an image of a shape and sampling.

    Raises
    ------
    ValueError
        If the sampling is missing or cannot be right, or the image is too small.
    """
    if resample:
        shape = resampled_shape(shape, _ratio(card, sampling))
    smallest = max(_sigma(card), card.stride, card.smallest_side)
    if min(shape) < smallest:
        height, width = (f"{size * card.sampling:.3g}" for size in shape)
        raise ValueError(
            f"The image is too small: {height} x {width} Å (y, x), and the network "
            f"{card.name!r} needs {smallest * card.sampling:.3g} Å or more each way. "
            "Take a larger field of view, or check the calibration."
        )
    return shape


def _sigma(card: Card) -> float:
    """Return the width of the standardization in pixels."""
    if card.standardization_width is None:
        raise ValueError(
            f"The network {card.name!r} takes local Fourier transforms, not images; "
            "see LocalFFT.zone_axis_probability."
        )
    return card.standardization_width / card.sampling


def _ratio(card: Card, sampling: float | None) -> float:
    if sampling is None:
        raise ValueError(
            f"The network {card.name!r} works at {card.sampling:g} Å/pixel and the "
            "sampling of the image is not known; give it, or resample=False."
        )
    if not 0 < sampling < np.inf:
        raise ValueError(f"The sampling is {sampling} Å/pixel; it must be positive.")
    ratio = sampling / card.sampling
    if ratio > _LARGEST_ENLARGEMENT:
        raise ValueError(
            f"A sampling of {sampling:g} Å/pixel is {ratio:.3g} times the network's "
            f"{card.sampling:g}: too coarse to show what it looks for. Check the unit "
            "of the calibration."
        )
    return ratio


def _noise_beside(
    channels: NDArray[np.float32], valid: NDArray[np.bool_], sigma: float
) -> NDArray[np.float32]:
    """Return noise for what is no data, shape (channel, pixel), as the data have.

    Without it images of few electrons have 4 to 9 % more area of particles beside what
    is no data, by au-ceo2-mask at 7 to 25 e-/Å²; with more than they have, particles
    are found in it.
    """
    middle = (slice(None), slice(1, -1))
    inner = np.zeros_like(valid)
    inner[middle] = valid[middle] & valid[:, 2:] & valid[:, :-2]
    noise = np.zeros((len(channels), np.count_nonzero(~valid)), np.float32)
    generator = np.random.default_rng(0)
    for channel, values in zip(channels, noise, strict=True):
        # Second differences leave little of what lenses draw, and 6 times the variance
        # of noise.
        square = np.zeros_like(channel)
        square[middle] = np.diff(channel, 2, axis=1) ** 2 / 6
        variance = mean_of_data(square, sigma, inner)[~valid]
        values[:] = generator.normal(size=len(values)) * np.sqrt(variance.clip(0))
    return noise


def _at_size(
    data: ImageData, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return images and where they are data, if that is not everywhere, at a size."""
    if not data.no_data:
        return _resample(data.values, size), None
    means = [float(image[data.valid].mean()) for image in data.values]
    filled = np.stack(
        [
            np.where(data.valid, image, np.float32(mean))
            for image, mean in zip(data.values, means, strict=True)
        ]
    )
    if data.valid.shape == size:
        return filled, data.valid
    share = resample_image(data.valid.astype(np.float32), size)
    return _resample(filled, size), share > _ALL_DATA


def _resample(
    channels: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    if channels.shape[1:] == shape:
        return channels
    return np.stack([resample_image(channel, shape) for channel in channels])
