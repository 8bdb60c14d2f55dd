# SPDX-License-Identifier: GPL-3.0-or-later
"""Linking of atomic columns from frame to frame while the specimen drifts."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.assignment import assign, near_pairs

from .drift import common_shift, expected_drift
from .table import check_columns, neighbor_distance

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Places = NDArray[np.float64]
    Index = NDArray[np.intp]

# Sightings over which the position of a column is averaged. This lowers its noise, and
# the error that drift accumulates over a movie, and still follows a column that moves.
_AVERAGED = 8

# Width of a bin of the votes for a drift, as a share of the search range.
_BIN = 0.25


def link_columns(
    columns: pd.DataFrame,
    search_range: float | None = None,
    *,
    memory: int = 5,
    max_drift: float | None = None,
) -> pd.DataFrame:
    """Link atomic columns from frame to frame through a movie.

    In each frame the drift of the whole specimen is found first: every column votes for
    the shifts that bring one of its class onto it, and the shift with the most votes is
    taken, so that columns that come, go or move do not change it. Then columns are
    paired one to one with those of the frames before, as many as possible and, among
    these, the nearest. A column without a partner begins a track.

    Only the table and the columns of one frame are in memory.

    Parameters
    ----------
    columns
        Table from `Segmentation.find_columns`: a row for each column in each frame,
        with ``frame``, ``x`` and ``y`` in any unit, and ``class`` if there is one.
    search_range
        Longest distance that a column may move between frames, without the drift, in
        the unit of ``x``. The default is half the median distance to the nearest
        column.
    memory
        Number of frames in which a column may be missing and still return to its track.
        Frames without any column, which were left out, do not count.
    max_drift
        Longest drift of the specimen between frames, in the unit of ``x``. The default
        is half the median distance to the nearest column of the same class: in a
        perfect lattice a longer shift looks like a shorter one. Give more where edges
        and defects make the shift unique. Over frames that were left out, this limits
        the difference from the steady drift of the frames before, if it was steady, or
        else from no drift.

    Returns
    -------
    The table with ``track``, a number from 1 on, and ``x_corrected`` and
    ``y_corrected``, the position without the drift since the first frame.

    Raises
    ------
    ValueError
        If the table lacks a column, a position is not finite, or a number is out of
        range.

    Examples
    --------
    >>> import pandas as pd
    >>> moving = {"frame": [0, 0, 1, 1], "x": [0, 2, 2.1, 0.1], "y": [0, 0, 0, 0]}
    >>> link_columns(pd.DataFrame(moving))["track"].tolist()
    [1, 2, 2, 1]
    """
    check_columns(columns, "frame", "x", "y")
    if memory < 0 or memory != int(memory):
        raise ValueError(f"memory is a number of frames, not {memory}.")
    frame = columns["frame"].to_numpy()
    places = columns[["x", "y"]].to_numpy(float)
    classes = np.zeros(len(columns), np.intp)
    if "class" in columns:
        codes = columns["class"].astype("category").cat.codes
        classes = np.asarray(codes, np.intp)
    for name, length in (("search_range", search_range), ("max_drift", max_drift)):
        if length is not None and not (length > 0 and math.isfinite(length)):
            raise ValueError(f"{name} has to be positive, not {length}.")
    if search_range is None:
        search_range = neighbor_distance(columns) / 2
    if max_drift is None:
        max_drift = neighbor_distance(columns, same_class=True) / 2
    if len(columns) and math.isinf(search_range):
        raise ValueError(
            "No frame has two columns, so that search_range has to be given."
        )
    if math.isinf(max_drift):
        max_drift = search_range

    order = np.argsort(frame, kind="stable")
    numbers = np.unique(frame)
    bounds = np.append(np.searchsorted(frame[order], numbers), len(order))
    track = np.zeros(len(columns), np.intp)
    corrected = places.copy()
    known = _Known.none()
    drifts = np.zeros((len(numbers), 2))
    tracks = 0
    # Only frames with columns are counted, so that left-out frames do not use up
    # memory.
    for count, (first, end) in enumerate(itertools.pairwise(bounds.tolist())):
        rows = order[first:end]
        drift = expected_drift(numbers[: count + 1], drifts[:count])
        found, kinds = places[rows] - drift, classes[rows]
        known = known.since(count - memory - 1)
        step = common_shift(
            (known.places, known.classes),
            (found, kinds),
            max_drift,
            _BIN * search_range,
        )
        drifts[count], found = drift + step, found - step
        before, now = assign(*near_pairs(known.places, found, search_range))
        ids = np.zeros(len(rows), np.intp)
        ids[now] = known.track[before]
        new = np.flatnonzero(ids == 0)
        ids[new] = tracks + 1 + np.arange(len(new))
        tracks += len(new)
        track[rows], corrected[rows] = ids, found
        known = known.updated(before, now, _Known.seen(found, kinds, ids, count))
    return columns.assign(
        track=track, x_corrected=corrected[:, 0], y_corrected=corrected[:, 1]
    )


@dataclass(frozen=True)
class _Known:
    """Columns that were seen: positions without drift, class, track, frame, sightings.

    The frame is counted among those with columns.
    """

    places: Places
    classes: Index
    track: Index
    frame: Index
    sightings: Index

    @classmethod
    def none(cls) -> _Known:
        empty = np.zeros(0, np.intp)
        return cls(np.zeros((0, 2)), empty, empty, empty, empty)

    @classmethod
    def seen(cls, places: Places, classes: Index, track: Index, frame: int) -> _Known:
        once = np.ones(len(track), np.intp)
        return cls(places, classes, track, once * frame, once)

    def since(self, frame: int) -> _Known:
        """Return the columns that were last seen in this frame or later."""
        return self._only(self.frame >= frame)

    def updated(self, before: Index, now: Index, seen: _Known) -> _Known:
        """Return the columns seen now, and earlier ones that were not seen again."""
        sightings = seen.sightings.copy()
        sightings[now] += np.minimum(self.sightings[before], _AVERAGED - 1)
        places = seen.places.copy()
        step = places[now] - self.places[before]
        places[now] = self.places[before] + step / sightings[now, np.newaxis]
        left = np.ones(len(self.track), bool)
        left[before] = False
        gone = self._only(left)
        return _Known(
            np.concatenate([places, gone.places]),
            np.concatenate([seen.classes, gone.classes]),
            np.concatenate([seen.track, gone.track]),
            np.concatenate([seen.frame, gone.frame]),
            np.concatenate([sightings, gone.sightings]),
        )

    def _only(self, kept: NDArray[np.bool_]) -> _Known:
        return _Known(
            self.places[kept],
            self.classes[kept],
            self.track[kept],
            self.frame[kept],
            self.sightings[kept],
        )
