# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking of the particles of a segmentation: `Segmentation.track_instances`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import ParticleTracker, split_and_count_particles
from hyperspy_hrtemnn.bad_frames import check_data
from hyperspy_hrtemnn.cores import usable_cores
from hyperspy_hrtemnn.options import (
    LinkingOptions,
    SplittingOptions,
    TrackingOptions,
)
from hyperspy_hrtemnn.signals._shared.calibration import pixels, square_pixels
from hyperspy_hrtemnn.signals._shared.deferred import whole_frames
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.labels import NO_DATA_LABEL
from hyperspy_hrtemnn.signals._shared.probabilities import (
    BACKGROUND,
    check_range,
    threshold_of,
)
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

from .dropped import DroppedRegions
from .linking import linked_frames

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


def track(
    signal: Signal2D,
    options: TrackingOptions,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
    lazy_output: bool | None,
) -> Signal2D:
    """Return the particles of a segmentation; see `Segmentation.track_instances`."""
    check_one_movie(signal)
    options = replace(options, probability=threshold_of(signal, options.probability))
    if not signal._lazy:
        check_range(signal.data)
    # Options out of range are refused now, not when the movie is computed.
    splitting = splitting_in_pixels(signal, options)
    tracker = ParticleTracker(**vars(linking_in_pixels(signal, options)))
    movie = whole_frames(signal)
    given = options.drift
    drift = given if isinstance(given, bool) else np.asarray(given, float)
    if not isinstance(drift, bool) and len(drift) != len(movie):
        raise ValueError(
            f"The drift has {len(drift)} rows, and there are {len(movie)} frames."
        )
    rule = FrameRule("skip", known=True).over(signal.data.shape[:-2])
    workers = num_workers or dask.config.get("num_workers", None) or usable_cores()
    result = derived_signal(
        signal, da.zeros(signal.data.shape, dtype=np.int32), "HRTEM_instances"
    )
    made = {"drift": drift, "no_data": NO_DATA_LABEL, "version": __version__}
    result.metadata.set_item("HRTEMNN.Instances", vars(options) | made)
    dropped = DroppedRegions(result, splitting.smallest_area)
    labels = linked_frames(
        movie,
        partial(split_frame, options=splitting),
        tracker,
        in_flight=int(workers or 1) + 1,
        when_done=dropped.take,
        rule=rule,
    )
    result.data = labels.reshape(signal.data.shape)
    result._novelty = signal._novelty
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=signal._lazy if lazy_output is None else lazy_output,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        rule=rule,
        label="track",
        empty_frames=False,
    )


def splitting_in_pixels(signal: Signal2D, options: TrackingOptions) -> SplittingOptions:
    """Return how frames are split, from the options of `track_instances`.

    Parameters
    ----------
    signal
        The signal whose axes give the pixel size.
    options
        The options; their probability is known.
    """
    given, area = options.min_separation, options.min_area
    probability = options.probability
    return SplittingOptions(
        _positive("min_separation", given, pixels(given, signal)),
        SplittingOptions.probability if probability is None else probability,
        None if area is None else square_pixels(area, signal),
    )


def _positive(name: str, given: float | str, in_pixels: float) -> float:
    """Return a length in pixels; what is wrong with it is said as it was given."""
    if in_pixels <= 0:
        raise ValueError(f"{name} has to be positive, not {given!r}.")
    return in_pixels


def linking_in_pixels(signal: Signal2D, options: TrackingOptions) -> LinkingOptions:
    """Return how frames are linked, from the options of `track_instances`."""
    search_range = options.search_range
    return LinkingOptions(
        options.min_overlap,
        options.memory,
        options.drift,
        None
        if search_range is None
        else _positive("search_range", search_range, pixels(search_range, signal)),
    )


def split_frame(
    frame: NDArray[Any], options: SplittingOptions
) -> tuple[NDArray[np.int32], int]:
    """Return labels and dropped regions of one frame, after a check of its values."""
    check_data(frame)
    check_range(frame)
    return split_and_count_particles(frame, options)


def check_one_movie(segmentation: Signal2D) -> None:
    axes = segmentation.axes_manager.navigation_axes
    if any(axis.name == "class" for axis in axes):
        index = [str(axis.name) for axis in axes].index("class")
        found = segmentation.metadata.get_item("HRTEMNN.Segmentation.classes", None)
        classes = [] if found is None else [str(name) for name in found]
        # Networks of others may have what is not an object as a class, mostly first.
        wanted = next((at for at, each in enumerate(classes) if each != BACKGROUND), 0)
        chosen = ", ".join([":"] * index + [str(wanted)])
        raise ValueError(
            "The segmentation has several classes"
            + (f" ({', '.join(classes)})" if classes else "")
            + f"; select one, for example segmentation.inav[{chosen}]."
        )
    if len(axes) > 1:
        names = ", ".join(str(axis.name) for axis in axes)
        raise ValueError(
            f"Particles are tracked along one navigation axis, and there are "
            f"{len(axes)} ({names}). Select one movie with inav."
        )
