# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of exit waves: their atomic columns, and how far they are from others."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from hyperspy.signals import BaseSignal

from hyperspy_hrtemnn.analysis import (
    classify_by_mass,
    column_heights,
    compare_waves,
    find_wave_columns,
    fit_excitation,
    height_errors,
    mass_angle,
)
from hyperspy_hrtemnn.signals._shared.calibration import known_sampling, pixels
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import join_frames
from hyperspy_hrtemnn.user_warnings import warn_user

from .point_table import point_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import WaveColumns

# Largest shift between waves [Å], and the pixel size of those without any.
_LARGEST_SHIFT = 0.5
_SAMPLING = 0.1

_HELD = 1e-6  # nearer to the largest shift it was held there [pixels]

# Relative difference of pixel sizes that are taken for the same.
_SAME = 0.01


def wave_table(
    wave: Signal2D,
    min_separation: float | str,
    threshold: float,
    classes: int | Sequence[str],
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the columns of all frames; see `ExitWave.find_columns`."""
    if isinstance(classes, int | np.integer):
        names, count = None, int(classes)
    else:
        names = list(classes)
        count = len(names)
    if isinstance(classes, str) or count < 1:
        raise ValueError(
            "classes has to be their number, 1 or more, or a list of their names, not "
            f"{classes!r}."
        )
    find = partial(
        find_wave_columns,
        min_separation=pixels(min_separation, wave),
        threshold=threshold,
    )
    size, energy = known_sampling(wave), known_energy(wave)
    measure = None
    if size is not None and energy is not None:
        measure = partial(column_heights, sampling=size, energy=energy)
    # Options out of range are refused now, not when the waves are read.
    find(np.ones((3, 3)))
    table = point_table(
        wave,
        partial(_table, find=find, measure=measure),
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    values = (table["real"] + 1j * table["imaginary"]).to_numpy()
    excitation = fit_excitation(values)
    table["theta"] = mass_angle(
        values, table[["x", "y"]], frames=table["frame"], excitation=excitation
    )
    if measure is not None:
        _add_errors(table)
    # Two numbers, for attrs are written to files as JSON.
    table.attrs["excitation"] = [excitation.real, excitation.imag]
    # Vacuum has no columns, of however many classes.
    if len(table):
        table["class"] = classify_by_mass(values, count, table["theta"])
    if names is not None:
        table["class"] = np.array(names, object)[table["class"].to_numpy(int)]
    return table


def _add_errors(table: pd.DataFrame) -> None:
    """Put the errors of heights beside them."""
    table["height"] = table.pop("height")  # behind theta
    table["height_error"] = np.nan
    for _, rows in table.groupby("frame", sort=False):
        table.loc[rows.index, "height_error"] = height_errors(
            rows[["x", "y"]], rows["height"], rows["theta"], rows["amplitude"]
        )
    table.attrs["units"] |= dict.fromkeys(("height", "height_error"), "Å")


def _table(
    maps: NDArray[Any],
    *,
    find: Callable[..., WaveColumns],
    measure: Callable[..., NDArray[np.float64]] | None,
) -> pd.DataFrame:
    found = find(maps[0])
    change = found.wave - 1
    heights = {}
    if measure is not None:
        heights["height"] = measure(maps[0], found.positions)
    return pd.DataFrame(
        heights
        | {
            "class": np.zeros(len(found), int),
            "x": found.positions[:, 1],
            "y": found.positions[:, 0],
            "real": found.wave.real,
            "imaginary": found.wave.imag,
            "amplitude": np.abs(change),
            "phase": np.angle(change),
        }
    )


def comparison_table(
    wave: Signal2D,
    other: Signal2D,
    cutoff: float | str | None,
    largest_shift: float | str | None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the differences of all frames; see `ExitWave.compare`."""
    if not isinstance(other, BaseSignal):
        raise TypeError(
            f"Waves are compared with other waves, a signal, not with {type(other)}."
        )
    other = in_one_form(other)
    if wave.data.shape != other.data.shape:
        raise ValueError(
            f"The waves have the shapes {wave.data.shape} and {other.data.shape}; they "
            "must be the same."
        )
    size, its_size = known_sampling(wave), known_sampling(other)
    if size and its_size and not math.isclose(size, its_size, rel_tol=_SAME):
        raise ValueError(
            f"The waves have pixels of {size:.4g} and {its_size:.4g} Å; they must be "
            "the same."
        )
    width = None if cutoff is None else pixels(cutoff, wave)
    if width is not None and not width > 0:
        raise ValueError(f"cutoff has to be positive, not {cutoff!r}.")
    if largest_shift is None:
        reach = _LARGEST_SHIFT / (size or its_size or _SAMPLING)
    else:
        reach = pixels(largest_shift, wave)
    if not (reach >= 0 and math.isfinite(reach)):
        raise ValueError(
            f"largest_shift cannot be negative or infinite, as {largest_shift!r} is."
        )
    rows = each_frame(
        wave,
        partial(_compare, cutoff=width, reach=reach),
        beside=(other, FrameRule(known=True)),
        rule=FrameRule(known=True),
        label="compare",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    table, units = join_frames(rows, wave.axes_manager.navigation_axes, 0, 1)
    _warn_of_reach(table, reach, reach * (size or its_size or _SAMPLING))
    for name, axis in zip("xy", wave.axes_manager.signal_axes, strict=True):
        table[f"shift_{name}"] *= axis.scale
        if isinstance(axis.units, str) and axis.units:
            units[f"shift_{name}"] = axis.units
    table.attrs["units"] = units
    return table


def _warn_of_reach(table: pd.DataFrame, reach: float, largest: float) -> None:
    """Warn of waves that would have to be shifted farther than they may be [pixels]."""
    shifts = table[["shift_y", "shift_x"]].abs().max(axis=1)
    held = table.index[shifts >= reach - _HELD]
    if reach > 0 and len(held):
        warn_user(
            f"{len(held)} of {len(table)} waves are not registered, the first one in "
            f"frame {table['frame'][held[0]]}: they are nearest to the others beyond "
            f"the largest shift of {largest:.2g} Å. If they are that far apart, give "
            "largest_shift; if not, they are of something else."
        )


def _compare(
    wave: NDArray[Any],
    other: NDArray[Any] | None,
    *,
    cutoff: float | None,
    reach: float,
) -> pd.DataFrame | None:
    if other is None:
        return None
    return pd.DataFrame([compare_waves(wave[0], other, cutoff, reach)])
