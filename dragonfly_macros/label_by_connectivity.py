# SPDX-License-Identifier: GPL-3.0-or-later
"""Menu item "Label by 2+1D Connectivity": each particle of a ROI, in all frames.

It is menu item 1 of the thesis (section 6.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import ParticleTracker, split_particles
from hyperspy_hrtemnn.options import SplittingOptions

from .dialogs import ask_number, progress
from .guesses import multi_roi_of
from .movies import (
    frame_count,
    frames,
    in_pixels,
    labels_like,
    published,
    temporary,
    write_frame,
)

if TYPE_CHECKING:
    from ORSModel import ROI, MultiROI

TITLE = "Label by 2+1D Connectivity"

_MOST_LABELS = np.iinfo(np.uint16).max


def ask_min_separation() -> float:
    """Return the smallest distance of two touching particles [nm]."""
    return ask_number("Smallest distance of two touching particles (nm)", TITLE, 1)


def label_particles(roi: ROI, min_separation: float) -> MultiROI:
    """Publish a MultiROI in which each particle of a ROI has one label in all frames.

    Parameters
    ----------
    roi
        Mask of the particles in each frame.
    min_separation
        Smallest distance between the centers of two touching particles [nm]. Particles
        smaller than a twentieth of its square are dropped.

    Raises
    ------
    Cancelled
        If the user cancels; nothing is published then.
    ValueError
        If the frames lie along Z and T, the ROI has no particle, or the length is less
        than a pixel.
    """
    count = frame_count(roi)
    pixels = in_pixels(min_separation, roi, "The smallest distance")
    tracker = ParticleTracker()
    with temporary(labels_like(roi)) as labels:
        with progress(TITLE, count) as advance:
            for number, frame in enumerate(frames(roi)):
                ids = tracker.link(split_particles(frame != 0, pixels))
                if tracker.next_id > _MOST_LABELS:
                    raise ValueError(
                        f"There are more than {_MOST_LABELS} particles. Give a larger "
                        "distance, so that specks are dropped."
                    )
                write_frame(labels, number, ids)
                advance()
        found = tracker.next_id - 1
        if not found:
            least = SplittingOptions(min_separation).smallest_area
            raise ValueError(
                f"{roi.getTitle()!r} has no particle of {least:g} nm² or more in any "
                "frame."
            )
        labels.setDataDirty()
        multi_roi = multi_roi_of(labels)
    with published(multi_roi):
        multi_roi.setTitle(f"{roi.getTitle()} particles")
        multi_roi.setLabelCount(found)
        for number in range(1, found + 1):
            multi_roi.setLabelName(number, f"Particle {number}")
    return multi_roi
