# SPDX-License-Identifier: GPL-3.0-or-later
"""In-situ folders: a camera's Hour, Minute and Second folders as one lazy movie."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.file_states import digest, digests_of_files
from hyperspy_hrtemnn.user_warnings import warn_user

from .claims import UNCOMPRESSED
from .one_file_a_frame import load_image, movie_of_files, take_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

_NAME = re.compile(
    r"(?P<series>[^.].*)_Hour_(?P<hour>\d+)_Minute_(?P<minute>\d+)"
    r"_Second_(?P<second>\d+)_Frame_(?P<number>\d+)\.\w+",
    re.IGNORECASE,
)
_EXPOSURE = (
    "Acquisition_instrument.TEM.Camera.exposure",
    "Acquisition_instrument.TEM.Detector.Camera.exposure",
    "Acquisition_instrument.TEM.exposure",
)


# Of what the names say: a movie takes up to a month, a second up to a million frames.
_LIMITS = {"hour": 1000, "minute": 60, "second": 60, "number": 10**6}


class _Frame(NamedTuple):
    second: int
    number: int
    path: Path


def load_in_situ(folder: str | Path, lazy: bool = True) -> Signal2D:
    """Load the folders of an in-situ camera as one movie.

    A Gatan OneView in in-situ mode films into
    ``Hour_00/Minute_00/Second_00/NAME_Hour_00_Minute_00_Second_00_Frame_0000.dm4``
    and so on, a file for each frame; frames are numbered from 0 in every second
    (hyperspy#1945; no description by the maker is public). The names of the files are
    read, not those of the folders, so the folder of one hour, minute or second can be
    loaded as well. The files are of any format that HyperSpy reads.

    Names give the time of a frame by the second and its number in it. The number of
    frames per second is the largest in any second; where not all whole seconds have as
    many, and where there is no whole second, it is that of the exposure, if the first
    frame has it in its metadata and the names agree. Times are right to within one
    frame where frames and seconds are not in step, as with an exposure of 0.3 s.

    Parameters
    ----------
    folder
        The folder that holds ``Hour_00``, or one inside it.
    lazy
        Whether frames stay on disk until they are needed, one chunk for each. Only the
        first is opened now, and gives calibration and metadata of all.

    Returns
    -------
    An `HRTEM` signal of shape (time, y, x), with a navigation axis named ``time`` in s,
    0 at the start of ``Hour_00``. It is uniform where no frame is missing; otherwise a
    warning says how many are and where, and the axis holds the time of each frame.
    ``metadata.HRTEMNN.In_situ`` has ``frames_per_second``, ``missing_frames``, their
    number, ``gaps``, where they are, and ``files``, a digest of the name, size and time
    of every file, by which `HRTEM.follow_particles` knows the movie. Frames that were
    never written at the end of a movie, or at the end of a second where frames and
    seconds are not in step, cannot be told from the names.

    Raises
    ------
    ValueError
        If there are no such files, or several series of them; if a file cannot be
        read, is cut off, or holds no image of the shape and type of the first. For a
        lazy movie what is inside a file is known when its frame is needed.

    Examples
    --------
    >>> import hyperspy_hrtemnn
    >>> movie = hyperspy_hrtemnn.load_in_situ("heating_03")  # doctest: +SKIP
    """
    paths = frame_files(folder)
    # Before any is read: a file that is replaced later has another state.
    files = digest("".join(digests_of_files(paths)))
    first = load_image(paths[0])
    _check_sizes(paths, first.data.nbytes)
    movie = in_situ_movie(paths, first)
    movie.metadata.set_item("HRTEMNN.In_situ.files", files)
    if missing := movie.metadata.HRTEMNN.In_situ.missing_frames:
        gaps = movie.metadata.HRTEMNN.In_situ.gaps
        named = [*gaps[:5], *["..."] * (len(gaps) > 5)]
        warn_user(
            f"{folder}: {missing} frames are missing: {', '.join(named)}. The time "
            "axis is not uniform."
        )
    if not lazy:
        movie.compute()
    return movie


def in_situ_movie(paths: Sequence[Path], first: Signal2D) -> Signal2D:
    """Return the movie of the files of frames, lazily, as `load_in_situ` does.

    Parameters
    ----------
    paths
        The files, in the order of time.
    first
        An image of them, which gives shape, type, calibration and metadata of all.
    """
    axis, in_situ = time_of_frames(paths, first)
    movie = movie_of_files(paths, first, axis)
    movie.metadata.General.title = _series(paths[0])
    movie.metadata.set_item("HRTEMNN.In_situ", in_situ | {"version": __version__})
    return movie


def time_of_frames(
    paths: Sequence[Path], first: Signal2D
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the time axis of frames by the names of their files.

    Parameters
    ----------
    paths, first
        See `in_situ_movie`.

    Returns
    -------
    The axis as HyperSpy describes axes, and the metadata on the frames.
    """
    calibration, in_situ = _timing(list(map(_named, paths)), first.metadata)
    return {"name": "time", "units": "s", "navigate": True, **calibration}, in_situ


def when_taken(path: Path) -> tuple[int, int]:
    """Return second and number of a frame by the name of its file."""
    return _named(path)[:2]


def frame_files(folder: str | Path) -> list[Path]:
    """Return the files of the movie that `load_in_situ` loads, in the order of time.

    Parameters
    ----------
    folder
        The folder that holds ``Hour_00``, or one inside it.

    Raises
    ------
    ValueError
        If there are no such files, or several series of them.
    """
    return [frame.path for frame in _find_frames(Path(folder))]


def files_in_metadata(movie: Any) -> str | None:
    """Return what the files of a movie were known by when it was loaded, if it was."""
    files = movie.metadata.get_item("HRTEMNN.In_situ.files", None)
    return None if files is None else str(files)


def _find_frames(folder: Path) -> list[_Frame]:
    """Return the frames of the only series in a folder, in the order of time."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    found = [
        (match, path)
        for path in folder.rglob("*_Frame_*")
        if (match := _NAME.fullmatch(path.name))
    ]
    if not found:
        raise ValueError(
            f"{folder} holds no frames of an in-situ camera; their names end like "
            "_Hour_00_Minute_00_Second_00_Frame_0000.dm4."
        )
    series = sorted({f"{match['series']} ({path.suffix})" for match, path in found})
    if len(series) > 1:
        raise ValueError(
            f"{folder} holds {len(series)} series of frames: {', '.join(series)}. Give "
            "the folder of one, or take the files of the others out of it."
        )
    frames = sorted(_frame(match, path) for match, path in found)
    for one, other in pairwise(frames):
        if one[:2] == other[:2]:
            raise ValueError(
                f"{one.path} and {other.path} are the same frame; keep one of them."
            )
    return frames


def _named(path: Path) -> _Frame:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{path.name} is not the name of a frame of an in-situ camera")
    return _frame(match, path)


def _frame(match: re.Match[str], path: Path) -> _Frame:
    """Return when a frame was taken; raise a ValueError if no camera writes that."""
    for name, limit in _LIMITS.items():
        if int(match[name]) >= limit:
            raise ValueError(
                f"{path.name} says {name} {match[name][:20]}, which has to be "
                f"below {limit}; {take_out(path)}"
            )
    hour, minute, second, number = (int(match[name]) for name in _LIMITS)
    return _Frame(3600 * hour + 60 * minute + second, number, path)


def _series(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return match["series"] if match else ""


def _timing(
    frames: list[_Frame], metadata: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the calibration of the time axis, and the metadata on frames."""
    second = np.array([frame.second for frame in frames])
    number = np.array([frame.number for frame in frames])
    exposures = (metadata.get_item(path, None) for path in _EXPOSURE)
    rate = _frames_per_second(second, number, next(filter(None, exposures), None))
    time = second + number / rate
    # Where frames and seconds are not in step, a step looks up to one frame too long.
    missing = np.floor(np.diff(time) * rate + 1e-6).astype(int) - 1
    before_gap = np.flatnonzero(missing > 0)
    gaps = [f"{missing[i]} after {frames[i].path.stem}" for i in before_gap]
    in_situ = {
        "frames_per_second": rate,
        "missing_frames": int(missing[before_gap].sum()),
        "gaps": gaps,
    }
    if gaps:
        return {"axis": time}, in_situ
    return {"size": len(time), "offset": time[0], "scale": 1 / rate}, in_situ


def _frames_per_second(
    second: NDArray[np.integer], number: NDArray[np.integer], exposure: float | None
) -> float:
    frames = np.zeros(second[-1] - second[0] + 1, int)
    np.maximum.at(frames, second - second[0], number + 1)
    # The last second may have ended with the movie.
    most, whole = frames.max(), frames[:-1]
    if exposure and not (whole.size and (whole == most).all()):
        least = 1 / exposure - 1 if whole.size else 0
        if least < most < 1 / exposure + 1:
            return float(1 / exposure)
    return float(most)


def _check_sizes(paths: Sequence[Path], pixel_bytes: int) -> None:
    """Raise a ValueError if a file is too small for its pixels."""
    for path in paths:
        if path.suffix.lower() in UNCOMPRESSED and path.stat().st_size < pixel_bytes:
            raise ValueError(f"{path} is cut off: {take_out(path)}")
