# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmented images: a probability for each pixel, and the particles in it."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
from hyperspy.signals import BaseSignal, Signal2D

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import (
    Tracker,
    default_min_area,
    separate,
    separate_and_count,
)
from hyperspy_hrtemnn.bad_frames import check_data

from ._calibration import pixels, sampling, square_pixels
from ._choice import KeepsChoice
from ._columns.column_table import column_table
from ._entrance import OneForm
from ._movies.deferred import whole_frames
from ._movies.frames import computed, derived_signal
from ._movies.linking import linked_frames
from ._movies.skipping import FrameRule
from ._particles.dropped import DroppedRegions
from ._probabilities import check_range, threshold_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from ._instances import Instances


NO_DATA_LABEL = -1
"""Of pixels, and whole frames, without data; ``metadata.HRTEMNN.Instances.no_data``."""


class Segmentation(OneForm, KeepsChoice, Signal2D):  # type: ignore[misc]
    """Probability of each pixel to belong to a class, 0 to 1.

    Array order (..., y, x), or (..., class, y, x) for several classes. It comes from
    `HRTEM.segment`, or is made from any segmentation, a mask drawn by hand too, if its
    values are 0 and 1 or between. NaN is no data, which belongs to no class.

    Examples
    --------
    >>> import hyperspy.api as hs
    >>> import numpy as np
    >>> mask = np.zeros((20, 30), dtype="uint8")
    >>> mask[5:15, 3:12] = 255
    >>> segmentation = hs.signals.Signal2D(mask / 255)
    >>> segmentation.set_signal_type("HRTEM_segmentation")
    >>> segmentation
    <Segmentation, title: , dimensions: (|30, 20)>
    """

    _signal_type = "HRTEM_segmentation"

    def threshold(self, probability: float | None = None) -> Segmentation:
        """Return where the probability is at least a threshold, as a boolean signal.

        Parameters
        ----------
        probability
            The threshold, above 0 and up to 1. By default that of unbiased area:
            what the network's card says, which `HRTEM.segment` keeps in
            ``metadata.HRTEMNN.Segmentation.threshold``; 0.9 for a segmentation of a
            network that is older than this entry, whose answers were no probabilities
            yet; 0.5 for one that no network of this package made. NaN, no data, is
            not above it.

        Returns
        -------
        ``metadata.HRTEMNN.Threshold.probability`` has the threshold.

        Raises
        ------
        ValueError
            If the threshold is out of range, or the signal holds no probabilities.
        """
        probability = threshold_of(self, probability)
        if not 0 < probability <= 1:
            raise ValueError(f"probability has to be in 0 to 1, not {probability}.")
        if not self._lazy:
            check_range(self.data)
        mask: Any = self >= probability
        mask.metadata.set_item(
            "HRTEMNN.Threshold", {"probability": probability, "version": __version__}
        )
        return mask  # type: ignore[no-any-return]

    def area(self, probability: float | None = None) -> BaseSignal:
        """Return the area above a threshold against the navigation axes.

        Parameters
        ----------
        probability
            The threshold, above 0 and up to 1; by default as in `threshold`.

        Returns
        -------
        The area in the square of the unit of the signal axes: for a movie a signal
        along its time, for one image a single number. NaN where a whole frame is.

        Raises
        ------
        ValueError
            If the signal is not calibrated or the threshold is out of range.
        """
        unit = str(self.axes_manager.signal_axes[0].units)
        side = sampling(self, unit)
        mask = self.threshold(probability)
        mask.set_signal_type("")
        area = mask.sum(axis=mask.axes_manager.signal_axes) * side**2
        if self.data.dtype.kind == "f":
            # Before the axes are turned: the data is that of the navigation axes.
            area.data = _where_known(area.data, self.data)
        area.metadata.set_item("Signal.quantity", f"Area ({unit}²)")
        return area.T if self.axes_manager.navigation_dimension else area

    def track_instances(
        self,
        min_separation: float | str,
        *,
        min_overlap: float = 0.5,
        probability: float | None = None,
        min_area: float | str | None = None,
        memory: int = 0,
        drift: bool | ArrayLike = True,
        reach: float | str | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> Instances:
        """Return the single particles, each with one id through all frames.

        In each frame the particles are separated by a watershed; a particle takes
        the id of the one it overlaps most in the frame before (thesis section 3.5).
        The drift of the whole field, of any length that leaves a quarter of the
        particles in view, is found from the particles and taken out before; how large
        it was is in the columns ``x_corrected`` and ``y_corrected`` of
        `Instances.properties`.

        The frames of a lazy movie are linked one after the other in bounded memory,
        when the result is computed or saved. Do either before looking at single
        frames: each look into an uncomputed result links from the first frame on.

        Frames without data (NaN), such as those that `HRTEM.segment` skipped, are -1
        everywhere. Nobody knows what was in them: they do not count as frames in which
        a particle is missing, and the frame after is compared with the one before.

        Parameters
        ----------
        min_separation
            Smallest distance between the centers of touching particles: a number in
            the unit of the signal axes, or a text with a unit, ``"2 nm"``.
        min_overlap
            Smallest overlap, 0 to 1, for particles of two frames to be the same: the
            shared area over that of the smaller one.
        probability
            Pixels of at least this probability belong to a particle. By default the
            threshold of unbiased area, as in `threshold`.
        min_area
            Particles of less area are dropped: a number in the square of the axes'
            unit, or a text, ``"4 nm^2"``. By default a twentieth of the square of
            `min_separation`, for specks. How many were dropped is told in a warning,
            of a lazy result when it is computed, and is
            ``metadata.HRTEMNN.Instances.dropped_regions``.
        memory
            Number of frames a particle may be missing and return with its id; frames
            without data do not count.
        drift
            Whether to take out the drift; or the drift itself in pixels, shape
            (frame, 2), what HyperSpy's ``estimate_shift2D`` returns for the movie.
        reach
            Farthest a particle may move by itself between two frames, a number in the
            unit of the signal axes, or a text, ``"3 nm"``: one that overlaps with
            nothing of the frame before is taken for the nearest that is left there.
            By default it is new.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Returns
        -------
        Labels of the shape of this signal, -1 where it is NaN, no data.
        ``metadata.HRTEMNN.Instances`` has the options, and the threshold that was used
        as ``probability``.

        Raises
        ------
        ValueError
            If there are several classes or more than one navigation axis, a length
            or a number is out of range, the drift is not one place for each frame, or
            the signal is not calibrated where a text
            with a unit is given. If the values are no probabilities; for a lazy
            signal when it is computed.

        Examples
        --------
        >>> particles = segmentation.track_instances("2 nm")  # doctest: +SKIP
        >>> particles.properties()  # doctest: +SKIP
        """
        _check_one_movie(self)
        probability = threshold_of(self, probability)
        if not self._lazy:
            check_range(self.data)
        options = separation_in_pixels(self, min_separation, probability, min_area)
        # Options out of range are refused now, not when the movie is computed.
        separate(np.zeros((1, 1)), **options)
        tracker = Tracker(**linking_in_pixels(self, min_overlap, memory, drift, reach))
        movie = whole_frames(self)
        places = None if isinstance(drift, bool) else np.asarray(drift, float)
        if places is not None and len(places) != len(movie):
            raise ValueError(
                f"The drift has {len(places)} rows, and there are {len(movie)} frames."
            )
        rule = FrameRule("skip", known=True).over(self.data.shape[:-2])
        workers = num_workers or dask.config.get("num_workers", None) or os.cpu_count()
        lazy = self._lazy if lazy_output is None else lazy_output
        result = derived_signal(
            self, da.zeros(self.data.shape, dtype=np.int32), "HRTEM_instances"
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
                "reach": reach,
                "no_data": NO_DATA_LABEL,
                "version": __version__,
            },
        )
        dropped = DroppedRegions.of(result, options["min_area"])
        labels = linked_frames(
            movie,
            partial(separate_frame, **options),
            tracker,
            in_flight=int(workers or 1) + 1,
            when_done=dropped.note,
            rule=rule,
        )
        result.data = labels.reshape(self.data.shape)
        computed(
            result,
            lazy=lazy,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )
        return result  # type: ignore[no-any-return]

    def find_columns(
        self,
        min_separation: float | str | None = None,
        probability: float = 0.5,
        *,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return a table of the atomic columns, one row for each in each frame.

        Where the classes together are at least as probable as the threshold there is
        a column, of the class that is strongest; see
        `hyperspy_hrtemnn.analysis.find_columns`. A class named ``background`` is left
        out. Frame by frame, so that a lazy movie is never in memory as a whole.

        Parameters
        ----------
        min_separation
            Smallest distance between two columns, whatever their classes: a number in
            the unit of the signal axes, or a text with a unit, ``"1 angstrom"``. By
            default 1.5 times the radius of a typical blob of each frame.
        probability
            The threshold, above 0 and below 1; not relative to what else is there.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        ``frame``, ``time`` if the navigation axis is calibrated in a unit of time
        (calibrated in something else, the column has the axis' name, with ``_axis``
        behind it if that is the name of a column), ``class``, the
        name or, where it is not known, the number of the channel, ``x`` and ``y``,
        coordinates of the signal axes in their unit, and ``confidence``, the largest
        probability of that class in the column. The most certain of a frame come
        first; a frame without columns has no rows, and is taken for unknown, not for
        empty, where columns are followed or counted. ``attrs["units"]`` has the unit of
        each column that has one, ``attrs["frames"]`` the number of frames,
        ``attrs["classes"]`` what there may be, and ``attrs["field"]`` the lowest and
        highest ``x`` and ``y`` of the images. What to
        do with it: `link_columns`, `column_events`, `find_vacancies`, `count_columns`
        and `strain_map` of `hyperspy_hrtemnn.analysis`, and `HRTEM.plot_columns`.

        Raises
        ------
        ValueError
            If a number is out of range, a length is none, or has a unit and the axes
            do not, or the values are no probabilities.

        Examples
        --------
        >>> segmentation = series.segment("mos2-columns")  # doctest: +SKIP
        >>> segmentation.find_columns("1 angstrom")  # doctest: +SKIP
        """
        return column_table(
            self,
            min_separation,
            probability,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )


def _where_known(area: Any, probability: Any) -> Any:
    """Return areas, NaN for frames without data; lazily if these are lazy."""
    known = ~np.isnan(probability).all(axis=(-2, -1))
    where = np.where if isinstance(probability, np.ndarray) else da.where
    return where(known.reshape(area.shape), area, np.nan)


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
    reach: float | str | None,
) -> dict[str, Any]:
    """Return the options of `Tracker` from those of `track_instances`."""
    return {
        "min_overlap": min_overlap,
        "memory": memory,
        "drift": drift,
        "reach": None if reach is None else pixels(reach, signal),
    }


def separate_frame(
    frame: NDArray[Any], **options: Any
) -> tuple[NDArray[np.int32], int]:
    """Return labels and dropped regions of one frame, after a check of its values."""
    check_data(frame)
    check_range(frame)
    return separate_and_count(frame, **options)


def _check_one_movie(segmentation: Segmentation) -> None:
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
