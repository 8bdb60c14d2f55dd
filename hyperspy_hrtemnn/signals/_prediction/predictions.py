# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions of a network for each image, or focal series, of a signal."""

from __future__ import annotations

import sys
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.image_data import image_data
from hyperspy_hrtemnn.networks import (
    Network,
    check_prediction,
    load,
    out_of_range,
    predict,
)
from hyperspy_hrtemnn.signals._shared.calibration import known_sampling, sampling
from hyperspy_hrtemnn.signals._shared.chunks import warn_if_read_often
from hyperspy_hrtemnn.signals._shared.defocus import (
    AXIS_HELP,
    defocus_faults,
    unknown_defocus,
)
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts, frames
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.runner import map_frames
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from pathlib import Path

    import dask.array as da
    import numpy as np
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Card
    from hyperspy_hrtemnn.options import PredictionOptions
    from hyperspy_hrtemnn.signals._shared.foreign import ForeignFrames
    from hyperspy_hrtemnn.signals._shared.replaced import ReplacedPixels
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule


def load_for(
    task: str | tuple[str, ...],
    model: str | Path | Network,
    device: str | None,
    *,
    show_progressbar: bool | None,
) -> Network:
    """Return a network, checked to be for a task.

    Where progress is shown, the device is shown, too, once in a process.

    Parameters
    ----------
    task
        Task, or tasks, that it has to be for; counting the atoms of columns is a
        segmentation.
    model
        Name, path or network.
    device
        See `hyperspy_hrtemnn.networks.load`; by default that of `model`, if it is a
        network.
    show_progressbar
        Whether progress is shown; by default as in HyperSpy's preferences.
    """
    network = model.on(device) if isinstance(model, Network) else load(model, device)
    tasks = (task,) if isinstance(task, str) else task
    # Atoms of columns are a segmentation whose values are not probabilities.
    counts = "segmentation" in tasks and network.card.counts_atoms
    if network.card.task not in tasks and not counts:
        raise ValueError(
            f"The network {network.card.name!r} is for {network.card.task}, not for "
            f"{' or '.join(tasks)}."
        )
    if is_shown(show_progressbar):
        _show_device(network.device)
    return network


@cache
def _show_device(device: str) -> None:
    # Where progress bars are, too.
    print(f"Networks run on {device}.", file=sys.stderr)


def predictions(
    signal: Signal2D,
    network: Network,
    options: PredictionOptions,
    energy: float | None = None,
    *,
    rule: FrameRule,
) -> tuple[da.Array, list[dict[str, Any]]]:
    """Return the answers, to be computed, and the axes of the signal they are along.

    Warnings, as of the caller of the method that calls the caller of this, name what is
    outside the conditions the network was trained for, and what is read many times.

    Parameters
    ----------
    signal
        The images.
    network
        The network.
    options
        Options for running the network.
    energy
        Beam energy [keV]; by default the metadata's, if it is there.
    rule
        Rule for frames that cannot be used.

    Returns
    -------
    Shape (..., class, y, x), where ... are the navigation axes but a focal series', NaN
    where an image is no data; and all axes but that and the class. If the network has a
    spread, the classes are followed by the spread of each; if it has novelty, that is
    the last.

    Raises
    ------
    ValueError
        As `HRTEM.segment`.
    """
    card = network.card
    defocus_axis = _defocus_axis(signal, card)
    pixel_size = sampling(signal) if options.resample else known_sampling(signal)
    width, height = signal.axes_manager.signal_shape
    # A lazy signal would only raise when it is computed.
    check_prediction(card, (height, width), pixel_size, options)
    warn_out_of_range(signal, card, pixel_size, energy or known_energy(signal))
    warn_if_read_often(signal)
    images = frames(signal, defocus_axis)
    notes = rule.replaced, rule.foreign
    run = partial(_predict_frame, network, pixel_size, options, notes)
    data = map_frames(run, images, network.outputs, indexed=True, rule=rule)
    return data, axis_dicts(signal, without=defocus_axis)


def _predict_frame(
    network: Network,
    pixel_size: float | None,
    options: PredictionOptions,
    notes: tuple[ReplacedPixels, ForeignFrames],
    frame: NDArray[Any],
    *,
    index: tuple[int, ...],
) -> NDArray[np.float32]:
    data = image_data(frame)
    answer = predict(network, data, pixel_size, **vars(options))
    replaced, foreign = notes
    replaced.add_data(index, data)
    if network.has_novelty:
        foreign.add_novelty(index, answer[-1])
    return answer


def _defocus_axis(signal: Signal2D, card: Card) -> Any:
    """Return the navigation axis whose images the network takes together, if any."""
    if card.channels == 1:
        return None
    needed = f"The network {card.name!r} takes focal series of {card.channels} images"
    if card.defocus_step is not None:
        needed += f", {card.defocus_step / 10:g} nm apart"
    for axis in signal.axes_manager.navigation_axes:
        if axis.name == "defocus":
            if axis.size != card.channels:
                raise ValueError(
                    f"{needed}; the axis 'defocus' has {axis.size}. Choose them with "
                    "inav."
                )
            return axis
    raise ValueError(
        f"{needed}, along a navigation axis named 'defocus', and there is none. Load "
        f"the images with hs.load([...], stack=True). {AXIS_HELP}"
    )


def warn_out_of_range(
    signal: Signal2D, card: Card, pixel_size: float | None, energy: float | None
) -> None:
    """Warn of what a network was not trained for.

    Parameters
    ----------
    signal
        The images.
    card
        Card of the network.
    pixel_size
        Pixel size of the images, if it is known [Å].
    energy
        Beam energy, if it is known [keV].
    """
    if (unknown := unknown_defocus(signal, card)) is not None:
        warn_user(unknown)
    faults = out_of_range(card, sampling=pixel_size, energy=energy)
    faults += defocus_faults(signal, card)
    if faults:
        warn_user(
            f"The network {card.name!r} was not trained for this: {'; '.join(faults)}. "
            "There its answer is a guess."
        )
