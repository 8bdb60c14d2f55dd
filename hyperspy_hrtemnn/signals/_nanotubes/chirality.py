# SPDX-License-Identifier: GPL-3.0-or-later
"""Chiral indices of the nanotubes in images: `HRTEM.chirality`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import (
    combined_probabilities,
    equatorial_diameter,
    indices_likeness,
    layer_line_angle,
    measure_tubes,
    most_probable,
    tube_indices,
)
from hyperspy_hrtemnn.networks import out_of_range, predict_spectra
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import join_frames
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import TubeRegion
    from hyperspy_hrtemnn.networks import Network

_SHOWN = 3
_ANSWERS = [
    f"{name}_{i}" for i in range(1, _SHOWN + 1) for name in ("chirality", "probability")
]
_TUBES = ["tube", "x", "y", "length", "diameter", "regions", *_ANSWERS, "reason"]
_REGIONS = ["tube", "region", "x", "y", "direction", "length", *_ANSWERS]


class Chirality(NamedTuple):
    """Chiral indices of nanotubes.

    Attributes
    ----------
    tubes
        A row for each tube, from all its regions, and for what was refused.
    regions
        A row for each region along a tube.
    """

    tubes: pd.DataFrame
    regions: pd.DataFrame


def chirality_tables(
    images: Signal2D,
    network: Network | None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> Chirality:
    """Return the tables; see `HRTEM.chirality`.

    Parameters
    ----------
    images
        The images.
    network
        For the task chirality; None for the lines of the Fourier transform.
    show_progressbar
        Whether to show a progress bar.
    num_workers
        Number of threads of dask.
    """
    pixel = sampling(images)
    if network is not None:
        faults = out_of_range(network.card, sampling=pixel, energy=known_energy(images))
        if faults:
            warn_user(
                f"The network {network.name!r} was not trained for this: "
                f"{'; '.join(faults)}. There its answer is a guess."
            )
        network = network.limited(num_workers)
    found = each_frame(
        images,
        partial(_of_frame, pixel=pixel, network=network),
        rule=FrameRule("skip"),
        label="chirality",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    x, y = images.axes_manager.signal_axes
    axes = images.axes_manager.navigation_axes
    tables = []
    for part, lengths in ((0, ("length", "diameter")), (1, ("length",))):
        rows = [None if one is None else one[part] for one in found]
        table, units = join_frames(rows, axes, 0, 1)
        table["x"] = x.offset + x.scale * table["x"]
        table["y"] = y.offset + y.scale * table["y"]
        for name in lengths:
            table[name] *= abs(x.scale) / pixel
        unit = unit_of(x)
        table.attrs["units"] = units | dict.fromkeys(("x", "y", *lengths), unit)
        if part:
            table.attrs["units"]["direction"] = "°"
        table.attrs["device"] = None if network is None else network.device
        tables.append(table)
    return Chirality(*tables)


def _of_frame(
    frame: NDArray[np.floating], *, pixel: float, network: Network | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of one image, places in pixels and lengths in Å."""
    tubes, regions = measure_tubes(frame[0], pixel)
    names, probabilities = _probabilities(regions, network)
    of_tubes: list[list[Any]] = []
    of_regions: list[list[Any]] = []
    for number, tube in enumerate(tubes):
        own = [i for i, region in enumerate(regions) if region.tube == number]
        y, x = tube.axis[len(tube.axis) // 2]
        steps = np.linalg.norm(np.diff(tube.axis, axis=0), axis=1)
        answer = _answer(combined_probabilities(probabilities[own]), names, bool(own))
        known = [number + 1, x, y, steps.sum() * pixel, tube.diameter, len(own)]
        of_tubes.append([*known, *answer, tube.reason])
        for count, i in enumerate(own, 1):
            region = regions[i]
            place = [*region.center[::-1], region.direction, region.length]
            answer = _answer(probabilities[i], names, True)
            of_regions.append([number + 1, count, *place, *answer])
    return _table(of_tubes, _TUBES), _table(of_regions, _REGIONS)


def _answer(
    probabilities: NDArray[np.floating], names: list[str], is_known: bool
) -> list[Any]:
    if not is_known:
        return ["", np.nan] * _SHOWN
    return [part for one in most_probable(probabilities, names, _SHOWN) for part in one]


def _table(rows: list[list[Any]], names: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=names)
    texts = {name for name in names if name.startswith(("chirality", "reason"))}
    counts = {"tube", "region", "regions"}
    return table.astype(
        {
            name: object if name in texts else int if name in counts else float
            for name in names
        }
    )


def _probabilities(
    regions: list[TubeRegion], network: Network | None
) -> tuple[list[str], NDArray[np.floating]]:
    """Return the names of the pairs, and their probabilities, (region, pair)."""
    if network is None:
        pairs = tube_indices(6, 20)
        names = [f"{n}-{m}" for n, m in pairs]
        found = [
            indices_likeness(
                equatorial_diameter(region.spectrum, region.step),
                layer_line_angle(region.spectrum, region.step),
                pairs,
            )
            for region in regions
        ]
    else:
        names = list(network.card.classes)
        found = [
            predict_spectra(network, [region.spectrum], region.step)[0]
            for region in regions
        ]
    return names, np.array(found).reshape(len(regions), len(names))
