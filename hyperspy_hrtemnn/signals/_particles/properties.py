# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of particles: the table of `Instances.properties`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis import novelty_of_particles, particle_properties
from hyperspy_hrtemnn.analysis.kinds_of_tables import check_properties
from hyperspy_hrtemnn.image_data import image_data
from hyperspy_hrtemnn.signals._prediction.novelty import (
    at_pixels,
    computed_novelty,
)
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.entrance import in_same_form
from hyperspy_hrtemnn.signals._shared.labels import has_no_data
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import (
    check_property_table,
    property_table,
)

if TYPE_CHECKING:
    import pandas as pd
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


_NOTHING = (0, 0)  # pixels that were replaced, or left out


def properties_of(
    particles: Signal2D,
    image: Signal2D | None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the properties of particles; see `Instances.properties`."""
    side = sampling(particles, str(particles.axes_manager.signal_axes[0].units))
    if image is not None:
        image = in_same_form(particles, image)
    check_property_table(particles)
    rule = FrameRule(known=True)
    novelty = computed_novelty(particles)
    with_image = image is not None
    found = each_frame(
        particles,
        partial(_table, side=side, with_image=with_image),
        beside=None if image is None else (image, rule),
        arguments=novelty,
        label="properties",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    pairs = [(None, _NOTHING) if pair is None else pair for pair in found]
    table = property_table(particles, [rows for rows, _ in pairs])
    if image is not None:
        for number, (_, counts) in enumerate(pairs):
            rule.replaced.add(number, *counts)
        rule.replaced.tell()
        table.attrs["images"] = rule.replaced.counts()
    return table


def _table(
    frame: NDArray[np.integer[Any]],
    *more: NDArray[Any] | None,
    side: float,
    with_image: bool,
) -> tuple[pd.DataFrame, tuple[int, int]] | None:
    """Return the properties of a frame, and its numbers of bad and of no pixels.

    Parameters
    ----------
    frame
        Labels, shape (1, y, x).
    more
        The image, if intensities are wanted, None if it cannot be read; and the novelty
        of the frame, if it is known.
    side
        Side of a pixel.
    with_image
        Whether there is an image.
    """
    (labels,) = frame
    if has_no_data(labels):
        return None
    counts, replaced = None, _NOTHING
    if with_image:
        picture = more[0]
        counts = np.full(labels.shape, np.nan)
        if picture is not None:
            data = image_data(picture)
            counts, replaced = data.counts()[0], (data.bad_pixels, data.no_data)
    table = particle_properties(labels, counts, side)
    novelty = more[-1] if len(more) > with_image else None
    if novelty is not None:
        shape = (labels.shape[0], labels.shape[1])
        table["novelty"] = novelty_of_particles(labels, at_pixels(novelty, shape))
    return table, replaced


def curve_against(table: pd.DataFrame, name: str) -> str:
    """Return what a column of a table of properties is drawn against.

    Time, or another calibrated axis; the number of the frame where there is none or
    several.

    Raises
    ------
    ValueError
        If it is another table, or there is no such property.
    """
    check_properties(table)
    first = table.columns.get_loc("area")
    coordinates = list(table.columns[2:first])
    known = list(table.columns[first:])
    if name not in known:
        hint = " It needs the image." if name == "mean_intensity" else ""
        raise ValueError(
            f"There is no property {name!r}; there are {', '.join(known)}.{hint}"
        )
    return coordinates[0] if len(coordinates) == 1 else "frame"
