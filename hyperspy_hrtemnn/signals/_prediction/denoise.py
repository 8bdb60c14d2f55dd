# SPDX-License-Identifier: GPL-3.0-or-later
"""Denoising of images and movies by a network: `HRTEM.denoise`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import mean_with_neighbors
from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.image_data import ImageData, image_data
from hyperspy_hrtemnn.networks import Network, check_denoiser, check_prediction
from hyperspy_hrtemnn.networks import denoise as denoise_image
from hyperspy_hrtemnn.signals._shared.calibration import known_sampling, sampling
from hyperspy_hrtemnn.signals._shared.chunks import warn_if_read_often
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts, frames
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.runner import map_frames

from .predictions import load_for, warn_out_of_range
from .spread import spread_signal

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.options import PredictionOptions
    from hyperspy_hrtemnn.signals._shared.replaced import ReplacedPixels
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

_TASKS = ("denoising", "aberration removal")

# Frames before, and after, each one where the user says only that there are some.
_NEIGHBORS = 2


def denoise(
    signal: Signal2D,
    model: str | Path | Network,
    options: PredictionOptions,
    *,
    temporal: bool | int,
    uncertainty: bool,
    device: str | None,
    rule: FrameRule,
    show_progressbar: bool | None,
    num_workers: int | None,
    lazy_output: bool | None,
) -> Signal2D:
    """Return the images without noise; see `HRTEM.denoise`."""
    network = load_for(_TASKS, model, device, show_progressbar=show_progressbar)
    check_denoiser(network)
    network = network.limited(num_workers)
    if uncertainty:
        network = network.averaged(spread=True)
    reach = _reach(signal, temporal, network)
    pixel_size = sampling(signal) if options.resample else known_sampling(signal)
    width, height = signal.axes_manager.signal_shape
    check_prediction(network.card, (height, width), pixel_size, options)
    warn_out_of_range(signal, network.card, pixel_size, known_energy(signal))
    warn_if_read_often(signal)
    run = partial(_denoised, network, pixel_size, options, rule.replaced)
    images = frames(signal)
    if reach:
        run = partial(run, count=len(images), reach=reach)
        images = _with_neighbors(images, reach)
    data = map_frames(run, images, network.outputs, indexed=True, rule=rule)
    result = derived_signal(signal, data[..., 0, :, :], "HRTEM")
    quantity = signal.metadata.get_item("Signal.quantity", "")
    in_counts = network.card.task == "denoising"
    if quantity and in_counts:
        result.metadata.set_item("Signal.quantity", quantity)
    if network.has_spread:
        result._spread = spread_signal(
            signal,
            data[..., 1, :, :],
            axis_dicts(signal),
            network,
            quantity="counts" if in_counts else "contrast",
        )
    provenance = {
        "network": network.card.name,
        "sha256": network.sha256,
        "averaged": network.is_averaged,
        "error_of_spread": network.card.error_of_spread,
        "temporal": reach,
        "device": network.device,
        "version": __version__,
        **vars(options),
    }
    result.metadata.set_item("HRTEMNN.Denoising", provenance)
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=signal._lazy if lazy_output is None else lazy_output,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        rule=rule,
        beside=[] if result._spread is None else [result._spread],
    )


def _reach(signal: Signal2D, temporal: bool | int, network: Network) -> int:
    """Return how many frames before and after each one are used."""
    if temporal is False or temporal == 0:
        return 0
    if network.card.task != "denoising":
        raise ValueError(
            f"temporal is for networks that keep the counts; {network.card.name!r} is "
            f"for {network.card.task}. Denoise the movie first."
        )
    reach = _NEIGHBORS if temporal is True else temporal
    if reach != int(reach) or not 0 < reach <= 100:
        raise ValueError(f"temporal is a number of frames, 1 to 100, not {temporal!r}.")
    axes = signal.axes_manager.navigation_axes
    if len(axes) != 1 or axes[0].name == "defocus":
        raise ValueError(
            "temporal is for movies, which have one navigation axis, their time; this "
            f"signal has {', '.join(str(axis.name) for axis in axes) or 'none'}."
        )
    return int(reach)


def _with_neighbors(images: da.Array, reach: int) -> da.Array:
    """Return each frame with those around it as channels, as many for all.

    At the ends of the movie the window stays within it.
    """
    first = _first_of_window(np.arange(len(images)), len(images), reach)
    size = min(2 * reach + 1, len(images))
    windows = [images[first + number] for number in range(size)]
    stacked = da.concatenate(windows, axis=1)
    whole: da.Array = stacked.rechunk({0: 1, 1: -1, 2: -1, 3: -1})
    return whole


def _first_of_window(number: Any, count: int, reach: int) -> Any:
    return np.clip(number - reach, 0, max(count - 2 * reach - 1, 0))


def _denoised(
    network: Network,
    pixel_size: float | None,
    options: PredictionOptions,
    replaced: ReplacedPixels,
    window: NDArray[Any],
    *,
    index: tuple[int, ...],
    count: int = 1,
    reach: int = 0,
) -> NDArray[np.float32]:
    own = index[0] - int(_first_of_window(index[0], count, reach)) if reach else 0
    data = image_data(window[own])
    if reach:
        others = [image for number, image in enumerate(window) if number != own]
        data = _averaged(network, pixel_size, options, data, others)
    answer = denoise_image(network, data, pixel_size, options=options)
    replaced.add_data(index, data)
    return np.asarray(answer, np.float32)


def _averaged(
    network: Network,
    pixel_size: float | None,
    options: PredictionOptions,
    data: ImageData,
    others: list[NDArray[Any]],
) -> ImageData:
    """Return a frame averaged with its neighbors, where they show the same."""
    frame = data.counts(no_data=0)[0]
    frame[~data.valid] = frame[data.valid].mean()
    first = denoise_image(network, data, pixel_size, options=options)[0]
    first = np.where(data.valid, first, frame)
    neighbors = []
    for other in others:
        try:
            neighbor = image_data(other)
        except BadFrameError:
            continue
        if neighbor.valid.any():
            neighbors.append(neighbor.counts()[0])
    sampling = pixel_size or network.card.sampling
    mean, _ = mean_with_neighbors(frame, neighbors, first, sampling)
    # The dose is that of the frame, whatever that of the others is.
    mean += float(np.mean(frame - mean, where=data.valid, dtype=float))
    return ImageData(
        mean[np.newaxis], data.valid, data.bad_pixels, offset=0.0, scale=1.0
    )
