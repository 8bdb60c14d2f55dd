# SPDX-License-Identifier: GPL-3.0-or-later
"""MTF and readout noise of the detector of a signal: `HRTEM.fit_mtf`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_hrtemnn.analysis.detector.mtf_fit import MTFFit, fit_mtf
from hyperspy_hrtemnn.analysis.detector.readout import fit_readout
from hyperspy_hrtemnn.analysis.detector.spectrum import NoiseSpectrum, noise_spectrum
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.runner import each_frame

from .detector_fit import DetectorFit
from .dose import above_dark, dose_columns, frame_table, vacuum_counts
from .gain import Gain, known_exposure, known_gain, unknown_gain
from .vacuum import vacuum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.detector.mtf_fit import Floor

_FITTED = ("c0", "c0_error", "c1", "c2", "c3", "c3_error", "C", "C_error", "R2")


class _Frame(NamedTuple):
    counts: float
    hot_pixels: int
    spectrum: NoiseSpectrum
    fit: MTFFit


def fit_detector(
    signal: Signal2D,
    roi: Any,
    *,
    counts_per_electron: float | str | None,
    offset: float | None,
    dose: float | Sequence[float] | None,
    exposure: float | None,
    floor: Floor,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> DetectorFit:
    """Return MTF and readout noise; see `HRTEM.fit_mtf`."""
    pixel_size = sampling(signal)
    n_frames = int(np.prod(signal.axes_manager.navigation_shape, dtype=int))
    doses = None if dose is None else _doses(dose, n_frames)
    from_noise = isinstance(counts_per_electron, str)
    if from_noise and counts_per_electron != "noise":
        raise ValueError(
            f"counts_per_electron is {counts_per_electron!r}; give a number or 'noise'."
        )
    if doses is not None and counts_per_electron is not None:
        raise ValueError(
            "Both dose and counts_per_electron are given; give one, the other follows."
        )
    given = None if isinstance(counts_per_electron, str) else counts_per_electron
    gain = known_gain(signal, given, offset)
    if gain is None and doses is None and not from_noise:
        raise ValueError(
            f"{unknown_gain(signal)}, or 'noise' to take it from the noise; or give "
            "the dose of the frames."
        )
    seconds = known_exposure(signal, exposure)
    dark = gain.offset if gain else float(offset or 0)
    region = vacuum(signal, roi)
    measured = each_frame(
        region.signal,
        partial(_measure, offset=dark, floor=floor),
        label="detector",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    # None is skipped: a frame that cannot be used is an error.
    frames = [frame for frame in measured if frame is not None]
    counts = [frame.counts for frame in frames]
    fits = tuple(frame.fit for frame in frames)
    signal_counts = above_dark(counts, dark)
    # The power of the shot noise towards frequency 0 is the gain squared times N_D.
    gains = np.array([fit.c1**2 - fit.c2**2 for fit in fits]) / signal_counts
    if doses is not None:
        electrons = doses * pixel_size**2
        gain = Gain(float(np.median(signal_counts / electrons)), dark, "dose")
    else:
        if gain is None or from_noise:
            gain = Gain(float(np.median(gains)), dark, "noise")
        electrons = signal_counts / gain.counts_per_electron
    columns = dose_columns(counts, electrons, pixel_size, seconds)
    columns |= {name: [getattr(fit, name) for fit in fits] for name in _FITTED}
    columns["counts_per_electron"] = gains
    columns["hot_pixels"] = [frame.hot_pixels for frame in frames]
    table = frame_table(columns, region, pixel_size, seconds, gain)
    table.attrs["units"]["hot_pixels"] = "pixels"
    table.attrs["detector"]["floor"] = floor
    return DetectorFit(
        table=table,
        readout=fit_readout(table["C"], electrons, table["C_error"]),
        spectra=tuple(frame.spectrum for frame in frames),
        fits=fits,
    )


def _measure(frame: NDArray[Any], *, offset: float, floor: Floor) -> _Frame:
    region, hot_pixels = vacuum_counts(frame, offset)
    spectrum = noise_spectrum(region)
    fit = fit_mtf(spectrum, floor)
    return _Frame(float(region.mean()), hot_pixels, spectrum, fit)


def _doses(dose: float | Sequence[float], n_frames: int) -> NDArray[np.float64]:
    doses = np.asarray(dose, float).ravel()
    if doses.size not in (1, n_frames):
        raise ValueError(
            f"dose has {doses.size} numbers; there are {n_frames} frames. Give one for "
            "all, or one for each."
        )
    if not np.all((doses > 0) & np.isfinite(doses)):
        raise ValueError(f"dose is {dose}; it must be positive, in e-/Å².")
    return np.broadcast_to(doses, n_frames)
