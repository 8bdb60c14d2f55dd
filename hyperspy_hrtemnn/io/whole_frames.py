# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading of images and movies, lazily and in whole frames, as HyperSpy reads them."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .guarded import load
from .in_situ import load_in_situ
from .refusal import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What our own results hold, by their signal type.
_SEGMENTATION = "HRTEM_segmentation"
_RESULTS = {
    _SEGMENTATION: "probabilities of a network",
    "HRTEM_instances": "labels of particles",
    "HRTEM_local_fft": "Fourier transforms",
}


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
        If the file cannot be read, or holds what was found in images.
    """
    signal = load_images(path)
    if kind := _RESULTS.get(str(signal.metadata.Signal.signal_type)):
        raise ValueError(f"{path} holds {kind}; give the images they are of.")
    signal.set_signal_type("HRTEM")
    calibrate(signal, sampling)
    return signal


def load_segmentation(path: Path, sampling: float | None) -> Any:
    """Load probabilities, or a mask of another program, as `load_movie` does images.

    Raises
    ------
    ValueError
        If the file cannot be read, or holds another result.
    """
    signal = load_images(path)
    found = str(signal.metadata.Signal.signal_type)
    if found in _RESULTS and found != _SEGMENTATION:
        raise ValueError(
            f"{path} holds {_RESULTS[found]}; give the probabilities or the mask "
            "that they are of."
        )
    signal.set_signal_type(_SEGMENTATION)
    calibrate(signal, sampling)
    return signal


def load_images(path: Path, *, lazy: bool = True) -> Any:
    """Load the images of a file, or of the folders of an in-situ camera.

    They come in chunks of whole frames where the format leaves the choice.

    Parameters
    ----------
    path
        The file or folder.
    lazy
        Whether data stay in the file, which stays open with some formats. The folders
        of a camera are always lazy.

    Raises
    ------
    ValueError
        If the file cannot be read, or does not hold exactly one image or movie.
    """
    if path.is_dir() and path.suffix != ".zspy":
        return load_in_situ(path)
    signals = _load(path, lazy=lazy)
    images = [one for one in signals if one.axes_manager.signal_dimension == 2]
    if len(images) != 1:
        titles = "; ".join(str(one) for one in signals)
        raise ValueError(
            f"{path} holds {len(images)} images or movies instead of one: {titles}. "
            "Save the one that is meant by itself."
        )
    _check_data(path, images[0])
    return images[0].as_lazy() if lazy and not images[0]._lazy else images[0]


def _check_data(path: Path, signal: Any) -> None:
    """Raise a ValueError if there are no frames, no sides, or no real numbers."""
    if signal.data.dtype.kind == "c":
        raise ValueError(
            f"{path} has complex numbers; save what is meant, for example "
            "signal.amplitude, by itself."
        )
    *frames, height, width = map(int, signal.data.shape)
    if 0 in frames:
        raise ValueError(f"{path} is a movie without a frame.")
    if min(height, width) < 2:
        raise ValueError(
            f"{path} has images of {height} x {width} pixels; each side needs two or "
            "more."
        )


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


def _load(path: Path, *, lazy: bool) -> list[Any]:
    """Return the signals in a file, if asked for lazy if its reader can be."""
    with _without_log():
        try:
            loaded = load(path, lazy=lazy)
        except RefusedFileError:
            raise
        except ValueError:
            if not lazy:
                raise
            # Some formats, color PNG among them, cannot be read lazily.
            loaded = load(path)
        else:
            loaded = _in_whole_frames(path, loaded)
    return loaded if isinstance(loaded, list) else [loaded]


def _in_whole_frames(path: Path, loaded: Any) -> Any:
    """Load a file again if it came in parts of frames and its reader takes chunks."""
    if isinstance(loaded, list) or not loaded._lazy:
        return loaded
    if max(loaded.data.numblocks[-2:], default=1) == 1:
        return loaded
    chunks = (1,) * (loaded.data.ndim - 2) + (-1, -1)
    try:
        return load(path, lazy=True, chunks=chunks)
    except ValueError:  # Its reader takes no chunks, or of other axes.
        return loaded


@contextmanager
def _without_log() -> Iterator[None]:
    """Leave out what HyperSpy and tifffile log of an error that is raised here."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
