# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestion of networks for an image: the job of `hrtemnn suggest`.

A network is right where it was trained. What can be known of that without running it is
in the image: its pixels, its energy, whether it is a focal series, and the reflections
of its crystals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis import image_spacings
from hyperspy_hrtemnn.io.whole_frames import load_movie
from hyperspy_hrtemnn.materials import Part, parts_of
from hyperspy_hrtemnn.networks import available, load, out_of_range
from hyperspy_hrtemnn.signals._shared.calibration import sampling as sampling_of
from hyperspy_hrtemnn.signals._shared.defocus import defocus_faults
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.lenses import beam_energy, known_energy
from hyperspy_hrtemnn.signals._shared.usable_frame import usable_frame

from .lengths import sampling_in_angstrom
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from hyperspy_hrtemnn.networks import Card

# Reflections below this spacing are of too many crystals to tell one [Å].
_MIN_SPACING = 1.5

# Error of spacings, mostly that of the calibration.
_TOLERANCE = 0.03

# Spacings nearer than this to the next are of one family, which noise and distortion
# of the image have set apart.
_APART = 0.02

# Share of the clearest reflection of a part of the image that others of it need.
_STRONG = 0.5

# Amplitude over that of noise from which on a reflection that does not fit speaks
# against a material. In 20 noisy images of gold on carbon, those that are not of gold
# have 4.2 to 5.6; the strong ones of an image of graphene, and of the example movie of
# gold on CeO2, have 19 to 91. It was chosen on these images and tested on no others.
_CLEAR = 8.0

_MOST_TOLD = 4


@dataclass(frozen=True)
class Seen:
    """What is known of an image.

    Parameters
    ----------
    sampling
        Pixel size [Å].
    energy
        Beam energy [keV]; None if the file does not say it.
    spacings, contrasts
        Spacings of its strong reflections [Å], those near each other as one, and their
        amplitude over that of noise, the clearest first.
    """

    sampling: float
    energy: float | None
    spacings: tuple[float, ...]
    contrasts: tuple[float, ...]


@dataclass(frozen=True)
class Suggestion:
    """Whether a network fits, and why, in one line."""

    name: str
    fits: bool
    reason: str


def suggest_networks(
    image: Path, *, sampling: float | str | None, energy: str | None
) -> tuple[Seen, list[Suggestion]]:
    """Say of each network that comes with the package whether it fits an image.

    Parameters
    ----------
    image
        A file that HyperSpy reads, or a folder of an in-situ camera. Of a movie the
        frame in the middle tells the reflections.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    energy
        Beam energy in keV or a text; by default the file's.

    Returns
    -------
    What is known of the image, and a line for each network, those that fit first.

    Raises
    ------
    ValueError
        If the file cannot be read, is not calibrated, or has no frame that can be used.
    """
    with warnings_as_lines(image):
        signal = in_one_form(load_movie(image, sampling_in_angstrom(sampling)))
        size = sampling_of(signal)
        known = known_energy(signal) if energy is None else beam_energy(signal, energy)
        table = image_spacings(usable_frame(signal), size / 10)
        strong = table[
            (table["relative"] >= _STRONG) & (table["spacing"] >= _MIN_SPACING / 10)
        ]
        seen = Seen(size, known, *_together(10 * strong["spacing"], strong["contrast"]))
        cards = [load(name, "cpu").card for name in available()]
        suggestions = [_suggestion(card, seen, signal) for card in cards]
    return seen, sorted(suggestions, key=lambda one: not one.fits)


def _together(
    spacings: pd.Series, contrasts: pd.Series
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean of spacings that are near each other, and their best contrast.

    One of several measurements of 2.13 Å may lie within the tolerance of 2.04 Å.
    """
    order = np.argsort(spacings.to_numpy(float))
    d, contrast = spacings.to_numpy(float)[order], contrasts.to_numpy(float)[order]
    starts = 1 + np.flatnonzero(np.diff(d) > _APART * d[:-1])
    groups = [g for g in np.split(np.arange(len(d)), starts) if len(g)]
    found = [
        (float(contrast[g].max()), float(np.average(d[g], weights=contrast[g])))
        for g in groups
    ]
    found.sort(reverse=True)
    return tuple(mean for _, mean in found), tuple(best for best, _ in found)


def _suggestion(card: Card, seen: Seen, signal: Any) -> Suggestion:
    """Return whether a network fits, with all that speaks against it or for it."""
    against = out_of_range(card, sampling=seen.sampling, energy=seen.energy)
    against += _wrong_series(card, signal)
    fits, lattice = _lattice(parts_of(card.material, _MIN_SPACING), seen)
    if not fits:
        against.append(lattice)
    if against:
        return Suggestion(card.name, False, "; ".join(against))
    reasons = [
        f"{card.task} of {card.material}",
        f"trained at {card.ranges.text}",
        lattice,
    ]
    if seen.energy is None and card.ranges.energy is not None:
        reasons.append("if the beam energy is that, which the file does not say")
    if card.spectrum_side is not None:
        reasons.append(f"it takes {card.takes}")
    return Suggestion(card.name, True, "; ".join(reasons))


def _wrong_series(card: Card, signal: Any) -> list[str]:
    """Return what speaks against the number of images, and their defocus."""
    if card.channels == 1:
        return defocus_faults(signal, card)
    needed = f"it takes {card.takes}"
    axes = signal.axes_manager.navigation_axes
    sizes = [axis.size for axis in axes if axis.name == "defocus"]
    if not sizes:
        return [f"{needed}, and there is no axis named 'defocus'"]
    if sizes[0] != card.channels:
        return [f"{needed}, and there are {sizes[0]}"]
    return defocus_faults(signal, card)


def _lattice(parts: Sequence[Part], seen: Seen) -> tuple[bool, str]:
    """Return whether the reflections can be those of a material, and a text on it."""
    if not any(part.spacings for part in parts):
        return True, "its lattice is not known here"
    if not seen.spacings:
        return True, "no reflections in the image, so that the material is open"
    families = {part.name: _names(part, seen.spacings) for part in parts}
    told = [f"{name} {' '.join(found)}" for name, found in families.items() if found]
    if told:
        first = parts[0]
        text = f"reflections of {' and '.join(told)}"
        if first.spacings and not families[first.name]:
            text += f", none of {first.name}"
        return True, text
    clear = [
        spacing
        for spacing, contrast in zip(seen.spacings, seen.contrasts, strict=True)
        if contrast >= _CLEAR
    ]
    names = " or ".join(part.name for part in parts if part.spacings)
    if clear:
        return False, f"{spacings_text(clear)} is no spacing of {names}"
    weak = spacings_text(seen.spacings)
    return True, f"only weak reflections, {weak}, which are none of {names}"


def _names(part: Part, spacings: Sequence[float]) -> list[str]:
    """Return the families of a part that an image shows."""
    return [
        name
        for name, known in part.spacings.items()
        if any(abs(d / known - 1) <= _TOLERANCE for d in spacings)
    ]


def spacings_text(spacings: Sequence[float]) -> str:
    """Return the first few of several spacings as a text [Å].

    Examples
    --------
    >>> spacings_text([2.128, 3.157, 1.65, 1.9, 2])
    '2.13, 3.16, 1.65, 1.90, ... Å'
    """
    more = ", ..." if len(spacings) > _MOST_TOLD else ""
    texts = ", ".join(f"{spacing:.2f}" for spacing in spacings[:_MOST_TOLD])
    return f"{texts}{more} Å"
