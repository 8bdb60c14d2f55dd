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
        If the file cannot be read, or the pixel size is not positive.
    """
    signal = load_images(path)
    signal.set_signal_type("HRTEM")
    if sampling is not None:
        if not 0 < sampling < np.inf:
            raise ValueError(f"--sampling is {sampling}; it must be positive, in Å.")
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = sampling, "Å"
    return signal


def load_images(path: Path) -> Any:
    """Load the images of a file, or of the folders of an in-situ camera, lazily."""
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


@contextmanager
def told_in_lines(movie: Path) -> Iterator[None]:
    """Write warnings as single lines, and say how the shell mends a calibration."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _write_line  # type: ignore[assignment]
        try:
            yield
        except ValueError as error:
            if "not calibrated" not in str(error):
                raise
            raise ValueError(
                f"{movie} has no calibration; give the pixel size in Å with --sampling."
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
