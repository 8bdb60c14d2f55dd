# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaced pixels: their number in a signal, reported in one warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.user_warnings import warn_user

from .telling import FrameNotes, named_frames

if TYPE_CHECKING:
    from collections.abc import Hashable

    from hyperspy_hrtemnn.image_data import ImageData

_REPLACED = "Hot, dead or missing pixels were replaced by the median of their neighbors"
_LEFT_OUT = (
    "Pixels that are no data (NaN, a filled border or bar, the shadow of an aperture) "
    "were left out"
)


class ReplacedPixels(FrameNotes[tuple[int, int]]):
    """What was not data in the frames of a signal.

    Attributes
    ----------
    metadata
        Metadata of the result; ``HRTEMNN.Images`` gets the counts in the end.
    """

    def __init__(self, *, by_hand: bool = False, token: str | None = None) -> None:
        super().__init__(by_hand=by_hand, token=token)
        self.metadata: Any = None
        self._counts: dict[Hashable, tuple[int, int]] = {}

    def add(self, frame: Hashable, bad_pixels: int, no_data: int) -> None:
        """Note how many pixels of a frame are bad, and how many are no data."""
        self._note(frame, (bad_pixels, no_data))

    def add_data(self, frame: Hashable, data: ImageData) -> None:
        """Note what was found in a frame."""
        self.add(frame, data.bad_pixels, data.no_data)

    def noted(self, frame: Hashable) -> tuple[int, int]:
        """Return what was noted of a frame and is not told yet, (0, 0) if nothing."""
        return self._pending.get(frame, (0, 0))

    def counts(self) -> dict[str, int]:
        """Return how many pixels, of how many frames, were replaced or left out."""
        found = list((self._counts | self._pending).values())
        return {
            "bad_pixels": sum(bad for bad, _ in found),
            "frames_with_bad_pixels": sum(bad > 0 for bad, _ in found),
            "no_data_pixels": sum(none for _, none in found),
            "frames_with_no_data": sum(none > 0 for _, none in found),
        }

    def tell(self) -> None:
        """Write the counts into the metadata; warn of what was noted, if anything."""
        found = self.take()
        if not found:
            return
        self._counts |= found
        if self.metadata is not None:
            self.metadata.set_item("HRTEMNN.Images", self.counts())
        if message := " ".join(_sentences(found)):
            warn_user(f"{message} See docs/imperfect_images.md.")


def _sentences(counts: dict[Hashable, tuple[int, int]]) -> list[str]:
    sentences = []
    for kind, what in enumerate((_REPLACED, _LEFT_OUT)):
        found = {frame: count[kind] for frame, count in counts.items() if count[kind]}
        if found:
            sentences.append(f"{what}: {sum(found.values())} in {named_frames(found)}.")
    return sentences
