# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading of images and movies, lazily and in whole frames, as HyperSpy reads them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs

from .in_situ import load_in_situ

if TYPE_CHECKING:
    from pathlib import Path


def load_movie(path: Path, sampling: float | None) -> Any:
    """Load a file, or the folders of an in-situ camera, lazily, as an HRTEM signal.

    Parameters
    ----------
    path
        The file or folder.
    sampling
        Pixel size [Å] in place of the file's; the file's if None.

    Raises
    ------
    ValueError
        If the file cannot be read.
    """
    signal = load_images(path)
    signal.set_signal_type("HRTEM")
    calibrate(signal, sampling)
    return signal


def load_images(path: Path) -> Any:
    """Load the images of a file, or of the folders of an in-situ camera, lazily.

    They come in chunks of whole frames where the format leaves the choice.

    Parameters
    ----------
    path
        The file or folder.

    Raises
    ------
    ValueError
        If the file cannot be read, or does not hold exactly one image or movie.
    """
    if path.is_dir() and path.suffix != ".zspy":
        return load_in_situ(path)
    signals = _load(path)
    images = [one for one in signals if one.axes_manager.signal_dimension == 2]
    if len(images) != 1:
        titles = "; ".join(str(one) for one in signals)
        raise ValueError(
            f"{path} holds {len(images)} images or movies instead of one: {titles}. "
            "Save the one that is meant by itself."
        )
    return images[0] if images[0]._lazy else images[0].as_lazy()


def calibrate(signal: Any, sampling: float | None) -> None:
    """Set the pixel size of a signal [Å], unless it is None.

    Offsets stay at the same pixel, whatever unit they were in.
    """
    if sampling is None:
        return
    for axis in signal.axes_manager.signal_axes:
        before = axis.offset / axis.scale if axis.scale else 0.0
        axis.scale, axis.units = sampling, "Å"
        axis.offset = before * sampling


def _load(path: Path) -> list[Any]:
    """Return the signals in a file, lazy if its reader can be."""
    # HyperSpy logs the error that is raised here.
    logging.disable(logging.ERROR)
    # Every reader has its own exceptions for what it does not understand.
    try:
        loaded = hs.load(path, lazy=True)
    except Exception:
        # Some formats, color PNG among them, cannot be read lazily.
        try:
            loaded = hs.load(path)
        except Exception as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
    else:
        loaded = _in_whole_frames(path, loaded)
    finally:
        logging.disable(logging.NOTSET)
    return loaded if isinstance(loaded, list) else [loaded]


def _in_whole_frames(path: Path, loaded: Any) -> Any:
    """Load a file again if it came in parts of frames and its reader takes chunks."""
    if isinstance(loaded, list) or not loaded._lazy:
        return loaded
    if max(loaded.data.numblocks[-2:], default=1) == 1:
        return loaded
    chunks = (1,) * (loaded.data.ndim - 2) + (-1, -1)
    # Readers that take no chunks, or of other axes, also say so in ways of their own.
    try:
        return hs.load(path, lazy=True, chunks=chunks)
    except Exception:
        return loaded
