# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies as the commands read them, and their options and warnings as text."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import hyperspy.api as hs
import numpy as np

from hyperspy_hrtemnn import load_in_situ
from hyperspy_hrtemnn.signals._shared.calibration import CalibrationError
from hyperspy_hrtemnn.signals._shared.units import hint_for, length_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def load_movie(path: Path, sampling: float | None) -> Any:
    """Load a file, or the folders of an in-situ camera, lazily, as an HRTEM signal.

    Parameters
    ----------
    path
        The file or folder.
    sampling
        Pixel size in Å, in place of what the file says.

    Raises
    ------
    ValueError
        If the file cannot be read.
    """
    signal = load_images(path)
    signal.set_signal_type("HRTEM")
    calibrate(signal, sampling)
    return signal


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


def sampling_in_angstrom(sampling: float | str | None) -> float | None:
    """Return what is given to ``--sampling``, a number in Å or a text, in Å.

    Raises
    ------
    ValueError
        If it is no length, or not positive.
    """
    value = number_or_text(sampling) if isinstance(sampling, str) else sampling
    if isinstance(value, str):
        length = length_in(value, "angstrom")
        if length is None:
            raise ValueError(
                f"--sampling is {sampling!r}, which is no length: give a number in Å, "
                f'or a text with a unit, "0.12 angstrom".{hint_for(value)}'
            )
        value = length
    if value is not None and not 0 < value < np.inf:
        raise ValueError(f"--sampling is {sampling}; it must be positive.")
    return value


def load_images(path: Path) -> Any:
    """Load the images of a file, or of the folders of an in-situ camera, lazily.

    In chunks of whole frames, where the format leaves the choice.
    """
    if path.is_dir() and path.suffix != ".zspy":
        return load_in_situ(path)
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
    signals = loaded if isinstance(loaded, list) else [loaded]
    images = [one for one in signals if one.axes_manager.signal_dimension == 2]
    if len(images) != 1:
        titles = "; ".join(str(one) for one in signals)
        raise ValueError(
            f"{path} holds {len(images)} images or movies instead of one: {titles}. "
            "Save the one that is meant by itself."
        )
    return images[0] if images[0]._lazy else images[0].as_lazy()


def _in_whole_frames(path: Path, loaded: Any) -> Any:
    """Load a file again if it came in parts of frames and its reader takes chunks."""
    if isinstance(loaded, list) or not loaded._lazy:
        return loaded
    if max(loaded.data.numblocks[-2:], default=1) == 1:
        return loaded
    chunks = (1,) * (loaded.data.ndim - 2) + (-1, -1)
    # Again, what readers say that take no chunks, or of other axes, is their own.
    try:
        return hs.load(path, lazy=True, chunks=chunks)
    except Exception:
        return loaded


@contextmanager
def told_in_lines(movie: Path) -> Iterator[None]:
    """Write warnings as single lines, and say how the shell mends a calibration."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _write_line  # type: ignore[assignment]
        try:
            yield
        except CalibrationError as error:
            raise ValueError(
                f"{movie} is not calibrated: {error.reason} Give the pixel size, for "
                'example --sampling "0.12 angstrom".'
            ) from None


def _write_line(message: Warning | str, *_: Any) -> None:
    click.echo(f"Warning: {message}", err=True)


def number_or_text(value: str | None) -> float | str | None:
    """Return "1.5" as a number, in the unit of the axes, "2 nm" as it is."""
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return value
