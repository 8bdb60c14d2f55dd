# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign frames: those that a network was not trained for, told in one warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.user_warnings import warn_user

from .telling import FrameNotes, named_frames

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

# Share of the area of a frame that is foreign, below which it is not told of: 1 % of
# the regions of images like those of the training are foreign, too.
_LEAST_SHARE = 0.1


class ForeignFrames(FrameNotes[float]):
    """Which share of each frame of a signal is foreign to a network.

    Attributes
    ----------
    metadata
        Metadata of the result; ``HRTEMNN.Foreign`` gets the number of foreign frames
        in the end.
    """

    def __init__(self, *, by_hand: bool = False, token: str | None = None) -> None:
        super().__init__(by_hand=by_hand, token=token)
        self.metadata: Any = None
        self._shares: dict[Hashable, float] = {}

    def add(self, frame: Hashable, share: float) -> None:
        """Note which share of the area of a frame is foreign."""
        self._note(frame, share)

    def counts(self) -> dict[str, Any]:
        """Return how many frames are foreign, and what share of which is most."""
        shares = self._shares | self._pending
        return {
            "frames": len(foreign := _foreign(shares)),
            "largest_share": round(max(shares.values(), default=0.0), 4),
            "least_share": _LEAST_SHARE,
            "numbers": [_number(frame) for frame in foreign],
        }

    def tell(self) -> None:
        """Write the counts into the metadata; warn of foreign frames, if any."""
        found = self.take()
        if not found:
            return
        self._shares |= found
        if self.metadata is not None:
            self.metadata.set_item("HRTEMNN.Foreign", self.counts())
        foreign = _foreign(found)
        if not foreign:
            return
        worst = max(foreign, key=lambda frame: foreign[frame])
        share = f"{foreign[worst]:.0%} of its area"
        where = named_frames(foreign)
        if len(foreign) > 1:
            share = (
                f"up to {foreign[worst]:.0%} of the area, in {named_frames([worst])}"
            )
        warn_user(
            f"What is in {where} is foreign to the network, {share}: it was not "
            "trained for such images, and its answer there is a guess. See "
            "plot_novelty and docs/guard.md."
        )


def foreign_share(novelty: NDArray[np.floating]) -> float:
    """Return the share of what is data, of a frame's novelty, that is foreign."""
    known = novelty[np.isfinite(novelty)]
    return float((known > 1).mean()) if known.size else 0.0


def _foreign(shares: dict[Any, float]) -> dict[Any, float]:
    return {
        frame: share for frame, share in sorted(shares.items()) if share >= _LEAST_SHARE
    }


def _number(frame: Any) -> Any:
    """Return a frame as inav counts, an index or a number of its own."""
    if not isinstance(frame, tuple):
        return frame
    return list(frame[::-1]) if len(frame) > 1 else sum(frame)
