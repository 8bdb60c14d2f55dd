# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled particles in files of HyperSpy and other programs."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._shared.hspy_file import save_hspy
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.tiff_file import PagesOf, write_pages

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
    run = partial(
        each_frame,
        instances,
        label="TIFF",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    dtype: type[np.unsignedinteger[Any]] = np.uint16
    try:
        frames = run(partial(_page, dtype=dtype))
    except OverflowError:
        dtype = np.uint32
        frames = run(partial(_page, dtype=dtype))
    write_pages(
        [frame for frame in frames if frame is not None],
        path,
        PagesOf(instances, dtype),
    )


def write_tiff_frame_by_frame(
    instances: Signal2D, path: Path, *, largest: int, writing: Writing
) -> None:
    """Write labels as `write_tiff` does, with one block of frames in memory at a time.

    Parameters
    ----------
    instances
        Labels that are in a file, or in memory: those that are still to be linked
        would be linked anew for each block.
    path, writing
        The file, and what to write it with.
    largest
        The largest id.
    """
    dtype: type[np.unsignedinteger[Any]] = np.uint16
    if largest > np.iinfo(dtype).max:
        dtype = np.uint32
    blocks = deferred_blocks(whole_frames(instances))
    total = sum(block.shape[0] for block in blocks)
    with tqdm(total=total, desc="TIFF", unit="frame") as bar:
        pages = (
            _counted(bar, _page(frame, dtype))
            for block in blocks
            for frame in block.load()
        )
        of = PagesOf(instances, dtype, shown=(0, max(largest, 1)))
        write_pages(pages, path, of, writing=writing)


def _counted(bar: tqdm[Any], page: bytes) -> bytes:
    bar.update()
    return page


def _page(frame: NDArray[np.integer], dtype: type[np.unsignedinteger[Any]]) -> bytes:
    """Return a frame as it is in a file."""
    if frame.max() > np.iinfo(dtype).max:
        raise OverflowError
    known = np.maximum(frame, 0).astype(np.dtype(dtype).newbyteorder("<"))
    return zlib.compress(known.tobytes())
