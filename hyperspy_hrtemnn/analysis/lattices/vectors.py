# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice vectors of a crystal, from the positions of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from skimage.feature import peak_local_max

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Lengths in distances of neighboring columns: the longest lattice vector in the search,
# and the width of a bin of the histogram of all vectors between columns.
_LONGEST = 4.0
_BIN = 0.1

# Share of columns that a lattice vector connects, relative to the most common vector.
# In a honeycomb the vectors between neighbors connect half of the columns.
_SHARE = 0.7

# Sine of the smallest angle between two lattice vectors.
_FLAT = 0.3


def span_a_plane(vectors: NDArray[np.floating | np.integer]) -> bool:
    """Return whether vectors have two directions or more; no vectors do not.

    Parameters
    ----------
    vectors
        Vectors, shape (vector, dimension).
    """
    # Before version 2.3, numpy does not give the rank of an empty array.
    return len(vectors) > 1 and bool(np.linalg.matrix_rank(vectors) > 1)


def find_lattice_vectors(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find two short lattice vectors, (x, y) each, reduced.

    Of all vectors between columns, lattice vectors are those that connect nearly every
    column to another, whatever the number of columns in a unit cell.

    Parameters
    ----------
    positions
        Positions of the columns in one frame, shape (column, 2).

    Raises
    ------
    ValueError
        If the columns do not repeat along two directions.
    """
    if len(positions) > 2:
        tree = cKDTree(positions)
        spacing = float(np.median(tree.query(positions, k=2)[0][:, 1]))
        pairs = tree.query_pairs(_LONGEST * spacing, output_type="ndarray")
        steps = (positions[pairs[:, 1]] - positions[pairs[:, 0]]) / spacing
        peaks, counts = _clusters(np.concatenate([steps, -steps]))
        peaks = peaks[counts >= _SHARE * counts.max(initial=1)]
        peaks = peaks[np.argsort(np.hypot(*peaks.T), kind="stable")]
        for other in peaks[1:]:
            area = abs(_cross(peaks[0], other))
            if area > _FLAT * np.linalg.norm(peaks[0]) * np.linalg.norm(other):
                return reduced(np.stack([peaks[0], other]) * spacing)
    raise ValueError(
        f"The {len(positions)} columns do not repeat along two directions; give the "
        "lattice vectors, or only the columns of one crystal."
    )


def reduced(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return two shortest vectors of the same lattice, 60 to 90 degrees apart.

    From the first to the second the angle is positive, from x towards y. The first
    points towards positive x.
    """
    a, b = sorted(np.asarray(vectors, float), key=np.linalg.norm)
    while True:  # Lagrange's reduction
        b = b - np.rint(a @ b / (a @ a)) * a
        if np.linalg.norm(b) >= (1 - 1e-9) * np.linalg.norm(a):
            break
        a, b = b, a
    if a @ b < 0:
        b = -b
    if _cross(a, b) < 0:
        a, b = b, a
    return np.stack([a, b]) * (1 if a[0] >= 0 else -1)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _clusters(
    steps: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the middle of each cluster of vectors, and how many are near it."""
    half = round(_LONGEST / _BIN) + 2
    edges = (np.arange(2 * half + 2) - half - 0.5) * _BIN
    counts, _, _ = np.histogram2d(steps[:, 0], steps[:, 1], [edges, edges])
    smooth = gaussian_filter(counts, 1.0)
    peaks = peak_local_max(smooth, min_distance=2, exclude_border=False)  # type: ignore[no-untyped-call]
    near = cKDTree(steps).query_ball_point((peaks - half) * _BIN, 3 * _BIN)
    middles = [np.median(steps[members], axis=0) for members in near if members]
    sizes = [len(members) for members in near if members]
    return np.reshape(middles, (-1, 2)), np.array(sizes, np.intp)
