# SPDX-License-Identifier: GPL-3.0-or-later
"""Lens of each image by a network: `HRTEM.estimate_optics`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import ring_directions, ring_spectrum, seen_rings
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.networks import (
    PredictedOptics,
    optics_input,
    out_of_range,
    read_optics,
)
from hyperspy_hrtemnn.signals._prediction.predictions import load_for
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.lenses import beam_energy
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.tables import insert_coordinates, note_unknown
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

Side = Literal["underfocus", "overfocus"]

_LENGTHS = (
    "defocus",
    "astigmatism",
    "astigmatism_cos",
    "astigmatism_sin",
    "blur",
)

# Standard deviation of an angle of which nothing is known, between 0 and 180 degrees.
_ANY_ANGLE = 180 / np.sqrt(12)


def estimate_optics(
    signal: Signal2D,
    model: str | Path | Network,
    *,
    energy: float | str | None,
    side: Side | None,
    device: str | None,
    rule: FrameRule,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the lens of each image; see `HRTEM.estimate_optics`."""
    if side not in (None, "underfocus", "overfocus"):
        raise ValueError(
            f"side is {side!r}; it has to be 'underfocus', 'overfocus' or None."
        )
    network = load_for(
        "image optics", model, device, show_progressbar=show_progressbar
    ).limited(num_workers)
    if network.is_averaged:
        raise ValueError(
            "Networks of optics cannot be averaged over orientations: they see "
            "spectra, whose axes are not those of the image."
        )
    pixel_size, kiloelectronvolts = sampling(signal), beam_energy(signal, energy)
    width, height = signal.axes_manager.signal_shape
    seen_rings((height, width), pixel_size, kiloelectronvolts)
    faults = out_of_range(network.card, sampling=pixel_size, energy=kiloelectronvolts)
    if faults:
        warn_user(
            f"The network {network.name!r} was not trained for this: "
            f"{'; '.join(faults)}. There its answer is a guess."
        )
    found = each_frame(
        signal,
        partial(
            lens_of_frame,
            network=network,
            pixel_size=pixel_size,
            energy=kiloelectronvolts,
        ),
        rule=rule,
        label="optics",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    table = _table(found, side, sampling(signal, unit_of(_x_axis(signal))) / pixel_size)
    units = insert_coordinates(table, signal.axes_manager.navigation_axes, 1)
    lengths = [*_LENGTHS, *(f"{name}_error" for name in _LENGTHS)]
    table.attrs["units"] = (
        units
        | dict.fromkeys(lengths, unit_of(_x_axis(signal)))
        | dict.fromkeys(("astigmatism_angle", "astigmatism_angle_error"), "°")
    )
    table.attrs["device"] = network.device
    note_unknown(table, np.flatnonzero(~table["valid"]))
    return table


def _x_axis(signal: Signal2D) -> Any:
    return signal.axes_manager.signal_axes[0]


def lens_of_frame(
    frame: NDArray[Any], *, network: Network, pixel_size: float, energy: float
) -> PredictedOptics:
    """Return the lens that a network sees in an image.

    Parameters
    ----------
    frame
        The image, shape (1, y, x).
    network
        For the task image optics.
    pixel_size
        Pixel size [Å].
    energy
        Beam energy [keV].
    """
    data = contrast_checked(image_data(frame[0]))
    (image,) = data.values  # noqa: PD011 - not of pandas
    rings = ring_spectrum(image, pixel_size, energy, valid=data.valid)
    seen = optics_input(rings.power, rings.third_moment, rings.known, ring_directions())
    return read_optics(network.predict(seen[np.newaxis])[0])


def _table(
    found: list[PredictedOptics | None], side: Side | None, unit: float
) -> pd.DataFrame:
    """Return a row for each frame; `unit` is an Å in the unit of the table."""
    rows = [{} if lens is None else _row(lens, side, unit) for lens in found]
    table = pd.DataFrame(rows, index=range(len(rows)))
    table.insert(0, "frame", np.arange(len(rows)))
    table["valid"] = [lens is not None for lens in found]
    return table


def _row(lens: PredictedOptics, side: Side | None, unit: float) -> dict[str, float]:
    values, errors, sign = lens
    values, errors = values * unit, errors * unit
    if side is not None:
        if (values[0] < 0) == (side == "underfocus"):
            values[:-1] *= -1
        sign = 1.0
    defocus, cosine, sine, blur = values
    size = max(float(np.hypot(cosine, sine)), 1e-12)
    along = np.hypot(cosine * errors[1], sine * errors[2]) / size
    across = np.hypot(sine * errors[1], cosine * errors[2]) / size
    turned = np.rad2deg(across / size) / 2
    return {
        "defocus": defocus,
        "defocus_error": errors[0],
        "sign_probability": sign,
        "astigmatism": size,
        "astigmatism_error": along,
        "astigmatism_angle": np.rad2deg(np.arctan2(sine, cosine)) / 2 % 180,
        "astigmatism_angle_error": min(turned, _ANY_ANGLE),
        "astigmatism_cos": cosine,
        "astigmatism_cos_error": errors[1],
        "astigmatism_sin": sine,
        "astigmatism_sin_error": errors[2],
        "blur": blur,
        "blur_error": errors[3],
    }
