# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that were too small for a particle: counted, and told once for a movie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.signals._movies.telling import Notes
from hyperspy_hrtemnn.users_line import warn

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

_KEY = "HRTEMNN.Instances.dropped_regions"


class DroppedRegions(Notes):
    """What becomes of the number of regions that were dropped from a movie.

    However often a lazy movie is computed, it is told once.
    """

    def __init__(self, *, by_hand: bool = False, token: str | None = None) -> None:
        super().__init__(by_hand=by_hand, token=token)
        self._metadata: Any = None
        self._limit = ""
        self._count = 0
        self._told = False

    @classmethod
    def of(
        cls, instances: Signal2D, min_area: float, *, by_hand: bool = False
    ) -> DroppedRegions:
        """Return that of a signal of particles, in whose metadata the number is put.

        Parameters
        ----------
        instances
            The particles.
        min_area
            Area below which regions were dropped, in pixels.
        by_hand
            Whether someone calls `tell` who knows when; otherwise dask does.
        """
        dropped = cls(by_hand=by_hand)
        dropped._metadata = instances.metadata
        dropped._limit = _area_text(instances, min_area)
        return dropped

    def note(self, count: int) -> None:
        """Take the number for the whole movie."""
        self._count = int(count)
        if self._metadata is not None:
            self._metadata.set_item(_KEY, self._count)

    def tell(self) -> None:
        """Warn if there are any and it was not told yet."""
        # In a process of a cluster the limit is not known, and nobody listens.
        if not self._count or self._told or not self._limit:
            return
        self._told = True
        regions = "1 region" if self._count == 1 else f"{self._count} regions"
        verb = "was" if self._count == 1 else "were"
        warn(f"{regions} below {self._limit} {verb} dropped; min_area sets this limit.")

    def forget(self) -> None:
        """Forget the number, because the computation has failed."""
        self._count = 0


def _area_text(signal: Signal2D, area: float) -> str:
    """Return an area in pixels as text, in the unit of the axes if they have one."""
    x, y = signal.axes_manager.signal_axes
    if not isinstance(x.units, str) or not x.units:
        return f"{area:.4g} pixels"
    return f"{area * abs(x.scale * y.scale):.3g} {x.units}²"
