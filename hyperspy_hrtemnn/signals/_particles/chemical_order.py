# SPDX-License-Identifier: GPL-3.0-or-later
"""Chemical order of the particles in images: `HRTEM.chemical_order`."""

from __future__ import annotations

from functools import partial
from math import pi, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis.particles.boxes import boxes
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.networks import LARGEST_PARTICLE, out_of_range, particle_view
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form, in_same_form
from hyperspy_hrtemnn.signals._shared.labels import has_no_data
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import join_frames
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.image_data import ImageData
    from hyperspy_hrtemnn.networks import Network

CANNOT_TELL = "cannot tell"

_SMALLEST = 15.0  # diameter; the networks are trained from 20 Å on [Å]
_LEAST_DATA = 0.95  # share of a particle
_BATCH = 16  # particles that a network sees at a time


class _Found(NamedTuple):
    """A particle, and the reason why a network is not asked about it, if any."""

    number: int
    middle: tuple[float, float]
    diameter: float
    reason: str


def chemical_order_table(
    images: Signal2D,
    instances: Signal2D | None,
    network: Network,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the table; see `HRTEM.chemical_order`.

    Parameters
    ----------
    images
        The images.
    instances
        The particles; None for images of one particle each.
    network
        For the task chemical order.
    show_progressbar
        Whether to show a progress bar.
    num_workers
        Number of threads of dask.
    """
    pixel = sampling(images)
    _warn_of_network(network, pixel, known_energy(images))
    if instances is not None:
        instances = in_one_form(instances)
        in_same_form(instances, images)
    found = each_frame(
        images,
        partial(_of_frame, pixel=pixel, network=network.limited(num_workers)),
        beside=None if instances is None else (instances, FrameRule("skip")),
        rule=FrameRule("skip"),
        label="chemical order",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    x, y = images.axes_manager.signal_axes
    table, units = join_frames(found, images.axes_manager.navigation_axes, 0, 1)
    table["x"] = x.offset + x.scale * table["x"]
    table["y"] = y.offset + y.scale * table["y"]
    table["diameter"] *= abs(x.scale) / pixel
    lengths = dict.fromkeys(("x", "y", "diameter"), unit_of(x))
    table.attrs["units"] = units | lengths
    table.attrs["certainty"] = network.card.certainty
    table.attrs["device"] = network.device
    return table


def _warn_of_network(network: Network, pixel: float, energy: float | None) -> None:
    """Warn of what a network was not trained for, and of what its card lacks."""
    faults = out_of_range(network.card, sampling=pixel, energy=energy)
    if faults:
        warn_user(
            f"The network {network.name!r} was not trained for this: "
            f"{'; '.join(faults)}. There its answer is a guess."
        )
    if network.card.certainty is None:
        warn_user(
            f"The card of the network {network.name!r} does not say from which "
            "probability on its answers are right, so that it answers always. "
            "`hrtemnn evaluate` measures the certainty."
        )


def _of_frame(
    frame: NDArray[Any],
    labels: NDArray[np.integer[Any]] | None = None,
    *,
    pixel: float,
    network: Network,
) -> pd.DataFrame | None:
    """Return the table of one image, places in pixels and lengths in Å."""
    data = contrast_checked(image_data(frame[0]))
    if labels is None:
        y, x = data.valid.shape
        particles = [_Found(1, ((y - 1) / 2, (x - 1) / 2), np.nan, "")]
    elif has_no_data(labels):
        return None
    else:
        particles = _particles(labels, data, pixel)
    seen = [particle for particle in particles if not particle.reason]
    answers = _probabilities(seen, data, labels, pixel, network)
    by_number = dict(zip([one.number for one in seen], answers, strict=True))
    classes = network.card.classes
    rows = []
    for particle in particles:
        shares = by_number.get(particle.number, np.full(len(classes), np.nan))
        order, reason = CANNOT_TELL, particle.reason
        if not reason:
            is_certain = shares.max() >= (network.card.certainty or 0)
            reason = "" if is_certain else "not certain"
            order = classes[int(shares.argmax())] if is_certain else CANNOT_TELL
        place = particle.middle[::-1]
        rows.append(
            [particle.number, *place, particle.diameter, *shares, order, reason]
        )
    numbers = ["x", "y", "diameter", *(f"probability_{name}" for name in classes)]
    types = {"id": int, **dict.fromkeys(numbers, float), "order": object}
    types["reason"] = object
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def _particles(
    labels: NDArray[np.integer[Any]], data: ImageData, pixel: float
) -> list[_Found]:
    """Return the particles of an image, and why the network cannot see some."""
    found = []
    for number, box in boxes(labels).items():
        inside = labels[box] == number
        sides = np.array(inside.shape) * pixel
        diameter = 2 * sqrt(np.count_nonzero(inside) / pi) * pixel
        touches = any(
            part.start == 0 or part.stop == size
            for part, size in zip(box, labels.shape, strict=True)
        )
        reason = ""
        if touches:
            reason = "at the border"
        elif sides.max() > LARGEST_PARTICLE:
            reason = "too large"
        elif diameter < _SMALLEST:
            reason = "too small"
        elif data.valid[box][inside].mean() < _LEAST_DATA:
            reason = "no data"
        y, x = ((part.start + part.stop - 1) / 2 for part in box)
        found.append(_Found(number, (y, x), diameter, reason))
    return found


def _probabilities(
    particles: list[_Found],
    data: ImageData,
    labels: NDArray[np.integer[Any]] | None,
    pixel: float,
    network: Network,
) -> NDArray[np.float32]:
    """Return the probabilities of particles, shape (particle, class)."""
    count = len(network.card.classes)
    (image,) = data.values  # noqa: PD011 - not of pandas
    parts = [np.zeros((0, count), np.float32)]
    for first in range(0, len(particles), _BATCH):
        views = [
            particle_view(
                image,
                pixel,
                network.card.sampling,
                labels=labels,
                number=particle.number,
                middle=particle.middle,
                valid=data.valid,
            )
            for particle in particles[first : first + _BATCH]
        ]
        answers = network.predict(np.stack(views)[:, np.newaxis])
        parts.append(answers.reshape(len(views), -1)[:, :count])
    return np.concatenate(parts)
