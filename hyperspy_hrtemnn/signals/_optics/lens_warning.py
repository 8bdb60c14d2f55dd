# SPDX-License-Identifier: GPL-3.0-or-later
"""Warning that the lens of images is not one that a network was trained for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import seen_rings
from hyperspy_hrtemnn.signals._prediction.predictions import load_for
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.frames import frames
from hyperspy_hrtemnn.signals._shared.lenses import beam_energy
from hyperspy_hrtemnn.user_warnings import warn_user

from .estimate_optics import lens_of_frame

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.networks import Card, Network, PredictedOptics

# Errors by which a lens has to be outside of a range.
_ERRORS = 2.0

# Probability of a sign below which the other one counts, too.
_SURE = 0.95


def warn_of_lens(
    signal: Signal2D, card: Card, model: str | Path | Network, *, device: str | None
) -> None:
    """Warn if the lens of the middle frame is outside the ranges of a network.

    One frame, so that it takes as long for a movie as for an image.

    Parameters
    ----------
    signal
        The images.
    card
        Card of the network that is to see them.
    model
        Network for the task image optics.
    device
        What that runs on.

    Raises
    ------
    ValueError
        As `HRTEM.estimate_optics`.
    """
    optics = load_for("image optics", model, device, show_progressbar=False)
    pixel_size, energy = sampling(signal), beam_energy(signal)
    width, height = signal.axes_manager.signal_shape
    seen_rings((height, width), pixel_size, energy)
    images = frames(signal)
    middle = tuple(n // 2 for n in images.shape[:-3])
    lens = lens_of_frame(
        np.asarray(images[middle]),
        network=optics,
        pixel_size=pixel_size,
        energy=energy,
    )
    if faults := lens_faults(lens, card):
        warn_user(
            f"The network {card.name!r} was not trained for the lens that "
            f"{optics.name!r} sees: {'; '.join(faults)}. There its answer is a guess."
        )


def lens_faults(lens: PredictedOptics, card: Card) -> list[str]:
    """Return what of a lens is outside the ranges of a card, by two of its errors.

    Parameters
    ----------
    lens
        Lens of an image.
    card
        Card of the network that is to see it.
    """
    (defocus, *_, blur), (error, *_, blur_error), sign = lens
    signs = (1, -1) if sign < _SURE else (1,)
    found = []
    of_focus, of_blur = card.ranges.defocus, card.ranges.blur
    if of_focus and all(_outside(s * defocus, error, of_focus) for s in signs):
        found.append(
            f"defocus {defocus / 10:.3g} ± {error / 10:.2g} nm (trained "
            f"{of_focus[0] / 10:g} to {of_focus[1] / 10:g})"
        )
    if of_blur and _outside(blur, blur_error, of_blur):
        found.append(
            f"blur {blur:.2g} ± {blur_error:.2g} Å (trained {of_blur[0]:g} to "
            f"{of_blur[1]:g})"
        )
    return found


def _outside(value: float, error: float, bounds: tuple[float, float]) -> bool:
    beyond = _ERRORS * error
    return value + beyond < bounds[0] or value - beyond > bounds[1]
