# SPDX-License-Identifier: GPL-3.0-or-later
"""Skipped frames: the rule for frames that cannot be used.

With "raise" the first one stops the computation; with "skip" its result is empty, and
one warning at the end of the computation has the numbers of all of them.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from hyperspy_hrtemnn.bad_frames import (
    NO_DATA,
    BadFrameError,
    OnBadFrame,
    is_unreadable,
    told,
)
from hyperspy_hrtemnn.user_warnings import warn_user

from .foreign import ForeignFrames
from .progress import FrameBar
from .replaced import ReplacedPixels
from .telling import FrameNotes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Result = TypeVar("Result")


class SkippedFrames(FrameNotes[str]):
    """The frames that were skipped in a computation, and why."""

    def __init__(self, *, by_hand: bool = False, token: str | None = None) -> None:
        super().__init__(by_hand=by_hand, token=token)
        self.total = 1
        self.told: dict[int, str] = {}

    def add(self, number: int, reason: str) -> None:
        """Note a frame; it may come again, and be without data by then."""
        self._note(number, self._pending.get(number, reason))

    def tell(self) -> None:
        """Warn, as of the line of the user, of what was noted, if anything.

        Raises
        ------
        BadFrameError
            If no frame of the movie could be used.
        """
        found = self.take()
        self.told |= found
        tell(found, self.total)


def tell(reasons: Mapping[int, str], total: int) -> None:
    """Warn once of frames that could not be used; raise if these are all."""
    if not reasons:
        return
    text = told(reasons, total)
    if len(reasons) == total:
        raise BadFrameError(f"There is no result: {text}")
    warn_user(text)


class FrameRule:
    """What is done about a frame that cannot be used.

    Parameters
    ----------
    on_bad_frame
        ``"raise"`` or ``"skip"``; None to skip where there are several frames.
    known
        Whether frames without data were told of before, when they became so.
    by_hand
        Whether someone calls `SkippedFrames.tell` of ``skipped``; otherwise dask does.

    Raises
    ------
    ValueError
        If there is no such rule.
    """

    def __init__(
        self,
        on_bad_frame: OnBadFrame | None = None,
        *,
        known: bool = False,
        by_hand: bool = False,
    ) -> None:
        if on_bad_frame not in (None, "raise", "skip"):
            raise ValueError(
                f"on_bad_frame is {on_bad_frame!r}; it has to be 'raise' or 'skip'."
            )
        self.on_bad_frame = on_bad_frame
        self.shape: tuple[int, ...] = ()
        self.known = known
        self.skipped = SkippedFrames(by_hand=by_hand)
        self.replaced = ReplacedPixels(by_hand=by_hand)
        self.foreign = ForeignFrames(by_hand=by_hand)
        self.bar = FrameBar()

    def over(self, shape: tuple[int, ...]) -> FrameRule:
        """Set the numbers of frames, in the order of the data, and return the rule."""
        self.shape = shape
        self.skipped.total = math.prod(shape)
        return self

    @contextmanager
    def told_here(self) -> Iterator[None]:
        """Tell at the end of the block what was noted in it, also by other processes.

        Raises
        ------
        BadFrameError
            If no frame of the movie could be used.
        """
        notes = [
            each
            for each in (self.skipped, self.replaced, self.foreign)
            if not each.by_hand
        ]
        for each in notes:
            each.by_hand = True
        try:
            yield
        except BaseException:
            for each in notes:
                each.forget()
            raise
        finally:
            for each in notes:
                each.by_hand = False
        for each in notes:
            each.tell()

    @property
    def raises(self) -> bool:
        """Whether a frame that cannot be used is an error."""
        several = math.prod(self.shape) > 1
        return (self.on_bad_frame or ("skip" if several else "raise")) == "raise"

    def result(
        self, index: tuple[int, ...], function: Callable[[], Result]
    ) -> Result | None:
        """Return what a function makes of a frame, None if that is skipped.

        Parameters
        ----------
        index
            Index of the frame, in the order of the data.
        function
            It raises a `BadFrameError` if the frame cannot be used.

        Raises
        ------
        BadFrameError
            If it does, and frames are not skipped. It says of which frame.
        ValueError
            If the function raises another one, with the number of the frame, too.
        """
        with self.skipped.frame(), self.replaced.frame(), self.foreign.frame():
            try:
                return function()
            except BadFrameError as error:
                if self.raises:
                    raise BadFrameError(self._of(index, error), error.reason) from error
                if not (self.known and error.reason == NO_DATA):
                    self.skipped.add(self.number(index), error.reason)
            except ValueError as error:
                raise ValueError(self._of(index, error)) from error
            except MemoryError as error:
                lack = ValueError(
                    "There is not enough memory for it. Take fewer workers "
                    "(num_workers or --numproc), or a part of the images."
                )
                raise ValueError(self._of(index, lack)) from error
            finally:
                self.bar.done(index)
        return None

    def results(self, numbers: range, load: Callable[[], Result]) -> Result | None:
        """Return the frames that are read together, None if they are skipped.

        Parameters
        ----------
        numbers
            Numbers of the frames, as in tables.
        load
            It raises a `BadFrameError` if they cannot be read.
        """
        try:
            return load()
        except BadFrameError as error:
            for number in numbers:
                self.result(self.index(number), partial(_raise, error))
        return None

    def to_try(
        self, total: int, done: Iterable[int], bad: Mapping[int, str]
    ) -> set[int]:
        """Return the frames that a run has to look at, which may go on with another.

        Parameters
        ----------
        total
            Number of frames.
        done, bad
            Those with a result, and those that could not be used, with the reason. To
            read those that could not be read is tried again.
        """
        known = () if self.raises else (n for n in bad if not is_unreadable(bad[n]))
        return set(range(total)).difference(done, known)

    def index(self, number: int) -> tuple[int, ...]:
        """Return the index of a frame, in the order of the data, from its number."""
        return tuple(int(i) for i in np.unravel_index(number, self.shape or (1,)))[
            : len(self.shape)
        ]

    def _of(self, index: tuple[int, ...], error: ValueError) -> str:
        if not index:
            return str(error)
        # As inav counts: the fastest axis first.
        place = index[0] if len(index) == 1 else index[::-1]
        return f"Frame {place}: {error}"

    def number(self, index: tuple[int, ...]) -> int:
        """Return the number of a frame, as in tables, from its index."""
        return int(np.ravel_multi_index(index, self.shape)) if index else 0


def _raise(error: BadFrameError) -> None:
    raise error
