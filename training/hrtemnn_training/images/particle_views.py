# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of the particle of a sample, as the label Chemical order sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.networks import PARTICLE_VIEW, particle_view

from .outlines import instances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .sample import Sample

# In training, as from users: outlines of a segmentation, in sizes of the particles; how
# far they are off the middle [Å]; and the share of the images that are of one particle,
# without outlines.
_DRAWN = (0.9, 1.2)
_OFF = 3.0
_WITHOUT = 0.25


def view_of_sample(
    sample: Sample, rng: np.random.Generator | None = None
) -> NDArray[np.float32]:
    """Return the particle of a sample as a network sees it, see `particle_view`.

    Parameters
    ----------
    sample
        Image of the whole field, with one particle.
    rng
        Source of how inexactly it is cut out; without it, it is cut out exactly.

    Returns
    -------
    Shape (y, x).

    Raises
    ------
    ValueError
        If the image is smaller than a view.
    """
    if min(sample.exposure.size) < PARTICLE_VIEW:
        raise ValueError(
            f"The field of view is too small for views of {PARTICLE_VIEW:g} Å and a "
            "rim of 4 Å: widen the field."
        )
    (outline,) = sample.specimen.outlines
    middle = outline.mean(axis=0)
    drawn, off, is_alone = 1.0, np.zeros(2), False
    if rng is not None:
        drawn, off = rng.uniform(*_DRAWN), rng.uniform(-_OFF, _OFF, 2)
        is_alone = rng.random() < _WITHOUT
    outline = middle + drawn * (outline - middle)
    (box,) = sample.grid.indices(np.array([outline.max(0) + outline.min(0)]) / 2 + off)
    return particle_view(
        sample.exposure.counts[0],
        sample.pixel,
        sample.sampling,
        labels=None if is_alone else instances([outline], sample.grid),
        middle=(float(box[0]), float(box[1])),
    )
