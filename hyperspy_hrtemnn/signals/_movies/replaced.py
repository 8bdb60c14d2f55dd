# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pixels of a signal were replaced or left out, told once."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

    from hyperspy_hrtemnn.image_data import ImageData

_NAMED = 5  # frames that a warning names

_REPLACED = "Hot, dead or missing pixels were replaced by the median of their neighbors"
_LEFT_OUT = (
    "Pixels that are no data (NaN, a filled border or bar, the shadow of an aperture) "
    "were left out"
)


class ReplacedPixels:
    """What was not data in the frames of a signal, collected while they are computed.

    Frames are computed in threads, and of a lazy signal long after the method has
    returned: then the last frame tells. Where frames are computed by other processes,
    of a cluster, nothing is collected.

    Parameters
    ----------
    frames
        Number of frames of the signal.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._counts: dict[Hashable, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._metadata: Any = None
        self._told = False

    def add(self, frame: Hashable, bad_pixels: int, no_data: int) -> None:
        """Count what was found in a frame; the last one of a lazy signal tells."""
        with self._lock:
            self._counts[frame] = (bad_pixels, no_data)
            last = len(self._counts) == self._frames and self._metadata is not None
        if last:
            self.tell()

    def add_data(self, frame: Hashable, data: ImageData) -> None:
        """Count what was found in a frame."""
        self.add(frame, data.bad_pixels, data.no_data)

    def tell_at_the_end(self, metadata: Any) -> None:
        """Let the last frame tell, and write the counts into metadata."""
        self._metadata = metadata

    def counts(self) -> dict[str, int]:
        """Return how many pixels, of how many frames, were replaced or left out."""
        found = list(self._counts.values())
        return {
            "bad_pixels": sum(bad for bad, _ in found),
            "frames_with_bad_pixels": sum(bad > 0 for bad, _ in found),
            "no_data_pixels": sum(none for _, none in found),
            "frames_with_no_data": sum(none > 0 for _, none in found),
        }

    def tell(self, metadata: Any = None, stacklevel: int = 1) -> None:
        """Write the counts into metadata and warn, once, if there are any.

        Parameters
        ----------
        metadata
            Of the result; ``HRTEMNN.Images`` has the counts then.
        stacklevel
            Of the warning, 1 for the caller of this.
        """
        if self._told or not self._counts:
            return
        self._told = True
        metadata = self._metadata if metadata is None else metadata
        if metadata is not None:
            metadata.set_item("HRTEMNN.Images", self.counts())
        message = " ".join(self._sentences())
        if message:
            warnings.warn(
                f"{message} See docs/imperfect_images.md.", stacklevel=stacklevel + 1
            )

    def _sentences(self) -> list[str]:
        sentences = []
        for kind, what in enumerate((_REPLACED, _LEFT_OUT)):
            found = {f: c[kind] for f, c in self._counts.items() if c[kind]}
            if found:
                sentences.append(f"{what}: {sum(found.values())} in {_named(found)}.")
        return sentences

    def __reduce__(self) -> tuple[Any, ...]:
        # What another process counts stays there.
        return type(self), (0,)


def _named(frames: dict[Any, int]) -> str:
    """Return frames as a text, the first few by their number."""
    names = sorted(frames)
    if names == [()]:
        return "the image"
    texts = [
        str(name[0] if len(name) == 1 else name[::-1])
        if isinstance(name, tuple)
        else str(name)
        for name in names[:_NAMED]
    ]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"frame{'s' if len(names) > 1 else ''} {', '.join(texts)}{more}"
