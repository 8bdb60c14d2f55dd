# SPDX-License-Identifier: GPL-3.0-or-later
"""From a segmentation to particles with ids: what `track_instances` does."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import (
    ParticleTracker,
    default_min_area,
    split_and_count_particles,
    split_particles,
)
from hyperspy_hrtemnn.bad_frames import check_data
from hyperspy_hrtemnn.signals._shared.calibration import pixels, square_pixels
from hyperspy_hrtemnn.signals._shared.deferred import whole_frames
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.labels import NO_DATA_LABEL
from hyperspy_hrtemnn.signals._shared.probabilities import check_range, threshold_of
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

from .dropped import DroppedRegions
from .linking import linked_frames

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import ArrayLike, NDArray


def track(
    signal: Signal2D,
    min_separation: float | str,
    *,
    min_overlap: float,
    probability: float | None,
    min_area: float | str | None,
    memory: int,
    drift: bool | ArrayLike,
    search_range: float | str | None,
    show_progressbar: bool | None,
    num_workers: int | None,
    lazy_output: bool | None,
) -> Signal2D:
    """Return the particles of a segmentation; see `Segmentation.track_instances`."""
    _check_one_movie(signal)
    probability = threshold_of(signal, probability)
    if not signal._lazy:
        check_range(signal.data)
    options = separation_in_pixels(signal, min_separation, probability, min_area)
    # Options out of range are refused now, not when the movie is computed.
    split_particles(np.zeros((1, 1)), **options)
    tracker = ParticleTracker(
        **linking_in_pixels(signal, min_overlap, memory, drift, search_range)
    )
    movie = whole_frames(signal)
    places = None if isinstance(drift, bool) else np.asarray(drift, float)
    if places is not None and len(places) != len(movie):
        raise ValueError(
            f"The drift has {len(places)} rows, and there are {len(movie)} frames."
        )
    rule = FrameRule("skip", known=True).over(signal.data.shape[:-2])
    workers = num_workers or dask.config.get("num_workers", None) or os.cpu_count()
    result = derived_signal(
        signal, da.zeros(signal.data.shape, dtype=np.int32), "HRTEM_instances"
    )
    result.metadata.set_item(
        "HRTEMNN.Instances",
        {
            "min_separation": min_separation,
            "min_overlap": min_overlap,
            "probability": probability,
            "min_area": min_area,
            "memory": memory,
            "drift": drift if places is None else places,
            "search_range": search_range,
            "no_data": NO_DATA_LABEL,
            "version": __version__,
        },
    )
    dropped = DroppedRegions(result, options["min_area"])
    labels = linked_frames(
        movie,
        partial(separate_frame, **options),
        tracker,
        in_flight=int(workers or 1) + 1,
        when_done=dropped.take,
        rule=rule,
    )
    result.data = labels.reshape(signal.data.shape)
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=signal._lazy if lazy_output is None else lazy_output,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        rule=rule,
        label="track",
        empty_frames=False,
    )


def separation_in_pixels(
    signal: Signal2D,
    min_separation: float | str,
    probability: float,
    min_area: float | str | None,
) -> dict[str, Any]:
    """Return the options of `separate_frame` from those of `track_instances`."""
    distance = pixels(min_separation, signal)
    return {
        "min_separation": distance,
        "probability": probability,
        "min_area": default_min_area(distance)
        if min_area is None
        else square_pixels(min_area, signal),
    }


def linking_in_pixels(
    signal: Signal2D,
    min_overlap: float,
    memory: int,
    drift: bool | ArrayLike,
    search_range: float | str | None,
) -> dict[str, Any]:
    """Return the options of `ParticleTracker` from those of `track_instances`."""
    return {
        "min_overlap": min_overlap,
        "memory": memory,
        "drift": drift,
        "search_range": None if search_range is None else pixels(search_range, signal),
    }


def separate_frame(
    frame: NDArray[Any], **options: Any
) -> tuple[NDArray[np.int32], int]:
    """Return labels and dropped regions of one frame, after a check of its values."""
    check_data(frame)
    check_range(frame)
    return split_and_count_particles(frame, **options)


def _check_one_movie(segmentation: Signal2D) -> None:
    axes = segmentation.axes_manager.navigation_axes
    if any(axis.name == "class" for axis in axes):
        index = [str(axis.name) for axis in axes].index("class")
        chosen = ", ".join([":"] * index + ["0"])
        names = segmentation.metadata.get_item("HRTEMNN.Segmentation.classes", None)
        raise ValueError(
            "The segmentation has several classes"
            + (f" ({', '.join(map(str, names))})" if names is not None else "")
            + f"; select one, for example segmentation.inav[{chosen}]."
        )
    if len(axes) > 1:
        names = ", ".join(str(axis.name) for axis in axes)
        raise ValueError(
            f"Particles are tracked along one navigation axis, and there are "
            f"{len(axes)} ({names}). Select one movie with inav."
        )
