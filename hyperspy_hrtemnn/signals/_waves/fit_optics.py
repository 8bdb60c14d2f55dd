# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses of a focal series, from its images and a wave: `ExitWave.fit_optics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import FittedOptics
from hyperspy_hrtemnn.analysis import fit_optics as fit_lenses
from hyperspy_hrtemnn.analysis.refinement.wave_error import NETWORK, WaveError
from hyperspy_hrtemnn.bad_frames import reading
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.signals._detector.camera import electrons, known_detector
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.defocus import series_defocus
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.frames import in_memory
from hyperspy_hrtemnn.signals._shared.lenses import (
    angstroms,
    beam_energy,
    known_energy,
)
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

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
    defocus = series_defocus(series, "A guess of 2 nm is enough.")
    _check(wave, series)
    detector = known_detector(series, camera)
    with reading():
        values, stack = (in_memory(each) for each in (wave, series))
    if not np.iscomplexobj(values):
        raise ValueError(
            f"The wave is real, {type(wave).__name__}; a complex exit wave is needed, "
            "as of HRTEM.reconstruct_exitwave."
        )
    data = contrast_checked(image_data(stack))
    brightness = float(np.mean(np.abs(values[data.valid]) ** 2))
    margin = options.margin
    return fit_lenses(
        values,
        electrons(data, series, camera, brightness),
        detector,
        beam_energy(series if known_energy(series) else wave, energy),
        defocus.tolist(),
        Cs=angstroms(options.Cs, series),
        smoothing=angstroms(options.smoothing, series),
        margin=None if margin is None else angstroms(margin, series),
        valid=data.valid,
        wave_error=_wave_error(wave),
    )


def _check(wave: Signal2D, series: Signal2D) -> None:
    """Raise a ValueError unless it is one wave and one series on the same pixels."""
    for name, signal, axes in (("wave", wave, 0), ("series", series, 1)):
        shape = signal.axes_manager.navigation_shape
        if len(shape) != axes:
            raise ValueError(
                f"The {name} has the navigation shape {shape}; the lenses are fitted "
                "for one wave and one focal series at a time. Choose them with inav."
            )
    shapes = [each.axes_manager.signal_shape for each in (wave, series)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"The wave has {shapes[0][0]} x {shapes[0][1]} pixels, the images have "
            f"{shapes[1][0]} x {shapes[1][1]}; they have to be the same."
        )
    sizes = sampling(wave), sampling(series)
    if abs(sizes[0] - sizes[1]) > _SAME * sizes[1]:
        raise ValueError(
            f"The wave has pixels of {sizes[0]:.4g} Å, the images of {sizes[1]:.4g} Å; "
            "they have to be the same."
        )


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
