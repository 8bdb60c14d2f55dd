# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that were too small for a particle: counted, and told once for a movie."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

_KEY = "HRTEMNN.Instances.dropped_regions"


class DroppedRegions:
    """What becomes of the number of regions that were dropped from a movie.

    Parameters
    ----------
    instances
        The particles, in whose metadata the number is written.
    min_area
        Area below which regions were dropped, in pixels.
    """

    def __init__(self, instances: Signal2D, min_area: float) -> None:
        self._metadata: Any = instances.metadata
        self._limit = _area_text(instances, min_area)
        self._count = 0

    def __call__(self, count: int) -> None:
        """Take the number for the whole movie."""
        self._count = int(count)
        if self._metadata is not None:
            self._metadata.set_item(_KEY, self._count)

    def told(self, count: int) -> None:
        """Take the number and tell it at once, where nobody waits for the result."""
        self(count)
        self.tell()

    def tell(self, stacklevel: int = 1) -> None:
        """Warn if there are any; `stacklevel` is that of the caller of this."""
        if self._count:
            regions = "1 region" if self._count == 1 else f"{self._count} regions"
            verb = "was" if self._count == 1 else "were"
            warnings.warn(
                f"{regions} below {self._limit} {verb} dropped; min_area sets this "
                "limit.",
                stacklevel=stacklevel + 1,
            )

    def __getstate__(self) -> dict[str, Any]:
        # In another process there is no signal to write to.
        return {**self.__dict__, "_metadata": None}


def _area_text(signal: Signal2D, area: float) -> str:
    """Return an area in pixels as text, in the unit of the axes if they have one."""
    x, y = signal.axes_manager.signal_axes
    if not isinstance(x.units, str) or not x.units:
        return f"{area:.4g} pixels"
    return f"{area * abs(x.scale * y.scale):.3g} {x.units}²"
