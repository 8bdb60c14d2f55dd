# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs of commands: checks of their paths, and frames that wait in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.checkpoint import Checkpoint


def check_output(source: Path, out: Path, *, force: bool) -> None:
    """Raise a ValueError if a command must not write its output to `out`."""
    if out.suffix != ".hspy":
        raise ValueError(f"--out is {out}; its name must end with .hspy.")
    if out.resolve() == source.resolve():
        raise ValueError(f"--out is the input, {source}; give another name.")
    if out.exists() and not force:
        raise ValueError(f"{out} exists; --force replaces it.")


def check_table(table: Path, others: Iterable[Path], *, force: bool) -> None:
    """Raise a ValueError if a command must not write its tables to `table`."""
    if table.resolve() in {other.resolve() for other in others}:
        raise ValueError(
            f"--table is {table}, which is also the input or --out; give another name."
        )
    if not table.parent.is_dir():
        raise ValueError(f"There is no folder {table.parent} for {table.name}.")
    for path in (table, frames_path(table)):
        if path.exists() and not force:
            raise ValueError(f"{path} exists; --force replaces it.")


def frames_path(table: Path) -> Path:
    """Return the path of the table of frames that goes with a table of particles."""
    return table.with_name(f"{table.stem}_frames{table.suffix}")


def frames_folder(out: Path) -> Path:
    """Return the folder in which finished frames wait until all frames are."""
    return out.with_name(f"{out.name}.frames")


def frame_shape(result: Any) -> tuple[int, ...]:
    """Return the shape of the axes along which there are frames, not classes."""
    axes = result.axes_manager.navigation_axes[::-1]
    return tuple(axis.size for axis in axes if axis.name != "class")


def frame_number(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """Return the number of a frame from its place along `frame_shape`."""
    return int(np.ravel_multi_index(index, shape)) if shape else 0


def finish(result: Any, checkpoint: Checkpoint, out: Path) -> None:
    """Write all frames into one file, and delete their folder.

    Frames that could not be used are NaN.

    Parameters
    ----------
    result
        The signal to write, with the axes and metadata of the whole.
    checkpoint
        The finished frames.
    out
        The .hspy file to write.
    """
    data = result.data
    shape = frame_shape(result)
    n_axes = len(shape)
    bad = checkpoint.bad()

    def read(block_id: tuple[int, ...]) -> NDArray[Any]:
        number = frame_number(block_id[:n_axes], shape)
        if number in bad:
            return np.full((1,) * n_axes + data.shape[n_axes:], np.nan, data.dtype)
        frame = checkpoint.read(number)
        return frame.reshape((1,) * n_axes + frame.shape)

    result.data = da.map_blocks(
        read,
        chunks=tuple((1,) * size for size in shape)
        + tuple((size,) for size in data.shape[n_axes:]),
        dtype=data.dtype,
        meta=np.empty((0,) * data.ndim, data.dtype),
    )
    with written_whole(out) as temporary:
        result.save(temporary)
    checkpoint.remove()
