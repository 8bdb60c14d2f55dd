# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network says of all spectra: what `LocalFFT.zone_axis_probability` does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.bad_frames import is_without_data
from hyperspy_hrtemnn.networks import out_of_range, predict_spectra
from hyperspy_hrtemnn.signals._lenses import known_energy
from hyperspy_hrtemnn.signals._tables import insert_coordinates, note_unknown
from hyperspy_hrtemnn.users_line import warn

from .reflections import (
    check_reflection_table,
    frame_axes,
    frames_and_ids,
    frequency_step,
    over_blocks,
    warn_of_nothing,
)

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.networks import Network

    from .reflections import Spectra


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
        warn(
            f"The network {card.name!r} was not trained for this: {'; '.join(faults)}. "
            "There its answer is a guess.",
        )
    check_reflection_table(spectra)
    frame, number = frames_and_ids(spectra)
    ask = partial(_probabilities, step=step, network=network)
    answers = over_blocks(spectra, show_progressbar, num_workers, ask)
    unknown = {f for f, said in zip(frame, answers, strict=True) if said is None}
    answers = [np.zeros(0) if answer is None else answer for answer in answers]
    shown = [len(answer) for answer in answers]
    warn_of_nothing([size > 0 for size in shown], number)
    table = pd.DataFrame(
        {
            "frame": np.repeat(frame, shown),
            "id": np.repeat(number, shown),
            "probability": np.concatenate(answers),
        }
    )
    table = table.sort_values("frame", kind="stable", ignore_index=True)
    table.attrs["units"] = insert_coordinates(table, frame_axes(spectra), 1)
    note_unknown(table, unknown)
    return table


def _probabilities(
    spectra: Spectra, *, step: tuple[float, float], network: Network
) -> list[np.ndarray | None]:
    """Return an array of one probability for each spectrum, of none for empty ones.

    None for those of a frame without data.
    """
    known = [not is_without_data(spectrum) for spectrum in spectra]
    answers = predict_spectra(network, np.nan_to_num(spectra), step)
    return [
        None if not has_data else answer if spectrum.any() else answer[:0]
        for spectrum, answer, has_data in zip(spectra, answers, known, strict=True)
    ]
