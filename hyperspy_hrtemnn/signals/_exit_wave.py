# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves: the electrons as they leave the sample, before the lenses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import ComplexSignal2D

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import propagate_wave
from hyperspy_hrtemnn.analysis.waves.finite import of_finite_wave
from hyperspy_hrtemnn.options import (
    CameraOptions,
    ExposureOptions,
    LensOptions,
    OpticsOptions,
)
from hyperspy_hrtemnn.plots import plot_argand, plot_convergence

from ._prediction.spread import KeepsSpread
from ._shared.calibration import sampling
from ._shared.derived import computed, derived_signal
from ._shared.entrance import OneForm
from ._shared.frames import frames
from ._shared.lenses import angstroms, beam_energy, set_energy
from ._shared.runner import map_frames
from ._shared.skipping import FrameRule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from hyperspy_hrtemnn.analysis import Aberration, FittedOptics

    from ._detector.detector_fit import DetectorFit


class ExitWave(OneForm, KeepsSpread, ComplexSignal2D):  # type: ignore[misc]
    """Exit waves, complex, array order (..., y, x); 1 = vacuum.

    They come from `HRTEM.reconstruct_exitwave`. ``wave.amplitude``, ``wave.phase``,
    ``wave.real`` and ``wave.imag`` are ordinary signals with the same axes. Lengths are
    numbers in the unit of the signal axes or texts with a unit, ``"2 nm"``.
    """

    _signal_type = "exit_wave"

    def propagate(
        self,
        distance: float | str,
        *,
        energy: float | str | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> ExitWave:
        """Return the waves after they went through empty space.

        Parameters
        ----------
        distance
            Distance, positive along the beam; going back is the same as underfocus.
        energy
            Beam energy in keV or a text, "80 kV"; by default the metadata's.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads or processes of dask; by default dask's own.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Raises
        ------
        ValueError
            If the energy is not known or the signal is not calibrated.
        """
        known = beam_energy(self, energy)
        run = partial(
            propagate_wave,
            sampling=sampling(self),
            energy=known,
            distance=angstroms(distance, self),
        )
        result = self._mapped(
            run,
            "Propagation",
            {"distance": distance, "energy": known},
            lazy_output=lazy_output,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )
        set_energy(result, known)
        return result

    def filter_lattice(
        self,
        a: float | str = "2.46 angstrom",
        angle: float | None = None,
        *,
        spots: ArrayLike | None = None,
        width: float = 0.2,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> ExitWave:
        """Return the waves without a support's lattice, by its Bragg spots.

        On a support columns are smeared over the Argand plot, for each lies on another
        part of the support's lattice (publication I, figure 5); without it they are
        not. 1 stays vacuum.

        Parameters
        ----------
        a
            Lattice constant of a hexagonal support; by default graphene's.
        angle
            Direction of one of its lattice vectors from x towards y in degrees. By
            default that of each wave is found from its spots.
        spots
            Frequencies (x, y) of any other lattice in 1/nm, shape (spot, 2), instead
            of `a` and `angle`; with each its opposite is taken.
        width
            Standard deviation of what is cut out around each spot in 1/nm, about one
            over the length of the support.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads or processes of dask; by default dask's own.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Raises
        ------
        ValueError
            If a number is not positive, `spots` has another shape, or the signal is not
            calibrated.
        """
        from ._waves.lattice_filter import lattice_filter

        run = lattice_filter(self, a, angle, spots, width)
        state = {
            "a": a,
            "angle": angle,
            "spots": None if spots is None else np.asarray(spots).tolist(),
            "width": width,
        }
        return self._mapped(
            run,
            "LatticeFilter",
            state,
            lazy_output=lazy_output,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def simulate_images(
        self,
        defocus: float | str | Sequence[float | str],
        *,
        energy: float | str | None = None,
        Cs: float | str = LensOptions.Cs,
        focal_spread: float | str = LensOptions.focal_spread,
        blur: float | str = LensOptions.blur,
        angular_spread: float = LensOptions.angular_spread,
        aberrations: Sequence[Aberration] = LensOptions.aberrations,
        dose: float | None = ExposureOptions.dose,
        mtf: tuple[float, float] | None = ExposureOptions.mtf,
        readout: float = ExposureOptions.readout,
        seed: int = ExposureOptions.seed,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> Signal2D:
        """Return the images that lenses and a camera make of the waves.

        Parameters
        ----------
        defocus
            Defocus of each image, positive = underfocus.
        energy
            Beam energy in keV or a text, "80 kV"; by default the metadata's.
        Cs, focal_spread, blur, angular_spread, aberrations
            The lenses, as in `HRTEM.reconstruct_exitwave`.
        dose
            Frame dose in e-/Å²; by default there is no noise, and 1 = vacuum.
        mtf
            c0, the half-maximum in Nyquist frequencies, and c3, the steepness, of the
            camera's MTF (thesis, equation 1.25); by default there is none.
        readout
            Mean of the readout noise in e-/pixel, where there is a dose.
        seed
            Seed of the noise, which differs from image to image.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads or processes of dask; by default dask's own.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Returns
        -------
        The focal series, array order (..., defocus, y, x), float32, with an axis
        ``defocus`` in nm; for a single number one image of each wave, without it. Of
        counts if there is a dose, one an electron, as the metadata say.

        Raises
        ------
        ValueError
            If the energy is not known, a text is not a length, a number is out of
            range, or the signal is not calibrated.
        """
        from ._waves.simulate_images import simulate_images

        return simulate_images(
            self,
            defocus,
            energy,
            LensOptions(Cs, focal_spread, blur, angular_spread, tuple(aberrations)),
            ExposureOptions(dose, mtf, readout, seed),
            lazy=self._lazy if lazy_output is None else lazy_output,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def fit_optics(
        self,
        series: Signal2D,
        *,
        detector: DetectorFit | str | Path | Mapping[str, Any] | None = None,
        mtf: tuple[float, float] | None = CameraOptions.mtf,
        readout: float | None = CameraOptions.readout,
        counts_per_electron: float | None = CameraOptions.counts_per_electron,
        offset: float | None = CameraOptions.offset,
        dose: float | None = CameraOptions.dose,
        energy: float | str | None = None,
        Cs: float | str = OpticsOptions.Cs,
        smoothing: float | str = OpticsOptions.smoothing,
        margin: float | str | None = OpticsOptions.margin,
    ) -> FittedOptics:
        """Return the lenses that make the images of a focal series of this wave.

        Networks reconstruct a wave without knowing the lenses; with the wave the images
        tell them, without an amorphous film: defocus of each image, Cs, two- and
        threefold astigmatism, coma, focal spread, blur, drift and dose, each with its
        standard error. All are relative to the wave, which is held. A wave that was
        reconstructed with known lenses, as by Gerchberg-Saxton, gives those back, right
        or wrong. See `hyperspy_hrtemnn.analysis.fit_optics`.

        Parameters
        ----------
        series
            The images of this wave, on its pixels, with a navigation axis ``defocus``
            that is right to 2 nm, positive = underfocus.
        detector
            The camera, as `HRTEM.fit_mtf` measured it: its result, or the file that its
            ``save`` wrote.
        mtf
            Instead, c0, the half-maximum in Nyquist frequencies, and c3, the steepness,
            of its MTF; ``(inf, 1)`` for a camera without.
        readout
            Variance of the readout noise in e-/pixel; by default the detector's, and 0
            with `mtf`.
        counts_per_electron
            Counts of one electron; by default the metadata's, where those count
            electrons.
        offset
            Counts of a pixel without beam; by default the metadata's, or 0.
        dose
            Dose of an image in vacuum in e-/Å², if the counts of an electron are not
            known.
        energy
            Beam energy in keV or a text, "80 kV"; by default the metadata's.
        Cs
            Guess of the spherical aberration, right to 1.5 µm: a number in the unit of
            the signal axes or a text with a unit, as all lengths.
        smoothing
            Standard deviation of the Gaussian by which the wave is smoothed; waves of
            networks and of `HRTEM.reconstruct_exitwave` are by 15 pm.
        margin
            Width of the border that is not compared, because images show what is beyond
            the wave; 0 for images that are periodic. By default as far as the largest
            defocus carries.

        Returns
        -------
        The lenses with their standard errors. For the wave of a network these contain
        that of its plane, 1.2 Å, of its place, 3 pm, and of its sharpness, as they were
        measured for ``mos2-exitwave``, because no image shows them. `chi2` is 1 if only
        noise is left, and `unexplained` is the share of the contrast that the images of
        the wave do not have.

        Raises
        ------
        ValueError
            If the camera, the counts of an electron, the defocus, or the energy is not
            known; if wave and series do not fit each other; if a number is out of
            range; if no lens makes such images of the wave.

        Warns
        -----
        UserWarning
            If much of the contrast is unexplained, so that the lenses may be wrong; if
            the noise of the images is not that of the detector and the dose; if the
            wave was reconstructed with lenses.

        Examples
        --------
        The images of one column through a lens with astigmatism.

        >>> import hyperspy.api as hs
        >>> import numpy as np
        >>> from hyperspy_hrtemnn.analysis import Aberration
        >>> y, x = np.mgrid[:160, :192]
        >>> column = 0.5j * np.exp(-((y - 70) ** 2 + (x - 90) ** 2) / 18)
        >>> wave = hs.signals.ComplexSignal2D(1 + column)
        >>> wave.set_signal_type("exit_wave")
        >>> for axis in wave.axes_manager.signal_axes:
        ...     axis.scale, axis.units = 0.0105, "nm"
        >>> astigmatism = Aberration(1, 2, 20.0, 0.5)
        >>> series = wave.simulate_images(
        ...     ["0 nm", "5 nm", "10 nm"],
        ...     energy=50,
        ...     aberrations=[astigmatism],
        ...     dose=1e6,
        ... )
        >>> lenses = wave.fit_optics(series, mtf=(np.inf, 1), smoothing=0)
        >>> round(lenses.C12.value), round(lenses.phi12.value, 1)
        (20, 0.5)
        """
        from ._waves.fit_optics import fit_optics

        return fit_optics(
            self,
            series,
            energy,
            CameraOptions(detector, mtf, readout, counts_per_electron, offset, dose),
            OpticsOptions(Cs, smoothing, margin),
        )

    def find_columns(
        self,
        min_separation: float | str = "1 angstrom",
        threshold: float = 0.1,
        *,
        classes: int | Sequence[str] = 1,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return a table of the atomic columns and the wave at them.

        Columns are the summits of ``|wave - 1|``, refined below the pixel, and of one
        class if they lie on the same circle through vacuum in the complex plane; see
        `hyperspy_hrtemnn.analysis.find_wave_columns` and `classify_by_mass`. Columns
        are found best where they are in focus; `propagate` takes the wave there.

        Parameters
        ----------
        min_separation
            Smallest distance between two columns.
        threshold
            Least ``|wave - 1|`` of a column.
        classes
            Their number, or their names, from the least ``theta`` to the largest:
            ``["1S", "1Mo", "2S"]``. All frames are classified together.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        ``frame``, ``time`` or the name of what the navigation axis is calibrated in,
        ``class``, the name or number, ``x`` and ``y``, coordinates of the signal axes
        in their unit, ``real`` and ``imaginary``, the wave at the column, and
        ``amplitude`` and ``phase`` [rad] of ``wave - 1``, equations 1.31 and 1.32 of
        the thesis, and ``theta`` [rad], the phase of the wave in focus, which grows
        with the mass of the column. Where the metadata have the beam energy,
        ``height`` [Å], where along the beam from the plane of the wave the column is
        in focus, negative for what the beam has passed, with its standard error
        ``height_error``; see `hyperspy_hrtemnn.analysis.column_heights`.
        The strongest of a frame come first.
        ``attrs["units"]`` has the unit of each column that has one.

        Raises
        ------
        ValueError
            If a number is out of range, a text is not a length, or there are columns,
            but fewer than classes.
        """
        from ._columns.wave_table import wave_table

        return wave_table(
            self,
            min_separation,
            threshold,
            classes,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def plot_argand(
        self,
        columns: pd.DataFrame | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Axes:
        """Plot the wave at the atomic columns in the complex plane.

        With the mass circle, on which columns in focus lie the farther from vacuum the
        heavier they are, and the defocus circle of each class, along which a column
        moves that ends higher or lower (`hyperspy_hrtemnn.plots.plot_argand`).

        Parameters
        ----------
        columns
            Table from `find_columns`; by default its result for this wave.
        ax
            Axes to plot on; by default those of a new figure.
        **options
            Options of `find_columns`, if no columns are given.
        """
        found = self.find_columns(**options) if columns is None else columns
        return plot_argand(found, ax)

    def plot_convergence(self, ax: Axes | None = None) -> Axes:
        """Plot how the iterations came to fit the images.

        A line for each series that was reconstructed together.

        Parameters
        ----------
        ax
            Axes to plot on; by default those of a new figure.

        Raises
        ------
        ValueError
            If the waves are not from iterations that were done at once.
        """
        errors = self.metadata.get_item("HRTEMNN.ExitWave.errors", default=None)
        if errors is None:
            raise ValueError(
                "These waves have no errors of iterations: reconstruct them with "
                "method='gerchberg-saxton' and lazy_output=False."
            )
        return plot_convergence(errors, ax)

    def compare(
        self,
        other: Signal2D,
        *,
        cutoff: float | str | None = None,
        largest_shift: float | str | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return how far these waves are from others, one row for each frame.

        Once registered, that is with each wave shifted as a whole to where the
        difference is least, and once as they are: a common shift of all columns by a
        few pm is the lenses', not an error of the wave.

        Parameters
        ----------
        other
            Waves of the same shape. Pixels that are NaN in one of the two are left out.
        cutoff
            Standard deviation of the Gaussian whose long wavelengths are taken out of
            both waves alike, since a series over a short range of defocus does not
            show them (publication I, section 6: 0.9 Å); by default nothing is.
        largest_shift
            Largest shift of the registration along each axis; by default 0.5 Å, less
            than half the distance of columns in any crystal.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        ``frame``, ``time`` as in `find_columns`; ``rmse_registered``, the root mean
        square difference over real and imaginary part of the registered waves;
        ``rmse``, that of the waves as they are, and ``real`` and ``imaginary``, that of
        each part; ``shift_x`` and ``shift_y``, by which each wave was shifted, in the
        unit of the axes. A constant phase is not taken out of either.

        Raises
        ------
        ValueError
            If the shapes or pixel sizes differ, or a text is not a length.
        TypeError
            If the other is not a signal.
        """
        from ._columns.wave_table import comparison_table

        return comparison_table(
            self,
            other,
            cutoff,
            largest_shift,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def _mapped(
        self,
        function: Callable[[NDArray[Any]], NDArray[np.complex64]],
        name: str,
        state: dict[str, Any],
        *,
        lazy_output: bool | None,
        show_progressbar: bool | None,
        num_workers: int | None,
    ) -> ExitWave:
        """Return what a function makes of each wave, and say so in the metadata."""
        data = map_frames(
            partial(_single, function),
            frames(self),
            1,
            np.complex64,
            rule=FrameRule(known=True),
        )
        result = derived_signal(self, data[..., 0, :, :], "exit_wave")
        result.metadata.set_item(f"HRTEMNN.{name}", {**state, "version": __version__})
        return computed(  # type: ignore[no-any-return]
            result,
            lazy=self._lazy if lazy_output is None else lazy_output,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )


def _single(
    function: Callable[[NDArray[Any]], NDArray[np.complex64]], waves: NDArray[Any]
) -> NDArray[np.complex64]:
    return of_finite_wave(function, waves[0])[np.newaxis]
