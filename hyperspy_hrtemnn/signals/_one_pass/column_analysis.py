# SPDX-License-Identifier: GPL-3.0-or-later
"""Column analysis: atomic columns and zone axes while a frame is in memory.

Nothing here imports HyperSpy, for which the processes of a cluster would wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import (
    find_columns,
    particle_spectra,
    particles_of_columns,
)
from hyperspy_hrtemnn.networks import Network, predict, predict_spectra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.image_data import ImageData
    from hyperspy_hrtemnn.options import PredictionOptions

    Labels = NDArray[np.int32]
    Record = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ColumnAnalysis:
    """From an image and its particles to the atomic columns of these.

    Parameters
    ----------
    network
        Network that finds columns.
    pixel_size
        Pixel size of the image [Å]; None if its pixels are taken for the network's.
    prediction
        Options for running the network.
    probability
        Threshold of the probability of columns.
    kept
        Which classes of the network are columns.
    """

    network: Network
    pixel_size: float | None
    prediction: PredictionOptions
    probability: float
    kept: tuple[int, ...]

    def __call__(self, data: ImageData, labels: Labels) -> Record:
        """Return ``columns``, a row for each column of a particle.

        With the particle as ``label``, the ``class`` as its place in `kept`, ``x``,
        ``y`` and ``outside`` in pixels, ``confidence`` and ``filling``.
        """
        maps = predict(self.network, data, self.pixel_size, **vars(self.prediction))
        found = find_columns(maps[list(self.kept)], probability=self.probability)
        members = particles_of_columns(found.positions, labels)
        table = pd.DataFrame(
            {
                "label": members.particle,
                "class": found.classes.astype(np.int64),
                "x": found.positions[:, 1],
                "y": found.positions[:, 0],
                "confidence": found.confidence,
                "filling": found.filling,
                "outside": members.outside,
            }
        )
        return {"columns": table[table["label"] > 0].to_records(index=False)}


@dataclass(frozen=True)
class ZoneAxisAnalysis:
    """From an image and its particles to the probability that each is on a zone axis.

    Parameters
    ----------
    network
        Network that tells it from a spectrum.
    shape
        Shape of the crop, (y, x) [pixels].
    apodization
        Standard deviation of the window's edge in pixels.
    step
        Step between pixels of a spectrum, (ky, kx) [1/nm].
    """

    network: Network
    shape: tuple[int, int]
    apodization: float
    step: tuple[float, float]

    def __call__(
        self, image: NDArray[Any], labels: Labels, numbers: list[int]
    ) -> Record:
        """Return ``zone_axis``, with ``label`` and ``probability`` of each particle."""
        spectra = particle_spectra(
            image, labels, numbers, size=self.shape, apodization=self.apodization
        )
        pairs = zip(numbers, spectra, strict=True)
        shown = [(n, s) for n, s in pairs if s is not None and s.any()]
        probability = np.zeros(0)
        if shown:
            answers = predict_spectra(self.network, [s for _, s in shown], self.step)
            probability = answers[:, 0].astype(float)
        label = np.array([number for number, _ in shown], np.int64)
        table = pd.DataFrame({"label": label, "probability": probability})
        return {"zone_axis": table.to_records(index=False)}
