# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames in which ROIs of ImageJ are: their positions in a stack or a hyperstack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def frames_of_rois(rois: Sequence[Any]) -> list[int | None]:
    """Return the frame of each ROI, counted from 0, or None where it has none.

    A stack has one position. A hyperstack has a channel, a slice and a time. Its frames
    are along time, but along slices where nothing is at a second time: ImageJ takes
    the pages of many files for slices. They are along channels where nothing else is
    there.

    Parameters
    ----------
    rois
        All ROIs of a file, as roifile reads them.

    Raises
    ------
    ValueError
        If the ROIs are at several times and in several slices.
    """
    varies = {
        name: any(getattr(roi, name) > 1 for roi in rois)
        for name in ("t_position", "z_position", "c_position")
    }
    if varies["t_position"] and varies["z_position"]:
        raise ValueError(
            "Its ROIs are at several times (T) and in several slices (Z) of a "
            "hyperstack, and frames are along one of them. Rename the ROIs as "
            "frame0012_id0007, or convert the hyperstack to a stack in ImageJ."
        )
    along = next((name for name, many in varies.items() if many), None)
    return [_frame(roi, along) for roi in rois]


def _frame(roi: Any, along: str | None) -> int | None:
    """Return the frame of a ROI of a hyperstack with its frames along one axis."""
    of_hyperstack = (roi.t_position, roi.z_position, roi.c_position)
    place = getattr(roi, along) if along else max(of_hyperstack)
    place = max(place, roi.position)
    return place - 1 if place > 0 else None
