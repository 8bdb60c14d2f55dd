# SPDX-License-Identifier: GPL-3.0-or-later
"""True columns of a sample: their places and classes, and an image read at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

# Around an image, where columns may be matched but do not count [Å].
_AROUND = 2.0


def true_columns(sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Return place (y, x) and class of the columns in and just around an image.

    Places are from the upper left corner of the image [Å].
    """
    positions = _places(sample)
    near = within(positions, sample, -_AROUND)
    return positions[near], sample.specimen.sites.classes[near].astype(np.intp)


def true_atoms(sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return place (y, x) and number of atoms of the columns, as `true_columns`."""
    positions = _places(sample)
    near = within(positions, sample, -_AROUND)
    return positions[near], sample.specimen.sites.heights[near]


def _places(sample: Sample) -> NDArray[np.float64]:
    return np.asarray(sample.specimen.sites.positions[:, ::-1] - sample.exposure.corner)


def within(
    positions: NDArray[np.floating], sample: Sample, margin: float
) -> NDArray[np.bool_]:
    """Return which places (y, x) are that far inside the image, all in Å."""
    size = np.asarray(sample.exposure.size)
    return np.asarray(
        np.all((positions >= margin) & (positions <= size - margin), axis=1)
    )


def seen_columns(sample: Sample) -> NDArray[np.bool_]:
    """Return which columns of the specimen have their whole disc in the image."""
    return within(_places(sample), sample, sample.parameters.spotsize / 2)


def read_columns(image: NDArray[np.floating], sample: Sample) -> NDArray[np.float64]:
    """Return the median of an image of the camera over the disc of each column."""
    positions = sample.specimen.sites.positions[seen_columns(sample)]
    centers = np.rint(sample.grid.indices(positions)).astype(int)
    radius = sample.parameters.spotsize / 2
    side = int(np.ceil(radius / sample.pixel))
    window = np.mgrid[-side : side + 1, -side : side + 1].reshape(2, -1).T
    window = window[np.hypot(*window.T) * sample.pixel <= radius]
    rows, columns = np.moveaxis(centers[:, np.newaxis] + window, -1, 0)
    rows = np.clip(rows, 0, image.shape[0] - 1)
    columns = np.clip(columns, 0, image.shape[1] - 1)
    return np.asarray(np.median(image[rows, columns], axis=1))
