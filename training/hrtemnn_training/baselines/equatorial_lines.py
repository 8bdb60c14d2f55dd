# SPDX-License-Identifier: GPL-3.0-or-later
"""Equatorial lines: the indices of a nanotube from its spectrum, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hrtemnn_training.images.tube_strip import tube_strip
from hyperspy_hrtemnn.analysis import (
    equatorial_diameter,
    indices_likeness,
    layer_line_angle,
    strip_spectrum,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

    from .baseline import Baseline


def equatorial_lines(pairs: Sequence[tuple[int, int]]) -> Baseline:
    """Return the baseline that measures diameter and chiral angle.

    Parameters
    ----------
    pairs
        Pairs of indices that it chooses from.
    """

    def predict(sample: Sample) -> NDArray[np.float64]:
        spectrum, step = strip_spectrum(tube_strip(sample), sample.pixel)
        diameter = equatorial_diameter(spectrum, step)
        return indices_likeness(diameter, layer_line_angle(spectrum, step), pairs)

    return predict
