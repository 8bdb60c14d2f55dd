# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses of a focal series, from its images and a wave: `ExitWave.fit_optics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis import Detector, FittedOptics
from hyperspy_hrtemnn.analysis import fit_optics as fit_lenses
from hyperspy_hrtemnn.analysis.detector.from_parameters import detector_from_parameters
from hyperspy_hrtemnn.analysis.detector.parameters import read_parameters_file
from hyperspy_hrtemnn.analysis.microscope.detector import checked_mtf
from hyperspy_hrtemnn.analysis.refinement.wave_error import NETWORK, WaveError
from hyperspy_hrtemnn.bad_frames import reading
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.signals._detector.gain import known_gain, unknown_gain
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.defocus import AXIS_HELP, defocus_values
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.frames import frames
from hyperspy_hrtemnn.signals._shared.lenses import (
    angstroms,
    beam_energy,
    known_energy,
)
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.image_data import ImageData
    from hyperspy_hrtemnn.options import CameraOptions, OpticsOptions

# Relative difference of pixel sizes that are taken for the same.
_SAME = 0.01


def fit_optics(
    wave: Signal2D,
    series: Signal2D,
    energy: float | str | None,
    camera: CameraOptions,
    options: OpticsOptions,
) -> FittedOptics:
    """Return the lenses of a series; see `ExitWave.fit_optics`.

    Parameters
    ----------
    wave
        The wave.
    series
        The images.
    energy
        Beam energy [keV], or a text; by default the metadata's.
    camera
        The camera and its counts.
    options
        Guesses and borders.
    """
    wave, series = in_one_form(wave), in_one_form(series)
    defocus = _defocus(series)
    _check(wave, series)
    detector = _detector(series, camera)
    with reading():
        values, stack = (np.asarray(_array(each)) for each in (wave, series))
    if not np.iscomplexobj(values):
        raise ValueError(
            f"The wave is real, {type(wave).__name__}; a complex exit wave is needed, "
            "as of HRTEM.reconstruct_exitwave."
        )
    data = contrast_checked(image_data(stack))
    margin = options.margin
    return fit_lenses(
        values,
        _electrons(data, series, values, camera, detector),
        detector,
        beam_energy(series if known_energy(series) else wave, energy),
        defocus.tolist(),
        Cs=angstroms(options.Cs, series),
        smoothing=angstroms(options.smoothing, series),
        margin=None if margin is None else angstroms(margin, series),
        valid=data.valid,
        wave_error=_wave_error(wave),
    )


def _defocus(series: Signal2D) -> NDArray[np.float64]:
    defocus = defocus_values(series)
    if defocus is None or len(defocus) < 2:
        raise ValueError(
            "The defocus of the images is not known: a navigation axis named 'defocus' "
            "in a unit of length is needed, along two images or more; a guess of 2 nm "
            f"is enough. {AXIS_HELP}"
        )
    return defocus


def _check(wave: Signal2D, series: Signal2D) -> None:
    """Raise a ValueError unless it is one wave and one series on the same pixels."""
    for name, signal, axes in (("wave", wave, 0), ("series", series, 1)):
        shape = signal.axes_manager.navigation_shape
        if len(shape) != axes:
            raise ValueError(
                f"The {name} has the navigation shape {shape}; the lenses are fitted "
                "for one wave and one focal series at a time. Choose them with inav."
            )
    sizes = sampling(wave), sampling(series)
    if abs(sizes[0] - sizes[1]) > _SAME * sizes[1]:
        raise ValueError(
            f"The wave has pixels of {sizes[0]:.4g} Å, the images of {sizes[1]:.4g} Å; "
            "they have to be the same."
        )


def _array(signal: Signal2D) -> Any:
    """Return the data of one wave, shape (y, x), or of one series (image, y, x)."""
    axes = signal.axes_manager.navigation_axes
    whole = frames(signal, axes[0]) if axes else frames(signal)[0]
    return whole.compute()


def _detector(series: Signal2D, camera: CameraOptions) -> Detector:
    """Return the detector that is given, by what fit_mtf measured or by numbers."""
    pixel = sampling(series)
    source = camera.detector
    if source is None and camera.mtf is None:
        raise ValueError(
            "The camera is not known. Measure it in a region of vacuum, "
            "detector=series.fit_mtf(), or give the file that its save() wrote; or "
            "give mtf=(c0, c3), for a camera without MTF (inf, 1), and readout."
        )
    if source is None:
        c0, c3 = checked_mtf(camera.mtf)  # type: ignore[arg-type]
        known = Detector(pixel, pixel**-2, c0, c3)
    else:
        known = detector_from_parameters(_content(source), pixel)
        if camera.mtf is not None:
            raise ValueError(
                "Both detector and mtf are given; give one, the other has the same."
            )
    if camera.readout is None:
        return known
    if not 0 <= camera.readout < np.inf:
        raise ValueError(f"readout cannot be negative, as {camera.readout} is.")
    return replace(known, readout=float(camera.readout))


def _content(source: Any) -> Mapping[str, Any]:
    """Return the content of a parameters file, from its path or a `DetectorFit`."""
    if hasattr(source, "to_parameters"):
        return source.to_parameters()  # type: ignore[no-any-return]
    if isinstance(source, Mapping):
        return source
    path = Path(source)
    content = read_parameters_file(path)
    if not content:
        raise ValueError(
            f"The parameters file {path} does not exist or is empty; "
            "DetectorFit.save writes one."
        )
    return content


def _electrons(
    data: ImageData,
    series: Signal2D,
    wave: NDArray[np.complexfloating],
    camera: CameraOptions,
    detector: Detector,
) -> NDArray[np.float32]:
    """Return the electrons of each pixel, the mean where an image is no data."""
    if camera.dose is not None and camera.counts_per_electron is not None:
        raise ValueError(
            "Both dose and counts_per_electron are given; give one, the other follows."
        )
    gain = known_gain(series, camera.counts_per_electron, camera.offset)
    offset = gain.offset if gain else float(camera.offset or 0)
    counts = np.asarray(data.counts(no_data=0), np.float64) - offset
    inside = counts[:, data.valid]
    if not inside.mean() > 0:
        raise ValueError(
            f"The images have {inside.mean() + offset:.4g} counts a pixel, no more "
            f"than without beam: the offset is {offset:g}. Give another offset."
        )
    if camera.dose is not None:
        if not 0 < camera.dose < np.inf:
            raise ValueError(f"dose is {camera.dose}; it must be positive, in e-/Å².")
        brightness = float(np.mean(np.abs(wave[data.valid]) ** 2))
        scale = camera.dose * detector.sampling**2 * brightness / inside.mean()
    elif gain is not None:
        scale = 1 / gain.counts_per_electron
    else:
        raise ValueError(
            f"{unknown_gain(series)}; or give the dose of an image in e-/Å²."
        )
    for image, pixels in zip(counts, inside, strict=True):
        image[~data.valid] = pixels.mean()
    return np.asarray(scale * counts, np.float32)


def _wave_error(wave: Signal2D) -> WaveError:
    """Return what no image shows of a wave, by how it was made.

    Warns
    -----
    UserWarning
        If it was made with lenses.
    """
    method = wave.metadata.get_item("HRTEMNN.ExitWave.method", default="")
    if method == "gerchberg-saxton":
        warn_user(
            "This wave was reconstructed with lenses, so that it makes the images with "
            "these, right or wrong, and the fit gives them back. A network's wave does "
            "not know them."
        )
    return NETWORK if method == "network" else WaveError()
