# SPDX-License-Identifier: GPL-3.0-or-later
"""Check of the guesses about Dragonfly in the running version, as the text of a report.

In Dragonfly's Python console::

    from dragonfly_macros.check import check
    print(check())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ORSModel import Channel

from .dialogs import versions
from .guesses import multi_roi_of, python_command, roi_of, roi_volume
from .movies import temporary, write_frame

if TYPE_CHECKING:
    from collections.abc import Callable


def check() -> str:
    """Test each guess on two time steps of a few voxels; nothing is published."""
    lines = [versions(), f"Python's command: {python_command()}"]
    with temporary(_labels()) as labels:
        for name, trial in (
            ("a ROI of all time steps", _roi_of_all_steps),
            ("a ROI read step by step", _roi_step_by_step),
            ("a MultiROI of all time steps, read back", _multi_roi_of_all_steps),
        ):
            lines.append(f"{name}: {_outcome(trial, labels)}")
    return "\n".join(lines)


def _outcome(trial: Callable[[Channel], None], labels: Channel) -> str:
    # A wrong guess may raise any error, which is the result.
    try:
        trial(labels)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "as guessed"


def _labels() -> Channel:
    """Return two time steps of one slice, with labels 1 and 2 at other positions."""
    channel = Channel()
    channel.setXYZTSize(5, 4, 1, 2)
    channel.initializeDataForUSHORT()
    for t, frame in enumerate(np.zeros((2, 4, 5), np.uint16)):
        frame[1, t : t + 2], frame[3, t] = 1, 2
        write_frame(channel, t, frame)
    channel.setDataDirty()
    return channel


def _roi_of_all_steps(labels: Channel) -> None:
    roi_of(labels).deleteObject()


def _roi_step_by_step(labels: Channel) -> None:
    with temporary(roi_of(labels)) as roi:
        for t in range(2):
            expected = labels.getNDArray(t) == 1
            if not np.array_equal(roi_volume(roi, t) != 0, expected):
                raise ValueError(f"other voxels than {np.argwhere(expected).tolist()}")


def _multi_roi_of_all_steps(labels: Channel) -> None:
    multi_roi_of(labels).deleteObject()
