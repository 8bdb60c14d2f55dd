# SPDX-License-Identifier: GPL-3.0-or-later
"""Which class, or which particle, a signal is of when one was chosen of several.

HyperSpy takes the axis away when a single position along it is chosen, and with it what
was chosen: of two classes each would be the first one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CLASSES = "HRTEMNN.Segmentation.classes"
IDS = "HRTEMNN.ids"

# Where the metadata says what the positions along an axis are.
_MEANING = {"class": CLASSES, "id": IDS}


class KeepsChoice:
    """A signal that knows what was chosen of it with ``inav`` or the navigator."""

    def _slicer(self, slices: Any, isNavigation: Any = None, out: Any = None) -> Any:
        places = self._get_array_slices(slices, isNavigation)  # type: ignore[attr-defined]
        chosen = super()._slicer(slices, isNavigation, out)  # type: ignore[misc]
        axes = self.axes_manager._axes  # type: ignore[attr-defined]
        for axis, place in zip(axes, places, strict=True):
            if out is None and not isinstance(place, slice):
                _note(self, chosen, axis, place)
        return chosen

    def get_current_signal(self, *args: Any, **options: Any) -> Any:
        """Return the signal where the navigator is, as HyperSpy does."""
        chosen = super().get_current_signal(*args, **options)  # type: ignore[misc]
        for axis in self.axes_manager.navigation_axes:  # type: ignore[attr-defined]
            _note(self, chosen, axis, axis.index)
        return chosen


def _note(signal: Any, chosen: Any, axis: Any, place: int) -> None:
    """Write into the metadata what the position along an axis is."""
    key = _MEANING.get(str(axis.name))
    if key is None:
        return
    # Of sliced axes the values say which positions they were.
    number = int(np.rint(axis.axis[place]))
    known = meaning(signal, key)
    if known is None and key == CLASSES:
        known = range(number + 1)
    if known is not None and number < len(known):
        chosen.metadata.set_item(key, [known[number]])


def meaning(signal: Any, key: str) -> Any:
    """Return what the metadata says of a signal, None where it does not know.

    The metadata of a stack is that of its first element; it knows nothing where the
    elements differ.
    """
    known = signal.metadata.get_item(key, None)
    elements = signal.original_metadata.get_item("stack_elements", None)
    if known is None or elements is None:
        return known
    for name in elements.as_dictionary():
        said = elements.get_item(f"{name}.metadata.{key}", None)
        if said is not None and list(said) != list(known):
            return None
    return known
