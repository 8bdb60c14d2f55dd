# SPDX-License-Identifier: GPL-3.0-or-later
"""Zone axis: its probability for each spectrum, `LocalFFT.zone_axis_probability`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.networks import out_of_range, predict_spectra
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import insert_coordinates, note_unknown
from hyperspy_hrtemnn.user_warnings import warn_user

from .reflections import (
    check_reflection_table,
    frame_axes,
    frames_and_ids,
    frequency_step,
    warn_of_nothing,
)

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network


def zone_axis_table(
    spectra: Signal2D,
    network: Network,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the probabilities; see `LocalFFT.zone_axis_probability`.

    Parameters
    ----------
    spectra
        The spectra.
    network
        For the task zone axis.
    show_progressbar
        Whether to show a progress bar.
    num_workers
        Number of threads of dask.
    """
    step = frequency_step(spectra)
    card = network.card
    pixel = 10 / (step[0] * spectra.axes_manager.signal_shape[1])  # of the images [Å]
    faults = out_of_range(card, sampling=pixel, energy=known_energy(spectra))
    if faults:
        warn_user(
            f"The network {card.name!r} was not trained for this: {'; '.join(faults)}. "
            "There its answer is a guess."
        )
    check_reflection_table(spectra)
    frame, number = frames_and_ids(spectra)
    predictions = each_frame(
        spectra,
        partial(_probability, step=step, network=network.limited(num_workers)),
        rule=FrameRule("skip", known=True),
        label="zone axis",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    unknown = {f for f, one in zip(frame, predictions, strict=True) if one is None}
    columns = ("probability", "spread")[: network.outputs]
    nothing = np.zeros((0, len(columns)))
    known = [nothing if one is None else one for one in predictions]
    shown = [len(one) for one in known]
    warn_of_nothing([size > 0 for size in shown], number)
    table = pd.DataFrame(
        {
            "frame": np.repeat(frame, shown),
            "id": np.repeat(number, shown),
            **dict(zip(columns, np.concatenate(known).T, strict=True)),
        }
    )
    table = table.sort_values("frame", kind="stable", ignore_index=True)
    table.attrs["units"] = insert_coordinates(table, frame_axes(spectra), 1)
    table.attrs["device"] = network.device
    note_unknown(table, unknown)
    return table


def _probability(
    frame: NDArray[np.float32], *, step: tuple[float, float], network: Network
) -> NDArray[np.float32]:
    """Return the probability of a spectrum, and its spread if the network has one.

    Shape (1, output), or (0, output) where the spectrum is empty.
    """
    predicted = predict_spectra(network, frame, step)
    return predicted if frame.any() else predicted[:0]
