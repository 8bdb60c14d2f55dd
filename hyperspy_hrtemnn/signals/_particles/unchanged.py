# SPDX-License-Identifier: GPL-3.0-or-later
"""Unchanged labels: an edit of a lazy movie that had nothing to do, told at the end."""

from __future__ import annotations

from hyperspy_hrtemnn.signals._shared.telling import FrameNotes
from hyperspy_hrtemnn.user_warnings import warn_user


class ChangedFrames(FrameNotes[bool]):
    """Which frames an edit has changed; it warns when these are none of all.

    Parameters
    ----------
    text
        The edit as one types it.
    total
        Number of frames that it is made in.
    by_hand, token
        See `Notes`.
    """

    def __init__(
        self,
        text: str = "",
        total: int = 0,
        *,
        by_hand: bool = False,
        token: str | None = None,
    ) -> None:
        super().__init__(by_hand=by_hand, token=token)
        self._text, self._total = text, total
        self._seen: dict[int, bool] = {}

    def add(self, number: int, *, changed: bool) -> None:
        """Note a frame."""
        self._note(number, changed)

    def tell(self) -> None:
        """Warn if all frames are computed, now or before, and none has changed."""
        self._seen |= self.take()
        # In another process of a cluster no edit is known to tell of.
        if self._text and len(self._seen) == self._total:
            if not any(self._seen.values()):
                warn_user(
                    f"{self._text} has changed nothing: there is no such particle in "
                    "its frames."
                )
            self._text = ""  # told once, however often the movie is computed
