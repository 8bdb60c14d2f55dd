# SPDX-License-Identifier: GPL-3.0-or-later
"""TIFF of a movie for ImageJ: compressed pages, written as they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from hyperspy_hrtemnn.atomic import written_whole

from .calibration import sampling
from .output_files import ascii_unit
from .units import is_time, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hyperspy.signals import Signal2D

    from .output_files import Writing

# The program that a file says it was written with.
_SOFTWARE = "hyperspy-hrtemnn"


@dataclass(frozen=True)
class PagesOf:
    """What the pages of a TIFF are of.

    Parameters
    ----------
    signal
        The signal whose axes the pages have. All navigation axes become the time of
        ImageJ, but the fastest one if it is an axis of classes, which become channels.
    dtype
        Type of the pixels.
    shown
        The values that ImageJ shows as black and as white; by default its own choice.
    """

    signal: Signal2D
    dtype: type[np.unsignedinteger[Any]]
    shown: tuple[int, int] | None = None


def write_pages(
    pages: Iterable[bytes], path: Path, of: PagesOf, *, writing: Writing = written_whole
) -> None:
    """Write pages, each compressed with zlib, as a TIFF that ImageJ opens.

    Parameters
    ----------
    pages
        The frames of all navigation axes, in the order of the data, little-endian.
    path
        The file.
    of
        What they are of.
    writing
        What to write the file with.

    Raises
    ------
    ValueError
        If the signal is not calibrated.
    """
    side = sampling(of.signal, "nm")
    shape, letters = _shape(of.signal)
    bits = 8 * np.dtype(of.dtype).itemsize
    metadata: dict[str, Any] = {"axes": letters, "unit": "nm"}
    metadata |= _frame_interval(of.signal)
    if of.shown is not None:
        metadata["min"], metadata["max"] = map(float, of.shown)
    with writing(path) as temporary:
        tifffile.imwrite(
            temporary,
            iter(pages),
            shape=shape,
            dtype=f"<u{bits // 8}",
            byteorder="<",
            # ImageJ has no type for whole numbers of 32 bits.
            imagej=bits <= 16,
            photometric="minisblack",
            compression="zlib",
            rowsperstrip=shape[-2],
            resolution=(1 / side, 1 / side),
            resolutionunit="none",
            software=_SOFTWARE,
            metadata=metadata,
        )


def is_of_pages(path: Path) -> bool:
    """Return whether `write_pages` wrote a TIFF; False for what is not a TIFF."""
    try:
        with tifffile.TiffFile(path) as file:
            return bool(file.pages.first.software == _SOFTWARE)
    # tifffile raises what its unpacking of damaged bytes does.
    except Exception:
        return False


def _shape(signal: Signal2D) -> tuple[tuple[int, ...], str]:
    """Return the shape of a TIFF, and the letters of its axes."""
    *sizes, height, width = signal.data.shape
    axes = signal.axes_manager.navigation_axes[::-1]
    channels = sizes[-1:] if axes and axes[-1].name == "class" else []
    rest = sizes[: len(sizes) - len(channels)]
    frames = [int(np.prod(rest))] if rest else []
    letters = "T" * len(frames) + "C" * len(channels) + "YX"
    return (*frames, *channels, height, width), letters


def _frame_interval(signal: Signal2D) -> dict[str, Any]:
    axes = [a for a in signal.axes_manager.navigation_axes if a.name != "class"]
    if len(axes) == 1 and axes[0].is_uniform and is_time(axes[0]):
        return {
            "finterval": float(axes[0].scale),
            "tunit": ascii_unit(unit_of(axes[0])),
        }
    return {}
