# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of a movie in one table: `LocalFFT.peak_table`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from hyperspy_hrtemnn.analysis import (
    find_reflections,
    follow_reflections,
    measure_reflections,
)
from hyperspy_hrtemnn.signals._shared.choice import IDS, meaning
from hyperspy_hrtemnn.signals._shared.labels import check_ids
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import insert_coordinates, note_unknown
from hyperspy_hrtemnn.signals._shared.units import (
    hint_for,
    length_in,
    unit_of,
    value_in,
)
from hyperspy_hrtemnn.unit_texts import quoted
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.options import FollowingOptions, ReflectionOptions

    Numbers = NDArray[np.intp]

_COLUMNS = ["frame", "id", "reflection", "spacing", "angle", "intensity", "amplitude"]
_COLUMNS += ["noise", "found", "rotation"]
_INDEXED = ["family", "lattice", "zone_axis"]
_TYPES: dict[str, type] = {"frame": int, "id": int, "reflection": int, "found": bool}
_TYPES |= dict.fromkeys(_INDEXED, str)
# Of a spectrum in which there is nothing to find.
_EMPTY = np.zeros(0)

_UNITS = {"spacing": "nm", "angle": "°", "rotation": "°"}


def peak_table(
    spectra: Signal2D,
    search: ReflectionOptions,
    follow: FollowingOptions,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the reflections of all particles; see `LocalFFT.peak_table`.

    Parameters
    ----------
    spectra
        The spectra.
    search
        Options for finding reflections.
    follow
        Options for following and indexing them.
    show_progressbar
        Whether to show progress bars.
    num_workers
        Number of threads of dask.
    """
    check_reflection_table(spectra)
    step = frequency_step(spectra)
    frame, number = frames_and_ids(spectra)
    run = partial(
        each_frame,
        spectra,
        rule=FrameRule("skip", known=True),
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    found = run(partial(_found, step=step, search=search), label="find reflections")
    seen = [records is not None and records is not _EMPTY for records in found]
    warn_of_nothing(seen, number)
    shown = pd.DataFrame({"frame": frame, "id": number})[seen]
    nothing = find_reflections(np.zeros((3, 3)), step, **vars(search))
    tables = [records for records, shows in zip(found, seen, strict=True) if shows]
    sizes = [len(records) for records in tables if records is not None]
    together = pd.DataFrame(np.concatenate([*tables, nothing.to_records(index=False)]))
    for name in ("frame", "id"):
        together[name] = shown[name].to_numpy().repeat(sizes)
    rows = followed(together, shown, follow, show_progressbar=show_progressbar)
    unseen = np.flatnonzero(~rows["found"])
    members = rows.iloc[unseen].groupby(["frame", "id"]).indices
    of_spectrum = [
        unseen[members.get(place, slice(0))]
        for place in zip(frame.tolist(), number.tolist(), strict=True)
    ]
    where = rows[["spacing", "angle"]].to_numpy().T
    measured = run(
        partial(_measured, step=step, square=search.square),
        arguments=[where[:, at] if at.size else None for at in of_spectrum],
        label="measure reflections",
    )
    values = [np.zeros((2, 0)), *(each for each in measured if each is not None)]
    at = np.concatenate(of_spectrum)
    rows.loc[at, ["intensity", "amplitude"]] = np.concatenate(values, axis=1).T
    indexed = follow.crystal is not None
    unknown = {f for f, records in zip(frame, found, strict=True) if records is None}
    return reflection_table(rows, frame_axes(spectra), unknown, indexed=indexed)


def followed(
    found: pd.DataFrame,
    shown: pd.DataFrame,
    follow: FollowingOptions,
    *,
    show_progressbar: bool | None,
) -> pd.DataFrame:
    """Return the reflections of all particles, each followed through its frames.

    Parameters
    ----------
    found
        A row for each reflection: ``frame``, ``id`` of the particle, and the columns
        of `find_reflections`. The frames of a particle are in their order.
    shown
        ``frame`` and ``id`` of each spectrum that is not empty.
    follow
        Options for following and indexing them.
    show_progressbar
        Whether to show a progress bar; None for what HyperSpy's preferences say.

    Returns
    -------
    What `follow_reflections` knows of each particle, with ``id``, sorted by frame, id
    and reflection.
    """
    rows = found.groupby("id").indices
    columns = found.drop(columns="id")
    tables = [follow_reflections(columns.iloc[:0], [], **vars(follow)).assign(id=0)]
    with tqdm(
        shown.groupby("id")["frame"],
        desc="following",
        unit="particle",
        disable=not is_shown(show_progressbar),
    ) as particles:
        for particle, frames in particles:
            # One of which nothing is found has no rows.
            if particle in rows:
                of_particle = columns.iloc[rows[particle]].reset_index(drop=True)
                table = follow_reflections(of_particle, frames, **vars(follow))
                tables.append(table.assign(id=particle))
    together = pd.concat(tables[1:] or tables, ignore_index=True)
    return together.sort_values(["frame", "id", "reflection"], ignore_index=True)


def reflection_table(
    rows: pd.DataFrame,
    axes: Sequence[Any],
    unknown: Iterable[int] = (),
    *,
    indexed: bool,
) -> pd.DataFrame:
    """Return the rows of all particles as the table of `LocalFFT.peak_table`.

    Parameters
    ----------
    rows
        Table from `followed`, with all measured values.
    axes
        The navigation axes of the frames, the fastest first.
    unknown
        The frames that nobody could look at.
    indexed
        Whether a crystal is known.
    """
    columns = _COLUMNS + (_INDEXED if indexed else [])
    types = {name: _TYPES.get(name, float) for name in columns}
    table = rows[columns].astype(types)
    units = insert_coordinates(table, axes, 1)
    table.attrs["units"] = units | _UNITS
    note_unknown(table, unknown)
    return table


def check_reflection_table(signal: Signal2D) -> None:
    """Raise now what `reflection_table` would raise when all spectra are searched."""
    columns = _COLUMNS + _INDEXED
    nothing = pd.DataFrame({name: np.zeros(0) for name in columns})
    reflection_table(nothing, frame_axes(signal), indexed=True)


def warn_of_nothing(shown: Sequence[bool], number: Numbers) -> None:
    """Warn if all spectra are empty: of lazy particles, any id is taken at first.

    Parameters
    ----------
    shown
        Whether there is anything in each spectrum.
    number
        The particle of each.
    """
    if not any(shown):
        known = [n for n in np.unique(number).tolist() if n]
        reason = "the images are constant, or no particle is in them."
        if known:
            reason = (
                f"id {', '.join(map(str, known))} is in none of these frames, or only "
                "within two apodizations of the border of the image."
            )
        warn_user(f"All spectra are empty: {reason}")


def spacing_in_nm(spacing: float | str, name: str = "max_spacing") -> float:
    """Return a lattice spacing, a number in nm or a text with a unit, in nm.

    Parameters
    ----------
    spacing
        The spacing.
    name
        Name of the option, for the error.

    Raises
    ------
    ValueError
        If a text is not a length.
    """
    if not isinstance(spacing, str):
        return spacing
    length = length_in(spacing, "nm")
    if length is None:
        hint = hint_for(spacing)
        raise ValueError(f"{name} is {quoted(spacing)}, which is not a length.{hint}")
    return length


def frequency_step(spectra: Signal2D) -> tuple[float, float]:
    """Return the pixel size of spectra, (ky, kx) in 1/nm.

    Raises
    ------
    ValueError
        If an axis is not in the reciprocal of a length.
    """
    x, y = spectra.axes_manager.signal_axes
    return _frequency_step(y), _frequency_step(x)


def _frequency_step(axis: Any) -> float:
    unit = unit_of(axis)
    step = value_in(f"{float(axis.scale)!r} {unit}", "1/nm")
    if not step:
        raise ValueError(
            f"The axis {axis.name!s} of the spectra has the scale {axis.scale:g} and "
            f"the unit {unit!r}; it has to be in 1/nm, or the reciprocal of another "
            "length."
        )
    return step


def frames_and_ids(spectra: Signal2D) -> tuple[Numbers, Numbers]:
    """Return frame and particle of each spectrum, in the order of the data.

    The particle is 0 where there is none, or several and it is not known which.
    """
    known = meaning(spectra, IDS)
    known = [] if known is None else known
    axes = spectra.axes_manager.navigation_axes[::-1]
    frame = np.zeros([axis.size for axis in axes], np.intp)
    number = np.full_like(frame, known[0] if len(known) == 1 else 0)
    places = np.indices(frame.shape)
    for axis, place in zip(axes, places, strict=True):
        if is_id_axis(axis):
            # Its values count the particles, also where only some are left.
            number = np.asarray(known)[np.rint(axis.axis).astype(int)[place]]
        else:
            frame = frame * axis.size + place
    return frame.ravel(), number.ravel()


def frame_axes(spectra: Signal2D) -> list[Any]:
    """Return the navigation axes of the frames, the fastest first."""
    return [a for a in spectra.axes_manager.navigation_axes if not is_id_axis(a)]


def one_spectrum(
    spectra: Signal2D, frame: int, number: int | None
) -> tuple[NDArray[np.floating], int, tuple[int, ...]]:
    """Return the spectrum of a particle in a frame, which particle it is, and where.

    Where is the index of the spectrum, in the order of the data.

    Raises
    ------
    ValueError
        If there is no such particle, or there are several and none is named.
    IndexError
        If there is no such frame.
    """
    frames, ids = frames_and_ids(spectra)
    known = np.unique(ids).tolist()
    if number is None and len(known) > 1:
        raise ValueError(f"Say which particle: id is one of {known}.")
    number = known[0] if number is None else number
    check_ids([number], known)
    places = np.flatnonzero((frames == frame) & (ids == number))
    if not len(places):
        raise IndexError(f"There is no frame {frame}; there are {frames.max() + 1}.")
    shape = spectra.data.shape[:-2]
    where = np.unravel_index(places[0], shape) if shape else ()
    index = tuple(int(position) for position in where)
    return np.asarray(spectra.data[index]), number, index


def is_id_axis(axis: Any) -> bool:
    """Return whether a navigation axis counts particles."""
    return str(axis.name) == "id"


def _found(
    frame: NDArray[np.float32], *, step: tuple[float, float], search: ReflectionOptions
) -> NDArray[Any]:
    """Return what is found as records, of which thousands take little memory.

    `_EMPTY` for a spectrum that is empty.
    """
    (spectrum,) = frame
    if not spectrum.any():
        return _EMPTY
    return find_reflections(spectrum, step, **vars(search)).to_records(index=False)


def _measured(
    frame: NDArray[np.float32],
    places: NDArray[np.float64],
    *,
    step: tuple[float, float],
    square: float,
) -> NDArray[np.float64]:
    """Return intensity and amplitude, shape (2, place), at spacings and angles."""
    (spectrum,) = frame
    return np.stack(measure_reflections(spectrum, step, *places, square=square))
