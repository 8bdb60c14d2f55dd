# SPDX-License-Identifier: GPL-3.0-or-later
"""Dose of each frame: `HRTEM.estimate_dose`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis.detector.hot_pixels import replace_hot_pixels
from hyperspy_hrtemnn.analysis.detector.spectrum import SMALLEST_SIDE
from hyperspy_hrtemnn.analysis.detector.vacuum import check_region
from hyperspy_hrtemnn.bad_frames import NO_DATA, BadFrameError
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.tables import join_frames, note_unknown

from .gain import known_exposure, known_gain, unknown_gain
from .vacuum import vacuum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

    from .gain import Gain
    from .vacuum import Vacuum

_UNITS = {
    "counts": "counts/pixel",
    "electrons": "e-/pixel",
    "dose": "e-/Å²",
    "dose_rate": "e-/(Å² s)",
    "c0": "Nyquist frequencies",
    "c0_error": "Nyquist frequencies",
    "c1": "counts/pixel",
    "c2": "counts/pixel",
    "counts_per_electron": "counts/e-",
}


def estimate_dose(
    signal: Signal2D,
    roi: Any,
    *,
    counts_per_electron: float | None,
    offset: float | None,
    exposure: float | None,
    rule: FrameRule,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the dose of each frame; see `HRTEM.estimate_dose`."""
    pixel_size = sampling(signal)
    gain = known_gain(signal, counts_per_electron, offset)
    if gain is None:
        raise ValueError(f"{unknown_gain(signal)}.")
    seconds = known_exposure(signal, exposure)
    region = vacuum(signal, roi)
    measured = each_frame(
        region.signal,
        partial(_mean_and_hot_pixels, offset=gain.offset),
        rule=rule,
        label="dose",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    counts = [np.nan if found is None else found[0] for found in measured]
    electrons = (np.array(counts) - gain.offset) / gain.counts_per_electron
    columns = dose_columns(counts, electrons, pixel_size, seconds)
    columns["valid"] = [found is not None for found in measured]
    table = frame_table(columns, region, pixel_size, seconds, gain)
    known = [found for found in measured if found is not None]
    table.attrs["detector"]["hot_pixels"] = sum(hot for _, hot in known)
    note_unknown(table, np.flatnonzero(~table["valid"]))
    return table


def _mean_and_hot_pixels(frame: NDArray[Any], *, offset: float) -> tuple[float, int]:
    region, hot_pixels = vacuum_counts(frame, offset)
    mean = float(region.mean())
    if not mean > offset:
        raise BadFrameError(
            f"It has {mean:.4g} counts a pixel, no more than without beam: the offset "
            f"is {offset:g}. Give another offset, or leave such frames out.",
            "no brighter than without beam",
        )
    return mean, hot_pixels


def vacuum_counts(
    frame: NDArray[Any], offset: float
) -> tuple[NDArray[np.float64], int]:
    """Return the counts of a region of vacuum, checked, shape (y, x).

    Returns
    -------
    The counts, and how many hot and dead pixels were replaced. In vacuum it is known
    what an electron makes, so that less tells a hot pixel than in an image.
    """
    data = contrast_checked(image_data(frame[0], replace=False))
    if data.no_data:
        raise BadFrameError(
            f"{data.no_data} pixels of the region are no data (NaN, infinite or "
            "filled). Give another region, or leave such frames out.",
            NO_DATA,
        )
    region = data.counts()[0].astype(np.float64)
    check_region(region)
    missing = data.bad_pixels
    if min(region.shape) < SMALLEST_SIDE:
        return region, missing
    region, hot = replace_hot_pixels(region, offset)
    return region, missing + hot


def above_dark(counts: Sequence[float], offset: float) -> NDArray[np.float64]:
    """Return mean counts of frames less those without beam."""
    signal = np.array(counts) - offset
    if not np.all(signal > 0):
        raise ValueError(
            f"Frame {np.argmin(signal)} has {min(counts):.4g} counts a pixel, no more "
            f"than without beam: the offset is {offset:g}. Give another offset, or "
            "leave such frames out."
        )
    return signal


def dose_columns(
    counts: Sequence[float],
    electrons: NDArray[np.float64],
    pixel_size: float,
    exposure: float | None,
) -> dict[str, Any]:
    """Return the columns of a table of doses, by name, of mean counts and electrons."""
    dose = electrons / pixel_size**2
    columns = {"counts": np.array(counts), "electrons": electrons, "dose": dose}
    return columns if exposure is None else columns | {"dose_rate": dose / exposure}


def frame_table(
    columns: dict[str, Any],
    region: Vacuum,
    pixel_size: float,
    exposure: float | None,
    gain: Gain,
) -> pd.DataFrame:
    """Return a table of a row for each frame, with units and where it is from."""
    rows = pd.DataFrame(columns)
    frames = [rows.iloc[[number]] for number in range(len(rows))]
    axes = region.signal.axes_manager.navigation_axes
    table, units = join_frames(frames, axes, 0, 1)
    table.attrs["units"] = units | {
        name: unit for name, unit in _UNITS.items() if name in columns
    }
    table.attrs["detector"] = {
        "region": region.edges,
        "sampling": pixel_size,
        "exposure": exposure,
        "counts_per_electron": gain.counts_per_electron,
        "gain from": gain.source,
        "offset": gain.offset,
        "version": __version__,
    }
    return table
