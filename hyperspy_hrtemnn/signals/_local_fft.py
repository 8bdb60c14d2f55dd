# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourier transforms of particles, and the reflections in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from hyperspy.signals import Signal2D

from hyperspy_hrtemnn.analysis import brightness_ratio
from hyperspy_hrtemnn.analysis.kinds_of_tables import reflections_of
from hyperspy_hrtemnn.options import FollowingOptions, ReflectionOptions
from hyperspy_hrtemnn.plots.new_axes import new_axes

from ._fourier.reflection_plots import draw_spectrum
from ._fourier.reflections import one_spectrum, peak_table, spacing_in_nm
from ._fourier.spectrum_display import (
    GAMMA,
    MIN_SPACING,
    farthest,
    percentiles,
    show_range_and_titles,
    shown_share,
)
from ._fourier.zone_axis import zone_axis_table
from ._prediction.predictions import load_for
from ._shared.choice import KeepsChoice
from ._shared.entrance import OneForm
from ._shared.frame_titles import frame_title

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from matplotlib.axes import Axes

    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import DeviceName


class LocalFFT(OneForm, KeepsChoice, Signal2D):  # type: ignore[misc]
    """Amplitudes of the Fourier transforms of particles, float32.

    Array order (..., ky, kx), or (..., id, ky, kx) for all particles of a movie; then
    ``metadata.HRTEMNN.ids`` says which is which. The axes are in 1/nm and zero
    frequency is exactly on a pixel. They come from `HRTEM.local_fft`.
    """

    _signal_type = "HRTEM_local_fft"

    def plot(self, *, min_spacing: float | str = MIN_SPACING, **options: Any) -> None:
        """Plot the spectra as HyperSpy does, where reflections are.

        By default up to 12.5 1/nm, without a scale bar but with ticks, and the square
        root of the amplitudes between the median, which is noise, and the brightest
        thousandth of what is shown. The title says which frame and particle it is, and
        whether there is nothing.

        Parameters
        ----------
        min_spacing
            Smallest lattice spacing shown: a number in nm or a text with a unit.
        **options
            Of HyperSpy's `Signal2D.plot`, ``vmin`` and ``norm`` for instance; they take
            the place of the defaults.

        Raises
        ------
        ValueError
            If the spacing is not a positive length.
        """
        axes = self.axes_manager.signal_axes
        shown = farthest(min_spacing, axes)
        black, white = percentiles(shown_share(shown, axes))
        stretched = {"vmin": f"{black:.3f}th", "vmax": f"{white:.3f}th", "gamma": GAMMA}
        super().plot(**{"scalebar": False, "axes_ticks": True} | stretched | options)
        if self._plot.signal_plot is not None:
            show_range_and_titles(self, shown)

    def peak_table(
        self,
        crystal: str | Path | Atoms | None = None,
        *,
        max_spacing: float | str = ReflectionOptions.max_spacing,
        false_alarms: float = ReflectionOptions.false_alarms,
        square: float = ReflectionOptions.square,
        min_share: float = FollowingOptions.min_share,
        max_rotation: float = FollowingOptions.max_rotation,
        spacing_tolerance: float = FollowingOptions.spacing_tolerance,
        angle_tolerance: float = FollowingOptions.angle_tolerance,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return a table of the reflections of the particles in every frame.

        Reflections are found as maxima that noise of their frequency does not reach,
        followed while the particle rotates, and indexed. Lazy spectra are computed up
        to twice; save or compute them before if that takes long. A warning says if
        there is nothing in any of them: of lazy instances, any id is taken at first.

        Parameters
        ----------
        crystal
            What the particles may be: the symbol of an element, ``"CeO2"``, the path of
            a CIF, or ASE atoms; see `hyperspy_hrtemnn.crystals.find_crystal`. By
            default nothing is indexed.
        max_spacing
            Largest lattice spacing looked for: a number in nm, or a text with a unit.
        false_alarms
            Expected number of reflections found in a spectrum of mere noise.
        square
            Side of the square in which the intensity is averaged, in 1/nm.
        min_share
            Share of a particle's frames in which a reflection has to be found to be in
            the table.
        max_rotation
            Largest rotation of a particle in the image plane expected from one frame to
            the next, in degrees. A larger one, as over a pause of the beam, is found
            where reflections in two directions show it, up to the symmetry of the
            spectrum: the smallest of those that look the same is taken.
        spacing_tolerance
            How far a spacing may be from that of the frames before, and from the
            crystal's, as a fraction.
        angle_tolerance
            How far an angle may be from that of the frames before, once rotated, and
            from the crystal's, in degrees.
        show_progressbar
            Whether to show progress bars; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        A row for each reflection, that is a symmetric pair, in each frame that shows
        the particle: ``frame``; ``time``, if the navigation axis is calibrated in a
        unit of time; ``id`` of the particle, 0 where there are none; ``reflection``,
        the same number in all frames, 1 for the brightest; ``spacing`` in nm; ``angle``
        in degrees, 0 to 180, from x towards y; ``intensity``, the mean of the squared
        amplitude in the square, as a fraction of the spectrum's largest (thesis,
        section 6.2); ``amplitude``; ``noise``, the root mean square of noise, nan where
        not found; ``found``, false where brightness was measured at the place where the
        reflection should be; ``rotation`` of the particle since its first frame, in
        degrees. With a crystal ``family``, ``lattice`` and ``zone_axis`` of
        `hyperspy_hrtemnn.analysis.index_reflections`. ``attrs["units"]`` has the unit
        of each column that has one.

        Raises
        ------
        ValueError
            If there is no such crystal, or a number is out of range.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie, au_ceo2_movie_truth
        >>> movie, particles = au_ceo2_movie().inav[:2], au_ceo2_movie_truth().inav[:2]
        >>> peaks = movie.local_fft(particles, id=1).peak_table("Au")
        >>> sorted(set(peaks["family"]))[1:4]
        ['{111}', '{200}', '{220}']
        """
        from hyperspy_hrtemnn.crystals import as_crystal

        return peak_table(
            self,
            ReflectionOptions(spacing_in_nm(max_spacing), false_alarms, square),
            FollowingOptions(
                None if crystal is None else as_crystal(crystal),
                min_share,
                max_rotation,
                spacing_tolerance,
                angle_tolerance,
            ),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def brightness_ratio(
        self,
        crystal: pd.DataFrame | str | Path | Atoms | None = None,
        *,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return how much brighter the brightest reflection is than the dimmest.

        It is small where a particle is on a zone axis, and its columns are resolved;
        `hyperspy_hrtemnn.analysis.on_axis_frames` selects these frames, and
        `Instances.plot_brightness_ratio` draws a map.

        Parameters
        ----------
        crystal
            As in `peak_table`; with it, reflections of a support do not count. Or the
            table itself, of `peak_table` with any options, if it is there already.
        show_progressbar
            Whether to show progress bars; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        A row for each particle in each frame, see
        `hyperspy_hrtemnn.analysis.brightness_ratio`.

        Raises
        ------
        ValueError
            If there is no such crystal.
        TypeError
            If a table is not of reflections.
        """
        if isinstance(crystal, pd.DataFrame):
            return brightness_ratio(crystal)
        peaks = self.peak_table(
            crystal, show_progressbar=show_progressbar, num_workers=num_workers
        )
        return brightness_ratio(peaks)

    def zone_axis_probability(
        self,
        model: str | Path | Network = "au-zone-axis",
        *,
        device: DeviceName | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return how probable it is that a particle is on a zone axis.

        A small network tells it from each spectrum alone (thesis, section 7.1); it was
        trained on spectra with the default apodization of `HRTEM.local_fft`. The
        alternative is `brightness_ratio`; `hyperspy_hrtemnn.analysis.on_axis_frames`
        selects frames by either. A warning names what is outside the conditions that
        the network was trained for, another says if all spectra are empty.

        Parameters
        ----------
        model
            Name of a shipped network, the path of an ONNX file, or a network.
        device
            What the network runs on, as in `HRTEM.segment`.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        A row for each particle in each frame that shows it: ``frame``; ``time``, if the
        navigation axis is calibrated in a unit of time; ``id`` of the particle, 0 where
        there are none; ``probability``; ``spread`` of it, if the network is one of
        ``averaged(spread=True)``. ``attrs["units"]`` has the unit of the time, and
        ``attrs["device"]`` what the network ran on.

        Raises
        ------
        NetworkError
            If there is no such network.
        ValueError
            If it is for something else, or the spectra do not reach the frequencies
            that it needs.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie, au_ceo2_movie_truth
        >>> movie, particles = au_ceo2_movie().inav[:2], au_ceo2_movie_truth().inav[:2]
        >>> table = movie.local_fft(particles, id=1).zone_axis_probability()
        >>> list(table)
        ['frame', 'time', 'id', 'probability']
        """
        network = load_for(
            "zone axis", model, device, show_progressbar=show_progressbar
        )
        return zone_axis_table(
            self, network, show_progressbar=show_progressbar, num_workers=num_workers
        )

    def plot_reflections(
        self,
        peaks: pd.DataFrame,
        id: int | None = None,  # noqa: A002 - the name of the column in tables
        frame: int = 0,
        ax: Axes | None = None,
    ) -> Axes:
        """Plot one spectrum with its reflections, labelled by family or number.

        As far as the brightest dozen reflections go. The title says of which frame the
        spectrum is, and that there is nothing in it if the particle is not there.

        Parameters
        ----------
        peaks
            Table from `peak_table`.
        id
            The particle; by default the only one.
        frame
            Number of the frame, as in the table.
        ax
            Axes to plot on; by default those of a new figure.

        Raises
        ------
        ValueError
            If `peaks` is another table, there is no such particle, or it has to be
            named.
        IndexError
            If there is no such frame.
        """
        peaks = reflections_of(peaks)
        spectrum, number, index = one_spectrum(self, frame, id)
        rows = peaks[(peaks["id"] == number) & (peaks["frame"] == frame)]
        axes = self.axes_manager.signal_axes
        ax = new_axes() if ax is None else ax
        title = frame_title(self, index)
        return draw_spectrum(spectrum, axes, number, rows, ax, title=title)
