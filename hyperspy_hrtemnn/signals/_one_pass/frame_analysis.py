# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame analysis: everything that is measured while a frame is in memory.

Nothing here imports HyperSpy, for which the processes of a cluster would wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import (
    find_reflections,
    measure_reflections,
    novelty_of_particles,
    particle_properties,
    particle_spectra,
    split_and_count_particles,
)
from hyperspy_hrtemnn.bad_frames import check_data
from hyperspy_hrtemnn.image_data import image_data
from hyperspy_hrtemnn.networks import Network, predict
from hyperspy_hrtemnn.signals._shared.foreign import foreign_share
from hyperspy_hrtemnn.signals._tracking.linking import Runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.options import (
        PredictionOptions,
        ReflectionOptions,
        SplittingOptions,
    )

    from .column_analysis import ColumnAnalysis, ZoneAxisAnalysis

    Image = NDArray[Any]
    Labels = NDArray[np.int32]
    Record = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class SpectrumAnalysis:
    """What is done to the spectra of the particles of a frame, one after the other.

    Parameters
    ----------
    shape
        Shape of the crop, (y, x) [pixels].
    apodization
        Standard deviation of the window's edge in pixels.
    step
        Step between pixels of a spectrum, (ky, kx) [1/nm].
    search
        Options for finding reflections.
    """

    shape: tuple[int, int]
    apodization: float
    step: tuple[float, float]
    search: ReflectionOptions

    def find(self, image: Image, labels: Labels, numbers: Iterable[int]) -> Record:
        """Return the reflections of the particles of a frame, NaN where it is no data.

        Returns
        -------
        ``shown``, the particles whose spectrum is not empty, and ``reflections``, a
        row for each with the particle as ``label``.
        """
        tables = {
            number: find_reflections(spectrum, self.step, **vars(self.search))
            for number, spectrum in self._spectra(image, labels, numbers)
            if spectrum.any()
        }
        nothing = find_reflections(np.zeros((3, 3)), self.step, **vars(self.search))
        rows = [table.assign(label=number) for number, table in tables.items()]
        together = pd.concat(rows or [nothing.assign(label=0)])
        return {
            "shown": np.array(list(tables), np.int64),
            "reflections": together.to_records(index=False),
        }

    def measure(self, image: Image, packed: Runs, places: pd.DataFrame) -> Image:
        """Return intensity and amplitude where reflections should be.

        Parameters
        ----------
        image
            The frame.
        packed
            Its particles.
        places
            ``label`` of the particle, ``spacing`` and ``angle``, sorted by label.

        Returns
        -------
        Shape (place, 2).
        """
        check_data(image)
        groups = dict(list(places.groupby("label")))
        values = [np.zeros((2, 0))]
        counts = image_data(image).counts()[0]
        for number, spectrum in self._spectra(counts, packed.labels(), groups):
            where = (groups[number][name] for name in ("spacing", "angle"))
            square = self.search.square
            measured = measure_reflections(spectrum, self.step, *where, square=square)
            values.append(np.stack(measured))
        return np.concatenate(values, axis=1).T

    def _spectra(self, image: Image, labels: Labels, numbers: Any) -> Any:
        spectra = particle_spectra(
            image, labels, numbers, size=self.shape, apodization=self.apodization
        )
        return zip(numbers, spectra, strict=True)


@dataclass(frozen=True)
class FrameAnalysis:
    """From an image to what is kept of it.

    Parameters
    ----------
    network
        Network that segments the frames.
    pixel_size
        Pixel size of the image [Å]; None if its pixels are taken for the network's.
    prediction
        Options for running the network.
    splitting
        Options for splitting the frame into particles [pixels].
    side
        Side of a pixel in the unit of the table of properties.
    spectra
        Analysis of the spectra; None if there are no spectra.
    columns
        Analysis of the columns; None if nobody looks for any.
    zone_axis
        Analysis of the zone axes; None if nobody asks for them.
    """

    network: Network
    pixel_size: float | None
    prediction: PredictionOptions
    splitting: SplittingOptions
    side: float
    spectra: SpectrumAnalysis | None = None
    columns: ColumnAnalysis | None = None
    zone_axis: ZoneAxisAnalysis | None = None

    def __call__(self, image: Image) -> Record:
        """Return the record of a frame, shape (y, x).

        Returns
        -------
        ``start`` and ``value`` of `Runs`, ``properties``, the number of regions that
        were ``dropped``, ``replaced``, the number of bad pixels and of those that are
        no data, the share that is ``foreign`` if the network has a guard, and what the
        analyses of spectra, columns and axes find. Particles have the labels of
        `separate`, which mean nothing in another frame.
        """
        data = image_data(image)
        predicted = predict(
            self.network, data, self.pixel_size, **vars(self.prediction)
        )
        counts = data.counts()[0]
        novelty = predicted[-1] if self.network.has_novelty else None
        labels, dropped = split_and_count_particles(predicted[0], self.splitting)
        del predicted
        packed = Runs.of(labels)
        table = particle_properties(labels, counts, self.side)
        if novelty is not None:
            table["novelty"] = novelty_of_particles(labels, novelty)
        record = {
            "start": packed.start,
            "value": packed.value,
            "properties": table.to_records(index=False),
            "dropped": np.array(dropped),
            "replaced": np.array([data.bad_pixels, data.no_data]),
        }
        if novelty is not None:
            record["foreign"] = np.array(foreign_share(novelty))
        if self.spectra is not None:
            record |= self.spectra.find(counts, labels, table["id"].tolist())
        if self.columns is not None:
            record |= self.columns(data, labels)
        if self.zone_axis is not None:
            record |= self.zone_axis(counts, labels, table["id"].tolist())
        return record
