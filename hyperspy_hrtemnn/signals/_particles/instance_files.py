# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled particles in files of HyperSpy and other programs."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import tifffile

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.hspy_file import save_hspy
from hyperspy_hrtemnn.signals._shared.output_files import ascii_unit
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.units import is_time, unit_of

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.signals._shared.output_files import Writing


def write_hspy(
    instances: Signal2D,
    path: Path,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
    writing: Writing = written_whole,
) -> None:
    """Write labels in HyperSpy's own format."""
    # Processes of a cluster cannot write into one file.
    threads: dict[str, Any] = {"scheduler": "threads"}
    if num_workers is not None:
        threads["num_workers"] = num_workers
    with writing(path) as temporary, dask.config.set(threads):
        shown = is_shown(show_progressbar)
        save_hspy(instances, temporary, show_progressbar=shown)


def write_tiff(
    instances: Signal2D,
    path: Path,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> None:
    """Write labels as a TIFF of one compressed strip for each frame."""
    side = sampling(instances, "nm")
    axes = instances.axes_manager
    run = partial(
        each_frame,
        instances,
        label="TIFF",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    try:
        frames = run(partial(_page, dtype=np.uint16))
        bits = 16
    except OverflowError:
        frames = run(partial(_page, dtype=np.uint32))
        bits = 32
    height, width = instances.data.shape[-2:]
    movie = axes.navigation_dimension > 0
    metadata: dict[str, Any] = {"axes": "TYX" if movie else "YX", "unit": "nm"}
    if axes.navigation_dimension == 1:
        metadata |= _frame_interval(axes.navigation_axes[0])
    with written_whole(path) as temporary:
        tifffile.imwrite(
            temporary,
            iter([frame for frame in frames if frame is not None]),
            shape=(*((len(frames),) if movie else ()), height, width),
            dtype=f"<u{bits // 8}",
            byteorder="<",
            # ImageJ has no type for whole numbers of 32 bits.
            imagej=bits == 16,
            photometric="minisblack",
            compression="zlib",
            rowsperstrip=height,
            resolution=(1 / side, 1 / side),
            resolutionunit="none",
            metadata=metadata,
        )


def _page(frame: NDArray[np.integer], dtype: type[np.unsignedinteger[Any]]) -> bytes:
    """Return a frame as it is in a file."""
    if frame.max() > np.iinfo(dtype).max:
        raise OverflowError
    known = np.maximum(frame, 0).astype(np.dtype(dtype).newbyteorder("<"))
    return zlib.compress(known.tobytes())


def _frame_interval(axis: Any) -> dict[str, Any]:
    if axis.is_uniform and is_time(axis):
        return {
            "finterval": float(axis.scale),
            "tunit": ascii_unit(unit_of(axis)),
        }
    return {}
