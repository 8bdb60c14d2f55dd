# SPDX-License-Identifier: GPL-3.0-or-later
"""Menu item "Segment with network": segmentation of images with a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.networks import available, load, out_of_range, predict

from .dialogs import ask_number, ask_text, progress, warn
from .guesses import multi_roi_of, roi_of
from .movies import (
    frame_count,
    frames,
    labels_like,
    pixel_size,
    published,
    temporary,
    write_frame,
)

if TYPE_CHECKING:
    from ORSModel import ROI, Channel, MultiROI

    from hyperspy_hrtemnn.networks import Network

TITLE = "Segment with network"

_ANGSTROM = 10  # in a nm


def ask_network() -> Network:
    """Return the network whose name or file the user gives."""
    usable = [name for name in available() if _why_not(load(name)) is None]
    question = f"Network: {', '.join(usable)}; or the path of an .onnx file"
    answer = ask_text(question, TITLE, usable[0])
    return load(answer if answer in available() else Path(answer.strip('"')))


def ask_probability(network: Network) -> float:
    """Return the smallest probability of the pixels of a class.

    The proposed value is the network's threshold of unbiased area.
    """
    proposed = network.card.unbiased_threshold
    return ask_number("Smallest probability, 0 to 1", TITLE, proposed)


def segment(channel: Channel, network: Network, probability: float) -> ROI | MultiROI:
    """Publish the objects that a network finds, as a ROI, or a MultiROI for classes.

    A warning says which conditions are outside the ranges of the training.

    Parameters
    ----------
    channel
        Images to segment.
    network
        Network that segments single images.
    probability
        Smallest probability of a pixel of the ROI. With several classes, each pixel
        gets the most probable one.

    Raises
    ------
    Cancelled
        If the user cancels; nothing is published then.
    ValueError
        If the network cannot be used, the frames lie along Z and T, a frame shows
        nothing, the probability is out of range or nothing is found.
    """
    card = network.card
    why_not = _why_not(network)
    if why_not is not None:
        raise ValueError(f"The network {card.name!r} {why_not}.")
    if not 0 < probability <= 1:
        raise ValueError(f"The probability has to be in 0 to 1, not {probability:g}.")
    count = frame_count(channel)
    sampling = pixel_size(channel) * _ANGSTROM
    outside = out_of_range(card, sampling=sampling)
    if outside:
        warn(
            f"{channel.getTitle()!r} is outside what {card.name!r} was trained for: "
            f"{'; '.join(outside)}.",
            TITLE,
        )
    found = False
    with temporary(labels_like(channel)) as labels:
        with progress(TITLE, count) as advance:
            for number, image in enumerate(frames(channel)):
                try:
                    answer = predict(network, image, sampling)
                except ValueError as error:
                    raise ValueError(f"Frame {number}: {error}") from error
                best = np.where(
                    answer.max(axis=0) >= probability, answer.argmax(axis=0) + 1, 0
                )
                found |= bool(best.any())
                write_frame(labels, number, best)
                advance()
        if not found:
            raise ValueError(
                f"{card.name!r} found nothing with a probability of {probability:g} or "
                f"more in {channel.getTitle()!r}."
            )
        labels.setDataDirty()
        one = len(card.classes) == 1
        result = roi_of(labels) if one else multi_roi_of(labels)
    with published(result):
        result.setTitle(f"{channel.getTitle()} {card.name}")
        if not one:
            result.setLabelCount(len(card.classes))
            for number, name in enumerate(card.classes, start=1):
                result.setLabelName(number, name)
    return result


def _why_not(network: Network) -> str | None:
    """Return why a network cannot segment single images, None if it can."""
    card = network.card
    if card.task != "segmentation":
        return f"does not segment: it is for {card.task}"
    if card.channels != 1:
        return f"needs a focal series of {card.channels} images"
    return None
