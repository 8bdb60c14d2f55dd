# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs of commands: checks of their paths, and frames that wait in a folder."""

from __future__ import annotations

import os
import unicodedata
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zlib import crc32

import dask.array as da
import hyperspy.api as hs
import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn.atomic import check_replaceable
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._shared.hspy_file import save_hspy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.checkpoint import Checkpoint

    from .own_files import OwnFiles
    from .sources import Input


def check_output(source: Input, out: Path, own: OwnFiles, *, force: bool) -> None:
    """Raise a ValueError if a command must not write its output to `out`."""
    if out.suffix != ".hspy":
        raise ValueError(f"--out is {out}; its name must end with .hspy.")
    if any(is_same(out, path) for path in (source.path, *source.files)):
        raise ValueError(f"--out is the input, {source.path}; give another name.")
    _check_free(out, own, force=force)


def check_table(
    table: Path, source: Input, out: Path, own: OwnFiles, *, force: bool
) -> None:
    """Raise a ValueError if a command must not write its tables to `table`."""
    if not table.parent.is_dir():
        raise ValueError(f"There is no folder {table.parent} for {table.name}.")
    for path in (table, frames_path(table)):
        others = (out, source.path, *source.files)
        if any(is_same(path, other) for other in others):
            raise ValueError(
                f"--table is {table}, and {path} is also the input or --out; give "
                "another name."
            )
    if table.suffix.lower() != ".csv":
        raise ValueError(f"--table is {table}; its name must end with .csv.")
    for path in (table, frames_path(table)):
        _check_free(path, own, force=force)


def _check_free(path: Path, own: OwnFiles, *, force: bool) -> None:
    """Raise an error if there is a file that this job did not write, or no file."""
    check_replaceable(path)
    if os.path.lexists(path) and not force and not own.wrote(path):
        raise ValueError(f"{path} exists; --force replaces it.")


def is_same(one: Path, other: Path) -> bool:
    """Return whether two paths are one file, also by links or in another spelling."""
    with suppress(OSError):
        if one.samefile(other):
            return True
    return _spelled(one) == _spelled(other)


def _spelled(path: Path) -> str:
    # Many drives take upper and lower case, or two codes of a letter, for the same.
    return unicodedata.normalize("NFC", str(path.resolve())).casefold()


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


def finish(result: Any, checkpoint: Checkpoint, out: Path, own: OwnFiles) -> None:
    """Write all frames into one file, and read it back.

    Frames that could not be used are NaN.

    Parameters
    ----------
    result
        The signal to write, with the axes and metadata of the whole.
    checkpoint
        The finished frames.
    out
        The .hspy file to write.
    own
        The list of files of the job, which gets it.

    Raises
    ------
    OSError
        If it cannot be written, or has other frames when it is read.
    """
    sums: dict[int, int] = {}
    joined = _joined(result, checkpoint, sums)
    with (
        own.writing(checkpoint.digest)(out) as temporary,
        counted(joined, "write") as result.data,
    ):
        save_hspy(result, temporary)
        _check_written(temporary, out, sums)


@contextmanager
def counted(data: da.Array, label: str) -> Iterator[da.Array]:
    """Give an array of one frame in each block; a bar counts those that are computed.

    Parameters
    ----------
    data
        The array.
    label
        What is done with it.
    """
    with tqdm(total=int(np.prod(data.numblocks)), desc=label, unit="frame") as bar:
        yield data.map_blocks(
            _Count(bar), dtype=data.dtype, meta=np.empty((0,) * data.ndim, data.dtype)
        )


@dataclass(frozen=True)
class _Count:
    """Count a block, and return it."""

    bar: tqdm[Any]

    def __call__(self, block: NDArray[Any]) -> NDArray[Any]:
        self.bar.update()
        return block

    def __dask_tokenize__(self) -> str:
        # By default dask copies the bar to make a name, and the copy dies aloud.
        return uuid4().hex


def _joined(result: Any, checkpoint: Checkpoint, sums: dict[int, int]) -> da.Array:
    """Return the frames as one array that is read when it is needed.

    Parameters
    ----------
    result, checkpoint
        See `finish`.
    sums
        Gets the checksum of each image by its number, class by class.
    """
    data = result.data
    shape = frame_shape(result)
    n_axes = len(shape)
    bad = checkpoint.bad()

    def read(block_id: tuple[int, ...]) -> NDArray[Any]:
        number = frame_number(block_id[:n_axes], shape)
        if number in bad:
            frame = np.full(data.shape[n_axes:], np.nan, data.dtype)
        else:
            frame = checkpoint.read(number)
        images = frame.reshape(-1, *frame.shape[-2:])
        for index, image in enumerate(images, number * len(images)):
            sums[index] = crc32(np.ascontiguousarray(image).data)
        return frame.reshape((1,) * n_axes + frame.shape)

    return da.map_blocks(
        read,
        chunks=tuple((1,) * size for size in shape)
        + tuple((size,) for size in data.shape[n_axes:]),
        dtype=data.dtype,
        meta=np.empty((0,) * data.ndim, data.dtype),
    )


def _check_written(written: Path, out: Path, sums: Mapping[int, int]) -> None:
    """Raise an OSError if the images of a file are not those that were written."""
    with opened(written) as signal:
        number = 0
        for block in deferred_blocks(whole_frames(signal)):
            for image in block.load():
                if crc32(np.ascontiguousarray(image).data) != sums[number]:
                    raise OSError(
                        f"{out} was written, and image {number} in it is another when "
                        "it is read: the disk is damaged. The finished frames are "
                        "kept; run the same again, or write to another disk."
                    )
                number += 1


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Give what is in an .hspy file, lazily; it is closed at the end.

    What is open cannot be replaced on Windows.
    """
    signal = hs.load(path, lazy=True)
    try:
        yield signal
    finally:
        signal.close_file()
