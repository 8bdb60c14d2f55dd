# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops of a long step: what to say when disk or memory are full, or it is interrupted.

Each step keeps what is done and goes on from there: this is what has to be said.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from .json_files import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}

# HDF5 and numpy say it in words only.
_FULL_WORDS = re.compile(r"No space left|\d+ requested and \d+ written|quota exceeded")

# What TensorFlow, PyTorch, dask and onnxruntime call it, which need not be installed.
_MEMORY_NAMES = {"ResourceExhaustedError", "OutOfMemoryError", "KilledWorker"}
_MEMORY_WORDS = re.compile(
    r"RESOURCE_EXHAUSTED|[Ff]ailed to allocate memory|bad.?alloc|[Oo]ut of memory"
)

_LESS_MEMORY = {
    "structures": "use fewer processes, for instance --numproc 1",
    "waves": "use fewer processes, for instance --numproc 1",
    "make": "use fewer processes, for instance --numproc 1; if it was in training, "
    "a smaller training.batch_size, which is another training, with "
    "`hrtemnn train --restart`",
    "train": "make training.batch_size or images.image_size smaller, which is another "
    "training, with --restart",
}


def explain(error: BaseException, step: str, folder: Path) -> str | None:
    """Return what a user can do about an error, None if it says enough by itself.

    Parameters
    ----------
    error
        The error that ended a step.
    step
        Name of the command.
    folder
        Folder of the run.
    """
    kept = f"What is done is kept in {shown(str(folder))}"
    if isinstance(error, KeyboardInterrupt):
        return f"Stopped. {kept}; the same command goes on from there."
    causes = list(_chain(error))
    if any(map(_is_full, causes)):
        return (
            f"The disk is full. {kept}; free some space, and the same command goes on "
            "from there."
        )
    if any(map(_is_memory, causes)):
        less = _LESS_MEMORY.get(step, "close other programs")
        return (
            f"There is not enough memory for {step}. {kept}; {less}. Then the same "
            "command goes on from there."
        )
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    for _ in range(20):
        if following is None:
            return
        yield following
        following = following.__cause__ or following.__context__


def _is_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and (
        error.errno in _FULL or _FULL_WORDS.search(str(error)) is not None
    )


def _is_memory(error: BaseException) -> bool:
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or type(error).__name__ in _MEMORY_NAMES
        or (
            isinstance(error, RuntimeError | ValueError)
            and _MEMORY_WORDS.search(str(error)) is not None
        )
    )
