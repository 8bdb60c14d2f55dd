# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that cannot be used: the error that says so, and many told in one line.

Whoever finds that a frame cannot be used raises `BadFrameError`; who walks the frames
of a movie decides what becomes of it. Knows neither signals nor networks.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

OnBadFrame = Literal["raise", "skip"]
"""Whether a frame that cannot be used is an error or an empty result."""

NO_DATA = "no data"
"""The reason of a frame without a single value, such as one that was skipped before."""

# A warning is read at a glance; a table has them all.
_MOST_GROUPS = 8
_LONGEST_REASON = 200

_UNREADABLE = "cannot be read"


class BadFrameError(ValueError):
    """A frame that cannot be used: blank, constant, saturated, unreadable, no data.

    Parameters
    ----------
    message
        What is wrong, and the remedy, for the one who gave this image alone.
    reason
        The same in a few words, by which the frames of a movie are grouped; by default
        the first sentence of the message.
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        first = message.partition(". ")[0].rstrip(".")
        self.reason = first if reason is None else reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the reason on the way from another process."""
        return type(self), (str(self), self.reason)


def is_without_data(frame: NDArray[Any]) -> bool:
    """Return whether all values of a frame are NaN."""
    if frame.dtype.kind not in "fc" or frame.size == 0:
        return False
    # One pixel tells it of nearly all frames.
    return bool(np.isnan(frame.flat[0]) and np.isnan(frame).all())


def check_data(frame: NDArray[Any]) -> None:
    """Raise a `BadFrameError` if all values of a frame are NaN."""
    if is_without_data(frame):
        raise BadFrameError("The image has no data: every pixel is NaN.", NO_DATA)


@contextmanager
def reading() -> Iterator[None]:
    """Make whatever a reader raises a `BadFrameError`, but for a lack of memory.

    Every reader has its own exceptions for what is cut off or damaged.
    """
    try:
        yield
    except (BadFrameError, MemoryError):
        raise
    except Exception as error:
        text = f"The image {_UNREADABLE}: {_text(error)}"
        raise BadFrameError(text, unreadable(error)) from error


def unreadable(error: Exception) -> str:
    """Return the reason of a frame from what its reader raised."""
    return f"{_UNREADABLE}: {_first_line(error)}"


def is_unreadable(reason: str) -> bool:
    """Return whether a frame could not be read, which may be otherwise tomorrow."""
    return reason.startswith(_UNREADABLE)


def _text(error: Exception) -> str:
    text = str(error).strip()
    if text and isinstance(error, OSError | ValueError):
        return text
    # What readers trip over says little without its name: KeyError: 'Image'.
    return f"{type(error).__name__}: {text}".rstrip(": ")


def _first_line(error: Exception) -> str:
    text = _text(error).partition("\n")[0]
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


def spans(numbers: Iterable[int]) -> str:
    """Return numbers as a text, those in a row as a span.

    Examples
    --------
    >>> spans([17, 201, 200, 202])
    '17, 200 to 202'
    """
    texts = []
    runs = groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    for _, run in runs:
        members = [number for _, number in run]
        first, last = members[0], members[-1]
        if last == first + 1:
            texts.append(f"{first}, {last}")
        else:
            texts.append(str(first) if first == last else f"{first} to {last}")
    return ", ".join(texts)


def told(reasons: Mapping[int, str], total: int) -> str:
    """Return the frames that could not be used as one sentence, grouped by reason.

    Parameters
    ----------
    reasons
        Of each such frame, by its number.
    total
        Number of all frames.

    Examples
    --------
    >>> told({17: "blank", 18: "saturated"}, 1000)
    '2 of 1000 frames could not be used and are empty: 17 (blank), 18 (saturated).'
    """
    groups: dict[str, list[int]] = {}
    for number in sorted(reasons):
        groups.setdefault(reasons[number], []).append(number)
    texts = [f"{spans(numbers)} ({why})" for why, numbers in groups.items()]
    if len(texts) > _MOST_GROUPS:
        rest = sum(len(numbers) for numbers in list(groups.values())[_MOST_GROUPS:])
        texts = [*texts[:_MOST_GROUPS], f"and {rest} more"]
    return (
        f"{len(reasons)} of {total} frames could not be used and are empty: "
        f"{', '.join(texts)}."
    )
