# SPDX-License-Identifier: GPL-3.0-or-later
"""Guesses about Dragonfly, all in one place.

All other calls of the menu items were seen in published extensions. These were not, and
nearly all of them are about grids with several time steps. Each function says what it
guesses, and checks the result by calls that were seen. A movie along Z does not need
any of them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from OrsHelpers.datasethelper import DatasetHelper
from ORSModel import ROI, Channel, MultiROI

if TYPE_CHECKING:
    from numpy.typing import NDArray


class WrongGuess(ValueError):  # noqa: N818 - the user reads it
    """Dragonfly does not do what was guessed."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}. This was a guess about Dragonfly, and it is wrong in this "
            "version. A movie whose frames lie along Z needs no such guess. Please "
            "report this: docs/dragonfly.md says how."
        )


def roi_volume(roi: ROI, t: int) -> NDArray[np.uint8]:
    """Return a time step of a ROI, shape (z, y, x).

    Guess: ``getAsNDArray`` takes the number of the time step. Seen: without a number,
    for the only step there is; its shape (0,) for an empty ROI; ``getVoxelCount(t)``.
    """
    if roi.getTSize() == 1:
        return np.asarray(roi.getAsNDArray())
    try:
        volume = np.asarray(roi.getAsNDArray(t))
    except TypeError as error:
        raise WrongGuess(f"A ROI is not read at its time step {t} ({error})") from error
    if np.count_nonzero(volume) != roi.getVoxelCount(t):
        raise WrongGuess(
            f"A ROI has {roi.getVoxelCount(t)} voxels in time step {t}, and "
            f"{np.count_nonzero(volume)} were read"
        )
    return volume


def roi_of(channel: Channel) -> ROI:
    """Return a new ROI, not published, of the voxels at which an integer channel is 1.

    Guess: ``getAsROIWithinRange`` uses every time step.
    """
    roi = channel.getAsROIWithinRange(1, 1, None, None)
    if roi is None:
        raise ValueError("Dragonfly could not make a ROI of the result.")
    steps = range(channel.getTSize()) if channel.getTSize() > 1 else ()
    for t in steps:
        expected = np.count_nonzero(channel.getNDArray(t) == 1)
        if roi.getVoxelCount(t) != expected:
            found = roi.getVoxelCount(t)
            roi.deleteObject()
            raise WrongGuess(
                f"A ROI made of a channel has {found} voxels in time step {t}, not "
                f"{expected}"
            )
    return roi


def multi_roi_of(labels: Channel) -> MultiROI:
    """Return a new MultiROI, not published, of a channel of labels.

    Guess: ``createMultiROIFromDataset`` converts every time step, and so does
    ``getAsChannel``, which is used for the check.
    """
    multi_roi = DatasetHelper.createMultiROIFromDataset(
        labels, multiROI=None, IProgress=None
    )
    if multi_roi is None:
        raise ValueError("Dragonfly could not make a MultiROI of the labels.")
    if labels.getTSize() == 1:
        return multi_roi
    back = labels_of(multi_roi)
    differs = [
        t
        for t in range(labels.getTSize())
        if t >= back.getTSize()
        or not np.array_equal(back.getNDArray(t), labels.getNDArray(t))
    ]
    back.deleteObject()
    if differs:
        multi_roi.deleteObject()
        steps = ", ".join(map(str, differs))
        raise WrongGuess(
            f"A MultiROI made of labels differs from them in time steps {steps}"
        )
    return multi_roi


def labels_of(multi_roi: MultiROI) -> Channel:
    """Return the labels of a MultiROI as a new channel that is not published.

    Guess: ``getAsChannel`` converts every time step. Seen: for the only one there is.
    """
    labels = Channel()
    multi_roi.getAsChannel(inOutStructuredGrid=labels, IProgress=None)
    if labels.getTSize() != multi_roi.getTSize():
        found, expected = labels.getTSize(), multi_roi.getTSize()
        labels.deleteObject()
        raise WrongGuess(
            f"A MultiROI of {expected} time steps gave a channel of {found}"
        )
    return labels


def is_cancelled(answer: str | None) -> bool:
    """Return whether a prompt for a text was cancelled.

    Guess: the answer is then None or empty. Seen: only prompts that were answered.
    """
    return answer is None or not str(answer).strip()


def python_command() -> str:
    """Return the command that starts Dragonfly's Python.

    Guess: it is ``python.exe`` in the folder that Python gives as its prefix. Seen:
    where it is in some versions, see `dragonfly_macros.places`.
    """
    return f'"{Path(sys.prefix) / "python.exe"}"'
