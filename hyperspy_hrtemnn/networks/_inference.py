# SPDX-License-Identifier: GPL-3.0-or-later
"""Inference: the prediction of a network for an image of any size and sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.image_data import ImageData
from hyperspy_hrtemnn.options import PredictionOptions
from hyperspy_hrtemnn.ranges import energy_range

from ._errors import NetworkMemoryError
from ._memory import not_enough_memory
from ._resampling import resample as resample_image
from ._resampling import resampled_shape
from ._standardization import mean_of_data, standardize
from ._tiling import predict_tiled, spans
from ._validation import as_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.options import Window
    from hyperspy_hrtemnn.ranges import Range

    from ._card import Card
    from ._network import Network

# An image that has to be enlarged further than this has a wrong calibration.
_LARGEST_ENLARGEMENT = 8

# Smallest share of data in a valid pixel after resampling; 1 except for rounding.
_ALL_DATA = 0.99


def predict(
    network: Network,
    images: NDArray[Any] | ImageData,
    sampling: float | None = None,
    *,
    resample: bool = PredictionOptions.resample,
    tile: int | None = PredictionOptions.tile,
    overlap: int | None = PredictionOptions.overlap,
    window: Window = PredictionOptions.window,
) -> NDArray[np.float32]:
    """Run a network on one image, or on one focal series.

    The image is resampled to the network's sampling, standardized as a whole, divided
    into tiles, and the result is resampled to the shape of the image. It does not
    depend on the tiles. A crop has the same result as the whole image at pixels that
    are farther from its edges than the network and the standardization see: half the
    receptive field, and at most six standardization widths, most of it within two. A
    network with a prediction for the whole image gets it in one piece.

    Parameters
    ----------
    network
        Network to run.
    images
        Real numbers of any dtype, shape (y, x) or (channel, y, x), where the channels
        are the images of a focal series; or the result of `hyperspy_hrtemnn.image_data`
        for them.
    sampling
        Pixel size of the images [Å]. It is not needed if `resample` is False.
    resample
        If False, the pixels of the image are taken for those of the network.
    tile
        Largest height and width of a tile, in pixels of the network's sampling. By
        default the image is divided into the fewest equal tiles of at most 2048
        pixels and the overlap.
    overlap
        Number of pixels, of the network's sampling, that neighboring tiles share. The
        default is the receptive field and 32 pixels in which neighbors are blended.
        With less than the receptive field, seams are possible.
    window
        Form of the blending: any window of `scipy.signal.get_window`. The weights add
        up to one everywhere, so that it does not change values.

    Returns
    -------
    The prediction, shape (class, y, x), or (class,) if it is for the whole image. It is
    in 0..1 if the task is segmentation, and NaN where there is no data. If the network
    has a spread, the classes are followed by the spread of each, which is that in the
    pixels of the network, resampled. If it has novelty, that is the last channel; see
    `Network.with_novelty`.

    Raises
    ------
    BadFrameError
        If the image has no contrast, or no data.
    ValueError
        If the image cannot be used: complex values, the wrong number of channels, a
        field of view smaller than the standardization width, or a sampling that is
        missing or cannot be right; or if `tile`, `overlap` or `window` is not valid.
    NetworkError
        If the answer of the network is not finite.
    NetworkMemoryError
        If there is not enough memory; it says with which tile there would be.
    """
    options = PredictionOptions(resample, tile, overlap, window)
    try:
        return _predicted(network, images, sampling, options)
    except MemoryError as error:
        shape = images.valid.shape if isinstance(images, ImageData) else images.shape
        size = working_shape(network.card, shape[-2:], sampling, resample=resample)
        raise NetworkMemoryError(
            not_enough_memory(network.card, size, options)
        ) from error


def _predicted(
    network: Network,
    images: NDArray[Any] | ImageData,
    sampling: float | None,
    options: PredictionOptions,
) -> NDArray[np.float32]:
    """Return the prediction; see `predict`."""
    card = network.card
    data = as_channels(images, card)
    shape = (data.valid.shape[0], data.valid.shape[1])
    size = working_shape(card, shape, sampling, resample=options.resample)
    channels, valid = at_size(data, size)
    result = predict_at_work(network, channels, valid, options)
    if card.per_image:
        return result
    result = resampled(result, shape)
    # The cubic kernel overshoots at edges, and the sum of weights is rounded.
    if card.task == "segmentation":
        probabilities = result[: -1 if network.has_novelty else None]
        np.clip(probabilities, 0, 1, out=probabilities)
    beside = result[len(card.classes) :]
    np.maximum(beside, 0, out=beside)
    if data.no_data:
        result[:, ~data.valid] = np.nan
    return result


def predict_at_work(
    network: Network,
    channels: NDArray[np.float32],
    valid: NDArray[np.bool_] | None,
    options: PredictionOptions,
) -> NDArray[np.float32]:
    """Run a network on an image that has the network's sampling.

    Parameters
    ----------
    network
        Network to run.
    channels
        The image, not standardized, shape (channel, y, x).
    valid
        True where it is data, shape (y, x); None if it is everywhere.
    options
        How tiles are made.

    Returns
    -------
    The prediction in the pixels of the network, shape (class, y, x), or (class,).

    Raises
    ------
    BadFrameError
        If the image has no contrast.
    """
    card = network.card
    sigma = standardization_sigma(card)
    channels = standardize(channels, sigma, valid=valid)
    if not channels.any():
        raise BadFrameError(
            "The image has no contrast beyond rounding: it is blank, constant or "
            "saturated. Leave such frames out.",
            "no contrast",
        )
    if valid is not None:
        channels[:, ~valid] = _noise_beside(channels, valid, sigma)
    if card.per_image:
        prediction: NDArray[np.float32] = network.predict(channels[np.newaxis])[0]
        return prediction
    return predict_tiled(
        network.predict,
        channels,
        receptive_field=card.receptive_field,
        stride=card.stride,
        tile=options.tile,
        overlap=options.overlap,
        window=options.window,
    )


def out_of_range(
    card: Card,
    *,
    sampling: float | None = None,
    energy: float | None = None,
    defocus: float | None = None,
) -> list[str]:
    """Return a text for each condition for which a network was not trained.

    Where the card knows its limits, what is outside the range of the training is left
    out as long as the score there is less than 5 percent worse.

    Parameters
    ----------
    card
        Card of the network.
    sampling
        Pixel size of the image [Å]; None where it is not known.
    energy
        Beam energy [keV].
    defocus
        Defocus, positive = underfocus [Å].
    """
    ranges = card.ranges
    energies = None if ranges.energy is None else energy_range(ranges.energy)
    # Files may give 299.9 for a nominal 300 keV.
    conditions: list[tuple[str, str, float | None, Range | None, float, str]] = [
        ("sampling", "sampling", sampling, ranges.sampling, 0, "Å/pixel"),
        ("beam energy", "energy", energy, energies, 0.01, "keV"),
        ("defocus", "defocus", defocus, ranges.defocus, 0, "Å"),
    ]
    texts = []
    for words, name, value, trained, share, unit in conditions:
        if value is None or trained is None or _is_within(value, trained, share):
            continue
        text = (
            f"the {words} is {value:.4g} {unit}, trained was {_span_text(trained)} "
            f"{unit}"
        )
        if name not in card.limits:
            texts.append(text)
        elif loss := card.limits[name].loss_at(value):
            texts.append(f"{text}, and {loss}")
    return texts


def _is_within(value: float, bounds: Range, share: float) -> bool:
    """Return whether a value is in a range, or beyond it by a share of a bound."""
    low, high = (share * abs(bound) for bound in bounds)
    # Conversions of units round calibrations.
    rounding = 1e-6 * max(map(abs, bounds))
    return bounds[0] - low - rounding <= value <= bounds[1] + high + rounding


def _span_text(bounds: Range) -> str:
    low, high = bounds
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def check_prediction(
    card: Card,
    shape: tuple[int, int],
    sampling: float | None,
    options: PredictionOptions,
) -> None:
    """Check what `predict` would only find out when the first image is there.

    Parameters
    ----------
    card
        Card of the network.
    shape
        Shape of the images, (y, x).
    sampling
        Pixel size of the images [Å]; None where it is not known.
    options
        How the network is to be run.

    Raises
    ------
    ValueError
        If the sampling is missing or cannot be right, the images are too small, or an
        option is invalid.
    """
    for size in working_shape(card, shape, sampling, resample=options.resample):
        spans(
            size,
            receptive_field=card.receptive_field,
            stride=card.stride,
            tile=options.tile,
            overlap=options.overlap,
            window=options.window,
        )


def working_shape(
    card: Card,
    shape: tuple[int, int],
    sampling: float | None = None,
    *,
    resample: bool = True,
) -> tuple[int, int]:
    """Return the shape (y, x) of an image after resampling for a network.

    Raises
    ------
    ValueError
        If the sampling is missing or cannot be right, or the image is too small.
    """
    if resample:
        shape = resampled_shape(shape, _ratio(card, sampling))
    smallest = max(standardization_sigma(card) or 1, card.stride, card.smallest_side)
    if min(shape) < smallest:
        height, width = (f"{size * card.sampling:.3g}" for size in shape)
        raise ValueError(
            f"The image is too small: {height} x {width} Å (y, x), and the network "
            f"{card.name!r} needs {smallest * card.sampling:.3g} Å or more along both "
            "axes. Take a larger field of view, or check the calibration."
        )
    return shape


def standardization_sigma(card: Card) -> float | None:
    """Return the width of the standardization in pixels, None for the whole image."""
    if card.spectrum_side is not None:
        raise ValueError(
            f"The network {card.name!r} takes {card.takes}, not images; see "
            "LocalFFT.zone_axis_probability and HRTEM.chirality."
        )
    if card.task == "chemical order":
        raise ValueError(
            f"The network {card.name!r} takes {card.takes}; see HRTEM.chemical_order."
        )
    if card.takes_rings:
        raise ValueError(
            f"The network {card.name!r} takes ring spectra, not images; see "
            "HRTEM.estimate_optics."
        )
    width = card.standardization_width
    return None if width is None else width / card.sampling


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
            f"{card.sampling:g}, which is too coarse. Check the unit of the "
            "calibration."
        )
    return ratio


def _noise_beside(
    channels: NDArray[np.float32], valid: NDArray[np.bool_], sigma: float | None
) -> NDArray[np.float32]:
    """Return noise for pixels without data, like that of the data, (channel, pixel).

    Without this noise, au-ceo2-mask at 7 to 25 e-/Å² finds 4 to 9 % more area of
    particles beside regions without data; with stronger noise, it finds particles in
    these regions.
    """
    middle = (slice(None), slice(1, -1))
    inner = np.zeros_like(valid)
    inner[middle] = valid[middle] & valid[:, 2:] & valid[:, :-2]
    noise = np.zeros((len(channels), np.count_nonzero(~valid)), np.float32)
    generator = np.random.default_rng(0)
    for channel, values in zip(channels, noise, strict=True):
        # Second differences remove most of the image, and have 6 times the variance of
        # the noise.
        square = np.zeros_like(channel)
        square[middle] = np.diff(channel, 2, axis=1) ** 2 / 6
        variance = mean_of_data(square, sigma, inner)[~valid]
        values[:] = generator.normal(size=len(values)) * np.sqrt(variance.clip(0))
    return noise


def at_size(
    data: ImageData, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return resampled images and a mask of data; None if there is data everywhere."""
    if not data.no_data:
        return resampled(data.values, size), None
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
    return resampled(filled, size), share > _ALL_DATA


def resampled(
    channels: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return images, shape (channel, y, x), with another shape (y, x) each."""
    if channels.shape[1:] == shape:
        return channels
    return np.stack([resample_image(channel, shape) for channel in channels])
