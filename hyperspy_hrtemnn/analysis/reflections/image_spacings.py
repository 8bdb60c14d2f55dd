# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice spacings that an image shows, wherever its crystals are."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis.particles.local_fourier import local_spectrum
from hyperspy_hrtemnn.options import ReflectionOptions

from .peaks import find_reflections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

# A small crystal is much of one of the parts into which an image is divided, and its
# reflections are lost in the noise of the whole.
_PARTS = 4
_SMALLEST_PART = 192  # side [pixels]

# Standard deviation of the soft edge of a part, of its side.
_EDGE = 1 / 40


def image_spacings(
    image: ArrayLike,
    sampling: float,
    *,
    min_spacing: float = 0.1,
    false_alarms: float = ReflectionOptions.false_alarms,
) -> pd.DataFrame:
    """Find the lattice spacings that an image shows.

    The image is divided into up to four by four parts, and the reflections of each are
    found by `find_reflections`.

    Parameters
    ----------
    image
        The image, shape (y, x); NaN where there is no data.
    sampling
        Side of a pixel [nm].
    min_spacing
        Smallest spacing that is looked for [nm].
    false_alarms
        Expected number of reflections found in an image of noise.

    Returns
    -------
    A row for each reflection of each part, the clearest first: ``spacing`` in nm;
    ``contrast``, the amplitude over that of noise; ``relative``, the contrast over the
    largest of the part.
    """
    values = np.asarray(image)
    parts = list(_parts(values.shape))
    tables = [
        _of_part(values[part], sampling, min_spacing, false_alarms / len(parts))
        for part in parts
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values("contrast", ascending=False, ignore_index=True)


def _of_part(
    part: NDArray[Any], sampling: float, min_spacing: float, false_alarms: float
) -> pd.DataFrame:
    """Return the spacings of one part, with their contrasts."""
    height, width = part.shape
    spectrum = local_spectrum(
        part,
        np.ones(part.shape, bool),
        size=(height, width),
        apodization=min(part.shape) * _EDGE,
    )
    step = (1 / (height * sampling), 1 / (width * sampling))
    # Images are often sampled far more finely than their spacings need.
    far = [int(np.ceil(1 / (min_spacing * d))) + 1 for d in step]
    rows, columns = (
        slice(max(0, n // 2 - f), n // 2 + f + 1)
        for n, f in zip(part.shape, far, strict=True)
    )
    found = find_reflections(spectrum[rows, columns], step, false_alarms=false_alarms)
    contrast = found["amplitude"] / found["noise"]
    table = found[["spacing"]].assign(
        contrast=contrast, relative=contrast / contrast.max()
    )
    return table[table["spacing"] >= min_spacing]


def _parts(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Yield the parts of an image, shape (y, x), none of them small."""
    borders: list[NDArray[np.intp]] = []
    for size in shape:
        number = int(np.clip(size // _SMALLEST_PART, 1, _PARTS))
        borders.append(np.linspace(0, size, number + 1).astype(int))
    y, x = borders
    for i, j in product(range(len(y) - 1), range(len(x) - 1)):
        yield np.s_[y[i] : y[i + 1], x[j] : x[j + 1]]
