# SPDX-License-Identifier: GPL-3.0-or-later
"""The file a command writes, and the folder beside it in which frames wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.checkpoint import Checkpoint


def check_output(source: Path, out: Path, *, force: bool) -> None:
    """Raise a ValueError if a command must not write there."""
    if out.suffix != ".hspy":
        raise ValueError(f"--out is {out}; its name must end with .hspy.")
    if out.resolve() == source.resolve():
        raise ValueError(f"--out is the input, {source}; give another name.")
    if out.exists() and not force:
        raise ValueError(f"{out} exists; --force replaces it.")


def check_table(table: Path, others: Iterable[Path], *, force: bool) -> None:
    """Raise a ValueError if a command must not write a table, and that of frames."""
    if table.resolve() in {other.resolve() for other in others}:
        raise ValueError(f"--table is {table}, another file of this; give a new name.")
    if not table.parent.is_dir():
        raise ValueError(f"There is no folder {table.parent} for {table.name}.")
    for path in (table, frames_path(table)):
        if path.exists() and not force:
            raise ValueError(f"{path} exists; --force replaces it.")


def frames_path(table: Path) -> Path:
    """Return where it is written which frames could be used."""
    return table.with_name(f"{table.stem}_frames{table.suffix}")


def frames_folder(out: Path) -> Path:
    """Return where the finished frames of an output wait for the others."""
    return out.with_name(f"{out.name}.frames")


def frame_shape(result: Any) -> tuple[int, ...]:
    """Return the shape of the axes along which there are frames, not classes."""
    axes = result.axes_manager.navigation_axes[::-1]
    return tuple(axis.size for axis in axes if axis.name != "class")


def frame_number(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """Return the number of a frame from its place along `frame_shape`."""
    return int(np.ravel_multi_index(index, shape)) if shape else 0


def finish(result: Any, checkpoint: Checkpoint, out: Path) -> None:
    """Put all frames into the output, at once, and delete them.

    Those that could not be used are NaN.
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
    whole = checkpoint.folder / "whole.hspy"
    result.save(whole, overwrite=True)
    whole.replace(out)
    checkpoint.remove()
