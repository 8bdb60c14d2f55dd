# SPDX-License-Identifier: GPL-3.0-or-later
"""Thon-ring fit: the lens of an image without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hrtemnn_training.images.rings import rings_of, true_optics
from hyperspy_hrtemnn.analysis import fit_thon_rings
from hyperspy_hrtemnn.networks import PredictedOptics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.sample import Sample


def tune_thon_rings(validation: Sequence[Sample]) -> Baseline:
    """Return the fit, which is told the energy and the true spherical aberration.

    It has no error and no blur: that is the mean of the validation samples.

    Parameters
    ----------
    validation
        Samples that give the range of the defocus and the mean of the blur.
    """
    truth = np.array([true_optics(sample) for sample in validation])
    largest = 1.25 * float(np.abs(truth[:, 0]).max())
    blur = float(truth[:, 3].mean())

    def fit(sample: Sample) -> PredictedOptics:
        lens = fit_thon_rings(
            rings_of(sample),
            Cs=sample.exposure.optics[0].Cs,
            defocus=(-largest, largest),
        )
        values = np.array([lens.defocus, lens.cosine, lens.sine, blur])
        return PredictedOptics(values, np.full(4, np.nan), 0.5)

    return fit
