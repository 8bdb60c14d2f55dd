# SPDX-License-Identifier: GPL-3.0-or-later
"""HRTEM images, movies and focal series, and what is made of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.image_data import image_data
from hyperspy_hrtemnn.networks import standardize
from hyperspy_hrtemnn.options import (
    AtomOptions,
    CameraOptions,
    EventOptions,
    FollowingOptions,
    IterationOptions,
    LensOptions,
    OpticsOptions,
    PredictionOptions,
    ReflectionOptions,
    SpectrumOptions,
    TrackingOptions,
    changed,
)

from ._prediction.spread import KeepsSpread
from ._shared.calibration import pixels
from ._shared.derived import computed, derived_signal
from ._shared.entrance import OneForm
from ._shared.frame_titles import follow_in_title
from ._shared.frames import frames
from ._shared.image_plots import BLACK, WHITE
from ._shared.runner import map_frames
from ._shared.skipping import FrameRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from ase import Atoms
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from hyperspy_hrtemnn.analysis import Aberration, FittedOptics
    from hyperspy_hrtemnn.analysis.detector.mtf_fit import Floor
    from hyperspy_hrtemnn.bad_frames import OnBadFrame
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import DeviceName, Window

    from ._atoms.atom_model import AtomModel
    from ._detector.detector_fit import DetectorFit
    from ._exit_wave import ExitWave
    from ._instances import Instances
    from ._interactive.local_fft_tool import LocalFFTTool
    from ._interactive.segmentation_tool import SegmentationTool
    from ._local_fft import LocalFFT
    from ._nanotubes.chirality import Chirality
    from ._one_pass.count_events import CountedEvents
    from ._one_pass.follow import FollowedParticles
    from ._segmentation import Segmentation
    from ._shared.replaced import ReplacedPixels


class HRTEM(KeepsSpread, OneForm, Signal2D):  # type: ignore[misc]
    """Real HRTEM images, array order (..., y, x).

    One image, a movie with its time as navigation axis, or a focal series with a
    navigation axis named ``defocus``. The calibration is that of the axes, whatever
    their order in the array, or where they have none that of a TIFF of ImageJ; lengths
    in results are in the unit of the x axis. The beam energy is read from
    ``metadata.Acquisition_instrument.TEM.beam_energy``, in keV or a text, "300 kV".
    """

    _signal_type = "HRTEM"

    def plot(self, navigator: Any = "auto", **options: Any) -> None:
        """Plot the images as HyperSpy does, with contrast and a title for each frame.

        Half a percent of the pixels of the frame are black, and half a percent white:
        hot pixels do not matter. The title has the number and the time of the frame.

        Parameters
        ----------
        navigator
            As in HyperSpy's `Signal2D.plot`.
        **options
            Of HyperSpy's `Signal2D.plot`, ``vmin`` and ``norm`` for instance; they take
            the place of the defaults.
        """
        limits = {"vmin": f"{BLACK}th", "vmax": f"{WHITE}th"}
        super().plot(navigator, **limits | options)
        follow_in_title(self)

    def standardize(
        self,
        width: float | str = "12 angstrom",
        *,
        on_bad_frame: OnBadFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> HRTEM:
        """Return the images with a local mean of 0 and a local deviation of 1.

        This is what a network sees; `segment` does it by itself. Hot and dead pixels
        are replaced, and what is no data is NaN; see docs/imperfect_images.md.

        Parameters
        ----------
        width
            Standard deviation of the Gaussian window: a number in the unit of the
            signal axes, or a text with a unit.
        on_bad_frame
            See `segment`; a blank frame is not bad here, but 0.
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
            If `width` is not positive or has a unit and the signal has none.
        """
        sigma = pixels(width, self)
        if not sigma > 0:
            raise ValueError(f"width is {width!r}; it must be positive.")
        rule = FrameRule(on_bad_frame)
        run = partial(_standardized, sigma=sigma, replaced=rule.replaced)
        data = map_frames(run, frames(self), 1, indexed=True, rule=rule)
        result = derived_signal(self, data[..., 0, :, :], "HRTEM")
        result.metadata.set_item(
            "HRTEMNN.Standardization", {"width": width, "version": __version__}
        )
        standardized: HRTEM = computed(
            result,
            lazy=self._lazy if lazy_output is None else lazy_output,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            rule=rule,
        )
        return standardized

    def segment(
        self,
        model: str | Path | Network,
        *,
        resample: bool = PredictionOptions.resample,
        tile: int | None = PredictionOptions.tile,
        overlap: int | None = PredictionOptions.overlap,
        window: Window = PredictionOptions.window,
        check_lens: str | Path | Network | None = None,
        device: DeviceName | None = None,
        on_bad_frame: OnBadFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> Segmentation:
        """Return the probability of each pixel to belong to what a network looks for.

        Every frame is resampled to the network's sampling, standardized as a whole,
        run through the network in tiles that leave no seams, and resampled back.
        A warning names what is outside the range the network was trained for: there
        its answer is a guess. Order, steps and values of the defocus are checked where
        the axis ``defocus`` has a unit of length; positive is underfocus, so that its
        offset is the defocus of the first image.

        A network that counts, such as ``au-heights``, gives the number of atoms in the
        column at each pixel instead. By its name or path it is averaged over the eight
        orientations of the images, eight times the work, for their spread is the error
        of the numbers; given as a network from `hyperspy_hrtemnn.networks.load` it runs
        as it is.

        Parameters
        ----------
        model
            Name of a shipped network (`hyperspy_hrtemnn.networks.available`), path of
            an ONNX file, or a network from `hyperspy_hrtemnn.networks.load`, whose
            `Network.averaged` is slower and finds more in noisy images, and with
            ``spread=True`` also shows where the network contradicts itself.
        resample
            If False, the pixels are taken for the network's, and the signal needs no
            calibration.
        tile
            Largest height and width of a tile, in pixels of the network's sampling.
            By default the fewest equal tiles of at most 2048 pixels and the overlap.
        overlap
            Pixels, of the network's sampling, that neighboring tiles share. By
            default the network's receptive field and 32 pixels for blending. With
            less than the receptive field, seams are possible.
        window
            Form of the blending, any window of `scipy.signal.get_window`.
        check_lens
            Network of `estimate_optics` that looks at the middle frame before: a
            warning says if defocus or blur are outside the range the network was
            trained for, by two of their errors. It needs the beam energy, and images
            of 64 Å or more. By default the lens is not looked at.
        device
            What the network runs on: ``"cpu"``, ``"cuda"``, ``"directml"``,
            ``"openvino"`` or ``"coreml"``; or ``"auto"`` for the best that is there,
            with a warning if that does not work and the network runs on the CPU. By
            default that of `model`, if it is a network; or what the environment
            variable ``HRTEMNN_DEVICE`` says; or else ``"auto"``. See docs/devices.md.
        on_bad_frame
            What to do about a frame that is blank, constant, saturated, without data or
            cannot be read: ``"raise"`` an error with its number, or ``"skip"`` it: it
            is NaN in the result, and one warning names all such frames when that is
            computed. By default skip where there are several frames.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads or processes of dask; by default dask's own. One
            inference at a time runs in each process, in at most as many threads: by
            default on all cores that the process may use, or as many as the
            environment variable ``OMP_NUM_THREADS`` says.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Returns
        -------
        Probabilities, float32 in 0..1, array order (..., y, x) for a network of one
        class and (..., class, y, x) for more. A network that takes a focal series
        uses up the axis ``defocus``. ``metadata.HRTEMNN.Segmentation`` says which
        network, device, options and classes, and from which probability on its card
        takes pixels for an object's (``threshold``). NaN is where an image is no data:
        NaN itself, borders that alignment filled, burnt-in bars, the shadow of an
        aperture.
        ``metadata.HRTEMNN.Images`` and one warning say how many pixels that are, and
        how many hot and dead ones were replaced; of a lazy signal when it has been
        computed. See docs/imperfect_images.md. If the network has a guard, the signal
        ``novelty`` of the result says how unlike the images of the training each region
        is, and one warning and ``metadata.HRTEMNN.Foreign`` name the frames of which
        much is foreign to the network; see docs/guard.md. With a network of
        ``averaged(spread=True)`` the spread of each probability is the signal
        ``spread`` of the result; ``dask.compute`` of the data of both lazy signals at
        once runs the network once.

        Raises
        ------
        ValueError
            If the network cannot be used (`NetworkError`), is for another task, or
            takes another number of images; if the signal is not calibrated, too
            small, or an option is invalid; at computation, with the index of the
            frame, if an image is complex or colored.
        BadFrameError
            A ValueError, too. At computation, if a frame cannot be used, because it has
            no contrast or no data or cannot be read, and `on_bad_frame` is ``"raise"``;
            if no frame can.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> movie = au_ceo2_movie(lazy=True)
        >>> movie.segment("au-ceo2-mask")
        <LazySegmentation, title: Au on CeO2, simulated, dimensions: (20|512, 480)>
        """
        from ._prediction.segment import segment

        return segment(  # type: ignore[no-any-return]
            self,
            model,
            PredictionOptions(resample, tile, overlap, window),
            check_lens=check_lens,
            device=device,
            rule=FrameRule(on_bad_frame),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            lazy_output=lazy_output,
        )

    def denoise(
        self,
        model: str | Path | Network = "hrtem-denoise",
        *,
        temporal: bool | int = False,
        uncertainty: bool = True,
        resample: bool = PredictionOptions.resample,
        tile: int | None = PredictionOptions.tile,
        overlap: int | None = PredictionOptions.overlap,
        window: Window = PredictionOptions.window,
        device: DeviceName | None = None,
        on_bad_frame: OnBadFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> HRTEM:
        """Return the images without their noise, in their own pixels and counts.

        The answer is the image that the same lens and camera would have with very many
        electrons. The sum of its pixels is that of the image, so that the dose is kept,
        and it does not matter whether these are electrons or counts of any gain. What
        a network puts into an image may be invented: look at ``spread`` of the result,
        and at the difference of image and result, which has to look like noise.

        Parameters
        ----------
        model
            As in `segment`, a network for denoising. One that takes out aberrations,
            too, gives an image in local deviations and not in counts.
        temporal
            How many frames before, and as many after, may be averaged with each frame
            of a movie; True for 2. Each is shifted onto the frame and counts only where
            it differs from it by noise. It takes about twice as long.
        uncertainty
            Whether the result is the mean over the eight orientations of each image,
            and has ``spread``. It is better, and takes eight times as long.
        resample, tile, overlap, window, device
            See `segment`.
        on_bad_frame
            See `segment`.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads or processes of dask; see `segment`.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Returns
        -------
        The images, of the same shape, NaN where an image is no data. The signal
        ``spread`` of the result is the standard deviation of its error: the spread of
        the answers for the eight orientations, times a factor that was measured on
        simulated images that were not trained on. An error that is the same in all
        orientations does not show in it. ``metadata.HRTEMNN.Denoising`` says which
        network, device and options.

        Raises
        ------
        ValueError
            As `segment`; or if the network is not for denoising, or `temporal` is given
            for something other than a movie or is not a number of frames.
        BadFrameError
            As `segment`.
        """
        from ._prediction.denoise import denoise

        return denoise(  # type: ignore[no-any-return]
            self,
            model,
            PredictionOptions(resample, tile, overlap, window),
            temporal=temporal,
            uncertainty=uncertainty,
            device=device,
            rule=FrameRule(on_bad_frame),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            lazy_output=lazy_output,
        )

    def segmentation_tool(
        self, model: str | Path | Network, *, device: DeviceName | None = None
    ) -> SegmentationTool:
        """Return a tool to try out networks and thresholds of `segment` on one frame.

        In a notebook ``tool.gui()`` shows a menu of networks, a slider for the
        threshold, and what is above it in the frame where the navigator is.

        Parameters
        ----------
        model
            The network to begin with, as in `segment`; those of the package that can
            see these images are in the menu, too.
        device
            What the networks run on, as in `segment`.

        Returns
        -------
        Its ``apply()`` is `segment` with the network that was chosen. As long as it is
        not closed, it follows the navigator of this signal.

        Raises
        ------
        ValueError
            If the network cannot be used or is for another task. What is wrong with a
            frame is the tool's ``message``.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> tool = au_ceo2_movie(lazy=True).segmentation_tool("au-ceo2-mask")
        >>> tool.probability = 0.6
        >>> tool.apply()
        <LazySegmentation, title: Au on CeO2, simulated, dimensions: (20|512, 480)>
        """
        from ._interactive.segmentation_tool import SegmentationTool

        return SegmentationTool(self, model, device)

    def reconstruct_exitwave(
        self,
        model: str | Path | Network | None = None,
        *,
        method: Literal["network", "gerchberg-saxton"] = "network",
        resample: bool = PredictionOptions.resample,
        tile: int | None = PredictionOptions.tile,
        overlap: int | None = PredictionOptions.overlap,
        window: Window = PredictionOptions.window,
        device: DeviceName | None = None,
        energy: float | str | None = None,
        Cs: float | str = LensOptions.Cs,
        focal_spread: float | str = LensOptions.focal_spread,
        blur: float | str = LensOptions.blur,
        angular_spread: float = LensOptions.angular_spread,
        aberrations: Sequence[Aberration] = LensOptions.aberrations,
        mtf: tuple[float, float] | None = IterationOptions.mtf,
        iterations: int = IterationOptions.iterations,
        align: bool = IterationOptions.align,
        margin: float | str | None = IterationOptions.margin,
        smoothing: float | str = IterationOptions.smoothing,
        on_bad_frame: OnBadFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> ExitWave:
        """Return the exit wave of a focal series.

        By a network, from the few images that it was trained for and without knowing
        the lenses, or by iterations of Gerchberg and Saxton's kind, from a long series
        whose lenses are known. Both give the wave smoothed by 15 pm (publication I,
        section 2), 1 = vacuum. Where an image is no data, such as a border that
        alignment filled, the wave is set to 1, and a warning says so: a Fourier
        transform of it would spread a NaN everywhere.

        Parameters
        ----------
        model
            For the network: name of a shipped one
            (`hyperspy_hrtemnn.networks.available`), path of an ONNX file, or a network.
        method
            Name of the method.
        resample, tile, overlap, window, device
            For the network: as in `segment`.
        energy
            Beam energy in keV or a text, "300 kV", which the wave keeps; by default
            the metadata's or, for a network that was trained for one, that one.
        Cs
            For Gerchberg-Saxton, as all that follows: spherical aberration, a number
            in the unit of the signal axes or a text with a unit, ``"10 µm"``, as all
            lengths.
        focal_spread
            Half width at 1/e of the distribution of focus, 1.41 standard deviations.
        blur
            Standard deviation of the Gaussian that blurs the image, in real space:
            vibrations of the microscope, for example.
        angular_spread
            1/e width of the distribution of beam directions in mrad.
        aberrations
            All others, `hyperspy_hrtemnn.analysis.Aberration`, in Å.
        mtf
            c0, the half-maximum in Nyquist frequencies, and c3, the steepness, of the
            camera's MTF, which is taken out of the images; by default there is none.
        iterations
            Number of times that the wave is corrected by all images.
        align
            Whether the images may have drifted; they are registered to the middle one.
            If they are more than 20 nm of defocus apart, compare the errors with those
            of ``align=False``.
        margin
            Width of what is reconstructed beyond the images and cut off; 0 for images
            that are periodic. See `hyperspy_hrtemnn.analysis.reconstruct_exit_wave`.
        smoothing
            Standard deviation of the Gaussian the wave is smoothed by at the end.
        on_bad_frame
            As in `segment`, for both methods, of whole focal series: with one image
            that cannot be used, a series is skipped.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads or processes of dask for the network; by default dask's
            own. Gerchberg-Saxton takes one series at a time on all cores.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Returns
        -------
        The waves, without the axis ``defocus``. ``metadata.HRTEMNN.ExitWave`` says how
        they were made; of Gerchberg-Saxton, unless it is left for later, it has the
        error after each iteration and the drift (y, x) of each image [nm], for each
        series. With a network of ``averaged(spread=True)`` the standard deviation of
        the complex wave is the signal ``spread`` of the result, as in `segment`; it is
        NaN where an image is no data.

        Raises
        ------
        ValueError
            If there is no such method, or an option is given that is of the other; if a
            network is missing, cannot be used, or is for another task or number of
            images; if the axis ``defocus`` is missing or, for Gerchberg-Saxton, has no
            unit of length, or the energy is not known; if the signal is not calibrated
            or a number is out of range; at computation, if an image has no contrast or
            no data.

        Warns
        -----
        UserWarning
            If the images are not what the network was trained for: reversed in the
            order of their defocus, in other steps, at another energy or sampling; or if
            the axis ``defocus`` has no unit of length, so that nobody can tell.

        Examples
        --------
        The images of one column at three values of the defocus, and the wave of them.

        >>> import hyperspy.api as hs
        >>> import numpy as np
        >>> y, x = np.mgrid[:128, :160]
        >>> column = 0.5j * np.exp(-((y - 40) ** 2 + (x - 60) ** 2) / 18)
        >>> truth = hs.signals.ComplexSignal2D(1 + column)
        >>> truth.set_signal_type("exit_wave")
        >>> for axis in truth.axes_manager.signal_axes:
        ...     axis.scale, axis.units = 0.0105, "nm"
        >>> defocus = ["0 nm", "5 nm", "10 nm"]
        >>> series = truth.simulate_images(defocus, energy=50, dose=1e5)
        >>> series.reconstruct_exitwave("mos2-exitwave")
        <ExitWave, title: , dimensions: (|160, 128)>
        >>> wave = series.reconstruct_exitwave(method="gerchberg-saxton", energy=50)
        >>> peak = abs(wave.data - 1).argmax()
        >>> [int(n) for n in np.unravel_index(peak, wave.data.shape)]
        [40, 60]
        """
        from ._waves.reconstruct import reconstruct_by_network, reconstruct_classically

        lazy = self._lazy if lazy_output is None else lazy_output
        running = PredictionOptions(resample, tile, overlap, window)
        lenses = LensOptions(Cs, focal_spread, blur, angular_spread, tuple(aberrations))
        iterating = IterationOptions(iterations, align, margin, smoothing, mtf)
        if method == "network":
            _refuse(method, [*changed(lenses), *changed(iterating)])
            return reconstruct_by_network(  # type: ignore[no-any-return]
                self,
                model,
                running,
                device=device,
                energy=energy,
                rule=FrameRule(on_bad_frame),
                lazy=lazy,
                show_progressbar=show_progressbar,
                num_workers=num_workers,
            )
        if method != "gerchberg-saxton":
            raise ValueError(
                f"There is no method {method!r}; there are 'network' and "
                "'gerchberg-saxton'."
            )
        of_network = {"model": model, "device": device}
        given = [name for name, value in of_network.items() if value is not None]
        _refuse(method, [*given, *changed(running)])
        return reconstruct_classically(  # type: ignore[no-any-return]
            self,
            energy,
            lenses,
            iterating,
            rule=FrameRule(on_bad_frame),
            lazy=lazy,
            show_progressbar=show_progressbar,
        )

    def fit_optics(
        self,
        wave: Signal2D,
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
        """Return the lenses of this focal series, with the exit wave of its sample.

        The same as `ExitWave.fit_optics` of the wave.

        Parameters
        ----------
        wave
            The wave, on the pixels of the images, from `reconstruct_exitwave`.
        detector, mtf, readout
            The camera, as in `ExitWave.fit_optics`: what `fit_mtf` found, its file, or
            numbers.
        counts_per_electron, offset, dose
            Counts of an electron and without beam, or the dose in vacuum in e-/Å².
        energy
            Beam energy in keV or a text, "80 kV"; by default the metadata's.
        Cs
            Guess of the spherical aberration, right to 1.5 µm.
        smoothing
            Standard deviation of the Gaussian by which the wave is smoothed.
        margin
            Width of the border that is not compared.

        Raises
        ------
        ValueError
            As in `ExitWave.fit_optics`.

        Warns
        -----
        UserWarning
            As in `ExitWave.fit_optics`.
        """
        from ._waves.fit_optics import fit_optics

        return fit_optics(
            wave,
            self,
            energy,
            CameraOptions(detector, mtf, readout, counts_per_electron, offset, dose),
            OpticsOptions(Cs, smoothing, margin),
        )

    def refine_atoms(
        self,
        columns: pd.DataFrame,
        *,
        optics: FittedOptics | None = None,
        Cs: float | str = AtomOptions.Cs,
        defocus: float | str | None = AtomOptions.defocus,
        dopants: Sequence[str] = AtomOptions.dopants,
        vibration: float | str = AtomOptions.vibration,
        smoothing: float | str = AtomOptions.smoothing,
        any_contrast: bool = AtomOptions.any_contrast,
        support: Literal["graphene"] | None = AtomOptions.support,
        energy: float | str | None = None,
        detector: DetectorFit | str | Path | Mapping[str, Any] | None = None,
        mtf: tuple[float, float] | None = CameraOptions.mtf,
        readout: float | None = CameraOptions.readout,
        counts_per_electron: float | None = CameraOptions.counts_per_electron,
        offset: float | None = CameraOptions.offset,
        dose: float | None = CameraOptions.dose,
    ) -> AtomModel:
        """Return the atoms that explain this image or focal series, with the lenses.

        A network guesses the columns, physics checks them: positions, tilt and lenses
        change until the images of the atoms are the measured ones, and each site of
        the lattice is asked what may stand there, from graphene or a layer MX2 that
        `columns` are of. See `hyperspy_hrtemnn.analysis.refine_atoms`.

        Parameters
        ----------
        columns
            The table of `Segmentation.find_columns`, or another one with ``class``,
            ``x`` and ``y`` of this image or series; ``attrs["units"]`` or the headers,
            as ``x (nm)`` of files, may say another unit than that of the axes.
        optics
            The lenses, from `fit_optics`, with which the refinement begins. By default
            they are found from the guesses.
        Cs
            Guess of the spherical aberration, right to 1.5 µm: a number in the unit of
            the signal axes or a text with a unit, as all lengths.
        defocus
            Guess of the defocus of a single image, right to 2 nm, positive =
            underfocus; a series has it on its axis ``defocus``.
        dopants
            Symbols of elements that may stand in place of others, ``["W"]``.
        vibration
            Mean square displacement of the atoms along one direction, an area: a number
            in the square of the unit of the axes or a text, ``"0.003 angstrom^2"``.
            Lenses depend on it, which is not in their errors: 0.03 Å² in place of 0.004
            Å² makes the defocus 2.4 Å larger and Cs 0.2 µm, and chi² hardly objects.
        smoothing
            Standard deviation of the Gaussian by which the wave of the result is
            smoothed; it changes nothing else.
        any_contrast
            Whether the contrast of each image is fitted, too: of images with an unknown
            zero, as stretched ones, or with a background. The noise at frequencies that
            no lens passes tells how strong it is against the dose.
        support
            What a layer MX2 lies on, nearer to the source of the beam: ``"graphene"``
            finds one layer of it in one orientation, whose atoms are in
            `AtomModel.support`, and its vacancies in `AtomModel.empty_support_sites`.
        energy
            Beam energy in keV or a text, "80 kV"; by default the metadata's.
        detector, mtf, readout
            The camera, as in `ExitWave.fit_optics`: what `fit_mtf` found, its file, or
            numbers.
        counts_per_electron, offset, dose
            Counts of an electron and without beam; or the dose in e-/Å², taken for the
            mean of the images, with `any_contrast` for that of each.

        Returns
        -------
        Columns with their errors and the probability of each class, empty sites,
        lenses, exit wave, atoms and residuals. `AtomModel.chi2` is 1 if only noise is
        left.

        Raises
        ------
        ValueError
            If the camera, the counts of an electron, the defocus or the energy is not
            known, or contradicts `optics`; if the table is empty, of several frames, of
            other images, or its classes are not those of a known sheet; if there is
            more than one image or series; if a number is out of range; if no lens makes
            such images of the columns.

        Warns
        -----
        UserWarning
            If more than 0.5 % of the contrast of the images is not that of the atoms,
            the noise is not that of the detector, the lattice is not that of the sheet,
            or no support is found.
        """
        from ._atoms.refine_atoms import refine_atoms

        return refine_atoms(
            self,
            columns,
            energy=energy,
            optics=optics,
            camera=CameraOptions(
                detector, mtf, readout, counts_per_electron, offset, dose
            ),
            options=AtomOptions(
                Cs, defocus, dopants, vibration, smoothing, any_contrast, support
            ),
        )

    def find_atoms(
        self,
        model: str | Path | Network,
        *,
        optics: FittedOptics | None = None,
        Cs: float | str = AtomOptions.Cs,
        defocus: float | str | None = AtomOptions.defocus,
        dopants: Sequence[str] = AtomOptions.dopants,
        vibration: float | str = AtomOptions.vibration,
        smoothing: float | str = AtomOptions.smoothing,
        any_contrast: bool = AtomOptions.any_contrast,
        support: Literal["graphene"] | None = AtomOptions.support,
        energy: float | str | None = None,
        detector: DetectorFit | str | Path | Mapping[str, Any] | None = None,
        mtf: tuple[float, float] | None = CameraOptions.mtf,
        readout: float | None = CameraOptions.readout,
        counts_per_electron: float | None = CameraOptions.counts_per_electron,
        offset: float | None = CameraOptions.offset,
        dose: float | None = CameraOptions.dose,
        device: DeviceName | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> AtomModel:
        """Return the atoms of this image or focal series, found by a network, refined.

        `segment`, averaged over eight orientations, `Segmentation.find_columns` and
        `refine_atoms` in one call. A network for single images looks at each image of a
        series, and the columns of that in which it is most certain are taken.

        Parameters
        ----------
        model
            Network for columns, as in `segment`: ``"mos2-columns"``.
        optics, Cs, defocus, dopants, vibration, smoothing, any_contrast
            As in `refine_atoms`.
        support, energy
            As in `refine_atoms`.
        detector, mtf, readout, counts_per_electron, offset, dose
            As in `refine_atoms`.
        device
            What the network runs on, as in `segment`.
        show_progressbar
            Whether to show a progress bar of the network; by default as in HyperSpy's
            preferences.
        num_workers
            Number of threads of the network; by default dask's own.

        Raises
        ------
        ValueError
            As in `segment` and `refine_atoms`; if the network finds no columns.

        Warns
        -----
        UserWarning
            As in `segment` and `refine_atoms`.
        """
        from ._atoms.refine_atoms import find_atoms

        return find_atoms(
            self,
            model,
            device=device,
            energy=energy,
            optics=optics,
            camera=CameraOptions(
                detector, mtf, readout, counts_per_electron, offset, dose
            ),
            options=AtomOptions(
                Cs, defocus, dopants, vibration, smoothing, any_contrast, support
            ),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def chirality(
        self,
        model: str | Path | Network | None = "nanotube-chirality",
        *,
        device: DeviceName | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> Chirality:
        """Return the chiral indices of the single-walled nanotubes in the images.

        The tubes are found, straightened, and cut into regions of up to 9.6 nm; the
        network tells the indices of each region from its layer lines. What is not a
        tube of one wall, of 0.6 to 2 nm, or not long enough, is refused with a reason.
        A warning names what is outside the conditions that the network was trained for.

        Parameters
        ----------
        model
            Name of a shipped network, path of an ONNX file, or a network. With None no
            network is used, but the diameter of the zeros of the equatorial line and
            the angle of the layer lines, see docs/chirality.md.
        device
            What the network runs on, as in `segment`.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        Two tables. ``tubes`` has a row for each tube: ``frame``; the coordinate of the
        navigation axis, if it is calibrated; ``tube``, its number in the frame; the
        middle, ``x`` and ``y``; ``length``; ``diameter``, the distance of the walls as
        they are seen; the number of ``regions``; the three most probable pairs from all
        its regions, ``chirality_1``, such as "11-6", with ``probability_1``, and so on;
        and the ``reason`` why it was refused, or an empty text. ``regions`` has the
        same of each ``region`` along a tube, and the ``direction`` of the axis from x
        towards y. Lengths are in the unit of the x axis, see ``attrs["units"]``.

        Raises
        ------
        NetworkError
            If there is no such network.
        ValueError
            If it is for something else, or the pixels are not calibrated or larger than
            1 Å.
        """
        from ._nanotubes.chirality import chirality_tables

        network = None
        if model is not None:
            from ._prediction.predictions import load_for

            network = load_for(
                "chirality", model, device, show_progressbar=show_progressbar
            )
        return chirality_tables(
            self, network, show_progressbar=show_progressbar, num_workers=num_workers
        )

    def plot_chirality(
        self, found: Chirality, frame: int = 0, ax: Axes | None = None
    ) -> Axes:
        """Plot an image with the regions of its nanotubes and their chiral indices.

        Parameters
        ----------
        found
            Tables from `chirality`.
        frame
            Number of the frame, as in the tables.
        ax
            Axes to plot on; by default those of a new figure.

        Returns
        -------
        The axes; refused tubes have a cross and the reason.

        Raises
        ------
        IndexError
            If there is no such frame.
        """
        from ._nanotubes.chirality_plot import plot_chirality

        return plot_chirality(self, found, frame, ax)

    def chemical_order(
        self,
        model: str | Path | Network = "agco-order",
        instances: Instances | None = None,
        *,
        device: DeviceName | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return where in each particle of two metals each of them is.

        The network sees a square of 72 Å around each particle, without the particles
        beside it, and tells core-shell, Janus and disordered particles apart. Where its
        largest probability is below the certainty in its card it cannot tell; of what
        it does say 95 % is right in simulated images. Frame by frame, so that a lazy
        movie is never in memory as a whole. A warning names what is outside the
        conditions that the network was trained for.

        Parameters
        ----------
        model
            Name of a shipped network, path of an ONNX file, or a network, for the task
            chemical order.
        instances
            The particles, with the navigation and signal shape of this signal. By
            default each image is of one particle, in its middle.
        device
            What the network runs on, as in `segment`.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        A row for each particle in each frame: ``frame``; the coordinate of the
        navigation axis, if it is calibrated; ``id``; the middle of the particle, ``x``
        and ``y``; ``diameter``, of a circle of its area; a probability for each order,
        ``probability_core-shell`` and so on; ``order``, the most probable one or
        "cannot tell"; and the ``reason`` for that: "not certain", or that the network
        did not see it, and there are no probabilities, because it is "at the border",
        "too large", for the square, "too small", below 1.5 nm, or there is "no data".
        Lengths are in the unit of the x axis, see ``attrs["units"]``;
        ``attrs["certainty"]`` is that of the card.

        Raises
        ------
        NetworkError
            If there is no such network.
        ValueError
            If it is for something else, the pixels are not calibrated, or `instances`
            does not fit.
        """
        from ._particles.chemical_order import chemical_order_table
        from ._prediction.predictions import load_for

        network = load_for(
            "chemical order", model, device, show_progressbar=show_progressbar
        )
        return chemical_order_table(
            self,
            instances,
            network,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def local_fft(
        self,
        instances: Instances | None = None,
        id: int | Iterable[int] | None = None,  # noqa: A002 - as the column of tables
        *,
        apodization: float | str = SpectrumOptions.apodization,
        size: float | str | None = SpectrumOptions.size,
        on_bad_frame: OnBadFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> LocalFFT:
        """Return the Fourier transform of one particle, or of several, frame by frame.

        Lazily each frame is read once, however many particles there are.

        Parameters
        ----------
        instances
            The particles, with the navigation and signal shape of this signal. By
            default the whole image is transformed.
        id
            The particle, or several, along a navigation axis ``id``; by default all. Of
            lazy instances it is not known whether it is in any frame; what computes the
            spectra warns if they are all empty.
        apodization
            Width of the Gaussian edge of the window: a number in the unit of the
            signal axes, or a text with a unit.
        size
            Height and width of the crop that is transformed: a number in the unit of
            the signal axes, or a text with a unit, ``"8 nm"``; by default what holds
            the largest particle. More than four apodizations, which the soft edges
            take. A warning says if it trims particles, unless they are lazy.
        on_bad_frame
            What to do about a frame that has no data or cannot be read: ``"raise"`` an
            error with its number, or ``"skip"`` it, with one warning. By default skip
            where there are several frames. Skipped frames, and those of which
            `instances` knows nothing, are NaN.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads or processes of dask; by default dask's own.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Returns
        -------
        Amplitudes on reciprocal axes in 1/nm, zero exactly on a pixel.

        Raises
        ------
        ValueError
            If the signal is not calibrated, `instances` does not fit it, or has no
            particle `id`; if `instances` is lazy, so that neither ids nor sizes of
            particles are known, and `id` or `size` is not given; if `size` is too small
            for the soft edges.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie, au_ceo2_movie_truth
        >>> movie, particles = au_ceo2_movie(), au_ceo2_movie_truth()
        >>> movie.local_fft(particles, id=3, size="8 nm")
        <LocalFFT, title: Au on CeO2, simulated, dimensions: (20|400, 400)>
        >>> movie.inav[:2].local_fft(particles.inav[:2], id=[1, 2, 3], size="8 nm")
        <LocalFFT, title: Au on CeO2, simulated, dimensions: (3, 2|400, 400)>
        """
        from ._fourier.local_fft import local_fft

        return local_fft(  # type: ignore[no-any-return]
            self,
            instances,
            id,
            apodization=apodization,
            size=size,
            on_bad_frame=on_bad_frame,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            lazy_output=lazy_output,
        )

    def local_fft_tool(
        self,
        instances: Instances | None = None,
        *,
        apodization: float | str = SpectrumOptions.apodization,
    ) -> LocalFFTTool:
        """Return a tool to try out on one frame what `local_fft` needs.

        In a notebook ``tool.gui()`` shows a menu of particles, sliders for the crop and
        its soft edge, and the particle and its spectrum, with the reflections found, in
        the frame where the navigator is.

        Parameters
        ----------
        instances
            The particles, as in `local_fft`; by default there is the whole image only.
        apodization
            Width of the soft edge to begin with, as in `local_fft`.

        Returns
        -------
        Its ``apply()`` is `local_fft` with the options that were chosen. As long as it
        is not closed, it follows the navigator of this signal. The largest particle of
        the frame is chosen first, in a crop that holds each of this frame.

        Raises
        ------
        ValueError
            If the signal is not calibrated or `instances` does not fit it. What is
            wrong with a frame is the tool's ``message``.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie, au_ceo2_movie_truth
        >>> movie, particles = au_ceo2_movie(), au_ceo2_movie_truth()
        >>> tool = movie.local_fft_tool(particles)
        >>> tool.id, tool.size = 3, 8
        >>> tool.apply()
        <LocalFFT, title: Au on CeO2, simulated, dimensions: (20|400, 400)>
        """
        from ._interactive.local_fft_tool import LocalFFTTool

        return LocalFFTTool(self, instances, apodization)

    def follow_particles(
        self,
        model: str | Path | Network,
        folder: str | Path,
        *,
        min_separation: float | str,
        min_overlap: float = TrackingOptions.min_overlap,
        probability: float | None = TrackingOptions.probability,
        min_area: float | str | None = TrackingOptions.min_area,
        memory: int = TrackingOptions.memory,
        drift: bool | ArrayLike = TrackingOptions.drift,
        search_range: float | str | None = TrackingOptions.search_range,
        size: float | str | None = SpectrumOptions.size,
        apodization: float | str = SpectrumOptions.apodization,
        crystal: str | Path | Atoms | None = None,
        max_spacing: float | str = ReflectionOptions.max_spacing,
        false_alarms: float = ReflectionOptions.false_alarms,
        square: float = ReflectionOptions.square,
        min_share: float = FollowingOptions.min_share,
        max_rotation: float = FollowingOptions.max_rotation,
        spacing_tolerance: float = FollowingOptions.spacing_tolerance,
        angle_tolerance: float = FollowingOptions.angle_tolerance,
        resample: bool = PredictionOptions.resample,
        tile: int | None = PredictionOptions.tile,
        overlap: int | None = PredictionOptions.overlap,
        window: Window = PredictionOptions.window,
        device: DeviceName | None = None,
        on_bad_frame: OnBadFrame | None = None,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> FollowedParticles:
        """Segment, track, measure and transform the particles of a long movie at once.

        The result is that of `segment`, `Segmentation.track_instances`,
        `Instances.properties`, `local_fft` and `LocalFFT.peak_table` one after the
        other, each of which computes a lazy movie anew. Here the network sees every
        frame once. While a frame is in memory its particles are separated and
        measured, and the reflections of each are found; what is kept, a few hundred
        kilobytes a frame, goes into a folder, whole or not at all. A run that is
        stopped goes on with the frames that are missing, or with none. Then ids
        and reflections are followed from frame to frame.
        A frame is read a second time only to measure reflections that were not found
        in it; the network does not run again.

        Frames are worked on in threads or, if there is a `distributed.Client`, by its
        workers, with the same result. In memory are as many frames as there are
        workers, and two, however long the movie is; only the tables grow with it.

        Parameters
        ----------
        model
            Network as in `segment`, with one class and for single images.
        folder
            What is found is kept here. It belongs to this movie and these options:
            with others it is refused. A movie is known by its shape, type, calibration
            and first and last frame; if only others change, give another folder or
            `overwrite`. Only ``crystal`` may be another, and what
            concerns more than one frame, ``min_overlap``, ``memory``, ``drift``,
            ``search_range``, ``min_share``, ``max_rotation`` and both tolerances; that
            does not take the network.
        min_separation, min_overlap, probability, min_area, memory, drift, search_range
            As in `Segmentation.track_instances`.
        size
            Height and width of the crop of each particle that is transformed: a number
            in the unit of the signal axes, or a text with a unit, ``"8 nm"``. By
            default nothing is transformed. Particles that are larger with two
            apodizations on each side are trimmed.
        apodization
            As in `local_fft`.
        crystal, max_spacing, false_alarms, square, min_share, max_rotation
            As in `LocalFFT.peak_table`.
        spacing_tolerance, angle_tolerance
            As in `LocalFFT.peak_table`.
        resample, tile, overlap, window, device
            As in `segment`.
        on_bad_frame
            As in `segment`: by default a frame that cannot be used is left out, and one
            warning at the end names all of them, with the reason. The folder keeps
            which they are: a run that goes on does not stop at them, but tries again to
            read those that could not be read.
        overwrite
            Whether to delete what a run with other options left in the folder; what
            else lies in it stays.
        show_progressbar
            Whether to show progress bars, of the frames that are done and the time
            left; by default as in HyperSpy's preferences.
        num_workers
            Number of threads; by default dask's own, or else four at most. With a
            `distributed.Client` it is the client's.

        Returns
        -------
        ``particles``, a lazy signal whose frames are read from the folder,
        ``properties`` and, if there is a size, ``reflections``, two tables. The
        spectra of a particle are ``local_fft(particles, id=3, size="8 nm")``. Frames
        that were left out are -1 in ``particles`` and have no rows in the tables, whose
        ``attrs["unknown_frames"]`` has their numbers.

        Raises
        ------
        ValueError
            See the single methods; raised before the first frame, or with the number
            of a frame.
            If the folder holds the frames of other options, and the message names them;
            if it is not ours, or another process is writing into it.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> movie = au_ceo2_movie(lazy=True).inav[:2]
        >>> particles, table, peaks = movie.follow_particles(
        ...     "au-ceo2-mask", "movie_particles", min_separation="2 nm", size="8 nm"
        ... )
        >>> particles
        <LazyInstances, title: Au on CeO2, simulated, dimensions: (2|512, 480)>
        >>> len(table)
        6
        """
        from hyperspy_hrtemnn.crystals import as_crystal

        from ._fourier.reflections import spacing_in_nm
        from ._one_pass.follow import follow_particles

        return follow_particles(
            self,
            model,
            folder,
            device=device,
            running=PredictionOptions(resample, tile, overlap, window),
            tracking=TrackingOptions(
                min_separation,
                min_overlap,
                probability,
                min_area,
                memory,
                drift,
                search_range,
            ),
            crop=SpectrumOptions(size, apodization),
            searching=ReflectionOptions(
                spacing_in_nm(max_spacing), false_alarms, square
            ),
            following=FollowingOptions(
                None if crystal is None else as_crystal(crystal),
                min_share,
                max_rotation,
                spacing_tolerance,
                angle_tolerance,
            ),
            rule=FrameRule(on_bad_frame, by_hand=True),
            overwrite=overwrite,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def count_events(
        self,
        particle_model: str | Path | Network,
        column_model: str | Path | Network,
        folder: str | Path,
        *,
        min_separation: float | str,
        zone_axis_model: str | Path | Network | None = "au-zone-axis",
        size: float | str = "8 nm",
        apodization: float | str = SpectrumOptions.apodization,
        min_on_axis: float = EventOptions.min_on_axis,
        column_probability: float = EventOptions.probability,
        min_frames: int = EventOptions.min_frames,
        min_probability: float = EventOptions.min_probability,
        false_rate: float = EventOptions.false_rate,
        min_overlap: float = TrackingOptions.min_overlap,
        probability: float | None = TrackingOptions.probability,
        min_area: float | str | None = TrackingOptions.min_area,
        memory: int = TrackingOptions.memory,
        drift: bool | ArrayLike = TrackingOptions.drift,
        search_range: float | str | None = TrackingOptions.search_range,
        resample: bool = PredictionOptions.resample,
        tile: int | None = PredictionOptions.tile,
        overlap: int | None = PredictionOptions.overlap,
        window: Window = PredictionOptions.window,
        device: DeviceName | None = None,
        on_bad_frame: OnBadFrame | None = None,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> CountedEvents:
        """Count the columns of particles that appear, vanish and jump in a movie.

        While a frame is in memory, its particles are segmented and separated, the
        columns of each are found, and the spectrum of each says whether it is on a zone
        axis. What is kept goes into a folder, whole or not at all: a run that is
        stopped goes on, as that of `follow_particles`. Then the particles are followed,
        the frames in which one is not on a zone axis are left out, unknown and not
        empty, its drift and its turn in the plane are taken out, and the states of each
        site are found from all frames together; see
        `hyperspy_hrtemnn.analysis.place_on_sites` and
        `hyperspy_hrtemnn.analysis.column_events`.

        Parameters
        ----------
        particle_model
            Network that segments particles, as in `follow_particles`:
            ``"au-ceo2-mask"``.
        column_model
            Network that finds columns in single images: ``"au-columns"``.
        folder
            What is found is kept here, as in `follow_particles`. With other
            ``min_on_axis``, ``min_frames``, ``min_probability`` and ``false_rate``, and
            other options of linking, no network runs again.
        min_separation, min_overlap, probability, min_area, memory, drift, search_range
            As in `Segmentation.track_instances`.
        zone_axis_model
            Network for `LocalFFT.zone_axis_probability`; None to take all frames.
        size, apodization
            Crop of each particle for it and its soft edge, as in `local_fft`.
        min_on_axis
            Smallest probability with which a particle is on a zone axis.
        column_probability
            Threshold of `Segmentation.find_columns`. Columns below 0.5 are doubtful,
            and count as that.
        min_frames, min_probability
            Shortest duration of what an event separates, in known frames, and smallest
            probability of an event, as in `hyperspy_hrtemnn.analysis.column_events`.
        false_rate
            False events of a column in a unit of time, ``rate_per_column`` in the
            ``rates`` of a movie of the same dose in which nothing happens.
        resample, tile, overlap, window, device
            As in `segment`.
        on_bad_frame, overwrite, show_progressbar, num_workers
            As in `follow_particles`.

        Returns
        -------
        ``particles`` and ``properties`` of `follow_particles`; ``zone_axis``, the table
        of `LocalFFT.zone_axis_probability`; ``columns``, all columns of particles on a
        zone axis on their sites; ``events``; and ``rates``, with a band of 95 %. All
        tables have ``frame`` and ``id``, but that of the rates.
        `hyperspy_hrtemnn.plots.plot_events` draws events and columns.

        Raises
        ------
        ValueError
            As in `follow_particles`; if the signal is not a movie, or a network is for
            something else.

        Warns
        -----
        UserWarning
            As in `follow_particles`.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> movie = au_ceo2_movie(lazy=True).inav[:3]
        >>> found = movie.count_events(
        ...     "au-ceo2-mask", "au-columns", "movie_events", min_separation="2 nm"
        ... )
        >>> found.rates["id"].tolist()
        [1, 2, 3]
        """
        from ._one_pass.count_events import EventNetworks, count_events

        return count_events(
            self,
            EventNetworks(particle_model, column_model, zone_axis_model),
            folder,
            device=device,
            running=PredictionOptions(resample, tile, overlap, window),
            tracking=TrackingOptions(
                min_separation,
                min_overlap,
                probability,
                min_area,
                memory,
                drift,
                search_range,
            ),
            crop=SpectrumOptions(size, apodization),
            counting=EventOptions(
                min_on_axis, column_probability, min_frames, min_probability, false_rate
            ),
            rule=FrameRule(on_bad_frame, by_hand=True),
            overwrite=overwrite,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def estimate_dose(
        self,
        roi: Any = None,
        *,
        counts_per_electron: float | None = None,
        offset: float | None = None,
        exposure: float | None = None,
        on_bad_frame: OnBadFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return the dose of each frame from its counts in a region of vacuum.

        Frame by frame, so that a lazy movie is never in memory as a whole.

        Parameters
        ----------
        roi
            The region in the unit of each signal axis, ``hs.roi.RectangularROI(left,
            top, right, bottom)``; its first pixel is the one whose middle is nearest
            to the left and top, its last is before that of right and bottom. By default
            the flattest part of the mean of 16 frames,
            `hyperspy_hrtemnn.analysis.find_vacuum`; look at it.
        counts_per_electron
            Counts of one electron. By default the metadata's, where those count
            electrons, as of DigitalMicrograph and Direct Electron.
        offset
            Counts of a pixel without beam; by default the metadata's, or 0. Images of
            `ExitWave.simulate_images` have the mean of their readout noise.
        exposure
            Exposure of a frame [s]; by default that of the metadata, or the time step.
        on_bad_frame
            What to do about a frame that cannot be read, or that is constant,
            saturated, without data or no brighter than the offset in the region:
            ``"raise"`` an error with its number, or ``"skip"`` it, with one warning. By
            default skip where there are several frames.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        A row for each frame: ``frame``, ``time`` if the navigation axis is calibrated
        in a unit of time, ``counts``, the mean in the region, ``electrons`` a pixel,
        ``dose`` in e-/Å², if the exposure is known ``dose_rate``, and ``valid``, false
        for frames that were skipped, whose values are NaN.
        ``attrs["units"]`` has the units, ``attrs["detector"]`` the region (left, top,
        right, bottom), which is the same if it is given again, the gain and where it
        is from.

        Raises
        ------
        ValueError
            If the gain is not known, the signal is not calibrated, the region is not
            inside the image or none is found.
        BadFrameError
            A ValueError, too. If a frame is constant, saturated, no brighter than the
            offset or has pixels there that are no data, and `on_bad_frame` is
            ``"raise"``; if no frame can be used.

        Examples
        --------
        >>> import hyperspy.api as hs
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> movie = au_ceo2_movie()
        >>> vacuum = hs.roi.RectangularROI(left=1, top=0.5, right=9, bottom=2)
        >>> table = movie.estimate_dose(vacuum, counts_per_electron=1)
        >>> round(table["dose"].mean())  # e-/Å², of the 800 that the movie has
        774
        """
        from ._detector.dose import estimate_dose

        return estimate_dose(
            self,
            roi,
            counts_per_electron=counts_per_electron,
            offset=offset,
            exposure=exposure,
            rule=FrameRule(on_bad_frame),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def estimate_optics(
        self,
        model: str | Path | Network = "hrtem-optics",
        *,
        energy: float | str | None = None,
        side: Literal["underfocus", "overfocus"] | None = None,
        device: DeviceName | None = None,
        on_bad_frame: OnBadFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return defocus, twofold astigmatism and blur of each image, with errors.

        A network sees the power spectrum, averaged over windows of 64 Å, and its third
        moment. It needs the beam energy, but not the spherical aberration, which its
        errors allow for. Frame by frame, so that a lazy movie is never in memory as a
        whole.

        The defocus is that of the mean plane of the specimen, in which heavy atoms
        count more. Of a thin object in a corrected microscope the power spectrum is
        the same on both sides of focus: see ``sign_probability``, and give `side` if
        you know it.

        Parameters
        ----------
        model
            Name of a shipped network, path of an ONNX file, or a network, for the task
            image optics.
        energy
            Beam energy, a number in keV or a text, ``"300 kV"``; by default the
            metadata's.
        side
            Side of focus of all images, if it is known; by default the more probable
            one of each image.
        device
            What the network runs on, as in `segment`.
        on_bad_frame
            What to do about a frame that is blank, without data or cannot be read:
            ``"raise"`` an error with its number, or ``"skip"`` it, with one warning. By
            default skip where there are several frames.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        A row for each image: ``frame``, ``time`` if the navigation axis is calibrated
        in a unit of time, ``defocus``, positive = underfocus, ``sign_probability``, of
        its sign, with which the astigmatism would turn by 90 degrees, too,
        ``astigmatism`` and ``astigmatism_angle``, from x towards y,
        ``astigmatism_cos`` and ``astigmatism_sin``, the astigmatism times the cosine
        and the sine of twice the angle, ``blur``, the standard deviation in the image
        of vibrations and drift along one axis, and ``valid``, false for images that
        were skipped, whose values are NaN. Each of these lengths and the angle has an
        error, ``defocus_error`` and so on, one standard deviation if the sign is
        right. Lengths are in the unit of the x axis, in ``attrs["units"]``.

        Raises
        ------
        ValueError
            If the network cannot be used or is for another task; if the beam energy is
            not known, the signal is not calibrated, the images are smaller than 64 Å,
            or their pixels are too large to show rings.
        BadFrameError
            A ValueError, too. If a frame cannot be used and `on_bad_frame` is
            ``"raise"``; if no frame can.
        """
        from ._optics.estimate_optics import estimate_optics

        return estimate_optics(
            self,
            model,
            energy=energy,
            side=side,
            device=device,
            rule=FrameRule(on_bad_frame),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def fit_mtf(
        self,
        roi: Any = None,
        *,
        counts_per_electron: float | str | None = None,
        offset: float | None = None,
        dose: float | Sequence[float] | None = None,
        exposure: float | None = None,
        floor: Floor = "quadrature",
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> DetectorFit:
        """Measure the camera: its MTF and readout noise from a region of vacuum.

        The noise paper's method (section 3.2 and appendix A.3): in each frame the
        amplitude of the noise against frequency is fitted by equation A.1, and N0 is
        fitted to its floor against dose, equation 2. See
        `hyperspy_hrtemnn.analysis.noise_spectrum`, `fit_mtf` and `fit_readout`. Frame
        by frame, so that a lazy movie is never in memory as a whole.

        Parameters
        ----------
        roi
            As in `estimate_dose`; 256 x 256 pixels or more are better.
        counts_per_electron
            As in `estimate_dose`, or ``"noise"``, the ratio of the noise's power
            towards frequency 0 to the counts. That is the camera's gain if all
            electrons make the same number of counts; those of a scintillator do not,
            and the doses are then too low.
        offset
            As in `estimate_dose`.
        dose
            Of each frame, or of all, in e-/Å², if it is known otherwise, in place of
            what the counts say.
        exposure
            As in `estimate_dose`.
        floor
            ``"linear"`` for equation A.1 to the letter; the default adds powers, and
            gets the camera back at any dose. See `hyperspy_hrtemnn.analysis.fit_mtf`.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Raises
        ------
        ValueError
            As in `estimate_dose`, or if the region has less than 64 pixels along an
            axis or the doses do not fit the frames; if a frame cannot be used, with its
            number.

        Examples
        --------
        >>> import hyperspy.api as hs
        >>> import numpy as np
        >>> vacuum = hs.signals.ComplexSignal2D(np.ones((320, 384), complex))
        >>> vacuum.set_signal_type("exit_wave")
        >>> for axis in vacuum.axes_manager.signal_axes:
        ...     axis.scale, axis.units = 0.01, "nm"
        >>> image = vacuum.simulate_images(0, energy=300, dose=2000, mtf=(0.25, 2.5))
        >>> region = hs.roi.RectangularROI(left=0.2, top=0.2, right=3.6, bottom=3)
        >>> detector = image.fit_mtf(region, dose=2000)
        >>> detector.table["c3"].round(1).tolist()
        [2.5]
        """
        from ._detector.detector import fit_detector

        return fit_detector(
            self,
            roi,
            counts_per_electron=counts_per_electron,
            offset=offset,
            dose=dose,
            exposure=exposure,
            floor=floor,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def plot_columns(
        self,
        columns: pd.DataFrame,
        frame: int | tuple[int, ...] | None = None,
        ax: Axes | None = None,
        *,
        color: str = "class",
        vacancies: pd.DataFrame | None = None,
        events: pd.DataFrame | None = None,
        diffusion: pd.DataFrame | None = None,
    ) -> Axes:
        """Plot an image in grey with its atomic columns, one color for each class.

        Parameters
        ----------
        columns
            The table of the columns of these images, from `Segmentation.find_columns`.
        frame
            Number of the image, from 0 on, or its navigation indices in the order of
            ``inav``. By default where the navigator is. The images of a focal series
            have the same columns.
        ax
            Axes to plot on; by default those of a new figure.
        color
            Name of the column of the table that the colors show: ``"class"``, or one of
            numbers, such as ``"atoms"``, on discs with a color bar that is the same for
            all images of the table.
        vacancies
            From `hyperspy_hrtemnn.analysis.find_vacancies`: dashed, in the color of the
            class that is missing.
        events
            From `hyperspy_hrtemnn.analysis.column_events`: those of this frame, with
            what became of what.
        diffusion
            From `hyperspy_hrtemnn.analysis.diffusion_events`: those of this frame, an
            arrow the way the atom went.

        Raises
        ------
        ValueError
            If a table lacks a column, or the colors are to show one without numbers.
        IndexError
            If there is no such image.
        """
        from ._columns.column_plots import plot_columns

        return plot_columns(
            self,
            columns,
            frame,
            ax,
            color=color,
            vacancies=vacancies,
            events=events,
            diffusion=diffusion,
        )


def _refuse(method: str, given: list[str]) -> None:
    """Raise a ValueError if options of the other method are given."""
    if given:
        raise ValueError(
            f"The method {method!r} makes no use of {', '.join(given)}. Leave it out, "
            "or choose the other method."
        )


def _standardized(
    frame: NDArray[Any],
    *,
    sigma: float,
    replaced: ReplacedPixels,
    index: tuple[int, ...],
) -> NDArray[np.float32]:
    data = image_data(frame)
    replaced.add_data(index, data)
    if not data.no_data:
        return standardize(data.values, sigma)
    result = standardize(data.values, sigma, valid=data.valid)
    result[:, ~data.valid] = np.nan
    return result
