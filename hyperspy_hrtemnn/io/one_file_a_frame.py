# SPDX-License-Identifier: GPL-3.0-or-later
"""One file a frame: the files of many images as one lazy movie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import hyperspy.api as hs
import numpy as np

from hyperspy_hrtemnn.bad_frames import BadFrameError, unreadable

from .guarded import load
from .refusal import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


def load_image(path: Path) -> Any:
    """Load a file that holds one image.

    Raises
    ------
    BadFrameError
        If it cannot be read, or holds something else.
    """
    try:
        loaded = load(path)
    except RefusedFileError as error:
        raise BadFrameError(f"{error} Or {take_out(path)}", unreadable(error)) from (
            error
        )
    except ValueError as error:
        cause = error.__cause__
        raise BadFrameError(
            f"{error}. It may be cut off; {take_out(path)}",
            unreadable(cause if isinstance(cause, Exception) else error),
        ) from error
    if isinstance(loaded, list) or loaded.axes_manager.navigation_dimension:
        raise BadFrameError(
            f"{path} holds {loaded} instead of one image.", "not one image"
        )
    return loaded


def movie_of_files(
    paths: Sequence[Path], first: Signal2D, axis: Mapping[str, Any]
) -> Signal2D:
    """Return a lazy HRTEM movie whose frames are files, one chunk for each.

    Parameters
    ----------
    paths
        The files, in order.
    first
        An image of them, which gives shape, type, calibration and metadata of all.
    axis
        Calibration of the navigation axis, as HyperSpy describes axes.
    """
    shape, dtype = first.data.shape, first.data.dtype
    names = da.from_array(np.array([str(path) for path in paths]), chunks=1)
    movie = hs.signals.Signal2D(
        names.map_blocks(
            _read_frame,
            shape=shape,
            kind=dtype,
            new_axis=(1, 2),
            chunks=(names.chunks[0], *((size,) for size in shape)),
            dtype=dtype,
            meta=np.empty((0, 0, 0), dtype),
        ),
        axes=[
            {"navigate": True, **axis},
            *(each.get_axis_dictionary() for each in first.axes_manager._axes),
        ],
        metadata=first.metadata.as_dictionary(),
        original_metadata=first.original_metadata.as_dictionary(),
    ).as_lazy()
    movie.set_signal_type("HRTEM")
    return movie


def check_alike(
    path: Path, image: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> None:
    """Raise a `BadFrameError` if an image has not the shape and type of the first."""
    if image.shape != shape or image.dtype != dtype:
        raise BadFrameError(
            f"{path} has the shape {image.shape} and type {image.dtype}; the first "
            f"frame has {shape} and {dtype}.",
            "of another shape or type",
        )


def take_out(path: Path) -> str:
    """Return what to do about the file of a frame that stays broken."""
    return f"take {path.name} out of the folder, and the frame is reported as missing."


def _read_frame(
    path: NDArray[np.str_], *, shape: tuple[int, int], kind: np.dtype[Any]
) -> NDArray[Any]:
    file = Path(path.item())
    image = load_image(file).data
    check_alike(file, image, shape, kind)
    return np.asarray(image)[np.newaxis]
