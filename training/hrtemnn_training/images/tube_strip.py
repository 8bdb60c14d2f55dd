# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips of nanotubes, as the label Chirality sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.analysis import STRIP_LENGTH, STRIP_WIDTH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .sample import Sample

# Shortest strip of a training, in the usual length: short tubes have shorter strips.
_SHORTEST = 0.7


def tube_strip(
    sample: Sample, rng: np.random.Generator | None = None
) -> NDArray[np.float32]:
    """Return the strip of a tube, which lies along x in the middle of the field.

    Parameters
    ----------
    sample
        Image of the whole field.
    rng
        Source of the length of the strip; without it, it has the usual length.

    Returns
    -------
    Counts, shape (y, x).

    Raises
    ------
    ValueError
        If the field is smaller than the strip.
    """
    share = 1.0 if rng is None else rng.uniform(_SHORTEST, 1)
    counts = sample.exposure.counts[0]
    sides = (STRIP_WIDTH, share * STRIP_LENGTH)
    shape = [round(side / sample.pixel) for side in sides]
    if any(n > whole for n, whole in zip(shape, counts.shape, strict=True)):
        raise ValueError(
            f"The field of view is too small for a strip of {STRIP_LENGTH:g} Å by "
            f"{STRIP_WIDTH:g} Å and a rim of 4 Å: widen the field."
        )
    rows, columns = (
        slice((whole - n) // 2, (whole - n) // 2 + n)
        for n, whole in zip(shape, counts.shape, strict=True)
    )
    strip: NDArray[np.float32] = counts[rows, columns]
    return strip
