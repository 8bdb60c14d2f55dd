# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress bars that count frames."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from .telling import Travelling
from .workers import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_shown(show: bool | None) -> bool:
    """Return whether progress is shown; None for what HyperSpy's preferences say."""
    if show is None:
        from hyperspy.defaults_parser import preferences

        return bool(preferences.General.show_progressbar)
    return show


class FrameBar(Travelling):
    """A progress bar that the tasks of frames move on, each frame once."""

    def __init__(self, *, token: str | None = None) -> None:
        super().__init__(token=token)
        self._bar: Any = None
        self._seen: set[Any] = set()

    @contextmanager
    def shown(self, label: str, total: int, show: bool | None) -> Iterator[None]:
        """Show the bar meanwhile.

        Parameters
        ----------
        label
            Name of the work.
        total
            Number of frames; for a single one there is no bar.
        show
            Whether to show it; None for what HyperSpy's preferences say.
        """
        # On a cluster frames are done in other processes, which its dashboard shows.
        if not is_shown(show) or total < 2 or cluster() is not None:
            yield
            return
        with tqdm(total=total, desc=label, unit="frame") as bar:
            self._bar, self._seen = bar, set()
            try:
                yield
            finally:
                self._bar = None

    def done(self, frame: Any) -> None:
        """Count a frame, by its number or index, as done."""
        with self._lock:
            if self._bar is not None and frame not in self._seen:
                self._seen.add(frame)
                self._bar.update()
