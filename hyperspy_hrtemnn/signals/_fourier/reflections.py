# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all reflections of a movie: what `LocalFFT.peak_table` does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from hyperspy_hrtemnn.analysis import (
    find_reflections,
    follow_reflections,
    measure_reflections,
)
from hyperspy_hrtemnn.bad_frames import NO_DATA, is_without_data
from hyperspy_hrtemnn.signals._choice import IDS, meaning
from hyperspy_hrtemnn.signals._instances import check_ids
from hyperspy_hrtemnn.signals._movies.deferred import whole_frames
from hyperspy_hrtemnn.signals._progress import is_shown, progress
from hyperspy_hrtemnn.signals._tables import insert_coordinates, note_unknown
from hyperspy_hrtemnn.signals._units import hint_for, length_in, unit_of, value_in
from hyperspy_hrtemnn.users_line import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    Numbers = NDArray[np.intp]
    Spectra = NDArray[np.float32]  # of a block of frames, shape (spectrum, ky, kx)

_COLUMNS = ["frame", "id", "reflection", "spacing", "angle", "intensity", "amplitude"]
_COLUMNS += ["noise", "found", "rotation"]
_INDEXED = ["family", "lattice", "zone_axis"]
_TYPES: dict[str, type] = {"frame": int, "id": int, "reflection": int, "found": bool}
_TYPES |= dict.fromkeys(_INDEXED, str)
_UNITS = {"spacing": "nm", "angle": "°", "rotation": "°"}


def peak_table(
    spectra: Signal2D,
    search: dict[str, float],
    follow: dict[str, Any],
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
        Options of `find_reflections`.
    follow
        Options of `follow_reflections`.
    show_progressbar
        Whether to show progress bars.
    num_workers
        Number of threads of dask.
    """
    check_reflection_table(spectra)
    step = frequency_step(spectra)
    frame, number = frames_and_ids(spectra)
    run = partial(over_blocks, spectra, show_progressbar, num_workers)
    found = run(partial(_found, step=step, search=search))
    seen = [isinstance(records, np.ndarray) for records in found]
    warn_of_nothing(seen, number)
    shown = pd.DataFrame({"frame": frame, "id": number})[seen]
    nothing = find_reflections(np.zeros((3, 3)), step, **search)
    tables = [records for records in found if isinstance(records, np.ndarray)]
    sizes = [len(records) for records in tables]
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
        partial(_measured, step=step, square=search["square"]),
        [where[:, at] if at.size else None for at in of_spectrum],
    )
    values = [np.zeros((2, 0)), *(each for each in measured if each is not None)]
    at = np.concatenate(of_spectrum)
    rows.loc[at, ["intensity", "amplitude"]] = np.concatenate(values, axis=1).T
    indexed = follow.get("crystal") is not None
    unknown = {f for f, said in zip(frame, found, strict=True) if said is NO_DATA}
    return reflection_table(rows, frame_axes(spectra), unknown, indexed=indexed)


def followed(
    found: pd.DataFrame,
    shown: pd.DataFrame,
    follow: dict[str, Any],
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
        Options of `follow_reflections`.
    show_progressbar
        Whether to show a progress bar; None for what HyperSpy's preferences say.

    Returns
    -------
    What `follow_reflections` knows of each particle, with ``id``, sorted by frame, id
    and reflection.
    """
    rows = found.groupby("id").indices
    columns = found.drop(columns="id")
    tables = [follow_reflections(columns.iloc[:0], [], **follow).assign(id=0)]
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
                table = follow_reflections(of_particle, frames, **follow)
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
        From `followed`, with all that is measured.
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
        Of each spectrum, whether there is anything in it.
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
        warn(
            f"All spectra are empty: {reason}",
        )


def spacing_in_nm(spacing: float | str, name: str = "max_spacing") -> float:
    """Return a lattice spacing, a number in nm or a text with a unit, in nm.

    Parameters
    ----------
    spacing
        The spacing.
    name
        What the user calls it.

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
        raise ValueError(f"{name} is {spacing!r}, which is not a length.{hint}")
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
) -> tuple[NDArray[np.floating], int]:
    """Return the spectrum of a particle in a frame, and which particle it is.

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
    data = spectra.data.reshape(-1, *spectra.data.shape[-2:])
    return np.asarray(data[places[0]]), number


def is_id_axis(axis: Any) -> bool:
    """Return whether a navigation axis counts particles."""
    return str(axis.name) == "id"


def over_blocks(
    spectra: Signal2D,
    show_progressbar: bool | None,
    num_workers: int | None,
    function: Callable[..., list[Any]],
    arguments: Sequence[Any] | None = None,
) -> list[Any]:
    """Return what a function makes of each spectrum and what is given for it.

    Parameters
    ----------
    spectra, show_progressbar, num_workers
        As in the methods of signals.
    function
        Given the spectra of a block and, if there are any, their arguments.
    arguments
        Of each spectrum, None if it is not needed. Blocks of which none is needed are
        not computed, and give None.
    """
    data = whole_frames(spectra)
    ends = np.cumsum(data.chunks[0])
    tasks = []
    for block, size, end in zip(
        data.to_delayed().ravel(), data.chunks[0], ends, strict=True
    ):
        if arguments is None:
            task = function
        else:
            given = arguments[end - size : end]
            if all(argument is None for argument in given):
                tasks.append([None] * size)
                continue
            # Bound, so that dask does not look into what is handed over.
            task = partial(function, arguments=given)
        tasks.append(dask.delayed(task, pure=False)(block))
    with progress(show_progressbar):
        blocks = dask.compute(*tasks, num_workers=num_workers)
    return [result for block in blocks for result in block]


def _found(
    spectra: Spectra, *, step: tuple[float, float], search: dict[str, float]
) -> list[NDArray[Any] | str | None]:
    """Return what is found as records, of which thousands take little memory.

    None for a spectrum that is empty, `NO_DATA` for one of a frame without data.
    """

    def find(spectrum: NDArray[np.float32]) -> NDArray[Any] | str | None:
        if is_without_data(spectrum):
            return NO_DATA
        if not spectrum.any():
            return None
        return find_reflections(spectrum, step, **search).to_records(index=False)

    return [find(spectrum) for spectrum in spectra]


def _measured(
    spectra: Spectra,
    arguments: Sequence[NDArray[np.float64] | None],
    *,
    step: tuple[float, float],
    square: float,
) -> list[NDArray[np.float64] | None]:
    """Return intensity and amplitude, shape (2, place), at spacings and angles."""
    return [
        None
        if places is None
        else np.stack(measure_reflections(spectrum, step, *places, square=square))
        for spectrum, places in zip(spectra, arguments, strict=True)
    ]
