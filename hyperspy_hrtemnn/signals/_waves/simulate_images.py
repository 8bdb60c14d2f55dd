# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of exit waves through lenses and a camera: `ExitWave.simulate_images`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import Detector, detect_electrons, image_intensity
from hyperspy_hrtemnn.analysis.microscope.detector import checked_mtf
from hyperspy_hrtemnn.analysis.waves.finite import of_finite_wave
from hyperspy_hrtemnn.signals._detector.gain import GAIN_FACTOR
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts, frames, free_name
from hyperspy_hrtemnn.signals._shared.lenses import angstroms, lenses, set_energy
from hyperspy_hrtemnn.signals._shared.runner import map_frames
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import Optics
    from hyperspy_hrtemnn.options import ExposureOptions, LensOptions


def simulate_images(
    signal: Signal2D,
    defocus: float | str | Sequence[float | str],
    energy: float | str | None,
    lens: LensOptions,
    exposure: ExposureOptions,
    *,
    lazy: bool,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> Signal2D:
    """Return the images of waves; see `ExitWave.simulate_images`."""
    single = isinstance(defocus, str) or np.ndim(defocus) == 0
    series: Any = [defocus] if single else list(defocus)  # type: ignore[arg-type]
    if not series:
        raise ValueError("defocus is empty; give that of each image.")
    values = [angstroms(each, signal) for each in series]
    optics = lenses(signal, values, energy, lens)
    run = partial(
        _images,
        pixel_size=sampling(signal),
        optics=optics,
        detector=_detector(sampling(signal), exposure),
        seed=exposure.seed,
    )
    rule = FrameRule(known=True)
    data = map_frames(run, frames(signal), len(values), indexed=True, rule=rule)
    axes = axis_dicts(signal)
    free_name(axes, "defocus")
    if single:
        data = data[..., 0, :, :]
    else:
        axes.insert(-2, _defocus_axis([value / 10 for value in values]))
    result = derived_signal(signal, data, "HRTEM", axes)
    set_energy(result, optics[0].energy)
    state = {
        "energy": energy,
        **vars(lens),
        **vars(exposure),
        "aberrations": [a.name for a in lens.aberrations],
        "version": __version__,
    }
    result.metadata.set_item("HRTEMNN.SimulatedImages", state)
    if exposure.dose is not None:
        result.metadata.set_item("Signal.quantity", "Electrons (Counts)")
        result.metadata.set_item(GAIN_FACTOR, 1.0)
    return computed(  # type: ignore[no-any-return]
        result, lazy=lazy, show_progressbar=show_progressbar, num_workers=num_workers
    )


def _detector(pixel_size: float, exposure: ExposureOptions) -> Detector:
    dose, mtf = exposure.dose, exposure.mtf
    c0, c3 = checked_mtf((0.5, 2.0) if mtf is None else mtf)
    return Detector(
        sampling=pixel_size,
        # One electron a pixel, so that without noise 1 is vacuum.
        dose=pixel_size**-2 if dose is None else dose,
        mtf_c0=c0,
        mtf_c3=c3,
        readout=exposure.readout,
        noise=dose is not None,
        has_mtf=mtf is not None,
    )


def _images(
    waves: NDArray[Any],
    *,
    index: tuple[int, ...],
    pixel_size: float,
    optics: tuple[Optics, ...],
    detector: Detector,
    seed: int,
) -> NDArray[np.float32]:
    height, width = shape = waves.shape[-2:]
    extent = (height * pixel_size, width * pixel_size)

    def intensities(wave: NDArray[Any]) -> NDArray[np.float32]:
        psi = np.asarray(wave, np.complex64)
        return np.stack([image_intensity(psi, extent, each, shape) for each in optics])

    rng = np.random.default_rng((seed, *index))
    images = of_finite_wave(intensities, waves[0])
    return np.stack([detect_electrons(image, detector, rng) for image in images])


def _defocus_axis(values: list[float]) -> dict[str, Any]:
    """Return an axis of the values [nm], with a scale if they are evenly spaced."""
    axis: dict[str, Any] = {"name": "defocus", "units": "nm", "navigate": True}
    steps = np.diff(values)
    if len(values) > 1 and np.ptp(steps) > 1e-6 * np.abs(steps).max():
        return {**axis, "axis": values}
    step = float(np.mean(steps)) if len(values) > 1 else 1.0
    return {**axis, "size": len(values), "offset": values[0], "scale": step}
