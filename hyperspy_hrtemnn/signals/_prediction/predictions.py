# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions of a network for each image, or focal series, of a signal."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

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
from hyperspy_hrtemnn.signals._shared.foreign import foreign_share
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts, frames
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.runner import map_frames
from hyperspy_hrtemnn.signals._shared.workers import cluster
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

    Where progress is shown, the device is shown, too, once in a process. Where dask
    computes with a cluster, its workers get the network.

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
    if (client := cluster()) is not None:
        network.send(client)
    return network


def with_guard(network: Network) -> Network:
    """Return a network that also says what is foreign to it, if it has a guard."""
    return network if network.card.novelty is None else network.with_novelty()


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
    series_axis = defocus_axis(signal, card)
    prediction = FramePrediction.of(signal, network, options)
    pixel_size = prediction.pixel_size
    width, height = signal.axes_manager.signal_shape
    # A lazy signal would only raise when it is computed.
    check_prediction(card, (height, width), pixel_size, options)
    warn_out_of_range(signal, card, pixel_size, energy or known_energy(signal))
    warn_if_read_often(signal)
    images = frames(signal, series_axis)
    notes = rule.replaced, rule.foreign
    run = partial(_predict_frame, prediction, notes)
    data = map_frames(run, images, network.outputs, indexed=True, rule=rule)
    return data, axis_dicts(signal, without=series_axis)


class PredictedFrame(NamedTuple):
    """What a network says of one frame, and of what kind the frame is.

    Parameters
    ----------
    answer
        Answer of the network, shape (channel, y, x).
    bad_pixels, no_data
        Numbers of the pixels that were replaced, and that are no data.
    foreign
        Share of the frame that is foreign to the network; None if it has no guard.
    """

    answer: NDArray[np.float32]
    bad_pixels: int
    no_data: int
    foreign: float | None


@dataclass(frozen=True)
class FramePrediction:
    """Prediction of one frame, in whichever process that is done.

    Parameters
    ----------
    network
        The network.
    pixel_size
        Pixel size of the frame [Å]; None if its pixels are taken for the network's.
    options
        Options for running the network.
    """

    network: Network
    pixel_size: float | None
    options: PredictionOptions

    @classmethod
    def of(
        cls, signal: Signal2D, network: Network, options: PredictionOptions
    ) -> FramePrediction:
        """Return the prediction of the frames of a signal."""
        size = sampling(signal) if options.resample else known_sampling(signal)
        return cls(network, size, options)

    def __call__(self, frame: NDArray[Any]) -> PredictedFrame:
        """Return what the network says of a frame, shape (channel, y, x)."""
        data = image_data(frame)
        answer = predict(self.network, data, self.pixel_size, **vars(self.options))
        foreign = foreign_share(answer[-1]) if self.network.has_novelty else None
        return PredictedFrame(answer, data.bad_pixels, data.no_data, foreign)


def _predict_frame(
    prediction: FramePrediction,
    notes: tuple[ReplacedPixels, ForeignFrames],
    frame: NDArray[Any],
    *,
    index: tuple[int, ...],
) -> NDArray[np.float32]:
    predicted = prediction(frame)
    replaced, foreign = notes
    replaced.add(index, predicted.bad_pixels, predicted.no_data)
    if predicted.foreign is not None:
        foreign.add(index, predicted.foreign)
    return predicted.answer


def defocus_axis(signal: Signal2D, card: Card) -> Any:
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
