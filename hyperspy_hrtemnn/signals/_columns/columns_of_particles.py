# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles of the same frames as a segmentation, and which column is of which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.analysis import particles_of_columns
from hyperspy_hrtemnn.bad_frames import NO_DATA, BadFrameError
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.labels import has_no_data

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


def fitting(instances: Signal2D, segmentation: Signal2D) -> Signal2D:
    """Return particles whose frames are those of a segmentation.

    Raises
    ------
    ValueError
        If they are others.
    """
    particles = in_one_form(instances)
    axes = segmentation.axes_manager.navigation_axes[::-1]
    frames = tuple(axis.size for axis in axes if axis.name != "class")
    needed = (*frames, *segmentation.data.shape[-2:])
    if particles.data.shape != needed:
        raise ValueError(
            f"The instances have the shape {particles.data.shape}, and the frames of "
            f"the segmentation {needed}; they have to be the same."
        )
    return particles


def particles_of(
    positions: NDArray[Any], *particles: NDArray[Any] | None
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the columns ``id`` and ``outside`` of a table of one frame.

    Parameters
    ----------
    positions
        Row and column of each atomic column [pixels].
    particles
        Particles of the frame, shape (y, x), None if they cannot be read; nothing if
        they are not wanted, and then there are no such columns.

    Raises
    ------
    BadFrameError
        If nothing is known of the particles of the frame.
    """
    if not particles:
        return {}, {}
    (labels,) = particles
    if labels is None or has_no_data(labels):
        raise BadFrameError("Nothing is known of its particles.", NO_DATA)
    members = particles_of_columns(positions, labels)
    return {"id": members.particle}, {"outside": members.outside}
