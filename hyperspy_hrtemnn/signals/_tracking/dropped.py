# SPDX-License-Identifier: GPL-3.0-or-later
"""Dropped regions, which are too small for a particle: their number in a movie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.signals._shared.telling import Notes
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

_KEY = "HRTEMNN.Instances.dropped_regions"


class DroppedRegions(Notes):
    """The number of regions that were dropped from a movie.

    Parameters
    ----------
    instances
        The particles, in whose metadata the number is written.
    min_area
        Area below which regions were dropped, in pixels.
    by_hand, token
        See `Notes`.
    """

    def __init__(
        self,
        instances: Signal2D | None = None,
        min_area: float = 0.0,
        *,
        by_hand: bool = False,
        token: str | None = None,
    ) -> None:
        super().__init__(by_hand=by_hand, token=token)
        self._metadata: Any = None if instances is None else instances.metadata
        self._limit = "" if instances is None else _area_text(instances, min_area)
        self._count = 0
        self._told = False

    def take(self, count: int) -> None:
        """Take the number for the whole movie."""
        if self._at_home("take", count):
            return
        self._count = int(count)
        if self._metadata is not None:
            self._metadata.set_item(_KEY, self._count)

    def forget(self) -> None:
        """Forget the number, which was not told."""
        self._count = 0

    def tell(self) -> None:
        """Warn if there are any, once, however often a lazy movie is computed."""
        count, self._count = self._count, 0
        # In another process there is no limit known to tell of.
        if count and self._limit and not self._told:
            self._told = True
            regions = "1 region" if count == 1 else f"{count} regions"
            verb = "was" if count == 1 else "were"
            warn_user(
                f"{regions} below {self._limit} {verb} dropped; min_area sets this "
                "limit."
            )


def _area_text(signal: Signal2D, area: float) -> str:
    """Return an area in pixels as text, in the unit of the axes if they have one."""
    x, y = signal.axes_manager.signal_axes
    if not isinstance(x.units, str) or not x.units:
        return f"{area:.4g} pixels"
    return f"{area * abs(x.scale * y.scale):.3g} {x.units}²"
