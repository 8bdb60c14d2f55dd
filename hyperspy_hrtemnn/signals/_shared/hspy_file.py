# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperSpy file: a signal written so that a full disk is an error and not a crash.

HDF5 ends the process, without a word of Python, when it closes a file on a disk that is
full. It is therefore given a file that takes everything and remembers the first error.
"""

from __future__ import annotations

import io
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.misc.utils import get_object_package_info
from rsciio.hspy import file_writer

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy.signals import BaseSignal
    from numpy.typing import NDArray


def save_hspy(
    signal: BaseSignal, path: Path, *, show_progressbar: bool = False
) -> None:
    """Write a signal to a new file, flushed to the disk.

    Parameters
    ----------
    signal
        The signal. Other than by its `save`, it does not become that of the file.
    path
        A path that does not exist, from `written_whole`.
    show_progressbar
        Whether to show a progress bar for a lazy signal.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    content = signal._to_dictionary(add_models=True)
    content["package_info"] = get_object_package_info(signal)
    with _LastingFile(path) as file:
        if signal._lazy:
            content["data"] = signal.data.map_blocks(
                partial(_while_written, file),
                dtype=signal.data.dtype,
                meta=np.empty((0,) * signal.data.ndim, signal.data.dtype),
            )
        try:
            file_writer(file, content, show_progressbar=show_progressbar)
        finally:
            # Whatever else went wrong went wrong because of this.
            file.check()
        os.fsync(file.fileno())


class _LastingFile(io.FileIO):
    """File whose writing fails only when it is asked whether it has failed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x+")
        self._path = path
        self._error: OSError | None = None

    def __fspath__(self) -> str:
        return str(self._path)

    def __dask_tokenize__(self) -> str:
        return str(self._path)

    def check(self) -> None:
        """Raise the first error of writing, if there was any."""
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        """Write all bytes, or note the error."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                left = left[super().write(left) :]
        except OSError as error:
            self._error = self._error or error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Change the length, or note the error."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._error = self._error or error
            return self.tell() if size is None else size

    def readinto(self, buffer: Any) -> int:
        """Read bytes; zeros where they could not be written."""
        view = memoryview(buffer).cast("B")
        found = super().readinto(view) or 0
        view[found:] = bytes(len(view) - found)
        return len(view)


def _while_written(file: _LastingFile, block: NDArray[Any]) -> NDArray[Any]:
    """Return a block, unless there is no room for it any more."""
    file.check()
    return block
