# SPDX-License-Identifier: GPL-3.0-or-later
"""Growing file: a movie in one file, a TIFF or an MRC, that a camera still writes."""

from __future__ import annotations

import gc
import hashlib
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import hyperspy.api as hs
import numpy as np
import tifffile

from hyperspy_hrtemnn.bad_frames import reading

from .arriving import PATIENCE, Arrival
from .tiff_pages import whole_pages
from .whole_frames import load_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    Read = Callable[[int], NDArray[Any]]

_OF_PAGES = frozenset((".tif", ".tiff"))
_OTHERS = frozenset((".mrc",))


class _SingleImageError(ValueError):
    """A file of one image, which has no axis of frames yet."""


@dataclass(frozen=True)
class _Loaded:
    """A movie as it was loaded: its axes, metadata, and frames.

    The shape is that of a frame; there are no data of pages, which are read by
    themselves.
    """

    axes: list[dict[str, Any]]
    metadata: dict[str, Any]
    original_metadata: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data: da.Array | None


class GrowingFile:
    """The frames of a movie in one file, as they are added at its end.

    A frame is whole when a later one is there, or when the file has the same size and
    time as in the look before. The file is looked into whenever it can be read, which
    is between two frames; the pages of a TIFF are counted without loading the movie. A
    file of a single image is not a movie yet.

    Parameters
    ----------
    path
        The file.
    patience
        How long a file without any frame that can be read is waited for while it does
        not change [s].
    clock
        Gives the time [s].

    Raises
    ------
    ValueError
        If the file is of a format that cannot be read while it is written.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if path.suffix.lower() not in _OF_PAGES | _OTHERS:
            raise ValueError(
                f"{path} is not watched: of movies in one file, only TIFF and MRC can "
                "be read while they are written. Follow it when it is complete, with "
                "hrtemnn follow."
            )
        self._path, self._patience, self._clock = path, patience, clock
        self._state: tuple[int, int] | None = None
        self._since = clock()
        self._was_read_settled = False
        self._taken = 0
        # The movie as it was when it was last loaded.
        self._loaded: _Loaded | None = None
        self._is_of_pages = path.suffix.lower() in _OF_PAGES
        self._first_hash = ""
        # Number of frames in the file, whole or not.
        self._there = 0
        self._is_torn = False

    @property
    def identity(self) -> Mapping[str, Any]:
        """What all frames depend on: size and time of the file change all the time."""
        return {
            "input": str(self._path.resolve()),
            "hash of its first frame": self._first_hash,
        }

    def look(self, is_done: Callable[[str], bool]) -> Iterator[Arrival]:  # noqa: ARG002
        """Look once, and yield the frames that have become whole; see `ArrivingFrames`.

        Raises
        ------
        ValueError
            If the file holds no movie, and has not changed for long.
        """
        status = self._path.stat()
        state = status.st_size, status.st_mtime_ns
        is_settled = state == self._state
        if not is_settled:
            self._state, self._since = state, self._clock()
            self._was_read_settled = False
        elif self._was_read_settled:
            return
        # Readers have their own exceptions for what is half written.
        try:
            with self._opened() as (count, read):
                # Of a file that changes, the last frame may still be in the writing.
                for number in range(self._taken, count - (not is_settled)):
                    pixels = read(number)
                    if not self._first_hash:
                        self._first_hash = hashlib.sha256(pixels.tobytes()).hexdigest()
                    self._taken += 1
                    yield Arrival(_name(number), partial(np.asarray, pixels))
            self._is_torn = self._there > self._taken
            self._was_read_settled = is_settled
        except (ValueError, OSError, tifffile.TiffFileError) as error:
            self._is_torn = True
            waited = self._clock() - self._since
            is_new = isinstance(error, _SingleImageError)
            if not (self._taken or is_new) and waited >= self._patience:
                raise ValueError(
                    f"{self._path} cannot be watched: {error} It has not changed for "
                    f"{waited:.0f} s."
                ) from error

    def waits_for(self) -> list[str]:
        """Return the end of the file if it is not a whole frame."""
        return [f"the end of {self._path.name}"] if self._is_torn else []

    def navigation_axis(self) -> dict[str, Any]:
        """Return the axis of the frames that were yielded, as HyperSpy describes it."""
        return {**self._described().axes[0], "size": self._taken}

    def movie(self) -> tuple[Signal2D, Sequence[str]]:
        """Return the movie of the frames that were yielded, and their names."""
        # In the middle of the writing what was loaded before has to do.
        with suppress(ValueError, OSError, tifffile.TiffFileError):
            self._load()
        loaded = self._described()
        if self._is_of_pages:
            # HyperSpy reads the whole file for each frame of a TIFF.
            data = _pages(self._path, self._taken, loaded.shape, loaded.dtype)
        else:
            frames: Any = loaded.data
            data = frames[: self._taken]
        movie = hs.signals.Signal2D(
            data,
            axes=[self.navigation_axis(), *loaded.axes[1:]],
            metadata=loaded.metadata,
            original_metadata=loaded.original_metadata,
        ).as_lazy()
        movie.set_signal_type("HRTEM")
        return movie, [_name(number) for number in range(self._taken)]

    def _described(self) -> _Loaded:
        if self._loaded is None or not self._taken:
            raise ValueError(
                f"{self._path} holds no movie of two whole frames or more."
            )
        return self._loaded

    def _load(self) -> _Loaded:
        """Load the movie as far as it goes now."""
        signal = load_images(self._path)
        if (axes := signal.axes_manager.navigation_dimension) == 0:
            raise _SingleImageError(f"{self._path} holds a single image.")
        if axes > 1:
            raise ValueError(f"It holds {signal}, frames along more than one axis.")
        self._loaded = _Loaded(
            [axis.get_axis_dictionary() for axis in signal.axes_manager._axes],
            signal.metadata.as_dictionary(),
            signal.original_metadata.as_dictionary(),
            signal.data.shape[1:],
            signal.data.dtype,
            None if self._is_of_pages else signal.data,
        )
        if self._is_of_pages:
            # The reader leaves the file open, and what is open cannot be replaced on
            # Windows.
            del signal
            gc.collect()
        return self._loaded

    @contextmanager
    def _opened(self) -> Iterator[tuple[int, Read]]:
        """Give the number of whole frames in the file, and what reads one of them."""
        if self._is_of_pages:
            with tifffile.TiffFile(self._path) as tiff:
                count, self._there = whole_pages(tiff), len(tiff.pages)
                loaded = self._load() if self._loaded is None else self._loaded
                # Otherwise frames are not pages, but what only the reader knows.
                if tiff.pages.first.shape == loaded.shape and self._there > 1:
                    yield count, lambda number: tiff.pages[number].asarray()
                    return
            self._is_of_pages = False
        data: Any = self._load().data
        self._there = len(data)
        yield len(data), lambda number: np.asarray(data[number])


def _name(number: int) -> str:
    return f"{number:06d}"


def _pages(
    path: Path, count: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> da.Array:
    """Return the first pages of a TIFF as frames that are read one by one."""

    def read(block_id: tuple[int, ...]) -> NDArray[Any]:
        with reading(), tifffile.TiffFile(path) as tiff:
            return np.asarray(tiff.pages[block_id[0]].asarray())[np.newaxis]

    return da.map_blocks(
        read,
        chunks=((1,) * count, *((side,) for side in shape)),
        dtype=dtype,
        meta=np.empty((0, 0, 0), dtype),
    )
