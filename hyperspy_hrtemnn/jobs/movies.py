# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies of a command: one file, several of them, or a folder with movies in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.io.in_situ import frame_files
from hyperspy_hrtemnn.io.whole_frames import load_images
from hyperspy_hrtemnn.signals._shared.tiff_file import is_of_pages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Formats of cameras and of HyperSpy. Pictures such as .png are movies only to who names
# them: most that lie beside movies are screenshots.
_MOVIES = frozenset(
    (".hspy", ".zspy", ".dm3", ".dm4", ".mrc", ".mrcs", ".emd", ".ser", ".tif", ".tiff")
)

# Whose signals say what they are: those of our own results are no movies.
_OF_HYPERSPY = frozenset((".hspy", ".zspy"))
_RESULTS = "HRTEM_"

_OF_PAGES = frozenset((".tif", ".tiff"))

# The folders of an in-situ camera, between its own and the frames.
_OF_TIME = re.compile(r"(Hour|Minute|Second)_\d+", re.IGNORECASE)

# One frame of it.
_FRAME = re.compile(r"_Hour_\d+_Minute_\d+_Second_\d+_Frame_\d+\.\w+$", re.IGNORECASE)

_NUMBER = re.compile(r"(\d+)")


def movies_of(paths: Sequence[Path]) -> list[Path]:
    """Return the movies that are given, those in folders included.

    Parameters
    ----------
    paths
        Files that HyperSpy reads, folders of an in-situ camera, and folders of movies,
        which may be of either kind.

    Raises
    ------
    ValueError
        If there is no movie in a folder, one is given twice, or several are frames of
        one movie.
    """
    frames = [path for path in paths if _FRAME.search(path.name)]
    if len(frames) > 1:
        raise ValueError(
            f"{frames[0].name} and {len(frames) - 1} others are frames of an in-situ "
            "camera, not movies; give the folder that holds Hour_00 in their place."
        )
    movies = [movie for path in paths for movie in _movies_of(path)]
    known: dict[Path, Path] = {}
    for movie in movies:
        same = known.setdefault(movie.resolve(), movie)
        if same is not movie:
            raise ValueError(f"{movie} is given twice; give each movie once.")
    return movies


def is_folder_of_movies(path: Path) -> bool:
    """Return whether a path is a folder with movies in it, not a movie itself."""
    if not path.is_dir() or path.suffix.lower() == ".zspy":
        return False
    return not _is_of_a_camera(path)


def _movies_of(path: Path) -> list[Path]:
    if not is_folder_of_movies(path):
        return [path]
    entries = [each for each in path.iterdir() if not each.name.startswith(".")]
    movies = sorted((each for each in entries if _is_movie(each)), key=_in_order)
    if not movies:
        raise ValueError(
            f"{path} holds no movies, and no frames of an in-situ camera. Movies in a "
            f"folder have names that end with {', '.join(sorted(_MOVIES))}; give "
            "others by their names."
        )
    return movies


def _is_movie(path: Path) -> bool:
    suffix = path.suffix.lower()
    if path.is_dir() and suffix != ".zspy":
        return _holds_frames(path)
    return suffix in _MOVIES and not _is_result(path)


def _is_result(path: Path) -> bool:
    """Return whether a file is of what was found in a movie."""
    suffix = path.suffix.lower()
    if suffix in _OF_PAGES:
        return is_of_pages(path)
    if suffix not in _OF_HYPERSPY:
        return False
    try:
        signal = load_images(path)
    except ValueError:
        # Whoever opens it as a movie says what is wrong.
        return False
    kind = str(signal.metadata.Signal.signal_type)
    if suffix == ".hspy":
        signal.close_file()
    return kind.startswith(_RESULTS)


def _is_of_a_camera(path: Path) -> bool:
    """Return whether a folder is one movie of an in-situ camera."""
    if any(_OF_TIME.fullmatch(e.name) or _FRAME.search(e.name) for e in path.iterdir()):
        return True
    # One series in a folder of its own is a movie, unless there are others beside it.
    return _holds_frames(path) and not any(
        _is_movie(each) for each in path.iterdir() if each.is_file()
    )


def _holds_frames(path: Path) -> bool:
    try:
        frame_files(path)
    except ValueError:
        return False
    return True


def _in_order(path: Path) -> list[tuple[int, str]]:
    """Return a key by which movie_2 comes before movie_10."""
    parts = _NUMBER.split(path.name)
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)]
