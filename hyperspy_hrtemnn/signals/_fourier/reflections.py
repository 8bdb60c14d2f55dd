# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all reflections of a movie: what `LocalFFT.peak_table` does."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import (
    find_reflections,
    follow_reflections,
    measure_reflections,
)
from hyperspy_hrtemnn.signals._calibration import length_in
from hyperspy_hrtemnn.signals._instances import check_ids
from hyperspy_hrtemnn.signals._movies.deferred import whole_frames
from hyperspy_hrtemnn.signals._progress import progress
from hyperspy_hrtemnn.signals._tables import join_spectra

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    Numbers = NDArray[np.intp]
    Spectra = NDArray[np.float32]  # of a block of frames, shape (spectrum, ky, kx)

_COLUMNS = ["id", "reflection", "spacing", "angle", "intensity", "amplitude", "noise"]
_COLUMNS += ["found", "rotation"]
_INDEXED = ["family", "lattice", "zone_axis"]
_TYPES = {"id": int, "reflection": int, "found": bool} | dict.fromkeys(_INDEXED, str)
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
    step = frequency_step(spectra)
    frame, number = frames_and_ids(spectra)
    run = partial(over_blocks, spectra, show_progressbar, num_workers)
    found = run(partial(_found, step=step, search=search))
    warn_of_nothing([table is not None for table in found], number)
    rows = followed(found, frame, number, follow)
    unseen = [r is not None and not r["found"].all() for r in rows]
    measure = partial(_measured, step=step, square=search["square"])
    some = [r if lacking else None for r, lacking in zip(rows, unseen, strict=True)]
    rows = [
        known if new is None else new
        for known, new in zip(rows, run(measure, some), strict=True)
    ]
    indexed = follow.get("crystal") is not None
    return reflection_table(rows, frame, frame_axes(spectra), indexed=indexed)


def followed(
    found: Sequence[pd.DataFrame | None],
    frame: Numbers,
    number: Numbers,
    follow: dict[str, Any],
) -> list[pd.DataFrame | None]:
    """Return the reflections of all particles, each followed through its frames.

    Parameters
    ----------
    found
        From `find_reflections`, for each spectrum; None for one that is empty.
    frame, number
        Frame and particle of each spectrum.
    follow
        Options of `follow_reflections`.

    Returns
    -------
    For each spectrum what `follow_reflections` knows of it; None for an empty one.
    """
    rows: list[pd.DataFrame | None] = [None] * len(found)
    for particle in np.unique(number):
        places = np.flatnonzero(number == particle).tolist()
        spectra = ((frame[i], found[i]) for i in places)
        shown = {f: table for f, table in spectra if table is not None}
        if shown:
            tables = [table.assign(frame=f) for f, table in shown.items()]
            together = pd.concat(tables, ignore_index=True)
            lines = follow_reflections(together, shown, **follow).assign(id=particle)
            by_frame = dict(list(lines.groupby("frame")))
            for i in places:
                rows[i] = by_frame.get(frame[i])
    return rows


def reflection_table(
    rows: Sequence[pd.DataFrame | None],
    frame: Numbers,
    axes: Sequence[Any],
    *,
    indexed: bool,
) -> pd.DataFrame:
    """Return the rows of all spectra as the table of `LocalFFT.peak_table`.

    Parameters
    ----------
    rows
        Of each spectrum, with all that is measured; None for an empty one.
    frame
        The frame of each spectrum. Those of one frame are in the order of the table.
    axes
        The navigation axes of the frames, the fastest first.
    indexed
        Whether a crystal is known.
    """
    columns = _COLUMNS + (_INDEXED if indexed else [])
    nothing = pd.DataFrame({n: np.empty(0, _TYPES.get(n, float)) for n in columns})
    tables = [nothing if table is None else table[columns] for table in rows]
    together = join_spectra(tables, nothing, frame, axes)
    together.attrs["units"] |= _UNITS
    return together


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
        warnings.warn(
            f"All spectra are empty: {reason}",
            stacklevel=4,  # the caller of the method of LocalFFT
        )


def spacing_in_nm(max_spacing: float | str) -> float:
    """Return a lattice spacing, a number in nm or a text with a unit, in nm."""
    if not isinstance(max_spacing, str):
        return max_spacing
    length = length_in(max_spacing, "nm")
    if length is None:
        raise ValueError(f"max_spacing is {max_spacing!r}, which is no length.")
    return length


def frequency_step(spectra: Signal2D) -> tuple[float, float]:
    """Return the pixel size of spectra, (ky, kx) in 1/nm."""
    x, y = spectra.axes_manager.signal_axes
    return float(y.scale), float(x.scale)


def frames_and_ids(spectra: Signal2D) -> tuple[Numbers, Numbers]:
    """Return frame and particle of each spectrum, in the order of the data.

    The particle is 0 where there is none, or several and it is not known which.
    """
    known = spectra.metadata.get_item("HRTEMNN.ids", [])
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
) -> list[pd.DataFrame | None]:
    return [
        find_reflections(spectrum, step, **search) if spectrum.any() else None
        for spectrum in spectra
    ]


def _measured(
    spectra: Spectra,
    arguments: Sequence[pd.DataFrame | None],
    *,
    step: tuple[float, float],
    square: float,
) -> list[pd.DataFrame | None]:
    """Return the tables with the brightness of what was not found."""
    for spectrum, table in zip(spectra, arguments, strict=True):
        if table is not None:
            unseen = ~table["found"]
            place = (table.loc[unseen, name] for name in ("spacing", "angle"))
            values = measure_reflections(spectrum, step, *place, square=square)
            table.loc[unseen, ["intensity", "amplitude"]] = np.transpose(values)
    return list(arguments)
