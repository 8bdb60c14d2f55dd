# SPDX-License-Identifier: GPL-3.0-or-later
"""Defocus of a series, from its axis, and whether a network was trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.networks import out_of_range

from .units import length_in

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Card

# Share by which the steps of a focal series may differ from the trained one.
_TOLERANCE = 0.1

AXIS_HELP = (
    "Set it, positive = underfocus, for example:\n"
    "    axis = signal.axes_manager.navigation_axes[0]\n"
    "    axis.name, axis.units = 'defocus', 'nm'\n"
    "    axis.offset, axis.scale = -10, 5"
)
"""What to do about an axis ``defocus`` that is missing or has no unit."""


def defocus_faults(signal: Signal2D, card: Card) -> list[str]:
    """Return what is wrong with order, steps and values of the defocus, a text each.

    Nothing is known of it unless the signal has a navigation axis ``defocus`` in a unit
    of length. Of a focal series the first image counts: its defocus is what the range
    of the card is of, whichever way around the user has the images.

    Parameters
    ----------
    signal
        Images, positive defocus = underfocus.
    card
        Card of the network.
    """
    values = defocus_values(signal)
    if values is None:
        return []
    if card.channels == 1:
        # Each image is an input of its own: the two at the ends tell for all.
        ends = dict.fromkeys((float(values.min()), float(values.max())))
        return [fault for end in ends for fault in out_of_range(card, defocus=end)]
    if card.defocus_step is None:
        return out_of_range(card, defocus=float(values[0]))
    faults = []
    step = float(np.mean(np.diff(values)))
    if step * card.defocus_step < 0:
        ways = ("over", "under") if step < 0 else ("under", "over")
        faults.append(
            f"from image to image the defocus goes towards {ways[0]}focus, trained was "
            f"towards {ways[1]}focus (reverse the axis 'defocus' with [::-1] in inav)"
        )
    if np.any(np.abs(np.abs(np.diff(values) / card.defocus_step) - 1) > _TOLERANCE):
        faults.append(
            f"the images are {abs(step) / 10:.3g} nm of defocus apart, trained was "
            f"{abs(card.defocus_step) / 10:g} nm"
        )
    first = values.min() if card.defocus_step > 0 else values.max()
    return faults + out_of_range(card, defocus=float(first))


def unknown_defocus(signal: Signal2D, card: Card) -> str | None:
    """Return what to do if nobody can tell order and step of a focal series."""
    if card.defocus_step is None or defocus_values(signal) is not None:
        return None
    way = "under" if card.defocus_step > 0 else "over"
    return (
        "The axis 'defocus' has no unit of length, so that nobody can tell whether the "
        f"images are in the order and at the step {card.name!r} was trained for, "
        f"{abs(card.defocus_step) / 10:g} nm apart towards {way}focus. In another it "
        f"is wrong. {AXIS_HELP}"
    )


def defocus_values(signal: Signal2D) -> NDArray[np.float64] | None:
    """Return the values of the axis ``defocus`` in Å, if it has a unit of length."""
    for axis in signal.axes_manager.navigation_axes:
        if axis.name == "defocus":
            unit = length_in(f"1 {axis.units}", "angstrom")
            return None if unit is None else unit * np.asarray(axis.axis, float)
    return None


def series_defocus(signal: Signal2D, note: str = "") -> NDArray[np.float64]:
    """Return the defocus of each image of a focal series [Å].

    Parameters
    ----------
    signal
        Images with a navigation axis ``defocus``.
    note
        Sentence on how well it has to be known.

    Raises
    ------
    ValueError
        If it is not known, or that of one image only.
    """
    defocus = defocus_values(signal)
    if defocus is None or len(defocus) < 2:
        raise ValueError(
            "The defocus of the images is not known: a navigation axis named 'defocus' "
            "in a unit of length is needed, along two images or more. "
            f"{_misspelled(signal)}{f'{note} ' if note else ''}{AXIS_HELP}"
        )
    return defocus


def _misspelled(signal: Signal2D) -> str:
    """Return a sentence on an axis whose name differs in capitals only, or nothing."""
    for axis in signal.axes_manager.navigation_axes:
        if axis.name != "defocus" and str(axis.name).strip().lower() == "defocus":
            return f"The name of the axis is {axis.name!r}; write it in small letters. "
    return ""
