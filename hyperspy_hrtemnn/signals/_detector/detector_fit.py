# SPDX-License-Identifier: GPL-3.0-or-later
"""Detector fit: the result of `HRTEM.fit_mtf`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.analysis.detector.parameters import (
    detector_parameters,
    write_parameters_file,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperspy_hrtemnn.analysis.detector.mtf_fit import MTFFit
    from hyperspy_hrtemnn.analysis.detector.readout import ReadoutFit
    from hyperspy_hrtemnn.analysis.detector.spectrum import NoiseSpectrum


@dataclass(frozen=True)
class DetectorFit:
    """MTF and readout noise of a camera, from the noise of a region of vacuum.

    Parameters
    ----------
    table
        One row for each frame: ``frame``, ``time`` if it is known, the columns of
        `HRTEM.estimate_dose`, then ``c0``, ``c1``, ``c2``, ``c3``, ``C`` and ``R2`` of
        equations 1 and A.1 of the noise paper, standard errors ``c0_error``,
        ``c3_error`` and ``C_error``, ``counts_per_electron`` as the noise has it, and
        how many ``hot_pixels`` were replaced by the median of their neighbors.
        ``attrs["units"]`` has the units, ``attrs["detector"]`` region, sampling, gain
        and where it is from.
    readout
        N0 of equation 2.
    spectra
        Power spectra of the noise of each frame.
    fits
        Fit of the MTF to each spectrum.
    """

    table: pd.DataFrame
    readout: ReadoutFit
    spectra: tuple[NoiseSpectrum, ...]
    fits: tuple[MTFFit, ...]

    def to_parameters(self, min_R2: float = 0.98) -> dict[str, Any]:
        """Return the keys of a parameters file that simulate this camera.

        See `hyperspy_hrtemnn.analysis.detector_parameters`.

        Parameters
        ----------
        min_R2
            Frames whose fit explains less are left out of the ranges of the MTF.

        Raises
        ------
        ValueError
            If no frame is left.

        Warns
        -----
        UserWarning
            If N0 is uncertain, or the frames do not follow equation 2, as with a wrong
            offset.
        """
        return detector_parameters(self.table, self.readout, min_R2)

    def save(self, path: str | Path, min_R2: float = 0.98) -> None:
        """Write these keys into a parameters file for training.

        Parameters
        ----------
        path
            A JSON file; whole or not at all. One that exists keeps its other keys: a
            parameters file, or a recipe, of which ``images`` is changed.
        min_R2
            As in `to_parameters`.

        Raises
        ------
        ValueError
            If no frame is left, or the file that exists is not a JSON object.

        Warns
        -----
        UserWarning
            As in `to_parameters`.
        """
        write_parameters_file(
            path, detector_parameters(self.table, self.readout, min_R2)
        )

    def plot_spectrum(
        self, frame: int = 0, axes: Sequence[Axes] | None = None
    ) -> Figure:
        """Plot the spectrum of the noise of a frame with its fit.

        See `hyperspy_hrtemnn.plots.plot_noise_spectrum`.

        Parameters
        ----------
        frame
            Number of the frame in the table.
        axes
            Two, where to plot; by default those of a new figure.

        Raises
        ------
        IndexError
            If there is no such frame.
        """
        from hyperspy_hrtemnn.plots import plot_noise_spectrum

        if not -len(self.fits) <= frame < len(self.fits):
            raise IndexError(f"There is no frame {frame}; there are {len(self.fits)}.")
        return plot_noise_spectrum(self.spectra[frame], self.fits[frame], axes)

    def plot_parameters(self, axes: Sequence[Axes] | None = None) -> Figure:
        """Plot c0, c3 and C of each frame against dose.

        See `hyperspy_hrtemnn.plots.plot_mtf_parameters`.
        """
        from hyperspy_hrtemnn.plots import plot_mtf_parameters

        return plot_mtf_parameters(self.table, axes)

    def plot_readout(self, ax: Axes | None = None) -> Axes:
        """Plot C of each frame against electrons a pixel, and what N0 makes of it.

        See `hyperspy_hrtemnn.plots.plot_readout`.
        """
        from hyperspy_hrtemnn.plots import plot_readout

        return plot_readout(self.table, self.readout, ax)
