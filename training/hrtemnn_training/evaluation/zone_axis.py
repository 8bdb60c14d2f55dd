# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a particle is on a zone axis: scores, and the rival without a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ase.data import chemical_symbols
from scipy.stats import mannwhitneyu

from hrtemnn_training.images.labels import image_label
from hrtemnn_training.images.spectrum import particle_spectrum
from hyperspy_hrtemnn.analysis import (
    brightness_ratio,
    find_reflections,
    follow_reflections,
)
from hyperspy_hrtemnn.crystals import as_crystal
from hyperspy_hrtemnn.networks import predict_spectra

from .summary import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hrtemnn_training.images.parameters import ImageParameters
    from hyperspy_hrtemnn.networks import Network

    from .shots import Shot

_HALF = 0.5
_GROUPS = ("shape", "support", "zone_axis")


@dataclass(frozen=True)
class ZoneAxes:
    """Whether the particle is on a zone axis; an answer is a probability, (1,).

    Parameters
    ----------
    parameters
        Which tilt is the largest on an axis.
    """

    parameters: ImageParameters
    plotted: ClassVar[tuple[str, ...]] = ("accuracy",)

    def ask(self, network: Network, shot: Shot) -> NDArray[np.float32]:
        """Return a network's answer."""
        spectrum, step = particle_spectrum(shot.sample, shot.exposure)
        answer: NDArray[np.float32] = predict_spectra(network, [spectrum], step)[0]
        return answer

    def score(self, answer: NDArray[np.floating], shot: Shot) -> dict[str, float]:
        """Return the answer, the truth, and whether they agree at one half."""
        probability, truth = float(answer[0]), self.truth(shot)
        return {
            "accuracy": float((probability > _HALF) == truth),
            "probability": probability,
            "on_axis": float(truth),
        }

    def truth(self, shot: Shot) -> bool:
        """Return whether the particle is on a zone axis."""
        return bool(image_label(shot.sample.values, self.parameters)[0])


def roc_auc(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the area under the ROC curve, of all images and of parts of them.

    It is the probability that an image on a zone axis gets the higher answer of two
    (Hanley and McNeil, Radiology 143 (1982) 29); equal answers count one half.

    Parameters
    ----------
    rows
        Of one contender in the table of `evaluate`.

    Returns
    -------
    ``all``, then by ``shape``, ``support`` and ``zone_axis``; None where no image is on
    an axis, or every one.
    """
    areas: dict[str, Any] = {"all": _area(rows)}
    for name in _GROUPS:
        areas[name] = {str(kind): _area(part) for kind, part in rows.groupby(name)}
    return areas


def _area(rows: pd.DataFrame) -> float | None:
    is_on = rows["on_axis"] == 1
    on, off = rows["probability"][is_on], rows["probability"][~is_on]
    if not len(on) or not len(off):
        return None
    return rounded(mannwhitneyu(on, off).statistic / (len(on) * len(off)))


def tune_brightness_ratio(
    task: ZoneAxes, validation: Sequence[Shot]
) -> Callable[[Shot], NDArray[np.float64]]:
    """Return `brightness_ratio` of single spectra, its threshold the most accurate one.

    The answer is one half at the threshold, and 0 where there are no reflections in two
    directions.
    """
    evenness = np.array([_evenness(shot) for shot in validation])
    truth = np.array([task.truth(shot) for shot in validation])
    # Between neighbors, and beyond both ends.
    edges = np.concatenate([[0.0], np.sort(evenness), [1.0]])
    thresholds = (edges[1:] + edges[:-1]) / 2
    agreed = [np.mean((evenness > t) == truth) for t in thresholds]
    threshold = float(thresholds[int(np.argmax(agreed))])

    def rival(shot: Shot) -> NDArray[np.float64]:
        even = _evenness(shot)
        return np.array([even / (even + threshold)])

    return rival


def _evenness(shot: Shot) -> float:
    """Return the inverse of the brightness ratio; 0 without two directions."""
    spectrum, step = particle_spectrum(shot.sample, shot.exposure)
    found = find_reflections(spectrum, step).assign(frame=0)
    if not len(found):
        return 0.0
    element = chemical_symbols[shot.sample.sites.elements[0]]
    peaks = follow_reflections(found, [0], _crystal(element)).assign(id=0)
    ratio = brightness_ratio(peaks)["brightness_ratio"].item()
    return 1 / ratio if np.isfinite(ratio) else 0.0


_crystal = cache(as_crystal)
