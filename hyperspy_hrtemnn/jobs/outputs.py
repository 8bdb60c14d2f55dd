# SPDX-License-Identifier: GPL-3.0-or-later
"""The file a command writes, and the folder beside it in which frames wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

if TYPE_CHECKING:
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
    """Put all frames into the output, at once, and delete them."""
    data = result.data
    shape = frame_shape(result)
    n_axes = len(shape)

    def read(block_id: tuple[int, ...]) -> NDArray[Any]:
        frame = checkpoint.read(frame_number(block_id[:n_axes], shape))
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
